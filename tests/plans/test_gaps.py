"""补录: what plans lack is listed, entered in one revision with its approving document, or not at all."""

from __future__ import annotations

from datetime import date

import pytest

from kangshu.base.faults import Unprocessable
from kangshu.plans import Approval, Filling
from kangshu.validate import validate
from tests.plans.conftest import CITY, Room

TEXT = """云汐市银龄健康行动方案

一、重点任务

（一）推进医养结合。到20xx年，医养结合签约覆盖率达到95%。（牵头单位：市卫生健康委）

（二）完善护理服务。到2028年，养老机构护理型床位占比达到60%。（牵头单位：市民政局）
"""
PAPER = Approval("关于明确有关目标的通知", "云政办〔2026〕8号", date(2026, 3, 1))


async def test_gaps_are_filled_with_one_paper_in_one_revision(room: Room) -> None:
    plan_id = (await room.plans.import_plan(room.grant, TEXT.encode(), "方案.txt", CITY)).plan
    listed = await room.plans.gaps.gaps(room.grant)
    kinds = {one.kind: one for one in listed}
    assert kinds["year"].due == "20xx"
    assert "护理型床位占比" in kinds["baseline"].indicator
    wrong = await room.plans.gaps.fill(
        room.grant,
        [
            Filling(kinds["year"].key, "二〇二八", "", PAPER),
            Filling(kinds["baseline"].key, "51.5", "2025-12-31", PAPER),
            Filling("year.none.none", "2028", "", PAPER),
        ],
    )
    assert [(key, fault.issues[0].expression) for key, fault in wrong] == [
        (kinds["year"].key, ("value",)),
        ("year.none.none", ("key",)),
    ]
    assert (await room.store.read(room.grant, "PlanDefinition", plan_id)).version == 1
    for value, day, title in (
        ("多", "2025-12-31", "文"),
        ("1", "2099-01-01", "文"),
        ("1", "去年", "文"),
        ("1", "2025-12-31", " "),
    ):
        assert await room.plans.gaps.check(
            room.grant, [Filling(kinds["baseline"].key, value, day, Approval(title, "", None))]
        )
    assert not await room.plans.gaps.fill(
        room.grant,
        [
            Filling(kinds["year"].key, "2028", "", PAPER),
            Filling(kinds["baseline"].key, "51.5", "2025-12-31", PAPER),
        ],
    )
    stored = await room.store.read(room.grant, "PlanDefinition", plan_id)
    assert stored.version == 2
    assert validate(stored.resource) == ()
    plan = await room.plans.plan(room.grant, plan_id)
    year, base = plan.target(kinds["year"].target), plan.target(kinds["baseline"].target)
    assert year is not None
    assert (year.due, year.due_written) == ("2028", "20xx")
    assert year.due_source == "《关于明确有关目标的通知》（云政办〔2026〕8号，2026-03-01）"
    assert base is not None
    assert base.baseline is not None
    assert base.baseline.source == year.due_source
    paper = (await room.store.read(room.grant, "DocumentReference", PAPER.id)).resource
    assert validate(paper) == ()
    assert f"DocumentReference/{PAPER.id}" in str(stored.resource["goal"])
    told = (await room.plans.history.revisions(room.grant, plan_id)).rows[0]
    assert told.act == "entered"
    assert any("20xx" in one.zh and "2028" in one.zh for one in told.changes)
    left = [one.kind for one in await room.plans.gaps.gaps(room.grant)]
    assert left == ["baseline"]  # the year that is known now asks where the target starts from


async def test_a_repealed_plan_lacks_nothing_and_gives_no_duties(room: Room) -> None:
    plan_id = (await room.plans.import_plan(room.grant, TEXT.encode(), "方案.txt", CITY)).plan
    await room.plans.take_step(room.grant, plan_id, "repeal", "云政办〔2026〕9号", replaced_by="无")
    assert await room.plans.gaps.gaps(room.grant) == ()
    with pytest.raises(Unprocessable):
        await room.plans.assign(room.grant, plan_id, ["clause-001"])
