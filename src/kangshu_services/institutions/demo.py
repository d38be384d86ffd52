"""The demo city's care facilities, compounds, beds and stays: a bed is taken by one resident or free."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta

from kangshu.sdk import (
    DemoCity,
    DemoOrganisation,
    DemoResident,
    Resource,
    code_system,
    concept,
    structure,
)

_PLACE_KIND = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_BED_STATUS = "http://terminology.hl7.org/CodeSystem/v2-0116"
_STATUS_NAMES = {"O": "占用", "U": "空闲"}
_BED_KINDS = {
    "nursing": "护理型床位",
    "general": "普通床位",
    "rehabilitation": "康复型床位",
    "hospice": "安宁疗护床位",
}
_BEDS_PER_FLOOR, _SMALL = 8, 12
_CONVERTED, _HANDED = 0.4, 0.6
"""Vigour of a district from which its rural homes are converted, and its allotted rooms given to operators."""
_WALK = 1_500
"""Metres from where a community's people live within which its facilities stand."""
_SOCIAL = 0.82
"""Share of facilities run by social operators."""


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield authorities, operators, facilities and compounds, then beds, present stays and those of people who left."""
    yield from _organisations(city)
    yield from _departments(city)
    facilities = list(_facilities(city))
    yield from facilities
    yield from _compounds(city, {one["id"] for one in facilities})
    yield from _ratings(city)
    yield from _stays(city)


def _ratings(city: DemoCity) -> Iterator[Resource]:
    """Yield the results of ratings; the second institution's ends soon."""
    office = city.unit("civil-affairs").reference
    for place, home in enumerate(one for one in city.of_kind("elder-institution") if "rating" in one.marks):
        end = city.today + timedelta(days=60 if place == 1 else 300 + 90 * place)
        term = {"start": (end - timedelta(days=1095)).isoformat(), "end": end.isoformat()}
        score = 42 + 10 * int(home.marks["rating"]) + city.rng.randrange(0, 8)
        yield {
            "resourceType": "Basic",
            "id": f"rating-{home.id[6:]}",
            "extension": [
                {"url": structure("rating"), "valueCode": home.marks["rating"]},
                {"url": structure("score"), "valueDecimal": score},
                {"url": structure("care-weight"), "valueDecimal": 20},
                {"url": structure("total-weight"), "valueDecimal": 100},
                {"url": structure("term"), "valuePeriod": term},
            ],
            "code": concept(code_system("record-kind"), "institution-rating", "养老机构等级评定结果"),
            "subject": home.reference,
            "author": office,
            "created": term["start"],
        }


def _stays(city: DemoCity) -> Iterator[Resource]:
    waiting = sorted(city.elders(65), key=lambda one: (-one.frailty - 0.3 * city.rng.random(), one.id))
    former = [one for one in waiting if one.frailty < 0.5][:: max(1, len(waiting) // 40)]
    taken: set[str] = set()
    for home in city.of_kind("elder-institution"):
        vigour = city.vigour(home.district)
        nursing = round(home.size * (0.24 + 0.34 * vigour))
        occupied = round(home.size * (0.55 + 0.38 * vigour))
        for number in range(1, home.size + 1):
            bed = f"bed-{home.id[6:]}-{number:03d}"
            lives_here = number <= occupied
            kind = _kind(number, nursing, home.size)
            yield _bed(bed, home, number, kind, lives_here, _built(number, city.today))
            resident = _next(waiting, home, taken) if lives_here else None
            if resident is not None:
                taken.add(resident.id)
                days = city.rng.randrange(20, 365 * city.years)
                yield _residence(resident, home, city.today - timedelta(days=days), None, bed)
    for number, resident in enumerate(one for one in former if one.id not in taken):
        homes = city.of_kind("elder-institution", district=resident.district)
        start = city.first_day + timedelta(days=city.rng.randrange(30, 200 * city.years))
        end = start + timedelta(days=city.rng.randrange(20, 300))
        if end < city.today:
            yield _residence(resident, homes[number % len(homes)], start, end, "")
    yield from _building(city)


def _building(city: DemoCity) -> Iterator[Resource]:
    """Yield beds under construction: a new wing of each private non-profit home, to be accepted in the months to come."""
    private = (
        one for one in city.of_kind("elder-institution") if one.marks["nature"] == "private-non-profit"
    )
    for place, home in enumerate(private):
        ready = city.today + timedelta(days=75 + 60 * place)
        for number in range(home.size + 1, home.size + 3):
            bed = _bed(f"bed-{home.id[6:]}-{number:03d}", home, number, "nursing", False, ("new", ready))
            yield {**bed, "status": "suspended"}


def _built(number: int, today: date) -> tuple[str, date] | None:
    """Return how a bed was built and when it was accepted; of a home's first, an old one, nobody knows."""
    if number == 1:
        return None
    return "new" if number % 3 else "converted", today - timedelta(days=340 if number % 2 else 900)


def _next(waiting: list[DemoResident], home: DemoOrganisation, taken: set[str]) -> DemoResident | None:
    """Return the frailest resident of the home's district who lives in no home yet."""
    near = (one for one in waiting if one.id not in taken and one.district == home.district)
    return next(near, next((one for one in waiting if one.id not in taken), None))


def _kind(number: int, nursing: int, size: int) -> str:
    """Return the kind of a home's bed: nursing beds first; of the last ones a few are for hospice or rehabilitation."""
    if number <= nursing:
        return "nursing"
    if size > _SMALL and number > size - 2:
        return "hospice" if number == size else "rehabilitation"
    return "general"


def _bed(
    identifier: str,
    home: DemoOrganisation,
    number: int,
    kind: str,
    occupied: bool,
    built: tuple[str, date] | None,
) -> Resource:
    status = "O" if occupied else "U"
    floor, room = (number - 1) // _BEDS_PER_FLOOR + 1, (number - 1) % _BEDS_PER_FLOOR // 2 + 1
    return {
        "resourceType": "Location",
        "id": identifier,
        "status": "active",
        "operationalStatus": {"system": _BED_STATUS, "code": status, "display": _STATUS_NAMES[status]},
        "name": f"{floor}0{room}室{number}床",
        "extension": [
            {"url": structure("floor"), "valueInteger": floor},
            {"url": structure("room"), "valueString": f"{floor}0{room}"},
            *_building_marks(built),
        ],
        "mode": "instance",
        "type": [concept(code_system("bed-kind"), kind, _BED_KINDS[kind])],
        "physicalType": concept(_PLACE_KIND, "bd", "床位"),
        "managingOrganization": home.reference,
    }


def _building_marks(built: tuple[str, date] | None) -> Iterator[Resource]:
    if built is not None:
        yield {"url": structure("bed-built"), "valueCode": built[0]}
        yield {"url": structure("bed-accepted-on"), "valueDate": built[1].isoformat()}


def _residence(
    resident: DemoResident, home: DemoOrganisation, start: date, end: date | None, bed: str
) -> Resource:
    period = {"start": start.isoformat()}
    if end is not None:
        period["end"] = end.isoformat()
    episode: Resource = {
        "resourceType": "EpisodeOfCare",
        "id": f"residence-{resident.id[9:]}",
        "status": "active" if end is None else "finished",
        "type": [concept(code_system("episode-kind"), "elder-residence", "入住养老机构")],
        "patient": resident.reference,
        "managingOrganization": home.reference,
        "period": period,
    }
    if bed:
        episode["extension"] = [{"url": structure("bed"), "valueReference": {"reference": f"Location/{bed}"}}]
    return episode


_PARTIES = (
    ("unit-fire-rescue", "government", "云汐市消防救援支队", ("市消防救援支队", "市消防支队")),
    ("operator-anhe", "service-provider", "云汐安和养老服务有限公司", ()),
    ("operator-linli", "service-provider", "云汐邻里颐养服务中心", ()),
)


def _organisations(city: DemoCity) -> Iterator[Resource]:
    """Yield the fire authority, two operators and the office of every street and township."""
    parties = [(*one, city.code) for one in _PARTIES]
    for town in city.towns:
        office = "街道办事处" if town.name.endswith("街道") else "人民政府"
        name = f"{town.name.removesuffix('街道')}{office}"
        parties.append((f"office-{town.code}", "township-government", name, (), town.code))
    for identifier, kind, name, aliases, division in parties:
        resource: Resource = {
            "resourceType": "Organization",
            "id": identifier,
            "extension": [{"url": structure("district"), "valueCode": division}],
            "active": True,
            "type": [{"coding": [{"system": code_system("organisation-kind"), "code": kind}]}],
            "name": name,
        }
        yield {**resource, "alias": list(aliases)} if aliases else resource


def _departments(city: DemoCity) -> Iterator[Resource]:
    """Yield the departments of hospitals and centres; of one centre nobody has registered any."""
    hospitals = city.of_kind("tertiary-hospital", "secondary-hospital")
    centres = city.of_kind("community-health-centre", "township-health-centre")
    for number, one in enumerate((*hospitals, *centres[1:])):
        held = ["general"]
        if one in centres or one.marks.get("hospital-type") == "tcm":
            held += ["tcm"] if number % 7 != 3 else []
            held += ["tcm-pharmacy"] if number % 5 != 2 else []
        if one in hospitals:
            held += ["geriatrics"] if number % 3 != 2 else []
            held += ["rehabilitation"] if number % 2 else []
        for code in held:
            yield {
                "resourceType": "HealthcareService",
                "id": f"department-{code}-{one.id}",
                "active": True,
                "providedBy": one.reference,
                "name": _DEPARTMENTS[code],
                "specialty": [concept(code_system("medical-department"), code, _DEPARTMENTS[code])],
            }


_DEPARTMENTS = {
    "general": "内科",
    "tcm": "中医科",
    "tcm-pharmacy": "中药房",
    "geriatrics": "老年病科",
    "rehabilitation": "康复科",
}
_FACILITIES = {
    "community-centre": "养老服务中心",
    "day-care-centre": "日间照料中心",
    "rural-happiness-home": "农村幸福院",
    "township-centre": "综合养老服务中心",
    "rural-home": "敬老院",
    "converted-rural-home": "区域养老服务中心",
    "embedded-apartment": "嵌入式养老公寓",
    "wellness-centre": "康养服务中心",
}


def _facilities(city: DemoCity) -> Iterator[Resource]:
    """Yield facilities: the further a district's work has come, the more of its communities and villages have one."""
    for town in city.towns:
        vigour = city.vigour(town.district)
        if not town.urban:
            if city.rng.random() < vigour + 0.3:
                yield _facility(city, "township-centre", town.code, town.name, town.code)
            home = "converted-rural-home" if vigour > _CONVERTED else "rural-home"
            yield _facility(city, home, town.code, town.name, town.code)
        for order, (code, name) in enumerate(town.communities.items()):
            if name.endswith("村"):
                kinds: tuple[str, ...] = (
                    ("rural-happiness-home",) if city.rng.random() < vigour + 0.25 else ()
                )
            else:
                kinds = tuple(
                    kind
                    for kind, chance in (
                        ("community-centre", 1.0 if order == 0 else -0.1),
                        ("day-care-centre", 0.05),
                        ("wellness-centre", -0.1),
                        ("embedded-apartment", -0.6),
                    )
                    if city.rng.random() < vigour + chance
                )
            for kind in kinds:
                yield _facility(city, kind, code, name, town.code)


def _facility(city: DemoCity, kind: str, place: str, name: str, town: str) -> Resource:
    social = city.rng.random() < _SOCIAL
    operator = ("operator-anhe", "operator-linli")[city.rng.randrange(2)] if social else f"office-{town}"
    beds = {"embedded-apartment": 6, "rural-home": 8, "converted-rural-home": 8, "day-care-centre": 2}.get(
        kind, 0
    )
    extensions: list[Resource] = [
        {"url": structure("district"), "valueCode": place},
        {"url": structure("run-by"), "valueCode": "social" if social else "public"},
        {"url": structure("facility-area"), "valueDecimal": 120 + 20 * city.rng.randrange(0, 20)},
        {"url": structure("opened-on"), "valueDate": city.day_in(city.first_day.year).isoformat()},
    ]
    if beds:
        extensions.append({"url": structure("facility-beds"), "valueInteger": beds})
    if kind == "converted-rural-home":
        extensions.append(
            {"url": structure("converted-on"), "valueDate": city.day_in(city.today.year).isoformat()}
        )
    return {
        "resourceType": "Location",
        "id": f"facility-{kind}-{place}",
        "extension": extensions,
        "status": "active",
        "name": f"{name}{_FACILITIES[kind]}",
        "mode": "instance",
        "type": [concept(code_system("facility-kind"), kind, _FACILITIES[kind])],
        "physicalType": concept(_PLACE_KIND, "bu", "建筑"),
        "position": city.near(place, kind, _WALK),
        "managingOrganization": {"reference": f"Organization/{operator}"},
    }


def _compounds(city: DemoCity, facilities: Collection[str]) -> Iterator[Resource]:
    """Yield two residential compounds per urban community, an old one and a new one, some short of room."""
    for town in city.towns:
        vigour = city.vigour(town.district)
        for code, name in town.communities.items():
            if name.endswith("村"):
                continue
            for kind, title in (("new", "新苑"), ("built", "家园")):
                households = 300 + 50 * city.rng.randrange(0, 18)
                standard = 20 if kind == "new" else 15
                area = round(households / 100 * standard * (0.6 + vigour * 0.5 * (1 + city.rng.random())))
                extensions: list[Resource] = [
                    {"url": structure("district"), "valueCode": code},
                    {"url": structure("compound-status"), "valueCode": kind},
                    {"url": structure("households"), "valueInteger": households},
                    {"url": structure("planned-population"), "valueInteger": households * 3},
                    {"url": structure("facility-area"), "valueDecimal": area},
                    {"url": structure("handover"), "valueCode": "operated" if vigour > _HANDED else "none"},
                ]
                centre = f"facility-wellness-centre-{code}"
                if centre in facilities:
                    reference = {"reference": f"Location/{centre}"}
                    extensions.append({"url": structure("served-by"), "valueReference": reference})
                yield {
                    "resourceType": "Location",
                    "id": f"compound-{kind}-{code}",
                    "extension": extensions,
                    "status": "active",
                    "name": f"{name.removesuffix('社区')}{title}",
                    "mode": "instance",
                    "type": [concept(code_system("place-kind"), "residential-compound", "住宅小区")],
                    "physicalType": concept(_PLACE_KIND, "area", "小区"),
                    "position": city.position(code, kind),
                }
