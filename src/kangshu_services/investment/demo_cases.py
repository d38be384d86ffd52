"""Leads of the demo city in different states."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove

_LEADS = (
    ("恒翼康复机器人公司", "biopharma", "yangtze", "990103", 24000, "沈若溪（区长）", "government-990103", "target-list", 1, "contacted"),
    ("澜岸养老运营集团", "elder-care", "pearl", "990102", 38000, "林知远（分管副市长）", "unit-commerce", "target-list", 2, "contacted"),
    ("翠屏健康食品公司", "food", "chengyu", "990104", 6800, "方启明（区长）", "government-990104", "chamber", 0, "identified"),
    ("柏舟体检连锁公司", "medical", "inland", "990103", 9000, "沈若溪（区长）", "government-990103", "fair", 0, "dropped"),
)  # fmt: skip


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the leads; visits, contracts and promises are entered by hand afterwards."""
    office = city.unit("commerce").id
    for firm, field, region, district, investment, leader, unit, source, target, state in _LEADS:
        values: dict[str, Any] = {
            "firm": firm, "field": field, "region": region, "district": district, "investment": investment,
            "leader": leader, "source": source, "receiver": office,
            **({"target": f"Basic/investment-target-{target}"} if target else {}),
        }  # fmt: skip
        day = (city.today - timedelta(days=8)).isoformat()
        moves: list[DemoMove] = []
        if state != "identified":
            told = {"contacted_on": day, "comment": "带队拜访企业总部，对方有落地意向。"}
            moves.append(DemoMove("contact", unit, told, 30))
        if state == "dropped":
            moves.append(
                DemoMove("drop", unit, {"drop_reason": "elsewhere", "comment": "已在邻市签约。"}, 30)
            )
        yield DemoCase("investment/lead", unit, 9, values, moves=tuple(moves))
