"""Filling in for a resident: drafts, completion, signatures of several assessors, withdrawal; under the caller's grant."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from kangshu.access import Grant, Nothing, system_grant
from kangshu.base.canonical import code_system, sensitivity
from kangshu.base.clock import CITY_ZONE, instant, now
from kangshu.base.faults import Conflict, Forbidden, Issue, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.questionnaires.answers import read_answers
from kangshu.questionnaires.resources import (
    ABOUT_CASE,
    ASSESSOR,
    canonical_of,
    identity_of,
    measured_resources,
    observation_resource,
    parameters_of,
    questionnaire_resource,
    response_resource,
    signature,
)
from kangshu.questionnaires.scoring import Outcome, reckon
from kangshu.sdk import QuestionnaireDeclaration, Resource
from kangshu.search import parse_query
from kangshu.store import LABELLING, Store, Stored, Transaction, new_id
from kangshu.validate import validate

RESPONSE: Final = "QuestionnaireResponse"
_ASSESSMENT: Final = code_system("assessment")
_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, and when (an instant)."""

    account: str
    name: str
    when: str


@dataclass(frozen=True, slots=True)
class Filled:
    """One filled-in questionnaire with all that follows from it."""

    declaration: QuestionnaireDeclaration
    response: Resource
    version: int
    answers: Mapping[str, Any]
    outcome: Outcome
    signatures: tuple[Signature, ...]
    needed: int
    """How many must sign."""
    observation: Resource | None

    @property
    def id(self) -> str:
        """Return its id."""
        return str(self.response["id"])

    @property
    def status(self) -> str:
        """Return QuestionnaireResponse.status."""
        return str(self.response.get("status", ""))

    @property
    def subject(self) -> str:
        """Return the reference of whom it is about."""
        return str(self.response.get("subject", {}).get("reference", ""))

    @property
    def day(self) -> str:
        """Return the day of the assessment."""
        return str(self.response.get("authored", ""))[:10]

    @property
    def about(self) -> str:
        """Return the reference of the case for which it was filled in, "" for none."""
        return next(
            (
                str(one["valueReference"]["reference"])
                for one in self.response.get("extension", ())
                if one.get("url") == ABOUT_CASE
            ),
            "",
        )

    @property
    def waits(self) -> bool:
        """Return whether a signature is still missing."""
        return self.status == "completed" and len(self.signatures) < self.needed


class Questionnaires:
    """The questionnaires of an installation."""

    def __init__(
        self,
        store: Store,
        declarations: Iterable[QuestionnaireDeclaration],
        parameters: ParameterTable,
        jurisdiction: str = "",
    ) -> None:
        ordered = sorted(declarations, key=lambda one: (one.order, one.code))
        self._declared = {one.code: one for one in ordered}
        self._by_url = {canonical_of(one): one for one in ordered}
        self._store = store
        self._parameters = parameters
        self._jurisdiction = jurisdiction

    @property
    def declarations(self) -> tuple[QuestionnaireDeclaration, ...]:
        """Return every questionnaire in the order in which they are offered."""
        return tuple(self._declared.values())

    def declaration(self, code: str) -> QuestionnaireDeclaration:
        """Return the questionnaire `service/id`. Raises NotFound."""
        found = self._declared.get(code)
        if found is None:
            raise NotFound(f"there is no questionnaire '{code[:80]}'", zh=f"没有量表“{code[:80]}”")
        return found

    def offered(self, grant: Grant) -> tuple[QuestionnaireDeclaration, ...]:
        """Return the questionnaires that this account may fill in."""
        may = grant.may("register.write") and not isinstance(grant.may_write(RESPONSE), Nothing)
        return tuple(self._declared.values()) if may else ()

    def reckon(
        self,
        declaration: QuestionnaireDeclaration,
        answers: Mapping[str, Any],
        day: date,
        kept: Mapping[str, ParameterVersion] = MappingProxyType({}),
    ) -> Outcome:
        """Return what answers come to by the figures `kept`, else by those in force on `day`. Raises ParameterMissing."""

        def figure(name: str) -> ParameterVersion:
            return kept.get(name) or self._parameters.version(name, self._jurisdiction, day)

        return reckon(declaration, answers, figure)

    def needed(self, declaration: QuestionnaireDeclaration, day: date) -> int:
        """Return how many people must sign."""
        if not declaration.assessors:
            return 1
        return max(1, int(self._parameters.value(declaration.assessors, self._jurisdiction, day)))

    def stacking(self, declaration: QuestionnaireDeclaration, day: date) -> ParameterVersion | None:
        """Return the rule by which changes of level add up, None where the questionnaire names none."""
        if not declaration.stacking:
            return None
        return self._parameters.find(declaration.stacking, self._jurisdiction, day)

    def cut_offs(self, declaration: QuestionnaireDeclaration, day: date) -> Mapping[str, ParameterVersion]:
        """Return the figures in force of the questionnaire's cut-offs, by parameter id."""
        names = {option.least for level in declaration.levels for option in level.options if option.least}
        found = {name: self._parameters.find(name, self._jurisdiction, day) for name in sorted(names)}
        return {name: version for name, version in found.items() if version is not None}

    async def save(
        self,
        grant: Grant,
        code: str,
        subject: str,
        answers: Mapping[str, Any],
        *,
        day: date,
        complete: bool,
        id: str = "",
        if_match: int | None = None,
        about: str = "",
    ) -> Stored:
        """Keep answers as a draft or, `complete`, sign them; then the Observation is written in the same transaction.

        Raises:
            Unprocessable: complete, but items are missing (its issues name each), or a day to come.
            Conflict: it was completed or withdrawn before. PreconditionFailed: somebody else saved it meanwhile.
            NotFound, Forbidden: the account may not.
        """
        grant.require("register.write")
        declaration = self.declaration(code)
        if day > now().astimezone(CITY_ZONE).date():
            raise Unprocessable(
                "an assessment cannot be dated ahead",
                zh="评估日期不能晚于今天",
                issues=(Issue("error", "value", "day to come", ("_day",), "评估日期不能晚于今天"),),
            )
        outcome = self.reckon(declaration, answers, day)
        if complete and outcome.missing:
            raise Unprocessable(
                f"{len(outcome.missing)} items have no answer",
                zh=f"还有 {len(outcome.missing)} 项未填",
                issues=tuple(
                    Issue(
                        "error",
                        "required",
                        f"'{one.title.en}' has no answer",
                        (one.id,),
                        f"“{one.title.zh}”未填",
                    )
                    for one in outcome.missing
                ),
            )
        async with self._store.transaction(_labelling(grant, declaration)) as transaction:
            await transaction.read(declaration.subject_type, subject.partition("/")[2])
            if id:
                await transaction.lock(RESPONSE, id)
                before = (await transaction.read(RESPONSE, id)).resource
                _require_draft(before)
                about = about or Filled(declaration, before, 0, {}, outcome, (), 1, None).about
            response = response_resource(
                declaration,
                subject,
                answers,
                outcome,
                id=id or new_id(),
                authored=day.isoformat(),
                author=_author(grant),
                complete=complete,
                about=about,
            )
            _mark(response, declaration)
            if complete:
                response.setdefault("extension", []).append(_signed(grant))
                await self._publish(transaction, declaration)
            _require_valid(response)
            written = await transaction.update(response, if_match=if_match)
            if complete:
                await self._observe(transaction, declaration, response, outcome, day)
        return written.stored

    async def read(self, grant: Grant, id: str) -> Filled:
        """Return one filled-in questionnaire. Raises NotFound also for one that no service here declares."""
        grant.require("register.read")
        stored = await self._store.read(grant, RESPONSE, id)
        declaration = self._of(stored.resource)
        observations = await self._store.search_all(
            grant, "Observation", f"derived-from={RESPONSE}/{id}&status:not=entered-in-error"
        )
        return self._filled(declaration, stored, _result_among(declaration, observations))

    async def sign(self, grant: Grant, id: str) -> Stored:
        """Sign what somebody else has completed; with the last signature the result is final.

        Raises:
            Conflict: it is a draft, withdrawn, or signed by all. Forbidden: one's own, or another organisation's.
        """
        grant.require("register.write")
        async with self._store.transaction(grant) as transaction:
            await transaction.lock(RESPONSE, id)
            stored = await transaction.read(RESPONSE, id)
            declaration = self._of(stored.resource)
            filled = self._filled(declaration, stored, None)
            if not filled.waits:
                raise Conflict("this waits for nobody's signature", zh="该表不在等待签名")
            if grant.account in {one.account for one in filled.signatures}:
                raise Forbidden("another assessor has to sign", zh="须由另一名评估人员签名")
            author = str(stored.resource.get("author", {}).get("reference", ""))
            if not grant.acts_for(author.removeprefix("Organization/")):
                raise Forbidden("the assessors are of one body", zh="须由同一评估机构的人员签名")
            response = {
                **stored.resource,
                "extension": [*stored.resource.get("extension", ()), _signed(grant)],
            }
            written = await transaction.update(response, if_match=stored.version)
            await self._observe(
                transaction, declaration, response, filled.outcome, date.fromisoformat(filled.day)
            )
        return written.stored

    async def withdraw(self, grant: Grant, id: str, reason: str) -> Stored:
        """Mark a questionnaire, and its result, as entered in error. Raises Unprocessable without a reason."""
        grant.require("register.write")
        if not reason.strip():
            raise Unprocessable("a reason is needed", zh="请填写作废原因")
        async with self._store.transaction(grant) as transaction:
            await transaction.lock(RESPONSE, id)
            stored = await transaction.read(RESPONSE, id)
            self._of(stored.resource)
            noted = {"url": f"{ASSESSOR}-withdrawn", "valueString": reason.strip()[:500]}
            response = {
                **stored.resource,
                "status": "entered-in-error",
                "extension": [*stored.resource.get("extension", ()), noted],
            }
            written = await transaction.update(response, if_match=stored.version)
            for one in await transaction.search_all("Observation", f"derived-from={RESPONSE}/{id}"):
                await transaction.update({**one, "status": "entered-in-error"})
        return written.stored

    async def listed(
        self, grant: Grant, *, subject: str = "", status: str = "", code: str = ""
    ) -> Sequence[Filled]:
        """Return the newest questionnaires that the grant sees, at most 100; those of removed services are left out."""
        grant.require("register.read")
        criteria = [f"_sort=-_lastUpdated&_count={_SHOWN}"]
        if subject:
            criteria.append(f"subject={subject}")
        if status:
            criteria.append(f"status={status}")
        if code:
            criteria.append(f"questionnaire:below={canonical_of(self.declaration(code))}")
        page = await self._store.search(grant, parse_query(RESPONSE, parse_qsl("&".join(criteria))))
        return [
            self._filled(self._of(one.resource), one, None)
            for one in page.entries
            if _url(one.resource) in self._by_url
        ]

    def _of(self, response: Resource) -> QuestionnaireDeclaration:
        found = self._by_url.get(_url(response))
        if found is None:
            raise NotFound("there is no such questionnaire", zh="没有此量表")
        return found

    def _filled(
        self, declaration: QuestionnaireDeclaration, stored: Stored, observation: Resource | None
    ) -> Filled:
        answers = read_answers(declaration, stored.resource)
        day = date.fromisoformat(str(stored.resource["authored"])[:10])
        return Filled(
            declaration,
            stored.resource,
            stored.version,
            answers,
            self.reckon(declaration, answers, day, parameters_of(stored.resource)),
            tuple(_signatures(stored.resource)),
            self.needed(declaration, day),
            observation,
        )

    async def _observe(
        self,
        transaction: Transaction,
        declaration: QuestionnaireDeclaration,
        response: Resource,
        outcome: Outcome,
        day: date,
    ) -> None:
        """Write the result, one Observation per response, and what was measured, one each."""
        if declaration.subject_type != "Patient":
            return
        final = len(list(_signatures(response))) >= self.needed(declaration, day)
        performers = [one for one in dict.fromkeys([_author(transaction.grant), *_people(response)]) if one]
        answers = read_answers(declaration, response)
        for one in measured_resources(
            declaration, response, answers, outcome, issued=instant(now()), final=final, performers=performers
        ):
            _mark(one, declaration)
            _require_valid(one)
            await transaction.update(one)
        if declaration.result is None:
            return
        held = await transaction.search_all("Observation", f"derived-from={RESPONSE}/{response['id']}")
        known = _result_among(declaration, held)
        observation = observation_resource(
            declaration,
            declaration.result,
            response,
            outcome,
            id=str(known["id"]) if known else new_id(),
            issued=instant(now()),
            final=final,
            performers=performers,
            until=self._until(declaration, day),
        )
        _mark(observation, declaration)
        _require_valid(observation)
        await transaction.update(observation)

    def _until(self, declaration: QuestionnaireDeclaration, day: date) -> date | None:
        """Return the last day on which the result holds, None where no figure says how long."""
        found = (
            self._parameters.find(declaration.valid_months, self._jurisdiction, day)
            if declaration.valid_months
            else None
        )
        if found is None:
            return None
        years, month = divmod(day.month - 1 + int(found.value), 12)
        year, month = day.year + years, month + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))

    async def _publish(self, transaction: Transaction, declaration: QuestionnaireDeclaration) -> None:
        """Keep the Questionnaire as it was answered: whoever works in FHIR reads it beside the responses."""
        own = transaction.under(system_grant("publishing a questionnaire"))
        made = questionnaire_resource(declaration)
        page = await own.search_all("Questionnaire", f"_id={identity_of(declaration)}")
        if not page or page[0].get("version") != made["version"]:
            await own.update(made)


def _url(response: Resource) -> str:
    return str(response.get("questionnaire", "")).partition("|")[0]


def _author(grant: Grant) -> str:
    if grant.organisation:
        return f"Organization/{grant.organisation}"
    return f"Practitioner/{grant.practitioner}" if grant.practitioner else ""


def _people(response: Resource) -> list[str]:
    return [
        str(part["valueReference"]["reference"])
        for one in response.get("extension", ())
        if one.get("url") == ASSESSOR
        for part in one.get("extension", ())
        if part.get("url") == "who"
    ]


def _signatures(response: Resource) -> Iterable[Signature]:
    for one in response.get("extension", ()):
        if one.get("url") == ASSESSOR:
            held = {part["url"]: part for part in one.get("extension", ())}
            yield Signature(
                str(held.get("account", {}).get("valueString", "")),
                str(held.get("name", {}).get("valueString", "")),
                str(held.get("when", {}).get("valueDateTime", "")),
            )


def _labels(declaration: QuestionnaireDeclaration) -> tuple[str, ...]:
    return declaration.result.labels if declaration.result is not None else ()


def _labelling(grant: Grant, declaration: QuestionnaireDeclaration) -> Grant:
    """Return the grant that writes the form: what it is about settles its labels, whoever fills it in."""
    return replace(grant, operations=grant.operations | {LABELLING}) if _labels(declaration) else grant


def _mark(resource: Resource, declaration: QuestionnaireDeclaration) -> None:
    """Give a record of a sensitive form its labels."""
    if labels := _labels(declaration):
        resource["meta"] = {**resource.get("meta", {}), "security": [sensitivity(one) for one in labels]}


def _signed(grant: Grant) -> Resource:
    who = f"Practitioner/{grant.practitioner}" if grant.practitioner else ""
    return signature(
        who, grant.account, grant.display, now().astimezone(CITY_ZONE).isoformat(timespec="seconds")
    )


def _require_draft(response: Resource) -> None:
    if response.get("status") != "in-progress":
        raise Conflict(
            "it is complete and signed: withdraw it and fill in a new one",
            zh="该表已完成并签名，不能再改；如有错误请作废后重新填写",
        )


def _require_valid(resource: Resource) -> None:
    """Raise Unprocessable when a record we made is not valid R4: nothing wrong is ever written."""
    wrong = tuple(one for one in validate(resource) if one.severity in ("error", "fatal"))
    if wrong:
        raise Unprocessable("the record is not valid", zh="记录不符合数据标准", issues=wrong)


def _result_among(declaration: QuestionnaireDeclaration, observations: Iterable[Resource]) -> Resource | None:
    """Return the Observation that holds the result of the form, of all that were made from it."""
    code = declaration.result.code if declaration.result else ""
    return next((one for one in observations if code in _assessments(one)), None)


def _assessments(observation: Resource) -> Iterator[str]:
    """Yield the codes of an Observation in the system of assessments."""
    for one in observation["code"].get("coding", ()):
        if one.get("system") == _ASSESSMENT:
            yield str(one.get("code"))
