"""Work found by query: a list's rows over the published views, filtered, ordered and paged by DuckDB."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kangshu.base.faults import Invalid
from kangshu.measures.statement import Bound, column_sql, place_condition
from kangshu.sdk import ListDeclaration

_COUNTY: Final = 6
"""Digits of the code of a county or district."""
MOST_ROWS: Final = 20_000
"""Rows that one call gives at most: an Excel sheet of more is no list of work."""


@dataclass(frozen=True, slots=True)
class ListAsked:
    """What of a list is asked: `district` a division code ("" for all), `cell` column id → value, `order` a column id
    with a leading `-` downwards ("" for the declared one), `subjects` these alone (empty for all)."""

    district: str = ""
    cell: Mapping[str, str] | None = None
    order: str = ""
    subjects: tuple[str, ...] = ()
    down: str = ""
    """Column by which totals are asked, "" for the first that the list declares."""
    offset: int = 0
    limit: int = 25


@dataclass(frozen=True, slots=True)
class ListRow:
    """One thing to do: the subject ("Type/id"), its division, and the values by column id (None: unknown)."""

    subject: str
    district: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ListSum:
    """One cell of a list's totals: the sum of those rows that know their number (None: none does), and how many do not."""

    down: str
    across: str
    total: Any
    unknown: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of a list have one value of a column; `persons`: each row is a resident, `people`: some are
    somebody's records."""

    key: str
    count: int
    persons: bool
    people: bool


@dataclass(frozen=True, slots=True)
class ListPage:
    """Some rows of a list, how many there are in all, and as of which publication."""

    rows: tuple[ListRow, ...]
    total: int
    instant: str


def page_statement(declared: ListDeclaration, query: Bound, asked: ListAsked) -> Bound:
    """Return the SELECT of a page of a list: subject, district, the columns, and the total last.

    Raises Invalid for a column that the list does not declare, or a page of no sensible size.
    """
    if not 1 <= asked.limit <= MOST_ROWS or asked.offset < 0:
        raise Invalid(f"a page has 1 to {MOST_ROWS} rows", zh=f"每页条数须在1至{MOST_ROWS}之间")
    values = dict(query.values)
    conditions = _conditions(declared, asked, values)
    if asked.subjects:
        values["subjects"] = list(asked.subjects)
        conditions.append("subject IN (SELECT unnest(CAST($subjects AS VARCHAR[])))")
    order = asked.order or declared.order
    first = (
        f"{_column(declared, order.removeprefix('-'))} {'DESC' if order[:1] == '-' else 'ASC'} NULLS LAST, "
        if order
        else ""
    )
    selected = (*(one.column for one in declared.columns), *declared.hidden)
    listed = "".join(f", {column_sql(one)}" for one in selected)
    # rows of one subject stand in the same order on every page: by all that they say
    ties = "".join(f", {number}" for number in range(3, len(selected) + 3))
    values["offset"], values["limit"] = asked.offset, asked.limit
    sql = (
        f"{query.sql} SELECT subject, coalesce(district, ''){listed}, count(*) OVER () "
        f"FROM measured WHERE {' AND '.join(conditions)} ORDER BY {first}subject{ties} "
        "LIMIT CAST($limit AS BIGINT) OFFSET CAST($offset AS BIGINT)"
    )
    return Bound(sql, values)


def totals_statement(declared: ListDeclaration, query: Bound, asked: ListAsked) -> Bound:
    """Return the SELECT of a list's sums: down, across, sum, rows that do not know theirs.

    Raises Invalid where the list declares no totals, or as `page_statement`.
    """
    if declared.totals is None:
        raise Invalid("the list has no totals", zh="该清单没有汇总")
    values = dict(query.values)
    conditions = _conditions(declared, asked, values)
    down, across = (
        f"coalesce(CAST({_column(declared, one)} AS VARCHAR), '')"
        for one in (asked.down or declared.totals.down[0], declared.totals.across)
    )
    number = _column(declared, declared.totals.of)
    sql = (
        f"{query.sql} SELECT {down}, {across}, sum({number}), count(*) - count({number}) "
        f"FROM measured WHERE {' AND '.join(conditions)} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return Bound(sql, values)


def tallies_statement(declared: ListDeclaration, query: Bound, asked: ListAsked, by: str) -> Bound:
    """Return the SELECT of how many rows there are for each value of the column `by`, and how many of them are residents.

    Raises as `page_statement`.
    """
    values = dict(query.values)
    conditions = _conditions(declared, asked, values)
    sql = (
        f"{query.sql} SELECT coalesce(CAST({_column(declared, by)} AS VARCHAR), ''), count(*), "
        "bool_and(starts_with(subject, 'Patient/')) "
        f"FROM measured WHERE {' AND '.join(conditions)} GROUP BY 1 ORDER BY 1"
    )
    return Bound(sql, values)


def _conditions(declared: ListDeclaration, asked: ListAsked, values: dict[str, Any]) -> list[str]:
    """Return what keeps the rows that are asked for; what it binds goes to `values`."""
    conditions = [place_condition(asked.district, values)]
    for index, (name, wanted) in enumerate((asked.cell or {}).items()):
        values[f"cell_{index}"] = wanted
        conditions.append(f"CAST({_column(declared, name)} AS VARCHAR) = CAST($cell_{index} AS VARCHAR)")
    return conditions


def page_of(declared: ListDeclaration, found: list[tuple[Any, ...]], instant: str) -> ListPage:
    """Return the page that `page_statement` has found."""
    names = [*(one.id for one in declared.columns), *declared.hidden]
    rows = tuple(ListRow(row[0], row[1], dict(zip(names, row[2:-1], strict=True))) for row in found)
    return ListPage(rows, found[0][-1] if found else 0, instant)


def _column(declared: ListDeclaration, name: str) -> str:
    if name == "subject":
        return "subject"
    if name == "district":
        return f"left(coalesce(district, ''), {_COUNTY})"
    for one in declared.columns:
        if one.id == name:
            return column_sql(one.column)
    raise Invalid(f"the list has no column '{name[:40]}'", zh=f"清单没有列“{name[:40]}”")
