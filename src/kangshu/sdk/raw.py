"""Reading raw resources by hand, for checks that must not lean on views, search or FHIRPath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from kangshu.base.canonical import code_system, structure
from kangshu.base.clock import CITY_ZONE
from kangshu.sdk.declarations import Resource


def civil_day(text: str) -> date:
    """Return the city's civil day of a whole FHIR date or an instant."""
    return (
        datetime.fromisoformat(text).astimezone(CITY_ZONE).date() if "T" in text else date.fromisoformat(text)
    )


def latest_day(partial: str) -> date:
    """Return the last day that a FHIR date, which may be a year or a month, can mean."""
    if len(partial) == 4:
        return date(int(partial), 12, 31)
    if len(partial) == 7:
        first = date.fromisoformat(f"{partial}-01")
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return date.fromisoformat(partial)


def codes_of(concepts: Iterable[Any], system: str) -> set[str]:
    """Return the codes of our code system `system` in these CodeableConcepts."""
    return {
        coding.get("code", "")
        for concept in concepts
        for coding in concept.get("coding", [])
        if coding.get("system") == code_system(system)
    }


def extension_value(resource: Resource, name: str) -> Any:
    """Return the value of our extension `name` on `resource`, None where it has none."""
    for extension in resource.get("extension", []):
        if extension["url"] == structure(name):
            return next((value for key, value in extension.items() if key.startswith("value")), None)
    return None


def extension_day(resource: Resource, name: str, otherwise: date) -> date:
    """Return the civil day in our extension `name`, `otherwise` where it is not there."""
    value = extension_value(resource, name)
    return civil_day(value) if value else otherwise


def records_of(resources: Iterable[Resource], kind: str) -> Iterator[Resource]:
    """Yield the Basics that are records of `kind`."""
    for one in resources:
        if one["resourceType"] == "Basic" and kind in codes_of([one.get("code", {})], "record-kind"):
            yield one


def record_in_force(record: Resource, day: date) -> bool:
    """Return whether a record has begun by `day`, is still valid on it and has not been ended by then."""
    return (
        extension_day(record, "record-day", date.max) <= day
        and extension_day(record, "valid-until", date.max) >= day
        and extension_day(record, "record-ended", date.max) > day
    )


def asked_for(parameters: Mapping[str, Any], name: str, value: Any) -> bool:
    """Return whether a member of a family asks for what has `value`; the family itself asks for all."""
    return name not in parameters or value in parameters[name]


def organisations_of(resources: Iterable[Resource], *kinds: str, closed: bool = False) -> dict[str, Resource]:
    """Return the organisations of one of `kinds` by reference, with `closed` those too that are no longer active."""
    return {
        f"Organization/{one['id']}": one
        for one in resources
        if one["resourceType"] == "Organization"
        and (closed or one.get("active", True))
        and not codes_of(one.get("type", ()), "organisation-kind").isdisjoint(kinds)
    }


def living_residents(
    resources: Iterable[Resource], day: date, *, closed: bool = False
) -> dict[str, Resource]:
    """Return the residents who live at the end of `day` by reference, with `closed` those too whose record is closed."""
    return {
        f"Patient/{one['id']}": one
        for one in resources
        if one["resourceType"] == "Patient"
        and (closed or one.get("active", True))
        and not one.get("deceasedBoolean", False)
        and ("deceasedDateTime" not in one or civil_day(one["deceasedDateTime"]) > day)
    }


def residents_of_age(residents: Mapping[str, Resource], age: int, day: date) -> set[str]:
    """Return the references of those who have completed `age` years by `day`."""
    return {
        reference
        for reference, one in residents.items()
        if "birthDate" in one and _birthday(latest_day(one["birthDate"]), age) <= day
    }


def _birthday(born: date, age: int) -> date:
    """Return the day on which someone becomes `age`; 28 February for the 29th where the year has none."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 2, 28)


def cases_of(resources: Iterable[Resource], kind: str) -> Iterator[Resource]:
    """Yield the Tasks that are cases of `kind` (service/case)."""
    for one in resources:
        if one["resourceType"] == "Task" and kind in codes_of([one.get("code", {})], "case-kind"):
            yield one


def case_state(task: Resource) -> str:
    """Return the id of a case's state."""
    return next(iter(codes_of([task.get("businessStatus", {})], "case-state")), "")


def case_value(task: Resource, field: str) -> Any:
    """Return the (first) value that a case keeps of a form's field, None for none."""
    for one in task.get("input", ()):
        if any(coding.get("code") == field for coding in one["type"].get("coding", ())):
            return next((value for name, value in one.items() if name.startswith("value")), None)
    return None


def falls_within(value: Any, start: date, end: date) -> bool:
    """Return whether a day or instant is there and lies in the period."""
    return bool(value) and start <= civil_day(str(value)) <= end
