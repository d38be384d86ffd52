"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections import Counter, defaultdict
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

_CLINICAL = frozenset({"general-practitioner", "physician", "nurse"})


def _in_post(resources: list[Resource], day: date, roles: frozenset[str]) -> dict[str, set[str]]:
    """Return the practitioners with a post of `roles` on `day` by organisation reference."""
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
        if roles & codes_of(one.get("code", []), "staff-role"):
            found[one.get("organization", {}).get("reference", "")].add(one["practitioner"]["reference"])
    return found


def _general_practitioners(resources: list[Resource], day: date) -> dict[str, set[str]]:
    return _in_post(resources, day, frozenset({"general-practitioner"}))


def in_homes(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Different doctors and nurses in homes for older people."""
    posts = _in_post(resources, end, _CLINICAL)
    homes = organisations_of(resources, "elder-institution", closed=True)
    count = len(set().union(*(posts.get(home, set()) for home in homes)))
    return count, count


def with_several_sites(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Doctors and nurses with posts in two organisations or more."""
    sites = Counter(who for people in _in_post(resources, end, _CLINICAL).values() for who in people)
    count = sum(number > 1 for number in sites.values())
    return count, count


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
    "practitioners-in-homes": in_homes,
    "multi-site-practitioners": with_several_sites,
}
