"""The demo city's mothers and children: courses, deliveries, visits, and the institutions for infants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kangshu.sdk import (
    DemoCity,
    DemoOrganisation,
    DemoResident,
    Resource,
    at,
    code_system,
    concept,
    structure,
)

_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_KINDS = {
    "antenatal-check": "产前检查",
    "postpartum-visit": "产后访视",
    "postpartum-check": "产后42天检查",
    "newborn-visit": "新生儿访视",
    "child-check": "儿童健康检查",
    "delivery": "分娩",
}
_MONTHS = (0, 1, 3, 6, 8, 12, 18, 24, 30, 36, 48, 60, 72)
_INSTITUTIONS = (
    ("nursery-1", "infant-care", "云熙小雨点托育园", "designated", 90, 76),
    ("nursery-2", "infant-care", "望湖星芽托育中心", "listed", 60, 41),
    ("nursery-3", "infant-care", "西江童乐托育所", "checked", 45, 20),
    ("nursery-4", "infant-care", "南岸幼苗托育点", "filed", 30, 12),
    ("nursery-5", "infant-care", "东郊家庭托育点", "", 8, 5),
    ("confinement-1", "confinement-centre", "云熙和悦月子中心", "", 36, 22),
    ("mother-service-1", "mother-infant-service", "暖巢母婴服务公司", "", 0, 0),
    ("testing-body-1", "health-testing", "云熙衡检医学检验所", "", 0, 0),
)
"""(id, kind, name, state of the filing, places, taken)."""
_IN_RESERVE = {"nursery-1", "nursery-2"}
_RISKS = ("green",) * 12 + ("yellow",) * 5 + ("orange",) * 2 + ("red", "purple")


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield institutions, then mother by mother the past pregnancies and those under way, then children's checks."""
    yield from (_institution(city, place, *one) for place, one in enumerate(_INSTITUTIONS))
    yield from _facilities(city)
    hospitals = city.of_kind("tertiary-hospital", "secondary-hospital")
    mothers = _mothers(city)
    for child, mother in mothers:
        yield from _past(city, mother, child, hospitals)
    taken = {mother.id for _, mother in mothers}
    for number, woman in enumerate(expecting(city, taken)):
        yield from _under_way(city, woman, number)
    for child in city.residents:
        if child.age(city.today) < 7:
            yield from _checks(city, child)


def expecting(city: DemoCity, taken: set[str]) -> tuple[DemoResident, ...]:
    """Return some women of 22 to 38 who are not `taken`: they expect a child."""
    women = [
        one
        for one in city.residents
        if one.sex == "female" and 22 <= one.age(city.today) <= 38 and one.id not in taken
    ]
    return tuple(women[:: max(1, len(women) // max(4, len(city.residents) // 160))])


def _mothers(city: DemoCity) -> list[tuple[DemoResident, DemoResident]]:
    """Return (child, mother) of those born in the recorded years whose mother is seen in the household; one child each."""
    homes: dict[str, list[DemoResident]] = {}
    for one in city.residents:
        if one.sex == "female":
            homes.setdefault(one.household, []).append(one)
    found: list[tuple[DemoResident, DemoResident]] = []
    seen: set[str] = set()
    for child in city.residents:
        if child.birth_date < city.first_day:
            continue
        for woman in homes.get(child.household, ()):
            if woman.id not in seen and 20 <= woman.age(child.birth_date) <= 44:
                seen.add(woman.id)
                found.append((child, woman))
                break
    return found


def _past(
    city: DemoCity, mother: DemoResident, child: DemoResident, hospitals: tuple[DemoOrganisation, ...]
) -> Iterator[Resource]:
    vigour, rng = city.vigour(mother.district), city.rng
    born = child.birth_date
    began = born - timedelta(days=rng.randrange(266, 284))
    early = rng.random() < 0.74 + 0.22 * vigour
    booked = began + timedelta(days=rng.randrange(45, 88) if early else rng.randrange(92, 170))
    number = mother.id[9:]
    course = f"pregnancy-{number}"
    yield _pregnancy(mother, course, began, booked, "finished", rng.choice(_RISKS), born)
    checks = rng.randrange(4, 6) + (rng.random() < 0.4 + 0.5 * vigour)
    for place in range(checks):
        day = booked + (born - timedelta(days=6) - booked) * place / checks
        yield _visit(mother, f"antenatal-{number}-{place + 1}", "antenatal-check", day, course)
    home = born + timedelta(days=rng.randrange(2, 6))
    yield _delivery(mother, number, course, born, home, rng.choice(hospitals), rng.randrange(24))
    if rng.random() < 0.72 + 0.25 * vigour and home + timedelta(days=12) < city.today:
        day = home + timedelta(days=rng.randrange(2, 12))
        yield _visit(mother, f"postpartum-{number}", "postpartum-visit", day, course, "HH")
    if rng.random() < 0.64 + 0.3 * vigour and born + timedelta(days=52) < city.today:
        day = born + timedelta(days=rng.randrange(40, 52))
        yield _visit(mother, f"postpartum-check-{number}", "postpartum-check", day, course)


def _under_way(city: DemoCity, woman: DemoResident, number: int) -> Iterator[Resource]:
    """Yield an open course: every fifth is behind with a check, the tenth has no date on record."""
    began = city.today - timedelta(days=50 + 29 * number % 210)
    booked = min(began + timedelta(days=50 + 13 * number % 60), city.today)
    key = woman.id[9:]
    course = f"pregnancy-{key}"
    made = _pregnancy(woman, course, began, booked, "active", _RISKS[number * 5 % len(_RISKS)])
    if number % 10 == 9:
        made["extension"] = made["extension"][2:]
    yield made
    weeks = (0, 16, 21, 28, 37)
    reached = [week for week in weeks if began + timedelta(weeks=week) <= city.today - timedelta(days=5)]
    for place, week in enumerate(reached[:-1] if number % 5 == 4 else reached):
        day = max(booked, began + timedelta(weeks=week, days=4))
        if day <= city.today:
            yield _visit(woman, f"antenatal-{key}-{place + 1}", "antenatal-check", day, course)


def _checks(city: DemoCity, child: DemoResident) -> Iterator[Resource]:
    share = 0.68 + 0.28 * city.vigour(child.district)
    for month in _MONTHS:
        day = (
            child.birth_date
            + timedelta(days=month * 30.44 if month else 6)
            + timedelta(days=city.rng.randrange(8))
        )
        seen = city.rng.random() < share
        if seen and city.first_day <= day < city.today:
            kind = "child-check" if month else "newborn-visit"
            made = _visit(child, f"child-{child.id[9:]}-{month}", kind, day, "", "AMB" if month else "HH")
            made["extension"] = [{"url": structure("due-month"), "valueInteger": month}]
            yield made


def _pregnancy(
    woman: DemoResident,
    id_: str,
    began: date,
    booked: date,
    status: str,
    risk: str,
    ended: date | None = None,
) -> Resource:
    period = {"start": booked.isoformat()}
    if ended is not None:
        period["end"] = ended.isoformat()
    return {
        "resourceType": "EpisodeOfCare",
        "id": id_,
        "extension": [
            {"url": structure("last-period"), "valueDate": began.isoformat()},
            {
                "url": structure("expected-delivery"),
                "valueDate": (began + timedelta(days=280)).isoformat(),
            },
            {"url": structure("pregnancy-risk"), "valueCode": risk},
        ],
        "status": status,
        "type": [concept(code_system("episode-kind"), "pregnancy", "孕产妇保健")],
        "patient": woman.reference,
        "managingOrganization": {"reference": f"Organization/{woman.centre}"},
        "period": period,
    }


def _visit(who: DemoResident, id_: str, kind: str, day: date, course: str, way: str = "AMB") -> Resource:
    made: Resource = {
        "resourceType": "Encounter",
        "id": id_,
        "status": "finished",
        "class": {"system": _CLASS, "code": way},
        "type": [concept(code_system("encounter-kind"), kind, _KINDS[kind])],
        "subject": who.reference,
        "period": {"start": day.isoformat(), "end": day.isoformat()},
        "serviceProvider": {"reference": f"Organization/{who.centre}"},
    }
    if course:
        made["episodeOfCare"] = [{"reference": f"EpisodeOfCare/{course}"}]
    return made


def _delivery(
    mother: DemoResident,
    number: str,
    course: str,
    born: date,
    home: date,
    hospital: DemoOrganisation,
    hour: int,
) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": f"delivery-{number}",
        "extension": [
            {"url": structure("live-births"), "valueInteger": 1},
            {"url": structure("stillbirths"), "valueInteger": 0},
            {"url": structure("delivery-place"), "valueCode": "institution"},
        ],
        "status": "finished",
        "class": {"system": _CLASS, "code": "IMP", "display": "inpatient encounter"},
        "type": [concept(code_system("encounter-kind"), "delivery", "分娩")],
        "subject": mother.reference,
        "episodeOfCare": [{"reference": f"EpisodeOfCare/{course}"}],
        "period": {"start": at(born, hour, 20), "end": home.isoformat()},
        "serviceProvider": hospital.reference,
    }


def _institution(
    city: DemoCity, place: int, id_: str, kind: str, name: str, filing: str, places: int, taken: int
) -> Resource:
    titles = {
        "infant-care": "托育机构",
        "confinement-centre": "月子中心",
        "mother-infant-service": "母婴服务机构",
        "health-testing": "第三方检测机构",
    }
    extensions: list[Resource] = [
        {"url": structure("district"), "valueCode": city.districts[place % len(city.districts)].code},
        {"url": structure("ownership"), "valueCode": "public" if place == 0 else "private"},
    ]
    if filing:
        extensions.append({"url": structure("infant-care-filing"), "valueCode": filing})
    if places:
        extensions.append({"url": structure("care-places"), "valueInteger": places})
        extensions.append({"url": structure("places-taken"), "valueInteger": taken})
        extensions.append({"url": structure("affordable"), "valueBoolean": place % 2 == 0})
    if id_ in _IN_RESERVE:
        extensions.append({"url": structure("demonstration-reserve"), "valueBoolean": True})
    return {
        "resourceType": "Organization",
        "id": id_,
        "active": True,
        "type": [concept(code_system("organisation-kind"), kind, titles[kind])],
        "name": name,
        "extension": extensions,
    }


def _facilities(city: DemoCity) -> Iterator[Resource]:
    """Yield a facility for the new compounds of three in four urban communities: complete, not handed over, only built."""
    communities = [
        (code, name)
        for town in city.towns
        for code, name in town.communities.items()
        if not name.endswith("村")
    ]
    for place, (code, name) in enumerate(communities):
        if place % 4 == 3:
            continue
        stages = ("built-on", "accepted-on", "handed-on")[
            : 1 if place % 7 == 2 else 2 if place % 7 == 5 else 3
        ]
        yield {
            "resourceType": "Location",
            "id": f"infant-facility-{code}",
            "status": "active",
            "mode": "instance",
            "name": f"{name.removesuffix('社区')}新苑托育点",
            "physicalType": concept(
                "http://terminology.hl7.org/CodeSystem/location-physical-type", "bu", "建筑"
            ),
            "type": [concept(code_system("place-kind"), "infant-care-facility", "小区托育设施")],
            "partOf": {"reference": f"Location/compound-new-{code}"},
            "extension": [
                {"url": structure("district"), "valueCode": code},
                {"url": structure("care-places"), "valueInteger": 10 + 2 * (place % 6)},
                *(
                    {"url": structure(stage), "valueDate": city.day(-300 + 90 * number)}
                    for number, stage in enumerate(stages)
                ),
            ],
        }
