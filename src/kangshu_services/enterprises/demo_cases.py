"""Cases of the demo city's enterprises, in different states; some are due these days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove

_INDUSTRY = "unit-industry"
_COUNTY = "government-990102"
_SCORES = [
    {"criterion": "经营规模与成长性", "weight": 40, "score": 84},
    {"criterion": "创新能力", "weight": 35, "score": 78},
    {"criterion": "带动与影响", "weight": 25, "score": 81},
]


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield recognitions under check, review and notice, one refused, calls for returns, a product to be accepted, and a reward."""
    check = DemoMove(
        "check", "", {"authority": f"Organization/{_INDUSTRY}", "county_opinion": "情况属实，同意推荐。"}, 50
    )
    review = DemoMove(
        "review", _INDUSTRY, {"scores": _SCORES, "opinion": "专家组认为成长性好，建议认定。"}, 70
    )
    yield _recognition("heming", "鹤鸣制药（云汐）有限公司", "990102", "leading", 3, ())
    yield _recognition(
        "baicao", "云汐百草堂药业股份有限公司", "990103", "leading", 9,
        (DemoMove("check", "", {"authority": f"Organization/{_INDUSTRY}", "county_opinion": "年报齐全，同意推荐。"}, 60),),
    )  # fmt: skip
    yield _recognition("lingxi", "灵犀医疗器械有限公司", "990103", "backbone", 12, (check, review))
    yield _recognition(
        "songhe",
        "松鹤智慧养老服务有限公司",
        "990103",
        "backbone",
        14,
        (check, review, DemoMove("notice", _INDUSTRY, {}, 120)),
    )
    yield _recognition(
        "qingquan", "清泉药用辅料有限公司", "990105", "high-growth", 20,
        (DemoMove("return", "", {"comment": "请补充近一年审计报告。"}, 40),),
    )  # fmt: skip
    for firm, moves in (
        ("anju", ()),
        (
            "yunce",
            (DemoMove("submit", "", {"output": 0, "revenue": 2700, "research": 410, "staff": 66}, 30),),
        ),
    ):
        values = {"receiver": f"enterprise-{firm}", "report_year": city.today.year - 1}
        yield DemoCase("enterprises/yearly-return", _INDUSTRY, 8, values, moves=moves)
    acceptance = {
        "receiver": _INDUSTRY,
        "enterprise": "enterprise-lingxi",
        "what": "product",
        "name": "灵犀便携雾化器",
        "tier": "key",
        "sector": "devices",
        "licence": "演械注准20260018",
        "renown": "出口六国，连续两年行业展会金奖。",
        "evidence": "DocumentReference/enterprise-paper-lingxi",
    }
    yield DemoCase("enterprises/acceptance", "enterprise-lingxi", 4, acceptance)
    reward = {
        "receiver": _INDUSTRY,
        "enterprise": "enterprise-lingxi",
        "name": "灵犀医疗器械有限公司",
        "health_industry": True,
        "board": "neeq",
        "event_day": f"{city.today.year}-03-18",
    }
    yield DemoCase(
        "enterprises/listing-reward",
        "enterprise-lingxi",
        6,
        reward,
        moves=(DemoMove("check", _INDUSTRY, {}, 30),),
    )


def _recognition(
    firm: str, name: str, district: str, tier: str, days: float, moves: tuple[DemoMove, ...]
) -> DemoCase:
    values: dict[str, Any] = {
        "receiver": f"government-{district}",
        "enterprise": f"enterprise-{firm}",
        "name": name,
        "district": district,
        "tier": tier,
        "level": "city",
        "growth": 24,
        "summary": "主营业务突出，近三年持续增长，在本地产业链中带动作用明显。",
    }
    return DemoCase("enterprises/recognition", f"enterprise-{firm}", days, values, moves=moves)
