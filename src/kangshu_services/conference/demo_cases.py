"""Issues and a meeting of the demo city's joint conference, and issues that wait for the next one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield an issue, the meeting that decides it, and three that have not come so far."""
    office = city.unit("development-reform").id
    accept = DemoMove("accept", office, {"comment": "同意提请联席会议研究。"}, 20)
    yield _issue(city, "housing", "明确社区康养设施用房移交责任", "project", 52, (accept,))
    yield _meeting(city, office)
    yield _issue(city, "medical-insurance", "长期护理服务费用分担办法", "policy", 12, (accept,))
    yield _issue(city, "education", "学校健康副校长配备进度", "progress", 4, ())
    returned = DemoMove("return", office, {"comment": "请补充涉及县区的意见后再提请。"}, 20)
    yield _issue(city, "commerce", "健康消费促进活动安排", "project", 8, (returned,))


def _issue(
    city: DemoCity, unit: str, subject: str, kind: str, days: float, moves: tuple[DemoMove, ...]
) -> DemoCase:
    values = {
        "receiver": city.unit("development-reform").id,
        "subject": subject,
        "kind": kind,
        "content": "工作推进中涉及多个部门，职责和时间安排需要统一明确。",
        "proposal": "建议明确一个牵头单位和完成时限，由联席会议办公室跟踪落实。",
        "units": [city.unit("civil-affairs").id, city.unit("finance").id],
    }
    return DemoCase("conference/issue", city.unit(unit).id, days, values, moves=moves)


def _meeting(city: DemoCity, office: str) -> DemoCase:
    day = city.today - timedelta(days=38)
    units = [city.unit(one).id for one in ("civil-affairs", "finance", "housing", "health-commission")]
    values = {
        "receiver": office,
        "subject": "健康产业发展联席会议第三次全体会议",
        "meeting_day": day.isoformat(),
        "place": "市政府第二会议室",
        "chair": "林知远",
        "units": units,
    }
    decision = {
        "issue": ANY,
        "decision": "社区康养设施用房由市民政局牵头接收并公布使用办法",
        "unit": city.unit("civil-affairs").id,
        "due": city.day(60),
        "standard": "移交清单经住房城乡建设、民政部门签字确认",
    }
    minutes = {
        "opening": "会议听取了上次议定事项落实情况，研究了社区康养设施用房移交问题。",
        "sections": [
            {
                "heading": "关于用房移交",
                "text": "会议认为，移交工作关系群众就近康养，应当尽快明确责任、列出清单、限时完成。",
            }
        ],
        "decisions": [decision],
    }
    people = {"present": ["林知远", "沈若溪", "何清扬", "孙明浩"], "excused": ["周以宁"]}
    return DemoCase(
        "conference/meeting",
        office,
        46,
        values,
        moves=(
            DemoMove("set-agenda", office, {"agenda": [ANY]}, 24),
            DemoMove("hold", office, people, 150),
            DemoMove("minute", office, minutes, 48),
            DemoMove("issue", office, {"signer": "林知远"}, 30),
        ),
    )
