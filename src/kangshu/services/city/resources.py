"""The demo city's own facts as FHIR: divisions, organisations, practitioners, residents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from random import Random
from zlib import crc32

from kangshu.base.canonical import (
    DISTRICT,
    ORGANISATION_CODE,
    ORGANISATION_KIND,
    OUTLINE,
    RESIDENT_ID,
    code_system,
    geolocation,
    structure,
)
from kangshu.base.identity import make_record_number, make_resident_id, make_uscc
from kangshu.sdk import DemoCity, DemoOrganisation, DemoResident, Outline, Resource
from kangshu.services.city.carers import carer_parts

DIVISION = "http://kangshu.org/fhir/sid/division"
RECORD_NUMBER = "urn:oid:2.16.156.10011.1.2"
_PLACE_KIND = "http://terminology.hl7.org/CodeSystem/location-physical-type"
_TOWN, _COMMUNITY = 9, 12
"""Digits of the codes of a street, town or township, and of a community or village."""
_INHABITANTS = 50_000
"""People whom the city's registers of communities tell; its residents' records are a sample."""
_OLDER = 60
"""Age of the older people whom the registers of communities tell."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NO_AREA = "0900"
"""A long-distance code that no place in China has, so that no number rings at anybody's."""


def divisions(city: DemoCity) -> Iterator[Resource]:
    """Yield the city, its districts, towns and communities as Locations."""
    people, older = _people(city), _people(city, _OLDER)
    for code, name, above in _places(city):
        place = division(code, name, above)
        place["extension"].append({"url": OUTLINE, "valueString": written(city.outlines[code])})
        place["position"] = city.position(code)
        if len(code) == _COMMUNITY:
            place["extension"].append(
                {"url": structure("settlement"), "valueCode": _settlement(city, code, name)}
            )
        if code in people:
            for name, count in (("resident", people[code]), ("registered", people[code] * 9 // 10)):
                url = structure(f"population-{name}")
                place["extension"].append({"url": url, "valueInteger": count})
            for name, count in (("resident", older[code]), ("registered", older[code] * 19 // 20)):
                url = structure(f"population-older-{name}")
                place["extension"].append({"url": url, "valueInteger": count})
        yield place


def _people(city: DemoCity, age: int = 0) -> Counter[str]:
    """Return community or village → its people of an age, as if the residents drawn were a sample of the city's."""
    drawn = Counter(one.community for one in city.elders(age))
    return Counter({code: count * _INHABITANTS // len(city.residents) for code, count in drawn.items()})


def _places(city: DemoCity) -> Iterator[tuple[str, str, str]]:
    """Yield code, name and the code above of every division."""
    yield city.code, city.name, ""
    for district in city.districts:
        yield district.code, district.name, city.code
    for town in city.towns:
        yield town.code, town.name, town.district
        for code, name in town.communities.items():
            yield code, name, town.code


def written(outline: Outline) -> str:
    """Return an outline as the extension holds it: a WKT polygon, longitude before latitude."""
    return f"POLYGON(({', '.join(f'{east} {north}' for east, north in outline)}))"


def division(code: str, name: str, above: str = "") -> Resource:
    """Return the Location of a division (GB/T 2260) with the code of the one above it."""
    place: Resource = {
        "resourceType": "Location",
        "id": f"division-{code}",
        "extension": [{"url": DISTRICT, "valueCode": code}],
        "identifier": [{"system": DIVISION, "value": code}],
        "status": "active",
        "name": name,
        "mode": "instance",
        "type": [{"coding": [{"system": code_system("division-kind"), "code": _division_kind(code, name)}]}],
        "physicalType": {"coding": [{"system": _PLACE_KIND, "code": "jdn", "display": "Jurisdiction"}]},
    }
    if above:
        place["partOf"] = {"reference": f"Location/division-{above}"}
    return place


def _division_kind(code: str, name: str) -> str:
    """Return what a division is, from the length of its code (GB/T 10114) and the end of its name."""
    if len(code) == _COMMUNITY:
        return "village" if name.endswith("村") else "community"
    if len(code) == _TOWN:
        return {"乡": "township", "镇": "town"}.get(name[-1:], "street")
    return "city" if code.endswith("00") else "district"


def _settlement(city: DemoCity, code: str, name: str) -> str:
    """Return the class of a community or village: its county's name tells a county town from the city."""
    if name.endswith("村"):
        return "rural"
    county = next(one.name for one in city.districts if code.startswith(one.code))
    return "county-town" if county.endswith("县") else "urban"


def organisations(city: DemoCity) -> Iterator[Resource]:
    """Yield every organisation."""
    towns = {town.code: town.name for town in city.towns}
    for number, one in enumerate(city.organisations, 1):
        government = one.kind in ("government", "commission")
        code = "11" if government else ("52" if one.private else "12")
        extensions: list[Resource] = [{"url": DISTRICT, "valueCode": one.district}]
        if not government:
            ownership = "private" if one.private else "public"
            extensions.append({"url": structure("ownership"), "valueCode": ownership})
        if one.works_inside:
            extensions.append({"url": structure("internal-flow"), "valueBoolean": True})
        if one.kind == "elder-institution":
            extensions.append(
                {"url": structure("internal-medical-unit"), "valueBoolean": one.internal_medical_unit}
            )
        extensions += [_mark(name, value) for name, value in one.marks.items()]
        resource: Resource = {
            "resourceType": "Organization",
            "id": one.id,
            "extension": extensions,
            "identifier": [
                {"system": ORGANISATION_CODE, "value": make_uscc(code, one.district, f"{number:08d}")}
            ],
            "active": True,
            "type": [{"coding": [{"system": ORGANISATION_KIND, "code": one.kind}]}],
            "name": one.name,
            "telecom": [{"system": "phone", "value": f"{_NO_AREA}-{60_000_000 + number}", "use": "work"}],
            "address": [
                {
                    "text": _address(city, one, towns),
                    "extension": [geolocation(city.position(one.town or one.district, one.id))],
                }
            ],
        }
        if one.aliases:
            resource["alias"] = list(one.aliases)
        if government and one.unit != "city-government":
            resource["partOf"] = {"reference": "Organization/unit-city-government"}
        yield resource


def _mark(name: str, value: str | int) -> Resource:
    if isinstance(value, int):
        return {"url": structure(name), "valueInteger": value}
    kind = "valueDate" if _DATE.fullmatch(value) else "valueCode"
    return {"url": structure(name), kind: value}


def _address(city: DemoCity, one: DemoOrganisation, towns: dict[str, str]) -> str:
    district = next((place.name for place in city.districts if place.code == one.district), "")
    return f"{city.name}{district}{towns.get(one.town, '')}"


def practitioners(city: DemoCity) -> Iterator[Resource]:
    """Yield everyone who works in the city's institutions."""
    for number, one in enumerate(city.practitioners, 1):
        resource: Resource = {
            "resourceType": "Practitioner",
            "id": one.id,
            "extension": [{"url": DISTRICT, "valueCode": city.organisation(one.organisation).district}],
            "active": True,
            "name": [{"text": one.name, "family": one.name[0], "given": [one.name[1:]]}],
            "gender": one.sex,
        }
        if one.role == "elder-care-worker":
            parts = carer_parts(one, number, city.today)
            resource["extension"].append(parts.pop("source"))
            resource.update(parts)
        yield resource


_LOCATED_FROM = 60
"""Age from which the position of a resident's home is on record: help is sent to it."""


def residents(city: DemoCity, rng: Random) -> Iterator[Resource]:
    """Yield every resident."""
    used: set[str] = set()
    order_in: dict[str, int] = {}
    places = {code: f"{town.name}{name}" for town in city.towns for code, name in town.communities.items()}
    district_names = {one.code: one.name for one in city.districts}
    for number, one in enumerate(city.residents, 1):
        order_in[one.community] = order_in.get(one.community, 0) + 1
        home = f"{city.name}{district_names[one.district]}{places[one.community]}"
        household = int(one.household.rsplit("-", 1)[1])
        # whoever lives in one household has one door
        place = (
            {"extension": [geolocation(city.position(one.community, one.household))]}
            if one.age(city.today) >= _LOCATED_FROM
            else {}
        )
        yield {
            "resourceType": "Patient",
            "id": one.id,
            "extension": [
                {"url": DISTRICT, "valueCode": one.town},
                {"url": structure("household"), "valueString": one.household},
                *_insurance(one, city.today),
            ],
            "identifier": [
                {"system": RESIDENT_ID, "value": _resident_id(rng, one, used)},
                {
                    "system": RECORD_NUMBER,
                    "value": make_record_number(one.community, order_in[one.community]),
                },
            ],
            "active": True,
            "name": [{"text": one.name, "family": one.name[0], "given": [one.name[1:]]}],
            "telecom": [{"system": "phone", "value": f"{_NO_AREA}-{50_000_000 + number}", "use": "home"}],
            "gender": one.sex,
            "birthDate": one.birth_date.isoformat(),
            "address": [
                {
                    **place,
                    "use": "home",
                    "text": f"{home}{household % 40 + 1}号楼{household % 6 + 1}单元{household % 9 + 1}0{household % 4 + 1}室",
                    "city": city.name,
                    "district": district_names[one.district],
                }
            ],
            "managingOrganization": {"reference": f"Organization/{one.centre}"},
        }


def _insurance(one: DemoResident, day: date) -> list[Resource]:
    """Return the extension that says of which basic medical insurance a resident is; of three in a hundred nobody knows.

    Shares near the national ones of 2023, as in `municipality/records/residents.yaml`.
    """
    known, insured, employed = (
        crc32(f"{one.id} {name}".encode()) % 1000 for name in ("known", "insured", "as")
    )
    if known < 30:
        return []
    kind = "none" if insured >= 946 else "employee" if one.age(day) >= 18 and employed < 350 else "resident"
    return [{"url": structure("insurance"), "valueCode": kind}]


def _resident_id(rng: Random, one: DemoResident, used: set[str]) -> str:
    while True:
        order = rng.randrange(0, 500) * 2 + (one.sex == "male")
        number = make_resident_id(one.district, one.birth_date, order)
        if number not in used:
            used.add(number)
            return number
