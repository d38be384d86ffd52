"""What a service folder declares of a measure (指标) and of what measures are split by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from kangshu.base.text import Text


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to split a measure: `column` of its SQL, or what the record of its subject says in a `view`."""

    id: str
    title: Text
    column: str = ""
    labels: Mapping[str, Text] = field(default_factory=dict)
    view: str = ""
    """The view that has one row per subject, for a dimension that is declared once for many measures."""
    key: str = ""
    """The column of `view` that holds the subject ("Type/id")."""
    expression: str = ""
    """SQL over the columns of `view` and $period_end."""
    wide: bool = False
    """Whether it has many values (institutions), so that it is kept by itself and not crossed with the others."""


@dataclass(frozen=True, slots=True)
class DimensionDeclaration:
    """A dimension declared once (`dimensions/<id>.yaml`): it holds for every measure whose subjects `view` has.

    `expression` is SQL over the view's columns and $period_end.
    """

    id: str
    service: str
    title: Text
    view: str
    expression: str
    labels: Mapping[str, Text] = field(default_factory=dict)
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a row counts in neither part: `id` is what the SQL's column `exclusion` says."""

    id: str
    title: Text


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """Rows of views as a person would write them, and the two sums that they give.

    `given` holds rows (own columns; what is not said is NULL) by view; `district` says the division of them all.
    """

    title: Text
    period_end: date
    given: Mapping[str, tuple[Mapping[str, Any], ...]]
    parameters: Mapping[str, Any]
    numerator: Decimal
    denominator: Decimal
    district: str = ""


@dataclass(frozen=True, slots=True)
class AwaitedMeasure:
    """A measure that is defined and has no number yet: nothing is computed for it, and nothing invented.

    `proof` says what will give its number: a `register` that is missing (`system` is the one that keeps it), a `report`
    of the responsible unit, released `statistics`; `evidence` says in words what proves it then. It goes as soon as a
    measure claims one of its targets.
    """

    id: str
    service: str
    title: Text
    definition: Text
    proof: Literal["register", "report", "statistics"]
    system: str
    evidence: Text
    unit: str
    direction: Literal["increase", "decrease"]
    targets: tuple[str, ...]
    source: str
    matches: tuple[str, ...] = ()
    """As a measure's: by what words a plan's target is known."""


@dataclass(frozen=True, slots=True)
class MeasureDeclaration:
    """A measure (指标).

    `sql` (DuckDB) yields one row per subject with the columns `subject` ("Type/id"), `numerator`, `denominator`,
    `district`, and one per dimension; the value is sum(numerator) / sum(denominator) * scale, or sum(numerator)
    for a `count`. It reads the named views as tables and may use $period_start, $period_end (dates, inclusive)
    and one $name per declared parameter.
    """

    id: str
    service: str
    title: Text
    definition: Text
    systems: tuple[str, ...]
    targets: tuple[str, ...]
    kind: Literal["proportion", "ratio", "count"]
    scale: int
    unit: str
    direction: Literal["increase", "decrease"]
    period: Literal["instant", "year"]
    views: tuple[str, ...]
    parameters: tuple[str, ...]
    sql: str
    dimensions: tuple[Dimension, ...]
    source: str
    matches: tuple[str, ...] = ()
    """Regular expressions over a plan's indicator text, for suggesting the link."""
    decimals: int = 1
    family: str = ""
    """The measure whose rows this one counts a part of, "" for one that stands by itself."""
    narrowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The part: columns of the family's rows and the values that count."""
    subject: str = ""
    """The resource type of its subjects; "" where the SQL tells, which is nearly always."""
    exclusions: tuple[Exclusion, ...] = ()
    """What the SQL's column `exclusion` may say: such rows count in neither part, and are counted by reason."""
    sample: bool = False
    """Whether its denominator is a sample, so that every number has its confidence limits."""
    per: Literal["", "person"] = ""
    """`person`: the rows of a resident follow from the records of that resident alone."""
    examples: tuple[WorkedExample, ...] = ()
    cockpit: int = 0
    """Its place on the wall display (驾驶舱) until an office chooses otherwise, from 1 on; 0: it does not stand there."""
    over: str = ""
    """`quality`: its SQL reads the relation `quality`, the rows of every rule of data quality, beside its views."""

    @property
    def has_past(self) -> bool:
        """Whether it tells of earlier days: what counts a register as it stands now gives every day the same number."""
        return "$period_" in self.sql
