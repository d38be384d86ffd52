"""Reviews of the demo city: one concluded, one waiting for the chair to sign, one with its experts just drawn, one asked for; and a lecture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove

_SCORES = [
    {"score": 88, "reason": "群众需求明确"},
    {"score": 80, "reason": "基本具备条件"},
    {"score": 76, "reason": "需细化预算"},
]


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the reviews; the reform commission keeps the library."""
    office = city.unit("development-reform").id
    seal = DemoMove("seal", office, {"number": 3}, 20)
    draw = DemoMove("draw", office, {"witness": "纪检监察组工作人员", "witness_words": "秋水长天 2718"}, 24)
    done = (
        seal,
        draw,
        DemoMove("accept", "", {"no_conflict": True}, 20, on="scoring"),
        DemoMove("confirm", office, {}, 4),
        DemoMove("score", "", {"scores": _SCORES, "opinion": "方案总体可行，建议明确分年资金来源。"}, 90, on="scoring"),
        DemoMove("score", office, {}, 4),
        DemoMove("conclude", office, {"chair": ANY, "conclusion": "changes", "opinion": "方案目标清晰、任务具体，原则同意。建议补充分年度资金安排和绩效指标，完善项目退出机制。"}, 30),
    )  # fmt: skip
    signed = (*done, DemoMove("sign", "", {"agreed": True}, 10, on="signature"))
    yield _review(city, office, "civil-affairs", "社区康养设施三年建设方案", "project", 40, signed)
    yield _review(city, office, "civil-affairs", "智慧养老平台二期建设方案", "project", 12, done)
    yield _review(city, office, "health-commission", "基层慢病管理能力提升计划", "plan", 6, (seal, draw))
    yield _review(city, office, "culture-tourism", "康养旅游线路扶持办法", "policy", 2, ())
    lecture = {
        "expert": "Practitioner/expert-01",
        "subject": "慢性病社区管理实务",
        "audience": "基层医务人员",
        "lecture_day": city.day(12),
        "place": "市卫生健康委培训中心",
    }
    yield DemoCase("experts/lecture", office, 3, lecture)


def _review(
    city: DemoCity, office: str, unit: str, subject: str, kind: str, days: float, moves: tuple[DemoMove, ...]
) -> DemoCase:
    values: dict[str, Any] = {
        "receiver": office,
        "subject": subject,
        "kind": kind,
        "content": "请就必要性、可行性和资金安排提出意见。",
        "fields": ["public-health", "elder-care", "economics", "industry"],
        "reviewed_units": [city.unit(unit).id, city.unit("industry").id],
        "number": 3,
        "criteria": [
            {"criterion": "必要性", "weight": 40},
            {"criterion": "可行性", "weight": 35},
            {"criterion": "资金安排", "weight": 25},
        ],
    }
    return DemoCase("experts/review", city.unit(unit).id, days, values, moves=moves)
