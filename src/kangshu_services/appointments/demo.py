"""Appointment slots of the demo city's hospitals: the past month and the coming two weeks.

Hospitals differ in how many of their slots they keep for referrals and in how fine their times are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from random import Random

from kangshu.sdk import DemoCity, DemoOrganisation, Resource, structure

_ZONE = timezone(timedelta(hours=8))
_RESERVED = {
    "hospital-yunxi-first": 0.66,
    "hospital-yunxi-tcm": 0.55,
    "hospital-xijiang-central": 0.47,
    "hospital-yunhu": 0.58,
    "hospital-xijiang-rehab": 0.52,
    "hospital-qinglan": 0.44,
    "hospital-wangchuan": 0.37,
    "hospital-songping": 0.21,
}
"""Share of slots kept for referrals, hospital by hospital."""
_MINUTES = {"hospital-xijiang-central": 120, "hospital-wangchuan": 240, "hospital-songping": 240}
"""Length of a slot where it is not an hour or less."""
_DEPARTMENTS = ("全科医学科", "心血管内科", "内分泌科", "老年医学科", "康复医学科", "中医科")


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield each hospital's departments, their schedules and slots."""
    first, last = city.today - timedelta(days=30), city.today + timedelta(days=14)
    for place, hospital in enumerate(city.of_kind("tertiary-hospital", "secondary-hospital")):
        departments = 3 if hospital.kind == "tertiary-hospital" else 2
        for number in range(departments):
            department = _DEPARTMENTS[(place + number * 2) % len(_DEPARTMENTS)]
            key = f"{hospital.id[9:]}-{number + 1}"
            yield _service(key, hospital, department)
            yield _schedule(key, hospital, department, first, last)
            yield from _slots(city, key, hospital, first, last)


def _service(key: str, hospital: DemoOrganisation, department: str) -> Resource:
    return {
        "resourceType": "HealthcareService",
        "id": f"service-{key}",
        "active": True,
        "providedBy": hospital.reference,
        "name": f"{hospital.name}{department}",
        "specialty": [{"text": department}],
        "appointmentRequired": True,
    }


def _schedule(key: str, hospital: DemoOrganisation, department: str, first: date, last: date) -> Resource:
    return {
        "resourceType": "Schedule",
        "id": f"schedule-{key}",
        "extension": [
            {"url": structure("responsible-organisation"), "valueReference": hospital.reference},
        ],
        "active": True,
        "specialty": [{"text": department}],
        "actor": [{"reference": f"HealthcareService/service-{key}", "display": department}],
        "planningHorizon": {"start": first.isoformat(), "end": last.isoformat()},
    }


def _slots(
    city: DemoCity, key: str, hospital: DemoOrganisation, first: date, last: date
) -> Iterator[Resource]:
    rng, share = city.rng, _RESERVED.get(hospital.id, 0.4)
    day = first
    while day <= last:
        if city.calendar.is_working_day(day):
            starts = _starts(_MINUTES.get(hospital.id, rng.choice((30, 60, 60))))
            reserved = _spread(rng, len(starts), share)
            for number, (start, minutes) in enumerate(starts):
                begin = datetime(day.year, day.month, day.day, start // 60, start % 60, tzinfo=_ZONE)
                ahead = (day - city.today).days
                busy = rng.random() < (0.86 if ahead < 0 else max(0.05, 0.75 - ahead * 0.06))
                yield _slot(
                    f"slot-{key}-{day:%y%m%d}-{number + 1:02d}",
                    key,
                    hospital,
                    begin,
                    begin + timedelta(minutes=minutes),
                    "busy" if busy else "free",
                    reserved[number],
                )
        day += timedelta(days=1)


def _starts(minutes: int) -> list[tuple[int, int]]:
    """Return (start in minutes of the day, length) of a day's slots: eight to twelve, two to five."""
    if minutes >= 240:
        return [(480, 240)] * 4 + [(840, 180)] * 4
    hours = [(hour * 60, 60) for hour in (8, 9, 10, 11, 14, 15, 16)]
    if minutes == 60:
        return hours
    if minutes == 30:
        return [(start + half, 30) for start, _ in hours for half in (0, 30)][:10]
    return [(480, 120), (480, 120), (600, 120), (600, 120), (840, 120), (840, 120), (960, 60)]


def _spread(rng: Random, count: int, share: float) -> list[bool]:
    kept = int(count * share + rng.random())
    places = set(rng.sample(range(count), min(kept, count)))
    return [place in places for place in range(count)]


def _slot(
    identifier: str,
    key: str,
    hospital: DemoOrganisation,
    start: datetime,
    end: datetime,
    status: str,
    reserved: bool,
) -> Resource:
    extensions: list[Resource] = [
        {"url": structure("responsible-organisation"), "valueReference": hospital.reference}
    ]
    if reserved:
        extensions.append({"url": structure("reserved-for"), "valueCode": "referral"})
    return {
        "resourceType": "Slot",
        "id": identifier,
        "extension": extensions,
        "schedule": {"reference": f"Schedule/schedule-{key}"},
        "status": status,
        "start": start.isoformat(),
        "end": end.isoformat(),
    }
