"""S53 and S55: duties from assignment to completion with countersigning units, and findings to accountability."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from kangshu.base.faults import Conflict, Forbidden, NotFound, PreconditionFailed, Unprocessable
from kangshu.cases import deadline_of, inputs, number_of, organisation_of, state_of, urged_of
from tests.cases.conftest import MONDAY, City

DUTY = {"content": "新增护理型床位", "clause": "二（三）", "co_units": ["finance"], "due": "2026-06-30"}


async def _assign(city: City, **values: object) -> str:
    office = city.account("plan-office", "office")
    started = await city.cases.start(
        office, "supervision/duty", {**DUTY, **values}, receiver="civil", title="护理型床位"
    )
    return started.id


async def test_from_assignment_to_completion(city: City) -> None:
    office, civil = city.account("plan-office", "office"), city.account("unit-clerk", "civil")
    finance, move = city.account("unit-clerk", "finance"), city.cases.move
    task = await _assign(city)
    assigned = await city.cases.row(civil, task)
    assert (assigned.number, assigned.title, assigned.owner_name) == (
        "督〔2026〕0001号",
        "护理型床位",
        "云汐市民政局",
    )
    assert assigned.deadline == datetime(2026, 3, 4, 15, 59, 59, tzinfo=UTC), "two working days after Monday"
    assert [one.id for one in await city.cases.worklist(civil, "todo")] == [task]

    children = await city.cases.children(civil, task)
    assert [(one.owner, one.requester, one.parent, one.title) for one in children] == [
        ("finance", "civil", task, "护理型床位")
    ]
    child = (await city.cases.worklist(finance, "todo"))[0]
    assert child.code == "supervision/cosign"

    accepted = await move(civil, task, "accept", {"contact": "李四"})
    assert deadline_of(accepted.resource) == datetime(2026, 6, 30, 15, 59, 59, tzinfo=UTC), (
        "the plan's own date"
    )
    await move(civil, task, "begin", {})
    await move(civil, task, "progress", {"progress": "已选址", "percent": "40"})
    with pytest.raises(Unprocessable):
        await move(civil, task, "progress", {"progress": "已选址", "percent": "140"})
    offers = {one.move.id: one.blocked for one in await city.cases.offers(civil, task)}
    assert offers["report"] is not None, "a co-unit has not finished"
    with pytest.raises(Unprocessable) as caught:
        await move(civil, task, "report", {"result": "完成"})
    assert "配合单位" in caught.value.zh

    await move(finance, child.id, "accept", {})
    await move(finance, child.id, "report", {"opinion": "资金已列入预算"})
    await move(civil, child.id, "return", {"comment": "请附文件"})
    await move(finance, child.id, "report", {"opinion": "已附"})
    await move(civil, child.id, "confirm", {})
    await move(civil, task, "report", {"result": "新增300张"})
    assert (await city.cases.worklist(office, "todo"))[0].id == task
    returned = await move(office, task, "return", {"comment": "缺佐证"})
    assert state_of(returned.resource) == "returned"
    assert [one.id for one in await city.cases.worklist(civil, "todo")] == [task]
    await move(civil, task, "resume", {})
    await move(civil, task, "report", {"result": "新增300张，附验收材料"})
    await move(office, task, "approve", {})
    with pytest.raises(Unprocessable) as caught:
        await move(office, task, "complete", {})
    assert {one.zh for one in caught.value.issues} == {
        "已对照完成标准核验达成",
        "佐证材料已上传或写明文号",
    }
    await move(office, task, "return", {"comment": "写明佐证文号"})
    await move(civil, task, "resume", {})
    await move(civil, task, "report", {"result": "新增300张", "evidence_note": "云民〔2026〕15号"})
    await move(office, task, "approve", {"standard_met": True})
    shown = {one.move.id: one for one in await city.cases.offers(office, task)}["complete"]
    assert shown.blocked is None
    assert {one.item.id: one.met for one in shown.checklist} == {
        "standard": True, "nodes": True, "co-units": True, "evidence": True, "slips": True, "light": True,
    }  # fmt: skip
    done = await move(office, task, "complete", {"light_reason": "目标由另一任务承担"})
    assert (state_of(done.resource), done.resource["status"]) == ("completed", "completed")
    assert await city.cases.worklist(office, "todo") == []
    assert task in {one.id for one in await city.cases.worklist(civil, "done")}
    started = await city.cases.worklist(office, "started")
    assert [(one.code, one.state) for one in started] == [
        ("supervision/look-back", "scheduled"),
        ("supervision/duty", "completed"),
    ]


async def test_urging_extension_dispute(city: City) -> None:
    office, civil = city.account("plan-office", "office"), city.account("unit-clerk", "civil")
    task = await _assign(city, co_units=[])
    await city.cases.move(civil, task, "dispute", {"comment": "非我局职责", "suggested_unit": "health"})
    moved = await city.cases.move(office, task, "reassign", {"receiver": "health", "comment": "由卫健委牵头"})
    assert organisation_of(moved.resource, "owner") == "health"
    health = city.account("unit-clerk", "health")
    urged = await city.cases.move(office, task, "urge", {"comment": "请尽快签收"})
    assert (state_of(urged.resource), urged_of(urged.resource)) == ("assigned", 1)
    with pytest.raises(Forbidden):
        await city.cases.move(health, task, "urge", {"comment": "x"})
    await city.cases.move(health, task, "accept", {})
    await city.cases.move(health, task, "begin", {})
    asked = {"asked_due": "2099-09-30", "comment": "土地审批未完成"}
    await city.cases.move(health, task, "ask-extension", asked)
    refused = await city.cases.move(office, task, "refuse-extension", {"comment": "不同意"})
    assert deadline_of(refused.resource) == datetime(2026, 6, 30, 15, 59, 59, tzinfo=UTC)
    await city.cases.move(health, task, "ask-extension", asked)
    granted = await city.cases.move(office, task, "grant-extension", {})
    assert deadline_of(granted.resource) == datetime(2099, 9, 30, 15, 59, 59, tzinfo=UTC)
    assert inputs(granted.resource)["due"] == "2099-09-30"
    with pytest.raises(Unprocessable):
        await city.cases.move(health, task, "ask-extension", {"asked_due": "2020-01-01", "comment": "x"})


async def test_cancelling_cancels_the_children(city: City) -> None:
    office = city.account("plan-office", "office")
    task = await _assign(city, co_units=["finance", "health"])
    await city.cases.move(office, task, "cancel", {"comment": "规划修订"})
    assert {one.state for one in await city.cases.children(office, task)} == {"cancelled"}


async def test_numbers_are_dense_and_one_of_two_movers_wins(city: City) -> None:
    civil = city.account("unit-clerk", "civil")
    tasks = await asyncio.gather(*(_assign(city, co_units=[]) for _ in range(6)))
    numbers = sorted([number_of((await city.store.read(civil, "Task", one)).resource) for one in tasks])
    assert numbers == [f"督〔2026〕{at:04d}号" for at in range(1, 7)]
    outcomes = await asyncio.gather(
        *(city.cases.move(civil, tasks[0], "accept", {}) for _ in range(5)), return_exceptions=True
    )
    won = [one for one in outcomes if not isinstance(one, BaseException)]
    assert len(won) == 1
    assert all(
        isinstance(one, Conflict | PreconditionFailed) for one in outcomes if isinstance(one, BaseException)
    )
    events = await city.cases.history(civil, tasks[0])
    assert [one.move for one in events] == ["start", "accept"]


async def test_a_failed_start_leaves_no_gap_and_nothing_else(city: City) -> None:
    office = city.account("plan-office", "office")
    with pytest.raises(Unprocessable):
        await city.cases.start(office, "supervision/duty", {**DUTY, "co_units": ["nobody"]}, receiver="civil")
    task = await _assign(city)
    assert (await city.cases.row(office, task)).number == "督〔2026〕0001号"


async def test_finding_escalates_to_accountability(city: City) -> None:
    office, civil = city.account("plan-office", "office"), city.account("unit-clerk", "civil")
    leader = city.account("commission-leader", "office")
    values = {"finding": "护理型床位数据不实", "found_on": date(2026, 3, 1)}
    task = (await city.cases.start(office, "supervision/finding", values, receiver="civil")).id
    await city.cases.move(office, task, "order", {"order": "限期核实", "correct_by": "2026-03-20"})
    await city.cases.move(civil, task, "correct", {"measures": "逐家核实"})
    city.clock.at = MONDAY + timedelta(days=40)
    assert [one.id for one in await city.cases.worklist(civil, "overdue")] == [task]
    await city.cases.move(office, task, "escalate", {})
    await city.cases.move(civil, task, "correct", {"measures": "立即整改"})
    await city.cases.move(civil, task, "report", {"result": "已整改"})
    await city.cases.move(office, task, "not-cleared", {"comment": "仍不实", "correct_by": "2026-05-01"})
    await city.cases.move(office, task, "escalate", {"comment": "拒不整改"})
    with pytest.raises(Forbidden):
        await city.cases.move(office, task, "hold-accountable", {"comment": "问责"})
    ended = await city.cases.move(leader, task, "hold-accountable", {"comment": "移送问责"})
    assert state_of(ended.resource) == "accountability"


async def test_notices_are_read_by_those_they_are_for(city: City) -> None:
    civil, health = city.account("unit-clerk", "civil"), city.account("unit-clerk", "health")
    await _assign(city, co_units=[])
    notice = (await city.cases.notices(civil))[0]
    assert await city.cases.notices(health) == []
    assert (await city.cases.counts(civil)) == {"todo": 1, "started": 0, "overdue": 0, "notices": 1}
    await city.cases.mark_read(civil, notice.id)
    assert await city.cases.notices(civil) == []
    assert [one.read for one in await city.cases.notices(civil, unread=False)] == [True]


async def test_papers_commit_with_the_move_or_not_at_all(city: City) -> None:
    civil = city.account("unit-clerk", "civil")
    task = await _assign(city, co_units=[])
    for step, values in (("accept", {"contact": "李四"}), ("begin", {})):
        await city.cases.move(civil, task, step, values)
    paper = {
        "resourceType": "DocumentReference",
        "id": "paper",
        "status": "current",
        "custodian": {"reference": "Organization/civil"},
        "content": [{"attachment": {"title": "台账.txt"}}],
    }
    evidence = {"evidence": ["DocumentReference/paper"]}
    with pytest.raises(Unprocessable):
        await city.cases.move(civil, task, "report", {**evidence, "result": ""}, papers=[paper])
    with pytest.raises(NotFound):
        await city.store.read(civil, "DocumentReference", "paper")
    await city.cases.move(civil, task, "report", {**evidence, "result": "完成"}, papers=[paper])
    assert (await city.store.read(civil, "DocumentReference", "paper")).version == 1
    with pytest.raises(Unprocessable):
        await city.cases.start(
            city.account("plan-office", "office"),
            "supervision/duty",
            {"content": ""},
            receiver="civil",
            papers=[{**paper, "id": "other"}],
        )
