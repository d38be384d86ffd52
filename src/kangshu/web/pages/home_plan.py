"""The leader's first screen: red by unit, what got worse and why, what waits for instruction."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kangshu.base.clock import today
from kangshu.web import boxes, figures
from kangshu.web.blocks import Block, Figure, Screen
from kangshu.web.pages.figures_text import target_text, unit_text, value_text
from kangshu.web.pages.home_waiting import waiting
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.parts import Cell, Link
from kangshu.web.rows import work_rows
from kangshu.web.visit import Visit

_FEW = 8


@dataclass(frozen=True, slots=True)
class LightLine:
    """One target with its light, why, and its last quarters."""

    title: str
    address: str
    tone: str
    light: str
    value: str
    unit: str
    target: str
    why: str
    trend: Sequence[float | None] = ()


@dataclass(slots=True)
class UnitTally:
    """What stands with one unit, over all own plans."""

    name: str
    lights: Counter[str] = field(default_factory=Counter)
    overdue: int = 0


async def leader(visit: Visit) -> Screen:
    """Return the screen."""
    words, instructs = visit.words, visit.grant.may("plan.instruct")
    boxes.ask(visit, "overdue", *(("todo", "all") if instructs else ()))
    boards = await own_boards(visit)
    counts: Counter[str] = Counter()
    units: dict[str, UnitTally] = {}
    for board in boards:
        counts.update({light: number for light, number in board.lights.items() if number})
        names = dict(board.units)
        for (_, unit), cell in board.cells.items():
            tally = units.setdefault(unit, UnitTally(names.get(unit, "") or words("未列责任单位")))
            tally.lights.update(cell.lights)
            tally.overdue += cell.overdue
    overdue = work_rows(words, await boxes.box(visit, "overdue"))
    screen = Screen(
        words("先看红灯在谁、为什么、等我做什么。"),
        [Link(words("挂图作战"), "/plans", "board"), Link(words("指标监测"), "/measures", "chart")],
    )
    screen.figures = [
        Figure(
            words(LIGHT_WORDS[light]),
            str(counts.get(light, 0)),
            words("个目标"),
            note,
            light if light != "grey" else "",
            "/plans",
        )
        for light, note in (
            ("red", words("偏离目标")),
            ("amber", words("有风险")),
            ("green", words("按计划")),
            ("grey", words("没有数据")),
        )
    ]
    screen.figures.append(
        Figure(
            words("超期任务"),
            str(len(overdue)),
            words("件"),
            "",
            "red" if overdue else "",
            "/worklist?box=overdue",
        )
    )
    screen.wide = [_by_unit(visit, units), await _worse(visit, boards), _behind(visit, boards)]
    if instructs:
        screen.wide.insert(0, await waiting(visit, boards))
    screen.narrow = [
        Block(
            words("超期任务"),
            "items",
            overdue[:_FEW],
            words("没有超期任务"),
            icon="clock",
            more="/worklist?box=overdue",
        ),
    ]
    return screen


async def own_boards(visit: Visit) -> list[Any]:
    """Return the boards of the city's own plans."""
    if not visit.grant.may("plan.read"):
        return []
    plans = [row for row in await visit.platform.plans.plans(visit.grant) if not row.foreign]
    return await asyncio.gather(*(visit.platform.plans.board(visit.grant, row.id) for row in plans))


def _by_unit(visit: Visit, units: dict[str, UnitTally]) -> Block:
    words = visit.words
    ordered = sorted(
        units.values(), key=lambda one: (-one.lights["red"], -one.overdue, -one.lights["amber"], one.name)
    )
    rows = []
    for one in ordered:
        if not (one.lights["red"] or one.lights["amber"] or one.overdue):
            continue
        rows.append(
            [
                Cell(one.name, "/plans"),
                *(
                    Cell(f"{words(LIGHT_WORDS[light])} {one.lights[light]}", tone=light, light=True)
                    if one.lights[light]
                    else Cell("—")
                    for light in ("red", "amber", "green")
                ),
                Cell(str(one.overdue), number=True),
            ]
        )
    heads = (words("责任单位"), words("滞后"), words("预警"), words("正常"), words("超期任务"))
    return Block(
        words("红灯按单位"),
        "table",
        rows[:_FEW],
        words("没有滞后或预警的单位"),
        icon="flag",
        heads=heads,
        more="/plans",
    )


def _behind(visit: Visit, boards: Sequence[Any]) -> Block:
    words = visit.words
    rows = [
        LightLine(
            one.indicator,
            f"/plans/{board.plan.id}/targets/{one.id}",
            one.light.light,
            words(LIGHT_WORDS[one.light.light]),
            value_text(one.light.value),
            unit_text(one),
            target_text(one),
            words.of(one.light.explanation),
        )
        for board in boards
        for one in board.plan.targets
        if one.light.light in ("red", "amber")
    ]
    rows.sort(key=lambda line: line.tone != "red")
    return Block(
        words("滞后与预警的目标"),
        "lights",
        rows[:_FEW],
        words("没有滞后或预警的目标"),
        icon="chart",
        more="/plans",
    )


async def _worse(visit: Visit, boards: Sequence[Any]) -> Block:
    """Return the measures of the plans' targets that got worse, with what they were and are.

    A yearly measure begins anew each January: it is held against the same day of last year, others against
    the end of the last quarter.
    """
    words, measures = visit.words, figures.all_measures(visit)
    linked = {
        one.measure: (board.plan.id, one) for board in boards for one in board.plan.targets if one.measure
    }
    yearly = {id_ for id_ in linked if id_ in measures and measures[id_].period == "year"}
    trends = {
        **await figures.trends(visit, linked.keys() - yearly),
        **await figures.trends(visit, yearly, figures.same_days(today())),
    }
    lines: list[LightLine] = []
    for id_, values in trends.items():
        measure, (plan, target) = measures[id_], linked[id_]
        before, after = values[-2], values[-1]
        if before is None or after is None:
            continue
        before, after = round(before, measure.decimals), round(after, measure.decimals)
        if before == after or (after < before) != (measure.direction == "increase"):
            continue
        now, unit = await figures.evaluated(visit, measure), figures.unit_text(words, measure.unit)
        why = words(
            "{when} {before}{unit}，现为 {after}{unit}；分子 {numerator}，分母 {denominator}",
            when=words("去年同期") if id_ in yearly else words("上季度末"),
            before=figures.value_text(words, measure, before),
            after=figures.value_text(words, measure, after),
            unit=unit,
            numerator=figures.count_text(words, now.numerator),
            denominator=figures.count_text(words, now.denominator),
        )
        lines.append(
            LightLine(
                words.of(measure.title),
                f"/plans/{plan}/targets/{target.id}",
                target.light.light,
                words(LIGHT_WORDS[target.light.light]),
                figures.value_text(words, measure, after),
                unit,
                target_text(target),
                why,
                values,
            )
        )
    return Block(
        words("变差的指标"),
        "lights",
        lines[:_FEW],
        words("没有变差的指标"),
        icon="chart",
        more="/measures",
        note=words("年度累计指标与去年同期比，其他指标与上季度末比"),
    )
