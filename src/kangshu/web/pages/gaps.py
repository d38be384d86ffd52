"""补录: one page for all that own plans and parameters lack, entered with one approving document for many rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import (
    Approval,
    Filling,
    enter_missing,
    import_missing,
    kind_title,
    missing_sheet,
    missing_values,
)
from kangshu.base.faults import Fault, Invalid, Malformed, TooLarge, Unprocessable
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web.attachments import with_attachments
from kangshu.web.forms import form_fields
from kangshu.web.inputs import day_or_none
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.figures_text import short
from kangshu.web.parts import Paging, Tab
from kangshu.web.visit import Visit, texts, uploaded

KINDS: Final = ("year", "baseline", "parameter")
_A_PAGE: Final = 100
"""Rows on one page: a form has at most 500 fields."""
_FILE: Final = Field("files", Text("附件", "Attachment"), "attachment", many=True)
_APPROVAL: Final = (
    Field("title", Text("批准文件", "Approving document"), required=True, help=Text("文件名称", "its title")),
    Field("number", Text("文号", "Number"), help=Text("如 云政办〔2026〕3号", "as 云政办〔2026〕3号")),
    Field("issued", Text("成文日期", "Date of the document"), "date"),
    _FILE,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the form. `value` and `day` are what was typed, `error` what is wrong with it."""

    key: str
    title: str
    note: str
    address: str
    written: str
    unit: str
    value: str
    day: str
    dated: bool
    error: str


async def gaps(visit: Visit) -> Response:
    """Show what is missing of one kind (`?kind=`), by default the first of which something is."""
    return await _page(visit, {}, ())


async def enter(visit: Visit) -> Response:
    """Enter every row that was filled in, all with the same approving document."""
    form = await visit.form()
    said = texts(form)
    try:
        chosen = [
            name.removeprefix("value.") for name, value in said.items() if name.startswith("value.") and value
        ]
        if not chosen:
            raise Invalid("fill in at least one row", zh="请至少填写一行")
        issued = day_or_none(said, "issued")
        if not said.get("title"):
            raise Invalid("name the approving document", zh="请填写批准文件名称", expression="title")
        kept: dict[str, Any] = await with_attachments(visit, [_FILE], form, {})
        files = tuple(str(one).removeprefix("DocumentReference/") for one in kept.get("files") or ())
        approval = Approval(said["title"], said.get("number", ""), issued, files)
        fillings = [
            Filling(key, said[f"value.{key}"], said.get(f"day.{key}", ""), approval) for key in chosen
        ]
        wrong = await enter_missing(visit.platform, visit.grant, fillings)
    except (Invalid, Unprocessable) as fault:
        return await _page(visit, said, (("", fault),))
    if wrong:
        return await _page(visit, said, wrong)
    return visit.go(f"/gaps?kind={said.get('kind', '')}", said="saved")


async def sheet(visit: Visit) -> Response:
    """Give the list as a workbook to be filled in."""
    rows = await missing_values(visit.platform, visit.grant)
    return visit.download(missing_sheet(rows, visit.words.language), visit.words("补录清单") + ".xlsx")


async def take(visit: Visit) -> Response:
    """Enter a filled-in workbook, all rows or none."""
    file = await uploaded(await visit.form(), "file")
    if file is None:
        fault = Invalid("choose a file", zh="请选择要上传的文件")
        return await _page(visit, {}, (("", fault),))
    try:
        report = await import_missing(visit.platform, visit.grant, file[1])
    except (Malformed, TooLarge, Unprocessable) as fault:
        return await _page(visit, {}, (("", fault),))
    if report.errors:
        return await _page(visit, {}, (), report.errors)
    return visit.go("/gaps", said="saved")


async def _page(
    visit: Visit,
    said: Mapping[str, str],
    wrong: Sequence[tuple[str, Fault]],
    errors: Sequence[Any] = (),
) -> Response:
    words = visit.words
    rows = await missing_values(visit.platform, visit.grant)
    counts = {kind: sum(one.kind == kind for one in rows) for kind in KINDS}
    kind = said.get("kind") or visit.query("kind")
    if kind not in KINDS:
        kind = next((one for one in KINDS if counts[one]), KINDS[0])
    told = {key: Text(fault.zh, fault.text).in_language(words.language) for key, fault in wrong}
    listed = [one for one in rows if one.kind == kind]
    first = visit.number("from", 0, 0, max(0, len(listed) - 1)) // _A_PAGE * _A_PAGE
    shown = listed[first : first + _A_PAGE]
    return visit.render(
        "gaps.html",
        422 if wrong or errors else 200,
        kind=kind,
        tabs=[
            Tab(words.of(kind_title(one)), f"/gaps?kind={one}", one == kind, counts[one], counts[one] > 0)
            for one in KINDS
            if counts[one] or one == kind
        ],
        lines=[_line(visit, one, said, told) for one in shown],
        fields=form_fields(words, _APPROVAL, said),
        error=told.get("", ""),
        errors=[
            f"{words('第 {row} 行', row=one.row)} {one.column} {words.of(one.text)}".replace("  ", " ")
            for one in errors
        ],
        paging=Paging(
            f"/gaps?kind={kind}&from={first - _A_PAGE}" if first else "",
            f"/gaps?kind={kind}&from={first + _A_PAGE}" if first + _A_PAGE < len(listed) else "",
        ),
        day_title=words("生效日期") if kind == "parameter" else words("基期日期"),
    )


def _line(visit: Visit, one: Any, said: Mapping[str, str], told: Mapping[str, str]) -> Line:
    address = (
        f"/admin/parameters/{one.target}" if one.kind == "parameter" else clause_address(one.plan, one.target)
    )
    return Line(
        one.key,
        short(visit.words.of(one.title), 60),
        one.plan_title,
        address,
        one.written,
        one.unit if one.kind != "year" else "",
        said.get(f"value.{one.key}", ""),
        said.get(f"day.{one.key}", ""),
        one.kind != "year",
        told.get(one.key, ""),
    )
