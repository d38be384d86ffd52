"""A measure's SQL for Spark, by sqlglot: what both engines say alike is left, what they say differently is written out."""

from __future__ import annotations

from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from kangshu.base.faults import Unsupported

_MOMENT: Final = (
    "CASE WHEN contains(moment, 'T') THEN CAST(from_utc_timestamp(to_utc_timestamp(try_cast(moment AS TIMESTAMP), "
    "current_timezone()), 'Asia/Shanghai') AS DATE)"
)
SPARK_FUNCTIONS: Final = (
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION first_day(moment STRING) RETURNS DATE RETURN "
        f"{_MOMENT} WHEN length(moment) = 4 THEN try_cast(concat(moment, '-01-01') AS DATE) "
        "WHEN length(moment) = 7 THEN try_cast(concat(moment, '-01') AS DATE) ELSE try_cast(moment AS DATE) END"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION last_day_of(moment STRING) RETURNS DATE RETURN "
        f"{_MOMENT} WHEN length(moment) = 4 THEN try_cast(concat(moment, '-12-31') AS DATE) "
        "WHEN length(moment) = 7 THEN last_day(try_cast(concat(moment, '-01') AS DATE)) "
        "ELSE try_cast(moment AS DATE) END"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION has_completed(birth_date STRING, years INT, day DATE) RETURNS BOOLEAN "
        "RETURN coalesce(add_months(last_day_of(birth_date), 12 * years) <= day, false)"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION holds_on(period_from STRING, period_to STRING, day DATE) "
        "RETURNS BOOLEAN RETURN coalesce(first_day(period_from) <= day, false) "
        "AND coalesce(last_day_of(period_to) >= day, true)"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION age_on(born DATE, day DATE) RETURNS INT RETURN year(day) - year(born) "
        "- CAST(add_months(born, 12 * (year(day) - year(born))) > day AS INT)"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION is_aged(born DATE, years INT, day DATE) RETURNS BOOLEAN "
        "RETURN coalesce(add_months(born, 12 * years) <= day, false)"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION months_after(day DATE, months INT) RETURNS DATE "
        "RETURN add_months(day, months)"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION month_ends(first DATE, last DATE) RETURNS INT RETURN "
        "12 * year(date_add(last, 1)) + month(date_add(last, 1)) - 12 * year(first) - month(first)"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION moment_of(moment STRING) RETURNS TIMESTAMP "
        "RETURN try_cast(moment AS TIMESTAMP)"
    ),
    (
        "CREATE OR REPLACE TEMPORARY FUNCTION metres_between(north DOUBLE, east DOUBLE, other_north DOUBLE, "
        "other_east DOUBLE) RETURNS DOUBLE RETURN 12742017.6D * asin(sqrt(pow(sin(radians(other_north - north) "
        "/ 2), 2) + cos(radians(north)) * cos(radians(other_north)) * pow(sin(radians(other_east - east) / 2), 2)))"
    ),
)
"""The functions of measure SQL as Spark 4 declares them. add_months leaves 28 February where there is no 29th."""
_COUNTED: Final = frozenset({"YEAR", "MONTH", "QUARTER"})
_OF_ONE_ENGINE: Final = frozenset(
    {"to_years", "to_months", "to_days", "to_hours", "to_minutes", "to_seconds"}
)


def spark_measure(sql: str) -> str:
    """Return a measure's SQL as Spark 4 reads it; "" where it cannot be said.

    Values to bind are written `:name`. `date_diff` of years and months is refused: the engines count them differently.
    """
    try:
        return transpiled(sql)
    except Unsupported:
        return ""


def transpiled(sql: str) -> str:
    """Return a measure's SQL as Spark 4 reads it. Raises Unsupported for what the engines do not say alike."""
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError as error:
        why = str(error).splitlines()[0]
        raise Unsupported(f"the SQL cannot be read for Spark: {why}", zh="SQL无法转换为Spark方言") from error
    for found in tree.find_all(exp.DateDiff):
        if str(found.args.get("unit", "")).upper().strip("'") in _COUNTED:
            raise Unsupported(
                "date_diff of years or months differs between the engines: write ages out with has_completed, age_on or month_ends",
                zh="两种引擎的date_diff（年、月）口径不同，请用has_completed、age_on或month_ends",
            )
    for call in tree.find_all(exp.Anonymous):
        if str(call.this).lower() in _OF_ONE_ENGINE:
            raise Unsupported(
                f"{call.this} is DuckDB's alone: write months_after, has_completed or is_aged",
                zh=f"{call.this}仅DuckDB支持，请用months_after、has_completed或is_aged",
            )
    for call in list(tree.find_all(exp.Anonymous)):
        if str(call.this).lower() == "is_aged" and len(call.expressions) == 3:
            call.replace(_aged(*call.expressions))
    for overlap in tree.find_all(exp.ArrayOverlaps):
        overlap.replace(exp.Anonymous(this="arrays_overlap", expressions=[overlap.this, overlap.expression]))
    return str(tree.sql(dialect="spark", pretty=True))


def _aged(born: exp.Expression, years: exp.Expression, day: exp.Expression) -> exp.Expression:
    """Return `is_aged` written out: in an EXISTS, Spark joins by a function of both sides pair by pair."""
    birthday = exp.Anonymous(
        this="add_months",
        expressions=[born, exp.Mul(this=exp.Literal.number(12), expression=exp.paren(years))],
    )
    return exp.Coalesce(this=exp.LTE(this=birthday, expression=exp.paren(day)), expressions=[exp.false()])
