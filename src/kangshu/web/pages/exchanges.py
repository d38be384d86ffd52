"""交换文件: cases that wait for the next file, the batches sent, the answers read in, and whether both agree."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.faults import Fault, Malformed, NotFound, TooLarge, Unprocessable
from kangshu.web.forms import told
from kangshu.web.pages import sheet_starts
from kangshu.web.pages.calculations import figure
from kangshu.web.visit import Visit, uploaded

_MEDIA: Final = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
OUTCOMES: Final = {
    "settled": ("已到账", "green"),
    "returned": ("已退回", "amber"),
    "again": ("此前已处理", "grey"),
    "wrong": ("未处理", "red"),
    "waiting": ("未回盘", "blue"),
}


async def exchanges(visit: Visit) -> Response:
    """Show the exchanges that this account handles, with how many cases wait in each."""
    rooms = visit.platform.exchanges
    listed = []
    for one in rooms.open_to(visit.grant):
        ready = await rooms.ready(visit.grant, one.code)
        batches = await rooms.batches(visit.grant, one.code)
        listed.append((one, len(ready), sum(1 for batch in batches if not batch.balanced)))
    starts = rooms.starts.open_to(visit.grant)
    if not listed and not starts:
        raise NotFound("there is no exchange for this account", zh="没有可办理的数据交换")
    return visit.render("exchanges.html", listed=listed, starts=starts)


async def exchange(visit: Visit) -> Response:
    """Show one exchange: what may go out, what went out, what came back, and the sums; or what a sheet may start."""
    if any(one.code == _code(visit) for one in visit.platform.exchanges.starts.open_to(visit.grant)):
        return await sheet_starts.page(visit)
    return await _page(visit)


async def send(visit: Visit) -> Response:
    """Send the ticked cases out and lead to their batch."""
    form = await visit.form()
    tasks = [str(one) for one in form.getlist("id")]
    try:
        batch = await visit.platform.exchanges.send(visit.grant, _code(visit), tasks)
    except Unprocessable as fault:
        return await _page(visit, fault)
    return visit.go(f"/exchanges/{_code(visit)}/{batch.number}", said="saved")


async def take_back(visit: Visit) -> Response:
    """Read a returned file in and show what became of every row."""
    sent = await uploaded(await visit.form(), "file")
    if sent is None:
        fault = Unprocessable("choose the returned file", zh="请选择回盘文件")
        return await _page(visit, fault)
    try:
        report = await visit.platform.exchanges.take_back(visit.grant, _code(visit), *sent)
    except (Malformed, Unprocessable, TooLarge) as fault:
        return await _page(visit, fault)
    return await _page(visit, report=report)


async def batch(visit: Visit) -> Response:
    """Show one batch row by row: as it was sent, as it was answered, where its case stands now."""
    code = _code(visit)
    one = await visit.platform.exchanges.batch(visit.grant, code, visit.path("batch"))
    tasks = {row.task: await visit.platform.cases.row(visit.grant, row.task) for row in one.rows}
    rows = [
        (
            row,
            one.outcomes[row.key].outcome if row.key in one.outcomes else "waiting",
            one.outcomes.get(row.key),
            tasks[row.task],
        )
        for row in one.rows
    ]
    return visit.render(
        "exchange_batch.html",
        exchange=visit.platform.exchanges.declaration(visit.grant, code),
        address=f"/exchanges/{code}",
        one=one,
        rows=rows,
        parts=_parts([one]),
        outcomes=OUTCOMES,
        figure=figure,
    )


async def file(visit: Visit) -> Response:
    """Hand out the file of a batch, the same bytes whenever it is asked for."""
    name, data = await visit.platform.exchanges.file(visit.grant, _code(visit), visit.path("batch"))
    return visit.download(data, name, _MEDIA[name.rpartition(".")[2]])


async def _page(visit: Visit, fault: Fault | None = None, report: Any = None) -> Response:
    code = _code(visit)
    rooms = visit.platform.exchanges
    declared = rooms.declaration(visit.grant, code)
    ready = await rooms.ready(visit.grant, code)
    batches = await rooms.batches(visit.grant, code)
    return visit.render(
        "exchange.html",
        422 if fault else 200,
        exchange=declared,
        address=f"/exchanges/{code}",
        ready=ready,
        waiting=sum((one.amount for one in ready if one.amount is not None), Decimal(0)),
        batches=batches,
        parts=_parts(batches),
        read_ins=await rooms.read_ins(visit.grant, code),
        report=report,
        issues=told(visit.words, fault) if fault else [],
        outcomes=OUTCOMES,
        figure=figure,
    )


def _parts(batches: Iterable[Any]) -> dict[str, tuple[int, Decimal]]:
    """Return what was sent and what became of it over these batches: name → (how many, sum)."""
    listed = list(batches)
    found = {"sent": (sum(len(one.rows) for one in listed), sum((one.total for one in listed), Decimal(0)))}
    for outcome in ("settled", "returned", "waiting"):
        parts = [one.part(outcome) for one in listed]
        found[outcome] = (sum(count for count, _ in parts), sum((total for _, total in parts), Decimal(0)))
    return found


def _code(visit: Visit) -> str:
    return f"{visit.path('service')}/{visit.path('exchange')}"
