"""督办单 by rule and by hand, 延期 limited, 销号 under its conditions, 回头看 and what relapses, evaluation, remarks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kangshu.base.faults import Forbidden, Unprocessable
from kangshu.cases import deadline_of, inputs, number_of, state_of
from tests.cases.conftest import MONDAY, SYSTEM, City

START = {
    "content": "新增护理型床位",
    "due": "2026-03-20",
    "completion_standard": "新增300张并通过验收",
    "quarter_1": "选址",
}


async def _begun(city: City) -> str:
    office, civil = city.account("plan-office", "office"), city.account("unit-clerk", "civil")
    task = (
        await city.cases.start(office, "supervision/duty", START, receiver="civil", title="护理型床位")
    ).id
    await city.cases.move(civil, task, "accept", {})
    await city.cases.move(civil, task, "begin", {})
    return task


async def _about(city: City, task: str, kind: str) -> list[dict[str, Any]]:
    found = await city.store.search_all(SYSTEM, "Task", f"focus=Task/{task}")
    mine = [one for one in found if one["code"]["coding"][0]["code"] == f"supervision/{kind}"]
    return sorted(mine, key=number_of)


async def test_slips_by_rule_go_from_blue_to_red_once_each(city: City) -> None:
    task = await _begun(city)
    levels = []
    for days in (10, 22, 22, 29, 40, 41):  # 20 March is day 18
        city.clock.at = MONDAY + timedelta(days=days)
        await city.cases.tick()
        levels.append([inputs(one)["level"] for one in await _about(city, task, "slip")])
    assert levels == [
        [], ["blue"], ["blue"], ["blue", "yellow"], ["blue", "yellow", "red"], ["blue", "yellow", "red"],
    ]  # fmt: skip
    slips = await _about(city, task, "slip")
    assert [number_of(one) for one in slips] == [f"督单〔2026〕{at:04d}号" for at in (1, 2, 3)]
    duty = (await city.store.read(SYSTEM, "Task", task)).resource
    counted = {one["url"].rsplit("/", 1)[-1]: one["valueInteger"] for one in duty["extension"]}
    assert {name: counted[name] for name in ("slips-blue", "slips-yellow", "slips-red", "slip-level")} == {
        "slips-blue": 1, "slips-yellow": 1, "slips-red": 1, "slip-level": 3,
    }  # fmt: skip
    civil, office = city.account("unit-clerk", "civil"), city.account("plan-office", "office")
    slip = slips[0]
    await city.cases.move(civil, slip["id"], "sign", {})
    signed = (await city.store.read(civil, "Task", slip["id"])).resource
    assert inputs(signed)["answer_by"] == "2026-03-31", "five working days after 24 March"
    assert str(deadline_of(signed)).startswith("2026-03-31")
    await city.cases.move(civil, slip["id"], "answer", {"result": "三月底前完成"})
    await city.cases.move(office, slip["id"], "reject", {"comment": "写明责任人", "answer_by": "2026-04-20"})
    await city.cases.move(civil, slip["id"], "answer", {"result": "由张某负责，三月底前完成"})
    await city.cases.move(office, slip["id"], "close", {})
    with pytest.raises(Forbidden):
        await city.cases.move(office, task, "slip-red", {})


async def test_urging_three_times_gives_a_slip_and_a_slip_by_hand_asks_what_it_says(city: City) -> None:
    office, task = city.account("plan-office", "office"), await _begun(city)
    for _ in range(3):
        await city.cases.move(office, task, "urge", {"comment": "请加快"})
    assert await _about(city, task, "slip") == []
    assert (await city.cases.tick())[0] == 1
    said = {
        "level": "yellow",
        "slip_reason": "进度滞后",
        "slip_request": "三日内书面说明",
        "slip_answer_by": "2026-03-09",
    }
    await city.cases.move(office, task, "issue-slip", said)
    last = (await _about(city, task, "slip"))[-1]
    assert inputs(last) == {
        "level": "yellow", "reason": "进度滞后", "request": "三日内书面说明", "answer_by": "2026-03-09",
    }  # fmt: skip


async def test_a_duty_is_extended_twice_at_most(city: City) -> None:
    office, civil, task = (
        city.account("plan-office", "office"),
        city.account("unit-clerk", "civil"),
        await _begun(city),
    )
    for month in (4, 5):
        await city.cases.move(
            civil, task, "ask-extension", {"asked_due": f"2026-0{month}-20", "comment": "审批未完成"}
        )
        await city.cases.move(office, task, "grant-extension", {})
    shown = {one.move.id: one for one in await city.cases.offers(civil, task)}["ask-extension"]
    assert shown.blocked is not None
    assert [one.evidence for one in shown.checklist] == [("已延期 2 次，上限 2 次",)]
    with pytest.raises(Unprocessable):
        await city.cases.move(civil, task, "ask-extension", {"asked_due": "2026-06-20", "comment": "再延"})


async def test_clearing_under_conditions_and_looking_back(city: City) -> None:
    office, civil, task = (
        city.account("plan-office", "office"),
        city.account("unit-clerk", "civil"),
        await _begun(city),
    )
    move = city.cases.move
    (clearing,) = await city.cases.conditions(civil, task)
    met = {one.item.id: one.met for one in clearing.checklist}
    assert met == {
        "standard": False, "nodes": False, "co-units": True, "evidence": False, "slips": True, "light": True,
    }, "the unit sees what is missing while it works"  # fmt: skip
    said = {"level": "blue", "slip_reason": "提醒", "slip_request": "说明进展"}
    await move(office, task, "issue-slip", said)
    await move(civil, task, "report", {"result": "已完成", "evidence_note": "云民〔2026〕15号"})
    await move(office, task, "approve", {"standard_met": True})
    with pytest.raises(Unprocessable) as caught:
        await move(office, task, "complete", {"light_reason": "目标由另一任务承担"})
    assert {one.zh for one in caught.value.issues} == {"各季度节点均已上报", "没有未销的督办单"}
    await move(office, task, "return", {"comment": "补报节点"})
    await move(civil, task, "resume", {})
    await move(civil, task, "report-node", {"quarter": "1", "node_result": "已选址三处"})
    await move(civil, task, "report", {"result": "已完成", "evidence_note": "云民〔2026〕15号"})
    (slip,) = await _about(city, task, "slip")
    await move(office, slip["id"], "withdraw", {"comment": "已办"})
    await move(office, task, "approve", {"standard_met": True})
    await move(office, task, "complete", {"light_reason": "目标由另一任务承担"})
    assert await city.cases.conditions(office, task) == ()

    (look,) = await _about(city, task, "look-back")
    assert (state_of(look), inputs(look)["due"]) == ("scheduled", "2026-09-02")
    city.clock.at = MONDAY + timedelta(days=190)
    await city.cases.tick()
    await move(office, look["id"], "relapse", {"comment": "部分床位改作他用"})
    (finding,) = await _about(city, look["id"], "finding")
    assert (state_of(finding), finding["owner"]["reference"]) == ("found", "Organization/civil")
    assert inputs(finding)["finding"] == "回头看发现反弹：部分床位改作他用"


async def test_an_outside_evaluator_reports_and_its_findings_are_ordered(city: City) -> None:
    office, outside = city.account("plan-office", "office"), city.account("unit-clerk", "hospital")
    asked = {"subject": "床位建设成效", "scope": "抽查20家机构", "due": "2026-05-30"}
    task = (await city.cases.start(office, "supervision/evaluation", asked, receiver="hospital")).id
    with pytest.raises(Unprocessable):
        await city.cases.move(outside, task, "accept", {"independence": False})
    await city.cases.move(outside, task, "accept", {"independence": True})
    await city.cases.move(outside, task, "report", {"conclusion": "总体达标"})
    await city.cases.move(office, task, "raise-finding", {"unit": "civil", "found": "两家机构床位空置"})
    (finding,) = await _about(city, task, "finding")
    assert (finding["owner"]["reference"], finding["requester"]["reference"]) == (
        "Organization/civil",
        "Organization/office",
    )
    await city.cases.move(office, task, "close", {})


async def test_nobody_approves_the_praise_they_drafted(city: City) -> None:
    office, leader = city.account("plan-office", "office"), city.account("commission-leader", "office")
    said = {"tone": "praise", "reason": "床位建设提前完成", "document_number": "云政督〔2026〕3号"}
    task = (await city.cases.start(office, "supervision/remark", said, receiver="civil")).id
    with pytest.raises(Forbidden):
        await city.cases.move(office, task, "publish", {})
    published = await city.cases.move(leader, task, "publish", {})
    assert state_of(published.resource) == "published"
