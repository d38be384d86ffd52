"""Cases of the demo city's care institutions in different states; some are due today."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCase, DemoCity, DemoMove

CIVIL, FIRE = "unit-civil-affairs", "unit-fire-rescue"


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield filings, a change, a suspension, ratings, stays, a conversion, a tender and allotted rooms."""
    yield from _filings(city)
    yield from _ratings(city)
    yield from _rating_changes(city)
    yield from _stays(city)
    yield from _others(city)


def _filing(city: DemoCity, name: str, beds: int, days: int) -> dict[str, object]:
    return {
        "receiver": CIVIL,
        "route": "ordinary",
        "nature": "private-non-profit",
        "form": "family",
        "registration": f"云民证字第{beds:04d}号",
        "registered_on": city.day(-days - 60),
        "first_admission": city.day(-days - 6),
        "representative": name,
        "address": f"{city.name}茶坡镇云雾村8号",
        "premises": "leased",
        "bed_count": beds,
        "area": 480,
        "contact": f"{name} 0900-60000088",
        "commitment": True,
    }


def _filings(city: DemoCity) -> Iterator[DemoCase]:
    checkers = [f"Organization/{FIRE}", "Organization/unit-market-regulation", f"Organization/{CIVIL}"]
    arrange = DemoMove("arrange-check", CIVIL, {"checkers": checkers, "check_day": city.day(-8)}, 30)
    report = {"visited_on": city.day(-7), "checker_names": "现场检查组两人"}
    fire = {
        **report,
        "fire": "fail",
        "building": "pass",
        "findings": "二层疏散通道堆放杂物；灭火器一具失压。",
    }
    other = {**report, "food": "pass", "staff": "pass", "contracts": "pass"}
    yield DemoCase(
        "institutions/filing",
        "elder-chapo",
        20,
        _filing(city, "陶静", 11, 20),
        moves=(
            DemoMove("accept", CIVIL, {"comment": "材料齐全，予以备案。"}, 26),
            arrange,
            DemoMove("report", "", other, 20, on="site-check"),
        ),
    )
    yield DemoCase(
        "institutions/filing",
        "elder-guiyuan",
        34,
        {**_filing(city, "许岚", 24, 34), "form": "general"},
        moves=(
            DemoMove("accept", CIVIL, {}, 26),
            arrange,
            DemoMove("report", "", fire, 20, on="site-check"),
            DemoMove(
                "demand-correction",
                CIVIL,
                {
                    "faults": [{"findings": "二层疏散通道堆放杂物", "demand": "三日内清理并建立巡查记录"}],
                    "correct_by": city.day(0),
                },
                30,
            ),
        ),
    )
    change = {
        "receiver": CIVIL,
        "changed_on": city.day(-3),
        "reason": "院长变更",
        "new_representative": "方澄",
    }
    yield DemoCase("institutions/change", "elder-xiyang", 2, change)


def _ratings(city: DemoCity) -> Iterator[DemoCase]:
    asked = {
        "receiver": CIVIL,
        "asked_level": "4",
        "self_report": "管理制度健全，护理员持证上岗，三年内无责任事故。",
    }
    panel = ["Organization/unit-health-commission", f"Organization/{FIRE}"]
    scores = {"environment": 86, "facilities": 82, "management": 88, "service": 90}
    yield DemoCase(
        "institutions/rating",
        "elder-luhe",
        12,
        asked,
        moves=(
            DemoMove("accept", CIVIL, {}, 20),
            DemoMove("convene", CIVIL, {"panel": panel}, 20),
            DemoMove("score", "", scores, 40, on="rating-score"),
            DemoMove("score", CIVIL, {"comment": "设施改造后明显提升。"}, 20),
            DemoMove("announce", CIVIL, {"level": "3"}, 10),
        ),
    )
    yield DemoCase("institutions/rating", "elder-guiyuan", 4, {**asked, "asked_level": "3"})


def _rating_changes(city: DemoCity) -> Iterator[DemoCase]:
    """Yield ratings that are to be lowered: one just told, one heard, one decided, one dropped."""
    short = "复核时一线护理员与入住老年人之比低于所评等级的要求，持证人数不足。"
    stated = DemoMove("state-case", "", {"statement": "已招录四名护理员，培训后上岗，附花名册。"}, 72)
    changes = (
        ("elder-xiyang", "1", "recheck", short, 1.2, ()),
        ("elder-qinglan-nursing", "2", "recheck", short, 7.0, (stated,)),
        (
            "elder-yunxi-welfare",
            "4",
            "recheck",
            "年度复核得分低于五级线，护理记录连续两个季度不全。",
            40.0,
            (stated, DemoMove("decide", "*", {"opinion": "申辩所附材料不足以改变复核得分，降为四级。"}, 120)),
        ),
        (
            "elder-guiyuan",
            "2",
            "accident",
            "群众反映夜间无人值守，拟按责任事故降级。",
            25.0,
            (stated, DemoMove("drop", "*", {"comment": "调取值班记录，夜间有人值守，申辩成立。"}, 90)),
        ),
    )
    for home, level, ground, facts, days, moves in changes:
        asked = {"receiver": f"Organization/{home}", "new_level": level, "ground": ground, "facts": facts}
        yield DemoCase("institutions/rating-change", CIVIL, days, asked, moves=moves)


def _stays(city: DemoCity) -> Iterator[DemoCase]:
    homes = city.of_kind("elder-institution")
    waiting = [one for one in city.elders(75) if one.frailty > _FRAIL][: len(homes)]
    for order, (home, resident) in enumerate(zip(homes, waiting, strict=False)):
        asked = {
            "receiver": home.id,
            "wanted_from": city.day(5),
            "wanted_kind": "nursing" if order % 2 else "general",
            "contact": "子女代办 0900-50009999",
            "needs": "行动不便，需协助起居。",
        }
        moves = (DemoMove("wait", home.id, {"comment": "护理型床位已满。"}, 20),) if order % 3 == 1 else ()
        yield DemoCase(
            "institutions/stay", f"Patient/{resident.id}", 1 + order * 0.6, asked, resident.id, moves
        )


_FRAIL = 0.55
_ALL_ORDINARY = 12
"""Beds up to which a home has none for hospice or rehabilitation: its last bed is an ordinary one."""


def _others(city: DemoCity) -> Iterator[DemoCase]:
    home = city.organisation("elder-songping-home")
    free = home.size if home.size <= _ALL_ORDINARY else home.size - 2
    works = {
        "receiver": CIVIL,
        "beds_chosen": [f"Location/bed-songping-home-{free:03d}"],
        "works": "增设护理床、呼叫系统和无障碍卫浴。",
        "cost": 68000,
    }
    yield DemoCase("institutions/conversion", home.id, 6, works)
    operator = "operator-anhe"
    award = {
        "bidders": 4,
        "operator": f"Organization/{operator}",
        "contract_start": city.day(-200),
        "contract_end": city.day(900),
        "fee": 120000,
    }
    tender = {
        "institution": "Organization/elder-qinglan-nursing",
        "assets": "主楼及设备评估一千六百万元。",
        "reserved_beds": 6,
        "conditions": "具有三年以上养老机构运营经验，近三年无责任事故。",
    }
    yield DemoCase(
        "institutions/tender",
        CIVIL,
        260,
        tender,
        moves=(
            DemoMove(
                "invite",
                CIVIL,
                {"tender_reference": "云招〔2026〕养01号", "tender_closes": city.day(-215)},
                48,
            ),
            DemoMove("award", CIVIL, award, 900),
            DemoMove("sign", operator, {"operator_signer": "安经理"}, 120),
        ),
    )
    compounds = [town for town in city.towns if town.urban]
    for order, town in enumerate(compounds[:3]):
        code, name = next(iter(town.communities.items()))
        planned = {
            "compound": f"Location/compound-new-{code}",
            "compound_name": f"{name.removesuffix('社区')}新苑",
            "compound_status": "new",
            "households": 650,
            "persons": 1950,
            "planned_area": 100 if order == 1 else 160,
        }
        reckon = DemoMove("reckon", CIVIL, {"planned_area": planned["planned_area"]}, 10)
        remedy = {"remedy": "购置社区底商三十平方米补足。"}
        last = (
            DemoMove("find-short", CIVIL, remedy, 10)
            if order == 1
            else DemoMove("find-compliant", CIVIL, {}, 10)
        )
        accept = {"accepted_on": city.day(-4), "accepted_area": 158}
        more = (DemoMove("accept", CIVIL, accept, 30),) if order == 2 else ()
        yield DemoCase("institutions/allotment", CIVIL, 9 + order, planned, moves=(reckon, last, *more))
