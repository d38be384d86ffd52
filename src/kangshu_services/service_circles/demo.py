"""The demo city's places of service: the further a district's work has come, the more of them and the nearer they are."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCity, Resource, code_system, concept, structure

_PLACE_KIND = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_NAMES = {
    "health-station": "社区卫生服务站",
    "village-clinic": "村卫生室",
    "fitness-path": "健身路径",
    "sports-court": "多功能运动场",
    "fitness-centre": "全民健身中心",
    "school-grounds": "小学运动场",
    "emergency-station": "急救站",
    "check-up-centre": "综合体检中心",
    "mental-health-clinic": "心理诊所",
    "candidate-site": "闲置用房",
}
_FAR, _NEAR = 1_700, 1_100
"""Metres within which places lie from where people live, where work has hardly begun, and how much nearer at the best."""


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield stations, places to exercise and outlets of every community, emergency stations and sites of every district."""
    for town in city.towns:
        vigour = city.vigour(town.district)
        for order, (code, name) in enumerate(town.communities.items()):
            village = name.endswith("村")
            wanted = [
                ("village-clinic" if village else "health-station", vigour + 0.35),
                ("fitness-path", vigour + 0.25),
                ("sports-court", vigour - (0.5 if village else 0.1)),
                ("school-grounds", -1.0 if village or order else vigour + 0.1),
                ("mental-health-clinic", -1.0 if village else vigour - 0.45),
            ]
            for kind, chance in wanted:
                if city.rng.random() < chance:
                    yield _place(city, kind, code, name, town.code, round(_FAR - _NEAR * vigour))
    for district in city.districts:
        towns = [one for one in city.towns if one.district == district.code]
        for town in towns[:2]:
            first, name = next(iter(town.communities.items()))
            yield _place(city, "emergency-station", first, town.name, town.code, 900)
            yield _place(city, "candidate-site", first, name, town.code, 600)
        first, name = next(iter(towns[0].communities.items()))
        yield _place(city, "fitness-centre", first, district.name, towns[0].code, 800)
        if district.vigour > 0.5:
            yield _place(city, "check-up-centre", first, district.name, towns[0].code, 800)


def _place(city: DemoCity, kind: str, code: str, name: str, town: str, metres: int) -> Resource:
    extensions: list[Resource] = [{"url": structure("district"), "valueCode": code}]
    if kind != "candidate-site":
        opened = city.day_in(city.rng.choice(city.record_years)).isoformat()
        extensions.append({"url": structure("opened-on"), "valueDate": opened})
    if kind == "school-grounds":
        # some schools have not opened their grounds yet: they stand in the register and do not count
        opens = city.rng.random() < city.vigour(code[:6])
        extensions.append({"url": structure("open-to-public"), "valueBoolean": opens})
    return {
        "resourceType": "Location",
        "id": f"place-{kind}-{code}",
        "extension": extensions,
        "status": "suspended" if kind == "candidate-site" else "active",
        "name": f"{name}{_NAMES[kind]}",
        "mode": "instance",
        "type": [concept(code_system("service-place"), kind, _NAMES[kind])],
        "physicalType": concept(_PLACE_KIND, "bu", "建筑"),
        "position": city.near(code, kind, metres),
        "managingOrganization": {"reference": f"Organization/office-{town}"},
    }
