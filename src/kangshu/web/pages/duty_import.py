"""责任清单 from Excel: the template, a preview that tells row by row what would change, and the taking over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from kangshu.api import duty_rows, duty_sheet
from kangshu.base.faults import Fault, Invalid, Malformed, TooLarge, Unprocessable
from kangshu.base.text import Text
from kangshu.base.whole_numbers import whole_number
from kangshu.web.pages.figures_text import short
from kangshu.web.visit import Visit, texts, uploaded

Rows = Sequence[tuple[int, Mapping[str, str]]]


def _year(visit: Visit) -> int:
    year = whole_number(visit.query("year"), 4)
    return year if year is not None and 2000 <= year <= 2100 else visit.platform.duty_lists.today().year


async def template(visit: Visit) -> Response:
    """Return the workbook to fill in, with every duty of the plan that the year's list has already."""
    rows = await visit.platform.duty_lists.rows(visit.grant, visit.path("id"), _year(visit))
    return visit.download(duty_sheet(rows), f"{_year(visit)}年度责任清单模板.xlsx")


async def form(visit: Visit) -> Response:
    """Show where a workbook is sent."""
    plan = await visit.platform.plans.plan(visit.grant, visit.path("id"))
    return _page(visit, plan, _year(visit))


async def preview(visit: Visit) -> Response:
    """Show what a workbook would change, row by row; nothing is written."""
    id_, sent = visit.path("id"), await visit.form()
    year = whole_number(texts(sent).get("year", ""), 4) or 0
    plan = await visit.platform.plans.plan(visit.grant, id_)
    file = await uploaded(sent, "file")
    if file is None:
        return _page(visit, plan, year, error=visit.words("请选择要上传的文件"), status=422)
    try:
        rows = duty_rows(file[1])
        reading = await visit.platform.duty_lists.preview(visit.grant, id_, year, rows)
    except (Malformed, TooLarge, Unprocessable, Invalid) as fault:
        return _page(visit, plan, year, error=_told(visit, fault), status=422)
    return _page(visit, plan, year, reading=reading, rows=rows, status=422 if reading.findings else 200)


async def take(visit: Visit) -> Response:
    """Write the rows that the preview has shown; they are checked once more."""
    id_, sent = visit.path("id"), texts(await visit.form())
    year = whole_number(sent.get("year", ""), 4) or 0
    rows = _sent_rows(sent.get("rows", ""))
    reading = await visit.platform.duty_lists.take(visit.grant, id_, year, rows)
    if reading.findings:
        plan = await visit.platform.plans.plan(visit.grant, id_)
        return _page(visit, plan, year, reading=reading, rows=rows, status=422)
    return visit.go(f"/plans/{id_}/duties?year={year}", said="saved")


def _sent_rows(text: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows that the preview's form sends back. Raises Unprocessable."""
    try:
        listed = json.loads(text)
        return [
            (int(number), {str(name): str(cell) for name, cell in cells.items()}) for number, cells in listed
        ]
    except (ValueError, TypeError, AttributeError) as error:
        raise Unprocessable("these are no rows of a preview", zh="预览数据不完整，请重新上传") from error


def _told(visit: Visit, fault: Fault) -> str:
    return Text(fault.zh, fault.text).in_language(visit.words.language)


def _page(
    visit: Visit,
    plan: Any,
    year: int,
    *,
    reading: Any = None,
    rows: Rows = (),
    error: str = "",
    status: int = 200,
) -> Response:
    words = visit.words
    titles = {"new": words("新增"), "changed": words("修改"), "same": words("不变")}
    tones = {"new": "green", "changed": "amber", "same": "plain"}
    return visit.render(
        "duty_import.html",
        status,
        plan=plan.title,
        plan_address=f"/plans/{plan.id}",
        address=f"/plans/{plan.id}/duties",
        year=year,
        error=error,
        reading=reading,
        lines=[
            (
                one.row,
                short(
                    next(
                        clause.title or clause.text
                        for clause in plan.clauses
                        if clause.id == one.entry.clause
                    ),
                    50,
                ),
                next((cells.get("牵头单位", "") for number, cells in rows if number == one.row), ""),
                titles[one.change],
                tones[one.change],
            )
            for one in (reading.entries if reading else ())
        ],
        findings=[(one.row, one.column, words.of(one.text)) for one in (reading.findings if reading else ())],
        wrong=len({one.row for one in reading.findings}) if reading else 0,
        rows=json.dumps(rows, ensure_ascii=False),
    )
