"""The sums above a list of work: a line per month, place or institution, a column per kind, each cell a way to its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kangshu.api import ListAsked, WorkTotals, list_totals, name_of
from kangshu.sdk import ListColumn, ListDeclaration
from kangshu.web.figures import counting
from kangshu.web.parts import Cell, Tab
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class TotalsTable:
    """The sums, ready to read: heads of its columns, lines of a title and cells, and the ways to other tables."""

    title: str
    unit: str
    tabs: list[Tab]
    heads: list[str]
    lines: list[tuple[str, list[Cell]]]
    sheet: list[list[Any]]
    """The same as rows of a sheet, numbers as numbers."""


def filtering(declared: ListDeclaration) -> tuple[ListColumn, ...]:
    """Return the columns that a list can be filtered by: those with options, and those that its totals stand by."""
    down = declared.totals.down if declared.totals else ()
    return tuple(one for one in declared.columns if one.labels or one.id in down)


async def totals(
    visit: Visit, declared: ListDeclaration, asked: ListAsked, places: Mapping[str, str]
) -> TotalsTable | None:
    """Return the totals of a list, None where it declares none. What the lines and columns stand for narrows them not."""
    if declared.totals is None:
        return None
    down = declared.totals.down
    return await _table(
        visit, declared, asked, places, chosen if (chosen := visit.query("by")) in down else down[0]
    )


async def totals_sheets(
    visit: Visit, declared: ListDeclaration, asked: ListAsked, places: Mapping[str, str]
) -> dict[str, list[list[Any]]]:
    """Return the totals of a list by each of its columns, as sheets by title; none where it declares none."""
    down = declared.totals.down if declared.totals else ()
    made = [await _table(visit, declared, asked, places, one) for one in down]
    return {one.title: one.sheet for one in made}


async def _table(
    visit: Visit, declared: ListDeclaration, asked: ListAsked, places: Mapping[str, str], by: str
) -> TotalsTable:
    words, wanted = visit.words, declared.totals
    assert wanted is not None  # noqa: S101 - for the type checker: the callers ask of lists with totals
    columns = {one.id: one for one in declared.columns}
    down = columns[by]
    cell = {
        name: value
        for name, value in (asked.cell or {}).items()
        if name != wanted.across and name not in wanted.down
    }
    found = await list_totals(
        visit.platform, await counting(visit), declared, replace(asked, cell=cell, down=by)
    )
    across = [code for code in columns[wanted.across].labels if any(one.across == code for one in found.sums)]
    titles = [words.of(columns[wanted.across].labels[code]) for code in across]
    heads = [words.of(down.title), *titles, words("合计")]
    keys = list(dict.fromkeys(one.down for one in found.sums))
    # what is not known stands last
    keys.sort(key=lambda key: (not key, key))
    sheet: list[list[Any]] = [heads]
    lines = []
    for key in [*keys, None]:
        title = words("合计") if key is None else head_text(visit, down, key, found, places)
        cells: list[Cell] = []
        row: list[Any] = [title]
        for code in [*across, None]:
            sums = [one for one in found.sums if key in (None, one.down) and code in (None, one.across)]
            known = [one.total for one in sums if one.total is not None]
            total, unknown = sum(known), sum(one.unknown for one in sums)
            address = (
                visit.with_query(**{down.id: key or "", wanted.across: code or "", "offset": ""})
                if sums and key != ""
                else ""
            )
            sub = words("另有 {count} 项未知", count=unknown) if unknown else ""
            cells.append(Cell(words.figure(total, 0) if known else "", address, number=True, sub=sub))
            row.append(total if known else None)
        lines.append((title, cells))
        sheet.append(row)
    tabs = [
        Tab(
            words("按{dimension}", dimension=words.of(columns[one].title)),
            visit.with_query(by=one),
            one == down.id,
        )
        for one in wanted.down
    ]
    title = words("按{dimension}汇总", dimension=words.of(down.title))
    return TotalsTable(title, wanted.unit, tabs, heads, lines, sheet)


def head_text(
    visit: Visit, column: ListColumn, key: str, found: WorkTotals, places: Mapping[str, str]
) -> str:
    """Return how a line of the totals is called."""
    if not key:
        return visit.words("未知")
    if column.kind == "name":
        return name_of(found.names[key]) if key in found.names else visit.words("无权查看")
    if column.kind == "district":
        return places.get(key, key)
    label = column.labels.get(key)
    return visit.words.of(label) if label else key
