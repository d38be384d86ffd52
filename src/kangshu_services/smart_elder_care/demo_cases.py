"""Calls, orders, visits and the rest in the demo city, as far as each has come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove, DemoResident
from kangshu_services.smart_elder_care.demo import CALL_CENTRE, coverage_of, enrolled, entitled

_MINUTE = 1 / 1440
_CALLS = (
    ("rescue", "asap", "one-touch", 3 * _MINUTE, ("escalate",)),
    ("rescue", "asap", "one-touch", 12 * _MINUTE, ("answer", "conference")),
    ("rescue", "stat", "vital", 25 * _MINUTE, ("answer", "conference", "send-help")),
    ("rescue", "asap", "one-touch", 0.3, ("answer", "send-help", "resolve")),
    ("rescue", "asap", "one-touch", 1.2, ("answer", "mark-false")),
    ("comfort", "routine", "telephone", 2.0, ("answer", "resolve", "call-back")),
    ("rescue", "stat", "fall", 6.0, ("answer", "conference", "send-help", "resolve", "call-back")),
    ("rescue", "asap", "one-touch", 11.0, ("escalate", "answer", "send-help", "resolve", "call-back")),
    ("health", "urgent", "one-touch", 20.0, ("answer", "resolve", "call-back")),
)
"""Kind, urgency, channel, days ago, moves made."""
_MOVES: dict[str, tuple[dict[str, Any], float]] = {
    "answer": ({"agent": "2号席"}, 0.006),
    "escalate": ({}, 0.02),
    "conference": ({"party": ["family", "grid-worker"], "party_name": "长女、晨光社区网格员", "agreed": "家属二十分钟内到家，网格员先行上门。"}, 0.03),
    "send-help": ({"helper": ["grid-worker", "emergency-120"], "helper_name": "网格员 0900-68101001", "instruction": "老人自述头晕，门可用备用钥匙开启。"}, 0.04),
    "resolve": ({"outcome": "on-site", "summary": "到场后扶起测压，血压平稳，家属留守。"}, 0.5),
    "mark-false": ({"false_reason": "pressed-by-mistake", "confirmed_with": "本人接听，擦拭设备时误触"}, 0.05),
    "call-back": ({"reached": "person", "satisfied": "satisfied", "comment": "情况良好。"}, 20.0),
}  # fmt: skip
_FAR = Decimal("0.02")
"""Degrees, about two kilometres: where somebody checked in who was not at the door."""
_FAR_UNITS = 3
"""How many units the order has at which somebody was not at the door."""
_CARER = "PractitionerRole/worker-02-home-carer"
"""Who has an account of the demo city: the order that is accepted waits for this carer to check in."""
_DONE = ("dispatch", "accept", "check-in", "check-out", "confirm")
_ORDERS = (
    ("elder-service-01-{district}", 5, 0.05, ()),
    ("elder-service-02-{district}", 2, 0.4, ("dispatch",)),
    ("elder-service-03-990102", 1, 0.8, ("dispatch", "accept")),
    ("elder-service-02-990102", 2, 1.4, ("dispatch", "accept", "check-in")),
    ("elder-service-05-990102", 3, 2.2, ("dispatch", "accept", "check-in", "check-out")),
    ("elder-service-02-990102", 2, 8.0, ("dispatch", "accept", "check-in", "check-out", "confirm")),
    ("elder-service-03-990102", 1, 14.0, ("dispatch", "accept", "check-in", "check-out", "confirm")),
    ("elder-service-04-990102", 1, 16.0, ("dispatch", "cancel")),
)
"""Service, units, days ago, moves made."""
_BOUGHT = (
    ("elder-service-02-990102", 2, 26.0, _DONE),
    ("elder-service-02-990102", 1, 24.0, _DONE),
    ("elder-service-03-990102", 1, 12.0, _DONE),
    ("elder-service-02-990102", 3, 11.0, _DONE),
    ("elder-service-02-990102", 2, 9.0, _DONE[:4]),
)
"""What government buys for those with an entitlement; the last one waits to be rated."""
_PROVIDER_OF = {"01": "provider-nuanyang", "02": "provider-lelin", "03": "provider-lelin", "04": "provider-lelin", "05": "provider-kanghe"}  # fmt: skip


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the cases; the people are those enrolled, the frailest of the first district."""
    people = [one for one in enrolled(city) if one.district == "990102"]
    for number, (kind, urgency, channel, days, moves) in enumerate(_CALLS):
        resident = people[number % len(people)]
        values = {"kind": kind, "urgency": urgency, "channel": channel, "caller": f"0900-70{number:06d}"}
        steps = tuple(DemoMove(one, CALL_CENTRE, _MOVES[one][0], _MOVES[one][1]) for one in moves)
        yield DemoCase("smart_elder_care/call", CALL_CENTRE, days, values, resident.id, steps)
    for number, (service, units, days, moves) in enumerate(_ORDERS):
        resident = people[(number + 3) % len(people)]
        yield _order(city, resident, service.format(district=resident.district), units, days, moves)
    pilot = entitled(city)
    for number, (service, units, days, moves) in enumerate(_BOUGHT):
        yield _order(city, pilot[number % len(pilot)], service, units, days, moves, bought=True)
    yield from _settlements(city)
    yield from _others(city, people)


def _settlements(city: DemoCity) -> Iterator[DemoCase]:
    """Yield a settlement that waits for the finance office, and one to be checked."""
    civil = city.unit("civil-affairs").id
    period = {"from": (city.today - timedelta(days=60)).isoformat(), "to": (city.today - timedelta(days=18)).isoformat()}  # fmt: skip
    values = {"receiver": civil, "provider": "provider-lelin", **period}
    moves = (
        DemoMove("check", civil, {"spot_checked": 1}, 20.0),
        DemoMove("approve", civil, {"payer": city.unit("finance").id}, 24.0),
    )
    yield DemoCase("smart_elder_care/settlement", civil, 6.0, values, moves=moves)
    values |= {"from": period["to"], "to": city.today.isoformat()}
    yield DemoCase("smart_elder_care/settlement", civil, 1.0, values)


def _order(
    city: DemoCity,
    resident: DemoResident,
    service: str,
    units: int,
    days: float,
    moves: tuple[str, ...],
    *,
    bought: bool = False,
) -> DemoCase:
    provider = _PROVIDER_OF[service[14:16]]
    day = city.today - timedelta(days=round(days) - 1)
    values = {
        "receiver": CALL_CENTRE,
        "service": f"HealthcareService/{service}",
        "wanted_on": day.isoformat(),
        "wanted_at": "09:30",
        "units": units,
        **({"payer": "government", "entitlement": f"Coverage/{coverage_of(resident)}"} if bought else {"payer": "self"}),
    }  # fmt: skip
    here = city.position(resident.community, resident.household)
    away = _FAR if bought and units == _FAR_UNITS else 0
    filled: dict[str, tuple[str, dict[str, Any], float]] = {
        "dispatch": (CALL_CENTRE, {"provider": provider}, 0.5),
        "accept": (provider, {"worker": _CARER if moves[-1:] == ("accept",) else ANY}, 1.0),
        "check-in": (provider, {"arrived_at": f"{day}T09:32:00+08:00", "latitude": str(here["latitude"] + away), "longitude": str(here["longitude"])}, 20.0),
        "check-out": (provider, {"left_at": f"{day}T11:20:00+08:00", "fulfilled": "按约完成，老人在场。"}, 2.0),
        "confirm": (CALL_CENTRE, {"rating": "5", "paid_by": "government" if bought else "transfer", "comment": "很准时。"}, 5.0),
        "cancel": (CALL_CENTRE, {"cancel_reason": "not-needed"}, 3.0),
    }  # fmt: skip
    steps = tuple(DemoMove(one, *filled[one]) for one in moves)
    return DemoCase("smart_elder_care/order", CALL_CENTRE, days, values, resident.id, steps)


def _others(city: DemoCity, people: list[DemoResident]) -> Iterator[DemoCase]:
    community, civil = "community-990102001001", city.unit("civil-affairs").id
    visit = {"receiver": community, "platform": CALL_CENTRE}
    done = {"visited_on": city.day(-1), "way": "home", "result": "well", "found": "精神好，煤气已关。"}  # fmt: skip
    for number in range(4):
        moves = (DemoMove("visit", community, done, 20.0),) if number < 2 else ()
        yield DemoCase(
            "smart_elder_care/round-visit", CALL_CENTRE, 2.0, visit, people[number % len(people)].id, moves
        )
    enrol = {"receiver": CALL_CENTRE, "basic": ["rescue", "health"], "agreed": True}
    yield DemoCase("smart_elder_care/enrolment", CALL_CENTRE, 1.0, enrol, people[-1].id)
    need = {"receiver": CALL_CENTRE, "kind": "assistive-device", "wish": "短期租用轮椅，术后使用。", "budget": "200", "until": city.day(10)}  # fmt: skip
    yield DemoCase("smart_elder_care/demand", CALL_CENTRE, 1.0, need, people[5 % len(people)].id)
    need |= {"wish": "租用助行器三个月。", "until": city.day(20)}
    quotes = (
        DemoMove("ask-providers", CALL_CENTRE, {"told": "租用助行器三个月，需送货上门。"}, 2.0),
        DemoMove("quote", "", {"price": "140", "earliest": city.day(2), "words": "送货上门，含使用指导。"}, 5.0, on="bid"),
        DemoMove("collect", CALL_CENTRE, {}, 3.0),
    )  # fmt: skip
    yield DemoCase("smart_elder_care/demand", CALL_CENTRE, 2.0, need, people[6 % len(people)].id, quotes)
    asked = {"receiver": civil, "provider": "provider-songtao", "decision": "admit", "reasons": "证照齐全，护工12人，现场核查合格。"}  # fmt: skip
    checked = DemoMove("check", civil, {"checked": "现场核对证照和人员。"}, 20.0)
    yield DemoCase("smart_elder_care/standing", civil, 3.0, asked, moves=(checked,))
    check = {"receiver": CALL_CENTRE, "silent_since": city.day(-9)}
    yield DemoCase("smart_elder_care/device-check", CALL_CENTRE, 0.1, check, people[6 % len(people)].id)
