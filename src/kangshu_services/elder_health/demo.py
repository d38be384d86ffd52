"""Yearly health management and ability assessments of the demo city's older residents, and who assesses them."""

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
_LEVELS = (
    (90, "0", "能力完好"),
    (66, "1", "轻度失能"),
    (46, "2", "中度失能"),
    (30, "3", "重度失能"),
    (0, "4", "完全失能"),
)
"""Lowest score of each level. Source: GB/T 42195-2022 老年人能力评估规范."""
_BODIES = (
    ("assessing-kangan", "云汐康安老年人能力评估中心"),
    ("assessing-hengxin", "云汐恒信养老评估服务中心"),
)
_ASSESSORS = (
    ("江评一", 0, "3", "2029-06-30"),
    ("林评二", 0, "2", "2028-12-31"),
    ("周评三", 1, "3", "2029-03-31"),
    ("何评四", 1, "training", "2027-09-30"),
)
"""Assessors: name, body, level, until when the certificate holds."""
_SELF_CARE = (
    ("meals", "进餐"),
    ("washing", "梳洗"),
    ("dressing", "穿衣"),
    ("toilet", "如厕"),
    ("moving", "活动"),
)
_SHEETS = 24
"""Sheets of the self-care scale, every fourth a draft."""
_COMPLETE = 0.94
"""Share of the yearly forms that are filled in completely."""
_PROFILED = 4
"""Of how many older residents one has a profile."""


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield, year by year, the managements and assessments of those who were old enough then."""
    yield from (_body(city, id_, name) for id_, name in _BODIES)
    yield from (_assessor(city, number, *one) for number, one in enumerate(_ASSESSORS, 1))
    organisations = {one.id: one for one in city.organisations}
    waiting = {one.id for one in invited(city)}
    for number, resident in enumerate(list(city.elders(68))[:_SHEETS]):
        yield from _sheet(city, resident, organisations[resident.centre], number)
    for number, resident in enumerate(city.elders(60)):
        centre = organisations[resident.centre]
        if number % _PROFILED == 0:
            yield _profile(city, resident)
        for place, year in enumerate(city.record_years):
            age = resident.age(min(date(year, 12, 31), city.today))
            share = _share(city, resident, place, year)
            reached = age >= 60 and city.rng.random() < share * (1.0 if age >= 65 else 0.82)
            if reached and not (year == city.today.year and resident.id in waiting):
                yield _management(city, resident, centre, year)
            if age >= 65 and city.rng.random() < share * 0.74:
                yield _assessment(city, resident, centre, year)


def invited(city: DemoCity, count: int = 16) -> tuple[DemoResident, ...]:
    """Return up to `count` residents who are old enough and wait for this year's service: cases invite them."""
    people = list(city.elders(66))
    return tuple(people[:: max(1, len(people) // count)][:count])


def _share(city: DemoCity, resident: DemoResident, place: int, year: int) -> float:
    """Return how many are reached: more each year and in better districts; less before the year is over."""
    grown = 0.74 + 0.26 * (place + 1) / city.years
    elapsed = city.today.timetuple().tm_yday / 365 if year == city.today.year else 1.0
    return (0.46 + 0.46 * city.vigour(resident.district)) * grown * (0.15 + 0.85 * elapsed)


def _body(city: DemoCity, id_: str, name: str) -> Resource:
    return {
        "resourceType": "Organization",
        "id": id_,
        "active": True,
        "type": [concept(code_system("organisation-kind"), "assessment-body", "能力评估机构")],
        "name": name,
        "extension": [{"url": structure("district"), "valueCode": city.districts[0].code}],
    }


def _assessor(city: DemoCity, number: int, name: str, body: int, level: str, until: str) -> Resource:
    return {
        "resourceType": "Practitioner",
        "id": f"ability-assessor-{number}",
        "active": True,
        "identifier": [
            {"system": "http://kangshu.org/fhir/sid/ability-assessor", "value": f"PG{number:06d}"}
        ],
        "name": [{"text": name}],
        "qualification": [
            {
                "code": concept(code_system("assessor-level"), level, "老年人能力评估师"),
                "period": {"start": "2024-07-01", "end": until},
            }
        ],
        "extension": [
            {"url": structure("district"), "valueCode": city.districts[0].code},
            {
                "url": structure("responsible-organisation"),
                "valueReference": {"reference": f"Organization/{_BODIES[body][0]}"},
            },
        ],
    }


def _profile(city: DemoCity, resident: DemoResident) -> Resource:
    draw = city.rng.random()
    hardship = (
        "extreme-poverty"
        if draw < 0.05
        else "minimum-living"
        if draw < 0.16
        else "low-income"
        if draw < 0.28
        else "none"
    )
    living = city.rng.choice(("alone", "empty-nest", "empty-nest", "with-family", "with-family"))
    return {
        "resourceType": "Observation",
        "id": f"elder-profile-{resident.id[9:]}",
        "status": "final",
        "category": [
            concept("http://terminology.hl7.org/CodeSystem/observation-category", "social-history", "社会史")
        ],
        "code": concept(code_system("assessment"), "elder-profile", "老年人基本情况"),
        "subject": resident.reference,
        "effectiveDateTime": city.day_in(city.today.year).isoformat(),
        "extension": [
            {"url": structure("living-state"), "valueCode": living},
            {"url": structure("economic-hardship"), "valueCode": hardship},
            {"url": structure("special-family"), "valueBoolean": city.rng.random() < 0.02},
            {"url": structure("registered-here"), "valueBoolean": city.rng.random() < 0.93},
        ],
    }


def _sheet(
    city: DemoCity, resident: DemoResident, centre: DemoOrganisation, number: int
) -> Iterator[Resource]:
    """Yield a filled-in self-care sheet with its result, or a draft of which two items are still missing."""
    draft = number % 4 == 3
    day = city.day(-number)
    reference = f"elder-self-care-sheet-{number}"
    answered = _SELF_CARE[:3] if draft else _SELF_CARE
    items: list[Resource] = [
        {
            "linkId": "items",
            "text": "自理能力",
            "item": [
                {
                    "linkId": item,
                    "text": title,
                    "answer": [{"valueCoding": {"code": "independent", "display": "独立完成"}}],
                }
                for item, title in answered
            ],
        }
    ]
    response: Resource = {
        "resourceType": "QuestionnaireResponse",
        "id": reference,
        "questionnaire": "http://kangshu.org/fhir/Questionnaire/elder-health-self-care",
        "status": "in-progress" if draft else "completed",
        "subject": resident.reference,
        "authored": day,
        "author": centre.reference,
        "item": items,
    }
    if draft:
        yield response
        return
    response["extension"] = [
        {
            "url": structure("assessor"),
            "extension": [
                {"url": "account", "valueString": "public-health"},
                {"url": "name", "valueString": "公卫医生"},
                {"url": "when", "valueDateTime": f"{day}T10:00:00+08:00"},
            ],
        }
    ]
    yield response
    yield {
        "resourceType": "Observation",
        "id": f"elder-self-care-{number}",
        "status": "final",
        "code": concept(code_system("assessment"), "elder-self-care", "老年人生活自理能力评估表"),
        "subject": resident.reference,
        "effectiveDateTime": day,
        "performer": [centre.reference],
        "valueInteger": 0,
        "interpretation": [{"coding": [{"code": "independent", "display": "可自理"}], "text": "可自理"}],
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{reference}"}],
    }


def _management(city: DemoCity, resident: DemoResident, centre: DemoOrganisation, year: int) -> Resource:
    day = city.day_in(year)
    return {
        "resourceType": "Encounter",
        "id": f"elder-management-{resident.id[9:]}-{year}",
        "status": "finished",
        "extension": [{"url": structure("complete-form"), "valueBoolean": city.rng.random() < _COMPLETE}],
        "class": {"system": _CLASS, "code": "AMB", "display": "ambulatory"},
        "type": [concept(code_system("encounter-kind"), "elder-health-management", "老年人健康管理")],
        "subject": resident.reference,
        "period": {"start": at(day, 9), "end": at(day, 9, 40)},
        "reasonCode": [{"text": "老年人年度健康管理"}],
        "serviceProvider": centre.reference,
    }


def _assessment(city: DemoCity, resident: DemoResident, centre: DemoOrganisation, year: int) -> Resource:
    day = city.day_in(year)
    earlier = (city.today.year - year) * 0.03
    loss = max(0.0, resident.frailty - earlier - 0.12 + city.rng.gauss(0, 0.06))
    score = max(0, min(90, round(90 - 92 * loss)))
    level, name = next((code, title) for lowest, code, title in _LEVELS if score >= lowest)
    until = (
        day.replace(year=day.year + 1, day=28)
        if (day.month, day.day) == (2, 29)
        else day.replace(year=day.year + 1)
    )
    return {
        "resourceType": "Observation",
        "id": f"elder-ability-{resident.id[9:]}-{year}",
        "status": "final",
        "extension": [{"url": structure("valid-until"), "valueDate": until.isoformat()}],
        "code": concept(code_system("assessment"), "elder-ability", "老年人能力评估"),
        "subject": resident.reference,
        "effectiveDateTime": day.isoformat(),
        "issued": at(min(day + timedelta(days=1), city.today), 10),
        "performer": [centre.reference],
        "valueInteger": score,
        "interpretation": [concept(code_system("ability-level"), level, name)],
    }
