"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

from kangshu.sdk import CheckQuery, Resource, code_system

_CITY = timezone(timedelta(hours=8))
ENOUGH = "centre-general-practitioners"
"""The parameter that says how many general practitioners a centre needs."""


def _day(text: str) -> date:
    return datetime.fromisoformat(text).astimezone(_CITY).date() if "T" in text else date.fromisoformat(text)


def _latest(born: str) -> date:
    """Return the last day that a birth date, which may be partial, can mean."""
    if len(born) == 4:
        return date(int(born), 12, 31)
    if len(born) == 7:
        first = date.fromisoformat(f"{born}-01")
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return date.fromisoformat(born)


def _general_practitioners(resources: list[Resource], day: date) -> dict[str, set[str]]:
    """Return the general practitioners in post on `day` by organisation reference."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in resources:
        if one["resourceType"] != "PractitionerRole" or "practitioner" not in one:
            continue
        period = one.get("period", {})
        if one.get("active") is False and "end" not in period:
            continue
        if ("start" in period and _day(period["start"]) > day) or (
            "end" in period and _day(period["end"]) < day
        ):
            continue
        roles = {
            coding.get("code")
            for concept in one.get("code", [])
            for coding in concept.get("coding", [])
            if coding.get("system") == code_system("staff-role")
        }
        if "general-practitioner" in roles:
            found[one.get("organization", {}).get("reference", "")].add(one["practitioner"]["reference"])
    return found


def gp_per_ten_thousand(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Different general practitioners, and the living residents born by the day."""
    doctors = set().union(*_general_practitioners(resources, end).values())
    residents = 0
    for one in resources:
        if one["resourceType"] == "Patient" and one.get("active", True) and not one.get("deceasedBoolean"):
            died = "deceasedDateTime" in one and _day(one["deceasedDateTime"]) <= end
            unborn = "birthDate" in one and _latest(one["birthDate"]) > end
            residents += not died and not unborn
    return len(doctors), residents


def centres_with_enough(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Community health centres with enough general practitioners, of all centres."""
    doctors = _general_practitioners(resources, end)
    centres = [
        f"Organization/{one['id']}"
        for one in resources
        if one["resourceType"] == "Organization"
        and one.get("active") is not False
        and any(
            coding.get("code") == "community-health-centre"
            for concept in one.get("type", [])
            for coding in concept.get("coding", [])
        )
    ]
    return sum(len(doctors.get(centre, ())) >= int(parameters[ENOUGH]) for centre in centres), len(centres)


CHECKS: dict[str, CheckQuery] = {
    "gp-per-ten-thousand": gp_per_ten_thousand,
    "chc-two-gps": centres_with_enough,
}
