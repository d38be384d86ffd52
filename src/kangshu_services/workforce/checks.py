"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    codes_of,
    latest_day,
    living_residents,
    organisations_of,
)

ENOUGH = "centre-general-practitioners"
"""The parameter that says how many general practitioners a centre needs."""


def _general_practitioners(resources: list[Resource], day: date) -> dict[str, set[str]]:
    """Return the general practitioners in post on `day` by organisation reference."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in resources:
        if one["resourceType"] != "PractitionerRole" or "practitioner" not in one:
            continue
        period = one.get("period", {})
        if one.get("active") is False and "end" not in period:
            continue
        if ("start" in period and civil_day(period["start"]) > day) or (
            "end" in period and civil_day(period["end"]) < day
        ):
            continue
        if "general-practitioner" in codes_of(one.get("code", []), "staff-role"):
            found[one.get("organization", {}).get("reference", "")].add(one["practitioner"]["reference"])
    return found


def gp_per_ten_thousand(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Different general practitioners, and the living residents born by the day."""
    doctors = set().union(*_general_practitioners(resources, end).values())
    living = living_residents(resources, end).values()
    unborn = sum("birthDate" in one and latest_day(one["birthDate"]) > end for one in living)
    return len(doctors), len(living) - unborn


def centres_with_enough(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Community health centres with enough general practitioners, of all centres."""
    doctors = _general_practitioners(resources, end)
    centres = organisations_of(resources, "community-health-centre")
    return sum(len(doctors.get(centre, ())) >= int(parameters[ENOUGH]) for centre in centres), len(centres)


CHECKS: dict[str, CheckQuery] = {
    "gp-per-ten-thousand": gp_per_ten_thousand,
    "chc-two-gps": centres_with_enough,
}
