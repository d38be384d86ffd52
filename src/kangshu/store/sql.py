"""SQL under construction: text from literals, values bound."""

# the text is of literals and aliases made here; every value is bound
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


def predicate_sql(predicate: Predicate, row: str, binder: Binder) -> str:
    """Return the condition that `predicate` admits the record in `row` (an alias of `resource` or `version`).

    The meaning is `access.admits`; a test holds both to the same records.
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
        case LabelsWithin():
            return "true"
        case InCare():
            return "false"
        case AnyOf(parts):
            return _join(" or ", "false", [predicate_sql(part, row, binder) for part in parts])
        case AllOf(parts):
            return _join(" and ", "true", [predicate_sql(part, row, binder) for part in parts])


def _join(word: str, empty: str, parts: list[str]) -> str:
    return f"({word.join(parts)})" if parts else empty


def readable_sql(grant: Grant, row: str, catalogue: Catalogue, binder: Binder, type: str = "") -> str:
    """Return the condition that `grant` may read the record in `row`; of `type`, or of whatever type it is."""
    if type:
        return predicate_sql(grant.may_read(type), row, binder)
    named = [name for name in grant.read if name in catalogue.types]
    by_predicate: dict[Predicate, list[int]] = {}
    for name in named:
        by_predicate.setdefault(grant.may_read(name), []).append(catalogue.type(name))
    parts = []
    for predicate, types in by_predicate.items():
        condition = predicate_sql(predicate, row, binder)
        if condition != "false":
            parts.append(f"({row}.type = any({binder.bind(types, 'smallint[]')}) and {condition})")
    rest = predicate_sql(grant.may_read(""), row, binder)
    if rest == "true" and not named:
        return "true"
    if rest != "false":
        others = [catalogue.type(name) for name in named]
        parts.append(f"({row}.type <> all({binder.bind(others, 'smallint[]')}) and {rest})")
    return _join(" or ", "false", parts)
