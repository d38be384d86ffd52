"""Slots of the demo city: a month behind and two weeks ahead, hospital by hospital.

Hospitals differ on purpose in what share of their slots they keep for referrals and in how fine their times are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, timezone
from random import Random

from kangshu.sdk import DemoCity, DemoOrganisation, DemoPractitioner, Resource, code_system, structure
from kangshu_services.appointments.demo_bookings import bookings, differences

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
_OTHERS = (
    ("revisit", "出院复诊门诊", "老年医学科", "revisit"),
    ("ct", "CT 检查室", "影像科", "examination"),
    ("ward", "心内科病区床位", "心血管内科", "inpatient-bed"),
)
_ELDERS = 0.12
"""Share of slots for the green channel, where it is open."""
_NO_CHANNEL = ("hospital-songping",)


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield each hospital's departments, templates, schedules and slots, green channels, and bookings of residents."""
    first, last = city.today - timedelta(days=30), city.today + timedelta(days=14)
    slots: list[Resource] = []
    for place, hospital in enumerate(city.of_kind("tertiary-hospital", "secondary-hospital")):
        departments = 3 if hospital.kind == "tertiary-hospital" else 2
        for number in range(departments):
            department = _DEPARTMENTS[(place + number * 2) % len(_DEPARTMENTS)]
            key = f"{hospital.id[9:]}-{number + 1}"
            yield _service(key, hospital, f"{department}门诊", department, "outpatient")
            yield _schedule(key, hospital, department, first, last)
            yield from _templates(key, hospital)
            clinicians = [one for one in city.practitioners if one.organisation == hospital.id][:2]
            made = list(_slots(city, key, hospital, department, first, last))
            if number == 1 and clinicians:
                yield from _clinics(key, hospital, department, first, last, clinicians)
                _with_clinicians(key, made, clinicians)
            slots += made
            yield from made
        if hospital.kind == "tertiary-hospital":
            yield from _others(city, hospital, last)
    yield from _channels(city)
    yield from bookings(city, slots)
    yield from differences(city, city.of_kind("tertiary-hospital")[0])


def _clinics(
    key: str,
    hospital: DemoOrganisation,
    department: str,
    first: date,
    last: date,
    clinicians: Sequence[DemoPractitioner],
) -> Iterator[Resource]:
    """Yield a Schedule for each clinician of a department."""
    for number, one in enumerate(clinicians, 1):
        made = _schedule(key, hospital, department, first, last)
        yield {**made, "id": f"schedule-{key}-clinic-{number}", "actor": [*made["actor"], one.reference]}


def _with_clinicians(key: str, slots: Sequence[Resource], clinicians: Sequence[DemoPractitioner]) -> None:
    """Put the slots of a department into the clinics of its clinicians, by turns."""
    for number, one in enumerate(slots):
        turn = number % len(clinicians)
        one["extension"].append({"url": structure("clinician"), "valueReference": clinicians[turn].reference})
        one["schedule"] = {**one["schedule"], "reference": f"Schedule/schedule-{key}-clinic-{turn + 1}"}


def _service(key: str, hospital: DemoOrganisation, name: str, department: str, kind: str) -> Resource:
    coding = {"system": code_system("booking-kind"), "code": f"appointments/{kind}"}
    return {
        "resourceType": "HealthcareService",
        "id": f"service-{key}",
        "active": True,
        "category": [{"coding": [coding]}],
        "providedBy": hospital.reference,
        "name": f"{hospital.name}{name}",
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


def _templates(key: str, hospital: DemoOrganisation) -> Iterator[Resource]:
    """Yield a week of templates that keeps what the plan asks for: 6 places an hour, 4 of them for referrals."""
    code = {"coding": [{"system": code_system("record-kind"), "code": "slot-template"}], "text": "放号模板"}
    for weekday in range(1, 6):
        for part, (begin, end) in enumerate((("08:00", "12:00"), ("14:00", "17:00"))):
            for pool, places in (("public", 1), ("referral", 4), ("elder", 1)):
                yield {
                    "resourceType": "Basic",
                    "id": f"template-{key}-{weekday}-{part}-{pool}",
                    "code": code,
                    "subject": {"reference": f"HealthcareService/service-{key}"},
                    "author": hospital.reference,
                    "extension": [
                        {"url": structure("responsible-organisation"), "valueReference": hospital.reference},
                        {"url": structure("weekday"), "valueInteger": weekday},
                        {"url": structure("from"), "valueString": begin},
                        {"url": structure("until"), "valueString": end},
                        {"url": structure("minutes"), "valueInteger": 60},
                        {"url": structure("capacity"), "valuePositiveInt": places},
                        {"url": structure("reserved-for"), "valueCode": pool},
                    ],
                }


def _slots(
    city: DemoCity, key: str, hospital: DemoOrganisation, department: str, first: date, last: date
) -> Iterator[Resource]:
    rng, share = city.rng, _RESERVED.get(hospital.id, 0.4)
    day = first
    while day <= last:
        if city.calendar.is_working_day(day):
            starts = _starts(_MINUTES.get(hospital.id, rng.choice((30, 60, 60))))
            pools = _spread(rng, len(starts), share, hospital.id not in _NO_CHANNEL)
            for number, (start, minutes) in enumerate(starts):
                begin = datetime(day.year, day.month, day.day, start // 60, start % 60, tzinfo=_ZONE)
                ahead = (day - city.today).days
                busy = rng.random() < (0.86 if ahead < 0 else max(0.05, 0.75 - ahead * 0.06))
                yield slot(
                    f"slot-{key}-{day:%y%m%d}-{number + 1:02d}",
                    f"schedule-{key}",
                    hospital,
                    department,
                    begin,
                    begin + timedelta(minutes=minutes),
                    "busy" if busy else "free",
                    pools[number],
                    max(2, minutes // 10),
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


def _spread(rng: Random, count: int, share: float, elders: bool) -> list[str]:
    kept = int(count * share + rng.random())
    places = rng.sample(range(count), count)
    reserved = set(places[: min(kept, count)])
    for_elders = set(places[kept : kept + max(1, round(count * _ELDERS))]) if elders else set[int]()
    return [
        "referral" if place in reserved else "elder" if place in for_elders else "" for place in range(count)
    ]


def slot(
    identifier: str,
    schedule: str,
    hospital: DemoOrganisation,
    department: str,
    start: datetime,
    end: datetime,
    status: str,
    pool: str,
    places: int,
    kind: str = "outpatient",
) -> Resource:
    """Return one slot."""
    extensions: list[Resource] = [
        {"url": structure("responsible-organisation"), "valueReference": hospital.reference},
        {"url": structure("capacity"), "valuePositiveInt": places},
    ]
    if pool:
        extensions.append({"url": structure("reserved-for"), "valueCode": pool})
    coding = {"system": code_system("booking-kind"), "code": f"appointments/{kind}"}
    return {
        "resourceType": "Slot",
        "id": identifier,
        "extension": extensions,
        "serviceCategory": [{"coding": [coding]}],
        "specialty": [{"text": department}],
        "schedule": {"reference": f"Schedule/{schedule}", "display": f"{hospital.name}{department}"},
        "status": status,
        "start": start.isoformat(),
        "end": end.isoformat(),
    }


def _others(city: DemoCity, hospital: DemoOrganisation, last: date) -> Iterator[Resource]:
    """Yield a clinic after discharge, an examination room and the beds of a ward, a week ahead."""
    for key, name, department, kind in _OTHERS:
        whole = f"{hospital.id[9:]}-{key}"
        yield _service(whole, hospital, name, department, kind)
        yield _schedule(whole, hospital, name, city.today, last)
        for ahead in range(1, 8):
            day = city.today + timedelta(days=ahead)
            if kind != "inpatient-bed" and not city.calendar.is_working_day(day):
                continue
            begin = datetime(day.year, day.month, day.day, 8, tzinfo=_ZONE)
            hours = 24 if kind == "inpatient-bed" else 1
            for number in range(1 if kind == "inpatient-bed" else 4):
                start = begin + timedelta(hours=number)
                yield slot(
                    f"slot-{whole}-{day:%y%m%d}-{number + 1}", f"schedule-{whole}", hospital, name, start,
                    start + timedelta(hours=hours), "free", "", 4, kind,
                )  # fmt: skip


def _channels(city: DemoCity) -> Iterator[Resource]:
    coding = {"system": code_system("service-kind"), "code": "elder-green-channel"}
    institutions = city.of_kind(
        "tertiary-hospital", "secondary-hospital", "community-health-centre", "township-health-centre"
    )
    for number, one in enumerate(institutions):
        if one.id in _NO_CHANNEL or number % 7 == 6:
            continue
        yield {
            "resourceType": "HealthcareService",
            "id": f"green-{one.id}"[:64],
            "active": True,
            "category": [{"coding": [coding], "text": "老年人绿色通道"}],
            "providedBy": one.reference,
            "name": f"{one.name}老年人优先窗口",
            "extension": [
                {"url": structure("priority-registration"), "valueBoolean": True},
                {"url": structure("priority-visit"), "valueBoolean": number % 5 != 4},
            ],
        }
