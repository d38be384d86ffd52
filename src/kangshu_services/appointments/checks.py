"""A second computation of this service's measures, from the slots as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from kangshu.sdk import CheckQuery, Resource, civil_day, codes_of, extension_value

MINUTES = "slot-precision-minutes"
"""The parameter that says how long a precise slot may be."""


def _slots(resources: list[Resource], kind: str, start: date, end: date) -> Iterator[Resource]:
    """Yield the slots that hospitals of `kind` offer between the two days."""
    hospitals = {
        f"Organization/{one['id']}"
        for one in resources
        if one["resourceType"] == "Organization"
        and one.get("active") is not False
        and kind in codes_of(one.get("type", []), "organisation-kind")
    }
    for one in resources:
        if one["resourceType"] != "Slot" or one["status"] in ("entered-in-error", "busy-unavailable"):
            continue
        hospital = (extension_value(one, "responsible-organisation") or {}).get("reference")
        if hospital in hospitals and start <= civil_day(one["start"]) <= end:
            yield one


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _reserved(kind: str) -> CheckQuery:
    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        slots = list(_slots(resources, kind, start, end))
        return len([one for one in slots if extension_value(one, "reserved-for") == "referral"]), len(slots)

    return check


def slot_hour_precision(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Slots of tertiary hospitals that are short enough, of all."""
    longest = timedelta(minutes=int(parameters[MINUTES]))
    fine = whole = 0
    for one in _slots(resources, "tertiary-hospital", start, end):
        whole += 1
        if "end" in one:
            fine += timedelta(0) < _moment(one["end"]) - _moment(one["start"]) <= longest
    return fine, whole


CHECKS: dict[str, CheckQuery] = {
    "tertiary-referral-slot-share": _reserved("tertiary-hospital"),
    "secondary-referral-slot-share": _reserved("secondary-hospital"),
    "slot-hour-precision": slot_hour_precision,
}
