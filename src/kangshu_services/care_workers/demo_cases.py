"""Incentive claims, enrolments and a new post of the demo city's care workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kangshu.sdk import DemoCase, DemoCity, DemoMove, DemoPractitioner

_DAY = 24.0
_HOMES = ("elder-guiyuan", "elder-xiyang", "elder-chaoyin", "elder-yunxi-welfare")
_STAGES: tuple[tuple[str, str, float], ...] = (
    ("allowance", "noticed", 20),
    ("allowance", "noticed", 19),
    ("allowance", "payable", 40),
    ("allowance", "payable", 41),
    ("allowance", "paid", 200),
    ("degree", "submitted", 0.2),
    ("level", "confirmed", 3),
    ("degree", "continuity", 16),
    ("degree", "refused", 25),
)
"""(incentive, how far it has come, days since it came in)."""


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the claims of carers who have served for long, people who enrol, and a post that is to be checked."""
    civil, finance = city.unit("civil-affairs").id, city.unit("finance").id
    carers = iter(_carers(city))
    for number, (incentive, stage, days) in enumerate(_STAGES, 1):
        carer = next(carers, None)
        if carer is None:
            return
        home = carer.organisation
        year = city.today.year if city.today.month > 6 else city.today.year - 1
        values: dict[str, Any] = {
            "incentive": incentive,
            "worker": f"Practitioner/{carer.id}",
            "receiver": f"Organization/{civil}",
            "account": f"62170000{number:011d}",
            "bank": "云汐农村商业银行",
        }
        if incentive == "allowance":
            values |= {"period_start": f"{year}-01-01", "period_end": f"{year}-06-30"}
        moves = tuple(_moves(city, stage, home, civil, finance))
        yield DemoCase("care_workers/incentive", home, days, values, moves=moves)
    yield from _enrolments(city, civil)
    carer = next(carers, None)
    if carer is not None:
        post = {
            "worker": f"Practitioner/{carer.id}",
            "starts_on": city.day(5),
            "post": "frontline",
            "wage": "3600",
        }
        yield DemoCase("care_workers/post", "elder-chaoyin", 1, post)


def _carers(city: DemoCity) -> list[DemoPractitioner]:
    """Return the carers of the homes whose workers are entitled, the longest in post first."""
    found = [
        one for one in city.practitioners if one.role == "elder-care-worker" and one.organisation in _HOMES
    ]
    return sorted(found, key=lambda one: one.since)


def _moves(city: DemoCity, stage: str, home: str, civil: str, finance: str) -> Iterator[DemoMove]:
    if stage == "submitted":
        return
    yield DemoMove("confirm", home, {"leave_months": 0, "confirmation": "在岗情况属实，已公示无异议。"}, _DAY)
    if stage == "confirmed":
        return
    if stage == "refused":
        yield DemoMove("refuse", civil, {"refusal": "学历证书与学信网不一致，请核实后再申报。"}, 6 * _DAY)
        return
    checked = {"check_opinion": "社保、劳动合同与任职台账一致，连续从业。"}
    yield DemoMove("check", civil, checked, 8 * _DAY)
    if stage == "continuity":
        return
    yield DemoMove("notice", civil, {"payer": f"Organization/{finance}"}, 5 * _DAY)
    if stage == "noticed":
        return
    yield DemoMove("pass", civil, {}, 18 * _DAY)
    if stage == "paid":
        paid = {"paid_on": city.day(-160), "voucher": "HB00021"}
        yield DemoMove("pay", finance, paid, 5 * _DAY)


def _enrolments(city: DemoCity, civil: str) -> Iterator[DemoCase]:
    people = (
        ("陈玉兰", 52, False, False, 2, False),
        ("刘建国", 61, True, False, 9, True),
        ("赵敏", 33, False, True, 12, True),
    )
    for name, age, retired, employed, days, enrolled in people:
        values = {
            "receiver": f"Organization/{civil}",
            "name": name,
            "birth_date": city.day(-age * 366),
            "retired": retired,
            "employed": employed,
            "phone": "0900-55501234",
            "aim": "pre-job",
        }
        moves = (
            (DemoMove("enrol", civil, {"course": "养老护理员岗前培训第三期"}, 2 * _DAY),) if enrolled else ()
        )
        yield DemoCase("care_workers/enrolment", "elder-guiyuan", days, values, moves=moves)
