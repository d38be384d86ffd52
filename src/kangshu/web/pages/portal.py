"""我的健康: a resident's own screen, and who opened the resident's record (调阅留痕)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.access import system_grant
from kangshu.base.canonical import CASE_KIND
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.sdk import Resource
from kangshu.web.blocks import Block, Figure, Screen
from kangshu.web.lookup import organisations, text_of
from kangshu.web.pages.listing import listing
from kangshu.web.pages.notices import block
from kangshu.web.parts import Cell, Link, Paging
from kangshu.web.rows import WorkRow, work_rows
from kangshu.web.visit import Visit

_FEW: Final = 6
_ROWS: Final = 50
_PURPOSES: Final = {
    "TREAT": "诊疗",
    "HOPERAT": "机构管理",
    "PUBHLTH": "公共卫生",
    "PATRQT": "本人申请",
    "COVERAGE": "热线服务",
    "HMARKT": "统计",
    "SYSADMIN": "系统维护",
    "HSYSADMIN": "安全审计",
}
_ACTS: Final = {
    "read": "查看档案",
    "vread": "查看历史版本",
    "history": "查看变更记录",
    "create": "建档",
    "update": "修改基本信息",
    "patch": "修改基本信息",
    "delete": "删除",
}


async def resident(visit: Visit) -> Screen:
    """Return a resident's screen: the record, contracts, cases and who looked."""
    words, me = visit.words, visit.grant.patient
    if not me:
        return Screen(words("当前账号没有绑定居民档案，请到建档机构办理绑定。"))
    cases = await _cases(visit, me)
    going = [row for row in cases if row.open]
    contracts = await _contracts(visit, me)
    day = today().isoformat()
    valid = [one for one in contracts if one.get("status") == "executed" and _end(one) >= day]
    looks = [one for one in await lookups(visit, _ROWS) if not one.mine]
    screen = Screen(words("您的健康档案、签约医生、转诊和办理中的事项，以及谁查看过您的档案。"))
    screen.quick = [
        Link(words("我的档案"), f"/residents/{me}", "heart"),
        Link(words("谁看过我的档案"), "/me/lookups", "log"),
    ]
    screen.figures = [
        Figure(words("办理中的事项"), str(len(going)), words("件"), "", "accent" if going else ""),
        Figure(words("有效签约"), str(len(valid)), words("份"), "", "green" if valid else "amber"),
        Figure(
            words("最近一次被查看"),
            words.day(looks[0].at) if looks else "—",
            "",
            looks[0].who if looks else words("没有他人查看过"),
            "",
            "/me/lookups",
        ),
    ]
    screen.wide = [
        Block(
            words("我的转诊与办件"),
            "work",
            cases[:_FEW],
            words("没有办件"),
            words("医生发起转诊、预约后，进度会显示在这里"),
            icon="swap",
        ),
        Block(
            words("谁看过我的档案"),
            "table",
            [[Cell(words.moment(one.at), nowrap=True), Cell(one.who, sub=one.place), Cell(one.act), Cell(one.purpose)]
             for one in looks[:_FEW]],
            words("没有他人查看过"),
            icon="log",
            heads=(words("时间"), words("查看人"), words("操作"), words("用途")),
            more="/me/lookups",
        ),
    ]  # fmt: skip
    rows = [
        [
            Cell(text_of(one.get("type")) or words("协议"), sub=await _with_whom(visit, one)),
            Cell(_end(one) or "—", tone="green" if one in valid else "red", nowrap=True),
        ]
        for one in contracts[:_FEW]
    ]
    screen.narrow = [
        Block(words("我的签约"), "table", rows, words("还没有签约家庭医生"), icon="heart",
              heads=(words("协议"), words("到期日"))),
        await block(visit),
    ]  # fmt: skip
    return screen


async def _cases(visit: Visit, me: str) -> list[WorkRow]:
    """Return the resident's cases, open ones first, then the newest."""
    found = await visit.platform.store.search_all(
        visit.grant, "Task", f"code={CASE_KIND}|&subject=Patient/{me}"
    )
    rows = []
    for task in found:
        try:
            rows.append(await visit.platform.cases.row(visit.grant, task["id"]))
        except Fault:
            continue
    shown = work_rows(visit.words, rows)
    started = sorted(shown, key=lambda row: row.started.isoformat() if row.started else "", reverse=True)
    return sorted(started, key=lambda row: not row.open)


async def _contracts(visit: Visit, me: str) -> list[Resource]:
    found = await visit.platform.store.search_all(visit.grant, "Contract", f"patient=Patient/{me}")
    return sorted(found, key=_end, reverse=True)


async def _with_whom(visit: Visit, contract: Resource) -> str:
    for party in contract.get("authority", ()):
        if party.get("display"):
            return str(party["display"])
        kind, _, id_ = str(party.get("reference", "")).partition("/")
        try:
            return str((await visit.platform.store.read(visit.grant, kind, id_)).resource.get("name", ""))
        except Fault:
            continue
    return ""


def _end(contract: Resource) -> str:
    return str((contract.get("applies") or {}).get("end", ""))[:10]


@dataclass(frozen=True, slots=True)
class Lookup:
    """One act on the resident's record."""

    position: int
    at: Any
    who: str
    place: str
    act: str
    purpose: str
    refused: bool
    mine: bool


async def lookups(visit: Visit, count: int, before: int | None = None) -> list[Lookup]:
    """Return who opened or changed the visitor's own record, the newest first. Raises Forbidden for other accounts."""
    words = visit.words
    rows = await visit.platform.store.own_audit_rows(visit.grant, before=before, count=count)
    known = await _accounts(visit, {row.account for _, row in rows})
    found = []
    for position, row in rows:
        who, place = known.get(row.account, (words("系统自动处理"), ""))
        found.append(
            Lookup(
                position,
                row.at,
                who,
                place,
                words(_ACTS.get(row.action, "其他操作")),
                words(_PURPOSES.get(row.purpose, "其他用途")),
                row.outcome != "ok",
                row.account == visit.grant.account,
            )
        )
    return found


async def _accounts(visit: Visit, names: set[str]) -> dict[str, tuple[str, str]]:
    """Return name and organisation of accounts; the product's own acts have none."""
    reason = system_grant("who opened a resident's record")
    places = await organisations(visit)
    found = {}
    for name in names - {"system"}:
        try:
            account = await visit.platform.accounts.account(reason, name)
        except Fault:
            found[name] = (visit.words("已注销的账号"), "")
            continue
        found[name] = (account.display, places.get(account.organisation, ""))
    return found


async def own_lookups(visit: Visit) -> Response:
    """Show who opened the visitor's own record."""
    words, before = visit.words, visit.number("before", 0, high=2**62)
    found = await lookups(visit, _ROWS + 1, before or None)
    rows: Sequence[Sequence[Cell]] = [
        [
            Cell(words.moment(one.at), nowrap=True),
            Cell(words("本人") if one.mine else one.who, sub="" if one.mine else one.place),
            Cell(one.act),
            Cell(one.purpose),
            Cell(words("被拒绝"), tone="red") if one.refused else Cell(words("成功"), tone="green"),
        ]
        for one in found[:_ROWS]
    ]
    page = Paging(
        visit.with_query(before="") if before else "",
        visit.with_query(before=found[_ROWS - 1].position) if len(found) > _ROWS else "",
    )
    return listing(
        visit,
        words("谁看过我的档案"),
        words("每次打开、修改您的档案都会留痕，不能删改。有疑问可向建档机构或健康热线反映。"),
        [words("时间"), words("查看人"), words("操作"), words("用途"), words("结果")],
        rows,
        words("没有查看记录"),
        page=page,
        place=words("我的健康"),
    )
