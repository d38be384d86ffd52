"""A second computation of this service's measures, from the slots as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

from kangshu.sdk import CheckQuery, Resource, code_system, structure

_CITY = timezone(timedelta(hours=8))
MINUTES = "slot-precision-minutes"
"""The parameter that says how long a precise slot may be."""


def _extension(resource: Resource, name: str) -> Any:
    values = [
        value
        for extension in resource.get("extension", [])
        if extension["url"] == structure(name)
        for key, value in extension.items()
        if key.startswith("value")
    ]
    return values[0] if values else None


def _slots(resources: list[Resource], kind: str, start: date, end: date) -> Iterator[Resource]:
    """Yield the slots that hospitals of `kind` offer between the two days."""
    hospitals = set()
    for one in resources:
        if one["resourceType"] == "Organization" and one.get("active") is not False:
            codings = [coding for concept in one.get("type", []) for coding in concept.get("coding", [])]
            if any(
                coding.get("system") == code_system("organisation-kind") and coding.get("code") == kind
                for coding in codings
            ):
                hospitals.add(f"Organization/{one['id']}")
    for one in resources:
        if one["resourceType"] != "Slot" or one["status"] in ("entered-in-error", "busy-unavailable"):
            continue
        hospital = (_extension(one, "responsible-organisation") or {}).get("reference")
        if hospital in hospitals and start <= _moment(one["start"]).astimezone(_CITY).date() <= end:
            yield one


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _reserved(kind: str) -> CheckQuery:
    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        slots = list(_slots(resources, kind, start, end))
        return len([one for one in slots if _extension(one, "reserved-for") == "referral"]), len(slots)

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
