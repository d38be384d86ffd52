"""台账 Excel 导入: what a workbook would do row by row, then the taking over; wrong rows also as a workbook."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as BinasciiError
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.web.pages.registers import declaration_of
from kangshu.web.visit import Visit, texts, uploaded

_SHOWN: Final = 200
"""Rows that the preview shows; the counts are of all."""
_CARRIED: Final = 1_200_000
"""Bytes of a workbook that the preview's form carries to the next step; a larger one is chosen once more."""


@dataclass(frozen=True, slots=True)
class ShownReport:
    """What an import did, or would do."""

    created: int
    updated: int
    failed: int
    errors: list[ShownError]


@dataclass(frozen=True, slots=True)
class ShownError:
    """One wrong cell of an import."""

    row: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class ImportLine:
    """What one row does to which record."""

    row: int
    title: str
    kind: str
    tone: str
    differences: list[tuple[str, str, str]]


async def import_form(visit: Visit) -> Response:
    """Show the two steps of an import."""
    return _page(visit)


async def import_file(visit: Visit) -> Response:
    """Show what a filled-in workbook would do; confirmed (`act`), do it for all rows or the right ones."""
    declared, words = declaration_of(visit), visit.words
    form = await visit.form()
    file, sent = await uploaded(form, "file"), texts(form)
    act = sent.get("act", "preview")
    try:
        data = file[1] if file is not None else b64decode(sent.get("data", ""), validate=True)
    except BinasciiError:
        data = b""
    if not data:
        return _page(visit, error=words("请选择要上传的文件"), status=422)
    try:
        report = await visit.platform.registers.import_xlsx(
            visit.grant, declared.code, data, partial=act == "right", preview=act in ("preview", "errors")
        )
    except Fault as fault:
        if fault.code in ("forbidden", "not-found", "exception", "transient"):
            raise
        return _page(visit, error=Text(fault.zh, fault.text).in_language(words.language), status=422)
    if act == "errors":
        workbook = visit.platform.registers.errors_xlsx(declared.code, report, language=words.language)
        return visit.download(workbook, f"{words.of(declared.title)}{words('（导入问题）')}.xlsx")
    return _page(visit, report, data, act, status=422 if report.errors and not report.written else 200)


def _page(
    visit: Visit, report: Any = None, data: bytes = b"", act: str = "", error: str = "", status: int = 200
) -> Response:
    declared, words = declaration_of(visit), visit.words
    shown = None
    if report is not None:
        errors = [ShownError(one.row, one.column, words.of(one.text)) for one in report.errors]
        shown = ShownReport(
            report.created, report.updated, len({one.row for one in report.errors}), errors[:_SHOWN]
        )
    return visit.render(
        "register_import.html",
        status,
        title=words.of(declared.title),
        address=f"/registers/{declared.code}",
        report=shown,
        written=report is not None and report.written,
        previewed=act == "preview",
        lines=[_line(visit, one) for one in report.changes[:_SHOWN]] if report is not None else [],
        more=max(0, len(report.changes) - _SHOWN) if report is not None else 0,
        same=sum(one.kind == "same" for one in report.changes) if report is not None else 0,
        data=b64encode(data).decode() if len(data) <= _CARRIED and report and not report.written else "",
        unique="、".join(
            words.of(next(field.title for field in declared.form if field.id == name))
            for unique in declared.unique[:1]
            for name in unique
        ),
        error=error,
    )


def _line(visit: Visit, change: Any) -> ImportLine:
    words = visit.words
    kinds = {
        "new": (words("新增"), "green"),
        "changed": (words("更新"), "amber"),
        "same": (words("不变"), "plain"),
    }
    title, tone = kinds[change.kind]
    told = [
        (words.of(one.title), words.of(one.before), words.of(one.after) or words("空"))
        for one in (change.differences if change.kind == "changed" else ())
    ]
    return ImportLine(change.row, words.of(change.title), title, tone, told)
