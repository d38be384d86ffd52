"""Beds of the demo city's elder-care institutions and who lives in them: a bed is taken by one resident or free."""

from __future__ import annotations

from collections.abc import Iterator
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


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield beds, present residences and those of people who have left."""
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
            yield _bed(bed, home, number, number <= nursing, lives_here)
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


def _next(waiting: list[DemoResident], home: DemoOrganisation, taken: set[str]) -> DemoResident | None:
    """Return the frailest resident of the home's district who lives in no home yet."""
    near = (one for one in waiting if one.id not in taken and one.district == home.district)
    return next(near, next((one for one in waiting if one.id not in taken), None))


def _bed(identifier: str, home: DemoOrganisation, number: int, nursing: bool, occupied: bool) -> Resource:
    status = "O" if occupied else "U"
    kind = ("nursing", "护理型床位") if nursing else ("general", "普通床位")
    return {
        "resourceType": "Location",
        "id": identifier,
        "status": "active",
        "operationalStatus": {"system": _BED_STATUS, "code": status, "display": _STATUS_NAMES[status]},
        "name": f"{(number - 1) // 4 + 1:d}0{(number - 1) % 4 + 1}室{number}床",
        "mode": "instance",
        "type": [concept(code_system("bed-kind"), *kind)],
        "physicalType": concept(_PLACE_KIND, "bd", "床位"),
        "managingOrganization": home.reference,
    }


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
