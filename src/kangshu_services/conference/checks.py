"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    case_state,
    case_value,
    cases_of,
    civil_day,
    falls_within,
)


def issues_open(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Issues that are neither closed nor withdrawn."""
    found = sum(
        1
        for one in cases_of(resources, "conference/issue")
        if case_state(one) not in ("closed", "withdrawn") and civil_day(one["authoredOn"]) <= end
    )
    return found, found


def days_to_decision(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Days from raising to deciding, and how many were decided."""
    days = [
        (civil_day(str(case_value(one, "decided_on"))) - civil_day(one["authoredOn"])).days
        for one in cases_of(resources, "conference/issue")
        if falls_within(case_value(one, "decided_on"), start, end)
    ]
    return sum(days), len(days)


def decisions_carried_out(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Issues that are closed, of those decided in the period."""
    decided = [
        one
        for one in cases_of(resources, "conference/issue")
        if falls_within(case_value(one, "decided_on"), start, end)
    ]
    return sum(1 for one in decided if case_state(one) == "closed"), len(decided)


CHECKS: dict[str, CheckQuery] = {
    "conference-issues-open": issues_open,
    "conference-days-to-decision": days_to_decision,
    "conference-decisions-carried-out": decisions_carried_out,
}
