"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from kangshu.sdk import CheckQuery, Resource, civil_day, codes_of, latest_day

OLDER = "older-resident-age"
"""The parameter that says from which age a resident is an older person."""
SERVED = "elder-health-service-age"
"""The parameter that says from which age the health service is for a resident."""


def _older(resources: list[Resource], age: int, end: date) -> set[str]:
    """Return the living residents who have completed `age` years by `end`."""
    found = set()
    for one in resources:
        if one["resourceType"] != "Patient" or one.get("active") is False or one.get("deceasedBoolean"):
            continue
        if "deceasedDateTime" in one and civil_day(one["deceasedDateTime"]) <= end:
            continue
        if "birthDate" not in one:
            continue
        born = latest_day(one["birthDate"])
        turned = (born.year + age, born.month, born.day)
        if turned[1:] == (2, 29) and (turned[0] % 4 or (turned[0] % 100 == 0 and turned[0] % 400)):
            turned = (turned[0], 2, 28)
        if turned <= (end.year, end.month, end.day):
            found.add(f"Patient/{one['id']}")
    return found


def _managed(age: str) -> CheckQuery:
    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        older = _older(resources, int(parameters[age]), end)
        reached = set()
        for one in resources:
            if (
                one["resourceType"] == "Encounter"
                and one["status"] == "finished"
                and "elder-health-management" in codes_of(one.get("type", []), "encounter-kind")
                and start <= civil_day(one["period"]["start"]) <= end
            ):
                reached.add(one["subject"]["reference"])
        return len(older & reached), len(older)

    return check


def elder_assessment(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Residents of the service's age with a completed assessment, of all of that age."""
    older = _older(resources, int(parameters[SERVED]), end)
    assessed = {
        one["subject"]["reference"]
        for one in resources
        if one["resourceType"] == "Observation"
        and one["status"] in {"final", "amended", "corrected"}
        and "elder-ability" in codes_of([one["code"]], "assessment")
        and "effectiveDateTime" in one
        and start <= civil_day(one["effectiveDateTime"]) <= end
    }
    return len(older & assessed), len(older)


CHECKS: dict[str, CheckQuery] = {
    "elder-management-rate-60": _managed(OLDER),
    "elder-management-rate-65": _managed(SERVED),
    "elder-assessment-65": elder_assessment,
}
