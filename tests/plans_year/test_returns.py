"""Progress returns: the calendar, opened once, sent in every way, their values, urged, circulated."""

from __future__ import annotations

import asyncio
import base64
from datetime import date, timedelta
from typing import Any

import pytest

from kangshu.base.faults import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.base.working_days import china
from kangshu.cases import state_of
from kangshu.documents import read_document
from kangshu.plans import PARAMETERS, ReturnPeriod, Returns
from kangshu.plans.calendar import period_to_open, periods_of
from kangshu.store import Store
from tests.plans_year.play import CITY, MORNING, SYSTEM, Year, at, filled, open_year

PLAN = """云汐市健康促进工作方案

一、重点任务

1．完善健康教育工作机制。到2026年，建成健康驿站20个。（牵头单位：市卫生健康委员会）

2．完善老年助餐工作机制。（牵头单位：市民政局）

3．完善资金保障工作机制。（牵头单位：市财政局）
"""
HEALTH, CIVIL, FINANCE = 0, 2, 3


def table_with(**values: int) -> ParameterTable:
    table = ParameterTable(PARAMETERS)
    for name, value in values.items():
        id_ = f"plans.return-{name}-day"
        since = date(2026, 1, 1)
        table.enter(
            ParameterVersion(id_, Text(id_, id_), value, "working day", CITY, since, None, "制度", True)
        )
    return table


@pytest.mark.parametrize(
    ("today", "days", "period", "due"),
    [
        (date(2026, 2, 1), {}, "2026-01", date(2026, 2, 6)),
        (date(2026, 4, 1), {}, "2026Q1", date(2026, 4, 13)),  # 清明 between; the eighth working day
        (date(2026, 4, 1), {"quarter": 0}, "2026-03", date(2026, 4, 8)),
        (date(2026, 3, 1), {"month": 0}, None, None),
        (
            date(2026, 10, 1),
            {"month": 0},
            "2026Q3",
            date(2026, 10, 16),
        ),  # 国庆 to the 7th; Saturday the 10th is worked
        (date(2026, 1, 2), {}, "2025Q4", date(2026, 1, 13)),
    ],
)
def test_the_calendar(today: date, days: dict[str, int], period: str | None, due: date | None) -> None:
    found = period_to_open(today, table_with(**days), CITY, china())
    assert (found and str(found.period), found and found.due) == (period, due)


def test_periods_are_read_and_divide_the_year() -> None:
    quarter = ReturnPeriod.read("2026Q2")
    assert (quarter.first_day, quarter.last_day) == (date(2026, 4, 1), date(2026, 6, 30))
    assert ReturnPeriod.read("2026-08") < ReturnPeriod.read("2026Q3") < ReturnPeriod.read("2026-10")
    assert len(list(periods_of(2026, table_with(), CITY))) == 12
    for wrong in ("2026-13", "2026Q5", "2026", "x"):
        with pytest.raises(Invalid):
            ReturnPeriod.read(wrong)


@pytest.fixture
async def year(store: Store) -> Year:
    """A plan of three duties, begun in January; the first quarter's returns are open."""
    made = await open_year(store)
    made.plan = (await made.plans.import_plan(made.office, PLAN.encode(), "方案.txt", CITY, False)).plan
    clauses = [one.id for one in (await made.plans.plan(made.office, made.plan)).clauses]
    at(made, date(2026, 1, 6))
    for duty in (await made.plans.assign(made.office, made.plan, clauses, due=date(2026, 12, 20))).duties:
        unit = made.account("unit-clerk", duty.unit)
        await made.move(unit, duty.task, "accept")
        await made.move(unit, duty.task, "begin")
        made.tasks[int(duty.unit[-2:])] = duty.task
    at(made, date(2026, 4, 1), MORNING)
    assert await made.returns.open_due() == 3
    return made


async def rows_of(year: Year, period: str = "2026Q1") -> dict[int, Any]:
    listed = await year.returns.compiled(year.office, year.plan, period)
    return {int(one.unit[-2:]): one for one in listed}


async def test_a_second_run_and_a_second_worker_open_nothing_twice(year: Year) -> None:
    assert await year.returns.open_due() == 0
    at(year, date(2026, 7, 1), MORNING)
    other = Returns(
        year.store, year.cases, year.snapshots, year.returns._parameters, jurisdiction=CITY, clock=year.clock
    )
    counts = await asyncio.gather(year.returns.open_due(), other.open_due(), year.returns.open_due())
    rows = await year.returns.compiled(year.office, year.plan, "2026Q2")
    assert len(rows) == 3
    assert len({one.task for one in rows}) == 3
    assert max(counts) <= 3
    assert await year.returns.keep_calendar() == 0
    assert (await rows_of(year))[HEALTH].due == date(2026, 4, 13)


async def test_what_a_return_says_reaches_the_duty_and_the_target(year: Year) -> None:
    row = (await rows_of(year))[HEALTH]
    assert [(line["kind"], line["live"]) for line in row.lines if "live" in line] == [("duty", "办理中")]
    unit = year.unit(HEALTH)
    with pytest.raises(Unprocessable) as caught:
        await year.move(unit, row.task, "submit", lines=[{"status": "normal"} for _ in row.lines])
    assert "零报告" in caught.value.zh
    await year.move(unit, row.task, "submit", lines=filled(row.lines))
    told = [one for one in await year.cases.history(unit, year.tasks[HEALTH]) if one.move == "progress"]
    assert [(one.values["percent"], one.values["progress"]) for one in told] == [(50, "按月推进")]
    (value,) = await year.plans.reported(year.office, year.plan)
    assert (str(value.value), value.state, value.day) == ("12", "submitted", date(2026, 3, 31))
    with pytest.raises(Forbidden):
        await year.move(unit, row.task, "accept")
    back = [{"reason": "口径不对" if line["kind"] == "target" else ""} for line in row.lines]
    await year.move(year.office, row.task, "return", comment="请核对", lines=back)
    (value,) = await year.plans.reported(year.office, year.plan)
    assert (value.state, value.comment) == ("returned", "口径不对")
    await year.move(unit, row.task, "submit", lines=filled(row.lines))
    await year.move(year.office, row.task, "accept")
    values = await year.plans.reported(year.office, year.plan)
    assert sorted(one.state for one in values) == ["published", "returned"]
    after = (await rows_of(year))[HEALTH]
    assert (after.state, after.standing, after.times_returned) == ("accepted", "on-time", 1)
    at(year, date(2026, 7, 1), MORNING)
    await year.returns.open_due()
    line = next(one for one in (await rows_of(year, "2026Q2"))[HEALTH].lines if one["kind"] == "duty")
    assert (line["percent"], line["origin"]) == (50, "last")
    assert "按月推进" in line["last"]


async def test_late_zero_and_missing_stay_told_apart(year: Year) -> None:
    rows = await rows_of(year)
    await year.move(year.unit(CIVIL), rows[CIVIL].task, "zero", zero_reason="项目未到节点")
    at(year, rows[HEALTH].due + timedelta(days=1))
    lines = filled(rows[HEALTH].lines)
    await year.move(year.unit(HEALTH), rows[HEALTH].task, "submit", lines=lines)
    after = await rows_of(year)
    assert {unit: one.standing for unit, one in after.items()} == {
        HEALTH: "late",  # by the day, before the background worker has looked
        CIVIL: "on-time",
        FINANCE: "missing",
    }
    assert (after[CIVIL].zero, after[CIVIL].zero_reason) == (True, "项目未到节点")
    await year.cases.tick()
    finance = (await year.store.read(SYSTEM, "Task", after[FINANCE].task)).resource
    assert state_of(finance) == "late"
    held = (await year.snapshots.preview(year.office))["returns"]
    assert {one["unit"]: one["on_time"] for one in held} == {
        "unit-00": False,
        "unit-02": True,
        "unit-03": False,
    }
    assert await year.returns.urge(year.office, year.plan, "2026Q1", "请尽快") == 1
    assert (await rows_of(year))[FINANCE].urged == 1
    with pytest.raises(Forbidden):
        await year.returns.urge(year.unit(HEALTH), year.plan, "2026Q1", "请尽快")


async def test_a_reminder_comes_once_before_the_day(year: Year) -> None:
    row = (await rows_of(year))[CIVIL]
    at(year, date(2026, 4, 9))
    for _ in range(2):
        await year.cases.tick()
    told = await year.store.search_all(SYSTEM, "Communication", "recipient=Organization/unit-02")
    reminded = [one for one in told if "将于2026-04-13到期" in one["payload"][0]["contentString"]]
    assert [one["about"][0]["reference"] for one in reminded] == [f"Task/{row.task}"]


async def test_a_circular_is_published_once_to_every_unit(year: Year) -> None:
    rows = await rows_of(year)
    await year.move(year.unit(CIVIL), rows[CIVIL].task, "zero", zero_reason="项目未到节点")
    at(year, date(2026, 4, 20))
    made = await year.returns.publish(year.office, year.plan, "2026Q1")
    assert made.number == "督通〔2026〕1号"
    with pytest.raises(Conflict):
        await year.returns.publish(year.office, year.plan, "2026Q1")
    with pytest.raises(Forbidden):
        await year.returns.publish(year.unit(CIVIL), year.plan, "2026Q1")
    with pytest.raises(NotFound):
        await year.returns.publish(year.office, year.plan, "2026Q3")
    document = (await year.store.read(year.unit(FINANCE), "DocumentReference", made.document)).resource
    data = base64.b64decode(document["content"][0]["attachment"]["data"])
    text = read_document(data, "通报.docx").text
    assert "按期报送：云汐市民政局" in text
    assert "逾期未报：云汐市卫生健康委员会、云汐市财政局" in text
    told = await year.store.search_all(SYSTEM, "Communication", f"recipient=Organization/unit-{FINANCE:02d}")
    assert any("进展报送情况的通报" in one["payload"][0]["contentString"] for one in told)
    found = await year.returns.published(year.office, year.plan, ["2026Q1", "2026Q2"])
    assert [(period, one.number) for period, one in found.items()] == [("2026Q1", made.number)]
