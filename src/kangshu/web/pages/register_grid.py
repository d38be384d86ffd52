"""A register as plans of cells: floors, rooms and beds of an institution, coloured by state, each with its numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.base.faults import NotFound
from kangshu.sdk import RegisterDeclaration
from kangshu.web.pages.pictures import MOST, Legend, colour_of, column_of, frame, legend_of
from kangshu.web.pages.registers import declaration_of, filters_of, record_address
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Cell:
    """One record: its label, where it leads, its colour's number and meaning, and its mark."""

    label: str
    address: str
    colour: int
    state: str
    mark: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells of one holder by row and block, with how many there are of each colour."""

    name: str
    key: str
    rows: tuple[tuple[str, tuple[tuple[str, tuple[Cell, ...]], ...]], ...]
    legend: tuple[Legend, ...]
    count: int


async def as_grid(visit: Visit) -> Response:
    """Show the records of a register as plans of cells, one per holder."""
    declared = declaration_of(visit)
    picture = declared.pictures.grid
    if picture is None:
        raise NotFound("this register has no plan of cells", zh="该台账没有平面图")
    found = await visit.platform.registers.pictured(visit.grant, declared.code, filters_of(visit), most=MOST)
    by_holder: dict[str, list[Any]] = defaultdict(list)
    for row in found.rows:
        by_holder[str(row.values.get(picture.of) or "")].append(row)
    plans = [_plan(visit, declared, key, rows) for key, rows in by_holder.items()]
    colours = column_of(declared, picture.colour)
    return visit.render(
        "register_grid.html",
        plans=sorted(plans, key=lambda one: one.name),
        legend=legend_of(visit, colours, [row.values.get(picture.colour) for row in found.rows]),
        **await frame(visit, declared, "grid", len(found.rows), found.total),
    )


def _plan(visit: Visit, declared: RegisterDeclaration, key: str, rows: Iterable[Any]) -> Plan:
    picture, words = declared.pictures.grid, visit.words
    assert picture is not None  # noqa: S101 - the page asks for it
    colours, listed = column_of(declared, picture.colour), list(rows)
    cells: dict[tuple[float, str], dict[str, list[Cell]]] = {}
    for row in listed:
        value = row.values.get(picture.colour)
        cell = Cell(
            words.of(row.texts[picture.label]),
            record_address(declared, row.id),
            colour_of(colours, value),
            words.of(row.texts[picture.colour]),
            words.of(row.texts[picture.mark]) if picture.mark else "",
        )
        floor = cells.setdefault(_order(row.values.get(picture.row)), {})
        floor.setdefault(str(row.values.get(picture.block) or ""), []).append(cell)
    drawn = tuple(
        (floor[1], tuple((room, tuple(found)) for room, found in sorted(cells[floor].items())))
        for floor in sorted(cells, reverse=True)
    )
    values = [row.values.get(picture.colour) for row in listed]
    name = words.of(listed[0].texts[picture.of])
    return Plan(name, key, drawn, tuple(legend_of(visit, colours, values)), len(listed))


def _order(value: Any) -> tuple[float, str]:
    """Return the place of a row, numbers by size, and how it is written; unknown rows come last."""
    text = "" if value is None else str(value)
    try:
        return float(text), text
    except ValueError:
        return float("-inf"), text
