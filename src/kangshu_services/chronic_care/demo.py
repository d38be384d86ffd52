"""Enrolments and follow-ups of the demo city's patients: most as the norm asks, some late, uncontrolled or urgent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from kangshu.sdk import DemoCity, DemoResident, Resource, at, code_system, concept, structure

DISEASES: Final = {"I10": "hypertension", "E11.9": "diabetes"}
_TITLES: Final = {"hypertension": "高血压", "diabetes": "2型糖尿病", "severe-mental": "严重精神障碍"}
_SHEETS: Final = {
    "hypertension": "高血压患者随访",
    "diabetes": "2型糖尿病患者随访",
    "severe-mental": "严重精神障碍患者随访",
}
_CLASSES: Final = {
    "satisfied": "控制满意",
    "unsatisfied": "控制不满意",
    "adverse": "不良反应",
    "complication": "并发症",
    "stable": "稳定",
    "basically-stable": "基本稳定",
    "unstable": "不稳定",
}
_PSYCHIATRY: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
_YEARS: Final = 2
"""How many years of follow-ups the demo city holds, the present one included."""
_EVERY: Final = 160
"""Of how many grown-ups one is on the register of severe mental disorders."""


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the enrolments with their follow-ups, person by person."""
    waiting = {one.id for one in undecided(city)}
    for resident in city.residents:
        for code, since in resident.conditions.items():
            disease = DISEASES.get(code)
            if disease is None or resident.age(city.today) < 35 or resident.id in waiting:
                continue
            vigour = city.vigour(resident.district)
            if city.rng.random() < 0.55 + 0.38 * vigour:
                yield from _managed(city, resident, disease, since)
    for resident in [one for one in city.residents if 20 <= one.age(city.today) < 70][::_EVERY]:
        yield from _registered(city, resident)
    for number, resident in enumerate(patients(city)[:30]):
        if resident.age(city.today) < 65:
            yield _examination(city, resident, number)


def patients(city: DemoCity, code: str = "I10") -> list[DemoResident]:
    """Return the residents of the service's age with a diagnosis."""
    return [one for one in city.residents if code in one.conditions and one.age(city.today) >= 35]


def undecided(city: DemoCity, count: int = 14) -> tuple[DemoResident, ...]:
    """Return up to `count` patients who are not enrolled yet: cases are about them."""
    people = patients(city)
    return tuple(people[:: max(1, len(people) // count)][:count])


def _managed(city: DemoCity, resident: DemoResident, disease: str, since: date) -> Iterator[Resource]:
    draw = city.rng
    began = max(min(since + timedelta(days=draw.randrange(20, 200)), city.today - timedelta(days=20)), since)
    yield _enrolment(city, resident, disease, began)
    vigour, number = city.vigour(resident.district), 0
    day = max(began, date(city.today.year - _YEARS + 1, 1, 1)) + timedelta(days=draw.randrange(1, 80))
    gap = 80 if draw.random() < 0.5 + 0.35 * vigour else draw.randrange(95, 170)
    controlled = draw.random() < 0.42 + 0.3 * vigour
    while day <= city.today:
        good = draw.random() < (0.9 if controlled else 0.18)
        number += 1
        yield _follow_up(city, resident, disease, day, number, good)
        day += timedelta(days=gap + draw.randrange(-12, 12))


def _enrolment(city: DemoCity, resident: DemoResident, disease: str, began: date) -> Resource:
    mental = disease == "severe-mental"
    kind = ("mental-care", "严重精神障碍管理") if mental else ("chronic-care", "慢病管理")
    made: Resource = {
        "resourceType": "EpisodeOfCare",
        "id": f"managed-{disease}-{resident.id[9:]}",
        "status": "active",
        "type": [
            concept(code_system("episode-kind"), *kind),
            concept(code_system("managed-disease"), disease, _TITLES[disease]),
        ],
        "patient": resident.reference,
        "managingOrganization": city.organisation(resident.centre).reference,
        "period": {"start": began.isoformat()},
    }
    if mental:
        made["meta"] = {"security": [_PSYCHIATRY]}
        made["extension"] = [
            {"url": structure("management-consent"), "valueBoolean": city.rng.random() < 0.88},
            {"url": structure("guardian-contact"), "valueString": "配偶，电话见居民档案"},
        ]
    return made


def _follow_up(
    city: DemoCity, resident: DemoResident, disease: str, day: date, number: int, good: bool
) -> Resource:
    draw = city.rng
    parts: list[Resource] = []
    emergency = False
    if disease == "hypertension":
        upper = round(draw.gauss(128, 6) if good else draw.gauss(153, 9))
        upper = 186 if not good and draw.random() < 0.01 else upper
        lower = round(min(upper - 20, 0.42 * upper + draw.gauss(24, 4)))
        parts += [
            _quantity(disease, "systolic", Decimal(upper), "mm[Hg]"),
            _quantity(disease, "diastolic", Decimal(lower), "mm[Hg]"),
        ]
        good, emergency = upper < 140 and lower < 90, upper >= 180 or lower >= 110
    else:
        value = Decimal(f"{draw.gauss(6.1, 0.4) if good else draw.gauss(8.6, 1.0):.1f}")
        value = Decimal("17.2") if not good and draw.random() < 0.01 else value
        parts.append(_quantity(disease, "glucose", value, "mmol/L"))
        good, emergency = value < 7, value >= Decimal("16.7")
    found = "satisfied" if good else "adverse" if draw.random() < 0.04 else "unsatisfied"
    return _sheet(city, resident, disease, day, number, found, parts, emergency)


def _registered(city: DemoCity, resident: DemoResident) -> Iterator[Resource]:
    draw = Random(f"{city.seed}/{resident.id}")  # noqa: S311 - a made-up city, not a secret
    began = city.today - timedelta(days=draw.randrange(300, 3000))
    yield _enrolment(city, resident, "severe-mental", began)
    day, number = date(city.today.year, 1, 1) + timedelta(days=draw.randrange(5, 60)), 0
    while day <= city.today:
        number += 1
        level = draw.choice((0, 0, 0, 0, 0, 0, 1, 2)) if number % 4 else draw.choice((0, 0, 1, 3))
        found = "unstable" if level >= 3 else "basically-stable" if level else "stable"
        parts = [_coded("severe-mental", "danger", str(level))]
        yield _sheet(city, resident, "severe-mental", day, number, found, parts, level >= 3)
        day += timedelta(days=draw.randrange(70, 105))


def _sheet(
    city: DemoCity,
    resident: DemoResident,
    disease: str,
    day: date,
    number: int,
    found: str,
    parts: list[Resource],
    emergency: bool,
) -> Resource:
    draw = city.rng
    way = draw.choices(("clinic", "home", "phone"), (78, 15, 7))[0]
    made: Resource = {
        "resourceType": "Observation",
        "id": f"follow-up-{disease}-{resident.id[9:]}-{number:02d}",
        "status": "final",
        "code": concept(code_system("assessment"), f"{disease}-follow-up", _SHEETS[disease]),
        "subject": resident.reference,
        "effectiveDateTime": at(day, draw.randrange(8, 17), draw.randrange(0, 60, 5)),
        "performer": [city.organisation(resident.centre).reference],
        "interpretation": [concept(code_system("follow-up-class"), found, _CLASSES[found])],
        "component": [
            *parts,
            _coded(disease, "way", way),
            _coded(disease, "emergency", "yes" if emergency else "no"),
        ],
    }
    if disease == "severe-mental":
        made["meta"] = {"security": [_PSYCHIATRY]}
    return made


def _part(disease: str, code: str, **value: Any) -> Resource:
    system = f"http://kangshu.org/fhir/Questionnaire/chronic-care-{disease}"
    return {"code": {"coding": [{"system": system, "code": code}]}, **value}


def _quantity(disease: str, code: str, value: Decimal, unit: str) -> Resource:
    ucum = "http://unitsofmeasure.org"
    return _part(disease, code, valueQuantity={"value": value, "unit": unit, "system": ucum, "code": unit})


def _coded(disease: str, code: str, value: str) -> Resource:
    return _part(disease, code, valueCodeableConcept={"coding": [{"code": value}]})


def _examination(city: DemoCity, resident: DemoResident, number: int) -> Resource:
    day = city.day_in(city.today.year, rng=Random(f"{city.seed}/{resident.id}"))  # noqa: S311
    return {
        "resourceType": "Encounter",
        "id": f"chronic-examination-{number + 1:03d}",
        "status": "finished",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "AMB",
            "display": "ambulatory",
        },
        "type": [concept(code_system("encounter-kind"), "chronic-examination", "慢病患者年度健康检查")],
        "subject": resident.reference,
        "period": {"start": at(day, 9), "end": at(day, 10)},
        "serviceProvider": city.organisation(resident.centre).reference,
    }
