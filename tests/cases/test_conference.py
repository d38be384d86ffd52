"""S56: issues reach the agenda, the minutes decide them, decisions become duties that close them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from kangshu.base.faults import Forbidden, NotFound, Unprocessable
from kangshu.cases import inputs, kind_of, organisation_of, outputs, state_of
from kangshu.documents import read_document
from tests.cases.conftest import SYSTEM, City

_ISSUE: dict[str, Any] = {
    "receiver": "office",
    "subject": "协调社区健身站点用地",
    "kind": "dispute",
    "content": "两部门对用地责任意见不一致。",
    "proposal": "建议由财政部门牵头。",
    "units": ["finance"],
}
_MEETING = {"receiver": "office", "subject": "第一次全体会议", "meeting_day": "2026-03-10", "chair": "林知远", "units": ["civil", "finance"]}  # fmt: skip


async def test_an_issue_is_decided_and_carried_out(city: City) -> None:
    office, second = (
        city.account("plan-office", "office"),
        city.account("plan-office", "office", name="leader"),
    )
    civil, finance, health = (city.account("unit-clerk", one) for one in ("civil", "finance", "health"))
    move = city.cases.move
    duty = await city.cases.start(
        office, "supervision/duty", {"content": "建设站点", "due": "2026-06-30"}, receiver="civil"
    )
    await move(civil, duty.id, "dispute", {"comment": "用地不属我局"})
    issue = (await city.cases.start(civil, "conference/issue", _ISSUE, focus=f"Task/{duty.id}")).id
    other = (await city.cases.start(civil, "conference/issue", {**_ISSUE, "subject": "另一议题"})).id
    with pytest.raises(NotFound):
        await city.store.read(health, "Task", issue)
    await move(office, issue, "return", {"comment": "请补充方案"})
    await move(
        civil,
        issue,
        "resubmit",
        {"content": "用地责任不明。", "proposal": "由财政部门牵头，自然资源部门配合。"},
    )
    for one in (issue, other):
        await move(office, one, "accept", {})
    meeting = (await city.cases.start(office, "conference/meeting", _MEETING)).id
    await move(office, meeting, "set-agenda", {"agenda": [f"Task/{issue}", f"Task/{other}"]})
    assert state_of((await city.store.read(SYSTEM, "Task", issue)).resource) == "on-agenda"
    with pytest.raises(Forbidden):
        await move(office, issue, "decide", {"decision": "x", "unit": "finance", "due": "2026-05-01"})
    await move(office, meeting, "hold", {"present": ["林知远", "沈若溪"], "excused": ["孙浩"]})
    draft = {
        "opening": "会议听取了有关情况汇报。",
        "sections": [{"heading": "关于用地问题", "text": "会议认为应当明确责任。"}],
        "decisions": [
            {
                "issue": f"Task/{issue}",
                "decision": "由市财政局牵头落实用地资金",
                "unit": "finance",
                "due": "2026-05-01",
            }
        ],
    }
    await move(office, meeting, "minute", draft)
    with pytest.raises(Forbidden):
        await move(office, meeting, "issue", {"signer": "林知远"})
    issued = await move(second, meeting, "issue", {"signer": "林知远"})
    decided = (await city.store.read(SYSTEM, "Task", issue)).resource
    assert (state_of(decided), organisation_of(decided, "owner")) == ("decided", "finance")
    assert inputs(decided)["decided_on"] == "2026-03-10"
    assert state_of((await city.store.read(SYSTEM, "Task", other)).resource) == "accepted", (
        "not decided: it waits"
    )
    made = (await city.store.read(SYSTEM, "Task", outputs(decided)["resolution-1"][5:])).resource
    assert kind_of(made) == "supervision/duty"
    assert (organisation_of(made, "owner"), organisation_of(made, "requester")) == ("finance", "office")
    paper = outputs(issued.resource)["minutes"]
    for reader in (civil, finance):
        stored = (await city.store.read(reader, "DocumentReference", paper[18:])).resource
    text = read_document(base64.b64decode(stored["content"][0]["attachment"]["data"]), "minutes.docx").text
    for words in (
        "联席会议纪要",
        "2026年第1期",
        "出席：林知远、沈若溪",
        "请假：孙浩",
        "由市财政局牵头落实用地资金",
    ):
        assert words in text
    await move(finance, issue, "begin", {"work_plan": "列入预算"})
    with pytest.raises(Unprocessable) as caught:
        await move(office, issue, "close", {})
    assert "尚未全部办结" in caught.value.zh
    await move(office, made["id"], "cancel", {"comment": "会议另行安排"})
    closed = await move(office, issue, "close", {})
    assert state_of(closed.resource) == "closed"


async def test_the_yearly_report_is_signed_by_another_and_reaches_the_government(city: City) -> None:
    office, leader = (
        city.account("plan-office", "office"),
        city.account("plan-office", "office", name="leader"),
    )
    report = (await city.cases.start(office, "conference/yearly-report", {"receiver": "office", "government": "health", "report_year": 2026})).id  # fmt: skip
    draft = {
        "opening": "一年来任务总体顺利。",
        "sections": [{"heading": "主要工作", "text": "完成站点建设。"}],
        "document_code": "云联办",
    }
    await city.cases.move(office, report, "draft", draft)
    with pytest.raises(Forbidden):
        await city.cases.move(office, report, "sign", {"signer": "林知远"})
    signed = await city.cases.move(leader, report, "sign", {"signer": "林知远"})
    reader = city.account("unit-clerk", "health")
    stored = await city.store.read(reader, "DocumentReference", outputs(signed.resource)["report"][18:])
    assert stored.resource["content"][0]["attachment"]["title"] == "年度报告云联办〔2026〕1号.docx"
