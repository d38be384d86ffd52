"""The demo city's recognition of results: catalogue, quality control, admissions, and two years of certified reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from kangshu.sdk import (
    DemoCity,
    DemoOrganisation,
    Resource,
    at,
    code_system,
    concept,
    record,
    structure,
)

CENTRE = "quality-centre"
ITEMS: tuple[tuple[str, str, str, int, float | None], ...] = (
    ("fasting-glucose", "空腹血糖", "laboratory", 30, 8.0),
    ("blood-lipids", "血脂四项", "laboratory", 90, 36.0),
    ("liver-function", "肝功能", "laboratory", 30, 45.0),
    ("renal-function", "肾功能", "laboratory", 30, 30.0),
    ("glycated-haemoglobin", "糖化血红蛋白", "laboratory", 90, 70.0),
    ("chest-ct", "胸部CT平扫", "imaging", 90, 260.0),
    ("abdominal-ultrasound", "腹部超声", "imaging", 90, 110.0),
    ("head-mri", "颅脑磁共振平扫", "imaging", 180, 480.0),
    ("cervical-cytology", "宫颈细胞学检查", "pathology", 365, None),
    ("electrocardiogram", "常规心电图", "electrophysiology", 7, 28.0),
)
"""(code, title, specialty, days valid, price). Days and prices are the demo's own; one has no price, so its saving is unknown."""
_HOSPITALS = frozenset({"tertiary-hospital", "secondary-hospital"})
_SIGNATURE = {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the quality-control centre, the catalogue, results of quality control with admissions, and reports.

    What is drawn depends on the city's seed alone: the cases ask again which results there are.
    """
    city = replace(city, rng=Random(f"{city.seed}/recognition"))  # noqa: S311 - a made-up city, not a secret
    yield {
        "resourceType": "Organization",
        "id": CENTRE,
        "extension": [{"url": structure("district"), "valueCode": city.code}],
        "active": True,
        "type": [{"coding": [{"system": code_system("organisation-kind"), "code": "quality-centre"}]}],
        "name": f"{city.name}检验影像病理质量控制中心",
    }
    yield from (_item(*one) for one in ITEMS)
    for place in (*_hospitals(city), *city.of_kind("community-health-centre", "township-health-centre")):
        for code, title, *_ in _done_at(place):
            yield from _controlled(city, place, code, title)
    yield from _reports(city)


def _hospitals(city: DemoCity) -> tuple[DemoOrganisation, ...]:
    return city.of_kind("tertiary-hospital", "secondary-hospital")


def _done_at(place: DemoOrganisation) -> tuple[tuple[str, str, str, int, float | None], ...]:
    """Return the items that an institution does: health centres the common ones alone."""
    if place.kind in _HOSPITALS:
        return ITEMS
    return tuple(one for one in ITEMS if one[0] in ("fasting-glucose", "blood-lipids", "electrocardiogram"))


def _item(code: str, title: str, specialty: str, days: int, price: float | None) -> Resource:
    extensions: list[Resource] = [
        {"url": structure("examination-specialty"), "valueCode": specialty},
        {"url": structure("validity-days"), "valueInteger": days},
        {"url": structure("verified"), "valueBoolean": False},
    ]
    if price is not None:
        extensions.append({"url": structure("price"), "valueDecimal": price})
    return {
        "resourceType": "ActivityDefinition",
        "id": f"recognition-item-{code}",
        "extension": extensions,
        "name": code,
        "title": title,
        "status": "active",
        "purpose": "演示：有效天数和单价待主管部门确认",
        "topic": [{"coding": [{"system": code_system("definition-kind"), "code": "recognition-item"}]}],
        "kind": "ServiceRequest",
    }


def _controlled(city: DemoCity, place: DemoOrganisation, code: str, title: str) -> Iterator[Resource]:
    """Yield last year's and this year's results of an institution's item and, after a pass, its admission."""
    vigour = city.vigour(place.district)
    passed: list[tuple[date, date]] = []
    for year in (city.today.year - 1, city.today.year):
        day = date(year, 1, 15) + timedelta(days=city.rng.randrange(0, 50))
        if day > city.today or city.rng.random() > vigour + 0.35:
            continue
        fine = city.rng.random() < 0.8 + 0.2 * vigour
        until = day + timedelta(days=395)
        held: list[tuple[str, str, object]] = [
            ("district", "Code", place.district),
            (
                "record-of",
                "Reference",
                {"reference": f"ActivityDefinition/recognition-item-{code}", "display": title},
            ),
            ("record-state", "Code", "pass" if fine else "fail"),
            ("record-day", "Date", day.isoformat()),
            ("level", "Code", "regional" if place.kind in _HOSPITALS else "city"),
        ]
        if fine:
            held.append(("valid-until", "Date", until.isoformat()))
            passed.append((day, until))
        yield record(
            "quality-result",
            f"quality-{year}-{code}-{place.id}",
            held,
            name=f"{year}年室间质评",
            subject=f"Organization/{place.id}",
        )
    if passed:
        yield _admission(place, code, title, passed[0][0], passed[-1][1], city.today)


def _admission(
    place: DemoOrganisation, code: str, title: str, since: date, until: date, today: date
) -> Resource:
    return {
        "resourceType": "HealthcareService",
        "id": f"recognition-{code}-{place.id}",
        "extension": [
            {
                "url": structure("recognition-mark"),
                "valueCode": "regional" if place.kind in _HOSPITALS else "city",
            },
            {"url": structure("admitted-on"), "valueDate": since.isoformat()},
            {"url": structure("valid-until"), "valueDate": until.isoformat()},
        ],
        # what lapsed some days ago is still to be looked at; what lapsed long ago is suspended
        "active": until > today - timedelta(days=20),
        "providedBy": place.reference,
        "category": [concept(code_system("service-category"), "mutual-recognition", "检查检验结果互认")],
        "type": [{"coding": [{"system": code_system("recognition-item"), "code": code, "display": title}]}],
        "name": title,
    }


def _reports(city: DemoCity) -> Iterator[Resource]:
    """Yield reports of some residents: a first one, and for a few of them another elsewhere soon after."""
    hospitals, rng = _hospitals(city), city.rng
    people = rng.sample(city.residents, len(city.residents) // 8)
    for number, resident in enumerate(people):
        code, title, *_ = ITEMS[rng.randrange(len(ITEMS))]
        days = rng.randrange(3, 45) if number % 3 == 0 else rng.randrange(45, 600)
        first = hospitals[rng.randrange(len(hospitals))]
        yield from _report(city, f"{resident.id[9:]}-a", resident.reference, code, title, first, days)
        if rng.random() < 0.22 - 0.15 * city.vigour(resident.district) and days > 12:
            second = hospitals[rng.randrange(len(hospitals))]
            later = days - rng.randrange(2, 12)
            yield from _report(city, f"{resident.id[9:]}-b", resident.reference, code, title, second, later)


def _report(
    city: DemoCity, key: str, subject: Resource, code: str, title: str, place: DemoOrganisation, days: int
) -> Iterator[Resource]:
    """Yield a report of `days` ago and, where the institution certifies its reports, the certificate."""
    day = city.today - timedelta(days=days)
    yield {
        "resourceType": "DiagnosticReport",
        "id": f"test-report-{key}",
        "status": "final",
        "code": {
            "coding": [{"system": code_system("recognition-item"), "code": code, "display": title}],
            "text": title,
        },
        "subject": subject,
        "effectiveDateTime": at(day, 9, 30),
        "performer": [place.reference],
        "conclusion": "未见明显异常（演示）",
    }
    if city.rng.random() < 0.55 + 0.45 * city.vigour(place.district):
        yield {
            "resourceType": "Provenance",
            "id": f"certificate-{key}",
            "target": [{"reference": f"DiagnosticReport/test-report-{key}/_history/1"}],
            "recorded": at(day, 16),
            "agent": [{"who": place.reference}],
            "signature": [
                {
                    "type": [_SIGNATURE],
                    "when": at(day, 16),
                    "who": place.reference,
                    "data": "a2FuZ3NodS1kZW1v",
                }
            ],
        }
