"""S57: a proposal from its registration to its publication; the reply cites what stood on the day, promises become duties."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from kangshu.access import Grant
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable
from kangshu.cases import deadline_of, inputs, kind_of, number_of, organisation_of, outputs, state_of
from kangshu.documents import read_document
from tests.cases.conftest import MONDAY, SYSTEM, City, organisation

_PLAN = """云汐市健康产业发展计划（2026—2028年）

一、主要目标
到2028年，建成社区健身站点300个。

二、重点任务
（一）完善健身设施。新建社区健身站点，每年不少于50个。（牵头单位：市民政局；配合单位：市财政局）
"""


@dataclass
class Parties:
    """Who takes part: the office, the lead unit's clerk and leader, a joint unit, two proposers."""

    office: Grant
    clerk: Grant
    leader: Grant
    joint: Grant
    proposer: Grant
    other: Grant


@pytest.fixture
async def parties(city: City) -> Parties:
    for id_, name in (("seat-1", "李明华委员"), ("seat-2", "民建云汐市委会"), ("seat-3", "妇联界别组")):
        await city.store.update(SYSTEM, organisation(id_, name, "proposer", "990100"))
    account = city.account
    return Parties(
        account("plan-office", "office"),
        account("unit-clerk", "civil"),
        account("unit-clerk", "civil", name="leader"),
        account("unit-clerk", "finance"),
        account("proposer", "seat-1"),
        account("proposer", "seat-2"),
    )


def _proposal(number: str = "21", **values: Any) -> dict[str, Any]:
    return {
        "receiver": "office",
        "category": "proposal",
        "session": "市政协五届一次会议",
        "proposal_number": number,
        "proposer": "seat-1",
        "subject": "关于增加社区健身站点的提案",
        "content": "老旧小区健身站点不足，建议分年建设。",
        **values,
    }


async def _submitted(city: City, by: Grant, **values: Any) -> str:
    return (await city.cases.start(by, "proposals/proposal", _proposal(**values))).id


async def _accepted(city: City, who: Parties, **values: Any) -> tuple[str, str]:
    """Return a proposal that the lead unit has signed for, and its reply."""
    proposal = await _submitted(city, who.proposer, **values)
    await city.cases.move(who.office, proposal, "assign", {"lead": "civil", "joint": ["finance"]})
    await city.cases.move(who.clerk, proposal, "accept", {"contact": "王芳 0000-1234567"})
    return proposal, await _reply_of(city, proposal)


async def _reply_of(city: City, proposal: str) -> str:
    found = await city.store.search_all(SYSTEM, "Task", f"part-of=Task/{proposal}")
    return str(next(one for one in found if state_of(one) == "preparing")["id"])


_DRAFT: dict[str, Any] = {
    "opening": "您提出的《关于增加社区健身站点的提案》收悉。经会同市财政局研究，现答复如下：",
    "sections": [{"heading": "在设施建设方面", "text": "已建成站点，覆盖主要街道。"}],
    "commitments": [
        {"promise": "新建社区健身站点50个", "unit": "civil", "by": "2026-12-31", "standard": "验收合格"}
    ],
    "result_class": "B",
    "disclosure": "public",
    "contact": "王芳 0000-1234567",
    "document_code": "云民函",
}


async def _answered(city: City, who: Parties, **values: Any) -> tuple[str, str]:
    """Return a proposal whose reply was signed and sent."""
    proposal, reply = await _accepted(city, who, **values)
    await city.cases.move(who.clerk, reply, "draft", _DRAFT)
    await city.cases.move(who.leader, reply, "sign", {"signer": "张立"})
    await city.cases.move(who.clerk, proposal, "send", {"way": "system"})
    return proposal, reply


async def _state(city: City, task: str) -> str:
    return state_of((await city.store.read(SYSTEM, "Task", task)).resource)


async def _text_of(city: City, grant: Grant, reference: str) -> str:
    return read_document(base64.b64decode(await _data_of(city, grant, reference)), "reply.docx").text


async def _data_of(city: City, grant: Grant, reference: str) -> str:
    stored = await city.store.read(grant, "DocumentReference", reference.removeprefix("DocumentReference/"))
    return str(stored.resource["content"][0]["attachment"]["data"])


async def test_deadline_is_three_months_by_the_calendar_and_extends_to_six(
    city: City, parties: Parties
) -> None:
    proposal, _ = await _accepted(city, parties)
    task = (await city.store.read(SYSTEM, "Task", proposal)).resource
    assert number_of(task) == "提〔2026〕0001号"
    assert (inputs(task)["due"], inputs(task)["due_limit"]) == ("2026-06-02", "2026-09-02")
    end = deadline_of(task)
    assert end is not None
    assert (end - MONDAY).days == 92
    late = {"asked_due": "2026-09-03", "extension_ground": "涉及单位多"}
    with pytest.raises(Unprocessable):
        await city.cases.move(parties.clerk, proposal, "ask-extension", late)
    await city.cases.move(parties.clerk, proposal, "ask-extension", {**late, "asked_due": "2026-08-31"})
    with pytest.raises(Forbidden):
        await city.cases.move(parties.clerk, proposal, "extend", {**late, "asked_due": "2026-08-31"})
    with pytest.raises(Unprocessable):
        await city.cases.move(parties.office, proposal, "extend", late)
    extended = await city.cases.move(parties.office, proposal, "extend", {**late, "asked_due": "2026-09-02"})
    assert inputs(extended.resource)["due"] == "2026-09-02"


async def test_joint_units_reach_the_lead_first_and_are_merged_into_the_draft(
    city: City, parties: Parties
) -> None:
    proposal, reply = await _accepted(city, parties)
    move = city.cases.move
    await move(parties.clerk, reply, "ask", {"units": ["finance"], "request": "请就资金保障提出意见"})
    assert await _state(city, proposal) == "contributions-asked"
    asked = (await city.cases.worklist(parties.joint, "todo"))[0]
    assert (asked.code, asked.requester) == ("proposals/contribution", "civil")
    for hidden in (reply, proposal):
        with pytest.raises(NotFound):
            await city.store.read(parties.joint, "Task", hidden)
    with pytest.raises(NotFound):
        await city.store.read(parties.proposer, "Task", asked.id)
    await move(parties.joint, asked.id, "accept", {})
    with pytest.raises(Unprocessable) as caught:
        await move(parties.clerk, reply, "draft", _DRAFT)
    assert "会办单位" in caught.value.zh
    said = {"heading": "在资金保障方面", "text": "已列入2026年预算。"}
    await move(parties.joint, asked.id, "report", said)
    await move(parties.clerk, asked.id, "return", {"comment": "请补充金额"})
    await move(parties.joint, asked.id, "report", {**said, "text": "已列入2026年预算500万元。"})
    await move(parties.clerk, asked.id, "take", {})
    task = (await city.store.read(parties.clerk, "Task", reply)).resource
    draft = next(one.move for one in await city.cases.offers(parties.clerk, task) if one.move.id == "draft")
    rows = await city.cases.first_rows(parties.clerk, task, draft)
    assert rows == {"sections": [{"heading": "在资金保障方面", "text": "已列入2026年预算500万元。"}]}


async def test_nobody_signs_the_own_draft_and_the_proposer_sees_none_before_it_is_sent(
    city: City, parties: Parties
) -> None:
    proposal, reply = await _accepted(city, parties)
    move = city.cases.move
    await move(parties.clerk, reply, "visit", {"visit_date": "2026-03-02", "visit_way": "meeting", "visit_notes": "当面听取意见"})  # fmt: skip
    await move(parties.clerk, reply, "draft", _DRAFT)
    assert await _state(city, proposal) == "drafted"
    with pytest.raises(Forbidden):
        await move(parties.clerk, reply, "sign", {"signer": "张立"})
    with pytest.raises(Forbidden):
        await move(parties.clerk, proposal, "sign-off", {"reply": "DocumentReference/x", "result_class": "A", "disclosure": "public"})  # fmt: skip
    await move(parties.leader, reply, "return", {"comment": "请写明时限"})
    assert await _state(city, proposal) == "returned"
    await move(parties.clerk, reply, "draft", _DRAFT)
    signed = await move(parties.leader, reply, "sign", {"signer": "张立"})
    paper = outputs(signed.resource)["reply"]
    with pytest.raises(NotFound):
        await city.store.read(parties.proposer, "Task", reply)
    with pytest.raises(NotFound):
        await city.store.read(parties.proposer, "DocumentReference", paper[18:])
    await move(parties.clerk, proposal, "send", {"way": "system"})
    seen = await city.store.read(parties.proposer, "Task", proposal)
    assert state_of(seen.resource) == "sent"
    text = await _text_of(city, parties.proposer, paper)
    for words in (
        "云民函〔2026〕1号",
        "李明华委员：",
        "一、在设施建设方面",
        "二、下一步工作",
        "云汐市民政局",
        "2026年3月2日",
        "此件主动公开",
    ):
        assert words in text
    with pytest.raises(NotFound):
        await city.store.read(parties.other, "Task", proposal)
    with pytest.raises(NotFound):
        await city.store.read(parties.other, "DocumentReference", paper[18:])


async def test_promises_become_duties_linked_both_ways(city: City, parties: Parties) -> None:
    _, reply = await _answered(city, parties)
    task = (await city.store.read(SYSTEM, "Task", reply)).resource
    duty = (await city.store.read(SYSTEM, "Task", outputs(task)["promise-1"][5:])).resource
    assert kind_of(duty) == "supervision/duty"
    assert duty["partOf"] == [{"reference": f"Task/{reply}"}]
    assert (organisation_of(duty, "owner"), organisation_of(duty, "requester")) == ("civil", "office")
    assert inputs(duty)["due"] == "2026-12-31"
    assert inputs(duty)["completion_standard"] == "验收合格"
    assert [one.id for one in await city.cases.worklist(parties.clerk, "todo") if one.id == duty["id"]]


async def test_the_reply_keeps_what_it_cites_as_on_the_day(city: City, parties: Parties) -> None:
    await city.plans.import_plan(SYSTEM, _PLAN.encode(), "计划.txt", "990100")
    _, reply = await _accepted(city, parties)
    clerk = parties.clerk
    offered = await city.papers.citable(clerk, "健身站点")
    target = next(one for one in offered if one.what == "target")
    assert target.value == "暂无数据"
    await city.cases.move(clerk, reply, "cite", {"cited": [target.key]})
    draft = await city.papers.draft(clerk, reply, "reply")
    assert "〔待填〕" in read_document(draft[1], draft[0]).text
    with pytest.raises(Unprocessable):
        await city.cases.move(clerk, reply, "cite", {"cited": ["Patient/zhang"]})
    await city.cases.move(clerk, reply, "draft", _DRAFT)
    signed = await city.cases.move(parties.leader, reply, "sign", {"signer": "张立"})
    paper = outputs(signed.resource)["reply"]
    before = await _data_of(city, clerk, paper)
    text = await _text_of(city, clerk, paper)
    assert f"“{target.title}”" in text
    assert "引用任务和指标情况表" in text
    kept = next(one for one in await city.papers.papers(clerk, reply) if one.reference)
    assert kept.facts[0]["value"] == "暂无数据"
    assert kept.intact
    assert await _data_of(city, clerk, paper) == before
    stood = (await city.store.read(parties.office, "DocumentReference", paper[18:])).resource
    with pytest.raises(Conflict):
        await city.store.update(parties.office, {**stood, "description": "另一份"})
    with pytest.raises(Conflict):
        await city.papers.draft(clerk, reply, "reply")


async def test_not_satisfied_is_handled_again_and_then_published(city: City, parties: Parties) -> None:
    proposal, _ = await _answered(city, parties)
    move = city.cases.move
    with pytest.raises(Forbidden):
        await move(parties.clerk, proposal, "satisfied", {"satisfaction": "satisfied"})
    with pytest.raises(NotFound):
        await move(parties.other, proposal, "not-satisfied", {"comment": "不满意"})
    await move(parties.proposer, proposal, "not-satisfied", {"comment": "时限太长"})
    city.clock.at = MONDAY + timedelta(days=1)
    reworked = await move(parties.clerk, proposal, "rework", {"rework_plan": "重新研究"})
    assert inputs(reworked.resource)["due"] == "2026-04-02"
    again = await _reply_of(city, proposal)
    assert inputs((await city.store.read(SYSTEM, "Task", again)).resource)["dissatisfaction"] == "时限太长"
    await move(parties.clerk, again, "draft", _DRAFT)
    signed = await move(parties.leader, again, "sign", {"signer": "张立"})
    assert "云民函〔2026〕2号" in await _text_of(city, parties.clerk, outputs(signed.resource)["reply"])
    await move(parties.clerk, proposal, "send", {"way": "handed"})
    await move(parties.proposer, proposal, "satisfied", {"satisfaction": "basically"})
    await move(parties.proposer, proposal, "close", {})
    published = await move(parties.clerk, proposal, "publish", {"published_at": "市政府门户网站"})
    assert inputs(published.resource)["published_on"] == "2026-03-03"
    with pytest.raises(Unprocessable):
        await move(parties.clerk, proposal, "publish", {"published_at": "市政府门户网站"})


async def test_merged_proposals_are_answered_together(city: City, parties: Parties) -> None:
    twin = await _submitted(city, parties.other, number="33", proposer="seat-2", co_proposers=["seat-3"])
    main = await _submitted(city, parties.proposer)
    await city.cases.move(parties.office, main, "merge", {"merged": [f"Task/{twin}"]})
    assert await _state(city, twin) == "merged"
    await city.cases.move(parties.office, main, "assign", {"lead": "civil"})
    await city.cases.move(parties.clerk, main, "accept", {"contact": "王芳"})
    reply = await _reply_of(city, main)
    await city.cases.move(parties.clerk, reply, "draft", _DRAFT)
    signed = await city.cases.move(parties.leader, reply, "sign", {"signer": "张立"})
    await city.cases.move(parties.clerk, main, "send", {"way": "system"})
    third = city.account("proposer", "seat-3")
    for reader in (parties.other, third):
        assert state_of((await city.store.read(reader, "Task", twin)).resource) == "sent"
        await city.store.read(reader, "DocumentReference", outputs(signed.resource)["reply"][18:])
        with pytest.raises(NotFound):
            await city.store.read(reader, "Task", main)
    with pytest.raises(Forbidden):
        await city.cases.move(third, twin, "satisfied", {"satisfaction": "satisfied"})
    await city.cases.move(parties.other, twin, "satisfied", {"satisfaction": "satisfied"})


async def test_a_declined_proposal_is_assigned_anew_and_one_without_opinion_closes(
    city: City, parties: Parties
) -> None:
    proposal = await _submitted(city, parties.office)
    task = (await city.store.read(SYSTEM, "Task", proposal)).resource
    assert organisation_of(task, "requester") == "seat-1", "registered for the proposer"
    await city.cases.move(parties.office, proposal, "assign", {"lead": "finance"})
    declined = await city.cases.move(parties.joint, proposal, "decline", {"comment": "属民政职责"})
    assert (state_of(declined.resource), organisation_of(declined.resource, "owner")) == (
        "declined",
        "office",
    )
    await city.cases.move(parties.office, proposal, "assign", {"lead": "civil"})
    await city.cases.move(parties.clerk, proposal, "accept", {"contact": "王芳"})
    reply = await _reply_of(city, proposal)
    await city.cases.move(parties.clerk, reply, "draft", _DRAFT)
    await city.cases.move(parties.leader, reply, "sign", {"signer": "张立"})
    await city.cases.move(parties.clerk, proposal, "send", {"way": "post"})
    city.clock.at = MONDAY + timedelta(days=31)
    await city.cases.tick()
    assert await _state(city, proposal) == "closed"


async def test_a_proposer_starts_proposals_and_nothing_else(city: City, parties: Parties) -> None:
    assert [one.code for one in city.cases.startable(parties.proposer)] == ["proposals/proposal"]
    with pytest.raises(Forbidden):
        await city.cases.move(
            parties.proposer, await _submitted(city, parties.proposer), "assign", {"lead": "civil"}
        )
    blind = replace(parties.proposer, organisation="", organisations=frozenset())
    assert await city.cases.worklist(blind, "todo") == []
