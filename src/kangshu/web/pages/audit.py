"""日志审计: who did what, filtered; what is worth a look; the check that nobody changed the log (审计链校验)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import (
    BURSTS,
    EMERGENCY,
    WATCHES,
    AuditQuery,
    Watch,
    audit_bursts,
    audit_sheet,
    audit_watched,
    check_audit,
    watch_figures,
)
from kangshu.base.clock import CITY_ZONE, now, today
from kangshu.base.faults import Invalid
from kangshu.documents import write_xlsx
from kangshu.web.inputs import day_or_none
from kangshu.web.lookup import kind_title
from kangshu.web.pages.lookups import PURPOSES
from kangshu.web.parts import Cell, Filter, Paging, Tab
from kangshu.web.visit import Visit

_ROWS: Final = 50
_LONGEST: Final = 80
"""Signs of a query that the table shows; the workbook has all of it."""
_WATCHED_DAYS: Final = 7
"""How far back a ready question looks where no day is given."""
ACTS: Final = {
    "read": "查看",
    "vread": "查看历史版本",
    "search-type": "查询",
    "history": "查看变更记录",
    "create": "新增",
    "update": "修改",
    "patch": "修改",
    "delete": "删除",
    "transaction": "批量写入",
    "reveal": "查看完整号码或住址",
    "find-resident": "凭证件查找居民",
    "sign-in": "登录",
    "sign-in-code": "输入验证码",
    "sign-out": "退出",
    "measure": "查看指标",
    "measure-subjects": "下钻到记录",
    "export": "导出",
    "open": "打开页面",
    "submit": "提交",
    "account-create": "新建账号",
    "account-change": "修改账号",
    "account-roles": "分配角色",
    "account-open": "启用账号",
    "account-stop": "停用账号",
    "account-unlock": "解锁账号",
    "account-reset": "重置密码",
    "password-change": "修改密码",
    "token": "获取令牌",
    "token-end": "结束登录或令牌",
    "token-revoke": "吊销令牌",
    "second-factor-enrol": "绑定验证器",
    "second-factor-reset": "重置验证器",
    "recovery-codes": "生成备用码",
    "recovery-code-used": "使用备用码",
    "post-open": "任职",
    "post-change": "变更任职",
    "post-close": "免去任职",
    "post-stand-in": "设置 B 岗",
    "client-key-add": "添加应用密钥",
    "client-key-remove": "移除应用密钥",
    "client-keys-url": "设置应用密钥地址",
    "client-scopes": "设置应用范围",
    "parameter-enter": "录入参数",
    "bulk-load": "批量导入",
    "audit-check": "校验审计链",
    "emergency-request": "申请应急调阅",
    "emergency-open": "打开应急调阅",
    "emergency-end": "结束应急调阅",
    "emergency-justified": "复核应急调阅：正当",
    "emergency-improper": "复核应急调阅：不当",
    "sign-in-provider": "统一身份登录",
    "identity-link": "绑定统一身份",
}
"""What acts are called, in the order of the list of choices."""
_OUTCOMES: Final = {
    "refused": "全部未成功",
    "ok": "成功",
    "forbidden": "越权被拒",
    "not-found": "未找到",
    "login": "登录失败",
    "throttled": "尝试过多",
    "conflict": "冲突",
    "invalid": "内容有误",
    "deleted": "已删除",
}
_TYPES: Final = (
    "Patient", "Organization", "Practitioner", "PractitionerRole", "Location", "Contract", "Encounter", "Observation",
    "Condition", "EpisodeOfCare", "Slot", "Task", "ServiceRequest", "Communication", "PlanDefinition",
    "DocumentReference", "MeasureReport", "Measure", "Account", "AuditEvent",
)  # fmt: skip
_FIELDS: Final = ("account", "resident", "act", "outcome", "type", "id", "address", "since", "until", "watch")


def _asked(visit: Visit) -> tuple[AuditQuery, str]:
    """Return what the address asks for, and what is wrong with it."""
    asked, wrong = {name: visit.query(name) for name in _FIELDS}, ""
    since: datetime | None = None
    until: datetime | None = None
    try:
        since, until = _start(day_or_none(asked, "since")), _end(day_or_none(asked, "until"))
    except Invalid as fault:
        wrong = visit.words("日期格式应为 2026-03-01") if fault.zh else fault.text
    query = AuditQuery(
        account=asked["account"], resident=asked["resident"], actions=(asked["act"],) if asked["act"] else (),
        outcome=asked["outcome"], type=asked["type"], id=asked["id"], address=asked["address"], since=since, until=until,
    )  # fmt: skip
    return query, wrong


def _watch(visit: Visit) -> Watch | None:
    return next((one for one in WATCHES if one.id == visit.query("watch")), None)


async def audit(visit: Visit) -> Response:
    """Show who did what, the newest first, by account, resident, act, outcome, record, address and day."""
    words, before, watch = visit.words, visit.number("before", 0, high=2**62), _watch(visit)
    query, wrong = _asked(visit)
    values: dict[str, Any] = {
        "wrong": wrong,
        "asked": {name: visit.query(name) for name in _FIELDS},
        "choices": _choices(visit),
        "filtered": any(visit.query(name) for name in _FIELDS if name != "watch"),
        "watch": watch and _watch_text(visit, watch),
        "watches": [
            Tab(words.of(one.title), f"/admin/audit?watch={one.id}", one is watch) for one in WATCHES
        ],
        "export": f"/admin/audit/export.xlsx?{visit.request.url.query}",
    }
    if watch is not None and watch.id in BURSTS:
        return visit.render("audit.html", **values, **await _bursts(visit, watch, query))
    if watch is not None:
        query = await audit_watched(visit.platform, visit.grant, query, watch)
    found = await visit.platform.store.audit_rows(visit.grant, query, before=before or None, count=_ROWS + 1)
    heads = ("时间", "账号", "操作", "对象", "涉及居民", "用途", "地址", "结果")
    return visit.render(
        "audit.html",
        **values,
        heads=[words(one) for one in heads],
        rows=[_row(visit, one) for _, one in found[:_ROWS]],
        page=Paging(
            visit.with_query(before="") if before else "",
            visit.with_query(before=found[_ROWS - 1][0]) if len(found) > _ROWS else "",
        ),
    )


def _row(visit: Visit, one: Any) -> list[Cell]:
    words = visit.words
    by = [words("代 {name}", name=one.on_behalf_of)] if one.on_behalf_of else []
    by += [words("应用 {name}", name=one.app)] if one.app else []
    residents = list(one.residents) or ([one.id] if one.type == "Patient" and one.id else [])
    many = words("{count} 人", count=len(residents)) if len(residents) > 1 else "".join(residents)
    return [
        Cell(words.moment(one.at), nowrap=True),
        Cell(
            one.account or "—",
            visit.with_query(account=one.account, before="") if one.account else "",
            nowrap=True,
            sub=" · ".join(by),
        ),
        Cell(act_text(visit, one.action), sub=shortened(one.detail)),
        Cell(
            (kind_title(visit, one.type) if one.type else "—"),
            visit.with_query(type=one.type, id=one.id, before="") if one.id else "",
            sub=" ".join(filter(None, (one.type, one.id))),
        ),
        Cell(
            many or "—",
            visit.with_query(resident=residents[0], before="") if len(residents) == 1 else "",
        ),
        Cell(
            words(PURPOSES.get(one.purpose, "其他用途")) if one.purpose else "—",
            tone="red" if one.purpose == EMERGENCY else "",
            sub=one.reason,
        ),
        Cell(
            one.address or "—",
            visit.with_query(address=one.address, before="") if one.address else "",
            nowrap=True,
        ),
        Cell(outcome_text(visit, one.outcome), tone="green" if one.outcome == "ok" else "red"),
    ]


def act_text(visit: Visit, action: str) -> str:
    """Return what people call an act; one on an account names the account behind it."""
    name, _, whom = action.partition(" ")
    return " ".join(filter(None, (visit.words(ACTS.get(name, name)), whom)))


def shortened(text: str) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def outcome_text(visit: Visit, outcome: str) -> str:
    """Return how an act ended, as people say it."""
    return visit.words(_OUTCOMES.get(outcome, outcome))


def _choices(visit: Visit) -> Mapping[str, Filter]:
    words = visit.words
    acts: dict[str, str] = {}
    for name, title in ACTS.items():
        if title not in acts.values():
            acts[name] = title
    listed = {
        "act": tuple((name, words(title)) for name, title in acts.items()),
        "outcome": tuple((name, words(title)) for name, title in _OUTCOMES.items()),
        "type": tuple((one, f"{kind_title(visit, one)} {one}") for one in _TYPES),
    }
    titles = {"act": words("操作"), "outcome": words("结果"), "type": words("类型")}
    return {name: Filter(name, titles[name], visit.query(name), options) for name, options in listed.items()}


def _watch_text(visit: Visit, watch: Watch) -> str:
    figures = watch_figures(visit.platform, watch)
    text = visit.words.of(watch.help)
    if watch.id == "night":
        return text + visit.words("（{begin} 时至次日 {end} 时）", begin=figures[0], end=figures[1])
    return text + visit.words("（阈值 {figure}）", figure=figures[0]) if figures else text


async def _bursts(visit: Visit, watch: Watch, query: AuditQuery) -> dict[str, Any]:
    """Return the table of the hours that call for a look: in the days asked for, else in the last week."""
    words = visit.words
    until = query.until or now()
    since = query.since or until - timedelta(days=_WATCHED_DAYS)
    found = await audit_bursts(visit.platform, visit.grant, watch, since, until)
    refused = {"outcome": "refused"} if watch.id == "refused" else {}
    rows = []
    for one in found:
        day = one.hour.astimezone(CITY_ZONE).date().isoformat()
        address = visit.with_query(watch="", account=one.account, since=day, until=day, **refused)
        rows.append(
            [
                Cell(one.account, address, nowrap=True),
                Cell(words.moment(one.hour), nowrap=True),
                Cell(str(one.count), number=True),
                Cell(str(one.acts), number=True),
            ]
        )
    counted = {"residents": "居民人数", "refused": "被拒次数", "export": "导出次数"}[watch.id]
    return {
        "heads": [words("账号"), words("起始时间（一小时）"), words(counted), words("操作次数")],
        "rows": rows,
        "page": None,
    }


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), CITY_ZONE) if day else None


def _end(day: date | None) -> datetime | None:
    return datetime.combine(day + timedelta(days=1), time(), CITY_ZONE) if day else None


async def export(visit: Visit) -> Response:
    """Return what the page shows as a workbook, all pages of it; the export is in the audit itself."""
    words, watch = visit.words, _watch(visit)
    query, wrong = _asked(visit)
    if wrong:
        raise Invalid(wrong, zh=wrong)
    if watch is not None and watch.id not in BURSTS:
        query = await audit_watched(visit.platform, visit.grant, query, watch)
    found = await audit_sheet(visit.platform, visit.grant, query)
    title = words("日志审计")
    mark = words("演示数据") + " · " if visit.platform.settings.demo else ""
    heads = (
        "序号",
        "时间",
        "账号",
        "代谁办理",
        "应用",
        "操作",
        "类型",
        "对象编号",
        "涉及居民",
        "查询",
        "用途",
        "理由",
        "地址",
        "结果",
    )
    table: list[list[Any]] = [
        [f"{mark}{title} · {visit.grant.display} · {words.moment(visit.opened)}"],
        [words(one) for one in heads],
    ]
    for position, one in found:
        table.append(
            [
                position, words.moment(one.at), one.account, one.on_behalf_of, one.app, act_text(visit, one.action),
                one.type, one.id, "、".join(one.residents[:100]), one.detail,
                words(PURPOSES.get(one.purpose, "其他用途")) if one.purpose else "", one.reason, one.address,
                outcome_text(visit, one.outcome),
            ]
        )  # fmt: skip
    return visit.download(write_xlsx({title: table}, header=False), f"{title}_{today().isoformat()}.xlsx")


async def verify(visit: Visit) -> Response:
    """Check the chain of the log from its first row, and the anchors, and tell the result."""
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
