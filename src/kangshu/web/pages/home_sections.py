"""The sections that services declare for first screens: a key figure and a list over one of their registers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from kangshu.api import own_lists
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.sdk import Column, HomeSection, RegisterDeclaration
from kangshu.web import list_counts
from kangshu.web.blocks import Block, Figure, Screen
from kangshu.web.figures import refused
from kangshu.web.parts import Cell
from kangshu.web.visit import Visit

_FEW: Final = 10
_ICONS: Final = {"red": "warn", "amber": "clock"}


async def add_sections(visit: Visit, home: str, screen: Screen) -> None:
    """Add to a screen the sections that services declare for it; those of which the visitor has nothing are left out."""
    if not visit.grant.may("register.read"):
        return
    services = sorted(visit.platform.services, key=lambda one: (one.order, one.id))
    figures: list[Figure] = []
    sections = [one for service in services for one in service.home if home in one.screens]
    found = await asyncio.gather(*(_section(visit, one) for one in sections))
    for section, (block, figure) in zip(sections, found, strict=True):
        if block is None:
            continue
        (screen.wide if section.wide else screen.narrow).append(block)
        figures.extend([figure] if figure else [])
    screen.figures = [*figures, *screen.figures]
    if (block := await _lists(visit)) is not None:
        screen.narrow.append(block)


async def _lists(visit: Visit) -> Block | None:
    """Return what the lists of work hold for the visitor; None where there is nothing to do."""
    words, counts = visit.words, await list_counts.counted(visit)
    rows = [
        [
            Cell(words.of(one.title), f"/lists/{one.code}"),
            Cell(f"{counts[one.code]:,}", tone=one.tone),
        ]
        for one in own_lists(visit.platform, visit.grant)
        if one.tone and counts.get(one.code)
    ]
    heads = (words("清单"), words("件数"))
    return (
        Block(words("待办清单"), "table", rows, "", icon="list", heads=heads, more="/lists") if rows else None
    )


async def _section(visit: Visit, section: HomeSection) -> tuple[Block | None, Figure | None]:
    words, day = visit.words, today()
    try:
        within = _within(visit, section)
        found = await visit.platform.registers.section(visit.grant, section, within, day, limit=_FEW)
    except Fault as fault:
        return Block(words.of(section.title), "table", [], refused(words, fault).text, icon="warn"), None
    if not found.whole:
        return None, None
    people = section.due is not None and section.due.people is not None
    heads, rows = _people(visit, section, found) if people else _records(visit, section, found)
    address = _address(visit, section, found.register)
    shown = min(len(rows), found.count)
    block = Block(
        words.of(section.title),
        "table",
        rows,
        words.of(section.none),
        icon=_ICONS.get(section.tone, "table"),
        heads=heads,
        more=address,
        note=words("还有 {count} 条，见台账", count=found.count - shown) if found.count > shown else "",
    )
    if not section.label.zh:
        return block, None
    share = round(100 * found.count / found.whole)
    note = words.of(section.note).format(
        count=found.count, whole=found.whole, rest=found.whole - found.count, share=share, within=within
    )
    tone = section.tone if found.count or section.tone == "accent" else ""
    return block, Figure(
        words.of(section.label), str(found.count), words.of(section.unit), note, tone, address
    )


def _within(visit: Visit, section: HomeSection) -> int:
    """Return the value of the section's parameter today, 0 where it names none. Raises ParameterMissing."""
    if section.due is None:
        return 0
    return int(
        visit.platform.parameters.value(section.due.within, visit.platform.settings.jurisdiction, today())
    )


def _records(visit: Visit, section: HomeSection, found: Any) -> tuple[Sequence[str], list[list[Cell]]]:
    words, register = visit.words, found.register
    columns = [one for name in section.columns for one in register.columns if one.id == name]
    due = {one.id: one for one in found.due}
    rows = []
    for row in found.rows:
        cells = []
        for place, column in enumerate(columns):
            text = words.of(row.texts[column.id]) or "—"
            late = due.get(row.id)
            if late is not None and section.due is not None and column.id == section.due.column:
                cells.append(Cell(text, tone="red" if late.past else "amber", nowrap=True))
            else:
                cells.append(
                    Cell(text, _link(register, column, row, first=place == 0), nowrap=column.kind == "date")
                )
        rows.append(cells)
    return [words.of(one.title) for one in columns], rows


def _link(register: RegisterDeclaration, column: Column, row: Any, *, first: bool) -> str:
    """Return where a cell leads: a resident to the record, the first cell to the register's."""
    value = str(row.values[column.id] or "")
    if column.kind == "resident" and value.startswith("Patient/"):
        return f"/residents/{value[8:]}"
    return f"/registers/{register.code}/{row.id}" if first else ""


def _people(visit: Visit, section: HomeSection, found: Any) -> tuple[Sequence[str], list[list[Cell]]]:
    words, due = visit.words, section.due
    titles = {one.id: words.of(one.title) for one in found.register.columns}
    rows = []
    for one in found.due:
        name = found.names.get(one.id)
        address = f"/residents/{one.id[8:]}" if name and one.id.startswith("Patient/") else ""
        rows.append(
            [
                Cell(name or words("无权查看"), address),
                Cell(one.day.isoformat() if one.day else words("从未"), nowrap=True),
                Cell(
                    words("到期") if one.past else words("待首次办理"),
                    tone="red" if one.past else "amber",
                    light=True,
                ),
            ]
        )
    assert due is not None  # noqa: S101 - for the type checker: people are asked of by what is due
    return [titles[due.person], words("上次：{what}", what=titles[due.column]), words("状态")], rows


def _address(visit: Visit, section: HomeSection, register: RegisterDeclaration) -> str:
    """Return the register, narrowed to the visitor's organisation where the section is."""
    column = next((one for one in register.columns if section.mine and one.search == section.mine), None)
    query = urlencode({column.id: f"Organization/{visit.grant.organisation}"}) if column else ""
    return f"/registers/{register.code}" + (f"?{query}" if query else "")
