"""Visits that are called, filings and facilities of the demo city, some of them waiting today and some late."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCase, DemoCity, DemoMove, DemoResident

_CALLS: tuple[tuple[str, int, int], ...] = (
    ("called", 3, 0),
    ("booked", 2, 2),
    ("unreachable", 1, 5),
    ("late", 1, -2),
)
"""(stage, how many, days until it is due)."""
_FILING = {
    "registration": "民证托字0117号",
    "nature": "non-profit",
    "staff": 9,
    "address": "演示路18号",
    "commitment": True,
    "hygiene": True,
    "fire": True,
}


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield visits of children at their centres, filings in three states, two facilities and an order."""
    children = [one for one in city.residents if 1 <= one.age(city.today) < 6]
    people = iter(city.rng.sample(children, min(len(children), sum(count for _, count, _ in _CALLS) + 1)))
    for stage, count, due in _CALLS:
        for number in range(count):
            if (child := next(people, None)) is not None:
                yield _call(city, child, stage, due + number)
    yield from _filings(city)
    yield from _compounds(city)
    if (child := next(people, None)) is not None:
        values = {
            "body": "Organization/testing-body-1",
            "item": "微量元素和维生素D检测",
            "reason": "生长发育评价偏低",
            "consent": True,
        }
        accept = DemoMove("accept", "testing-body-1", {}, 6)
        yield DemoCase("maternal_child/testing", child.centre, 3, values, child.id, (accept,))


def _call(city: DemoCity, child: DemoResident, stage: str, due: int) -> DemoCase:
    moves = {
        "booked": (
            DemoMove("book", child.centre, {"booked_on": city.day(1), "booked_at": "儿童保健门诊"}, 5),
        ),
        "unreachable": (DemoMove("not-reached", child.centre, {"comment": "两次电话无人接听"}, 8),),
    }.get(stage, ())
    month = max(one for one in (12, 18, 24, 30, 36, 48, 60) if one <= 12 * child.age(city.today) + 11)
    values = {"kind": "child-check", "due_on": city.day(due), "month": month}
    return DemoCase("maternal_child/visit-call", child.centre, 4, values, child.id, moves)


def _filings(city: DemoCity) -> Iterator[DemoCase]:
    office = city.unit("health-commission").id
    check = DemoMove(
        "check", office, {"checked_on": city.today.isoformat(), "checker_names": "方舟、江岚"}, 20
    )
    listing = DemoMove("list", office, {"listed_on": city.today.isoformat()}, 20)
    reserve = DemoMove("reserve", office, {"reserve_reason": "普惠托位占比高，师资稳定"}, 10)
    apply = DemoMove("apply", "nursery-2", {"self_report": "对照示范标准自评达标，附佐证材料。"}, 10)
    for nursery, places, days, moves in (
        ("nursery-4", 30, 2.0, ()),
        ("nursery-3", 45, 6.0, (check,)),
        ("nursery-2", 60, 12.0, (check, listing, reserve, apply)),
    ):
        values = {
            **_FILING,
            "authority": f"Organization/{office}",
            "places": places,
            "area": places * 8.5,
            "affordable": True,
        }
        yield DemoCase("maternal_child/infant-filing", nursery, days, values, "", moves)


def _compounds(city: DemoCity) -> Iterator[DemoCase]:
    """Yield facilities of the compounds that have none yet: one planned, one built and to be accepted."""
    office = city.unit("housing").id
    urban = [
        (code, name)
        for town in city.towns
        for code, name in town.communities.items()
        if not name.endswith("村")
    ]
    for place, (code, name) in enumerate(urban[3::4][:2]):
        title = f"{name.removesuffix('社区')}新苑"
        built = DemoMove(
            "build",
            office,
            {"facility_name": f"{title}托育点", "places": 16, "area": 210, "built_on": city.day(-3)},
            10,
        )
        values = {
            "compound": f"Location/compound-new-{code}",
            "compound_name": title,
            "persons": 2400,
            "district_code": code,
        }
        yield DemoCase("maternal_child/infant-facility", office, 5, values, "", (built,) if place else ())
