"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    cases_of,
    civil_day,
    extension_value,
    falls_within,
    records_of,
)


def _records(resources: list[Resource], kind: str) -> Iterator[Resource]:
    """Yield the records of a kind that belong to a lead."""
    leads = {f"Task/{one['id']}" for one in cases_of(resources, "investment/lead")}
    for one in records_of(resources, kind):
        if (extension_value(one, "record-of") or {}).get("reference") in leads:
            yield one


def _sum(kind: str, of_class: str = "") -> CheckQuery:
    """Return the check of the amounts of records of a kind (and class) in the period."""

    def checked(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        amounts = [
            Decimal(str(extension_value(one, "amount") or 0))
            for one in _records(resources, kind)
            if falls_within(extension_value(one, "record-day"), start, end)
            and (not of_class or extension_value(one, "record-class") == of_class)
        ]
        return float(sum(amounts)), len(amounts)

    return checked


def leads(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Leads entered in the period."""
    found = sum(
        1 for one in cases_of(resources, "investment/lead") if falls_within(one["authoredOn"], start, end)
    )
    return found, found


def promises_kept(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Promises kept by their day, of those due in the period."""
    due = [
        one
        for one in _records(resources, "investment-promise")
        if falls_within(extension_value(one, "record-day"), start, end)
    ]
    kept = sum(
        1
        for one in due
        if (done := extension_value(one, "done-on"))
        and civil_day(done) <= civil_day(extension_value(one, "record-day"))
    )
    return kept, len(due)


CHECKS: dict[str, CheckQuery] = {
    "investment-leads": leads,
    "investment-contracts": _sum("investment-agreement", "contract"),
    "investment-arrived": _sum("investment-arrival"),
    "investment-promises-kept": promises_kept,
}
