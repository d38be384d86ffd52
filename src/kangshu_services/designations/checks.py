"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    asked_for,
    civil_day,
    codes_of,
    extension_day,
    extension_value,
    falls_within,
    record_in_force,
    records_of,
)


def _in_force(resources: list[Resource], day: date) -> list[Resource]:
    return [one for one in records_of(resources, "designation") if record_in_force(one, day)]


def in_force(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Designations in force on the day, of the kind and level asked for."""
    count = sum(
        asked_for(parameters, "kind", extension_value(one, "record-class"))
        and asked_for(parameters, "level", extension_value(one, "level"))
        for one in _in_force(resources, end)
    )
    return count, count


def pilots(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Pilots that are prepared and not stopped, of the kind asked for."""
    count = sum(
        bool(extension_value(one, "prepared"))
        and extension_value(one, "record-state") != "stopped"
        and extension_day(one, "record-day", date.max) <= end
        and asked_for(parameters, "kind", extension_value(one, "record-class"))
        for one in records_of(resources, "pilot")
    )
    return count, count


def quota_filled(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Places filled, of the least places of all quotas in force; see rule R28."""
    kinds = {
        f"ActivityDefinition/{one['id']}": one["name"]
        for one in resources
        if one["resourceType"] == "ActivityDefinition"
        and "designation" in codes_of(one.get("topic", ()), "definition-kind")
    }
    filled: Counter[tuple[str, str]] = Counter()
    for one in _in_force(resources, end):
        kind = extension_value(one, "record-class")
        if kind == "characteristic-town" and parameters["characteristic-town-within-quota"]:
            kind = "industry-town"
        filled[kind, extension_value(one, "district")[:6]] += 1
    top = bottom = 0
    for one in records_of(resources, "designation-quota"):
        kind = kinds.get(extension_value(one, "record-of")["reference"])
        if kind and extension_day(one, "valid-from", date.max) <= end <= extension_day(
            one, "valid-until", date.max
        ):
            least = int(extension_value(one, "quota"))
            there = filled[kind, extension_value(one, "district")[:6]]
            top += there if parameters["designation-surplus-fills-gap"] else min(there, least)
            bottom += least
    return top, bottom


def reassessed(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Designations re-assessed in the period or since it began, of those that were due or done in it."""
    done = whole = 0
    for one in records_of(resources, "designation"):
        reviewed = extension_value(one, "reviewed-on")
        if falls_within(extension_value(one, "review-on"), start, end) or falls_within(reviewed, start, end):
            whole += 1
            done += bool(reviewed) and civil_day(reviewed) >= start
    return done, whole


def spread(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Lessons of the period that were spread."""
    count = sum(
        bool(extension_value(one, "spread-to"))
        and falls_within(extension_value(one, "record-day"), start, end)
        for one in records_of(resources, "lesson")
    )
    return count, count


def several_names(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Places with two designations in force or more."""
    names = Counter(one["subject"]["reference"] for one in _in_force(resources, end))
    count = sum(each > 1 for each in names.values())
    return count, count


CHECKS: dict[str, CheckQuery] = {
    "designations-in-force": in_force,
    "pilots-running": pilots,
    "designation-quota-filled": quota_filled,
    "reassessed-in-time": reassessed,
    "lessons-spread": spread,
    "places-under-several-names": several_names,
}
