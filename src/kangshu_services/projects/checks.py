"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    asked_for,
    case_state,
    case_value,
    cases_of,
    civil_day,
    extension_day,
    extension_value,
    falls_within,
    record_in_force,
    records_of,
)

_IN_LIBRARY = ("admitted", "preparing", "under-construction", "in-operation", "closed")
_UNDER_WAY = ("admitted", "preparing", "under-construction")


def _state(project: Resource) -> Any:
    return extension_value(project, "record-state")


def _of(record: Resource) -> str:
    """Return the id of the project that a record belongs to."""
    return str((extension_value(record, "record-of") or {}).get("reference", "")).removeprefix("Basic/")


def _projects(resources: list[Resource]) -> dict[str, Resource]:
    return {one["id"]: one for one in records_of(resources, "project")}


def _in_library(resources: list[Resource], day: date) -> list[Resource]:
    """Return the projects that were in the library on a day."""
    return [
        one
        for one in records_of(resources, "project")
        if extension_day(one, "admitted-on", date.max) <= day
        and (
            _state(one) in _IN_LIBRARY
            or (_state(one) == "removed" and extension_day(one, "removed-on", date.min) > day)
        )
    ]


def _key_projects(resources: list[Resource], day: date) -> list[Resource]:
    """Return the projects in the library on a day whose tier on that day was key or major."""
    tiers: dict[str, tuple[date, str, str]] = {}
    for one in records_of(resources, "project-tier"):
        since = extension_day(one, "record-day", date.max)
        entry = (
            since,
            str(extension_value(one, "recorded-at") or ""),
            str(extension_value(one, "record-class")),
        )
        if since <= day:
            tiers[_of(one)] = max(tiers.get(_of(one), entry), entry)
    return [
        one
        for one in _in_library(resources, day)
        if one["id"] in tiers and tiers[one["id"]][2] in ("key", "major")
    ]


def in_library(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Projects in the library on the day."""
    found = len(_in_library(resources, end))
    return found, found


def key_projects(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Projects in the library on the day that were key or major on it."""
    found = len(_key_projects(resources, end))
    return found, found


def demonstrations(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Projects of the library that hold a designation of health data in force on the day."""
    held = {
        str((extension_value(one, "record-about") or {}).get("reference", "")).removeprefix("Basic/")
        for one in records_of(resources, "designation")
        if extension_value(one, "record-class") == "health-data-project" and record_in_force(one, end)
    }
    found = sum(
        1
        for one in records_of(resources, "project")
        if one["id"] in held and _state(one) not in (None, "removed")
    )
    return found, found


def quota_filled(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Key projects of each county up to its quota, and all quotas."""
    accepted: dict[str, int] = {}
    for one in _key_projects(resources, end):
        county = str(extension_value(one, "district"))[:6]
        accepted[county] = accepted.get(county, 0) + 1
    filled = places = 0
    for part in str(parameters["project-county-quota"]).split(","):
        county, _, number = part.partition("=")
        held = accepted.get(county, 0)
        filled += held if parameters["project-quota-surplus-fills"] else min(held, int(number))
        places += int(number)
    return filled, places


def rolling(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Projects begun by the end of the period and in operation only after it, or within it where that counts."""
    found = 0
    for one in records_of(resources, "project"):
        begun, operating = extension_value(one, "started-on"), extension_value(one, "operating-on")
        if _state(one) in (None, "registered", "removed") or not begun or civil_day(begun) > end:
            continue
        within = bool(parameters["project-rolling-completed-count"]) and falls_within(operating, start, end)
        found += not operating or civil_day(operating) > end or within
    return found, found


def dispatched(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Projects on the dispatch list of the period, those exchanged where they count."""
    states = {"listed", "left"} if parameters["project-dispatch-exchanged-count"] else {"listed"}
    found = {
        _of(one)
        for one in records_of(resources, "project-listing")
        if extension_value(one, "record-class") == "dispatch"
        and falls_within(extension_value(one, "record-day"), start, end)
        and _state(one) in states
    }
    return len(found), len(found)


def milestone_projects(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Projects that a plan names, those in operation among them."""
    named = [
        one
        for one in records_of(resources, "project")
        if extension_value(one, "plan-milestone") and _state(one) not in (None, "removed")
    ]
    return sum(1 for one in named if _operating(one, end)), len(named)


def _operating(project: Resource, day: date) -> bool:
    since = extension_value(project, "operating-on")
    return bool(since) and civil_day(since) <= day


def hospital(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """The project whose milestone the parameter names, whether it was in operation on the day."""
    named = [
        one
        for one in records_of(resources, "project")
        if extension_value(one, "plan-milestone") == parameters["plan-hospital-milestone"]
        and _state(one) not in (None, "removed")
    ]
    return sum(1 for one in named if _operating(one, end)), len(named)


def year_investment(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """What listed projects invested in the period, of what their lists plan for it."""
    known, planned = _projects(resources), dict[str, Decimal]()
    for one in records_of(resources, "project-listing"):
        amount = Decimal(str(extension_value(one, "year-planned-investment") or 0))
        listed = extension_value(one, "record-class") in ("dispatch", "rolling") and _state(one) == "listed"
        if listed and _of(one) in known and falls_within(extension_value(one, "record-day"), start, end):
            planned[_of(one)] = max(planned.get(_of(one), Decimal(0)), amount)
    planned = {project: amount for project, amount in planned.items() if amount > 0}
    done = sum(
        (
            Decimal(str(extension_value(one, "month-investment") or 0))
            for one in records_of(resources, "project-progress")
            if _of(one) in planned and falls_within(extension_value(one, "record-day"), start, end)
        ),
        Decimal(0),
    )
    return float(done), float(sum(planned.values()))


def investment(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """What was invested in the months of the period, and in how many entries."""
    known = _projects(resources)
    amounts = [
        Decimal(str(extension_value(one, "month-investment") or 0))
        for one in records_of(resources, "project-progress")
        if falls_within(extension_value(one, "record-day"), start, end) and _of(one) in known
    ]
    return float(sum(amounts)), len(amounts)


def milestones_on_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Milestones reached by their day, of those due in the period."""
    known = {id_ for id_, one in _projects(resources).items() if _state(one) not in (None, "removed")}
    due = [
        one
        for one in records_of(resources, "project-milestone")
        if falls_within(extension_value(one, "record-day"), start, end) and _of(one) in known
    ]
    reached = sum(
        1
        for one in due
        if (done := extension_value(one, "done-on"))
        and civil_day(done) <= civil_day(extension_value(one, "record-day"))
    )
    return reached, len(due)


def _solved(kind: str, ended: str) -> CheckQuery:
    """Return the check of the cases of a kind asked in the period and not withdrawn, and how many ended well."""

    def checked(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        asked = [
            one
            for one in cases_of(resources, kind)
            if falls_within(one["authoredOn"], start, end) and case_state(one) != "withdrawn"
        ]
        return sum(1 for one in asked if case_state(one) == ended), len(asked)

    return checked


def reports_on_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Reports of the months of the period sent in time, of all that were not cancelled."""
    found = [
        one
        for one in cases_of(resources, "projects/monthly-report")
        if falls_within(case_value(one, "month"), start, end) and case_state(one) != "cancelled"
    ]
    return sum(1 for one in found if case_value(one, "on_time") is True), len(found)


def large_recommended(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Large projects that were recommended, of all of them."""
    basis = "invested" if parameters["project-recommend-basis"] == "completed" else "total-investment"
    large = {
        one["id"]
        for one in records_of(resources, "project")
        if _state(one) in _UNDER_WAY
        and Decimal(str(extension_value(one, basis) or 0)) * 10000
        >= Decimal(str(parameters["project-recommend-investment"]))
    }
    recommended = {
        _of(one)
        for one in records_of(resources, "project-listing")
        if extension_value(one, "record-class") == "recommended" and _state(one) != "left"
    }
    return len(large & recommended), len(large)


def accepted_above(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Projects that a library of the level asked for took in, each once per level."""
    known = {id_ for id_, one in _projects(resources).items() if _state(one) not in (None, "removed")}
    found = {
        (_of(one), extension_value(one, "level"))
        for one in records_of(resources, "project-listing")
        if extension_value(one, "record-class") == "recommended"
        and _state(one) == "accepted"
        and civil_day(extension_value(one, "record-day")) <= end
        and asked_for(parameters, "level", extension_value(one, "level"))
        and _of(one) in known
    }
    return len(found), len(found)


def invested(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """What projects in the library have invested, and what they are to invest."""
    done = whole = Decimal(0)
    for one in records_of(resources, "project"):
        total = Decimal(str(extension_value(one, "total-investment") or 0))
        if _state(one) in _IN_LIBRARY and total > 0:
            whole += total
            done += Decimal(str(extension_value(one, "invested") or 0))
    return float(done), float(whole)


CHECKS: dict[str, CheckQuery] = {
    "projects-in-library": in_library,
    "key-projects": key_projects,
    "key-project-quota-filled": quota_filled,
    "rolling-projects": rolling,
    "dispatched-projects": dispatched,
    "health-data-demonstrations": demonstrations,
    "plan-milestone-projects": milestone_projects,
    "project-investment": investment,
    "project-milestones-on-time": milestones_on_time,
    "project-issues-solved": _solved("projects/issue", "closed"),
    "project-guarantees-met": _solved("projects/guarantee", "met"),
    "project-reports-on-time": reports_on_time,
    "large-projects-recommended": large_recommended,
    "projects-accepted-above": accepted_above,
    "project-investment-rate": invested,
    "project-year-investment-rate": year_investment,
    "plan-hospital-in-operation": hospital,
}
