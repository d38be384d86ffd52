"""首页: the first screen of each role. Roles say which screen they open with (`home` in accounts/roles.yaml)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

from starlette.responses import Response

from kangshu.base.clock import CITY_ZONE, now, today
from kangshu.base.faults import Fault
from kangshu.web import boxes
from kangshu.web.blocks import Block, Figure, Screen
from kangshu.web.menu import administration, may_start
from kangshu.web.pages import notices
from kangshu.web.pages.home_plan import leader
from kangshu.web.pages.home_sections import add_sections
from kangshu.web.pages.portal import resident
from kangshu.web.pages.reports import due_block, review_block, to_report, to_review
from kangshu.web.pages.warnings import add_warnings
from kangshu.web.parts import Cell, Link
from kangshu.web.rows import WorkRow, work_rows
from kangshu.web.visit import Visit

_FEW: Final = 12


async def home(visit: Visit) -> Response:
    """Show the first screen of the visitor's first role."""
    roles = visit.platform.accounts.roles
    named = [roles[one].home for one in visit.grant.roles if one in roles]
    name = next(iter(named), "clerk" if visit.grant.roles else "pending")
    # a folder's own role may open with a screen of its own name: a clerk's, with the sections of that name
    screen = await SCREENS.get(name, clerk)(visit)
    await add_sections(visit, name, screen)
    await add_warnings(visit, screen)
    return visit.render(
        "home.html",
        greeting=greeting(visit),
        lead=screen.lead,
        quick=screen.quick,
        doors=screen.doors,
        figures=screen.figures,
        wide=screen.wide,
        narrow=screen.narrow,
    )


def greeting(visit: Visit, at: datetime | None = None) -> str:
    """Return the greeting of the hour with the account's name."""
    hour = (at or now()).astimezone(CITY_ZONE).hour
    said = "早上好" if 5 <= hour < 11 else "中午好" if hour < 13 else "下午好" if hour < 18 else "晚上好"
    if hour < 5:
        said = "晚上好"
    return visit.words("{greeting}，{name}", greeting=visit.words(said), name=visit.grant.display)


async def _rows(visit: Visit, name: boxes.Box) -> list[WorkRow]:
    """Return a box of the worklist."""
    return work_rows(visit.words, await boxes.box(visit, name))


def _to_report(visit: Visit, row: WorkRow) -> bool:
    """Return whether the case is a return of progress that is due by the end of this month, or late."""
    returns = visit.platform.cases.carrying("progress-return")
    if returns is None or row.code != returns.code or row.deadline is None or not row.open:
        return False
    end, here = row.deadline.astimezone(CITY_ZONE), now().astimezone(CITY_ZONE)
    return row.late or (end.year, end.month) == (here.year, here.month)


def _quick(visit: Visit) -> list[Link]:
    words = visit.words
    links = [
        Link(words.of(one.title), f"/desks/{one.code}", "warn")
        for one in visit.platform.cases.desks.declarations
        if one.offered_to(visit.grant.roles)
    ]
    links.append(Link(words("待办中心"), "/worklist", "list"))
    if may_start(visit.platform, visit.grant):
        links.append(Link(words("发起办件"), "/cases/start", "send"))
    if visit.grant.may("plan.read"):
        links.append(Link(words("挂图作战"), "/plans", "board"))
    return links


async def pending(visit: Visit) -> Screen:
    """Return the screen of an account that has no role yet."""
    words = visit.words
    screen = Screen(words("账号已建立，还没有分配角色。"))
    none, hint = words("请联系安全保密管理员分配角色"), words("分配后重新打开本页即可")
    screen.wide = [Block(words("等待分配角色"), "items", [], none, hint, "key")]
    return screen


async def clerk(visit: Visit) -> Screen:
    """Return the screen of a plan office or a section clerk: to-dos by deadline, what to report, returned, to countersign."""
    words = visit.words
    boxes.ask(visit, "todo", "overdue")
    todo, overdue = await _rows(visit, "todo"), await _rows(visit, "overdue")
    month = [row for row in todo if _to_report(visit, row)]
    reports = visit.grant.may("plan.read")
    due = await to_report(visit) if reports else []
    returned = [row for row in todo if row.returned]
    signing = [row for row in todo if row.child]
    screen = Screen(words("先办时限近的；退回的请补充后重新提交。"), _quick(visit))
    screen.figures = [
        Figure(words("待办"), str(len(todo)), words("件"), "", "accent", "/worklist"),
        *([_reporting(visit, len(month) + len(due))] if reports else []),
        Figure(
            words("退回"), str(len(returned)), words("件"), words("需补充后重报"), "red" if returned else ""
        ),
        *([Figure(words("待会签"), str(len(signing)), words("件"), "")] if reports else []),
        Figure(
            words("超期"),
            str(len(overdue)),
            words("件"),
            words("看得到的全部在办"),
            "red" if overdue else "",
            "/worklist?box=overdue",
        ),
    ]
    screen.wide = [
        Block(
            words("待办，按时限"),
            "work",
            todo[:_FEW],
            words("没有待办"),
            words("新的交办、转办到达时会出现在这里"),
            more="/worklist",
        ),
        *([due_block(visit, due, _FEW)] if reports else []),
    ]
    screen.narrow = [
        Block(words("退回的"), "items", returned[:_FEW], words("没有退回的事项"), icon="info"),
        *(
            [Block(words("待会签"), "items", signing[:_FEW], words("没有待会签的事项"), icon="people")]
            if reports
            else []
        ),
        await notices.block(visit),
    ]
    return screen


def _reporting(visit: Visit, number: int) -> Figure:
    """Return how many targets and returns of progress are to be reported this month."""
    words = visit.words
    return Figure(
        words("本月应报"),
        str(number),
        words("件"),
        words("含应填报的目标"),
        "amber" if number else "",
        "/reports",
    )


async def plan_office(visit: Visit) -> Screen:
    """Return the screen of the plan office: the clerk's, with the lights of the plans."""
    screen, lights, review = await asyncio.gather(clerk(visit), leader(visit), to_review(visit))
    screen.quick.insert(0, Link(visit.words("挂图作战"), "/plans", "board"))
    screen.quick = list(dict.fromkeys(screen.quick))
    screen.figures = [*lights.figures[:3], *screen.figures[:3]]
    waiting = [review_block(visit, review, _FEW)] if review else []
    screen.wide = [*screen.wide[:1], *waiting, *lights.wide]
    return screen


async def referral(visit: Visit) -> Screen:
    """Return the screen of a referral clerk or a family doctor: to accept with a countdown, urgent first."""
    words = visit.words
    boxes.ask(visit, "todo", "started")
    todo = sorted(await _rows(visit, "todo"), key=lambda row: (not row.urgent, not row.late))
    started = [row for row in await _rows(visit, "started") if row.open]
    urgent, late = [row for row in todo if row.urgent], [row for row in todo if row.late]
    screen = Screen(words("紧急的在最前；超过时限未接收，会自动提醒上级。"), _quick(visit))
    screen.figures = [
        Figure(words("待接收办理"), str(len(todo)), words("件"), "", "accent", "/worklist"),
        Figure(words("紧急"), str(len(urgent)), words("件"), "", "red" if urgent else ""),
        Figure(words("已超时"), str(len(late)), words("件"), "", "red" if late else ""),
        Figure(words("我方发出在途"), str(len(started)), words("件"), "", "", "/worklist?box=started"),
    ]
    screen.wide = [
        Block(
            words("待接收与办理"),
            "work",
            todo[:_FEW],
            words("没有待接收的转诊"),
            words("对方发出后，会带着倒计时出现在这里"),
            "swap",
            "/worklist",
        )
    ]
    screen.narrow = [
        Block(
            words("我方发出"),
            "items",
            started[:_FEW],
            words("没有在途的转诊"),
            icon="send",
            more="/worklist?box=started",
        ),
        await notices.block(visit),
    ]
    return screen


async def elder_care(visit: Visit) -> Screen:
    """Return the screen of a director of a home: its sections come from the services; here stands what is to be done."""
    words, todo = visit.words, await _rows(visit, "todo")
    screen = Screen(words("本机构的在住老人、床位、到期的协议与评估。"), _quick(visit)[:2])
    screen.figures = [Figure(words("待办"), str(len(todo)), words("件"), "", "", "/worklist")]
    screen.narrow = [
        Block(words("待办"), "items", todo[:_FEW], words("没有待办"), more="/worklist"),
        await notices.block(visit),
    ]
    return screen


async def administrator(visit: Visit) -> Screen:
    """Return the screen of the administrators: the pages they work with and the state of the accounts."""
    words = visit.words
    pages = administration(visit.grant, words)
    screen = Screen(words("账号、权限、机构与参数在这里维护；每次修改都会写入审计日志。"))
    screen.quick = [Link(title, address, icon) for title, address, icon in pages[:3]]
    try:
        accounts = await visit.platform.accounts.accounts(visit.grant)
    except Fault:
        accounts = ()
    if accounts:
        moment = now()
        locked = [one for one in accounts if one.locked_until and one.locked_until > moment]
        screen.figures = [
            Figure(words("账号"), str(len(accounts)), words("个"), "", "accent", "/admin/accounts"),
            Figure(words("已停用"), str(sum(1 for one in accounts if not one.active)), words("个")),
            Figure(words("被锁定"), str(len(locked)), words("个"), "", "red" if locked else ""),
        ]
    if visit.grant.may("parameter.read"):
        table, place = visit.platform.parameters, visit.platform.settings.jurisdiction
        found = [table.find(id_, place, today()) for id_ in table.ids()]
        open_ = sum(one is None or not one.verified for one in found)
        tone = "amber" if open_ else "green"
        screen.figures.append(
            Figure(words("待确认参数"), str(open_), words("个"), "", tone, "/admin/parameters")
        )
    rows = [[Cell(title, address)] for title, address, _ in pages]
    screen.wide = [
        Block(
            words("系统管理"),
            "table",
            rows,
            words("当前账号没有系统管理页面"),
            heads=(words("页面"),),
            icon="gear",
        )
    ]
    services = [[Cell(words.of(one.title)), Cell("、".join(one.systems))] for one in visit.platform.services]
    screen.narrow = [
        Block(
            words("已安装的服务"),
            "table",
            services,
            words("没有安装服务"),
            heads=(words("服务"), words("系统")),
        )
    ]
    return screen


async def protection_officer(visit: Visit) -> Screen:
    """Return the screen of the data protection officer: emergency accesses to review first, then the to-dos."""
    words = visit.words
    screen = await clerk(visit)
    waiting = await visit.platform.accounts.emergencies.queue(visit.grant)
    late = sum(one.is_overdue for one in waiting)
    screen.lead = words("先复核应急调阅；每条都有期限。")
    screen.quick = [
        Link(title, address, icon) for title, address, icon in administration(visit.grant, words)
        if address in ("/emergency/review", "/admin/policy", "/admin/audit")
    ]  # fmt: skip
    said = words("其中 {count} 件超期", count=late) if late else ""
    tone = "red" if late else "amber" if waiting else "green"
    figure = Figure(words("待复核应急调阅"), str(len(waiting)), words("件"), said, tone, "/emergency/review")
    screen.figures = [figure, *screen.figures]
    return screen


async def statistician(visit: Visit) -> Screen:
    """Return the screen of the statistics office: targets with their lights, and the way to every measure."""
    screen = await leader(visit)
    screen.quick = [Link(visit.words("指标监测"), "/measures", "chart"), *screen.quick]
    return screen


Show = Callable[[Visit], Awaitable[Screen]]
SCREENS: Final[Mapping[str, Show]] = {
    "leader": leader,
    "plan": plan_office,
    "clerk": clerk,
    "referral": referral,
    "call-centre": clerk,
    "elder-care": elder_care,
    "resident": resident,
    "measures": statistician,
    "administration": administrator,
    "audit": administrator,
    "protection": protection_officer,
    "pending": pending,
}
