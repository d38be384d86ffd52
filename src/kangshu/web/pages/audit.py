"""日志审计: who did what, filtered; and the check that nobody changed the log (审计链校验)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from starlette.responses import Response

from kangshu.api import AuditQuery, check_audit
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Invalid
from kangshu.web.inputs import day_or_none
from kangshu.web.lookup import kind_title
from kangshu.web.parts import Cell, Filter, Paging
from kangshu.web.visit import Visit

_ROWS: Final = 50
_ACTS: Final = {
    "read": "查看",
    "vread": "查看历史版本",
    "search-type": "查询",
    "search": "查询",
    "history": "查看变更记录",
    "create": "新增",
    "update": "修改",
    "patch": "修改",
    "delete": "删除",
    "transaction": "批量写入",
    "sign-in": "登录",
    "sign-out": "退出",
    "measure": "查看指标",
    "measure-subjects": "下钻到记录",
    "open": "打开页面",
    "submit": "提交",
    "export": "导出",
}
_OUTCOMES: Final = {
    "forbidden": "越权被拒",
    "not-found": "未找到",
    "unauthenticated": "未登录",
    "login": "登录失败",
    "conflict": "冲突",
    "invalid": "内容有误",
    "throttled": "尝试过多",
    "deleted": "已删除",
}
_TYPES: Final = (
    "Patient", "Organization", "Practitioner", "PractitionerRole", "Location", "Contract", "Encounter", "Observation",
    "Condition", "EpisodeOfCare", "Slot", "Task", "ServiceRequest", "Communication", "PlanDefinition",
    "DocumentReference", "MeasureReport", "Measure", "Account",
)  # fmt: skip


async def audit(visit: Visit) -> Response:
    """Show who did what, the newest first, by account, kind, record and day."""
    words, before = visit.words, visit.number("before", 0, high=2**62)
    asked = {name: visit.query(name) for name in ("account", "type", "id", "since", "until")}
    wrong = ""
    since: datetime | None = None
    until: datetime | None = None
    try:
        since, until = _start(day_or_none(asked, "since")), _end(day_or_none(asked, "until"))
    except Invalid as fault:
        wrong = words("日期格式应为 2026-03-01") if fault.zh else fault.text
    query = AuditQuery(
        account=asked["account"], type=asked["type"], id=asked["id"], since=since, until=until
    )
    found = await visit.platform.store.audit_rows(
        visit.grant, query, before=before or None, count=_ROWS + 1
    )
    rows = [
        [
            Cell(words.moment(one.at), nowrap=True),
            Cell(
                one.account or "—",
                visit.with_query(account=one.account, before="") if one.account else "",
                nowrap=True,
            ),
            Cell(words(_ACTS.get(one.action.partition(" ")[0], one.action))),
            Cell(kind_title(visit, one.type) if one.type else "—", sub=one.type),
            Cell(one.id or "—", visit.with_query(type=one.type, id=one.id, before="") if one.id else ""),
            Cell(words("成功"), tone="green")
            if one.outcome == "ok"
            else Cell(words(_OUTCOMES.get(one.outcome, one.outcome)), tone="red"),
        ]
        for _, one in found[:_ROWS]
    ]
    kinds = tuple((one, f"{kind_title(visit, one)} {one}") for one in _TYPES)
    return visit.render(
        "audit.html",
        heads=[words("时间"), words("账号"), words("操作"), words("类型"), words("对象"), words("结果")],
        rows=rows,
        wrong=wrong,
        account=asked["account"],
        id=asked["id"],
        kind=Filter("type", words("类型"), asked["type"], kinds),
        since=asked["since"],
        until=asked["until"],
        filtered=any(asked.values()),
        page=Paging(
            visit.with_query(before="") if before else "",
            visit.with_query(before=found[_ROWS - 1][0]) if len(found) > _ROWS else "",
        ),
        checked=None,
    )


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), CITY_ZONE) if day else None


def _end(day: date | None) -> datetime | None:
    return datetime.combine(day + timedelta(days=1), time(), CITY_ZONE) if day else None


async def verify(visit: Visit) -> Response:
    """Check the chain of the log from its first row and tell the result."""
    await visit.form()
    begun = now()
    found = await check_audit(visit.platform, visit.grant)
    return visit.render(
        "audit_check.html",
        check=found,
        breaks=[visit.words.of(one.text) for one in found.report.breaks],
        bad=[(name, visit.words.of(why)) for name, why in found.bad_anchors],
        at=visit.words.moment(begun),
        seconds=f"{(now() - begun).total_seconds():.1f}",
    )
