"""Proposals of the demo city: one just registered, one with its joint units, one signed, one answered, one handled again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove

_SESSION = "市政协五届一次会议"
_MATTERS: tuple[tuple[str, str, str, str, str, int, str], ...] = (
    ("proposer-tan", "21", "关于增加社区健身和康养设施的提案", "老旧小区活动场地少，建议结合更新改造增设健身步道和康养角。", "civil-affairs", 40, "sent"),
    ("proposer-women", "15", "关于丰富社区老年食堂菜品的提案", "建议按慢性病人群提供低盐低糖套餐。", "civil-affairs", 80, "answered"),
    ("proposer-women", "33", "关于完善家庭医生签约服务的提案", "建议为高龄老人和孕产妇提供上门随访，公开签约团队名单。", "health-commission", 62, "reworked"),
    ("proposer-democratic", "45", "关于支持中医药健康产业发展的提案", "建议在产业园区设立中医药服务站，完善种植基地的检测能力。", "industry", 40, "signed"),
    ("proposer-tan", "52", "关于方便老年人就医预约的提案", "建议各医院保留现场号源，社区协助预约。", "health-commission", 25, "asking"),
    ("proposer-women", "58", "关于托育机构健康管理的提案", "建议建立托育机构健康指导员制度。", "health-commission", 9, "assigned"),
    ("proposer-democratic", "61", "关于建设健康步道网络的提案", "建议把滨水绿道连成网，设置里程和急救标识。", "housing", 3, "received"),
)  # fmt: skip
"""(proposer, number, subject, content, lead unit, days since it was received, how far it has come)."""


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the proposals; the city government's office assigns them."""
    office = city.unit("city-government").id
    for proposer, number, subject, content, lead, days, stage in _MATTERS:
        values = {
            "receiver": office,
            "category": "proposal",
            "session": _SESSION,
            "proposal_number": number,
            "proposer": proposer,
            "subject": subject,
            "content": content,
        }
        moves = tuple(_moves(city, office, city.unit(lead).id, subject, stage))
        yield DemoCase("proposals/proposal", proposer, days, values, moves=moves)


def _moves(city: DemoCity, office: str, lead: str, subject: str, stage: str) -> Iterator[DemoMove]:
    if stage == "received":
        return
    joint = [city.unit("finance").id]
    yield DemoMove(
        "assign", office, {"lead": lead, "joint": joint, "requirements": "请与提案者当面沟通后答复。"}, 60
    )
    if stage == "assigned":
        return
    yield DemoMove("accept", lead, {"contact": "综合科 0991-5550100"}, 30)
    request = {"units": joint, "request": "请就经费保障提出意见。"}
    yield DemoMove("ask", "", request, 6, on="reply")
    if stage == "asking":
        return
    yield DemoMove("accept", "", {}, 20, on="reply/contribution")
    money = {"heading": "关于经费保障", "text": "有关经费已纳入年度部门预算，按项目进度拨付，专款专用。"}
    yield DemoMove("report", "", money, 60, on="reply/contribution")
    yield DemoMove("take", "*", {}, 20, on="reply/contribution")
    talk = {"visit_date": ANY, "visit_way": "meeting", "visit_people": "提案者、承办科室", "visit_notes": "就办理思路当面听取意见，提案者表示认可，希望明确时间表。"}  # fmt: skip
    yield DemoMove("visit", "", talk, 30, on="reply")
    yield DemoMove("cite", "", {"cited": ANY}, 2, on="reply")
    yield DemoMove("draft", "", _draft(city, lead, subject), 40, on="reply")
    yield DemoMove("sign", "", {"signer": "分管负责人"}, 20, on="reply")
    if stage == "signed":
        return
    yield DemoMove("send", lead, {"way": "system"}, 10)
    if stage == "sent":
        return
    if stage == "answered":
        yield DemoMove("satisfied", "*", {"satisfaction": "satisfied", "opinion": "答复具体，有时间表。"}, 90)
        return
    yield DemoMove("not-satisfied", "*", {"comment": "上门随访的人群范围和时间没有说清。"}, 70)
    yield DemoMove("rework", lead, {"rework_plan": "补充随访人群、频次和完成时间，再次征求意见。"}, 20)


def _draft(city: DemoCity, lead: str, subject: str) -> dict[str, Any]:
    work = (
        "我们把提案内容纳入年度重点工作，逐项核对现有设施和服务能力，排出了实施清单。"
        "\n目前已完成现场摸底和方案论证，首批项目已经开工。"
    )
    return {
        "opening": f"您提出的《{subject}》收悉。感谢您对全市健康事业的关心。经会同市财政局研究，现答复如下：",
        "sections": [
            {"heading": "办理情况", "text": work},
            {"heading": "关于经费保障", "text": "有关经费已纳入年度部门预算，按项目进度拨付，专款专用。"},
        ],
        "commitments": [
            {
                "promise": "完成首批项目建设并向社会公布点位",
                "unit": lead,
                "by": city.day(120),
                "standard": "现场验收合格，点位清单公开",
            }
        ],
        "result_class": "B",
        "disclosure": "public",
        "contact": "综合科 0991-5550100",
        "document_code": "云办函",
    }
