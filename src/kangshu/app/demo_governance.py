"""What a year of governing leaves in the demo city: last year's duties and their assessment, returns of the last months,
this year's assessment under way. All of it goes through the rooms' own doors, with the clock set back."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from kangshu.access import Grant, system_grant
from kangshu.api import Platform
from kangshu.base.canonical import DEMO_TAG
from kangshu.base.clock import CITY_ZONE, instant, now
from kangshu.cases import Cases
from kangshu.plans import (
    OUTLETS,
    Assessments,
    Plans,
    ReturnPeriod,
    ReturnRow,
    Returns,
    Scheme,
    Snapshots,
    UnitSheet,
)
from kangshu.sdk import DemoCity, Resource
from kangshu.store import new_id

_LAST_YEAR: Final[tuple[tuple[int, int, int], ...]] = (
    (1, 6, 0),
    (5, 9, 9),
    (13, 10, 0),
    (17, 11, 4),
    (20, 12, 0),
)
"""Duties of last year: number of the clause, month in which it was due, days late."""
_OPENED: Final = 3
"""Units whose assessment of this year is under way."""
_DONE: Final = (
    ("report", {"result": "已按要求完成，佐证材料另附。", "evidence_note": "见工作总结"}),
    ("approve", {"standard_met": True, "comment": "材料齐全，同意。"}),
    ("complete", {"light_reason": "目标按年度口径另行评估"}),
)


@dataclass
class _Clock:
    at: datetime = field(default_factory=now)

    def __call__(self) -> datetime:
        return min(self.at, now())

    def put(self, day: date, hour: int = 10) -> None:
        self.at = datetime.combine(day, time(hour), CITY_ZONE)


@dataclass(frozen=True, slots=True)
class _Past:
    """The rooms under a clock that can be set back."""

    platform: Platform
    city: DemoCity
    plan: str
    clock: _Clock
    cases: Cases
    plans: Plans
    snapshots: Snapshots
    assessments: Assessments
    office: Grant
    leader: Grant

    def unit(self, organisation: str) -> Grant:
        """Return the grant of a clerk of an organisation."""
        grant = system_grant(f"{self.city.organisation(organisation).name}经办人")
        return replace(grant, organisation=organisation, organisations=frozenset({organisation}))


async def _past(platform: Platform, city: DemoCity, plan: str) -> _Past:
    clock = _Clock()
    kinds = [one for service in platform.services for one in service.cases]
    place, table = city.code, platform.parameters
    cases = Cases(
        platform.store, kinds, table, calendar=city.calendar, jurisdiction=place, clock=clock, outlets=OUTLETS
    )
    plans = Plans(platform.store, cases, table, jurisdiction=place, clock=clock)
    snapshots = Snapshots(platform.store, plans, cases, jurisdiction=place, clock=clock)
    return _Past(
        platform,
        city,
        plan,
        clock,
        cases,
        plans,
        snapshots,
        Assessments(platform.store, cases, snapshots, table, jurisdiction=place, clock=clock),
        await platform.accounts.open_grant("plan"),
        await platform.accounts.open_grant("leader"),
    )


async def make_last_year(platform: Platform, city: DemoCity, plan: str) -> None:
    """Play last year's duties, freeze the year's end and carry the assessment through to its circular."""
    past, year = await _past(platform, city, plan), city.today.year - 1
    units: list[str] = []
    for clause, month, late in _LAST_YEAR:
        units += await _duty(past, clause, date(year, month, 15), late)
    past.clock.put(date(year, 12, 31), 18)
    frozen = await past.snapshots.freeze(past.office, [plan], f"{year}年度考核快照")
    past.clock.put(date(year + 1, 1, 6))
    scheme = await _scheme(past, year, date(year, 12, 31), date(year + 1, 3, 31), dict.fromkeys(units))
    await past.assessments.open(past.office, scheme.id, frozen.id)
    for place, sheet in enumerate(await past.assessments.sheets(past.office, scheme.id)):
        await _finish(past, sheet, place)
    past.clock.put(date(year + 1, 2, 6))
    await past.assessments.publish(past.office, scheme.id)


async def _duty(past: _Past, clause: int, due: date, late: int) -> list[str]:
    """Play one duty to its end; return the ids of the units that led it."""
    past.clock.put(due - timedelta(days=90))
    made = await past.plans.assign(past.office, past.plan, [f"clause-{clause:03d}"], due=due)
    for duty in made.duties:
        unit = past.unit(duty.unit)
        for child in await past.cases.children(unit, duty.task):
            for move in ("accept", "report"):
                opinion = {"opinion": "已按分工配合。"} if move == "report" else {}
                await past.cases.move(past.unit(child.owner), child.id, move, opinion)
            await past.cases.move(unit, child.id, "confirm", {})
        await past.cases.move(unit, duty.task, "accept", {})
        await past.cases.move(unit, duty.task, "begin", {})
        if late:
            past.clock.put(due + timedelta(days=2))
            await past.cases.move(past.office, duty.task, "urge", {"comment": "已到期，请加快办理。"})
        past.clock.put(due + timedelta(days=late if late else -1))
        for move, values in _DONE:
            await past.cases.move(unit if move == "report" else past.office, duty.task, move, values)
    return [duty.unit for duty in made.duties]


async def _scheme(
    past: _Past, year: int, first: date, last: date, units: Mapping[str, None], *, note: str = ""
) -> Scheme:
    """Keep and approve the example scheme, for these units alone."""
    example = await past.assessments.example(past.office)
    title = example.title.replace(str(example.year), str(year), 1)
    classes = tuple(
        replace(one, units=kept)
        for one in example.classes
        if (kept := tuple(pair for pair in one.units if pair[0] in units))
    )
    asked = replace(
        example, title=title + note, year=year, first_day=first, last_day=last, classes=classes, demo=True
    )
    draft = await past.assessments.keep_scheme(past.office, asked)
    return await past.assessments.approve_scheme(past.leader, draft.id)


async def _assess_itself(past: _Past, sheet: UnitSheet) -> None:
    rows = [
        {"self_score": row["points"], "statement": "已按方案对照自评，任务台账和总结材料齐全。"}
        for row in sheet.items
    ]
    paper = _summary(sheet, past.clock())
    rows[0]["evidence"] = [f"DocumentReference/{paper['id']}"]
    await past.cases.move(past.unit(sheet.unit), sheet.task, "self-assess", {"items": rows}, papers=[paper])


def _summary(sheet: UnitSheet, when: datetime) -> Resource:
    """Return a unit's summary of the year as a file for its folder of evidence."""
    title = f"{sheet.unit_name}{sheet.year}年度工作总结.txt"
    text = f"{sheet.unit_name}{sheet.year}年度大健康规划任务完成情况总结（演示数据）。\n各项任务按台账推进，详见附件清单。\n"
    return {
        "resourceType": "DocumentReference",
        "id": new_id(),
        "meta": {"tag": [{"system": DEMO_TAG, "code": "demo", "display": "演示数据"}]},
        "status": "current",
        "date": instant(when),
        "custodian": {"reference": f"Organization/{sheet.unit}"},
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain",
                    "title": title,
                    "size": len(text.encode()),
                    "data": base64.b64encode(text.encode()).decode(),
                }
            }
        ],
    }


async def _judge(past: _Past, sheet: UnitSheet, place: int) -> None:
    verified = {"items": [{"verified": "true"} for _ in sheet.items]}
    await past.cases.move(past.office, sheet.task, "verify", verified)
    share = (Decimal("0.9"), Decimal("0.8"), Decimal("0.86"))[place % 3]
    judged = [
        {}
        if row.get("computed") is not None
        else {"judged": Decimal(str(row["points"])) * share, "ground": "评审组依据佐证材料评定"}
        for row in sheet.items
    ]
    more = [{"kind": "addition", "points": 2, "ground": "经验做法在全省推广"}] if place == 0 else []
    less = [{"kind": "deduction", "points": 1, "ground": "抽查发现台账差错"}] if place == 2 else []
    await past.cases.move(past.office, sheet.task, "judge", {"items": judged, "adjustments": more + less})


async def _finish(past: _Past, sheet: UnitSheet, place: int) -> None:
    """Carry one assessment to its final result; the second unit appeals."""
    await _assess_itself(past, sheet)
    await _judge(past, sheet, place)
    unit, task = past.unit(sheet.unit), sheet.task
    if place == 1:
        asked = [{"appeal": "成效材料未全部计入"} if row["source"] == "judged" else {} for row in sheet.items]
        await past.cases.move(unit, task, "appeal", {"items": asked})
        answers = [
            {"decided": Decimal(str(row["points"])) * Decimal("0.9"), "decision": "补充材料属实，酌情加分"}
            if one
            else {}
            for row, one in zip(sheet.items, asked, strict=True)
        ]
        await past.cases.move(past.leader, task, "decide", {"items": answers})
    else:
        await past.cases.move(unit, task, "agree", {})
    await past.cases.move(past.leader, task, "finalise", {"outcome": "praise" if place == 0 else "none"})


async def make_this_year(platform: Platform, city: DemoCity, plan: str) -> None:
    """Open and send the returns of the last months, and begin this year's assessment for a few units."""
    past = await _past(platform, city, plan)
    returns = Returns(
        platform.store,
        past.cases,
        platform.snapshots,
        platform.parameters,
        jurisdiction=city.code,
        calendar=city.calendar,
        clock=past.clock,
    )
    opening = city.today.replace(day=1)
    days = [opening]
    while len(days) < 3:
        days.insert(0, (days[0] - timedelta(days=1)).replace(day=1))
    for place, day in enumerate(days):
        past.clock.put(day, 8)
        await returns.open_due()
        rows = await returns.compiled(past.office, plan, await _newest(returns, past, plan))
        await _send(past, rows, newest=place == len(days) - 1)
    past.clock.at = now()
    frozen = await platform.snapshots.freeze(past.office, [plan], f"{city.today.year}年平时考核快照")
    units = list(dict.fromkeys(one.unit for one in rows if one.unit.startswith("unit-")))
    kept = dict.fromkeys(units[:_OPENED])
    scheme = await _scheme(
        past, city.today.year, frozen.day, date(city.today.year + 1, 3, 31), kept, note="（平时考核）"
    )
    await past.assessments.open(past.office, scheme.id, frozen.id)
    for place, sheet in enumerate(await past.assessments.sheets(past.office, scheme.id)):
        if place:
            await _assess_itself(past, sheet)
        if place > 1:
            await _judge(past, sheet, place)


async def _newest(returns: Returns, past: _Past, plan: str) -> str:
    table = await returns.table(past.office, plan)
    return str(max(ReturnPeriod.read(period) for _, period in table.rows))


async def _send(past: _Past, rows: Sequence[ReturnRow], *, newest: bool) -> None:
    """Let units send their returns, each in its own way; of the newest period some still wait."""
    for place, row in enumerate(rows):
        unit, way = past.unit(row.unit), place % 5
        if newest and way in (1, 3):
            continue
        past.clock.put(row.due + timedelta(days=3) if way == 4 else row.due)
        if way == 2:
            reason = {"zero_reason": "本期处于项目前期准备，没有可报送的新进展。"}
            await past.cases.move(unit, row.task, "zero", reason)
        else:
            await past.cases.move(unit, row.task, "submit", {"lines": [_line(one) for one in row.lines]})
        if newest and way == 0:
            continue
        past.clock.put(row.due + timedelta(days=4), 15)
        if newest and way == 4:
            back = [{"reason": "请补充分区县数据"} for _ in row.lines]
            said = {"comment": "进展说明过于笼统，请补充数据。", "lines": back}
            await past.cases.move(past.office, row.task, "return", said)
        else:
            await past.cases.move(past.office, row.task, "accept", {})


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    if line.get("kind") == "target":
        return {"status": "normal", "value": line.get("value"), "progress": "按月统计，详见系统数据。"}
    return {
        "status": "normal",
        "percent": line.get("percent"),
        "progress": "按工作安排推进，月度例会已调度。",
    }
