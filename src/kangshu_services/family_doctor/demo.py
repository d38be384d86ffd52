"""Family-doctor contracts of the demo city: signed for a year, renewed or not, more of them each year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kangshu.sdk import DemoCity, DemoOrganisation, DemoResident, Resource, code_system, concept


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the contracts, a resident's oldest first."""
    organisations = {one.id: one for one in city.organisations}
    for resident in city.residents:
        wish = _wish(city, resident)
        start: date | None = None
        for place, year in enumerate(city.record_years):
            grown = 0.72 + 0.28 * (place + 1) / city.years
            if city.rng.random() >= wish * grown:
                start = None
                continue
            start = start + timedelta(days=365) if start else city.day_in(year)
            if start > city.today or start < resident.birth_date:
                start = None
                continue
            yield _contract(resident, organisations[resident.centre], start, year, city.today)


def _wish(city: DemoCity, resident: DemoResident) -> float:
    """Return how likely the resident has a contract in a good year."""
    vigour, age = city.vigour(resident.district), resident.age(city.today)
    if age >= 60:
        return min(0.99, 0.58 + 0.42 * vigour + 0.06 * bool(resident.conditions))
    if age < 7:
        return 0.35 + 0.45 * vigour
    return 0.18 + 0.18 * vigour + (0.3 if resident.conditions else 0.0)


def _contract(
    resident: DemoResident, centre: DemoOrganisation, start: date, year: int, today: date
) -> Resource:
    return {
        "resourceType": "Contract",
        "id": f"family-doctor-{resident.id[9:]}-{year}",
        "status": "executed",
        "type": concept(code_system("contract-kind"), "family-doctor", "家庭医生签约服务协议"),
        "issued": f"{start.isoformat()}T09:00:00+08:00",
        "applies": {
            "start": start.isoformat(),
            "end": (start + timedelta(days=364)).isoformat(),
        },
        "subject": [resident.reference],
        "authority": [centre.reference],
    }
