"""Agreements between elder-care institutions and hospitals or centres: in force, ending soon, ended, missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kangshu.sdk import DemoCity, DemoOrganisation, Resource, code_system, concept


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the agreements. Of the institutions without a medical unit of their own, some have none."""
    number = 0
    for place, home in enumerate(city.of_kind("elder-institution")):
        partner = _partner(city, home)
        for year in list(city.record_years)[:-1]:
            if place < 2 + 2 * (year - city.first_day.year):
                number += 1
                start = date(year, 3, 1) + timedelta(days=city.rng.randrange(0, 60))
                yield _agreement(number, home, partner, start, start + timedelta(days=364))
        if home.internal_medical_unit:
            continue
        number += 1
        fate = place % 5
        if fate == 4:  # never signed
            continue
        ends = city.today + timedelta(days={2: 220, 3: 24, 0: 310, 1: -40}.get(fate, 150))
        yield _agreement(number, home, partner, ends - timedelta(days=364), ends)


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
