"""The atoms of a measure: the finest sums that are kept, from which every table of it is rolled up.

One row per town (nine digits of the division) × the values of its dimensions; a `wide` dimension is kept by itself, per
town. One GROUP BY makes them all in one scan.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from kangshu.measures.dimensions import DISTRICT, DIVISIONS, SPLITS, dimension_column, passes_on, views_of
from kangshu.measures.manifest import PublishedView
from kangshu.measures.statement import Bound, value_sql
from kangshu.sdk import Dimension, MeasureDeclaration

TOWN: Final = 9
"""How many digits of the division the atoms keep."""
MAIN: Final = "-"
"""What the column `kept` says of the rows that have all narrow dimensions; else the id of the wide one."""
EXCLUDED: Final = "!"
"""What stands in `kept` before the reason for which rows were excluded; `numerator` counts their subjects."""
_LAYOUT: Final = 1


def narrow(measure: MeasureDeclaration) -> tuple[Dimension, ...]:
    """Return the dimensions that are crossed with each other."""
    return tuple(one for one in measure.dimensions if not one.wide)


def wide(measure: MeasureDeclaration) -> tuple[Dimension, ...]:
    """Return the dimensions that are kept by themselves."""
    return tuple(one for one in measure.dimensions if one.wide)


def every_dimension(measure: MeasureDeclaration) -> tuple[str, ...]:
    """Return the ids of all the measure's own and shared dimensions."""
    return tuple(one.id for one in measure.dimensions)


def atoms_sql(measure: MeasureDeclaration, query: Bound) -> str:
    """Return the SELECT of the atoms of a measure, whose rows `query` gives with all its dimensions."""
    held, apart = narrow(measure), wide(measure)
    inner = [f"left(coalesce(district, ''), {TOWN}) AS place"]
    inner += [f"{value_sql(measure, one)} AS n{index}" for index, one in enumerate(held)]
    inner += [f"{value_sql(measure, one)} AS w{index}" for index, one in enumerate(apart)]
    main = ", ".join(["place", *(f"n{index}" for index in range(len(held)))])
    sets = ", ".join([f"({main})", *(f"(place, w{index})" for index in range(len(apart)))])
    # which set a row is of: 0 for those without any wide dimension
    marks = [f"WHEN grouping(w{index}) = 0 THEN {_quoted(one.id)}" for index, one in enumerate(apart)]
    kept = f"CASE {' '.join(marks)} ELSE '{MAIN}' END" if marks else f"'{MAIN}'"
    values = [f"coalesce(CAST(w{index} AS VARCHAR), '')" for index in range(len(apart))]
    chosen = [f"WHEN grouping(w{index}) = 0 THEN {sql}" for index, sql in enumerate(values)]
    value = f"CASE {' '.join(chosen)} ELSE '' END" if chosen else "''"
    columns = ", ".join(
        f"coalesce(CAST(n{index} AS VARCHAR), '') AS \"{dimension_column(one)}\""
        for index, one in enumerate(held)
    )
    grouped = (
        f"SELECT {kept} AS kept, {value} AS wide_value, place{', ' + columns if columns else ''}, "
        "coalesce(sum(numerator), 0) AS numerator, coalesce(sum(denominator), 0) AS denominator "
        f"FROM (SELECT {', '.join(inner)}, numerator, denominator FROM measured) "
        f"GROUP BY GROUPING SETS ({sets})"
    )
    if measure.exclusions:
        nothing = "".join(f", '' AS \"{dimension_column(one)}\"" for one in held)
        grouped += (
            f" UNION ALL SELECT '{EXCLUDED}' || exclusion AS kept, '' AS wide_value, "
            f"left(coalesce(district, ''), {TOWN}) AS place{nothing}, "
            "count(DISTINCT subject) AS numerator, 0 AS denominator FROM excluded GROUP BY ALL"
        )
    return f"{query.sql} {summed(measure, grouped)}"


def summed(measure: MeasureDeclaration, source: str) -> str:
    """Return the SELECT of `source`'s atoms with equal ones added up, and those that are nothing left out.

    Its own WITH clauses stand before it: values that differ and read alike (unknown and empty) are one.
    """
    names = ", ".join(f'"{name}"' for name in key_columns(measure))
    return (
        f"SELECT {names}, CAST(sum(numerator) AS DOUBLE) AS numerator, "
        f"CAST(sum(denominator) AS DOUBLE) AS denominator FROM ({source}) GROUP BY ALL "
        "HAVING sum(numerator) <> 0 OR sum(denominator) <> 0"
    )


def key_columns(measure: MeasureDeclaration) -> tuple[str, ...]:
    """Return the columns of the atoms that are not sums."""
    return ("kept", "wide_value", "place", *(dimension_column(one) for one in narrow(measure)))


def as_measured(measure: MeasureDeclaration, source: str, by: Sequence[str]) -> Bound | None:
    """Return WITH clauses that end with `measured`, made of the atoms in `source`, for a split `by`.

    None where the atoms do not tell: of two wide dimensions, of a wide and a narrow one, of villages.
    """
    apart = [one for one in wide(measure) if one.id in by]
    crossed = [one for one in by if one not in DIVISIONS and one != DISTRICT]
    if len(apart) > 1 or (apart and len(crossed) > 1) or "village" in by:
        return None
    kept = apart[0].id if apart else MAIN
    columns = [f'wide_value AS "{dimension_column(one)}"' for one in apart]
    columns += [f'"{dimension_column(one)}"' for one in narrow(measure)] if not apart else []
    struct = ", ".join(
        f'"{dimension_column(one)}" := {"wide_value" if apart else _name(one)}'
        for one in measure.dimensions
        if one.view and (one in apart if apart else not one.wide)
    )
    if passes_on(measure.sql) and struct:
        columns.append(f"struct_pack({struct}) AS {SPLITS}")
    listed = "".join(f", {one}" for one in columns)
    sql = (
        f"WITH measured AS (SELECT place AS district, numerator, denominator{listed} "
        f"FROM {source} WHERE kept = {_quoted(kept)})"
    )
    return Bound(sql, {})


def content_key(
    measure: MeasureDeclaration,
    views: Mapping[str, PublishedView],
    source: str,
    parameters: Mapping[str, Any],
    period: tuple[date, date],
    by: Sequence[str] | None = None,
) -> str:
    """Return what the atoms of a measure (or a split `by` dimensions) follow from, in short: equal keys, equal atoms."""
    used = views_of(measure, every_dimension(measure) if by is None else by)
    contents = [[name, views[name].fingerprint, views[name].changed] for name in used if name in views]
    return _digest([definition_key(measure, source, parameters, period), contents])


def definition_key(
    measure: MeasureDeclaration, source: str, parameters: Mapping[str, Any], period: tuple[date, date]
) -> str:
    """Return what the atoms follow from besides the records: SQL, dimensions, parameters, period, database."""
    dimensions = [
        [one.id, one.column, one.view, one.key, one.expression, one.wide] for one in measure.dimensions
    ]
    values = [[one, repr(parameters.get(one))] for one in measure.parameters]
    excluded = [one.id for one in measure.exclusions]
    return _digest([_LAYOUT, source, measure.sql, dimensions, values, excluded, [str(one) for one in period]])


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _name(dimension: Dimension) -> str:
    return f'"{dimension_column(dimension)}"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
