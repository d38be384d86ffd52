"""First screens around one's own people: the director of a home for older people, and a resident."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from kangshu.base.canonical import code_system
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.sdk import Resource
from kangshu.web.blocks import Block, Figure, Screen
from kangshu.web.lookup import name_of, text_of
from kangshu.web.parts import Cell, Link
from kangshu.web.rows import work_rows
from kangshu.web.visit import Visit

_SOON = timedelta(days=90)
_YEAR = timedelta(days=365)
_FEW = 12


async def _all(visit: Visit, kind: str, criteria: str) -> list[Resource]:
    """Return the records of a kind; none where the grant has no view of them."""
    try:
        return await visit.platform.store.search_all(visit.grant, kind, criteria)
    except Fault:
        return []


async def elder_care(visit: Visit) -> Screen:
    """Return the director's screen: residents, empty beds, agreements and assessments that run out."""
    words, home, day = visit.words, visit.grant.organisation, today()
    stays = [
        one
        for one in await _all(visit, "EpisodeOfCare", "status=active")
        if _points_to(one.get("managingOrganization"), home)
    ]
    beds = [one for one in await _all(visit, "Location", f"organization=Organization/{home}") if _is_bed(one)]
    empty = [one for one in beds if (one.get("operationalStatus") or {}).get("code") == "U"]
    agreements = [
        one
        for one in await _all(visit, "Contract", "status=executed")
        if any(_points_to(subject, home) for subject in one.get("subject", ()))
    ]
    newest: dict[str, Resource] = {}
    for one in sorted(agreements, key=_end):
        newest[_authority(one)] = one
    limit = (day + _SOON).isoformat()
    ending = sorted((one for one in newest.values() if _end(one) and _end(one) <= limit), key=_end)
    due = await _assessments_due(visit, stays)
    todo = work_rows(words, await visit.platform.cases.worklist(visit.grant, "todo"))
    share = f"{100 * (len(beds) - len(empty)) / len(beds):.0f}%" if beds else "—"
    screen = Screen(words("本机构的在住老人、床位、到期的协议与评估。"))
    screen.quick = [
        Link(words("待办中心"), "/worklist", "list"),
        Link(words("发起办件"), "/cases/start", "send"),
    ]
    screen.figures = [
        Figure(words("在住老人"), str(len(stays)), words("人"), "", "accent"),
        Figure(
            words("空床"),
            str(len(empty)),
            words("张"),
            words("共 {count} 张，使用率 {share}", count=len(beds), share=share),
            "green" if empty else "amber",
        ),
        Figure(
            words("协议到期"),
            str(len(ending)),
            words("份"),
            words("已到期或 90 天内到期"),
            "amber" if ending else "",
        ),
        Figure(words("评估到期"), str(len(due)), words("人"), words("超过一年未评估"), "red" if due else ""),
        Figure(words("待办"), str(len(todo)), words("件"), "", "", "/worklist"),
    ]
    screen.wide = [
        Block(words("需要评估的老人"), "table", due[:_FEW], words("在住老人都在一年内评估过"), icon="log",
              heads=(words("老人"), words("上次评估"), words("状态"))),
        Block(words("在住老人"), "table", await _stay_rows(visit, stays[:_FEW]), words("没有在住老人"), icon="people",
              heads=(words("老人"), words("入住日期"))),
    ]  # fmt: skip
    screen.narrow = [
        Block(words("待办"), "items", todo[:_FEW], words("没有待办"), more="/worklist"),
        Block(
            words("到期的医养签约协议"), "table",
            [
                [Cell(text_of(one.get("type")) or words("协议")), Cell(_end(one), tone="red" if _end(one) < day.isoformat() else "amber")]
                for one in ending[:_FEW]
            ],
            words("没有已到期或 90 天内到期的协议"), icon="paper", heads=(words("协议"), words("到期日")),
        ),
        Block(words("空床"), "table", [[Cell(name_of(one)), Cell(text_of(one.get("type")))] for one in empty[:_FEW]],
              words("没有空床"), icon="bed", heads=(words("床位"), words("类型"))),
    ]  # fmt: skip
    return screen


async def _assessments_due(visit: Visit, stays: Iterable[Resource]) -> list[list[Cell]]:
    words, rows = visit.words, []
    limit = (today() - _YEAR).isoformat()
    newest: dict[str, str] = {}
    for one in await _all(visit, "Observation", f"code={code_system('assessment')}|elder-ability"):
        who = str((one.get("subject") or {}).get("reference", ""))
        newest[who] = max(newest.get(who, ""), str(one.get("effectiveDateTime", ""))[:10])
    for stay in stays:
        reference = str((stay.get("patient") or {}).get("reference", ""))
        last = newest.get(reference, "")
        if last < limit:
            rows.append(
                [
                    Cell(await _name(visit, reference), f"/residents/{reference.removeprefix('Patient/')}"),
                    Cell(last or words("从未")),
                    Cell(
                        words("到期") if last else words("待首次评估"),
                        tone="red" if last else "amber",
                        light=True,
                    ),
                ]
            )
    return rows


async def _stay_rows(visit: Visit, stays: Iterable[Resource]) -> list[list[Cell]]:
    rows = []
    for stay in stays:
        reference = str((stay.get("patient") or {}).get("reference", ""))
        start = str((stay.get("period") or {}).get("start", ""))[:10]
        rows.append(
            [
                Cell(await _name(visit, reference), f"/residents/{reference.removeprefix('Patient/')}"),
                Cell(start),
            ]
        )
    return rows


async def _name(visit: Visit, reference: str) -> str:
    try:
        return name_of(
            (
                await visit.platform.store.read(visit.grant, "Patient", reference.removeprefix("Patient/"))
            ).resource
        )
    except Fault:
        return visit.words("无权查看")


def _points_to(reference: Any, organisation: str) -> bool:
    return isinstance(reference, dict) and reference.get("reference") == f"Organization/{organisation}"


def _is_bed(location: Resource) -> bool:
    codings = (location.get("physicalType") or {}).get("coding", ())
    return any(one.get("code") == "bd" for one in codings)


def _end(contract: Resource) -> str:
    return str((contract.get("applies") or {}).get("end", ""))[:10]


async def resident(visit: Visit) -> Screen:
    """Return a resident's screen: my doctor, my cases, my record."""
    words, me = visit.words, visit.grant.patient
    mine = (
        work_rows(words, await visit.platform.cases.worklist(visit.grant, "all", subject=f"Patient/{me}"))
        if me
        else []
    )
    contracts = await _all(visit, "Contract", f"patient=Patient/{me}") if me else []
    screen = Screen(words("我的健康档案、签约医生和办理中的事项。"))
    screen.quick = [Link(words("我的档案"), f"/residents/{me}", "heart")] if me else []
    screen.figures = [
        Figure(words("办理中的事项"), str(len(mine)), words("件"), "", "accent"),
        Figure(words("签约协议"), str(len(contracts)), words("份")),
    ]
    screen.wide = [Block(words("办理中的事项"), "work", mine, words("没有办理中的事项"), icon="list")]
    rows = [
        [
            Cell(text_of(one.get("type")) or words("协议")),
            Cell(next((str(party.get("display", "")) for party in one.get("authority", ())), "")),
            Cell(_end(one)),
        ]
        for one in contracts
    ]
    screen.narrow = [
        Block(words("我的签约"), "table", rows, words("还没有签约家庭医生"), icon="heart",
              heads=(words("协议"), words("机构"), words("到期日")))
    ]  # fmt: skip
    return screen


def _authority(contract: Resource) -> str:
    """Return whom an agreement was made with; its own id where it does not say."""
    parties = [str(one.get("reference", "")) for one in contract.get("authority", ())]
    return next(filter(None, parties), str(contract.get("id", "")))
