"""自助分析: one chooses measures, dimensions, a period and a place; the address holds the choice, to be shared and kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from kangshu.access import division_prefix
from kangshu.api import names_heard, tell
from kangshu.base.faults import NotFound
from kangshu.documents import write_xlsx
from kangshu.web import analysis, figures, wall
from kangshu.web.analysis import Asked, Cell, Table
from kangshu.web.parts import Link
from kangshu.web.visit import Visit

_KIND: Final = "analysis"
_OFFERED: Final = 12
"""Measures that are offered where a name fits several."""


@dataclass(frozen=True, slots=True)
class Saved:
    """One analysis that the visitor has kept."""

    name: str
    address: str
    query: str


async def page(visit: Visit) -> Response:
    """Show what is asked for, as tables with charts."""
    words = visit.words
    names = await analysis.names_of(visit)
    typed = visit.query("add")[:60]
    found = _named(visit, typed) if typed else []
    asked = analysis.read(visit, names)
    if len(found) == 1:
        ids = dict.fromkeys([*(one.id for one in asked.measures), found[0].id])
        if len(ids) <= analysis.MOST_MEASURES:
            query = [("m", id_) for id_ in ids] + [
                pair for pair in parse_qsl(asked.query()) if pair[0] != "m"
            ]
            return visit.go(f"/analysis?{urlencode(query)}")
    tables, own = await asyncio.gather(
        analysis.tables(visit, asked, names) if asked.measures else _nothing(),
        visit.platform.accounts.choices.own(visit.grant, _KIND),
    )
    base = asked.query()
    return visit.render(
        "analysis.html",
        asked=asked,
        chosen=[
            Link(words.of(one.title), f"/analysis?{asked.query(without=one.id)}") for one in asked.measures
        ],
        titles=[words.of(one.title) for one in figures.countable(visit).values()],
        typed=typed,
        candidates=[
            Link(words.of(one.title), f"/analysis?{base}&{urlencode({'m': one.id})}")
            for one in found[:_OFFERED]
        ],
        full=len(asked.measures) >= analysis.MOST_MEASURES,
        begin=[
            Link(words.of(one.title), f"/analysis?{urlencode({'m': one.id})}")
            for one in await wall.chosen(visit)
        ]
        if not asked.measures
        else [],
        dimensions=analysis.dimensions_of(visit, asked.measures, asked.place),
        places=_places(visit, asked, names),
        tables=[_cut(one) for one in tables],
        rows=analysis.MOST_ROWS,
        most=analysis.MOST_MEASURES,
        level=f"{analysis.confidence(visit):g}",
        saved=[Saved(name, f"/analysis?{query}", query) for name, query in own.items()],
        query=base,
        may_export=visit.grant.may("export"),
    )


async def _nothing() -> list[Table]:
    return []


def _cut(table: Table) -> tuple[Table, list[tuple[str, Any]], int]:
    """Return a table, the rows that a page shows, and how many it leaves out."""
    shown = list(table.rows[: analysis.MOST_ROWS])
    return table, shown, len(table.rows) - len(shown)


def _named(visit: Visit, typed: str) -> list[Any]:
    """Return the measures that a name means: those called just so, else those that sound like it."""
    open_to = figures.countable(visit)
    exact = [one for one in open_to.values() if typed in (one.id, one.title.zh, one.title.en)]
    heard = [
        one
        for one in open_to.values()
        if any(names_heard(text, typed) for text in (one.title.zh, one.title.en))
    ]
    return exact[:1] or heard


def _places(visit: Visit, asked: Asked, names: analysis.Names) -> list[tuple[str, str]]:
    """Return the city, its districts, and the towns of the district that is asked about."""
    city = visit.platform.settings.jurisdiction
    prefix, home = division_prefix(asked.place), division_prefix(city)
    found = [(city, names.places.get(city, visit.words("全市")))]
    for code, name in names.places.items():
        own = division_prefix(code)
        if code == city or not own.startswith(home):
            continue
        if len(own) == 6:
            found.append((code, name))
        elif len(own) == 9 and len(prefix) >= 6 and own.startswith(prefix[:6]):
            found.append((code, f"　{name}"))
    return found


async def export(visit: Visit) -> Response:
    """Return what is asked for as an Excel workbook, all rows, a sheet a table."""
    words = visit.words
    visit.grant.require("measure.read")
    names = await analysis.names_of(visit)
    asked = analysis.read(visit, names)
    if not asked.measures:
        raise NotFound("choose a measure first", zh="请先选择指标")
    tables = await analysis.tables(visit, asked, names)
    await tell(visit.platform, visit.grant, "export", "Measure", "", asked.query())
    mark = words("演示数据") + " · " if visit.platform.settings.demo else ""
    sheets: dict[str, list[list[Any]]] = {}
    for table in tables:
        head = f"{mark}{table.title} · {visit.grant.display} · {words.moment(visit.opened)}"
        sheets[table.title] = [
            [head],
            [words("数据截至"), table.as_of],
            [words("范围"), dict(_places(visit, asked, names)).get(asked.place, asked.place).strip()],
            [words("统计期"), period_text(visit, asked)],
            [],
            [table.corner, *_heads(visit, table)],
            *([name, *_values(visit, table, cells)] for name, cells in table.rows),
            *([[words("合计"), *_values(visit, table, table.total)]] if table.total else []),
            [],
            *([one] for one in table.notes),
        ]
    return visit.download(write_xlsx(sheets, header=False), f"{words('自助分析')}.xlsx")


def _heads(visit: Visit, table: Table) -> list[str]:
    """Return the heads of a sheet: where cells say more than a value, a second column for each."""
    more = visit.words("（分子 / 分母或置信区间）")
    return [
        part for one in table.columns for part in ((one, f"{one}{more}") if _says_more(table) else (one,))
    ]


def _says_more(table: Table) -> bool:
    return any(one.sub for _, cells in table.rows for one in cells) or any(one.sub for one in table.total)


def _values(visit: Visit, table: Table, cells: Any) -> list[Any]:
    found: list[Any] = []
    for one in cells:
        found.append(_value(one))
        if _says_more(table):
            found.append(one.sub)
    return found


def _value(cell: Cell) -> float | str:
    return cell.text if cell.value is None else round(cell.value, 4)


def period_text(visit: Visit, asked: Asked) -> str:
    """Return the period as people say it."""
    words = visit.words
    match asked.period:
        case "quarters":
            return words("最近 {count} 个季度末", count=figures.STORED_QUARTERS)
        case "range":
            return words("{start} 至 {end}", start=asked.start.isoformat(), end=asked.end.isoformat())
        case _:
            return words("截至 {end}", end=asked.day.isoformat())


async def keep(visit: Visit) -> Response:
    """Keep an analysis under a name, or forget one; both are the visitor's own."""
    form = await visit.form()
    name, query = str(form.get("name") or "").strip(), str(form.get("query") or "")
    choices = visit.platform.accounts.choices
    if form.get("act") == "remove":
        await choices.remove(visit.grant, _KIND, name)
        return visit.go("/analysis")
    pairs = [pair for pair in parse_qsl(query, max_num_fields=40) if pair[0] in analysis.NAMES]
    if not any(one == "m" for one, _ in pairs):
        raise NotFound("choose a measure first", zh="请先选择指标")
    await choices.keep(visit.grant, _KIND, name, urlencode(pairs))
    return visit.go(f"/analysis?{urlencode(pairs)}", said="saved")
