"""A measure declaration → one DuckDB statement over the published views, under a grant."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from kangshu.access import Predicate, division_prefix
from kangshu.base.faults import Invalid
from kangshu.base.text import Text
from kangshu.measures.dimensions import (
    DISTRICT,
    DIVISIONS,
    SPLITS,
    dimension_column,
    joined_sql,
    passes_on,
    record_sql,
    shared_among,
    splits_sql,
)
from kangshu.measures.engine import placeholders
from kangshu.measures.scope_sql import scope_condition
from kangshu.sdk import Dimension, ListDeclaration, MeasureDeclaration

ORGANISATION: Final = "organisation"
"""What the SQL of a list binds for the organisation whose list it is; a measure counts alike for everybody."""

REQUIRED_COLUMNS: Final = ("subject", "numerator", "denominator", "district")
MACROS: Final = (
    # the first and the last civil day (Asia/Shanghai) that a FHIR date, dateTime or instant may stand for
    (
        "CREATE TEMP MACRO first_day(moment) AS CASE "
        "WHEN contains(moment, 'T') THEN CAST(TRY_CAST(moment AS TIMESTAMPTZ) AS DATE) "
        "WHEN length(moment) = 4 THEN TRY_CAST(moment || '-01-01' AS DATE) "
        "WHEN length(moment) = 7 THEN TRY_CAST(moment || '-01' AS DATE) "
        "ELSE TRY_CAST(moment AS DATE) END"
    ),
    (
        "CREATE TEMP MACRO last_day_of(moment) AS CASE "
        "WHEN contains(moment, 'T') THEN CAST(TRY_CAST(moment AS TIMESTAMPTZ) AS DATE) "
        "WHEN length(moment) = 4 THEN TRY_CAST(moment || '-12-31' AS DATE) "
        "WHEN length(moment) = 7 THEN last_day(TRY_CAST(moment || '-01' AS DATE)) "
        "ELSE TRY_CAST(moment AS DATE) END"
    ),
    # whether someone born on a FHIR date has surely completed so many years on a day; who was born on 29 February
    # completes a year on 28 February where there is no 29th (Civil Code, article 202)
    (
        "CREATE TEMP MACRO has_completed(birth_date, years, day) AS "
        "coalesce(CAST(last_day_of(birth_date) + to_years(CAST(years AS INTEGER)) AS DATE) <= day, false)"
    ),
    # whether a period of FHIR dates holds on a day; an open end holds
    (
        "CREATE TEMP MACRO holds_on(period_from, period_to, day) AS "
        "coalesce(first_day(period_from) <= day, false) AND coalesce(last_day_of(period_to) >= day, true)"
    ),
    # the years that someone born on a DATE has completed on another; as has_completed
    (
        "CREATE TEMP MACRO age_on(born, day) AS year(day) - year(born) "
        "- CAST(CAST(born + to_years(CAST(year(day) - year(born) AS INTEGER)) AS DATE) > day AS INTEGER)"
    ),
    # whether someone born on a DATE has completed so many years; as has_completed, of a column `…_last`
    (
        "CREATE TEMP MACRO is_aged(born, years, day) AS "
        "coalesce(CAST(born + to_years(CAST(years AS INTEGER)) AS DATE) <= day, false)"
    ),
    # so many months after a day; the month's last day where it has no such day
    ("CREATE TEMP MACRO months_after(day, months) AS CAST(day + to_months(CAST(months AS INTEGER)) AS DATE)"),
    # how many months end in the days from `first` to `last`, both counted
    (
        "CREATE TEMP MACRO month_ends(first, last) AS "
        "12 * year(last + 1) + month(last + 1) - 12 * year(first) - month(first)"
    ),
    # the instant of a FHIR instant or dateTime with a time, for lengths and order
    "CREATE TEMP MACRO moment_of(moment) AS TRY_CAST(moment AS TIMESTAMPTZ)",
    # metres between two places in degrees, as the crow flies (great circle on the mean radius of IUGG, haversine)
    (
        "CREATE TEMP MACRO metres_between(north, east, other_north, other_east) AS "
        "12742017.6 * asin(sqrt(pow(sin(radians(CAST(other_north AS DOUBLE) - CAST(north AS DOUBLE)) / 2), 2) "
        "+ cos(radians(CAST(north AS DOUBLE))) * cos(radians(CAST(other_north AS DOUBLE))) "
        "* pow(sin(radians(CAST(other_east AS DOUBLE) - CAST(east AS DOUBLE)) / 2), 2)))"
    ),
)
"""What measure SQL may use besides DuckDB's own functions. The session's time zone is Asia/Shanghai."""

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_LEVELS: Final = {0: 6, 2: 4, 4: 6, 6: 9, 9: 12, 12: 12}
Relation = Callable[[str], str]
"""Returns the SELECT of a published view's rows by the view's name."""


class Declared(Protocol):
    """SQL over views, as a measure and an extract declare it."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def views(self) -> tuple[str, ...]: ...
    @property
    def parameters(self) -> tuple[str, ...]: ...
    @property
    def sql(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement and its values."""

    sql: str
    values: dict[str, Any]


def parameter_name(parameter: str) -> str:
    """Return how measure SQL writes the parameter id: `elder-age` is `$elder_age`."""
    return re.sub(r"[^a-z0-9]", "_", parameter.lower())


def measured(
    measure: Declared,
    relation: Relation,
    admitted: Callable[[str], Predicate],
    parameters: Mapping[str, Any],
    period_start: date,
    period_end: date,
    by: tuple[str, ...] = (),
    organisation: str = "",
) -> Bound:
    """Return the measure's rows per subject: WITH clauses that end with `measured`, ready for a SELECT.

    `admitted` gives the predicate for a view's rows by the view's name. The rows have the dimensions `by`. Those that
    are excluded are in the clause `excluded`, which only a measure with exclusions has. Raises Invalid when a
    parameter that the measure declares has no value. `organisation` is the id that a list's own is bound to.
    """
    values: dict[str, Any] = {
        "period_start": period_start,
        "period_end": period_end,
        ORGANISATION: f"Organization/{organisation}",
    }
    for parameter in measure.parameters:
        if parameters.get(parameter) is None:
            raise Invalid(
                f"measure '{measure.id}' needs the parameter '{parameter}'",
                zh=f"指标“{measure.title.zh}”缺少参数“{parameter}”",
            )
        values[parameter_name(parameter)] = parameters[parameter]
    asked = shared_among(measure, by) if isinstance(measure, MeasureDeclaration) else ()
    passing = passes_on(measure.sql)
    clauses = []
    for view in measure.views:
        more = f", {splits_sql(asked, view)} AS {SPLITS}" if passing else ""
        kept = scope_condition(admitted(view), values)
        clauses.append(f'"{view}" AS (SELECT *{more} FROM ({relation(view)}) WHERE {kept})')
    outside = tuple(one for one in asked if not (passing and one.view in measure.views))
    for view in dict.fromkeys(one.view for one in outside):
        kept = scope_condition(admitted(view), values)
        source = f"SELECT * FROM ({relation(view)}) WHERE {kept}"
        clauses.append(f'"of_{view}" AS ({record_sql(outside, view, source)})')
    rows = measure.sql.strip().rstrip(";")
    if outside:
        clauses.append(f"counted_rows AS ({rows})")
        rows = joined_sql(outside, "counted_rows")
    if isinstance(measure, MeasureDeclaration) and measure.exclusions:
        clauses.append(f"all_rows AS ({rows})")
        clauses.append("excluded AS (SELECT * FROM all_rows WHERE coalesce(exclusion, '') <> '')")
        rows = "SELECT * FROM all_rows WHERE coalesce(exclusion, '') = ''"
    clauses.append(f"measured AS ({rows})")
    return Bound("WITH " + ", ".join(clauses), values)


def dimension_sql(measure: MeasureDeclaration, by: str, district: str, values: dict[str, Any]) -> str:
    """Return the expression of the dimension `by`. Raises Invalid for one that the measure does not declare."""
    if by == DISTRICT:
        values["district_level"] = child_level(district)
        return (
            "CASE WHEN length(district) >= CAST($district_level AS INTEGER) "
            "THEN left(district, CAST($district_level AS INTEGER)) ELSE '' END"
        )
    for dimension in measure.dimensions:
        if dimension.id == by:
            return f"coalesce(CAST({value_sql(measure, dimension)} AS VARCHAR), '')"
    if by in DIVISIONS:
        digits = DIVISIONS[by]
        return f"CASE WHEN length(district) >= {digits} THEN left(district, {digits}) ELSE '' END"
    offered = ", ".join([DISTRICT, *DIVISIONS, *(dimension.id for dimension in measure.dimensions)])
    raise Invalid(
        f"measure '{measure.id}' has no dimension '{by}'; it has {offered}",
        zh=f"指标“{measure.title.zh}”没有维度“{by}”，可用维度：{offered}",
    )


def value_sql(measure: MeasureDeclaration, dimension: Dimension) -> str:
    """Return the expression of a dimension's value over the measure's rows, of whatever type it is."""
    column = f'"{dimension_column(dimension)}"'
    if dimension.view and passes_on(measure.sql) and dimension.view in measure.views:
        return f"({SPLITS}).{column}"
    return column


def column_sql(name: str) -> str:
    """Return the name of a column of a declaration's SQL, quoted. Raises Invalid for what is no name."""
    if not _NAME.fullmatch(name):
        raise Invalid(f"'{name}' is no column name", zh=f"“{name}”不是列名")
    return f'"{name}"'


def child_level(district: str) -> int:
    """Return how many digits the divisions one level below `district` have."""
    return _LEVELS.get(len(division_prefix(district)), 12)


def place_condition(district: str, values: dict[str, Any]) -> str:
    """Return the condition that keeps the subjects of `district` (a division code; "" keeps all)."""
    prefix = division_prefix(district)
    if not prefix:
        return "true"
    values["place"] = prefix
    return "starts_with(coalesce(district, ''), CAST($place AS VARCHAR))"


def check_placeholders(measure: Declared) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that the SQL binds without a declaration, and the declared ones that it never uses."""
    declared = {parameter_name(one) for one in measure.parameters}
    given = {ORGANISATION} if isinstance(measure, ListDeclaration) else set()
    used = placeholders(measure.sql) - {"period_start", "period_end"} - given
    return frozenset(used - declared), frozenset(declared - used)
