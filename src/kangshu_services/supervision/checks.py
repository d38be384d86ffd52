"""A second computation of this service's measures, from the cases as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from kangshu.sdk import CheckQuery, Resource, civil_day, codes_of

Answer = tuple[float, float]


def _cases(resources: list[Resource], kind: str) -> Iterator[Resource]:
    for one in resources:
        if one["resourceType"] == "Task" and f"supervision/{kind}" in codes_of(
            [one.get("code", {})], "case-kind"
        ):
            yield one


def _state(task: Resource) -> str:
    return next(iter(codes_of([task.get("businessStatus", {})], "case-state")), "")


def _day_of(task: Resource, field: str) -> date | None:
    for one in task.get("input", ()):
        if field in codes_of([one.get("type", {})], "case-field"):
            return date.fromisoformat(one["valueDate"])
    return None


def _events(task: Resource, move: str) -> list[date]:
    """Return the days on which a move was made."""
    found = []
    for note in task.get("note", ()):
        event: Resource = next(
            (one for one in note.get("extension", ()) if one["url"].endswith("/case-event")), {}
        )
        codes = [one.get("valueCode") for one in event.get("extension", ()) if one["url"] == "move"]
        if move in codes:
            found.append(civil_day(note["time"]))
    return found


def overdue(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Duties under way whose deadline lies before the last day, of all under way."""
    late = whole = 0
    for task in _cases(resources, "duty"):
        if task["status"] in ("completed", "cancelled") or civil_day(task["authoredOn"]) > end:
            continue
        until = task.get("restriction", {}).get("period", {}).get("end")
        whole += 1
        late += until is not None and civil_day(until) < end
    return late, whole


def completed(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Duties completed, of all that were not cancelled."""
    kept = [
        task["status"]
        for task in _cases(resources, "duty")
        if task["status"] != "cancelled" and civil_day(task["authoredOn"]) <= end
    ]
    return kept.count("completed"), len(kept)


def reported_on_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Answer:
    """Duties first reported in the period by their day, of those first reported in it."""
    punctual = whole = 0
    for task in _cases(resources, "duty"):
        days, due = _events(task, "report"), _day_of(task, "due")
        if days and due is not None and start <= days[0] <= end:
            whole += 1
            punctual += days[0] <= due
    return punctual, whole


def disputed(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Duties assigned in the period that were disputed, of all assigned in it."""
    kept = [
        bool(_events(task, "dispute"))
        for task in _cases(resources, "duty")
        if start <= civil_day(task["authoredOn"]) <= end
    ]
    return sum(kept), len(kept)


def cleared_in_time(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Answer:
    """Findings cleared in the period by the day of the order, of those cleared in it."""
    punctual = whole = 0
    for task in _cases(resources, "finding"):
        day, due = civil_day(task["lastModified"]), _day_of(task, "correct_by")
        if _state(task) == "cleared" and due is not None and start <= day <= end:
            whole += 1
            punctual += day <= due
    return punctual, whole


def _ended(kind: str, state: str) -> CheckQuery:
    def check(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
        count = sum(
            _state(task) == state and start <= civil_day(task["lastModified"]) <= end
            for task in _cases(resources, kind)
        )
        return count, count

    return check


CHECKS: dict[str, CheckQuery] = {
    "duties-overdue-share": overdue,
    "duties-completed-share": completed,
    "duty-reports-on-time": reported_on_time,
    "duties-disputed-share": disputed,
    "findings-cleared-in-time": cleared_in_time,
    "accountability-cases": _ended("finding", "accountability"),
    "evaluations-done": _ended("evaluation", "closed"),
}
