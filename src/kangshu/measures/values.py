"""From two sums to a value: its unit, its period, its parts, its confidence limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from kangshu.measures.intervals import confidence_limits
from kangshu.measures.result import MeasureResult, MeasureRow
from kangshu.sdk import MeasureDeclaration

PARTS_OF_A_NUMBER: Final = ("numerator", "denominator", "gap", "exclusion")


def measure_value(measure: MeasureDeclaration, numerator: float, denominator: float) -> float | None:
    """Return the value in the measure's unit; None where there is nothing to divide by."""
    if measure.kind == "count":
        return numerator * measure.scale
    return numerator / denominator * measure.scale if denominator else None


def parts_of(measure: MeasureDeclaration) -> tuple[str, ...]:
    """Return the parts of the measure's number whose subjects can be listed."""
    left_out = {"gap": measure.kind != "proportion", "exclusion": not measure.exclusions}
    return tuple(one for one in PARTS_OF_A_NUMBER if not left_out.get(one))


def with_limits(measure: MeasureDeclaration, result: MeasureResult, level: float) -> MeasureResult:
    """Return the result with confidence limits at `level` percent; 0 for none. What is suppressed has none."""
    if not level:
        return result

    def found(one: MeasureResult | MeasureRow) -> tuple[float, float] | None:
        if one.value is None or one.numerator is None or one.denominator is None:
            return None
        return confidence_limits(measure, one.numerator, one.denominator, level)

    rows = tuple(replace(row, limits=found(row)) for row in result.rows)
    return replace(result, rows=rows, limits=found(result), level=level)


def period_of(measure: MeasureDeclaration, end: date) -> tuple[date, date]:
    """Return the measure's period that ends on `end`: from 1 January for a yearly one, else the day itself."""
    return (date(end.year, 1, 1) if measure.period == "year" else end, end)
