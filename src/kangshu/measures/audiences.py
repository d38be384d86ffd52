"""Audiences: accounts that may count and read the same get the same numbers, so one answer stands for all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from kangshu.access import (
    AllOf,
    AnyOf,
    DistrictUnder,
    Everything,
    Grant,
    InCare,
    PatientIn,
    Predicate,
)
from kangshu.measures.scope_sql import scope_condition


def audience_of(grant: Grant, types: Iterable[str]) -> str:
    """Return in short what `grant` may count and read of the resource `types`: equal texts, equal numbers.

    "" for who sees records of single residents by name: there is no other of that kind.
    """
    parts: list[Any] = []
    for kind in sorted(set(types)):
        for predicate in (grant.may_count(kind), grant.may_read(kind)):
            if _names_residents(predicate):
                return ""
            values: dict[str, Any] = {}
            parts.append([kind, scope_condition(predicate, values), sorted(values.items())])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def counts_by_district(grant: Grant, types: Iterable[str]) -> bool:
    """Return whether `grant` counts all records of a division, or of everywhere: an office, and no single unit."""
    return all(_covers_a_division(grant.may_count(kind)) for kind in types)


def _covers_a_division(predicate: Predicate) -> bool:
    if isinstance(predicate, AnyOf):
        return any(_covers_a_division(part) for part in predicate.parts)
    return isinstance(predicate, DistrictUnder | Everything)


def _names_residents(predicate: Predicate) -> bool:
    if isinstance(predicate, AnyOf | AllOf):
        return any(_names_residents(part) for part in predicate.parts)
    return isinstance(predicate, PatientIn | InCare)
