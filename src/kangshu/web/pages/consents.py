"""我的授权: what a resident is asked, what stands, what was withdrawn; for oneself and for those in one's care."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import name_of, record_copy
from kangshu.base.canonical import CASE_KIND
from kangshu.base.clock import today
from kangshu.base.faults import Conflict, Fault, NotFound, PreconditionFailed, Unprocessable
from kangshu.sdk import CaseDeclaration, Field, Option, Resource, Text
from kangshu.web.forms import FormField, form_fields, sent_values, shown_value, told
from kangshu.web.lookup import choices_of
from kangshu.web.parts import Fact, Link
from kangshu.web.people import name_of_person
from kangshu.web.visit import Visit, texts

CARRIED: Final = "consent"
_ASKED: Final = ("recipient", "purpose", "kinds", "until")
"""What a resident fills in who gives a consent unasked; the page fills in the rest of the notice."""
_WHOSE: Final = "whose"
_HALF_A_YEAR: Final = timedelta(days=182)


@dataclass(slots=True)
class ShownConsent:
    """One consent: what it is, and what its person may do with it now."""

    id: str
    title: str
    whose: str
    """Name of the person in one's care; "" for oneself."""
    facts: list[Fact]
    state: str
    tone: str
    open: bool
    """Whether it waits for a decision."""
    holds: bool
    version: int
    number: str
    acts: list[Act] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return its page."""
        return f"/me/consents/{self.id}"


@dataclass(frozen=True, slots=True)
class Act:
    """A button: `blocked` says why it is not possible."""

    id: str
    title: str
    tone: str
    blocked: str = ""


def people_of(visit: Visit) -> list[str]:
    """Return the ids of the residents for whom the visitor decides: oneself first."""
    own = [visit.grant.patient] if visit.grant.patient else []
    return [*own, *sorted(visit.grant.wards - set(own))]


async def names_of_wards(visit: Visit) -> dict[str, str]:
    """Return the names of those in the visitor's care, by id."""
    wards = [id_ for id_ in people_of(visit) if id_ != visit.grant.patient]
    names = {id_: await name_of_person(visit, id_) for id_ in wards}
    return {id_: name for id_, name in names.items() if name}


async def consents_of(visit: Visit) -> list[ShownConsent]:
    """Return the consents of the visitor and of those in the visitor's care, the newest first."""
    declaration = visit.platform.cases.carrying(CARRIED)
    if declaration is None:
        return []
    names = await names_of_wards(visit)
    found: list[tuple[str, ShownConsent]] = []
    for person in people_of(visit):
        tasks = await visit.platform.store.search_all(
            visit.grant, "Task", f"code={CASE_KIND}|{declaration.code}&subject=Patient/{person}"
        )
        for task in tasks:
            found.append((str(task.get("authoredOn", "")), await _shown(visit, declaration, task, names)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)]


async def consents(visit: Visit) -> Response:
    """Show the list."""
    _require_person(visit)
    listed = await consents_of(visit)
    return visit.render(
        "consents.html",
        waiting=[one for one in listed if one.open],
        holding=[one for one in listed if one.holds],
        past=[one for one in listed if not one.open and not one.holds],
        links=[
            Link(visit.words("主动授权"), "/me/consents/new", "plus"),
            Link(visit.words("谁看过我的档案"), "/me/lookups", "log"),
            Link(visit.words("导出我的档案"), "/me/copy", "download"),
        ],
        rights=_rights(visit),
    )


async def consent(visit: Visit) -> Response:
    """Show one consent with its notice, its history and the buttons."""
    return await _page(visit)


async def decide(visit: Visit) -> Response:
    """Agree, refuse or withdraw; what is refused is told on the page."""
    _, task = await _task(visit)
    form = texts(await visit.form())
    version = form.get("_version", "")
    try:
        await visit.platform.cases.move(
            visit.grant,
            str(task["id"]),
            visit.path("move"),
            {},
            if_match=int(version) if version.isdigit() and len(version) < 10 else None,
        )
    except (Conflict, PreconditionFailed, Unprocessable) as fault:
        return await _page(visit, fault)
    return visit.go(f"/me/consents/{task['id']}", said="decided")


async def copy(visit: Visit) -> Response:
    """Hand out the visitor's own record, or that of someone in the visitor's care, as one FHIR Bundle (PIPL Art. 45)."""
    _require_person(visit)
    person = visit.query("of") or people_of(visit)[0]
    if person not in people_of(visit):
        raise NotFound("there is no such person in your care", zh="没有此被监护人")
    bundle = await record_copy(visit.platform, visit.grant, person)
    return visit.download(bundle, visit.words("我的健康档案") + ".json", "application/fhir+json")


async def new(visit: Visit) -> Response:
    """Show the form with which a resident gives a consent unasked."""
    _require_person(visit)
    until = (today() + _HALF_A_YEAR).isoformat()
    values = {"until": until, "recipient": visit.query("recipient"), _WHOSE: visit.grant.patient}
    return await _form(visit, values)


async def give(visit: Visit) -> Response:
    """Start the consent and agree to it; a refused form comes back."""
    _require_person(visit)
    declaration = _declaration(visit)
    fields = await _fields(visit, declaration)
    values = sent_values(fields, texts(await visit.form()))
    person = str(values.get(_WHOSE) or visit.grant.patient)
    if person not in people_of(visit):
        raise NotFound("there is no such person in your care", zh="没有此被监护人")
    try:
        started = await visit.platform.cases.start(
            visit.grant, declaration.code, _notice(visit, declaration, values), subject=f"Patient/{person}"
        )
    except (Unprocessable, NotFound) as fault:
        return await _form(visit, values, fault)
    agree = next(
        (
            one
            for one in await visit.platform.cases.offers(visit.grant, started)
            if one.move.tone == "primary"
        ),
        None,
    )
    if agree is not None and agree.blocked is None:
        await visit.platform.cases.move(visit.grant, started.id, agree.move.id, {})
    return visit.go(f"/me/consents/{started.id}", said="decided")


async def _page(visit: Visit, fault: Fault | None = None) -> Response:
    declaration, task = await _task(visit)
    shown = await _shown(visit, declaration, task, await names_of_wards(visit))
    titles = {state.id: visit.words.of(state.title) for state in declaration.states}
    moves = {move.id: visit.words.of(move.title) for move in declaration.moves}
    history = await visit.platform.cases.history(visit.grant, str(task["id"]))
    return visit.render(
        "consent.html",
        422 if fault else 200,
        one=shown,
        facts=[
            *_asker(visit, history[0] if history else None),
            *await _facts(visit, declaration, history[0].values if history else {}),
        ],
        issues=told(visit.words, fault) or [visit.words.of(Text(fault.zh, fault.text))] if fault else [],
        events=[
            (
                moves.get(event.move, visit.words("提出")),
                " · ".join(filter(None, (event.organisation_name, event.who))),
                titles.get(event.target, ""),
                event.when,
            )
            for event in reversed(history)
        ],
    )


def _asker(visit: Visit, started: Any) -> list[Fact]:
    """Return who asks for the consent, and so handles the information (PIPL Art. 17)."""
    if started is None or not started.organisation_name:
        return []
    return [Fact(visit.words("征求同意的机构（个人信息处理者）"), started.organisation_name)]


async def _shown(
    visit: Visit, declaration: CaseDeclaration, task: Resource, names: Mapping[str, str]
) -> ShownConsent:
    words = visit.words
    row = await visit.platform.cases.row(visit.grant, str(task["id"]))
    history = await visit.platform.cases.history(visit.grant, str(task["id"]))
    values = history[0].values if history else {}
    told_ = {fact.title: fact for fact in await _facts(visit, declaration, values, _ASKED)}
    facts = list(told_.values())
    state = next((one for one in declaration.states if one.id == row.state), None)
    waits = state is not None and not state.final and state.box != "none"
    holds = state is not None and not state.final and state.box == "none"
    shown = ShownConsent(
        id=str(task["id"]),
        title=facts[0].value if facts else words.of(declaration.title),
        whose=names.get(row.subject.removeprefix("Patient/"), ""),
        facts=facts[1:],
        state=words.of(row.state_title),
        tone="amber" if waits else "green" if holds else "",
        open=waits,
        holds=holds,
        version=row.version,
        number=row.number,
    )
    for offer in await visit.platform.cases.offers(visit.grant, task):
        if not offer.move.form and ("patient" in offer.move.by):
            blocked = words.of(offer.blocked) if offer.blocked is not None else ""
            shown.acts.append(Act(offer.move.id, words.of(offer.move.title), offer.move.tone, blocked))
    return shown


async def _facts(
    visit: Visit, declaration: CaseDeclaration, values: Mapping[str, Any], only: Sequence[str] = ()
) -> list[Fact]:
    fields = [one for one in declaration.form if one.id in values and (not only or one.id in only)]
    if only:
        fields.sort(key=lambda one: list(only).index(one.id))
    choices = await choices_of(visit, [one for one in fields if one.kind != "organisation"])
    found = []
    for one in fields:
        text = shown_value(visit.words, one, values[one.id], choices)
        if one.kind == "organisation":
            text = await _organisation(visit, str(values[one.id]))
        found.append(Fact(visit.words.of(one.title), text, wide=one.kind == "paragraph" or len(text) > 30))
    return found


async def _organisation(visit: Visit, reference: str) -> str:
    try:
        stored = await visit.platform.store.read(
            visit.grant, "Organization", reference.removeprefix("Organization/")
        )
    except Fault:
        return visit.words("已注销的机构")
    return name_of(stored.resource)


async def _fields(visit: Visit, declaration: CaseDeclaration) -> tuple[Field, ...]:
    """Return what is asked of a resident who consents unasked."""
    asked = {one.id: one for one in declaration.form}
    fields = [asked[name] for name in _ASKED if name in asked]
    wards = await names_of_wards(visit)
    if wards:
        own = [Option(visit.grant.patient, Text("本人", "myself"))] if visit.grant.patient else []
        people = (*own, *(Option(id_, Text(name, name)) for id_, name in wards.items()))
        fields.insert(0, Field(_WHOSE, Text("为谁授权", "For whom"), "choice", required=True, options=people))
    return tuple(fields)


def _notice(visit: Visit, declaration: CaseDeclaration, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the whole notice of a consent that nobody asked for: what the form leaves out is the product's own text."""
    words = visit.words
    texts_ = {
        "kind": "provision",
        "purpose_text": words("本人主动授权，用于所选目的"),
        "method": words("接收机构的工作人员按岗位权限在本平台查看，每次查看留痕"),
        "retention": words("到期或撤回后立即关闭查看"),
        "contact": words("接收机构的服务窗口"),
        "refusal": words("可以不授权，不影响在任何机构就诊和接受服务"),
        "notice_version": "1",
    }
    known = {one.id for one in declaration.form}
    return {
        **{name: text for name, text in texts_.items() if name in known},
        **{name: value for name, value in values.items() if name in known},
    }


async def _form(visit: Visit, values: dict[str, Any], fault: Fault | None = None) -> Response:
    words, declaration = visit.words, _declaration(visit)
    fields = await _fields(visit, declaration)
    shown: list[FormField] = form_fields(
        words, fields, values, fault.issues if fault else (), await choices_of(visit, fields, values)
    )
    return visit.render(
        "form.html",
        422 if fault else 200,
        title=words("主动授权"),
        lead=words("选择让哪家机构、为了什么、看哪些信息、看到哪一天。随时可以撤回，撤回立即生效。"),
        trail=[(words("我的健康"), "/"), (words("我的授权"), "/me/consents"), (words("主动授权"), "")],
        issues=told(words, fault, fields) if fault else [],
        action="/me/consents/new",
        hidden=(),
        fields=shown,
        files=False,
        submit=words("同意授权"),
        cancel="/me/consents",
    )


async def _task(visit: Visit) -> tuple[CaseDeclaration, Resource]:
    """Return the case of the address. Raises NotFound unless it is a consent of the visitor's people."""
    _require_person(visit)
    declaration = _declaration(visit)
    task = (await visit.platform.store.read(visit.grant, "Task", visit.path("id"))).resource
    codes = {one.get("code") for one in task.get("code", {}).get("coding", ())}
    whose = str((task.get("for") or {}).get("reference", "")).removeprefix("Patient/")
    if declaration.code not in codes or not visit.grant.acts_as(whose):
        raise NotFound("there is no such consent of yours", zh="没有这份授权")
    return declaration, task


def _declaration(visit: Visit) -> CaseDeclaration:
    declaration = visit.platform.cases.carrying(CARRIED)
    if declaration is None:
        raise NotFound("no service of this installation keeps consents", zh="本系统未启用授权管理")
    return declaration


def _require_person(visit: Visit) -> None:
    """Raise NotFound for accounts that are no resident and act for none."""
    if not people_of(visit):
        raise NotFound("this page is for residents", zh="本页面供居民使用")


def _rights(visit: Visit) -> str:
    """Return where a request about one's own information is made, "" where no service takes it."""
    kind = visit.platform.cases.carrying("rights")
    return f"/cases/start/{kind.code}" if kind is not None else ""
