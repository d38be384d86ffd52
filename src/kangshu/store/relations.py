"""What a record says of care: the relations that it opens, the refusals that it holds. Pure: no I/O.

The rules are data (`access/care.yaml`); Consent alone is read here. What cannot be read, or narrows in a way that
is not kept (to a code, say), opens nothing, and a refusal of that kind refuses in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from kangshu.access import CareRule, Coded, care_rules
from kangshu.base.faults import Malformed
from kangshu.fhir import date_range
from kangshu.search import shorten

FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)

CARE_TYPES: Final = frozenset(rule.type for rule in care_rules().values())
"""Types whose records may open or close something."""

_LASTING: Final = frozenset(
    id for id, rule in care_rules().items() if rule.period and not rule.refusable and rule.type != "Patient"
)
"""A contract, a stay: no refusal closes them, and nothing but somebody's word ends them."""
_MOST: Final = 1000
"""Recipients times purposes of one provision; one with more opens nothing, and refuses everybody."""
_OTHER_CONSENTS: Final = frozenset({"research", "treatment", "adr"})
"""Codes of Consent.scope that are not about who may see the record. https://hl7.org/fhir/R4/valueset-consent-scope.html"""
_SHOWING: Final = frozenset({"access", "use", "disclose"})
"""Codes of provision.action that let somebody see. https://hl7.org/fhir/R4/valueset-consent-action.html"""
_RESOURCE_TYPES: Final = "http://hl7.org/fhir/resource-types"
"""System of the codings of provision.class that are kept."""
_NARROWING: Final = ("securityLabel", "code", "dataPeriod", "data")
"""Elements of a provision that narrow it in a way that is not kept."""


@dataclass(frozen=True, slots=True)
class Relation:
    """One row of `care`; without `kinds` (resource types) it opens all; `until` is the first instant beyond it."""

    organisation: str
    relation: str
    purpose: str
    refusable: bool
    kinds: tuple[str, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of `dissent`: "" stands for every organisation, every purpose."""

    organisation: str
    purpose: str
    spared: tuple[str, ...]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What one record says."""

    relations: tuple[Relation, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def opens_beyond(self, before: Told) -> bool:
        """Return whether something is open by this that was not open by `before`."""
        return any(not any(_covers(old, new) for old in before.relations) for new in self.relations)

    def lasts_beyond(self, before: Told) -> bool:
        """Return whether something is open by this that lasts until somebody ends it, and was not open by `before`."""
        return Told(tuple(one for one in self.relations if one.relation in _LASTING)).opens_beyond(before)


SILENT: Final = Told()


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for a provision; empty actors, purposes and kinds mean any."""

    actors: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since: datetime = FIRST
    until: datetime = LAST


def told_by(resource: dict[str, Any], type: str, patient: str) -> Told:
    """Return what `resource` says of the care of `patient`, in whose compartment it is."""
    if type not in CARE_TYPES or not patient:
        return SILENT
    relations: list[Relation] = []
    refusals: list[Refusal] = []
    for rule in care_rules().values():
        if rule.type != type or (rule.status and resource.get("status") not in rule.status):
            continue
        if rule.intent and resource.get("intent") not in rule.intent:
            continue
        if rule.coded is not None and not _is_coded(resource, rule.coded):
            continue
        if type == "Consent":
            _read_consent(rule, resource, relations, refusals)
        else:
            relations.extend(_relations(rule, resource))
    return Told(tuple(dict.fromkeys(relations)), tuple(dict.fromkeys(refusals)))


def _covers(old: Relation, new: Relation) -> bool:
    same = (old.organisation, old.relation) == (new.organisation, new.relation) and old.purpose in (
        "",
        new.purpose,
    )
    kinds = not old.kinds or (bool(new.kinds) and set(new.kinds) <= set(old.kinds))
    return same and kinds and old.since <= new.since and old.until >= new.until


def _relations(rule: CareRule, resource: dict[str, Any]) -> Iterator[Relation]:
    period = _period(resource.get(rule.period)) if rule.period else (FIRST, LAST)
    if period is None:
        return
    for name in rule.organisation:
        for organisation in _organisations(resource.get(name)):
            yield Relation(organisation, rule.relation, "", rule.refusable, (), *period)


def _each(value: Any) -> Iterator[dict[str, Any]]:
    for one in value if type(value) is list else (value,):
        if type(one) is dict:
            yield one


def _organisations(value: Any) -> Iterator[str]:
    for one in _each(value):
        text = one.get("reference")
        if type(text) is str and text.startswith("Organization/"):
            id = shorten(text[13:].partition("/")[0])
            if id:
                yield id


def _is_coded(resource: dict[str, Any], coded: Coded) -> bool:
    return any(
        coding.get("system") == coded.system and (not coded.codes or coding.get("code") in coded.codes)
        for concept in _each(resource.get(coded.element))
        for coding in _each(concept.get("coding"))
    )


def _period(value: Any) -> tuple[datetime, datetime] | None:
    """Return the span of a Period, its end exclusive; all of time when there is none, None when it is unreadable."""
    if value is None:
        return FIRST, LAST
    if type(value) is not dict:
        return None
    since, until = FIRST, LAST
    try:
        if (start := value.get("start")) is not None:
            since = date_range(start)[0]
        if (end := value.get("end")) is not None:
            until = date_range(end)[1]
    except (Malformed, TypeError):
        return None
    return since, until


# Consent


def _read_consent(
    rule: CareRule, consent: dict[str, Any], relations: list[Relation], refusals: list[Refusal]
) -> None:
    scopes = [
        coding.get("code") for one in _each(consent.get("scope")) for coding in _each(one.get("coding"))
    ]
    if scopes and _OTHER_CONSENTS.issuperset(code for code in scopes if type(code) is str):
        return
    for provision in _each(consent.get("provision")):
        _read_provision(rule, provision, _Terms(), "", relations, refusals)


def _read_provision(
    rule: CareRule, provision: dict[str, Any], around: _Terms, default: str, relations: list[Relation],
    refusals: list[Refusal],
) -> None:  # fmt: skip
    nested = list(_each(provision.get("provision")))
    kind = provision.get("type", default)
    terms = around
    if kind == "deny":
        terms = _denied(provision, around)
        spared = tuple(sorted({name for one in nested for name in _spared(one, terms)}))
        actors, purposes = terms.actors or ("",), terms.purposes or ("",)
        if len(actors) * len(purposes) > _MOST:
            actors, purposes, spared = ("",), ("",), ()
        refusals.extend(Refusal(a, p, spared, terms.since, terms.until) for a in actors for p in purposes)
    else:
        permitted = _permitted(provision, around)
        if kind == "permit" and permitted is not None:
            purposes = permitted.purposes or ("",)
            if len(permitted.actors) * len(purposes) <= _MOST and permitted.since < permitted.until:
                relations.extend(
                    Relation(
                        actor,
                        rule.relation,
                        purpose,
                        rule.refusable,
                        permitted.kinds,
                        permitted.since,
                        permitted.until,
                    )
                    for actor in permitted.actors
                    for purpose in purposes
                )
        # what is refused within a permission that cannot be kept is refused to those whom it names
        terms = permitted or _denied(provision, around)
    for one in nested:
        _read_provision(rule, one, terms, "deny", relations, refusals)


def _actors(provision: dict[str, Any]) -> tuple[tuple[str, ...], bool]:
    """Return the organisations that a provision names, and whether it names somebody else too."""
    actors = list(_each(provision.get("actor")))
    named = [id for actor in actors for id in _organisations(actor.get("reference"))]
    return tuple(dict.fromkeys(named)), len(named) != len(actors)


def _purposes(provision: dict[str, Any]) -> tuple[tuple[str, ...], bool]:
    """Return the codes of a provision's purposes, and whether there is one without a code."""
    codings = list(_each(provision.get("purpose")))
    codes = [code for coding in codings if type(code := coding.get("code")) is str and code]
    return tuple(dict.fromkeys(codes)), len(codes) != len(codings)


def _kinds(provision: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the resource types that a provision is narrowed to, () for all, None when it is not to types alone."""
    if "class" not in provision:
        return ()
    codings = list(_each(provision["class"]))
    codes = [coding.get("code") for coding in codings if coding.get("system") == _RESOURCE_TYPES]
    named = tuple(dict.fromkeys(code for code in codes if type(code) is str and code))
    return named if named and len(codes) == len(codings) else None


def _permitted(provision: dict[str, Any], around: _Terms) -> _Terms | None:
    """Return the terms of a provision that permits, None when it cannot be kept as it is meant."""
    period = _period(provision.get("period"))
    purposes, uncoded = _purposes(provision)
    actors, _ = _actors(provision)
    kinds = _kinds(provision)
    if (
        period is None
        or kinds is None
        or uncoded
        or any(name in provision for name in _NARROWING)
        or not _shows(provision)
    ):
        return None
    if around.purposes:
        purposes = tuple(one for one in purposes or around.purposes if one in around.purposes)
        if not purposes:
            return None
    if around.kinds:
        kinds = tuple(one for one in kinds or around.kinds if one in around.kinds)
        if not kinds:
            return None
    if "actor" not in provision:
        actors = around.actors
    return _Terms(actors, purposes, kinds, max(period[0], around.since), min(period[1], around.until))


def _denied(provision: dict[str, Any], around: _Terms) -> _Terms:
    period = _period(provision.get("period")) or (FIRST, LAST)
    purposes, uncoded = _purposes(provision)
    actors, others = _actors(provision)
    return _Terms(
        () if others else actors or around.actors,
        () if uncoded else purposes or around.purposes,
        (),
        max(period[0], around.since),
        min(period[1], around.until),
    )


def _shows(provision: dict[str, Any]) -> bool:
    codes = {
        coding.get("code") for one in _each(provision.get("action")) for coding in _each(one.get("coding"))
    }
    return "action" not in provision or bool(codes & _SHOWING)


def _spared(provision: dict[str, Any], around: _Terms) -> Iterable[str]:
    """Return what a provision within a refusal excepts from it; one for a time or for some types excepts nothing."""
    permitted = _permitted(provision, replace(around, actors=(), kinds=()))
    if provision.get("type") != "permit" or permitted is None or "period" in provision or permitted.kinds:
        return ()
    return [f"{actor} {purpose}" for actor in permitted.actors for purpose in permitted.purposes or ("",)]
