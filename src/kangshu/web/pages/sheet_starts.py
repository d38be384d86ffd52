"""Cases started from a sheet: the template, what each row would do, then the start of those that are right."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as BinasciiError
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.faults import Malformed, TooLarge, Unprocessable
from kangshu.base.text import Text
from kangshu.web.visit import Visit, texts, uploaded

OUTCOMES: Final = {
    "ready": ("可以发起", "blue"),
    "started": ("已发起", "green"),
    "again": ("此前已发起", "grey"),
    "wrong": ("有误", "red"),
}
_CARRIED: Final = 1_200_000
"""Bytes of a workbook that the preview's form carries to the next step; a larger one is chosen once more."""


async def template(visit: Visit) -> Response:
    """Hand out the empty workbook."""
    starts, code = visit.platform.exchanges.starts, _code(visit)
    declared = starts.declaration(visit.grant, code)
    data = starts.template(visit.grant, code, visit.words.language)
    return visit.download(data, f"{visit.words.of(declared.title)}.xlsx")


async def page(visit: Visit) -> Response:
    """Show the steps, and the sheets from which cases were started."""
    return await _page(visit)


async def start(visit: Visit) -> Response:
    """Show what every row of a sheet would do; confirmed (`act` do), start the cases of the right rows."""
    starts, code, words = visit.platform.exchanges.starts, _code(visit), visit.words
    starts.declaration(visit.grant, code)
    form = await visit.form()
    file, sent = await uploaded(form, "file"), texts(form)
    act = sent.get("act", "preview")
    try:
        name, data = file if file is not None else ("", b64decode(sent.get("data", ""), validate=True))
    except BinasciiError:
        name, data = "", b""
    if not data:
        return await _page(visit, error=words("请选择要上传的文件"))
    take = starts.start if act == "do" else starts.preview
    try:
        report = await take(visit.grant, code, name or sent.get("name", "")[:120], data)
    except (Malformed, TooLarge, Unprocessable) as fault:
        return await _page(visit, error=words.of(Text(fault.zh, fault.text)))
    if act == "errors":
        declared = starts.declaration(visit.grant, code)
        workbook = starts.errors(visit.grant, code, report, words.language)
        return visit.download(workbook, f"{words.of(declared.title)}{words('（问题清单）')}.xlsx")
    return await _page(visit, report, data)


async def _page(visit: Visit, report: Any = None, data: bytes = b"", error: str = "") -> Response:
    starts, code = visit.platform.exchanges.starts, _code(visit)
    wrong = error or (report is not None and not report.done and report.errors)
    carried = report is not None and not report.done and len(data) <= _CARRIED
    return visit.render(
        "exchange_start.html",
        422 if wrong else 200,
        exchange=starts.declaration(visit.grant, code),
        address=f"/exchanges/{code}",
        names="、".join(visit.words.of(one.title) for one in starts.columns(visit.grant, code)),
        report=report,
        data=b64encode(data).decode() if carried else "",
        read_ins=await starts.read_ins(visit.grant, code),
        outcomes=OUTCOMES,
        error=error,
    )


def _code(visit: Visit) -> str:
    return f"{visit.path('service')}/{visit.path('exchange')}"
