"""SQL under construction: text from literals, values bound."""

# ruff: noqa: S608  # the text is of literals and aliases made here; every value is bound
from __future__ import annotations

from typing import Any

from kangshu.access import (
    AllOf,
    AnyOf,
    DistrictUnder,
    Everything,
    Grant,
    InCare,
    LabelsWithin,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    all_of,
    any_of,
    asks_for_care,
)
from kangshu.store.catalogue import Catalogue


class Binder:
    """Collects the bound values of one statement."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def bind(self, value: Any, cast: str = "") -> str:
        """Return the placeholder of `value`; equal values do not share one."""
        self.values.append(value)
        return f"${len(self.values)}{'::' + cast if cast else ''}"


def predicate_sql(predicate: Predicate, row: str, binder: Binder, labels: str = "", kind: str = "") -> str:
    """Return the condition that `predicate` admits the record in `row` (an alias of `resource` or `version`).

    `labels` is another alias whose labels count instead, `kind` the record's type where it is known beforehand. The meaning is `access.admits`; a test holds both to the
    same records.
    """
    match predicate:
        case Everything():
            return "true"
        case Nothing():
            return "false"
        case DistrictUnder(prefix):
            return f"starts_with({row}.district, {binder.bind(prefix, 'text')})" if prefix else "true"
        case OrganisationIn(ids):
            return f"{row}.organisations && {binder.bind(sorted(ids), 'text[]')}"
        case PatientIn(ids):
            return f"{row}.patient = any({binder.bind(sorted(ids), 'text[]')})"
        case NoPatient():
            return f"{row}.patient = ''"
        case LabelsWithin(codes):
            none = f"{labels or row}.labels = '{{}}'"
            if not codes:
                return none
            # nearly every record has none: the planner knows how many those are, and not how many a list contains
            return f"({none} or {labels or row}.labels <@ {binder.bind(sorted(codes), 'text[]')})"
        case InCare(organisations, relations, purpose):
            opened = open_care(
                binder.bind(sorted(organisations), "text[]"),
                binder.bind(sorted(relations), "text[]"),
                binder.bind(purpose, "text"),
                kind or f"{row}.type",
            )
            return f"exists (select 1 from care where care.patient = {row}.patient and {opened})"
        case AnyOf(parts):
            return _join(
                " or ", "false", [predicate_sql(part, row, binder, labels, kind) for part in _grouped(parts)]
            )
        case AllOf(parts):
            return _join(" and ", "true", [predicate_sql(part, row, binder, labels, kind) for part in parts])


def open_care(organisations: str, relations: str, purpose: str, kind: str = "") -> str:
    """Return the condition that a row of `care` opens its resident's records (of type `kind`) now.

    The arguments are bound values or columns. A refusal is looked for here, so that it counts from its commit on.
    """
    types = f"and (care.kinds = '{{}}' or {kind} = any(care.kinds))" if kind else ""
    return f"""care.organisation = any({organisations}) and care.relation = any({relations})
        and care.purpose in ('', {purpose}) and care.since <= now() and care.until > now() {types}
        and not (care.refusable and exists (select 1 from dissent where dissent.patient = care.patient
            and dissent.purpose in ('', {purpose}) and dissent.since <= now() and dissent.until > now()
            and dissent_covers(dissent.organisation, dissent.spared, care.organisation, {purpose})))"""


def _grouped(parts: tuple[Predicate, ...]) -> list[Predicate]:
    """Return `parts` of a union with the same meaning and fewer look-ups: labels factored out, relations joined."""
    by_labels: dict[LabelsWithin | None, list[Predicate]] = {}
    for part in parts:
        listed = part.parts if isinstance(part, AllOf) else (part,)
        labels = [one for one in listed if isinstance(one, LabelsWithin)]
        kept = labels[0] if len(labels) == 1 else None
        rest = [one for one in listed if one is not kept]
        by_labels.setdefault(kept, []).append(all_of(rest) if kept is not None else part)
    found: list[Predicate] = []
    for label, group in by_labels.items():
        joined = _joined_care(group)
        if label is None:
            found.extend(joined)
        else:
            found.append(all_of([any_of(joined), label]))
    return found


def _joined_care(parts: list[Predicate]) -> list[Predicate]:
    relations: dict[tuple[frozenset[str], str], frozenset[str]] = {}
    others: list[Predicate] = []
    for part in parts:
        if isinstance(part, InCare):
            key = (part.organisations, part.purpose)
            relations[key] = relations.get(key, frozenset()) | part.relations
        else:
            others.append(part)
    # the cheap conditions first
    return [*others, *(InCare(who, which, purpose) for (who, purpose), which in relations.items())]


def _join(word: str, empty: str, parts: list[str]) -> str:
    return f"({word.join(parts)})" if parts else empty


def readable_sql(
    grant: Grant, row: str, catalogue: Catalogue, binder: Binder, type: str = "", labels: str = ""
) -> str:
    """Return the condition that `grant` may read the record in `row`; of `type`, or of whatever type it is.

    `labels` is another alias whose labels count instead.
    """
    if type:
        predicate = grant.may_read(type)
        # a number of ours, written out: bound, it would be refused where a union leaves no relation to ask for
        kind = f"{catalogue.type(type):d}::smallint" if asks_for_care(predicate) else ""
        return predicate_sql(predicate, row, binder, labels, kind)
    named = [name for name in grant.read if name in catalogue.types]
    by_predicate: dict[Predicate, list[int]] = {}
    for name in named:
        by_predicate.setdefault(grant.may_read(name), []).append(catalogue.type(name))
    parts = []
    for predicate, types in by_predicate.items():
        condition = predicate_sql(predicate, row, binder, labels)
        if condition != "false":
            parts.append(f"({row}.type = any({binder.bind(types, 'smallint[]')}) and {condition})")
    rest = predicate_sql(grant.may_read(""), row, binder, labels)
    if rest == "true" and not named:
        return "true"
    if rest != "false":
        others = [catalogue.type(name) for name in named]
        parts.append(f"({row}.type <> all({binder.bind(others, 'smallint[]')}) and {rest})")
    return _join(" or ", "false", parts)
