"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    codes_of,
    extension_value,
    falls_within,
    organisations_of,
)

MINUTES = "slot-precision-minutes"
"""The parameter that says how long a precise slot may be."""
_USUAL = "appointments/outpatient"
_REVISIT = "appointments/revisit"
_HOSPITALS = ("tertiary-hospital", "secondary-hospital")
_CENTRES = ("community-health-centre", "township-health-centre")
Answer = tuple[float, float]


def _owner(resource: Resource) -> str:
    return str((extension_value(resource, "responsible-organisation") or {}).get("reference", ""))


def _slots(
    resources: list[Resource], kind: str, start: date, end: date, bookings: tuple[str, ...] = (_USUAL,)
) -> Iterator[Resource]:
    """Yield the slots of these bookings that hospitals of `kind` offer between the two days."""
    hospitals = organisations_of(resources, kind)
    for one in resources:
        if one["resourceType"] != "Slot" or one["status"] in ("entered-in-error", "busy-unavailable"):
            continue
        if not {*(codes_of(one.get("serviceCategory", []), "booking-kind") or [_USUAL])} & {*bookings}:
            continue
        if _owner(one) in hospitals and start <= civil_day(one["start"]) <= end:
            yield one


def _places(slot: Resource) -> int:
    return int(extension_value(slot, "capacity") or 1)


def _reserved(kind: str) -> CheckQuery:
    def check(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
        slots = list(_slots(resources, kind, start, end))
        if parameters["reserved-share-experts"] != "in":
            slots = [one for one in slots if not extension_value(one, "expert")]
        after = parameters["reserved-share-released"] == "yes"
        kept = [
            one
            for one in slots
            if extension_value(one, "reserved-for") == "referral"
            and (after or not extension_value(one, "released"))
        ]
        return sum(map(_places, kept)), sum(map(_places, slots))

    return check


def slot_hour_precision(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Answer:
    """Slots of tertiary hospitals that are short enough, of all."""
    longest = timedelta(minutes=int(parameters[MINUTES]))
    fine = whole = 0
    for one in _slots(resources, "tertiary-hospital", start, end, (_USUAL, _REVISIT)):
        whole += 1
        if "end" in one:
            length = datetime.fromisoformat(one["end"]) - datetime.fromisoformat(one["start"])
            fine += timedelta(0) < length <= longest
    return fine, whole


def _channels(kinds: tuple[str, ...], *asked: str) -> CheckQuery:
    def check(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
        institutions = organisations_of(resources, *kinds)
        found = {
            str((one.get("providedBy") or {}).get("reference"))
            for one in resources
            if one["resourceType"] == "HealthcareService"
            and "elder-green-channel" in codes_of(one.get("category", []), "service-kind")
            and one.get("active") is True
            and all(extension_value(one, name) is True for name in asked)
        }
        return len(institutions.keys() & found), len(institutions)

    return check


def booked_visits(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Outpatient visits of tertiary hospitals with an appointment, of all."""
    hospitals = organisations_of(resources, "tertiary-hospital", closed=True)
    visits = [
        one
        for one in resources
        if one["resourceType"] == "Encounter"
        and one["status"] == "finished"
        and "outpatient" in codes_of(one.get("type", []), "encounter-kind")
        and (one.get("serviceProvider") or {}).get("reference") in hospitals
        and falls_within((one.get("period") or {}).get("start"), start, end)
    ]
    return len([one for one in visits if one.get("appointment")]), len(visits)


def _appointments(resources: list[Resource], start: date, end: date) -> Iterator[Resource]:
    for one in resources:
        if (
            one["resourceType"] == "Appointment"
            and one.get("slot")
            and falls_within(one.get("start"), start, end)
        ):
            yield one


def missed(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Appointments missed, of those seen, checked in or missed."""
    due = [
        one["status"]
        for one in _appointments(resources, start, end)
        if one["status"] in ("noshow", "fulfilled", "checked-in", "arrived")
    ]
    return due.count("noshow"), len(due)


def waiting(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Minutes from check-in to the visit, over appointments with both."""
    spent = []
    for one in _appointments(resources, start, end):
        came, seen = extension_value(one, "checked-in-at"), extension_value(one, "served-at")
        if one["status"] == "fulfilled" and came and seen:
            spent.append((datetime.fromisoformat(seen) - datetime.fromisoformat(came)).total_seconds() / 60)
    return sum(spent), len(spent)


def reserved_use(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Places booked from the pool kept for referrals, of the places kept; those of no known organisation do not count."""
    known = {f"Organization/{one['id']}" for one in resources if one["resourceType"] == "Organization"}
    kept = sum(
        _places(one)
        for one in resources
        if one["resourceType"] == "Slot"
        and one["status"] not in ("entered-in-error", "busy-unavailable")
        and extension_value(one, "reserved-for") == "referral"
        and _owner(one) in known
        and start <= civil_day(one["start"]) <= end
    )
    taking = ("pending", "booked", "arrived", "checked-in", "fulfilled")
    used = [
        one
        for one in _appointments(resources, start, end)
        if one["status"] in taking and extension_value(one, "pool") == "referral" and _owner(one) in known
    ]
    return len(used), kept


CHECKS: dict[str, CheckQuery] = {
    "tertiary-referral-slot-share": _reserved("tertiary-hospital"),
    "secondary-referral-slot-share": _reserved("secondary-hospital"),
    "slot-hour-precision": slot_hour_precision,
    "elder-green-channel-hospitals": _channels(_HOSPITALS),
    "elder-green-channel-institutions": _channels(
        (*_HOSPITALS, *_CENTRES), "priority-registration", "priority-visit"
    ),
    "tertiary-appointment-visit-share": booked_visits,
    "appointment-no-show-rate": missed,
    "appointment-waiting-minutes": waiting,
    "reserved-slot-use": reserved_use,
}
