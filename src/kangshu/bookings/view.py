"""What pages show of one slot and of one appointment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.text import Text
from kangshu.bookings.board import names_of
from kangshu.bookings.publishing import department_of
from kangshu.bookings.shapes import (
    BOOKED_BY,
    BOOKED_POOL,
    CHECKED_IN_AT,
    HELD_UNTIL,
    SERVED_AT,
    begins,
    clinician_of,
    ends,
    extension,
    owner_of,
    patient_of,
    places_of,
    pool_of,
    slot_of,
)
from kangshu.sdk import BookingDeclaration, BookingMove, Resource

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings


@dataclass(frozen=True, slots=True)
class AppointmentView:
    """One appointment as the grant sees it, with the moves that it may make."""

    id: str
    status: str
    state: Text
    kind: BookingDeclaration
    patient: str
    name: str
    clinician: str
    """The name of who sees the resident, "" where it does not say."""
    slot: str
    owner: str
    booker: str
    """Reference of who booked."""
    department: str
    start: datetime | None
    end: datetime | None
    pool: Text
    held_until: str
    checked_in_at: str
    served_at: str
    reason: str
    version: int
    moves: tuple[BookingMove, ...]


@dataclass(frozen=True, slots=True)
class SlotView:
    """One slot with those who have booked it, as far as the grant sees them."""

    id: str
    kind: BookingDeclaration
    owner: str
    department: str
    schedule: str
    start: datetime | None
    end: datetime | None
    pool: Text
    closed: bool
    places: int
    left: int
    past: bool
    clinician: str
    """The name of who sees residents in it."""
    beside: tuple[tuple[str, datetime, str, int], ...]
    """(id, beginning, clinician, places left) of the department's other free slots of that day."""
    own: bool
    """Whether the account acts for whose slot it is."""
    appointments: tuple[AppointmentView, ...]


async def appointment_view(bookings: Bookings, grant: Grant, appointment: Resource) -> AppointmentView:
    """Return what is shown of an appointment that the grant has found."""
    kind = bookings.kind_of(appointment)
    pool = kind.pool(str(extension(appointment, BOOKED_POOL) or "public"))
    specialty = next((str(one.get("text", "")) for one in appointment.get("specialty", ())), "")
    name = next((str((one.get("actor") or {}).get("display", "")) for one in appointment["participant"]), "")
    return AppointmentView(
        id=appointment["id"],
        status=appointment["status"],
        state=kind.state_title(appointment["status"]),
        kind=kind,
        patient=patient_of(appointment),
        name=name,
        clinician=clinician_of(appointment)[1],
        slot=slot_of(appointment),
        owner=owner_of(appointment),
        booker=str(extension(appointment, BOOKED_BY) or ""),
        department=str(appointment.get("description") or specialty),
        start=begins(appointment),
        end=ends(appointment),
        pool=pool.title if pool else Text("", ""),
        held_until=str(extension(appointment, HELD_UNTIL) or ""),
        checked_in_at=str(extension(appointment, CHECKED_IN_AT) or ""),
        served_at=str(extension(appointment, SERVED_AT) or ""),
        reason=str((appointment.get("cancelationReason") or {}).get("text", "")),
        version=int(appointment["meta"]["versionId"]),
        moves=bookings.moves(grant, appointment),
    )


async def slot_view(bookings: Bookings, grant: Grant, slot_id: str) -> SlotView:
    """Return what is shown of a slot. Raises NotFound."""
    slot = (await bookings.store.read(grant, "Slot", slot_id)).resource
    kind = bookings.kind_of(slot)
    booked = await bookings.store.search_all(grant, "Appointment", f"slot=Slot/{slot_id}&_count=200")
    left = (await bookings.store.left("Slot", [slot_id])).get(slot_id, places_of(slot))
    pool, start = kind.pool(pool_of(slot)), begins(slot)
    return SlotView(
        id=slot_id,
        kind=kind,
        owner=owner_of(slot),
        department=(await names_of(bookings, grant, [slot]))[slot_id],
        schedule=str((slot.get("schedule") or {}).get("reference", "")).removeprefix("Schedule/"),
        start=start,
        end=ends(slot),
        pool=pool.title if pool else Text("", ""),
        closed=slot["status"] == "busy-unavailable",
        places=places_of(slot),
        left=left if slot["status"] == "free" else 0,
        past=start is None or start <= bookings.clock(),
        clinician=clinician_of(slot)[1],
        beside=await _beside(bookings, grant, slot),
        own=grant.acts_for(owner_of(slot)),
        appointments=tuple([await appointment_view(bookings, grant, one) for one in booked]),
    )


async def _beside(
    bookings: Bookings, grant: Grant, slot: Resource
) -> tuple[tuple[str, datetime, str, int], ...]:
    """Return the free slots of the same day, kind and department: another hour, or another clinician."""
    start = begins(slot)
    if start is None:
        return ()
    day = start.astimezone(CITY_ZONE).date()
    found = await bookings.store.search_all(
        grant,
        "Slot",
        f"organization=Organization/{owner_of(slot)}&status=free&start=gt{instant(bookings.clock())}"
        f"&start=ge{day.isoformat()}&start=lt{(day + timedelta(days=1)).isoformat()}&_sort=start&_count=200",
    )
    same = [
        one
        for one in found
        if one["id"] != slot["id"]
        and bookings.kind_of(one).code == bookings.kind_of(slot).code
        and department_of(one) == department_of(slot)
    ]
    left = await bookings.store.left("Slot", [one["id"] for one in same])
    return tuple(
        (one["id"], when, clinician_of(one)[1], left.get(one["id"], places_of(one)))
        for one in same
        if (when := begins(one)) is not None
    )
