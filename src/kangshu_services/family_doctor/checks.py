"""A second computation of this service's measure, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

from kangshu.sdk import CheckQuery, Resource, code_system

_CITY = timezone(timedelta(hours=8))
OLDER = "older-resident-age"
"""The parameter that says from which age a resident is an older person."""


def _day(text: str) -> date:
    """Return the civil day of a whole date or an instant."""
    return datetime.fromisoformat(text).astimezone(_CITY).date() if "T" in text else date.fromisoformat(text)


def _latest(born: str) -> date:
    """Return the last day that a birth date, which may be partial, can mean."""
    if len(born) == 4:
        return date(int(born), 12, 31)
    if len(born) == 7:
        first = date.fromisoformat(f"{born}-01")
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return date.fromisoformat(born)


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
        and ("deceasedDateTime" not in one or _day(one["deceasedDateTime"]) > end)
        and "birthDate" in one
        and _birthday(_latest(one["birthDate"]), age) <= end
    }
    signed = set()
    for one in resources:
        if one["resourceType"] != "Contract" or one.get("status") != "executed":
            continue
        kinds = [
            (coding.get("system"), coding.get("code")) for coding in one.get("type", {}).get("coding", [])
        ]
        if (code_system("contract-kind"), "family-doctor") not in kinds:
            continue
        applies = one.get("applies", {})
        if "start" not in applies or _day(applies["start"]) > end:
            continue
        if "end" in applies and _day(applies["end"]) < end:
            continue
        residents = [subject["reference"] for subject in one.get("subject", []) if "reference" in subject]
        signed.update(residents[:1])
    return len(older & signed), len(older)


CHECKS: dict[str, CheckQuery] = {"family-doctor-coverage-60": family_doctor_coverage}
