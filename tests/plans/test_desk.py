"""核对台: confirm, correct, split, merge, add, put aside; who and when; undone and brought back; holders of duties told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kangshu.base.faults import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.cases import inputs
from kangshu.plans import ClauseView, PlanView
from kangshu.sdk import Resource
from kangshu.validate import validate
from tests.plans.conftest import CITY, Room

TEXT = """云汐市银龄健康行动方案

一、重点任务

（一）推进医养结合。到2027年，医养结合签约覆盖率达到95%。建设护理站20家，每家给予一次性补助5万元。（牵头单位：市卫生健康委；配合单位：市民政局）

（二）发展银发经济。培育骨干企业20家。（牵头单位：市商务局；配合单位：市民政局）

（三）完善护理服务。支持社区开设长者食堂。（牵头单位：市民政局；配合单位：市康养产业专班）
"""


async def _imported(room: Room, text: str = TEXT) -> str:
    return (await room.plans.import_plan(room.grant, text.encode(), "方案.txt", CITY)).plan


async def _stored(room: Room, plan: str) -> Resource:
    return (await room.store.read(room.grant, "PlanDefinition", plan)).resource


async def _plan(room: Room, plan: str) -> PlanView:
    """Return the plan as pages see it; what stands in the store is valid, and every anchor holds in the source."""
    assert validate(await _stored(room, plan)) == ()
    view = await room.plans.plan(room.grant, plan)
    for one in (*view.clauses, *view.targets, *view.money):
        assert one.anchor.holds(view.text), one.id
    return view


def _clause(plan: PlanView, words: str) -> ClauseView:
    return next(one for one in plan.clauses if words in one.text)


def _written(clause: ClauseView, role: str) -> list[str]:
    return [unit.written for unit in clause.units if unit.role == role]


async def test_what_a_person_confirms_says_who_and_when_and_the_whole_plan_is_approved(room: Room) -> None:
    plan_id = await _imported(room)
    plan = await _plan(room, plan_id)
    assert (plan.progress.confirmed, plan.progress.approved) == (0, False)
    everything = [one.id for one in (*plan.clauses, *plan.targets, *plan.money, *plan.doubts)]
    first = await room.plans.desk.accept(room.grant, plan_id, everything[:1])
    assert (first.progress.confirmed, first.progress.total) == (1, len(everything) - len(plan.doubts))
    assert "approvalDate" not in await _stored(room, plan_id)
    done = await room.plans.desk.accept(room.grant, plan_id, everything[1:])
    assert done.progress.approved
    plan = await _plan(room, plan_id)
    assert plan.progress.by == (room.grant.display or room.grant.account,)
    assert plan.clauses[0].reviewed is not None
    assert plan.clauses[0].reviewed.how == "accepted"
    assert (await _stored(room, plan_id))["approvalDate"]
    await room.plans.desk.add(room.grant, plan_id, 0, 11, "money", {"amount": "1"})
    assert "approvalDate" in await _stored(room, plan_id)  # what a person adds is confirmed


async def test_a_clause_is_corrected_and_new_units_are_looked_up(room: Room) -> None:
    plan_id = await _imported(room)
    clause = _clause(await _plan(room, plan_id), "银发经济")
    seen = await room.plans.desk.fingerprint(room.grant, plan_id, clause.id)
    said = {"text": "发展银发经济。", "lead": "市卫健委", "cooperating": "市民政局、市商务局\n省发展改革委"}
    await room.plans.desk.correct(room.grant, plan_id, clause.id, said, seen=seen)
    plan = await _plan(room, plan_id)
    now = plan.clause(clause.id)
    assert now is not None
    assert (now.text, now.anchor) == ("发展银发经济。", clause.anchor)
    assert _written(now, "lead") == ["市卫健委"]
    assert now.of("lead")[0].organisations == ("unit-health-commission",)
    assert _written(now, "cooperating") == ["市民政局", "市商务局", "省发展改革委"]
    assert "省发展改革委" in plan.unresolved
    with pytest.raises(Conflict):
        await room.plans.desk.correct(room.grant, plan_id, clause.id, said, seen=seen)
    with pytest.raises(Invalid):
        await room.plans.desk.correct(room.grant, plan_id, clause.id, {**said, "text": " "})
    with pytest.raises(NotFound):
        await room.plans.desk.correct(room.grant, plan_id, "clause-999", said)


async def test_a_target_and_a_money_rule_are_corrected(room: Room) -> None:
    plan_id = await _imported(room)
    target = (await _plan(room, plan_id)).targets[0]
    said = {"indicator": "签约率", "comparator": ">=", "value": "90—95", "unit": "%", "due": "2028"}
    await room.plans.desk.correct(room.grant, plan_id, target.id, said)
    now = (await _plan(room, plan_id)).target(target.id)
    assert now is not None
    assert (now.indicator, now.comparator, [str(one) for one in now.value], now.due) == (  # type: ignore[union-attr]
        "签约率", ">=", ["90", "95"], "2028",
    )  # fmt: skip
    for wrong in ({"value": ""}, {"comparator": "≥"}, {"due": "明年"}, {"indicator": ""}):
        with pytest.raises(Invalid):
            await room.plans.desk.correct(room.grant, plan_id, target.id, {**said, **wrong})
    rule = (await _plan(room, plan_id)).money[0]
    await room.plans.desk.correct(
        room.grant, plan_id, rule.id, {"amount": "50000", "cap": "1000000", "per": "家"}
    )
    held = (await _plan(room, plan_id)).money[0]
    assert (held.amount, held.cap, held.per, held.condition) == ("50000", "1000000", "家", "")


async def test_a_clause_is_split_where_chosen_and_merged_again(room: Room) -> None:
    plan_id = await _imported(room)
    plan = await _plan(room, plan_id)
    clause = _clause(plan, "医养结合")
    at = plan.text.index("建设护理站")
    await room.plans.desk.split(room.grant, plan_id, clause.id, at)
    plan = await _plan(room, plan_id)
    first, second = plan.clause(clause.id), _clause(plan, "建设护理站")
    assert first is not None
    assert second.id not in {one.id for one in (first,)}
    assert "护理站" not in first.text
    assert plan.text[second.anchor.start : second.anchor.end].startswith("建设护理站20家")
    assert _written(second, "lead") == _written(first, "lead") == ["市卫生健康委"]
    assert {plan.target(one).span for one in second.targets} == {  # type: ignore[union-attr]
        one.span for one in plan.targets if one.anchor.start >= at and one.clause == second.id
    }
    assert [one.id for one in plan.clauses].index(second.id) == [one.id for one in plan.clauses].index(
        first.id
    ) + 1
    await room.plans.desk.merge(room.grant, plan_id, clause.id)
    plan = await _plan(room, plan_id)
    assert plan.clause(second.id) is None
    merged = plan.clause(clause.id)
    assert merged is not None
    assert merged.anchor == clause.anchor
    assert set(merged.targets) == set(clause.targets)
    for bad in (clause.anchor.start, clause.anchor.end, 0):
        with pytest.raises(Invalid):
            await room.plans.desk.split(room.grant, plan_id, clause.id, bad)
    await room.plans.desk.split(room.grant, plan_id, clause.id, at)
    assert plan.clause(second.id) is None  # an id is never given again
    assert _clause(await _plan(room, plan_id), "建设护理站").id != second.id


async def test_what_two_clauses_share_is_one_after_merging(room: Room) -> None:
    plan_id = await _imported(room)
    clauses = (await _plan(room, plan_id)).clauses
    await room.plans.desk.merge(room.grant, plan_id, clauses[1].id)
    plan = await _plan(room, plan_id)
    merged = plan.clause(clauses[1].id)
    assert merged is not None
    assert _written(merged, "lead") == ["市商务局", "市民政局"]
    assert _written(merged, "cooperating") == ["市康养产业专班"]
    assert "长者食堂" in merged.text
    with pytest.raises(NotFound):
        await room.plans.desk.merge(room.grant, plan_id, clauses[1].id)


async def test_what_the_reader_missed_is_added_by_its_words(room: Room) -> None:
    plan_id = await _imported(room)
    start, end = await room.plans.desk.place(room.grant, plan_id, "支持社区开设长者食堂")
    said = {"text": "", "lead": "市民政局", "cooperating": ""}
    made = await room.plans.desk.add(room.grant, plan_id, start, end, "clause", said)
    plan = await _plan(room, plan_id)
    clause = plan.clause(made.finding)
    assert clause is not None
    assert clause.text == "支持社区开设长者食堂"
    assert plan.text[clause.anchor.start : clause.anchor.end] == "支持社区开设长者食堂"
    assert clause.reviewed is not None
    assert clause.reviewed.how == "added"
    figure = {"indicator": "长者食堂", "comparator": ">=", "value": "12", "unit": "家", "due": ""}
    target = await room.plans.desk.add(room.grant, plan_id, start, end, "target", figure)
    found = (await _plan(room, plan_id)).target(target.finding)
    assert found is not None
    assert found.clause  # it stands in a clause
    for words in ("没有这些字", "单位", ""):
        with pytest.raises(Invalid):
            await room.plans.desk.place(room.grant, plan_id, words)
    with pytest.raises(Invalid):
        await room.plans.desk.add(room.grant, plan_id, 5, 5, "clause", said)


async def test_what_is_no_finding_is_put_aside_and_undone(room: Room) -> None:
    plan_id = await _imported(room)
    plan = await _plan(room, plan_id)
    clause = _clause(plan, "医养结合")
    before = await _stored(room, plan_id)
    await room.plans.desk.reject(room.grant, plan_id, plan.targets[0].id, "不是目标")
    act = await room.plans.desk.reject(room.grant, plan_id, clause.id)
    now = await _plan(room, plan_id)
    assert now.clause(clause.id) is None
    assert now.target(plan.targets[0].id) is None
    assert all(one.section for one in now.targets)
    undone = await room.plans.history.undo(room.grant, plan_id, seen=act.version)
    with pytest.raises(Conflict):
        await room.plans.history.undo(room.grant, plan_id, seen=act.version)
    undone = await room.plans.history.undo(room.grant, plan_id, seen=undone.stored.version)
    after = await _stored(room, plan_id)
    assert {key: after[key] for key in ("goal", "action")} == {key: before[key] for key in ("goal", "action")}
    with pytest.raises(NotFound):
        await room.plans.history.undo(room.grant, plan_id, seen=undone.stored.version)
    colleague = replace(room.grant, account="colleague", display="孟晓岚")
    theirs = await room.plans.desk.accept(colleague, plan_id, [clause.id])
    with pytest.raises(Conflict):
        await room.plans.history.undo(room.grant, plan_id, seen=theirs.version)


async def test_revisions_tell_in_words_and_an_earlier_one_comes_back(room: Room) -> None:
    plan_id = await _imported(room)
    plan = await _plan(room, plan_id)
    clause = _clause(plan, "银发经济")
    said = {"text": clause.text, "lead": "市民政局", "cooperating": ""}
    await room.plans.desk.correct(room.grant, plan_id, clause.id, said)
    other = replace(room.grant, account="colleague", display="孟晓岚")
    await room.plans.set_due(other, plan_id, plan.targets[0].id, 2029, "云政办〔2026〕1号")
    page = await room.plans.history.revisions(room.grant, plan_id)
    number = clause.id[-1]
    assert [one.zh for one in page.rows[1].changes] == [
        f"条款{number}：牵头单位由“市商务局”改为“市民政局”",
        f"条款{number}：配合单位去掉“市民政局”",
    ]
    assert page.rows[0].by == "孟晓岚"
    assert "期限由“2027”改为“2029”" in page.rows[0].changes[0].zh
    assert (page.rows[-1].version, page.older) == (1, 0)
    with pytest.raises(NotFound):  # what was entered with a source is not undone by one key
        await room.plans.history.undo(other, plan_id, seen=3)
    assert (await room.plans.history.at(room.grant, plan_id, 1)).clause(clause.id) == plan.clause(clause.id)
    with pytest.raises(Conflict):
        await room.plans.history.restore(room.grant, plan_id, 1, seen=2)
    await room.plans.history.restore(room.grant, plan_id, 1, seen=3)
    page = await room.plans.history.revisions(room.grant, plan_id)
    assert (page.rows[0].version, page.rows[0].restores) == (4, 1)
    assert (await _plan(room, plan_id)).clause(clause.id) == plan.clause(clause.id)
    with pytest.raises(NotFound):
        await room.plans.history.at(room.grant, plan_id, 99)


async def test_holders_of_duties_are_told_and_carried_clauses_stay(room: Room) -> None:
    plan_id = await _imported(room)
    clause = _clause(await _plan(room, plan_id), "医养结合")
    duty = (await room.plans.assign(room.grant, plan_id, [clause.id])).duties[0]
    said = {"text": "推进医养结合，新增护理站30家。", "lead": "市卫生健康委", "cooperating": "市民政局"}
    act = await room.plans.desk.correct(room.grant, plan_id, clause.id, said, basis="云政办〔2026〕5号")
    assert (act.told, act.issues) == (1, ())
    task = (await room.store.read(room.grant, "Task", duty.task)).resource
    held = inputs(task)
    assert held["content"] == "推进医养结合，新增护理站30家。"
    assert "云政办〔2026〕5号" in str(task["note"])
    with pytest.raises(Unprocessable):
        await room.plans.desk.reject(room.grant, plan_id, clause.id)
    confirmed = await room.plans.desk.accept(room.grant, plan_id, [clause.id])
    assert confirmed.told == 0
    undone = await room.plans.history.undo(room.grant, plan_id, seen=confirmed.version)
    assert undone.told == 0  # nothing that is asked has changed
    undone = await room.plans.history.undo(room.grant, plan_id, seen=undone.stored.version)
    assert undone.told == 1
    assert inputs((await room.store.read(room.grant, "Task", duty.task)).resource)["content"] == clause.text


async def test_an_answer_about_a_unit_is_known_to_the_next_document(room: Room) -> None:
    plan_id = await _imported(room)
    assert "市康养产业专班" in (await _plan(room, plan_id)).unresolved
    await room.plans.resolve_unit(room.grant, plan_id, "市康养产业专班", ["unit-civil-affairs"])
    later = await _imported(room, TEXT.replace("银龄健康", "康养产业").replace("市商务局", "省商务厅"))
    plan = await _plan(room, later)
    unit = next(unit for one in plan.clauses for unit in one.units if unit.written == "市康养产业专班")
    assert unit.organisations == ("unit-civil-affairs",)
    assert unit.answered_by
    assert validate((await room.store.read(room.grant, "ConceptMap", "unit-aliases")).resource) == ()
    await room.plans.resolve_unit(room.grant, later, "省商务厅", [], outside=True)
    await room.plans.resolve_unit(room.grant, later, "市康养产业专班", [])
    third = await _plan(
        room, await _imported(room, TEXT.replace("银龄", "第三").replace("市商务局", "省商务厅"))
    )
    assert third.unresolved == ("市康养产业专班",)


async def test_the_desk_asks_for_the_plan_office(room: Room) -> None:
    plan_id = await _imported(room)
    reader = replace(room.grant, operations=frozenset({"plan.read"}))
    desk, said = room.plans.desk, {"text": "x", "lead": "", "cooperating": ""}
    for asked in (
        desk.accept(reader, plan_id, ["clause-001"]),
        desk.correct(reader, plan_id, "clause-001", said),
        desk.split(reader, plan_id, "clause-001", 80),
        desk.merge(reader, plan_id, "clause-001"),
        desk.add(reader, plan_id, 0, 5, "clause", said),
        desk.reject(reader, plan_id, "clause-001"),
        room.plans.history.undo(reader, plan_id, seen=1),
        room.plans.history.restore(reader, plan_id, 1, seen=1),
    ):
        with pytest.raises(Forbidden):
            await asked


async def test_another_citys_document_is_mended_as_a_reading_and_has_no_units_of_ours(room: Room) -> None:
    text = TEXT.replace("云汐市", "绿岛市")
    plan_id = (await room.plans.import_plan(room.grant, text.encode(), "绿岛.txt")).plan
    clause = (await _plan(room, plan_id)).clauses[0]
    said = {"text": clause.text, "lead": "市卫健委", "cooperating": ""}
    await room.plans.desk.correct(room.grant, plan_id, clause.id, said)
    now = (await _plan(room, plan_id)).clause(clause.id)
    assert now is not None
    assert now.of("lead")[0].organisations == ()
