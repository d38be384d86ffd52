"""我的健康: a resident's own screen, and who opened the resident's record (调阅留痕)."""

from __future__ import annotations

from typing import Final

from kangshu.api import text_of
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.sdk import Resource
from kangshu.web.blocks import Block, Figure, Screen
from kangshu.web.pages.consents import consents_of, names_of_wards
from kangshu.web.pages.entrance import doors, people_at
from kangshu.web.pages.lookups import lookups
from kangshu.web.pages.notices import block
from kangshu.web.parts import Cell, Link
from kangshu.web.people import cases_of_person
from kangshu.web.visit import Visit

_FEW: Final = 6
_ROWS: Final = 50


async def resident(visit: Visit) -> Screen:
    """Return a resident's screen: the record, contracts, cases and who looked."""
    words, me = visit.words, visit.grant.patient
    if not me and visit.grant.wards:
        return await _guardian(visit)
    if not me and visit.grant.mandates:
        return await _agent(visit)
    if not me:
        return Screen(words("当前账号没有绑定居民档案，请到建档机构办理绑定。"))
    cases = await cases_of_person(visit, me)
    going = [row for row in cases if row.open]
    contracts = await _contracts(visit, me)
    day = today().isoformat()
    valid = [one for one in contracts if one.get("status") == "executed" and _end(one) >= day]
    looks = await lookups(visit, _FEW, others=True)
    screen = Screen(words("您的健康档案、签约医生、转诊和办理中的事项，以及谁查看过您的档案。"))
    screen.doors = doors(visit)
    screen.quick = [
        Link(words("我的档案"), f"/residents/{me}", "heart"),
        Link(words("我的授权"), "/me/consents", "key"),
        Link(words("谁看过我的档案"), "/me/lookups", "log"),
        *await _wards(visit),
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
            [[Cell(words.moment(one.at), nowrap=True), Cell(one.who, sub=one.place), Cell(one.act), Cell(one.purpose, tone="red" if one.emergency else "")]
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
        await _asked(visit),
        Block(words("我的签约"), "table", rows, words("还没有签约家庭医生"), icon="heart",
              heads=(words("协议"), words("到期日"))),
        await block(visit),
    ]  # fmt: skip
    return screen


async def _guardian(visit: Visit) -> Screen:
    """Return the screen of a guardian who is no resident of the city: those in their care."""
    words = visit.words
    screen = Screen(words("您所监护的人的健康档案，以及等您代为决定的授权。"))
    screen.quick = [*await _wards(visit), Link(words("我的授权"), "/me/consents", "key")]
    screen.wide = [await _asked(visit)]
    screen.narrow = [await block(visit)]
    return screen


async def _agent(visit: Visit) -> Screen:
    """Return the screen of a community agent: those who have given a mandate, and the doors for the first of them."""
    words = visit.words
    screen = Screen(words("受居民书面委托代为办事。先选择为谁办理，委托到期后此处不再显示。"))
    people = await people_at(visit, "/my")
    rows = [[Cell(one.name, one.address), Cell(one.part)] for one in people]
    heads = (words("姓名"), words("身份"))
    screen.wide = [
        Block(words("为谁办理"), "table", rows, words("没有有效的委托"), icon="people", heads=heads)
    ]
    screen.narrow = [await block(visit)]
    return screen


async def _wards(visit: Visit) -> list[Link]:
    names = await names_of_wards(visit)
    return [
        Link(visit.words("{name}的档案", name=name), f"/residents/{id_}", "heart")
        for id_, name in names.items()
    ]


async def _asked(visit: Visit) -> Block:
    """Return the consents that wait for a decision."""
    words = visit.words
    waiting = [one for one in await consents_of(visit) if one.open]
    rows = [[Cell(one.title, one.address, sub=one.whose), Cell(one.state, tone="amber")] for one in waiting]
    return Block(
        words("等您决定的授权"),
        "table",
        rows,
        words("没有等您决定的授权"),
        icon="key",
        more="/me/consents",
        heads=(words("机构"), words("状态")),
    )


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
