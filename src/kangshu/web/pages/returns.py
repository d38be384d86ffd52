"""进展报送: what my organisation has to send, the office's table of units and periods, and one period compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.faults import Conflict, NotFound
from kangshu.base.whole_numbers import whole_number
from kangshu.documents import Value, write_xlsx
from kangshu.web.visit import Visit

TONES: Final = {
    "on-time": "green",
    "late": "amber",
    "missing": "red",
    "returned": "amber",
    "waiting": "",
    "cancelled": "",
}
"""Colours of how a return stands; each stands beside its word."""
_STATUSES: Final = {"normal": "按计划推进", "slow": "进度滞后", "done": "已完成", "none": "本期无进展"}
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the compiled table."""

    unit: str
    matter: str
    asked: str
    status: str
    percent: str
    value: str
    progress: str
    address: str


async def overview(visit: Visit) -> Response:
    """Show my returns, and the table of a plan's returns: the one asked for, else the first of our own."""
    plans = [one for one in await visit.platform.plans.plans(visit.grant) if not one.foreign]
    chosen = visit.query("plan") or (plans[0].id if plans else "")
    return await _table(visit, chosen, plans)


async def table(visit: Visit) -> Response:
    """Show the table of one plan's returns."""
    plans = [one for one in await visit.platform.plans.plans(visit.grant) if not one.foreign]
    return await _table(visit, visit.path("id"), plans)


async def _table(visit: Visit, chosen: str, plans: list[Any]) -> Response:
    returns = visit.platform.returns
    found = await returns.table(visit.grant, chosen, whole_number(visit.query("year"))) if chosen else None
    circulars = (
        await returns.published(visit.grant, chosen, [str(one) for one in found.periods]) if found else {}
    )
    return visit.render(
        "returns.html",
        mine=await returns.mine(visit.grant),
        plans=plans,
        chosen=chosen,
        table=found,
        tones=TONES,
        circulars=circulars,
        sums=_sums(found) if found else {},
    )


def _sums(table: Any) -> dict[str, tuple[int, int]]:
    """Return, by period, how many returns came in time, of how many."""
    found: dict[str, tuple[int, int]] = {}
    for (_, period), row in table.rows.items():
        good, whole = found.get(period, (0, 0))
        if row.standing != "cancelled":
            found[period] = (good + (row.standing == "on-time"), whole + 1)
    return found


async def period(visit: Visit) -> Response:
    """Show one period compiled: how every unit stands, and every line."""
    plan, asked = visit.path("id"), visit.path("period")
    rows = await visit.platform.returns.compiled(visit.grant, plan, asked)
    whole = await visit.platform.plans.plan(visit.grant, plan)
    published = await visit.platform.returns.published(visit.grant, plan, [asked])
    waiting = sum(one.state in ("due", "late", "returned") for one in rows)
    counts = {name: sum(one.standing == name for one in rows) for name in TONES}
    return visit.render(
        "returns_period.html",
        plan=whole,
        period=asked,
        rows=rows,
        lines=[line for row in rows for line in _lines(visit, row)],
        tones=TONES,
        counts=counts,
        zero=sum(one.zero for one in rows),
        waiting=waiting,
        circular=published.get(asked),
        may_act=visit.grant.may("plan.assign"),
    )


def _lines(visit: Visit, row: Any) -> list[Line]:
    if row.state not in ("submitted", "accepted", "returned") or row.zero:
        return []
    return [
        Line(
            row.unit_name,
            str(one.get("matter") or ""),
            str(one.get("asked") or ""),
            visit.words(_STATUSES[one["status"]]) if one.get("status") in _STATUSES else "",
            f"{one['percent']}%" if one.get("percent") is not None else "",
            str(one["value"]) if one.get("value") is not None else "",
            str(one.get("progress") or ""),
            f"/cases/{row.task}",
        )
        for one in row.lines
    ]


async def export(visit: Visit) -> Response:
    """Give one period as a workbook: how units stand, and every line."""
    plan, asked = visit.path("id"), visit.path("period")
    words = visit.words
    rows = await visit.platform.returns.compiled(visit.grant, plan, asked)
    heads = ("单位", "报送情况", "零报告", "首次报送日", "截止日", "催报次数", "退回次数")
    units: list[list[Value]] = [[words(head) for head in heads]]
    units += [
        [
            one.unit_name,
            words.of(one.standing_title),
            one.zero_reason if one.zero else "",
            one.sent.isoformat() if one.sent else "",
            one.due.isoformat(),
            one.urged,
            one.times_returned,
        ]
        for one in rows
    ]
    line_heads = ("单位", "任务或目标", "要求", "本期进展", "完成比例", "完成值", "进展说明")
    lines: list[list[Value]] = [[words(head) for head in line_heads]]
    lines += [
        [one.unit, one.matter, one.asked, one.status, one.percent, one.value, one.progress]
        for row in rows
        for one in _lines(visit, row)
    ]
    sheets = {words("报送情况"): units, words("报送内容"): lines}
    return visit.download(write_xlsx(sheets), f"{words('进展报送汇总')}_{asked}.xlsx")


async def circular(visit: Visit) -> Response:
    """Give the circular of a period as it would be published now, a draft without number."""
    plan, asked = visit.path("id"), visit.path("period")
    data = await visit.platform.returns.draft(visit.grant, plan, asked)
    return visit.download(data, f"{visit.words('通报（草稿）')}_{asked}.docx", DOCX)


async def act(visit: Visit) -> Response:
    """Urge every unit that waits, or publish the circular."""
    plan, asked, chosen = visit.path("id"), visit.path("period"), visit.path("act")
    form = await visit.form()
    address = f"/returns/{plan}/{asked}"
    if chosen == "urge":
        comment = str(form.get("comment") or "").strip() or visit.words("请按要求尽快报送进展。")
        await visit.platform.returns.urge(visit.grant, plan, asked, comment)
        return visit.go(address, said="urged")
    if chosen == "publish":
        try:
            await visit.platform.returns.publish(visit.grant, plan, asked)
        except Conflict:
            return visit.go(address)
        return visit.go(address, said="circulated")
    raise NotFound("there is no such act", zh="没有该操作")
