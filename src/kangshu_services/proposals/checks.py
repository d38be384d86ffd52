"""A second computation of this service's measures, from the cases as they are."""

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


def answered_on_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Proposals sent by the day of their limit, of all whose limit fell in the period."""
    on_time = whole = 0
    for one in cases_of(resources, "proposals/proposal"):
        if case_state(one) in ("not-filed", "withdrawn") or not falls_within(
            case_value(one, "due"), start, end
        ):
            continue
        whole += 1
        sent = case_value(one, "answered_on")
        on_time += bool(sent) and civil_day(str(sent)) <= civil_day(str(case_value(one, "due")))
    return on_time, whole


def satisfaction(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Proposals whose proposer is satisfied, of those answered in the period with an opinion."""
    content = whole = 0
    for one in cases_of(resources, "proposals/proposal"):
        said = case_value(one, "satisfaction") is not None
        if not falls_within(case_value(one, "answered_on"), start, end):
            continue
        if said or case_state(one) in ("receipt-not-satisfied", "reworked"):
            whole += 1
            content += said
    return content, whole


def commitments_kept(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Duties that came of promises and are completed, of those due in the period."""
    promised = {
        str(one["valueReference"]["reference"])
        for reply in cases_of(resources, "proposals/reply")
        for one in reply.get("output", ())
        if any(str(coding.get("code", "")).startswith("promise-") for coding in one["type"]["coding"])
    }
    kept = whole = 0
    for one in resources:
        own = one["resourceType"] == "Task" and f"Task/{one['id']}" in promised
        if own and falls_within(case_value(one, "due"), start, end):
            whole += 1
            kept += one["status"] == "completed"
    return kept, whole


CHECKS: dict[str, CheckQuery] = {
    "proposals-answered-on-time": answered_on_time,
    "proposal-satisfaction": satisfaction,
    "proposal-commitments-kept": commitments_kept,
}
