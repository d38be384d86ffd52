"""Contracts and services of the demo city as the engine runs them: offered, asked for, in force, planned, missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from kangshu.sdk import DemoCase, DemoCity, DemoMove, DemoResident
from kangshu_services.family_doctor.demo import Team, teams, undecided

_FEW = 3
_HALF = 6
"""Last month of the half-year that is settled."""


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield cases of the first centre that has a team with a doctor of its own."""
    team = next(
        members[0] for members in teams(city).values() if members and members[0].members[0][0] == "gp"
    )
    chosen = iter(undecided(city))
    for number, resident in enumerate(islice(chosen, _FEW)):
        yield _offer(city, team, resident, days=1.0 + number, ahead=7)
    for number, resident in enumerate(islice(chosen, _FEW)):
        yield _application(city, team, resident, days=0.5 + number * 2)
    for number, resident in enumerate(islice(chosen, _FEW)):
        agree = DemoMove("agree", f"Patient/{resident.id}", {"consent": True}, hours=3)
        yield _offer(city, team, resident, days=6.0 + number, ahead=10 + number, moves=(agree,))
    for number, resident in enumerate(islice(chosen, 2)):
        decline = DemoMove(
            "decline", f"Patient/{resident.id}", {"comment": "常年在外地工作，暂不签约。"}, hours=5
        )
        yield _offer(city, team, resident, days=9.0 + number, ahead=3, moves=(decline,))
    yield from _settlements(city)


def _settlements(city: DemoCity) -> Iterator[DemoCase]:
    """Yield settlements of contract fees: just in, returned, with insurance, confirmed, half paid, settled."""
    health, insurance = "unit-health-commission", "unit-medical-insurance"
    assessed = {
        "settled_reason": "存量纸质协议尚未全部录入，按花名册核定。",
        "score": 91,
        "assessment": "签约、履约和续签达到要求，满意度良好。",
    }
    assess = DemoMove("assess", health, assessed, 60)
    confirm = DemoMove("confirm", insurance, {"comment": "参保人月核对一致。"}, 70)
    paid = {"insurance_paid_on": city.day(-6), "insurance_voucher": "YB20260017"}
    settled = {"health_paid_on": city.day(-60), "health_voucher": "GW20260004"}
    first = DemoMove("pay-insurance", insurance, paid, 90)
    more = DemoMove("return", health, {"comment": "参保人月数多于签约台账，请逐月核对后重报。"}, 50)
    query = DemoMove("query", insurance, {"comment": "请说明三月新增签约的参保地。"}, 30)
    ways: tuple[tuple[float, tuple[DemoMove, ...]], ...] = (
        (0.6, ()),
        (6.0, (more,)),
        (5.0, (assess,)),
        (9.0, (assess, confirm)),
        (18.0, (assess, query, assess, confirm, first)),
        (120.0, (assess, confirm, first, DemoMove("pay-health", health, settled, 200))),
    )
    year = city.today.year if city.today.month > _HALF else city.today.year - 1
    for number, (centre, (days, moves)) in enumerate(
        zip(city.of_kind("community-health-centre"), ways, strict=False)
    ):
        # about as many contracts as a centre of the demo city has, six months long; one has counted too many
        months = 1540 + 45 * number
        values = {
            "receiver": f"Organization/{health}",
            "insurance": f"Organization/{insurance}",
            "period_start": f"{year}-01-01",
            "period_end": f"{year}-06-30",
            "months": months,
            "insured_months": months - 310,
            "person_received": months,
        }
        made = (
            replace(one, values={**one.values, "settled_months": months}) if one is assess else one
            for one in moves
        )
        yield DemoCase("family_doctor/fee-settlement", centre.id, days, values, moves=tuple(made))


def _offer(
    city: DemoCity,
    team: Team,
    resident: DemoResident,
    *,
    days: float,
    ahead: int,
    moves: tuple[DemoMove, ...] = (),
) -> DemoCase:
    values = {
        "receiver": team.centre.id,
        "team": f"CareTeam/{team.id}",
        "package": "PlanDefinition/package-basic",
        "start": city.day(ahead),
        "origin": "offer",
    }
    return DemoCase("family_doctor/contract", team.centre.id, days, values, resident.id, moves)


def _application(city: DemoCity, team: Team, resident: DemoResident, *, days: float) -> DemoCase:
    values = {
        "receiver": team.centre.id,
        "package": "PlanDefinition/package-basic",
        "start": city.day(5),
        "origin": "application",
        "needs": "想每季度量一次血压，方便的时候线上咨询。",
    }
    return DemoCase("family_doctor/contract", f"Patient/{resident.id}", days, values, resident.id)
