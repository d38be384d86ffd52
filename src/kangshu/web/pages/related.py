"""What stands together with a record on its page: records of other registers that name it, and the cases about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from kangshu.base.faults import Forbidden, NotFound
from kangshu.sdk import RegisterDeclaration, RelatedRecords
from kangshu.web.pages.registers import ShownCell, ShownRow, shown_rows
from kangshu.web.rows import WorkRow, work_rows
from kangshu.web.visit import Visit

_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class RelatedTable:
    """One register's records that name the record: the first of them, and where all are."""

    title: str
    heads: list[ShownCell]
    rows: list[ShownRow]
    count: int
    address: str
    new: str


async def related_tables(visit: Visit, declared: RegisterDeclaration, id_: str) -> list[RelatedTable]:
    """Return the tables of the registers that the visitor may read."""
    found = []
    for one in declared.related:
        try:
            found.append(await _table(visit, one, f"{declared.resource_type}/{id_}"))
        except (
            NotFound,
            Forbidden,
        ):  # a folder that is not installed, or records that are not for this account
            continue
    return found


async def cases_about(visit: Visit, declared: RegisterDeclaration, id_: str) -> list[WorkRow]:
    """Return the cases about the record that the visitor sees, the nearest deadline first."""
    if not declared.related:
        return []
    platform = visit.platform
    tasks = await platform.store.search_all(visit.grant, "Task", f"subject={declared.resource_type}/{id_}")
    return work_rows(visit.words, await platform.cases.rows(visit.grant, tasks))


async def _table(visit: Visit, related: RelatedRecords, reference: str) -> RelatedTable:
    registers = visit.platform.registers
    other = registers.declaration(related.register)
    page = await registers.list(visit.grant, other.code, {related.column: reference}, count=_MOST)
    shown = related.columns or tuple(one.id for one in other.columns if one.id != related.column)
    places = [number for number, one in enumerate(other.columns) if one.id in shown]
    rows = [
        ShownRow(row.id, [row.cells[number] for number in places], row.address, row.edit)
        for row in shown_rows(visit, other, page.rows)
    ]
    shapes = rows[0].cells if rows else [ShownCell("", "") for _ in places]
    heads = [
        ShownCell(visit.words.of(other.columns[number].title), shape.shape)
        for number, shape in zip(places, shapes, strict=True)
    ]
    address = f"/registers/{other.code}"
    may_write = visit.grant.may("register.write") and not other.read_only
    return RelatedTable(
        visit.words.of(related.title if related.title.zh else other.title),
        heads,
        rows,
        page.total or len(rows),
        f"{address}?{urlencode({related.column: reference})}",
        f"{address}/new" if may_write else "",
    )
