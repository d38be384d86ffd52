"""Assessments and yearly checks of the demo city, from applications to results, some of them waiting today."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from kangshu.sdk import DemoCase, DemoCity, DemoMove, DemoResident
from kangshu_services.elder_health.demo import invited

_ASSESSMENTS: tuple[tuple[str, int, float], ...] = (
    ("applied", 3, 1.0),
    ("applied", 1, 12.0),  # late
    ("accepted", 4, 4.0),
    ("refused", 1, 9.0),
)
"""(stage, how many, days since the start)."""
_CHECKS: tuple[tuple[str, int, float], ...] = (
    ("invited", 6, 6.0),
    ("appointed", 4, 5.0),
    ("unreachable", 2, 7.0),
    ("examining", 3, 1.0),
    ("declined", 1, 10.0),
)


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield applications for an assessment, and invitations to the yearly service."""
    old = [one for one in city.elders(70) if one.frailty > 0.35]
    people = iter(city.rng.sample(old, min(len(old), sum(count for _, count, _ in _ASSESSMENTS))))
    for stage, count, days in _ASSESSMENTS:
        for number in range(count):
            if (resident := next(people, None)) is not None:
                yield _assessment(city, stage, days + number * 0.3, resident)
    people = iter(invited(city, sum(count for _, count, _ in _CHECKS)))
    for stage, count, days in _CHECKS:
        for number in range(count):
            if (resident := next(people, None)) is not None:
                yield _check(city, stage, days + number * 0.2, resident)


def _assessment(city: DemoCity, stage: str, days: float, resident: DemoResident) -> DemoCase:
    authority, today = city.unit("civil-affairs").id, city.today.isoformat()
    moves = {
        "applied": (),
        "accepted": (DemoMove("accept", authority, {"body": "assessing-kangan", "planned_on": today}, 5),),
        "refused": (
            DemoMove("refuse", authority, {"comment": "半年内已在本市完成评估且身体状况没有变化。"}, 6),
        ),
    }[stage]
    values = {
        "authority": authority,
        "applied_by": "health-centre",
        "purposes": ["service-plan", "subsidy"],
        "reason": "first",
        "place": "老人家中",
        "consent": True,
    }
    return DemoCase("elder_health/ability-assessment", resident.centre, days, values, resident.id, moves)


def _check(city: DemoCity, stage: str, days: float, resident: DemoResident) -> DemoCase:
    centre, today = resident.centre, city.today.isoformat()
    book = DemoMove("appoint", centre, {"appointed_on": today, "appointed_at": "本中心体检室"}, 5)
    moves = {
        "invited": (),
        "appointed": (book,),
        "unreachable": (DemoMove("not-reached", centre, {"comment": "三次电话无人接听"}, 20),),
        "examining": (DemoMove("begin", centre, {"served_on": today}, 3),),
        "declined": (DemoMove("decline", centre, {"comment": "本年度已在单位体检"}, 8),),
    }[stage]
    values = {"until": date(city.today.year, 12, 31).isoformat(), "invited_by": "phone"}
    return DemoCase("elder_health/yearly-check", centre, days, values, resident.id, moves)
