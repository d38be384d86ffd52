"""等待批示: what waits for a leader's word, on the first screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from kangshu.sdk import CaseDeclaration
from kangshu.web import boxes
from kangshu.web.blocks import Block
from kangshu.web.pages.figures_text import target_text
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.parts import Cell
from kangshu.web.visit import Visit

_FEW: Final = 10
_ORDER: Final = "operation:plan.instruct"


def awaiting(kinds: Iterable[CaseDeclaration]) -> set[tuple[str, str]]:
    """Return (kind, state) of the states out of which only a leader can move a case on: it was escalated to them."""
    return {
        (kind.code, state)
        for kind in kinds
        for move in kind.moves
        if move.by == (_ORDER,)
        for state in move.sources
    }


async def waiting(visit: Visit, boards: Sequence[Any]) -> Block:
    """Return the block: reports to read, escalated cases, duties long overdue, red targets; each without an instruction."""
    words, cases, plans = visit.words, visit.platform.cases, visit.platform.plans
    given = await plans.instructions(visit.grant)
    on_case = {one.about for one in given if one.about and not one.final}
    on_target = {(one.plan, one.target) for one in given if one.target and not one.final}
    may = plans.may_instruct(visit.grant)
    rows: list[list[Cell]] = []
    seen: set[str] = set()

    def add(task: Any, why: str, tone: str, act: Cell) -> None:
        if task.id not in seen:
            seen.add(task.id)
            sub = " · ".join(filter(None, (words.of(task.kind), task.number, task.owner_name)))
            rows.append(
                [
                    Cell(task.title or words.of(task.kind), f"/cases/{task.id}", sub=sub),
                    Cell(why, tone=tone),
                    act,
                ]
            )

    for row in await boxes.box(visit, "todo"):
        add(row, words.of(row.state_title), "blue", Cell(words("办理"), f"/cases/{row.id}"))
    states = awaiting(cases.declarations)
    for row in await boxes.box(visit, "all"):
        if (row.code, row.state) in states:
            add(row, words.of(row.state_title), "red", Cell(words("办理"), f"/cases/{row.id}"))
    limit = plans.overdue_days()
    carried = cases.carrying("duty")
    plan_kind = "" if carried is None else carried.code

    def order(row: Any) -> tuple[bool, int]:
        return row.code != plan_kind, row.days_left or 0  # duties of the plan first, the latest of them first

    for row in sorted(await boxes.box(visit, "overdue"), key=order):
        late = -(row.days_left or 0)
        if late > limit and not row.parent and row.id not in on_case:
            act = Cell(words("批示"), f"/cases/{row.id}/instruct") if may else Cell()
            add(row, words("超期 {days} 天", days=late), "red", act)
    behind: list[list[Cell]] = []
    for board in boards:
        for one in board.plan.targets:
            if (
                one.light.light == "red"
                and one.light.value is not None
                and (board.plan.id, one.id) not in on_target
            ):
                address = f"/plans/{board.plan.id}/targets/{one.id}"
                act = Cell(words("批示"), f"{address}/instruct") if may else Cell()
                behind.append(
                    [
                        Cell(one.indicator, address, sub=f"{words('目标')} {target_text(one)}"),
                        Cell(words(LIGHT_WORDS["red"]), tone="red"),
                        act,
                    ]
                )
    going = sum(1 for one in given if not one.final)
    note = words("另有 {count} 件批示正在落实", count=going) if going else ""
    # neither kind drives the other from the screen
    shown = rows[: max(_FEW - len(behind), _FEW // 2)]
    shown += behind[: _FEW - len(shown)]
    if (count := len(rows) + len(behind)) > len(shown):
        left = words("还有 {count} 项", count=count - len(shown))
        note = " · ".join(filter(None, (left, note)))
    return Block(
        words("等待批示"),
        "table",
        shown,
        words("没有等待批示的事项"),
        icon="flag",
        more="/worklist?box=overdue",
        note=note,
        heads=(words("事项"), words("为什么"), words("办理")),
    )
