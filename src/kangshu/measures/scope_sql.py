"""A grant's predicate → a DuckDB condition over the scope columns that every published row carries."""

from __future__ import annotations

from typing import Any, Final, assert_never

from kangshu.access import (
    AllOf,
    AnyOf,
    DistrictUnder,
    Everything,
    InCare,
    LabelsWithin,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
)

SCOPE_COLUMNS: Final = {
    "resource_type": "VARCHAR",
    "resource_id": "VARCHAR",
    "scope_district": "VARCHAR",
    "scope_organisations": "VARCHAR[]",
    "scope_patient": "VARCHAR",
    "scope_labels": "VARCHAR[]",
}
"""What each published row has besides the view's own columns; none is ever NULL."""


def scope_condition(predicate: Predicate, values: dict[str, Any]) -> str:
    """Return the condition that admits what `access.admits` admits; its values are added to `values`."""
    match predicate:
        case Everything():
            return "true"
        case Nothing():
            return "false"
        case DistrictUnder(prefix):
            return f"starts_with(scope_district, {_bind(prefix, values)})"
        case OrganisationIn(ids):
            return f"list_has_any(scope_organisations, {_bind_list(ids, values)})"
        case PatientIn(ids):
            return f"scope_patient IN (SELECT unnest({_bind_list(ids, values)}))"
        case LabelsWithin(codes):
            return f"list_has_all({_bind_list(codes, values)}, scope_labels)"
        case InCare():
            # `Store.resolve_care` names the residents beforehand; without it, nobody is in care
            return "false"
        case NoPatient():
            return "scope_patient = ''"
        case AnyOf(parts):
            return f"({' OR '.join(scope_condition(part, values) for part in parts) or 'false'})"
        case AllOf(parts):
            return f"({' AND '.join(scope_condition(part, values) for part in parts) or 'true'})"
        case _:
            assert_never(predicate)


def _bind(value: str, values: dict[str, Any]) -> str:
    name = f"grant_{len(values)}"
    values[name] = value
    return f"CAST(${name} AS VARCHAR)"


def _bind_list(ids: frozenset[str], values: dict[str, Any]) -> str:
    name = f"grant_{len(values)}"
    values[name] = sorted(ids)
    return f"CAST(${name} AS VARCHAR[])"
