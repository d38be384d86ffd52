"""A second computation of this service's measures, from the cases as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from kangshu.sdk import CheckQuery, Resource, case_state, case_value, cases_of, civil_day, structure

KIND = "elder_subsidies/claim"


def moved_on(task: Resource, move: str) -> date | None:
    """Return the day on which a case last made a move."""
    days = [
        civil_day(note["time"])
        for note in task.get("note", ())
        for event in note.get("extension", ())
        if event["url"] == structure("case-event")
        for part in event["extension"]
        if part["url"] == "move" and part["valueCode"] == move
    ]
    return days[-1] if days else None


def _moved(resources: list[Resource], move: str, start: date, end: date) -> Iterator[tuple[Resource, date]]:
    for task in cases_of(resources, KIND):
        day = moved_on(task, move)
        if day is not None and start <= day <= end:
            yield task, day


def _sum_of(move: str, field: str, state: str = "") -> CheckQuery:
    def total(
        resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
    ) -> tuple[float, float]:
        found = [
            float(case_value(task, field) or 0)
            for task, _ in _moved(resources, move, start, end)
            if state in ("", case_state(task))
        ]
        return sum(found), len(found)

    return total


def days_to_pay(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Civil days from claim to payment, and the claims paid."""
    days = [(day - civil_day(task["authoredOn"])).days for task, day in _moved(resources, "pay", start, end)]
    return sum(days), len(days)


def claims_received(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Claims of the period that were not withdrawn."""
    found = [
        task
        for task in cases_of(resources, KIND)
        if case_state(task) != "withdrawn" and start <= civil_day(task["authoredOn"]) <= end
    ]
    return len(found), len(found)


CHECKS: dict[str, CheckQuery] = {
    "subsidies-paid": _sum_of("pay", "amount"),
    "beds-subsidised": _sum_of("pay", "beds_counted"),
    "days-to-pay": days_to_pay,
    "subsidies-recovered": _sum_of("recover", "recovery_amount", "recovered"),
    "claims-received": claims_received,
}
