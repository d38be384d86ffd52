"""A second computation of this service's measures, from the records as they are and the text of the indicators."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import CheckQuery, Resource, civil_day, codes_of, extension_value, latest_day

OLDER = "older-resident-age"
"""The parameter that says from which age a resident is an older person."""


def _homes(resources: list[Resource]) -> dict[str, Resource]:
    return {
        f"Organization/{one['id']}": one
        for one in resources
        if one["resourceType"] == "Organization"
        and "elder-institution" in codes_of(one.get("type", []), "organisation-kind")
        and one.get("active", True)
    }


def _beds(resources: list[Resource]) -> list[tuple[Resource, Resource]]:
    """Return each bed in use with the home that it stands in."""
    homes = _homes(resources)
    found = []
    for one in resources:
        if one["resourceType"] != "Location" or one.get("status") != "active":
            continue
        kinds = {coding.get("code") for coding in one.get("physicalType", {}).get("coding", [])}
        home = homes.get(one.get("managingOrganization", {}).get("reference", ""))
        if "bd" in kinds and home is not None:
            found.append((one, home))
    return found


def nursing_bed_share(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Nursing beds of all beds."""
    beds = _beds(resources)
    return sum("nursing" in codes_of(bed.get("type", []), "bed-kind") for bed, _ in beds), len(beds)


def private_bed_share(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Beds of private homes of all beds."""
    beds = _beds(resources)
    return sum(extension_value(home, "ownership") == "private" for _, home in beds), len(beds)


def elder_beds_per_thousand(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Beds, and the living residents of the older persons' age."""
    older, least = 0, int(parameters[OLDER])
    for one in resources:
        if one["resourceType"] != "Patient" or not one.get("active", True) or one.get("deceasedBoolean"):
            continue
        if "deceasedDateTime" in one and civil_day(one["deceasedDateTime"]) <= end:
            continue
        if "birthDate" not in one:
            continue
        born = latest_day(one["birthDate"])
        year, month, day = born.year, born.month, born.day
        # 29 February counts as the 28th in a year without one
        leap = end.year % 4 == 0 and (end.year % 100 != 0 or end.year % 400 == 0)
        month_day = (2, 28) if (month, day) == (2, 29) and not leap else (month, day)
        age = end.year - year - (month_day > (end.month, end.day))
        older += age >= least
    return len(_beds(resources)), older


CHECKS: dict[str, CheckQuery] = {
    "nursing-bed-share": nursing_bed_share,
    "private-bed-share": private_bed_share,
    "elder-beds-per-thousand": elder_beds_per_thousand,
}
