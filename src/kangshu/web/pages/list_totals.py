"""The sums above a list of work: a line per month, place or institution, a column per kind, each cell a way to its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kangshu.api import ListAsked, WorkTotals, list_totals, name_of
from kangshu.sdk import ListColumn, ListDeclaration
from kangshu.web.figures import counting
from kangshu.web.parts import Cell, Tab
from kangshu.web.visit import Visit

_DECEMBER: Final = 12


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


def heads_of(visit: Visit, declared: ListDeclaration) -> dict[str, str]:
    """Return what a list can be narrowed to besides its place: columns with options, and what its totals stand by."""
    down = declared.totals.down if declared.totals else ()
    named = {one.id: visit.words.of(one.title) for one in declared.columns if one.labels or one.id in down}
    return {**named, **({"subject": visit.words("对象")} if "subject" in down else {})}


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
    names = {"subject": words("对象"), "district": words("区域")}
    names |= {one.id: words.of(one.title) for one in declared.columns}
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
    heads = [names[by], *titles, words("合计")]
    keys = {one.down for one in found.sums}
    if by in columns and columns[by].kind == "month":
        keys |= set(_months(keys - {""}))
    sheet: list[list[Any]] = [heads]
    lines = []
    # what is not known stands last
    for key in [*sorted(keys, key=lambda key: (not key, key)), None]:
        title = words("合计") if key is None else _line_title(visit, columns.get(by), key, found, places)
        cells: list[Cell] = []
        row: list[Any] = [title]
        for code in [*across, None]:
            sums = [one for one in found.sums if key in (None, one.down) and code in (None, one.across)]
            known = [one.total for one in sums if one.total is not None]
            total, unknown = sum(known), sum(one.unknown for one in sums)
            address = (
                visit.with_query(**{by: key or "", wanted.across: code or "", "offset": ""})
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
            words("按{dimension}", dimension=names[one]),
            visit.with_query(by=one),
            one == by,
        )
        for one in wanted.down
    ]
    title = words("按{dimension}汇总", dimension=names[by])
    return TotalsTable(title, wanted.unit, tabs, heads, lines, sheet)


def _months(found: Collection[str]) -> Iterator[str]:
    """Yield every month from the first found to the last, YYYY-MM."""
    if not found:
        return
    (year, month), last = (int(part) for part in min(found).split("-")), max(found)
    while (written := f"{year:04d}-{month:02d}") <= last:
        yield written
        year, month = (year, month + 1) if month < _DECEMBER else (year + 1, 1)


def _line_title(
    visit: Visit, column: ListColumn | None, key: str, found: WorkTotals, places: Mapping[str, str]
) -> str:
    """Return how a line of the totals is called; without a column it is a subject's or a place's."""
    if not key:
        return visit.words("未知")
    if "/" in key and (column is None or column.kind == "name"):
        return name_of(found.names[key]) if key in found.names else visit.words("无权查看")
    label = column.labels.get(key) if column else None
    return visit.words.of(label) if label else places.get(key, key)
