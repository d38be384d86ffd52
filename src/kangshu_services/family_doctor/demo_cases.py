"""Contracts and services of the demo city as the engine runs them: offered, asked for, in force, planned, missed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from kangshu.sdk import DemoCase, DemoCity, DemoMove, DemoResident
from kangshu_services.family_doctor.demo import Team, teams, undecided

_FEW = 3


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
