"""Cases of the demo city's designations, in every stage; some are due these days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove

_OFFICE = "unit-development-reform"
_SCORES = [
    {"criterion": "组织领导与规划", "weight": 15, "score": 86, "reason": "方案完整"},
    {"criterion": "产业基础", "weight": 30, "score": 80, "reason": "企业集聚初步形成"},
    {"criterion": "特色与示范性", "weight": 25, "score": 88, "reason": "做法可复制"},
    {"criterion": "设施与环境", "weight": 20, "score": 79, "reason": "步道和驿站齐全"},
    {"criterion": "长效机制", "weight": 10, "score": 75, "reason": "资金来源需明确"},
]
_OWN_SCORES = (
    (90, "实施方案和专班文件"),
    (86, "入驻企业名单"),
    (92, "特色做法两项"),
    (85, "设施照片"),
    (80, "运营资金安排"),
)


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield designations from the call to the notice, one refused and appealed, an objection, pilots, and a case of tolerance."""
    recommend = DemoMove("recommend", "", {"county_opinion": "符合标准，同意推荐。"}, 30)
    score = DemoMove(
        "score",
        _OFFICE,
        {"scores": _SCORES, "panel": "产业、医养、规划专家各一名", "opinion": "建议进入实地考察。"},
        60,
    )
    visit = DemoMove(
        "visit", _OFFICE,
        {"visit_day": city.day(-6), "visitors": "发改委、卫健委各一人", "findings": "设施与申报一致。", "visit_passed": True}, 60,
    )  # fmt: skip
    notice = DemoMove("notice", _OFFICE, {"overlap": "两块牌子分属不同类别，建设内容不重复。"}, 30)
    refuse = DemoMove("refuse", _OFFICE, {"comment": "产业基础得分偏低。"}, 20)
    appeal = DemoMove("appeal", "*", {"appeal": "新入园两家企业未计入，请复核。"}, 30)
    yield _designation(city, "990105", "industry-town", "", "", 4, ())
    yield _designation(city, "990106", "demonstration-base", "songping-base", "松屏药谷基地", 5, ())
    yield _designation(city, "990104", "happy-village", "yunwu-village", "云雾村", 9, (recommend,))
    yield _designation(
        city, "990103", "demonstration-base", "shazhou-base", "沙洲湿地养生基地", 14, (recommend, score)
    )
    yield _designation(
        city, "990103", "industry-town", "chaoyin-town", "潮音运动小镇", 16, (recommend, score, visit, notice)
    )
    yield _designation(
        city,
        "990103",
        "industry-town",
        "jiangkou-park",
        "江口健康产业园",
        12,
        (recommend, score, refuse, appeal),
    )
    yield from _calls(city)
    yield from _pilots(city)
    tolerance = {
        "receiver": "unit-city-government",
        "matter": "日间照料中心委托运营合同提前终止",
        "facts": "试点委托运营，运营方经营困难，双方协商终止，设施空置两个月。",
        "harm": "二十四名老人临时转到邻近中心，无经济损失。",
    }
    verify = {
        "verified_facts": "委托经集体研究并公示，终止后及时安置。",
        "tried_first": True,
        "procedure": True,
        "no_gain": True,
        "remedied": True,
    }
    yield DemoCase(
        "designations/tolerance",
        "unit-civil-affairs",
        20,
        tolerance,
        moves=(DemoMove("verify", "", verify, 90),),
    )


def _calls(city: DemoCity) -> Iterator[DemoCase]:
    call = {
        "receiver": _OFFICE,
        "kind": "ActivityDefinition/designation-medical-elder-unit",
        "level": "city",
        "apply_by": city.day(18),
        "units": ["government-990103", "government-990105"],
        "text": "请组织符合条件的医疗卫生机构和养老机构申报医养结合示范单位。",
    }
    yield DemoCase("designations/call", _OFFICE, 3, call)


def _designation(
    city: DemoCity, district: str, kind: str, site: str, name: str, days: float, moves: tuple[DemoMove, ...]
) -> DemoCase:
    values = {
        "authority": _OFFICE,
        "unit": f"government-{district}",
        "kind": f"ActivityDefinition/designation-{kind}",
        "level": "city",
        "apply_by": city.day(2),
    }
    applied: tuple[DemoMove, ...] = ()
    if site:
        form: dict[str, Any] = {
            "site": f"Location/site-{site}",
            "place_name": name,
            "district": district,
            "county": f"government-{district}",
            "self_scores": [{"own_score": one, "own_ground": ground} for one, ground in _OWN_SCORES],
            "self_assessment": "对照标准逐项自评，基础设施齐全，已形成可复制的做法。",
        }
        applied = (DemoMove("apply", "", form, 12),)
    return DemoCase("designations/designation", _OFFICE, days, values, moves=(*applied, *moves))


def _pilots(city: DemoCity) -> Iterator[DemoCase]:
    form = {
        "receiver": "unit-health-commission",
        "name": "望川区中西医协作试点",
        "kind": "tcm-cooperation",
        "unit": "government-990105",
        "district": "990105",
        "start": city.day(-10),
        "finish": city.day(350),
        "design": "两家医院共建协作门诊，统一评估、联合查房。",
        "indicators": [
            {"indicator": "联合门诊人次", "baseline": 0, "goal": 1200},
            {"indicator": "双向转诊例数", "baseline": 12, "goal": 60},
        ],
    }
    report = {"indicators": [{"actual": 86}, {"actual": 15}], "progress": "协作门诊已开，病历互通尚需协调。"}
    yield DemoCase(
        "designations/pilot", "government-990105", 15, form,
        moves=(DemoMove("approve", "", {}, 60), DemoMove("report", "*", report, 120)),
    )  # fmt: skip
    later = {
        **form,
        "name": "云湖区健康管理试点",
        "kind": "health-management-county",
        "unit": "government-990102",
        "district": "990102",
    }
    yield DemoCase("designations/pilot", "government-990102", 4, later)
