"""Worked examples of a measure: a few rows of its views, written by hand, and what they give."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from kangshu.access import Everything
from kangshu.base.faults import Invalid
from kangshu.measures.engine import bound, connect
from kangshu.measures.layout import dressed, one_way
from kangshu.measures.statement import MACROS, measured
from kangshu.measures.values import measure_value, period_of
from kangshu.measures.views import CompiledView, Views
from kangshu.sdk import MeasureDeclaration, WorkedExample


@dataclass(frozen=True, slots=True)
class WorkedRow:
    """One subject of an example: what it adds, or why it is excluded."""

    subject: str
    numerator: float
    denominator: float
    excluded: str = ""


@dataclass(frozen=True, slots=True)
class Worked:
    """An example as it was computed."""

    example: WorkedExample
    start: date
    end: date
    rows: tuple[WorkedRow, ...]
    numerator: float
    denominator: float
    value: float | None

    @property
    def agrees(self) -> bool:
        """Whether it gives what is written beside it."""
        return (self.numerator, self.denominator) == (
            float(self.example.numerator),
            float(self.example.denominator),
        )


def worked(measure: MeasureDeclaration, views: Views, parameters: Mapping[str, Any]) -> tuple[Worked, ...]:
    """Return the measure's examples, computed on DuckDB as any number is.

    `parameters` hold a value for each parameter that an example does not set itself. Raises Invalid where rows do not
    fit a view, or the SQL does not run.
    """
    if not measure.examples:
        return ()
    with connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        connection.execute(one_way(""))
        return tuple(_worked(connection, measure, one, views, parameters) for one in measure.examples)


def _worked(
    connection: duckdb.DuckDBPyConnection,
    measure: MeasureDeclaration,
    example: WorkedExample,
    views: Views,
    parameters: Mapping[str, Any],
) -> Worked:
    start, end = period_of(measure, example.period_end)
    given: dict[str, Any] = {}

    def relation(name: str) -> str:
        return _relation(views[name], example.given.get(name, ()), example.district, given)

    unknown = [name for name in example.given if name not in measure.views]
    if unknown:
        raise Invalid(
            f"the example has rows of '{unknown[0]}', which the measure does not read",
            zh=f"示例中的视图“{unknown[0]}”不是该指标的输入",
        )
    values = {**parameters, **example.parameters}
    query = measured(measure, relation, lambda _: Everything(), values, start, end)
    parts = ["SELECT subject, sum(numerator), sum(denominator), '' FROM measured GROUP BY subject"]
    if measure.exclusions:
        parts.append("SELECT subject, 0, 0, max(exclusion) FROM excluded GROUP BY subject")
    sql = f"{query.sql} SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY ALL"
    try:
        found = connection.execute(sql, bound(sql, {**query.values, **given})).fetchall()
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        raise Invalid(f"the example cannot be computed: {why}", zh=f"示例无法计算：{why}") from error
    rows = tuple(WorkedRow(str(row[0]), float(row[1] or 0), float(row[2] or 0), row[3]) for row in found)
    numerator, denominator = sum(row.numerator for row in rows), sum(row.denominator for row in rows)
    value = measure_value(measure, numerator, denominator)
    return Worked(example, start, end, rows, numerator, denominator, value)


def _relation(
    view: CompiledView, rows: Sequence[Mapping[str, Any]], district: str, values: dict[str, Any]
) -> str:
    """Return the SELECT of an example's rows as they would be published; their texts are bound."""
    columns = view.given_columns()
    for row in rows:
        unknown = [name for name in row if name not in columns]
        if unknown:
            raise Invalid(
                f"the view '{view.name}' has no column '{unknown[0]}'",
                zh=f"视图“{view.name}”没有列“{unknown[0]}”",
            )
    selects = [_row(view, columns, row, number, district, values) for number, row in enumerate(rows)]
    nothing = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in columns.items())
    source = " UNION ALL ".join(selects) or f"SELECT {nothing} WHERE false"
    return dressed(f"({source})", columns, view.derived, view.kept)


def _row(
    view: CompiledView,
    columns: Mapping[str, str],
    row: Mapping[str, Any],
    number: int,
    district: str,
    values: dict[str, Any],
) -> str:
    own = str(row.get(view.key_column()) or f"{view.view.resource}/{number}")
    keys = [str(row[name]) for name, kind in view.key_types().items() if kind == "Patient" and row.get(name)]
    patient = next((key.partition("/")[2] for key in keys), "")
    scope = {
        "resource_type": view.view.resource,
        "resource_id": own.partition("/")[2],
        "scope_district": district,
        "scope_organisations": [],
        "scope_patient": patient,
        "scope_labels": [],
    }
    parts = []
    for name, kind in columns.items():
        bind = f"example_{len(values)}"
        values[bind] = row.get(name, scope.get(name))
        parts.append(f'CAST(${bind} AS {kind}) AS "{name}"')
    return f"SELECT {', '.join(parts)}"
