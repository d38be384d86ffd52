"""Leads of the demo city in different states."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove

_LEADS = (
    ("恒翼康复机器人公司", "biopharma", "yangtze", "990103", 24000, "沈若溪（区长）", "government-990103", "target-list", 1, "contacted"),
    ("澜岸养老运营集团", "elder-care", "pearl", "990102", 38000, "林知远（分管副市长）", "unit-commerce", "target-list", 2, "contacted"),
    ("澄江康复器械公司", "biopharma", "pearl", "990103", 12000, "沈若溪（区长）", "government-990103", "enterprise", 0, "signed"),
    ("翠屏健康食品公司", "food", "chengyu", "990104", 6800, "方启明（区长）", "government-990104", "chamber", 0, "identified"),
    ("柏舟体检连锁公司", "medical", "inland", "990103", 9000, "沈若溪（区长）", "government-990103", "fair", 0, "dropped"),
)  # fmt: skip


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the leads; arrivals are entered by hand."""
    office = city.unit("commerce").id
    for firm, field, region, district, investment, leader, unit, source, target, state in _LEADS:
        values: dict[str, Any] = {
            "firm": firm, "field": field, "region": region, "district": district, "investment": investment,
            "leader": leader, "source": source, "receiver": office,
            **({"target": f"Basic/investment-target-{target}"} if target else {}),
        }  # fmt: skip
        day = city.day(-8)
        moves: list[DemoMove] = []
        if state != "identified":
            told = {
                "contacted_on": day,
                "contact_kind": "visit",
                "contact_leader": leader,
                "contact_note": "拜访企业总部，对方有落地意向。",
            }
            moves.append(DemoMove("contact", unit, told, 30))
        if state == "signed":
            moves += _signed(city, unit, leader)
        if state == "dropped":
            moves.append(
                DemoMove("drop", unit, {"drop_reason": "elsewhere", "comment": "已在邻市签约。"}, 30)
            )
        yield DemoCase("investment/lead", unit, 9, values, moves=tuple(moves))


def _signed(city: DemoCity, unit: str, leader: str) -> list[DemoMove]:
    """Return the moves from talks to a contract whose first promise was due yesterday."""
    today = city.today
    talked = {
        "talked_on": (today - timedelta(days=7)).isoformat(),
        "talk_leader": leader,
        "intention": "租用标准厂房两年，达产后购地。",
    }
    promises = [
        {
            "promise": "提供标准厂房3000平方米",
            "side": "ours",
            "unit": unit,
            "day": (today - timedelta(days=1)).isoformat(),
        },
        {
            "promise": "首期到位资金3000万元",
            "side": "theirs",
            "unit": unit,
            "day": (today + timedelta(days=60)).isoformat(),
        },
    ]
    signed = {
        "contract_amount": 12000, "signed_on": (today - timedelta(days=6)).isoformat(), "signed_for_us": leader,
        "signed_for_them": "企业法定代表人", "contract": f"DocumentReference/investment-paper-{unit}", "promises_made": promises,
    }  # fmt: skip
    return [DemoMove("talk", unit, talked, 40), DemoMove("sign", unit, signed, 30)]
