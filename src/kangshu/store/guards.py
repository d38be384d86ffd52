"""What a grant alone does not keep: records that one room of the product owns, and residents that a writer names.

A care relation opens a resident's record, and care relations are records. Were a writer to name any resident, one
Encounter or Contract would open the record of whoever stands in it: so a writer names only residents that it sees,
and opens a relation again (a visit that had ended, a contract) only while it does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from kangshu.access import AllOf, AnyOf, Everything, Grant, InCare, Predicate, care_rules
from kangshu.base.canonical import BASE, CASE_KIND, code_system, structure
from kangshu.base.faults import Conflict, Forbidden, Unprocessable
from kangshu.sdk import Resource
from kangshu.store.care import enter, forget
from kangshu.store.reading import Reader
from kangshu.store.relations import SILENT, Told
from kangshu.store.scopes import SOMEBODY, restricting

REPORTED = f"{BASE}/Measure/reported-"
"""Begin of the measure of a reported value: it is submitted by one and reviewed by another."""
FROZEN_NUMBER: Final = f"{BASE}/sid/snapshot-number"
"""Identifier system of frozen snapshots, 快〔2026〕0001号."""
PUBLICATION_NUMBER: Final = f"{BASE}/sid/publication-number"
"""Identifier system of publications: the number of the snapshot of which one shows a part to everybody."""
FROZEN_TAG: Final = {"system": code_system("frozen"), "code": "snapshot", "display": "快照"}
"""meta.tag of both records of a frozen snapshot: once they stand, nobody changes or deletes them."""

OFFICIAL: Final = structure("official-document")
"""Extension of a DocumentReference: the declaration (service/document) that a case made it from. Cases alone write it."""


def is_frozen(resource: Resource) -> bool:
    """Return whether a record is part of a frozen snapshot."""
    meta = resource.get("meta")
    tags = meta.get("tag") if isinstance(meta, dict) else None
    numbers = resource.get("identifier")
    return _names(tags, FROZEN_TAG["system"]) or _names(numbers, FROZEN_NUMBER)


def _names(listed: Any, system: str) -> bool:
    return isinstance(listed, list) and any(
        isinstance(one, dict) and one.get("system") == system for one in listed
    )


def check_frozen(resource: Resource) -> None:
    """Raise Conflict where `resource`, which stands, is part of a frozen snapshot: the product itself changes none."""
    if is_frozen(resource):
        raise Conflict(
            "this is a frozen snapshot: it is never changed or deleted; freeze a new one",
            zh="该记录是已冻结的快照，不得修改或删除；如需更新请另行冻结",
        )


def check_owned(grant: Grant, type: str, resource: Resource) -> None:
    """Raise Conflict for a direct write to a record that a room of the product moves: a case, a reported value."""
    if type == "Task" and not grant.may("case.engine"):
        codings = (resource.get("code") or {}).get("coding") or ()
        if any(isinstance(coding, dict) and coding.get("system") == CASE_KIND for coding in codings):
            raise Conflict(
                "this Task is a case: change it by its moves, POST Task/[id]/$move",
                zh="该任务是办件，只能通过办理动作（POST Task/[id]/$move）变更",
            )
    if type == "DocumentReference" and not grant.may("case.engine"):
        parts = resource.get("extension")
        if isinstance(parts, list) and any(
            isinstance(one, dict) and one.get("url") == OFFICIAL for one in parts
        ):
            raise Conflict(
                "this is an official document that a case has made: it stays as it was signed",
                zh="该文件是办件签发的公文，签发后不得修改",
            )
    if (
        type == "Appointment"
        and resource.get("slot")
        and not (grant.may("booking.engine") or grant.may("case.engine"))
    ):
        raise Conflict(
            "a place of a slot is taken by booking it (POST Slot/[id]/$book), and moved by POST Appointment/[id]/$move",
            zh="占用号源的预约只能通过预约（POST Slot/[id]/$book）和办理（POST Appointment/[id]/$move）产生和变更",
        )
    if type == "Consent" and not grant.may("case.engine"):
        _check_consent(grant, resource)
    if is_frozen(resource) and not grant.may("plan.engine"):
        raise Conflict(
            "a frozen snapshot is made on the plan's pages alone", zh="快照只能在规划快照页面冻结形成"
        )
    if _names(resource.get("identifier"), PUBLICATION_NUMBER) and not grant.may("plan.engine"):
        raise Conflict(
            "what is public is asked for, decided and withdrawn on the snapshot's page alone",
            zh="对外公开只能在快照页面提请、审定和撤回",
        )
    reported = type == "MeasureReport" and str(resource.get("measure", "")).startswith(REPORTED)
    if reported and not grant.may("plan.engine"):
        raise Conflict(
            "this is a reported value: it is submitted and reviewed on the plan's pages",
            zh="该记录是填报数据，只能在规划页面填报和审核",
        )


def _check_consent(grant: Grant, consent: Resource) -> None:
    """Raise Conflict unless it is the resident's own word, and one that closes: what opens a record shows a notice first."""
    patient = str((consent.get("patient") or {}).get("reference", "")).removeprefix("Patient/")
    if not grant.acts_as(patient):
        raise Conflict(
            "a consent is the resident's: ask for it by a case, a paper is registered there too",
            zh="同意由居民本人作出：请发起“授权同意”办件征求，纸质同意书也在办件中登记",
        )
    provision = consent.get("provision")
    if consent.get("status") == "active" and isinstance(provision, dict) and provision.get("type") != "deny":
        raise Conflict(
            "a consent that opens a record is given on the consent page, after its notice",
            zh="授权同意须在阅读告知书后，在“我的授权”中作出",
        )


LABELLING: Final = "label.write"
"""The operation without which meta.security stays as it is."""


def with_labels(grant: Grant, resource: Resource, standing: Any, *, explicit: bool = False) -> Resource:
    """Return `resource` with the `standing` meta.security where it leaves that out.

    `explicit`: it is a whole picture (a patch of what stands), so that leaving it out takes it away. Codings that
    restrict nothing (N, L, M, U of v3-Confidentiality) are anybody's to set.

    Raises:
        Forbidden: the labels are others than stand, and the account may not set them.
    """
    given = resource.get("meta")
    meta: Resource = given if isinstance(given, dict) else {}
    if "security" not in meta and standing and not explicit:
        return {**resource, "meta": {**meta, "security": standing}}
    if restricting(meta.get("security")) != restricting(standing) and not grant.may(LABELLING):
        raise Forbidden(
            "this account may not set or take away sensitivity labels (meta.security)",
            zh="当前账号无权设置或取消敏感标签（meta.security）",
        )
    return resource


@dataclass(slots=True)
class NamedResidents:
    """The residents that a transaction's writes name and their writers do not see; they may be written later in it.

    What such a record would open is entered when the transaction closes, after the check: until then nothing of
    those residents can be read by way of it.
    """

    _unseen: list[tuple[str, Grant, bool]] = field(default_factory=list)
    _late: dict[int, tuple[str, Told]] = field(default_factory=dict)

    async def add(
        self, reader: Reader, grant: Grant, type: str, patient: str, *, lasting: bool = False
    ) -> None:
        """Note that a record of `type` written under `grant` comes into the compartment of `patient`, or opens it.

        `lasting`: it opens a relation that no refusal closes and no term ends. Who sees the resident for a case, or by
        consent, does not make that into more than it is.
        """
        if patient in ("", SOMEBODY) or type == "Patient":
            return
        if any(one == (patient, grant, lasting) for one in self._unseen):
            return
        if not await _sees(reader, grant, patient, lasting=lasting):
            self._unseen.append((patient, grant, lasting))

    def waits(self, patient: str) -> bool:
        """Return whether `patient` was named by a writer that does not see that resident yet."""
        return any(one == patient for one, _, _ in self._unseen)

    async def keep(
        self, reader: Reader, type: str, key: int, patient: str, told: Told, *, fresh: bool
    ) -> None:
        """Replace what the record of `key` said of care by `told`; `fresh`: it has said nothing yet."""
        if not fresh:
            self._late.pop(key, None)
            await forget(reader.connection, [key])
        if told == SILENT:
            return
        # a resident's own record is not written by who may not see it
        if type != "Patient" and self.waits(patient):
            self._late[key] = (patient, told)
        else:
            await enter(reader.connection, key, patient, told, reader.catalogue.types)

    async def check(self, reader: Reader) -> None:
        """Raise Unprocessable unless every writer sees the residents it named; one that is not there looks the same."""
        for patient, grant, lasting in self._unseen:
            if await _sees(reader, grant, patient, lasting=lasting):
                continue
            if lasting and await _sees(reader, grant, patient):
                raise Unprocessable(
                    "you see this resident for a case or by consent alone: a contract or a stay is registered by who cares "
                    "for the resident",
                    zh="仅因办件或授权可查看该居民，不能据此登记签约或入住，请由其服务机构办理",
                )
            raise Unprocessable(
                "the resident that this record is about is not among those you may see",
                zh="在可查看的居民中没有此记录所指的居民",
            )
        for key, (patient, told) in self._late.items():
            await enter(reader.connection, key, patient, told, reader.catalogue.types)


async def _sees(reader: Reader, grant: Grant, patient: str, *, lasting: bool = False) -> bool:
    # an emergency is to read: what it shows opens nothing to anybody
    seen = grant.without_emergency().may_read("Patient")
    if isinstance(seen, Everything):
        return True
    found = await reader.current("Patient", patient)
    if found is None or found.deleted:
        return False
    return await reader.admitted(_unrefusable(seen) if lasting else seen, "Patient", found.scope)


def _unrefusable(predicate: Predicate) -> Predicate:
    """Return `predicate` without the relations that a resident's refusal closes."""
    match predicate:
        case InCare(organisations, relations, purpose):
            kept = frozenset(one for one in relations if not care_rules()[one].refusable)
            return InCare(organisations, kept, purpose)
        case AnyOf(parts):
            return AnyOf(tuple(_unrefusable(part) for part in parts))
        case AllOf(parts):
            return AllOf(tuple(_unrefusable(part) for part in parts))
        case _:
            return predicate
