"""Clinicians' clinics (医师出诊): who sees residents in a slot, a clinic that is stopped (停诊), and one whom another takes (替诊).

A clinician's clinic is a Schedule of its own; a slot names who sees residents in it. Stopping closes the slots of some days;
substituting names another clinician in them. What then becomes of bookings is followed from the slots (`timekeeping.heed`), so
that it is the same where the hospital's own system changes them: closed ones are told and choose again, substituted ones stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from kangshu.access import Grant, system_grant
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Forbidden, NotFound, Unprocessable
from kangshu.bookings.shapes import (
    CLINICIAN,
    SUBSTITUTED,
    begins,
    clinician_of,
    owner_of,
    schedule_of,
    with_extension,
)
from kangshu.sdk import Resource
from kangshu.store import Transaction

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings

_SYSTEM = system_grant("clinicians")
_MOST = 1000


async def clinicians(bookings: Bookings, grant: Grant, organisation: str) -> list[tuple[str, str]]:
    """Return (id, name) of the people who work at an institution now and may see residents there, by name."""
    posts = await bookings.store.search_all(
        grant, "PractitionerRole", f"organization=Organization/{organisation}&active=true&_count={_MOST}"
    )
    found: dict[str, str] = {}
    for one in posts:
        person = one.get("practitioner") or {}
        id = str(person.get("reference", "")).removeprefix("Practitioner/")
        if id:
            found[id] = str(person.get("display") or "")
    for id in [id for id, name in found.items() if not name]:
        found[id] = await name_of(bookings, id)
    return sorted(found.items(), key=lambda one: one[1])


async def name_of(bookings: Bookings, id: str) -> str:
    """Return what a clinician is called. Raises NotFound."""
    record = (await bookings.store.read(_SYSTEM, "Practitioner", id)).resource
    return next((str(one.get("text", "")) for one in record.get("name", ()) if one.get("text")), id)


async def stop(
    bookings: Bookings, grant: Grant, slot_id: str, first: str, last: str, *, stopped: bool
) -> int:
    """Close the clinic to which a slot belongs from `first` to `last` (ISO days), or open it again; return how many slots.

    Raises Forbidden for another institution's, Unprocessable for days that are none.
    """
    status = ("free", "busy-unavailable") if stopped else ("busy-unavailable", "free")
    done = 0
    for slot in await _clinic(bookings, grant, slot_id, first, last):
        if slot["status"] == status[1]:
            continue

        async def work(transaction: Transaction, id: str = slot["id"]) -> None:
            await transaction.lock("Slot", id)
            current = (await transaction.read("Slot", id)).resource
            await transaction.update({**current, "status": status[1]})

        await bookings.store.run(grant, work)
        done += 1
    return done


async def substitute(
    bookings: Bookings, grant: Grant, slot_id: str, clinician: str, first: str, last: str
) -> int:
    """Let another clinician (an id) see those who come to a slot's clinic from `first` to `last`; return how many slots.

    Bookings stay; those who have booked are told. Raises Forbidden for another institution's, Unprocessable for days that are
    none and for somebody who does not work there.
    """
    slots = await _clinic(bookings, grant, slot_id, first, last)
    owner = owner_of((await bookings.store.read(grant, "Slot", slot_id)).resource)
    names = dict(await clinicians(bookings, _SYSTEM, owner))
    if clinician not in names:
        raise Unprocessable(
            "this clinician does not work here", zh="该医师不在本机构执业", expression="clinician"
        )
    person = {"reference": f"Practitioner/{clinician}", "display": names[clinician]}
    when = instant(bookings.clock())
    done = 0
    for slot in slots:
        if clinician_of(slot)[0] == clinician or slot["status"] == "busy-unavailable":
            continue

        async def work(transaction: Transaction, id: str = slot["id"]) -> None:
            await transaction.lock("Slot", id)
            current = (await transaction.read("Slot", id)).resource
            with_extension(current, CLINICIAN, person, "Reference")
            with_extension(current, SUBSTITUTED, when, "Instant")
            await transaction.update(current)

        await bookings.store.run(grant, work)
        done += 1
    return done


async def _clinic(
    bookings: Bookings, grant: Grant, slot_id: str, first: str, last: str
) -> Sequence[Resource]:
    """Return the slots ahead of the clinic that `slot_id` belongs to, from `first` to `last`."""
    slot = (await bookings.store.read(grant, "Slot", slot_id)).resource
    if not grant.acts_for(owner_of(slot)) and "system" not in grant.roles:
        raise Forbidden("an institution arranges its own clinics", zh="只能调整本机构的出诊安排")
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError as error:
        raise Unprocessable("days are such as 2026-01-31", zh="请填写起止日期", expression="first") from error
    if not begin <= end <= begin + timedelta(days=92):
        raise Unprocessable(
            "from the first day to the last", zh="结束日期不能早于开始日期", expression="last"
        )
    schedule = schedule_of(slot)
    if not schedule:
        raise NotFound("this slot is of no clinic", zh="该号源没有所属门诊")
    found = await bookings.store.search_all(
        grant,
        "Slot",
        f"schedule=Schedule/{schedule}&start=gt{instant(bookings.clock())}&start=lt{(end + timedelta(days=2)).isoformat()}"
        f"&_count={_MOST}",
    )
    return [one for one in found if one["status"] != "entered-in-error" and begin <= _day(one) <= end]


def _day(slot: Resource) -> date:
    start = begins(slot)
    return start.astimezone(CITY_ZONE).date() if start else date.min
