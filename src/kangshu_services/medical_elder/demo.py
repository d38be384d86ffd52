"""Agreements between elder-care institutions and hospitals or centres: in force, ending soon, ended, missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kangshu.sdk import DemoCity, DemoOrganisation, Resource, code_system, concept, structure


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the agreements. Of the institutions without a medical unit of their own, some have none."""
    number = 0
    running: list[Resource] = []
    for place, home in enumerate(city.of_kind("elder-institution")):
        partner = _partner(city, home)
        for year in list(city.record_years)[:-1]:
            if place < 2 + 2 * (year - city.first_day.year):
                number += 1
                start = date(year, 3, 1) + timedelta(days=city.rng.randrange(0, 60))
                yield _agreement(number, home, partner, start, start + timedelta(days=364))
        if home.internal_medical_unit:
            yield _unit(place, home, city.first_day + timedelta(days=40 * place))
            continue
        number += 1
        fate = place % 5
        if fate == 4:  # never signed
            continue
        ends = city.today + timedelta(days={2: 220, 3: 24, 0: -40, 1: 310}.get(fate, 150))
        agreement = _agreement(number, home, partner, ends - timedelta(days=364), ends)
        agreement["extension"] = [
            {"url": structure("agreement-mode"), "valueCode": "alliance" if place == 2 else "contract"},
            {"url": structure("pilot"), "valueBoolean": place in (2, 3)},
        ]
        if ends > city.today:
            running.append(agreement)
        yield agreement
    yield from _pairs(city, number, running)
    yield from _centres(city)
    days = [city.day_in(city.today.year) for _ in range(_SERVED)]
    for order, day in enumerate(sorted(days), 1):
        agreement = running[order % len(running)]
        service = _service(order, agreement, day, city)
        yield service
        yield from _visits(order, service, day, city)
    yield from _rotations(city, running)


_SERVED = 60
"""Services of the present year in the log."""


def _centres(city: DemoCity) -> Iterator[Resource]:
    """Yield the agreements of community care centres with the health centre of their street; poorer districts lack them."""
    for order, town in enumerate(one for one in city.towns if one.urban):
        centre = next(one for one in city.of_kind("community-health-centre") if one.town == town.code)
        if city.vigour(town.district) < _AGREED:
            continue
        community = next(iter(town.communities))
        end = city.today + timedelta(days=90 + 60 * order)
        agreement = _agreement(800 + order, centre, centre, end - timedelta(days=364), end)
        agreement["title"] = f"{town.communities[community]}养老服务中心与{centre.name}医养签约合作协议"
        facility = {"reference": f"Location/facility-community-centre-{community}"}
        agreement["subject"] = [{"reference": f"Organization/office-{town.code}"}, facility]
        yield agreement


_AGREED = 0.6


def _pairs(city: DemoCity, number: int, running: list[Resource]) -> Iterator[Resource]:
    """Yield agreements of hospitals with public institutions that have a unit too: some hospitals have none."""
    homes = [one for one in city.of_kind("elder-institution") if not one.private]
    for order, hospital in enumerate(city.of_kind("tertiary-hospital"), 1):
        if order % 3 == 0:
            continue
        end = city.today + timedelta(days=120 * order)
        pair = _agreement(
            number + order, homes[(order - 1) % len(homes)], hospital, end - timedelta(days=729), end
        )
        pair["extension"] = [
            {"url": structure("agreement-mode"), "valueCode": "contract"},
            {"url": structure("pilot"), "valueBoolean": order == 1},
        ]
        running.append(pair)
        yield pair


_SERVICES = ("rounds", "rounds", "clinic", "green-channel", "rounds", "training", "rotation")
_STAFF = ("内科、护理各一人", "全科医师一人", "康复治疗师一人", "护理部两人")


def _service(number: int, agreement: Resource, day: date, city: DemoCity) -> Resource:
    kind = _SERVICES[number % len(_SERVICES)]
    people = 1 + city.rng.randrange(0, 3) if kind == "green-channel" else 6 + city.rng.randrange(0, 18)
    return {
        "resourceType": "Basic",
        "id": f"medical-elder-service-{number:04d}",
        "extension": [
            {"url": structure("agreement"), "valueReference": {"reference": f"Contract/{agreement['id']}"}},
            {"url": structure("service-kind"), "valueCode": kind},
            {"url": structure("people-served"), "valueInteger": people},
            {"url": structure("staff-names"), "valueString": _STAFF[number % len(_STAFF)]},
        ],
        "code": concept(code_system("record-kind"), "medical-elder-service", "医养服务日志"),
        "subject": agreement["subject"][0],
        "author": agreement["authority"][0],
        "created": day.isoformat(),
    }


def _visits(number: int, service: Resource, day: date, city: DemoCity) -> Iterator[Resource]:
    """Yield the visits on record of a round or a clinic: on some days fewer than logged, once none."""
    values = {one["url"]: one for one in service["extension"]}
    kind = values[structure("service-kind")]["valueCode"]
    if kind not in ("rounds", "clinic", "green-channel"):
        return
    logged = values[structure("people-served")]["valueInteger"]
    seen = {1: max(0, logged - 2), 7: 0}.get(number % 12, logged)
    people = sorted(city.elders(80), key=lambda one: (-one.frailty, one.id))
    for place in range(seen):
        resident = people[(number * 7 + place) % len(people)]
        yield {
            "resourceType": "Encounter",
            "id": f"{service['id']}-visit-{place:02d}",
            "status": "finished",
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "AMB" if kind == "green-channel" else "FLD",
            },
            "type": [concept(code_system("encounter-kind"), "institution-round", "医养协议服务")],
            "subject": resident.reference,
            "serviceProvider": service["author"],
            "period": {"start": day.isoformat(), "end": day.isoformat()},
            "extension": [{"url": structure("elder-institution"), "valueReference": service["subject"]}],
        }


def _rotations(city: DemoCity, running: list[Resource]) -> Iterator[Resource]:
    """Yield who of the medical side works in an institution: every third of them is back already."""
    for number, agreement in enumerate(running):
        sender = agreement["authority"][0]["reference"].removeprefix("Organization/")
        staff = [
            one
            for one in city.practitioners
            if one.organisation == sender and one.role in ("physician", "nurse")
        ]
        if not staff:
            continue
        person = staff[number % len(staff)]
        start = city.today - timedelta(days=20 + 25 * number)
        row: Resource = {
            "resourceType": "Basic",
            "id": f"medical-elder-rotation-{number}",
            "extension": [
                {
                    "url": structure("agreement"),
                    "valueReference": {"reference": f"Contract/{agreement['id']}"},
                },
                {"url": structure("rotated"), "valueReference": person.reference},
                {"url": structure("rotation-task"), "valueCode": person.role},
            ],
            "code": concept(code_system("record-kind"), "medical-elder-rotation", "人员派驻轮转"),
            "subject": agreement["subject"][0],
            "author": agreement["authority"][0],
            "created": start.isoformat(),
        }
        if number % 3 == 2:
            ended = start + timedelta(days=30)
            row["extension"].append({"url": structure("rotation-end"), "valueDate": ended.isoformat()})
        yield row


def _unit(number: int, home: DemoOrganisation, since: date) -> Resource:
    return {
        "resourceType": "Organization",
        "id": f"medical-unit-{home.id[6:]}",
        "extension": [
            {"url": structure("district"), "valueCode": home.district},
            {"url": structure("licence-way"), "valueCode": "filing" if number % 2 else "licence"},
            {"url": structure("unit-kind"), "valueCode": "infirmary"},
            {"url": structure("term"), "valuePeriod": {"start": since.isoformat()}},
        ],
        "identifier": [
            {"system": "http://kangshu.org/fhir/sid/medical-licence", "value": f"PDY99{number:06d}"}
        ],
        "active": True,
        "type": [concept(code_system("organisation-kind"), "internal-medical-unit", "养老机构内设医疗机构")],
        "name": f"{home.name}医务室",
        "partOf": home.reference,
    }


def _partner(city: DemoCity, home: DemoOrganisation) -> DemoOrganisation:
    centres = [
        one
        for one in city.of_kind("community-health-centre", "township-health-centre")
        if one.town == home.town
    ]
    hospitals = city.of_kind("secondary-hospital", "tertiary-hospital", district=home.district)
    return city.rng.choice([*centres, *hospitals])


def _agreement(
    number: int, home: DemoOrganisation, partner: DemoOrganisation, start: date, end: date
) -> Resource:
    return {
        "resourceType": "Contract",
        "id": f"medical-elder-{number:03d}",
        "status": "executed",
        "type": concept(code_system("contract-kind"), "medical-elder", "医养签约合作协议"),
        "title": f"{home.name}与{partner.name}医养签约合作协议",
        "issued": f"{start.isoformat()}T09:00:00+08:00",
        "applies": {"start": start.isoformat(), "end": end.isoformat()},
        "subject": [home.reference],
        "authority": [partner.reference],
    }
