"""执行中、到期、终期评估、废止: where a plan is, until when, and on whose paper."""

from __future__ import annotations

from datetime import date

import pytest

from kangshu.base.faults import Conflict, Invalid, NotFound, Unprocessable
from kangshu.plans import Period
from kangshu.plans.states import last_due, standing_of, written_period
from kangshu.validate import validate
from tests.plans.conftest import CITY, Room

TODAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("title", "text", "start", "end"),
    [
        ("大健康产业发展行动计划（2025—2027年）", "", date(2025, 1, 1), date(2027, 12, 31)),
        ("健康行动方案（2024-26年）", "", date(2024, 1, 1), date(2026, 12, 31)),
        ("“十五五”卫生健康规划", "", date(2026, 1, 1), date(2030, 12, 31)),
        ("补贴办法", "本办法有效期至2027年6月30日。", None, date(2027, 6, 30)),
        ("补贴办法", "本办法自2025年3月1日起施行，有效期3年。", date(2025, 3, 1), date(2028, 2, 29)),
        ("补贴办法", "本办法自2025年3月1日起施行。", date(2025, 3, 1), None),
        ("健康行动方案（2030—2020年）", "", None, None),
        ("养老服务实施方案", "到20xx年，全市……", None, None),
    ],
)
def test_a_document_says_over_which_days_it_holds(
    title: str, text: str, start: date | None, end: date | None
) -> None:
    assert written_period(title, text) == Period(start, end)


def test_the_last_year_of_the_targets_ends_a_plan_only_where_all_years_are_known() -> None:
    assert last_due(["2025", "2027", ""]) == date(2027, 12, 31)
    assert last_due(["2025", "20xx"]) is None
    assert last_due(["", ""]) is None


def test_a_plan_expires_by_its_last_day_and_not_before() -> None:
    plan = {"title": "方案", "effectivePeriod": {"end": "2026-05-31"}}
    assert standing_of(plan, (), TODAY).state == "expired"
    assert standing_of(plan, (), date(2026, 5, 31)).state == "in-force"
    assert standing_of({"title": "方案"}, ("2025",), TODAY).state == "expired"
    assert standing_of({"title": "方案"}, ("20xx",), TODAY).state == "in-force"


async def _imported(room: Room, title: str = "云汐市健康行动方案（2020—2022年）") -> str:
    text = f"{title}\n\n一、重点任务\n\n（一）培训人员。到2022年，培训护理员800人次。（牵头单位：市民政局）\n"
    return (await room.plans.import_plan(room.grant, text.encode(), "方案.txt", CITY)).plan


async def test_a_plan_is_evaluated_and_repealed_on_paper_and_names_what_replaces_it(room: Room) -> None:
    old = await _imported(room)
    new = await _imported(room, "云汐市健康行动方案（2025—2030年）")
    plan = await room.plans.plan(room.grant, old)
    assert (plan.state, plan.valid_until) == ("expired", date(2022, 12, 31))
    assert [row.state for row in await room.plans.plans(room.grant) if row.id == old] == ["expired"]
    with pytest.raises(Invalid):
        await room.plans.take_step(room.grant, old, "evaluate", " ")
    with pytest.raises(Conflict):
        await room.plans.take_step(room.grant, old, "conclude", "云政办〔2026〕1号")
    await room.plans.take_step(room.grant, old, "evaluate", "云政办〔2026〕1号")
    assert (await room.plans.plan(room.grant, old)).state == "final-evaluation"
    await room.plans.take_step(room.grant, old, "conclude", "云政办〔2026〕4号")
    assert (await room.plans.plan(room.grant, old)).state == "expired"
    with pytest.raises(Invalid):
        await room.plans.take_step(room.grant, old, "repeal", "云政办〔2026〕9号")
    with pytest.raises(NotFound):
        await room.plans.take_step(room.grant, old, "repeal", "云政办〔2026〕9号", replaced_by_plan="none")
    await room.plans.take_step(room.grant, old, "repeal", "云政办〔2026〕9号", replaced_by_plan=new)
    standing = (await room.plans.plan(room.grant, old)).standing
    assert (standing.state, standing.basis, standing.replaced_by_plan) == (
        "repealed",
        "云政办〔2026〕9号",
        new,
    )
    stored = (await room.store.read(room.grant, "PlanDefinition", old)).resource
    assert stored["status"] == "retired"
    assert validate(stored) == ()
    await room.plans.take_step(room.grant, old, "reinstate", "云政办〔2026〕10号")
    assert (await room.plans.plan(room.grant, old)).state == "expired"


async def test_the_period_of_a_plan_is_entered_with_its_source(room: Room) -> None:
    plan = await _imported(room)
    with pytest.raises(Invalid):
        await room.plans.enter_period(room.grant, plan, None, date(2030, 12, 31), "")
    with pytest.raises(Invalid):
        await room.plans.enter_period(room.grant, plan, date(2031, 1, 1), date(2030, 12, 31), "文")
    await room.plans.enter_period(room.grant, plan, None, date(2030, 12, 31), "云政办〔2026〕2号")
    standing = (await room.plans.plan(room.grant, plan)).standing
    assert (standing.state, standing.valid_until) == ("in-force", date(2030, 12, 31))
    assert standing.period_source == "云政办〔2026〕2号"
    stored = (await room.store.read(room.grant, "PlanDefinition", plan)).resource
    assert stored["effectivePeriod"] == {"end": "2030-12-31"}
    assert validate(stored) == ()


async def test_another_citys_plan_has_its_states_too_and_no_other_change(room: Room) -> None:
    text = "绿岛市方案\n\n一、任务\n\n（一）培训人员。到2027年，培训护理员800人。（牵头单位：市民政局）\n"
    plan = (await room.plans.import_plan(room.grant, text.encode(), "绿岛.txt")).plan
    await room.plans.take_step(room.grant, plan, "repeal", "绿政发〔2026〕1号", replaced_by="绿岛市新方案")
    assert (await room.plans.plan(room.grant, plan)).standing.replaced_by == "绿岛市新方案"
    with pytest.raises(Unprocessable):
        await room.plans.set_due(room.grant, plan, "target-001", 2027, "文")
