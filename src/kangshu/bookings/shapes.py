"""How a booking stands in an Appointment, and what a Slot says of itself: pure reading and writing.

Slot           serviceCategory BOOKING_KIND; extensions capacity, reserved-for (its pool), released (since when it is open
               to all), expert, responsible-organisation (whose slot it is), clinician (who sees residents in it),
               substituted (since when it is another clinician than the one it was published with)
Appointment    status, slot, start, end, serviceCategory; participant[0] the resident, then the clinician; extensions responsible-organisation
               (the slot's, then the booker's), booked-by, pool, held-until, checked-in-at, served-at, visit-priority (why the resident is seen first), wanted (a Schedule
               that somebody on the waiting list waits for)
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from kangshu.base.canonical import code_system, structure
from kangshu.base.clock import instant
from kangshu.sdk import BookingDeclaration, Resource

BOOKING_KIND: Final = code_system("booking-kind")
RESPONSIBLE: Final = structure("responsible-organisation")
POOL: Final = structure("reserved-for")
RELEASED: Final = structure("released")
EXPERT: Final = structure("expert")
CLINICIAN: Final = structure("clinician")
SUBSTITUTED: Final = structure("substituted")
CAPACITY: Final = structure("capacity")
BOOKED_BY: Final = structure("booked-by")
BOOKED_POOL: Final = structure("pool")
HELD_UNTIL: Final = structure("held-until")
CHECKED_IN_AT: Final = structure("checked-in-at")
SERVED_AT: Final = structure("served-at")
WANTED: Final = structure("wanted")
PRIORITY: Final = structure("visit-priority")
REMINDED: Final = structure("reminded")
PUBLIC: Final = "public"


def extension(resource: Resource, url: str) -> Any:
    """Return the value of the first extension `url`; of a reference the text. None without one."""
    for one in resource.get("extension", ()):
        if one.get("url") == url:
            value = next((item for name, item in one.items() if name.startswith("value")), None)
            return value.get("reference") if isinstance(value, dict) else value
    return None


def with_extension(resource: Resource, url: str, value: Any, kind: str) -> None:
    """Put the value of an extension, in place of what stands there; None takes it away."""
    kept = [one for one in resource.get("extension", ()) if one.get("url") != url]
    if value is not None:
        kept.append({"url": url, f"value{kind}": value})
    if kept:
        resource["extension"] = kept
    else:
        resource.pop("extension", None)


def kind_code(resource: Resource) -> str:
    """Return which kind of booking a Slot, Appointment or department is of, as `service/booking`; "" where it does not say."""
    # a HealthcareService calls it category
    for concept in (*resource.get("serviceCategory", ()), *resource.get("category", ())):
        for coding in concept.get("coding", ()):
            if coding.get("system") == BOOKING_KIND:
                return str(coding.get("code", ""))
    return ""


def category(declaration: BookingDeclaration) -> list[Resource]:
    """Return the serviceCategory of records of this kind."""
    coding = {"system": BOOKING_KIND, "code": declaration.code, "display": declaration.title.zh}
    return [{"coding": [coding], "text": declaration.title.zh}]


def owner_of(resource: Resource) -> str:
    """Return the id of the Organization whose slot it is."""
    return str(extension(resource, RESPONSIBLE) or "").removeprefix("Organization/")


def pool_of(slot: Resource) -> str:
    """Return the pool that a slot belongs to now: a released one is everybody's."""
    if extension(slot, RELEASED) is not None:
        return PUBLIC
    return str(extension(slot, POOL) or PUBLIC)


def places_of(slot: Resource) -> int:
    """Return how many places a slot has."""
    return int(extension(slot, CAPACITY) or 1)


def clinician_of(resource: Resource) -> tuple[str, str]:
    """Return (id, name) of who sees residents in a slot, or in an appointment; "" and "" where it does not say."""
    actors = [one.get("actor") or {} for one in resource.get("participant", ())]
    for one in resource.get("extension", ()):
        if one.get("url") == CLINICIAN:
            actors.append(one.get("valueReference") or {})
    for actor in actors:
        reference = str(actor.get("reference", ""))
        if reference.startswith("Practitioner/"):
            return reference.removeprefix("Practitioner/"), str(actor.get("display", ""))
    return "", ""


def put_clinician(appointment: Resource, slot: Resource) -> None:
    """Let who sees residents in `slot` be who sees the one of `appointment`."""
    kept = [
        one
        for one in appointment["participant"]
        if not str((one.get("actor") or {}).get("reference", "")).startswith("Practitioner/")
    ]
    id, name = clinician_of(slot)
    if id:
        actor = {"reference": f"Practitioner/{id}", **({"display": name} if name else {})}
        kept.append({"actor": actor, "status": "accepted"})
    appointment["participant"] = kept


def schedule_of(slot: Resource) -> str:
    """Return the id of the Schedule that a slot belongs to, "" without one."""
    return str((slot.get("schedule") or {}).get("reference", "")).removeprefix("Schedule/")


def patient_of(appointment: Resource) -> str:
    """Return the id of the resident who comes."""
    for one in appointment.get("participant", ()):
        reference = str((one.get("actor") or {}).get("reference", ""))
        if reference.startswith("Patient/"):
            return reference.removeprefix("Patient/")
    return ""


def slot_of(appointment: Resource) -> str:
    """Return the id of the slot, "" without one."""
    slots: Sequence[Resource] = appointment.get("slot") or ({},)
    return str(slots[0].get("reference", "")).removeprefix("Slot/")


def begins(resource: Resource) -> datetime | None:
    """Return when a slot or appointment begins, aware; None where it does not say."""
    start = resource.get("start")
    return datetime.fromisoformat(start) if start else None


def ends(resource: Resource) -> datetime | None:
    """Return when a slot or appointment ends, aware."""
    end = resource.get("end") or resource.get("start")
    return datetime.fromisoformat(end) if end else None


def appointment_for(
    declaration: BookingDeclaration,
    slot: Resource,
    resident: Resource,
    status: str,
    booker: str,
    when: datetime,
) -> Resource:
    """Return the Appointment of `resident` in `slot`. `booker` is the reference of who books."""
    made: Resource = {
        "resourceType": "Appointment",
        "status": status,
        "serviceCategory": category(declaration),
        "created": instant(when),
        "participant": [{"actor": resident, "status": "accepted" if status == "booked" else "tentative"}],
        "extension": [
            {"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{owner_of(slot)}"}},
            {"url": BOOKED_BY, "valueReference": {"reference": booker}},
        ],
    }
    if booker.startswith("Organization/") and booker != f"Organization/{owner_of(slot)}":
        made["extension"].append({"url": RESPONSIBLE, "valueReference": {"reference": booker}})
    put_slot(made, slot)
    return made


def put_slot(appointment: Resource, slot: Resource) -> None:
    """Let `appointment` be in `slot`."""
    appointment["slot"] = [{"reference": f"Slot/{slot['id']}"}]
    appointment["start"], appointment["end"] = slot["start"], slot["end"]
    for element in ("specialty", "serviceType"):
        if element in slot:
            appointment[element] = slot[element]
    with_extension(appointment, BOOKED_POOL, pool_of(slot), "Code")
    put_clinician(appointment, slot)
    schedule = (slot.get("schedule") or {}).get("display")
    if schedule:
        appointment["description"] = schedule
