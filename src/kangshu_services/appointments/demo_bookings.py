"""Bookings of the demo city's residents: some seen, some missed, some of today, some ahead, some waiting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from kangshu.sdk import (
    DemoCity,
    DemoOrganisation,
    DemoResident,
    Resource,
    code_system,
    extension_value,
    structure,
)

_PAST = (("fulfilled", 0.82), ("noshow", 0.08), ("cancelled", 0.10))
_AHEAD = 90
_BEHIND = 140
_WALK_IN = 60


def bookings(city: DemoCity, slots: Sequence[Resource]) -> Iterator[Resource]:
    """Yield appointments in `slots`, and the visits that came of them or of none."""
    rng = city.rng
    past = [one for one in slots if one["start"][:10] < city.today.isoformat() and one["status"] == "busy"]
    ahead = [one for one in slots if one["start"][:10] >= city.today.isoformat() and one["status"] == "free"]
    elders = [one for one in city.residents if one.birth_date.year <= city.today.year - 61]
    people = list(city.residents)
    for number, slot in enumerate(rng.sample(past, min(_BEHIND, len(past)))):
        who = rng.choice(elders if _pool(slot) == "elder" and elders else people)
        draw = rng.random()
        status = "fulfilled" if draw < _PAST[0][1] else "noshow" if draw < 0.9 else "cancelled"
        yield appointment(f"appointment-{number + 1:04d}", slot, who, status, rng.randrange(4, 45))
        if status == "fulfilled":
            yield _visit(f"visit-booked-{number + 1:04d}", slot, who, f"appointment-{number + 1:04d}")
    for number, slot in enumerate(rng.sample(past, min(_WALK_IN, len(past)))):
        yield _visit(f"visit-walk-in-{number + 1:04d}", slot, rng.choice(people), "")
    taken: dict[str, int] = {}
    chosen = rng.choices(ahead, k=_AHEAD) if ahead else []
    for number, slot in enumerate(chosen):
        if taken.get(slot["id"], 0) >= 2:
            continue
        taken[slot["id"]] = taken.get(slot["id"], 0) + 1
        who = rng.choice(elders if _pool(slot) == "elder" and elders else people)
        today = slot["start"][:10] == city.today.isoformat()
        status = "checked-in" if today and number % 3 == 0 else "booked"
        yield appointment(f"appointment-{_BEHIND + number + 1:04d}", slot, who, status, 12)


def differences(city: DemoCity, hospital: DemoOrganisation) -> Iterator[Resource]:
    """Yield what today's comparison with the hospital's own system has found."""
    found = (
        ("missing-there", f"appointment-{_BEHIND + 1:04d}", "booked", ""),
        ("time", f"appointment-{_BEHIND + 2:04d}", "09:00", "10:00"),
    )
    code = {
        "coding": [{"system": code_system("record-kind"), "code": "booking-difference"}],
        "text": "预约对账差异",
    }
    for number, (kind, booking, here, there) in enumerate(found, 1):
        yield {
            "resourceType": "Basic",
            "id": f"difference-demo-{number}",
            "code": code,
            "created": city.today.isoformat(),
            "author": hospital.reference,
            "extension": [
                {"url": structure("responsible-organisation"), "valueReference": hospital.reference},
                {"url": structure("difference"), "valueCode": kind},
                {"url": structure("booking"), "valueString": booking},
                {"url": structure("here"), "valueString": here},
                *([{"url": structure("there"), "valueString": there}] if there else []),
                {"url": structure("difference-state"), "valueCode": "open"},
            ],
        }


def appointment(identifier: str, slot: Resource, who: DemoResident, status: str, minutes: int) -> Resource:
    """Return the appointment of a resident; one who was seen came `minutes` before."""
    hospital = extension_value(slot, "responsible-organisation")
    centre = {"reference": f"Organization/{who.centre}"}
    start = datetime.fromisoformat(slot["start"])
    extensions: list[Resource] = [
        {"url": structure("responsible-organisation"), "valueReference": hospital},
        {"url": structure("booked-by"), "valueReference": centre},
        {"url": structure("responsible-organisation"), "valueReference": centre},
        {"url": structure("pool"), "valueCode": _pool(slot) or "public"},
    ]
    if priority := _priority(slot, who, start):
        extensions.append({"url": structure("visit-priority"), "valueCode": priority})
    if status in ("fulfilled", "checked-in"):
        extensions.append({"url": structure("checked-in-at"), "valueDateTime": start.isoformat()})
    if status == "fulfilled":
        served = (start + timedelta(minutes=minutes)).isoformat()
        extensions.append({"url": structure("served-at"), "valueDateTime": served})
    made: Resource = {
        "resourceType": "Appointment",
        "id": identifier,
        "status": status,
        "serviceCategory": slot["serviceCategory"],
        "specialty": slot["specialty"],
        "description": slot["schedule"]["display"],
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["start"],
        "end": slot["end"],
        "created": (start - timedelta(days=3)).isoformat(),
        "participant": [
            {"actor": {"reference": f"Patient/{who.id}", "display": who.name}, "status": "accepted"}
        ],
        "extension": extensions,
    }
    if status == "cancelled":
        made["cancelationReason"] = {"text": "居民临时有事"}
    return made


def _visit(identifier: str, slot: Resource, who: DemoResident, booked: str) -> Resource:
    coding = {"system": code_system("encounter-kind"), "code": "outpatient"}
    made: Resource = {
        "resourceType": "Encounter",
        "id": identifier,
        "extension": [{"url": structure("received-at"), "valueInstant": slot["end"]}],
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [{"coding": [coding]}],
        "subject": {"reference": f"Patient/{who.id}"},
        "serviceProvider": extension_value(slot, "responsible-organisation"),
        "period": {"start": slot["start"], "end": slot["end"]},
        "reasonCode": [{"text": slot["schedule"]["display"]}],
    }
    if booked:
        made["appointment"] = [{"reference": f"Appointment/{booked}"}]
    return made


def _priority(slot: Resource, who: DemoResident, start: datetime) -> str:
    if _pool(slot) == "elder":
        return "green-channel"
    return "elder" if who.age(start.date()) >= _OLD else ""


_OLD = 60


def _pool(slot: Resource) -> str:
    return str(extension_value(slot, "reserved-for") or "")
