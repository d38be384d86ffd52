"""What an evaluation answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One cell: the values of the dimensions asked for, and its numbers. "" stands for unknown.

    Of a cell that is `suppressed` some numbers are None: they are below the threshold, or would tell one that is.
    """

    keys: tuple[str, ...]
    value: float | None
    numerator: float | None
    denominator: float | None
    suppressed: bool = False
    limits: tuple[float, float] | None = None
    """Confidence limits of the value; None where they were not asked for, or there is no value."""


@dataclass(frozen=True, slots=True)
class MeasureResult:
    """A measure's number for a place and a period.

    `value` is in the measure's unit, not rounded; None is unknown (nothing to divide by), which is not 0.
    `rows` split it by the dimensions `by`, in their order; `position` and `instant` say as of which state of the
    records. `parameters` are the dated values that were used. Where it is `suppressed`, numbers are None (see
    MeasureRow); `withheld` says that the split cannot be shown at all without telling a small number.
    """

    measure: str
    value: float | None
    numerator: float | None
    denominator: float | None
    period_start: date
    period_end: date
    position: int
    instant: str
    district: str = ""
    by: tuple[str, ...] = ()
    rows: tuple[MeasureRow, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    suppressed: bool = False
    withheld: bool = False
    limits: tuple[float, float] | None = None
    level: float = 0.0
    """The level (percent) of the confidence limits here and in the rows; 0 where there are none."""
    excluded: Mapping[str, float | None] = field(default_factory=dict)
    """How many were excluded for each declared reason; None where that must not be shown."""


@dataclass(frozen=True, slots=True)
class SubjectPage:
    """Some of the subjects ("Type/id") behind a number, and how many there are in all."""

    subjects: tuple[str, ...]
    total: int
    offset: int = 0
