"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    codes_of,
    extension_value,
    falls_within,
    living_residents,
    residents_of_age,
)


def elders_managed(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Older residents identified and advised in the period, of all of them."""
    whole_year = parameters["elder-health-age-date"] == "year-end"
    age, living = int(parameters["elder-health-service-age"]), living_residents(resources, end)
    older = residents_of_age(living, age, date(end.year, 12, 31) if whole_year else end)
    managed = set()
    for one in resources:
        if (
            one["resourceType"] != "Observation"
            or one["status"] not in {"final", "amended", "corrected"}
            or "tcm-constitution" not in codes_of([one["code"]], "assessment")
            or not falls_within(one.get("effectiveDateTime"), start, end)
        ):
            continue
        advised = bool(one.get("derivedFrom")) or extension_value(one, "tcm-advice") is not None
        who = one["subject"]["reference"]
        of_age = whole_year or who in residents_of_age(
            {who: living[who]} if who in living else {}, age, civil_day(one["effectiveDateTime"])
        )
        if of_age and (advised or not int(parameters["elder-tcm-advice"])):
            managed.add(who)
    return len(older & managed), len(older)


def _months(born: date, day: date) -> int:
    """Return the completed months; who is born on a day that a month has not completes it on its last one."""
    months = (day.year - born.year) * 12 + day.month - born.month
    last = (date(day.year + day.month // 12, day.month % 12 + 1, 1) - date(day.year, day.month, 1)).days
    return months - (day.day < min(born.day, last))


def children_managed(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Children not past the last month of the service who were served in the period, of all of them."""
    day = {"year-end": date(end.year, 12, 31), "year-start": start}.get(
        str(parameters["child-tcm-age-date"]), end
    )
    children = set()
    for who, one in living_residents(resources, end).items():
        if "birthDate" not in one:
            continue
        born = date.fromisoformat(f"{one['birthDate']}-01-01"[:10])
        if born <= end and _months(born, day) <= int(parameters["child-tcm-age-months"]):
            children.add(who)
    served = Counter(
        one["subject"]["reference"]
        for one in resources
        if one["resourceType"] == "Encounter"
        and one["status"] == "finished"
        and "child-tcm" in codes_of(one.get("type", ()), "encounter-kind")
        and falls_within(one["period"]["start"], start, end)
    )
    least = int(parameters["child-tcm-least"])
    return sum(1 for who in children if served[who] >= least), len(children)


CHECKS: dict[str, CheckQuery] = {
    "elder-tcm-management-rate": elders_managed,
    "child-tcm-management-rate": children_managed,
}
