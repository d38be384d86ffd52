"""Subsidy claims of the demo city in every stage: just in, late, noticed now, waiting for the bank, paid, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove

_DAY = 24.0
_CLAIMS: tuple[tuple[str, str, float, str], ...] = (
    ("elder-guiyuan", "operating", 40, "noticed"),
    ("elder-xiyang", "operating", 60, "approved"),
    ("elder-chaoyin", "construction", 55, "approved"),
    ("elder-luhe", "difficult", 58, "approved"),
    ("elder-guiyuan", "construction", 300, "paid"),
    ("elder-xiyang", "construction", 280, "recovering"),
    ("elder-xiyang", "difficult", 0.3, "submitted"),
    ("elder-chaoyin", "operating", 45, "checked"),
    ("elder-chaoyin", "difficult", 34, "verified"),
    ("elder-luhe", "operating", 30, "refused"),
    ("elder-yunxi-welfare", "difficult", 12, "incomplete"),
)
"""(institution, subsidy, days since it came in, how far it has come)."""


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the claims; the township checks, civil affairs visit and decide, finance pays."""
    for number, (home, subsidy, days, stage) in enumerate(_CLAIMS, 1):
        place = city.organisation(home)
        office = f"office-{place.town}"
        values: dict[str, Any] = {
            "subsidy": subsidy,
            "receiver": f"Organization/{office}",
            "payee": place.name,
            "bank": "云汐农村商业银行",
            "account": f"62280000{number:011d}",
            "declaration": True,
            **_what(city.today, subsidy, number),
        }
        moves = tuple(_moves(city, office, stage, number))
        yield DemoCase("elder_subsidies/claim", home, days, values, moves=moves)


def _what(today: date, subsidy: str, number: int) -> dict[str, Any]:
    if subsidy == "construction":
        return {
            "project": f"护理型床位建设{number}期",
            # the last claims more than its register holds: who visits is told, and says why
            "beds_new": 1 if number != 6 else 6,
            "beds_converted": 1,
            "accepted_on": (today - timedelta(days=320)).isoformat(),
        }
    year = today.year if today.month > 6 else today.year - 1
    return {"period_start": f"{year}-01-01", "period_end": f"{year}-06-30"}


def _moves(city: DemoCity, office: str, stage: str, number: int) -> Iterator[DemoMove]:
    civil, finance = city.unit("civil-affairs").id, city.unit("finance").id
    if stage == "submitted":
        return
    if stage == "incomplete":
        yield DemoMove("ask", office, {"lacking": "请补充入住协议和最近三个月的收费票据。"}, 2 * _DAY)
        return
    opinion = "申报材料齐全，备案、床位和花名册与台账一致。"
    yield DemoMove(
        "check", office, {"authority": f"Organization/{civil}", "check_opinion": opinion}, 3 * _DAY
    )
    if stage == "checked":
        return
    if stage == "refused":
        yield DemoMove("refuse", civil, {"refusal": "营利性养老机构不在运营补贴范围内。"}, 4 * _DAY)
        return
    seen = {
        "visited_on": city.day(-20),
        "visitors": "民政局养老科两人、街道一人",
        "beds_seen": 12,
        "people_seen": 4 + number,
        "doubts_cleared": "逐人核对住院和离院记录，重复天数已按规则扣除；多出台账的床位已现场清点，机构正在登记。",
        "visit_result": "床位、在住人数与申报一致，消防和食品条件良好。",
    }
    yield DemoMove("verify", civil, seen, 8 * _DAY)
    if stage == "verified":
        return
    decision = {"payer": f"Organization/{finance}", "decision": "同意按核定金额补贴。"}
    yield DemoMove("notice", civil, decision, 26 * _DAY if stage == "noticed" else 5 * _DAY)
    if stage == "noticed":
        return
    yield DemoMove("approve", civil, {}, 20 * _DAY)
    if stage == "approved":
        return
    paid = {"paid_on": city.day(-200), "voucher": f"JZ{number:05d}"}
    yield DemoMove("pay", finance, paid, 6 * _DAY)
    if stage == "recovering":
        back = {
            "recovery_reason": "change-of-use",
            "recovery_amount": "3000",
            "recovery_facts": "抽查发现部分新建床位改作员工宿舍，按床位数追回。",
        }
        yield DemoMove("demand-back", civil, back, 225 * _DAY)
