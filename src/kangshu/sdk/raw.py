"""Reading raw resources by hand, for checks that must not lean on views, search or FHIRPath."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
