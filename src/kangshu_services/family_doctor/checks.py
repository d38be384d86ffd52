"""A second computation of this service's measure, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import CheckQuery, Resource, civil_day, codes_of, latest_day

OLDER = "older-resident-age"
"""The parameter that says from which age a resident is an older person."""


def _birthday(born: date, age: int) -> date:
    """Return the day on which someone becomes `age`; 28 February for the 29th where the year has none."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 2, 28)


def family_doctor_coverage(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Older residents with a contract in force at the end, of all older residents."""
    age = int(parameters[OLDER])
    older = {
        f"Patient/{one['id']}"
        for one in resources
        if one["resourceType"] == "Patient"
        and one.get("active", True)
        and not one.get("deceasedBoolean", False)
        and ("deceasedDateTime" not in one or civil_day(one["deceasedDateTime"]) > end)
        and "birthDate" in one
        and _birthday(latest_day(one["birthDate"]), age) <= end
    }
    signed = set()
    for one in resources:
        if one["resourceType"] != "Contract" or one.get("status") != "executed":
            continue
        if "family-doctor" not in codes_of([one.get("type", {})], "contract-kind"):
            continue
        applies = one.get("applies", {})
        if "start" not in applies or civil_day(applies["start"]) > end:
            continue
        if "end" in applies and civil_day(applies["end"]) < end:
            continue
        residents = [subject["reference"] for subject in one.get("subject", []) if "reference" in subject]
        signed.update(residents[:1])
    return len(older & signed), len(older)


CHECKS: dict[str, CheckQuery] = {"family-doctor-coverage-60": family_doctor_coverage}
