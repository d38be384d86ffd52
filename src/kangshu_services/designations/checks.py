"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
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


def _running_pilots(resources: list[Resource], day: date) -> list[Resource]:
    """Return the pilots that had begun by the day and were not stopped on it."""
    return [
        one
        for one in records_of(resources, "pilot")
        if extension_day(one, "record-day", date.max) <= day
        and (
            extension_day(one, "record-ended", date.max) > day
            if extension_value(one, "record-ended")
            else extension_value(one, "record-state") != "stopped"
        )
    ]


def pilots(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Pilots that are not stopped, of the kind asked for."""
    count = sum(
        asked_for(parameters, "kind", extension_value(one, "record-class"))
        for one in _running_pilots(resources, end)
    )
    return count, count


def cooperations(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Agreements in force (or their institutions) that cooperation pilots name."""
    grace = timedelta(days=int(parameters["agreement-grace-days"]))
    agreements = {
        f"Contract/{one['id']}": one
        for one in resources
        if one["resourceType"] == "Contract" and "medical-elder" in codes_of([one.get("type", {})], "contract-kind")
    }  # fmt: skip
    counted = set()
    for pilot in _running_pilots(resources, end):
        reference = (extension_value(pilot, "agreement") or {}).get("reference", "")
        agreement = agreements.get(reference)
        if agreement is None or extension_value(pilot, "record-class") != "medical-elder-cooperation":
            continue
        term = agreement.get("applies", {})
        begun = "start" in term and civil_day(term["start"]) <= end
        over = "end" in term and civil_day(term["end"]) + grace < end
        homes = [
            one["reference"]
            for one in agreement.get("subject", ())
            if one.get("reference", "").startswith("Organization/")
        ]
        if agreement.get("status") == "executed" and begun and not over and homes:
            counted |= {reference} if parameters["pilot-count-basis"] == "pairs" else set(homes)
    return len(counted), len(counted)


def pilot_counties(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Counties of the health-management pilot that have an office and experts enough."""
    offices = {_of(one) for one in records_of(resources, "pilot-office") if record_in_force(one, end)}
    experts: dict[str, set[str]] = {}
    for one in records_of(resources, "pilot-expert"):
        if record_in_force(one, end):
            experts.setdefault(_of(one), set()).add(one["subject"]["reference"])
    counties = {
        extension_value(one, "district")[:6]
        for one in _running_pilots(resources, end)
        if extension_value(one, "record-class") == "health-management-county"
        and f"Basic/{one['id']}" in offices
        and len(experts.get(f"Basic/{one['id']}", ())) >= parameters["pilot-experts-least"]
    }
    return len(counties), len(counties)


def _of(record: Resource) -> str:
    """Return the reference of the record that this one belongs to."""
    return str((extension_value(record, "record-of") or {}).get("reference", ""))


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
    names = Counter(one["subject"]["reference"] for one in _in_force(resources, end) if "subject" in one)
    count = sum(each > 1 for each in names.values())
    return count, count


CHECKS: dict[str, CheckQuery] = {
    "designations-in-force": in_force,
    "pilots-running": pilots,
    "pilots-medical-elder": cooperations,
    "pilots-health-management": pilot_counties,
    "designation-quota-filled": quota_filled,
    "reassessed-in-time": reassessed,
    "lessons-spread": spread,
    "places-under-several-names": several_names,
}
