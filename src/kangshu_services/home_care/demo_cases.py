"""Home visits and beds of the demo city as cases, in different states, some for today."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove, DemoResident
from kangshu_services.home_care.demo import bedded

_ORDERS: tuple[tuple[str, int, float], ...] = (
    ("requested", 3, 0.5),
    ("requested", 1, 5.0),  # late
    ("assessed", 2, 1.5),
    ("planned", 3, 2.0),
    ("visiting", 1, 1.0),
    ("recorded", 2, 3.0),
    ("closed", 3, 9.0),
)
"""(stage, how many, days since the start)."""


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield home visits ordered by health centres for their residents, applications for beds, a random check, a complaint."""
    old = [one for one in city.elders(75) if one.frailty > 0.3]
    people = iter(city.rng.sample(old, min(len(old), 24)))
    for stage, count, days in _ORDERS:
        for number in range(count):
            if (resident := next(people, None)) is not None:
                yield _order(city.today.isoformat(), stage, days + number * 0.2, resident, number)
    civil = city.unit("civil-affairs").id
    for days in (2.0, 6.0, 15.0):
        if (resident := next(people, None)) is not None:
            yield _bed(civil, days, resident)
    for days in (1.0, 3.0):
        if (resident := next(people, None)) is not None:
            yield _hospital_bed(city.today.isoformat(), days, resident)
    drawn = {"receiver": civil, "provider": "home-care-yijia", "from": city.day(-60), "to": city.day(-1)}
    moves = (
        DemoMove("seal", civil, {}, 2.0),
        DemoMove("draw", civil, {"witness": "社会监督员 云某", "witness_words": "小雪初晴"}, 20.0),
    )
    # in a small city the provider has visited nobody yet, and there is nothing to draw from
    yield DemoCase("home_care/quality-round", civil, 2.0, drawn, moves=moves if bedded(city) else ())
    if (resident := next(people, None)) is not None:
        yield DemoCase(
            "home_care/quality-check",
            civil,
            4.0,
            {
                "kind": "complaint",
                "authority": civil,
                "provider": resident.centre,
                "matter": "家属反映约定的上门换药晚到两小时，事先没有电话告知。",
            },
            resident.id,
            (),
        )


def _order(today: str, stage: str, days: float, resident: DemoResident, number: int) -> DemoCase:
    centre = resident.centre
    free = number % 2 == 0
    item = "home-visit-round" if free else "home-visit-sores"
    price = 0 if free else 90
    steps = [
        DemoMove("assess", centre, {"suitable": True, "risks": "地面防滑，注意跌倒"}, 3),
        DemoMove(
            "plan",
            centre,
            {"worker": ANY, "planned_on": today, "planned_at": "上午", "price": price, "consented": True},
            4,
        ),
        DemoMove("arrive", centre, {"sign_in": "position", "position": "老人家中（定位 50 米内）"}, 10),
        DemoMove(
            "leave",
            centre,
            {"done": "血压、血糖测量平稳，完成约定项目。", "signed_by": "家属", "satisfaction": "satisfied"},
            1,
        ),
        DemoMove("close-free", centre, {}, 2)
        if free
        else DemoMove(
            "pay", centre, {"amount": price, "receipt_number": f"P{number:05d}", "paid_by": "self"}, 2
        ),
    ]
    count = {"requested": 0, "assessed": 1, "planned": 2, "visiting": 3, "recorded": 4, "closed": 5}[stage]
    values = {
        "provider": centre,
        "item": f"HealthcareService/{item}",
        "kind": "circuit" if free else "nursing",
        "wished_on": today,
        "need": "行动不便，需要上门。",
        "address": "老人家中，家属陪同",
    }
    return DemoCase("home_care/visit-order", centre, days, values, resident.id, tuple(steps[:count]))


def _bed(civil: str, days: float, resident: DemoResident) -> DemoCase:
    values = {
        "authority": civil,
        "body": resident.centre,
        "provider": "home-care-yijia",
        "address": "老人家中",
        "carer": "女儿",
        "need": "白天无人照护，需要助餐、助浴和夜间监测。",
        "consent": True,
    }
    return DemoCase("home_care/family-bed", resident.centre, days, values, resident.id, ())


def _hospital_bed(today: str, days: float, resident: DemoResident) -> DemoCase:
    centre = resident.centre
    values = {
        "provider": centre,
        "diagnosis": "脑梗死恢复期",
        "need": "肢体活动不便，需要定期换药和康复。",
        "address": "老人家中，配偶照护",
    }
    moves = (
        DemoMove(
            "assess",
            centre,
            {"assessed_on": today, "suitable": True, "findings": "生命体征平稳，居家环境整洁，有人照护。"},
            5,
        ),
    )
    return DemoCase(
        "home_care/home-hospital-bed", centre, days, values, resident.id, moves if days > 2 else ()
    )
