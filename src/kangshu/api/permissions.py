"""What may this account see, and why: numbers and decisions, for the account itself and for those who check it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from kangshu.access import (
    Care,
    DataKind,
    Decision,
    Grant,
    Ground,
    Scope,
    admits,
    care_rules,
    data_kinds,
    system_grant,
    why,
)
from kangshu.accounts import Standing
from kangshu.api.platform import Platform
from kangshu.base.faults import NotFound
from kangshu.base.text import Text
from kangshu.store import OpenCare

_POLICY = "policy.read"


@dataclass(frozen=True, slots=True)
class Admitted:
    """How many records an account may see now: residents, and all records by kind of data."""

    residents: int
    records: dict[str, int]


async def count_admitted(platform: Platform, grant: Grant, standing: Standing) -> Admitted:
    """Return how many records `standing` may see now; numbers alone. Raises Forbidden for another's account."""
    by_type = await platform.store.census(grant, standing.grant)
    records = {kind.id: sum(by_type.get(name, 0) for name in kind.types) for kind in data_kinds()}
    return Admitted(by_type.get("Patient", 0), records)


async def decide(
    platform: Platform, grant: Grant, standing: Standing, action: str, type: str, id: str
) -> Decision:
    """Return whether `standing` may `read` or `write` one record, and why.

    For another's account it tells of any record, but no label that `grant` may not see; for the own account of what
    may be seen alone.

    Raises:
        Forbidden: another's account, without `policy.read`.
        NotFound: no such record; of the own account, also one that it may not see.
    """
    other = standing.subject.account != grant.account
    if other:
        grant.require(_POLICY)
    looking = system_grant("what may this account see") if other else grant
    scope = await platform.store.scope(looking, type, id)
    care = await platform.store.care_asked(grant, standing.grant, type, scope.patient)
    scope = replace(scope, care=care)
    told = not scope.labels or admits(grant.may_read(type), scope)
    return why(standing.subject, standing.roles, action, type, scope, name_labels=told)


@dataclass(frozen=True, slots=True)
class OpenRelation:
    """One relation that opens a resident's records to an organisation now; `refused` by the resident's own word."""

    organisation: str
    relation: str
    title: Text
    ground: Ground
    purpose: str
    kinds: tuple[str, ...]
    since: datetime
    until: datetime | None
    refused: bool


@dataclass(frozen=True, slots=True)
class Seer:
    """A role in an organisation and division whose holders see records of a resident, `number` of accounts."""

    role: str
    title: Text
    organisation: str
    district: str
    number: int
    kinds: tuple[DataKind, ...]
    reason: Text
    grounds: tuple[Ground, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """Who can see a resident's records now."""

    relations: tuple[OpenRelation, ...]
    seers: tuple[Seer, ...]


async def who_sees(platform: Platform, grant: Grant, patient: str) -> Sight:
    """Return by organisation and role, never by person, who can see the records of the resident `patient` now.

    Raises:
        Forbidden: neither the resident, nor who acts for them, nor with `policy.resident`.
        NotFound: no such resident.
    """
    relations = await platform.store.care_of(grant, patient)
    scope = await platform.store.scope(system_grant("who sees this resident"), "Patient", patient)
    rules = care_rules()
    shown = tuple(
        OpenRelation(
            one.organisation,
            one.relation,
            rules[one.relation].title,
            Ground(rules[one.relation].title, rules[one.relation].basis, rules[one.relation].clause),
            one.purpose,
            one.kinds,
            one.since,
            one.until,
            "" in one.refused_for or one.purpose in one.refused_for,
        )
        for one in relations
        if one.relation in rules
    )
    seers: list[Seer] = []
    for held in await platform.accounts.permissions.holders(grant, patient):
        subject, (role,) = held.standing.subject, held.standing.roles
        care = tuple(one for one in relations if not {"", role.purpose} & {*one.refused_for})
        seen: list[DataKind] = []
        reasons: list[Text] = []
        grounds: list[Ground] = []
        for kind in data_kinds():
            if not kind.personal:
                continue
            opened = _opened(held.standing, kind, scope, care)
            if opened is not None:
                seen.append(kind)
                reasons += [one.text for one in opened.reasons]
                grounds += [ground for one in opened.reasons for ground in one.grounds]
        if seen:
            told = tuple(dict.fromkeys(reasons))
            reason = Text("；".join(one.zh for one in told), "; ".join(one.en for one in told))
            seers.append(
                Seer(
                    role.id, role.title, subject.organisation, subject.district, held.number, tuple(seen), reason,
                    tuple(dict.fromkeys(grounds)), tuple(sorted(role.labels)),
                )
            )  # fmt: skip
    return Sight(shown, tuple(seers))


def _opened(standing: Standing, kind: DataKind, scope: Scope, care: tuple[OpenCare, ...]) -> Decision | None:
    """Return why a holder sees unlabelled records of one kind of the resident, None where they do not."""
    for name in kind.types:
        named = tuple(
            Care(one.relation, one.organisation, one.purpose)
            for one in care
            if not one.kinds or name in one.kinds
        )
        # the resident's own entry is answered for by who manages it; other records by whoever made them
        place = replace(
            scope, care=named, labels=(), organisations=scope.organisations if name == "Patient" else ()
        )
        decision = why(standing.subject, standing.roles, "read", name, place)
        if decision.allowed:
            return decision
    return None


async def find_for_permissions(platform: Platform, grant: Grant, number: str, name: str) -> str:
    """Return the id of the resident of exactly this identity number and name, to be asked who sees them.

    Raises:
        Forbidden: without `policy.resident`.
        NotFound: nobody of both.
    """
    grant.require("policy.resident")
    found = await platform.store.find_resident(system_grant("who sees this resident"), number, name)
    if found is None:
        raise NotFound("no resident has both this number and this name", zh="没有证件号和姓名都相符的居民")
    return found.id
