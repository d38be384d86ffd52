"""A table of a case's form as a workbook: out with what stands in it, in again to be looked at before it is sent."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kangshu.base.faults import Malformed, NotFound, TooLarge, Unprocessable
from kangshu.documents import Value, read_xlsx, write_xlsx
from kangshu.sdk import Field, Move
from kangshu.web.forms import shown_value
from kangshu.web.pages.cases import case_kind, case_page, gathered_by
from kangshu.web.visit import Visit, uploaded


async def template(visit: Visit) -> Response:
    """Give the table of a move's form as a workbook, with the rows that the case has."""
    move, field, rows = await _table(visit)
    listed = [one for one in field.columns if one.kind != "attachment" and not one.hidden]
    words = visit.words
    sheet: list[list[Value]] = [[words.of(column.title) for column in listed]]
    sheet += [[_cell(visit, column, row.get(column.id)) for column in listed] for row in rows]
    name = f"{words.of(move.title)}_{words.of(field.title)}.xlsx"
    return visit.download(write_xlsx({words.of(field.title): sheet}), name)


async def read_in(visit: Visit) -> Response:
    """Show the case with the rows of an uploaded workbook in the form; nothing is kept until the form is sent."""
    move, field, rows = await _table(visit)
    sent = await uploaded(await visit.form(), "file")
    try:
        if sent is None:
            raise Unprocessable("choose a workbook", zh="请选择填好的 xlsx 文件")
        filled = _filled(visit, field, rows, sent[1])
    except (Unprocessable, Malformed, TooLarge) as fault:
        return await case_page(visit, visit.path("id"), move.id, {}, fault)
    said = visit.words("已读入 {count} 行，请核对后提交；附件请在页面上传。", count=len(filled))
    return await case_page(visit, visit.path("id"), move.id, {field.id: filled}, read_in=said)


async def _table(visit: Visit) -> tuple[Move, Field, list[dict[str, Any]]]:
    """Return the move, its table and the rows that the case has. Raises NotFound where the visitor has no such move."""
    cases, id_ = visit.platform.cases, visit.path("id")
    task = (await visit.platform.store.read(visit.grant, "Task", id_)).resource
    offered = {one.id: one for one in await cases.moves(visit.grant, task)}
    move = offered.get(visit.path("move"))
    name = visit.path("field")
    field = next((one for one in (move.form if move else ()) if one.id == name and one.columns), None)
    if move is None or field is None:
        raise NotFound(f"{case_kind(task)}: there is no such table to fill in", zh="当前没有可填写的表格")
    held = gathered_by(await cases.history(visit.grant, id_))
    return move, field, list(held.get(field.id, ()))


def _cell(visit: Visit, column: Field, value: Any) -> Value:
    if value is None or column.kind in ("integer", "decimal"):
        return value  # type: ignore[no-any-return]
    return shown_value(visit.words, column, value)


def _filled(visit: Visit, field: Field, rows: list[dict[str, Any]], data: bytes) -> list[dict[str, Any]]:
    """Return the table's rows with the open columns as the workbook has them.

    Raises Unprocessable where its columns or rows are not those of this table.
    """
    sheets = list(read_xlsx(data).values())
    heads = sheets[0][0] if sheets and sheets[0] else []
    titles = {visit.words.of(column.title): column for column in field.columns}
    places = {titles[str(head)].id: at for at, head in enumerate(heads) if str(head) in titles}
    opened = [one for one in field.columns if not one.fixed and one.id in places]
    if not opened:
        raise Unprocessable("the workbook has other columns", zh="表头与填报表不一致，请下载模板重新填写")
    lines = sheets[0][1:]

    def cells(line: list[Value]) -> dict[str, Any]:
        padded = [*line, *[None] * (len(heads) - len(line))]
        return {one.id: padded[places[one.id]] for one in opened}

    if field.grows:
        return [cells(line) for line in lines]
    first = next(one for one in field.columns if one.fixed and not one.hidden)
    named = [str(line[places[first.id]]) if first.id in places and line else "" for line in lines]
    expected = [shown_value(visit.words, first, row.get(first.id)) for row in rows]
    if named != expected:
        raise Unprocessable(
            "the workbook has other rows than this table: take a new one",
            zh=f"第一列“{first.title.zh}”与本表不一致（可能增删或调换了行），请重新下载填报表",
        )
    return [{**row, **cells(line)} for row, line in zip(rows, lines, strict=True)]
