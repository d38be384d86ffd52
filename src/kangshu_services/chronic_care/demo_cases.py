"""Cases of managed patients in the demo city, in every state, one of them late."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from kangshu.sdk import DemoCase, DemoCity, DemoMove, DemoResident
from kangshu_services.chronic_care.demo import undecided

_STAGES: tuple[tuple[str, int, float], ...] = (
    ("screened-positive", 3, 3.0),
    ("screened-positive", 1, 20.0),  # late
    ("confirmed", 3, 6.0),
    ("enrolled", 3, 9.0),
    ("in-follow-up", 3, 40.0),
    ("stopped", 1, 60.0),
)
"""(stage, how many, days since the start)."""


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield cases of residents with a diagnosis who are not enrolled yet."""
    people = iter(undecided(city))
    for stage, count, days in _STAGES:
        for number in range(count):
            if (resident := next(people, None)) is not None:
                yield _case(city, stage, days + number * 0.4, resident)


def _case(city: DemoCity, stage: str, days: float, resident: DemoResident) -> DemoCase:
    centre, began = resident.centre, city.day(-ceil(days))
    confirm = DemoMove(
        "confirm",
        centre,
        {"diagnosis": "I10", "diagnosed_on": began, "basis": "非同日三次诊室血压均高于140/90。"},
        2,
    )
    enrol = DemoMove("enrol", centre, {"enrolled_on": began, "stratum": "medium"}, 4)
    begin = DemoMove(
        "begin",
        centre,
        {
            "goal": "血压低于140/90",
            "plan": "规律服药，低盐饮食，每周运动五次，每次半小时；每季度面对面随访一次。",
            "next_on": city.day(2),
        },
        6,
    )
    stop = DemoMove(
        "stop",
        centre,
        {
            "stop_reason": "refused",
            "stopped_on": city.day(1 - ceil(days)),
            "comment": "本人表示由单位医院管理。",
        },
        30,
    )
    moves = {
        "screened-positive": (),
        "confirmed": (confirm,),
        "enrolled": (confirm, enrol),
        "in-follow-up": (confirm, enrol, begin),
        "stopped": (confirm, enrol, stop),
    }[stage]
    values = {
        "disease": "hypertension",
        "receiver": centre,
        "found_by": "first-visit",
        "found_on": began,
        "finding": "首诊测血压152/94。",
    }
    return DemoCase("chronic_care/managed-patient", centre, days, values, resident.id, moves)
