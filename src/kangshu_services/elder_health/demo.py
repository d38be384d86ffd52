"""Yearly health management and ability assessments of the demo city's older residents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kangshu.sdk import DemoCity, DemoOrganisation, DemoResident, Resource, at, code_system, concept

_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_LEVELS = (
    (90, "0", "能力完好"),
    (66, "1", "轻度失能"),
    (46, "2", "中度失能"),
    (30, "3", "重度失能"),
    (0, "4", "完全失能"),
)
"""Lowest score of each level. Source: GB/T 42195-2022 老年人能力评估规范."""


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield, year by year, the managements and assessments of those who were old enough then."""
    organisations = {one.id: one for one in city.organisations}
    for resident in city.elders(60):
        centre = organisations[resident.centre]
        for place, year in enumerate(city.record_years):
            age = resident.age(min(date(year, 12, 31), city.today))
            share = _share(city, resident, place, year)
            if age >= 60 and city.rng.random() < share * (1.0 if age >= 65 else 0.82):
                yield _management(resident, centre, city.day_in(year), year)
            if age >= 65 and city.rng.random() < share * 0.74:
                yield _assessment(city, resident, centre, year)


def _share(city: DemoCity, resident: DemoResident, place: int, year: int) -> float:
    """Return how many are reached: more each year and in better districts; less before the year is over."""
    grown = 0.74 + 0.26 * (place + 1) / city.years
    elapsed = city.today.timetuple().tm_yday / 365 if year == city.today.year else 1.0
    return (0.46 + 0.46 * city.vigour(resident.district)) * grown * (0.15 + 0.85 * elapsed)


def _management(resident: DemoResident, centre: DemoOrganisation, day: date, year: int) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": f"elder-management-{resident.id[9:]}-{year}",
        "status": "finished",
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
    return {
        "resourceType": "Observation",
        "id": f"elder-ability-{resident.id[9:]}-{year}",
        "status": "final",
        "code": concept(code_system("assessment"), "elder-ability", "老年人能力评估"),
        "subject": resident.reference,
        "effectiveDateTime": day.isoformat(),
        "issued": at(min(day + timedelta(days=1), city.today), 10),
        "performer": [centre.reference],
        "valueInteger": score,
        "interpretation": [concept(code_system("ability-level"), level, name)],
    }
