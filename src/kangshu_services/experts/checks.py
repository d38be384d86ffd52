"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    case_state,
    case_value,
    cases_of,
    civil_day,
    extension_value,
    falls_within,
)


def in_library(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Experts who are active and whose term goes on."""
    found = 0
    for one in resources:
        numbers = {number.get("system") for number in one.get("identifier", ())}
        if one["resourceType"] != "Practitioner" or "http://kangshu.org/fhir/sid/expert" not in numbers:
            continue
        term = extension_value(one, "expert-term") or {}
        if one.get("active", True) and "end" in term and civil_day(term["end"]) >= end:
            found += 1
    return found, found


def _reviews(resources: list[Resource], start: date, end: date) -> Iterator[Resource]:
    for one in cases_of(resources, "experts/review"):
        if falls_within(one["authoredOn"], start, end):
            yield one


def reviews(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Reviews of the period that are concluded."""
    found = sum(1 for one in _reviews(resources, start, end) if case_state(one) in ("concluded", "used"))
    return found, found


def spread(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Spreads of the period's reviews, and how many have one."""
    listed = [case_value(one, "spread") for one in _reviews(resources, start, end)]
    known = [float(one) for one in listed if one is not None]
    return sum(known), len(known)


def replacements(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Experts called from the reserve, and the reviews that have drawn."""
    drawn = [
        one for one in _reviews(resources, start, end) if case_state(one) not in ("requested", "cancelled")
    ]
    return sum(int(extension_value(one, "replacements") or 0) for one in drawn), len(drawn)


def leading(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Technologies that a panel has found, by the day, to lead nationally."""
    found = sum(
        1
        for one in cases_of(resources, "experts/review")
        if case_state(one) in ("concluded", "used")
        and case_value(one, "kind") == "technology"
        and case_value(one, "leading") is True
        and (day := case_value(one, "concluded_on"))
        and civil_day(day) <= end
    )
    return found, found


CHECKS: dict[str, CheckQuery] = {
    "experts-in-library": in_library,
    "expert-reviews": reviews,
    "review-score-spread": spread,
    "review-replacements": replacements,
    "leading-technologies": leading,
}
