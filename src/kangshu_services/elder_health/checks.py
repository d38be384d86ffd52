"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    civil_day,
    codes_of,
    extension_value,
    living_residents,
    residents_of_age,
)

OLDER = "older-resident-age"
"""The parameter that says from which age a resident is an older person."""
SERVED = "elder-health-service-age"
"""The parameter that says from which age the health service is for a resident."""


def _older(resources: list[Resource], age: int, end: date) -> set[str]:
    """Return the living residents who have completed `age` years by `end`."""
    return residents_of_age(living_residents(resources, end), age, end)


class _OfAge:
    """Who is of an age for the yearly service of the period that ends on `end`, by the parameter of the age's day."""

    def __init__(self, resources: list[Resource], age: int, end: date, parameters: Mapping[str, Any]) -> None:
        self._whole_year = parameters["elder-health-age-date"] == "year-end"
        self._age = age
        self._living = living_residents(resources, end)
        day = date(end.year, 12, 31) if self._whole_year else end
        self.all = residents_of_age(self._living, age, day)

    def served(self, who: str, day: date) -> bool:
        """Return whether a service on `day` is one at that age; by the year's end every day of the year is."""
        if self._whole_year:
            return True
        one = {who: self._living[who]} if who in self._living else {}
        return who in residents_of_age(one, self._age, day)


def _managed(age: str) -> CheckQuery:
    def check(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        of_age = _OfAge(resources, int(parameters[age]), end, parameters)
        older = of_age.all
        if parameters["elder-health-registered-only"]:
            older -= _registered_elsewhere(resources)
        reached = set()
        for one in resources:
            if (
                one["resourceType"] == "Encounter"
                and one["status"] == "finished"
                and "elder-health-management" in codes_of(one.get("type", []), "encounter-kind")
                and (
                    not parameters["elder-health-complete-only"]
                    or extension_value(one, "complete-form") is True
                )
                and start <= civil_day(one["period"]["start"]) <= end
                and of_age.served(one["subject"]["reference"], civil_day(one["period"]["start"]))
            ):
                reached.add(one["subject"]["reference"])
        return len(older & reached), len(older)

    return check


def _registered_elsewhere(resources: list[Resource]) -> set[str]:
    return {
        one["subject"]["reference"]
        for one in resources
        if one["resourceType"] == "Observation"
        and one["status"] == "final"
        and "elder-profile" in codes_of([one["code"]], "assessment")
        and extension_value(one, "registered-here") is False
    }


def _assessments(resources: list[Resource]) -> Iterator[tuple[str, date, str, str]]:
    """Yield (resident, day, level, id) of every completed ability assessment."""
    for one in resources:
        if (
            one["resourceType"] == "Observation"
            and one["status"] in {"final", "amended", "corrected"}
            and "elder-ability" in codes_of([one["code"]], "assessment")
            and "effectiveDateTime" in one
        ):
            level = next(iter(codes_of(one.get("interpretation", []), "ability-level")), "")
            yield one["subject"]["reference"], civil_day(one["effectiveDateTime"]), level, one["id"]


def elder_assessment(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Residents of the service's age with a health assessment of the year, of all of that age."""
    of_age = _OfAge(resources, int(parameters[SERVED]), end, parameters)
    older = of_age.all
    assessed = {
        who for who, day, _, _ in _assessments(resources) if start <= day <= end and of_age.served(who, day)
    }
    for one in resources:
        if (
            one["resourceType"] == "Encounter"
            and one["status"] == "finished"
            and "elder-health-management" in codes_of(one.get("type", []), "encounter-kind")
            and extension_value(one, "health-assessment") is not None
            and start <= civil_day(one["period"]["start"]) <= end
            and of_age.served(one["subject"]["reference"], civil_day(one["period"]["start"]))
        ):
            assessed.add(one["subject"]["reference"])
    return len(older & assessed), len(older)


def _examined(resources: list[Resource], end: date) -> set[str]:
    """Return who has had a yearly service with a complete form by `end`."""
    return {
        one["subject"]["reference"]
        for one in resources
        if one["resourceType"] == "Encounter"
        and one["status"] == "finished"
        and "elder-health-management" in codes_of(one.get("type", []), "encounter-kind")
        and extension_value(one, "complete-form") is True
        and civil_day(one["period"]["start"]) <= end
    }


def _profiled(resources: list[Resource]) -> set[str]:
    return {
        one["subject"]["reference"]
        for one in resources
        if one["resourceType"] == "Observation"
        and one["status"] == "final"
        and "elder-profile" in codes_of([one["code"]], "assessment")
    }


def health_records(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Residents of the service's age whose record somebody keeps (complete, where the parameter says so), of all of that age."""
    older = _older(resources, int(parameters[SERVED]), end)
    people = {f"Patient/{one['id']}": one for one in resources if one["resourceType"] == "Patient"}
    kept = {who for who in older if "managingOrganization" in people[who]}
    if parameters["elder-record-complete-only"]:
        parts = str(parameters["elder-record-parts"]).split(",")
        if "identity" in parts:
            kept = {who for who in kept if _is_identified(people[who])}
        if "contact" in parts:
            kept = {who for who in kept if _can_be_reached(people[who])}
        if "profile" in parts:
            kept &= _profiled(resources)
        if "examination" in parts:
            kept &= _examined(resources, end)
    return len(kept), len(older)


def _is_identified(resident: Resource) -> bool:
    numbers = {one.get("system") for one in resident.get("identifier", ())}
    return "urn:oid:2.16.156.10011.1.3" in numbers and all(
        resident.get(element) for element in ("name", "gender", "birthDate")
    )


def _can_be_reached(resident: Resource) -> bool:
    phones = [one for one in resident.get("telecom", ()) if one.get("system") == "phone"]
    return bool(phones or resident.get("address"))


def _months_before(day: date, months: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def home_residents_assessed(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Those who live in a home and have a record and an assessment not too old, of all who live in one."""
    living = living_residents(resources, end, closed=True)
    kept = {
        f"Patient/{one['id']}"
        for one in resources
        if one["resourceType"] == "Patient" and "managingOrganization" in one
    }
    housed = set()
    for one in resources:
        if (
            one["resourceType"] == "EpisodeOfCare"
            and one["status"] == "active"
            and "elder-residence" in codes_of(one.get("type", []), "episode-kind")
        ):
            period = one.get("period", {})
            if ("start" not in period or civil_day(period["start"]) <= end) and (
                "end" not in period or civil_day(period["end"]) > end
            ):
                housed.add(one["patient"]["reference"])
    oldest = _months_before(end, int(parameters["elder-assessment-interval-months"]))
    assessed = {who for who, day, _, _ in _assessments(resources) if oldest < day <= end}
    housed &= living.keys()
    return len(housed & kept & assessed), len(housed)


def by_level(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Residents with an assessment in the period."""
    found = living_residents(resources, end).keys() & {
        who for who, day, _, _ in _assessments(resources) if start <= day <= end
    }
    return len(found), len(found)


def overdue(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Residents whose newest assessment is older than the interval."""
    newest: dict[str, date] = {}
    for who, day, _, _ in _assessments(resources):
        if day <= end:
            newest[who] = max(day, newest.get(who, day))
    last = _months_before(end, int(parameters["elder-assessment-interval-months"]))
    found = living_residents(resources, end).keys() & {who for who, day in newest.items() if day <= last}
    return len(found), len(found)


CHECKS: dict[str, CheckQuery] = {
    "elder-management-rate-60": _managed(OLDER),
    "elder-management-rate-65": _managed(SERVED),
    "elder-assessment-65": elder_assessment,
    "elder-health-records-65": health_records,
    "home-residents-assessed": home_residents_assessed,
    "ability-assessments-by-level": by_level,
    "ability-reassessments-overdue": overdue,
}
