"""Plays the year through the engine on a real database, each act by the account whose act it is; prints the scores.

python -m tests.plans_year.play DATABASE_URL
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from kangshu.access import Grant, Subject, open_grant, system_grant
from kangshu.accounts import PARAMETERS as DOORS
from kangshu.app.wiring import city_roles
from kangshu.base.canonical import DISTRICT, ORGANISATION_KIND
from kangshu.base.clock import CITY_ZONE
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.cases import Cases, state_of
from kangshu.plans import OUTLETS, Assessments, Plans, Returns, Scheme, SchemeItem, Snapshots, UnitClass
from kangshu.plans import PARAMETERS as OURS
from kangshu.sdk import Service
from kangshu.services.draft import discover
from kangshu.services.loading import freeze
from kangshu.store import Store
from tests.plans_year import reckoning, script
from tests.plans_year.script import NAMES, Duty

CITY = "990100"
SERVICES = frozenset({"supervision", "progress_returns", "assessment"})
"""The folders that a year of supervision needs."""
SYSTEM = system_grant("the played year")
MORNING, DAY, EVENING = time(8), time(10), time(18)


@dataclass
class Clock:
    """A clock that the play sets."""

    at: datetime = datetime(2026, 1, 5, 8, tzinfo=CITY_ZONE)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Year:
    """The wired rooms, the accounts, and what the play has made so far."""

    store: Store
    clock: Clock
    cases: Cases
    plans: Plans
    snapshots: Snapshots
    returns: Returns
    assessments: Assessments
    plan: str = ""
    tasks: dict[int, str] = field(default_factory=dict)
    """Duty number → Task id."""
    moves: int = 0

    def account(self, role: str, organisation: str, name: str = "") -> Grant:
        """Return the grant of an account with a ready-made role."""
        known = city_roles()[role]
        subject = Subject(
            account=name or f"{role}@{organisation}",
            display=f"{known.title.zh}·{organisation}",
            organisation=organisation,
            organisations=frozenset({organisation}),
            district=CITY,
        )
        return open_grant(subject, [known])

    @property
    def office(self) -> Grant:
        return self.account("plan-office", "office", "office-a")

    @property
    def second(self) -> Grant:
        return self.account("plan-office", "office", "office-b")

    @property
    def leader(self) -> Grant:
        return self.account("commission-leader", "government")

    def unit(self, number: int) -> Grant:
        return self.account("unit-clerk", f"unit-{number:02d}")

    async def move(self, grant: Grant, task: str, move: str, **values: Any) -> None:
        await self.cases.move(grant, task, move, values)
        self.moves += 1

    async def tick(self) -> None:
        """Do what the background worker does in the morning."""
        await self.cases.tick()
        await self.returns.keep_calendar()


@cache
def _services() -> tuple[Service, ...]:
    return tuple(freeze(one) for one in discover("kangshu_services") if one.id in SERVICES)


async def open_year(store: Store) -> Year:
    """Return the rooms on an empty database, with the organisations and the parameters of the year."""
    services = _services()
    declared = [*DOORS, *OURS, *(one for service in services for one in service.parameters)]
    table = ParameterTable(declared)
    for name, value, since in (
        ("plans.return-month-day", 0, date(2026, 1, 1)),
        ("plans.return-month-day", 5, script.MONTHLY_FROM),
    ):
        text, source = Text(name, name), "云汐市报送制度"
        table.enter(ParameterVersion(name, text, value, "working day", CITY, since, None, source, True))
    clock = Clock()
    kinds = [one for service in services for one in service.cases]
    cases = Cases(store, kinds, table, jurisdiction=CITY, clock=clock, outlets=OUTLETS)
    plans = Plans(store, cases, table, jurisdiction=CITY, clock=clock)
    snapshots = Snapshots(store, plans, cases, jurisdiction=CITY, clock=clock)
    named = {f"unit-{number:02d}": f"云汐市{name}" for number, name in enumerate(NAMES)}
    for id_, name in {**named, "office": "云汐市大健康推进办公室", "government": "云汐市人民政府"}.items():
        await store.update(
            SYSTEM,
            {
                "resourceType": "Organization",
                "id": id_,
                "active": True,
                "name": name,
                "alias": [name.removeprefix("云汐"), name.removeprefix("云汐市")],
                "type": [{"coding": [{"system": ORGANISATION_KIND, "code": "government"}]}],
                "extension": [{"url": DISTRICT, "valueCode": CITY}],
            },
        )
    returns = Returns(store, cases, snapshots, table, jurisdiction=CITY, clock=clock)
    return Year(
        store,
        clock,
        cases,
        plans,
        snapshots,
        returns,
        Assessments(store, cases, snapshots, table, jurisdiction=CITY, clock=clock),
    )


async def begin(year: Year) -> None:
    """Import the plan, assign every clause, and let every unit sign and begin."""
    imported = await year.plans.import_plan(year.office, script.document().encode(), "方案.txt", CITY, False)
    year.plan = imported.plan
    clauses = (await year.plans.plan(year.office, year.plan)).clauses
    assert len(clauses) == script.DUTIES, [one.title for one in clauses]
    at(year, date(2026, 1, 6))
    for duty, clause in zip(script.duties(), clauses, strict=True):
        made = await year.plans.assign(year.office, year.plan, [clause.id], due=duty.due)
        (one,) = made.duties
        assert one.unit == f"unit-{duty.unit:02d}"
        year.tasks[duty.number] = one.task
    at(year, date(2026, 1, 7))
    await together(_sign(year, duty) for duty in script.duties())


async def _sign(year: Year, duty: Duty) -> None:
    unit, task = year.unit(duty.unit), year.tasks[duty.number]
    await year.move(unit, task, "accept")
    await year.move(unit, task, "begin")
    if duty.co_unit is not None:
        for child in await year.cases.children(unit, task):
            helper = year.unit(duty.co_unit)
            await year.move(helper, child.id, "accept")
            await year.move(helper, child.id, "report", opinion="已安排专人配合")
            await year.move(unit, child.id, "confirm")


def at(year: Year, day: date, hour: time = DAY) -> None:
    """Set the clock."""
    year.clock.at = datetime.combine(day, hour, CITY_ZONE)


async def together(acts: Iterable[Awaitable[None]]) -> None:
    """Do acts on different cases at once, four at a time."""
    listed = list(acts)
    for start in range(0, len(listed), 4):
        await asyncio.gather(*listed[start : start + 4])


VALUES: dict[str, dict[str, Any]] = {
    "report": {"result": "已按要求完成", "evidence_note": "见工作台账"},
    "approve": {"standard_met": True, "comment": "材料齐全"},
    "complete": {"light_reason": "目标按年度考核"},
    "return": {"comment": "请补充佐证"},
    "urge": {"comment": "请加快办理"},
    "resume": {},
    "grant-extension": {},
}
OFFICE = frozenset({"approve", "complete", "return", "urge", "grant-extension"})


async def step(year: Year, duty: Duty, move: str) -> None:
    """Make one step of a duty's way."""
    task = year.tasks[duty.number]
    unit = year.unit(duty.unit)
    if move == "slips":
        await _answer_slips(year, unit, task)
    elif move == "ask-extension":
        await year.move(unit, task, move, asked_due=duty.last_due.isoformat(), comment="前期手续未完成")
    else:
        await year.move(year.office if move in OFFICE else unit, task, move, **VALUES[move])


async def _answer_slips(year: Year, unit: Grant, task: str) -> None:
    for slip in await year.store.search_all(SYSTEM, "Task", f"focus=Task/{task}"):
        if state_of(slip) == "issued":
            await year.move(unit, slip["id"], "sign")
            await year.move(unit, slip["id"], "answer", result="已倒排工期")
            await year.move(year.office, slip["id"], "close")


Act = tuple[date, time, Callable[[], Awaitable[None]]]


def acts_of_duties(year: Year) -> list[Act]:
    """Return every step of every duty with its day."""
    return [
        (day, DAY, lambda duty=duty, move=move: step(year, duty, move))  # type: ignore[misc]
        for duty in script.duties()
        for day, move in duty.steps()
    ]


def acts_of_returns(year: Year) -> list[Act]:
    """Return the days on which units send their returns and the office reviews them."""
    acts: list[Act] = []
    for place, (period, last) in enumerate(reckoning.periods()):
        due = reckoning.due_day(period, last)
        acts.append((due, DAY, lambda period=period, place=place: _send(year, period, place, late=False)))  # type: ignore[misc]
        acts.append((due + timedelta(days=1), EVENING, lambda period=period: _review(year, period)))  # type: ignore[misc]
        acts.append((due + timedelta(days=1), time(19), lambda period=period: _send_again(year, period)))  # type: ignore[misc]
        acts.append(
            (
                due + timedelta(days=3),
                DAY,
                lambda period=period, place=place: _send(year, period, place, late=True),
            )
        )  # type: ignore[misc]
        acts.append(
            (due + timedelta(days=4), EVENING, lambda period=period: _review(year, period, again=True))
        )  # type: ignore[misc]
    return acts


def _number(unit: str) -> int:
    return int(unit.removeprefix("unit-"))


def filled(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the open columns of a return's lines as a unit fills them in."""
    return [
        {
            "status": "normal",
            "percent": 50,
            "progress": "按月推进",
            "value": "12" if line["kind"] == "target" else None,
        }
        for line in lines
    ]


async def _send(year: Year, period: str, place: int, *, late: bool) -> None:
    rows = await year.returns.compiled(year.office, year.plan, period)

    async def one(row: Any) -> None:
        unit = _number(row.unit)
        habit = script.habit(unit, place)
        if habit == "missing" or (habit == "late") is not late:
            return
        if habit == "zero":
            await year.move(year.unit(unit), row.task, "zero", zero_reason="本期工作按计划准备，未形成新进展")
        else:
            await year.move(year.unit(unit), row.task, "submit", lines=filled(row.lines))

    await together(one(row) for row in rows)


async def _review(year: Year, period: str, *, again: bool = False) -> None:
    rows = await year.returns.compiled(year.office, year.plan, period)
    place = [one for one, _ in reckoning.periods()].index(period)

    async def one(row: Any) -> None:
        if row.state != "submitted":
            return
        if script.habit(_number(row.unit), place) == "sent-back" and not again:
            reasons = [{"reason": "请写明具体进展"} for _ in row.lines]
            await year.move(year.office, row.task, "return", comment="内容过简", lines=reasons)
        else:
            await year.move(year.office, row.task, "accept")

    await together(one(row) for row in rows)
    if not again:
        await year.returns.urge(year.office, year.plan, period, "请尽快报送")


async def _send_again(year: Year, period: str) -> None:
    rows = await year.returns.compiled(year.office, year.plan, period)
    await together(
        year.move(year.unit(_number(row.unit)), row.task, "submit", lines=filled(row.lines))
        for row in rows
        if row.state == "returned"
    )


def scheme() -> Scheme:
    """Return the scheme of the year: two classes with the same items, other names."""
    formulas = (
        ("duties-completed", {}), ("duties-on-time", {}), ("overdue-days", {"each": "0.1"}), ("returns-on-time", {}),
        ("slips", {"blue": "0.5", "yellow": "1", "red": "2"}), ("urged", {"each": "0.5"}),
    )  # fmt: skip
    listed = [
        SchemeItem(
            f"{place}", "任务和报送", name, Decimal(points), "按公式计分", "computed", name,
            {key: Decimal(value) for key, value in figures.items()},
        )
        for place, ((name, figures), points) in enumerate(zip(formulas, reckoning.WHOLE, strict=False), 1)
    ]  # fmt: skip
    listed.append(SchemeItem("7", "质效", "工作质效", Decimal(30), "评审打分", "judged"))
    units = [(f"unit-{number:02d}", name) for number, name in enumerate(NAMES)]
    return Scheme(
        "2026年度大健康目标责任考核方案",
        2026,
        date(2026, 12, 31),
        date(2027, 1, 31),
        "云汐市考核办〔2026〕1号（测试）",
        True,
        (
            UnitClass("产业主管部门", Decimal(100), tuple(units[:10]), tuple(listed)),
            UnitClass("服务保障部门", Decimal(100), tuple(units[10:]), tuple(listed)),
        ),
    )


async def assess(year: Year, snapshot: str) -> str:
    """Play the assessment of every unit to its end; return the scheme's id."""
    at(year, date(2027, 1, 4))
    draft = await year.assessments.keep_scheme(year.office, scheme())
    await year.assessments.approve_scheme(year.leader, draft.id)
    await year.assessments.open(year.office, draft.id, snapshot)
    at(year, date(2027, 1, 6))
    await together(_assess(year, one) for one in await year.assessments.sheets(year.office, draft.id))
    at(year, date(2027, 1, 12))
    await year.assessments.publish(year.office, draft.id)
    return draft.id


async def _assess(year: Year, sheet: Any) -> None:
    number = _number(sheet.unit)
    unit, task, rows = year.unit(number), sheet.task, sheet.items
    own = [{"self_score": row["points"], "statement": "按台账自评"} for row in rows]
    await year.move(unit, task, "self-assess", items=own)
    await year.move(year.office, task, "verify", items=[{"verified": "true"} for _ in rows])
    judged = []
    for row in rows:
        given = script.judged(number) if row["source"] == "judged" else row["points"] / 2
        judged.append({} if row.get("computed") is not None else {"judged": given, "ground": "评审组评定"})
    await year.move(year.office, task, "judge", items=judged, adjustments=script.adjustments(number))
    if script.waived(number) is not None:
        waiver = {"matter": "扣分", "points": script.waived(number), "ground": "改革探索中的失误，容错"}
        await year.move(year.leader, task, "waive", waivers=[waiver])
    if script.appeals(number):
        asked = [{"appeal": "评审得分偏低"} if row["source"] == "judged" else {} for row in rows]
        await year.move(unit, task, "appeal", items=asked)
        answer = {"decided": script.decided(number), "decision": "复核意见"}
        await year.move(year.second, task, "decide", items=[answer if one else {} for one in asked])
    else:
        await year.move(unit, task, "agree")
    await year.move(year.leader, task, "finalise", outcome="none")


async def play(store: Store) -> dict[str, Any]:
    """Play the whole year on an empty database; return the scores and what else two plays have in common."""
    year = await open_year(store)
    await begin(year)
    acts = [*acts_of_duties(year), *acts_of_returns(year)]
    acts += [(day, MORNING, year.tick) for day in reckoning.TICKS]
    acts += [(last + timedelta(days=1), MORNING, year.tick) for _, last in reckoning.periods()]
    ordered = sorted(acts, key=lambda act: act[:2])
    for day, hour, act in ordered:
        if day <= script.FREEZE:
            at(year, day, hour)
            await act()
    at(year, script.FREEZE, EVENING)
    frozen = await year.snapshots.freeze(year.office, [year.plan], "2026年度考核快照")
    chosen = await assess(year, frozen.id)
    before = await year.assessments.sheets(year.office, chosen)
    for day, hour, act in ordered:  # what comes after the freeze moves no score
        if day > script.FREEZE:
            at(year, max(day, date(2027, 1, 13)), hour)
            await act()
    after = await year.assessments.sheets(year.office, chosen)
    values = await year.store.search_all(SYSTEM, "MeasureReport", "")
    return {
        "scores": {one.unit_name.removeprefix("云汐市"): str(one.total.points) for one in after},
        "moved": [one.unit for one, other in zip(before, after, strict=True) if one.total != other.total],
        "states": sorted({one.state for one in after}),
        "ranks": {
            title: [(one.rank, one.sheet.unit) for one in rows]
            for title, rows in (await year.assessments.ranked(year.office, chosen)).items()
        },
        "snapshot": _comparable(frozen.content, year),
        "values": sorted(f"{one['status']} {one['group'][0]['measureScore']['value']}" for one in values),
        "moves": year.moves,
    }


def _comparable(content: Any, year: Year) -> Any:
    """Return a snapshot's content without the ids that each database gives anew."""
    names = {task: f"duty-{number}" for number, task in year.tasks.items()}
    duties = [
        {**one, "task": names.get(one["task"], "co-unit")}
        for plan in content["plans"]
        for one in plan["duties"]
    ]
    returns = [{**one, "task": ""} for one in content["returns"]]
    return {
        "duties": sorted(duties, key=lambda one: json.dumps(one, sort_keys=True)),
        "targets": [one for plan in content["plans"] for one in plan["targets"]],
        "returns": sorted(returns, key=lambda one: (one["unit"], one["period"])),
        "units": content["units"],
    }


async def main(url: str) -> None:
    """Play on the database at `url` and print what came of it."""
    async with await Store.open(url, pool=6) as store:
        sys.stdout.write(json.dumps(await play(store), ensure_ascii=False, sort_keys=True))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
