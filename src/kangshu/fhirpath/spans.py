"""How far two dates lie apart: `difference` and `duration`. Source: FHIRPath 3.0.0 ballot, 5.6 and 5.9."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from kangshu.fhirpath.context import Context
from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.operators import single
from kangshu.fhirpath.registry import plain
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.values import Items


def _day(items: Items, what: str) -> date | None:
    """Return the civil day of a date, a date-time or a text that is one; None where the day is not known."""
    value = single(items, what)
    if isinstance(value, str):
        value = Temporal.read(value, "dateTime")
    if value is None:
        return None
    if not isinstance(value, Temporal) or value.kind == "time":
        raise FhirPathFault(f"{what} takes dates", zh=f"{what} 需要日期")
    if len(value.parts) < 3:
        return None
    year, month, day = (int(part) for part in value.parts[:3])
    return date(year, month, day)


def _months(start: date, end: date) -> int:
    """Return the whole months from `start` to `end`, less than nothing when `end` is earlier."""
    count = (end.year - start.year) * 12 + end.month - start.month
    if count > 0 and end.day < start.day:
        return count - 1
    return count + 1 if count < 0 and end.day > start.day else count


_WHOLE: Final[dict[str, Callable[[date, date], int]]] = {
    "day": lambda start, end: (end - start).days,
    "week": lambda start, end: int((end - start).days / 7),
    "month": _months,
    "year": lambda start, end: int(_months(start, end) / 12),
}
"""Whole calendar periods between two days."""
_CROSSED: Final[dict[str, Callable[[date, date], int]]] = {
    "day": lambda start, end: (end - start).days,
    "week": lambda start, end: (end.toordinal() // 7) - (start.toordinal() // 7),
    "month": lambda start, end: (end.year - start.year) * 12 + end.month - start.month,
    "year": lambda start, end: end.year - start.year,
}
"""Boundaries of calendar periods between two days."""


def _counted(
    table: dict[str, Callable[[date, date], int]], items: Items, other: Items, unit: Items, what: str
) -> Items:
    start, end, word = _day(items, what), _day(other, what), single(unit, what)
    if start is None or end is None:
        return []
    count = table.get(str(word).removesuffix("s"))
    if count is None:
        raise FhirPathFault(
            f"{what} counts in days, weeks, months or years", zh=f"{what} 的单位应为 day、week、month 或 year"
        )
    return [count(start, end)]


@plain("duration", 2)
def duration(context: Context, items: Items, other: Items, unit: Items) -> Items:
    """Return the whole calendar periods from the input to the argument."""
    return _counted(_WHOLE, items, other, unit, "duration()")


@plain("difference", 2)
def difference(context: Context, items: Items, other: Items, unit: Items) -> Items:
    """Return the boundaries of calendar periods crossed from the input to the argument."""
    return _counted(_CROSSED, items, other, unit, "difference()")
