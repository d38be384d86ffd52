"""What time and others' changes do to bookings: holds end, no-shows are told, reserved slots open, closed slots are told.

Nothing here is done twice: a move is possible only from its states, a notice has a number of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from kangshu.access import system_grant
from kangshu.base.canonical import BASE
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.bookings import hospital
from kangshu.bookings.shapes import (
    BOOKED_BY,
    HELD_UNTIL,
    POOL,
    RELEASED,
    WANTED,
    begins,
    clinician_of,
    ends,
    extension,
    kind_code,
    owner_of,
    patient_of,
    pool_of,
    put_clinician,
    put_slot,
    slot_of,
    with_extension,
)
from kangshu.sdk import BookingDeclaration, Resource
from kangshu.store import Transaction

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings

NOTICE: Final = f"{BASE}/sid/booking-notice"
"""Identifier system of notices about bookings: one per appointment and what it is about."""
LOOKED: Final = "bookings.looked"
"""Setting: the instant up to which changes have been followed."""
_GRANT = system_grant("bookings")
_OVERLAP = timedelta(minutes=5)
"""A transaction may have begun so long before it was committed."""
_MOST: Final = 1000


async def tick(bookings: Bookings) -> dict[str, int]:
    """Do what is due now; return how many of each."""
    when = bookings.clock()
    return {
        "lapsed": await _lapse(bookings, when),
        "missed": await _miss(bookings, when),
        "released": await _release(bookings, when),
        "reminded": await _remind(bookings, when),
        "compared": await hospital.start_comparing(bookings, when),
    }


async def heed(bookings: Bookings) -> int:
    """Follow what has changed since the last look; return how many appointments were touched."""
    when = bookings.clock()
    before = await bookings.store.get_setting(LOOKED)
    since = datetime.fromisoformat(before) - _OVERLAP if before else when - timedelta(days=1)
    changed = f"_lastUpdated=ge{instant(since)}&_count={_MOST}"
    store, done = bookings.store, 0
    for response in await store.search_all(_GRANT, "AppointmentResponse", changed):
        done += await hospital.answered(bookings, response)
    for slot in await store.search_all(_GRANT, "Slot", f"status=busy-unavailable&{changed}"):
        done += await _suspend(bookings, slot)
    for slot in await store.search_all(_GRANT, "Slot", f"substituted=ge{instant(since)}&_count={_MOST}"):
        done += await _take_over(bookings, slot)
    for schedule in await store.search_all(_GRANT, "Schedule", changed):
        done += await _substitute(bookings, schedule)
    waiting = await store.search_all(_GRANT, "Appointment", f"status=waitlist&_count={_MOST}")
    wanted = {str(extension(one, WANTED)) for one in waiting}
    if wanted:
        free = f"status=free&start=gt{instant(when)}&_sort=start&_count=50"
        for reference in sorted(wanted):
            for slot in await store.search_all(_GRANT, "Slot", f"schedule={reference}&{free}"):
                done += await _serve(
                    bookings, slot, [one for one in waiting if extension(one, WANTED) == reference]
                )
    done += await _tell_cases(bookings, changed)
    await store.put_setting(LOOKED, instant(when))
    return done


async def _tell_cases(bookings: Bookings, changed: str) -> int:
    """Let the cases that have booked look at what has become of it: confirmed, declined, closed, put elsewhere."""
    if bookings.cases is None:
        return 0
    found = await bookings.store.search_all(_GRANT, "Appointment", f"based-on:missing=false&{changed}")
    requests = {str(one.get("reference", "")) for each in found for one in each.get("basedOn", ())}
    return sum([await bookings.cases(one) for one in sorted(requests - {""})])


async def _lapse(bookings: Bookings, when: datetime) -> int:
    found = await bookings.store.search_all(
        _GRANT, "Appointment", f"status=pending&held-until=lt{instant(when)}&_count={_MOST}"
    )
    return await _moved(bookings, found, "lapse")


async def _miss(bookings: Bookings, when: datetime) -> int:
    found = await bookings.store.search_all(
        _GRANT, "Appointment", f"status=booked&date=lt{instant(when)}&_count={_MOST}"
    )
    late = []
    for one in found:
        end = ends(one)
        # an appointment without a kind is kept by the case that made it
        if end is None or not kind_code(one):
            continue
        minutes = bookings.figures().number(bookings.kind_of(one).parameters.miss_minutes)
        if minutes is not None and end + timedelta(minutes=minutes) < when:
            late.append(one)
    return await _moved(bookings, late, "miss")


async def _moved(bookings: Bookings, found: Sequence[Resource], move: str) -> int:
    done = 0
    for one in found:
        try:
            await bookings.move(_GRANT, one["id"], move, if_match=int(one["meta"]["versionId"]))
        except Fault:
            continue  # somebody was first: it is looked at again
        done += 1
        if move == "lapse":
            await tell(
                bookings,
                one,
                "lapsed",
                Text("预约锁号已超时，号源已放回，请重新预约。", "The held place was let go."),
            )
    return done


async def _release(bookings: Bookings, when: datetime) -> int:
    """Open reserved slots that still have places to all, as many hours before they begin as the rule says."""
    done = 0
    for pool, hours in _released_pools(bookings):
        until = when + timedelta(hours=hours)
        found = await bookings.store.search_all(
            _GRANT,
            "Slot",
            f"reserved-for={pool}&status=free&released:missing=true&start=gt{instant(when)}&start=lt{instant(until)}"
            f"&_count={_MOST}",
        )
        for slot in found:
            with_extension(slot, RELEASED, instant(when), "Instant")
            try:
                await bookings.store.update(_GRANT, slot, if_match=int(slot["meta"]["versionId"]))
            except Fault:
                continue  # it was taken just now
            done += 1
    return done


def _released_pools(bookings: Bookings) -> list[tuple[str, int]]:
    figures = bookings.figures()
    found: dict[str, int] = {}
    for kind in bookings.declarations:
        for pool in kind.pools:
            hours = figures.number(pool.release)
            if hours is not None:
                found[pool.id] = max(hours, found.get(pool.id, 0))
    return list(found.items())


async def _remind(bookings: Bookings, when: datetime) -> int:
    done = 0
    hours = [bookings.figures().number(one.parameters.remind_hours) or 0 for one in bookings.declarations]
    if not any(hours):
        return 0
    until = when + timedelta(hours=max(hours))
    found = await bookings.store.search_all(
        _GRANT, "Appointment", f"status=booked&date=gt{instant(when)}&date=lt{instant(until)}&_count={_MOST}"
    )
    for one in found:
        key = f"{one['id']}/{one.get('start')}"
        if kind_code(one) and key not in bookings.reminded:
            bookings.reminded.add(key)
            at = _told(begins(one))
            text = Text(
                f"提醒：您预约的{_where(one)}就诊时间为{at}，请按时到诊；不能前往请提前取消。",
                f"Your appointment is at {at}.",
            )
            done += await tell(bookings, one, f"reminder/{one.get('start')}", text, everybody=False)
    return done


async def _suspend(bookings: Bookings, slot: Resource) -> int:
    """Tell those who have booked a slot that is closed (停诊), and let them choose another."""
    found = await bookings.store.search_all(
        _GRANT, "Appointment", f"slot=Slot/{slot['id']}&status=booked,pending&_count={_MOST}"
    )
    done = 0
    for one in found:
        try:
            await bookings.move(_GRANT, one["id"], "suspend", if_match=int(one["meta"]["versionId"]))
        except Fault:
            continue  # it was changed just now, or its case keeps it
        text = Text(
            f"停诊通知：{_where(one)}{_told(begins(one))}停诊，请改约其他时间或取消。",
            "The slot has been closed: choose another time, or cancel.",
        )
        done += await tell(bookings, one, f"closed/{slot['id']}", text)
    return done


async def _take_over(bookings: Bookings, slot: Resource) -> int:
    """Keep the bookings of a slot that another clinician has taken over (替诊), and tell who has booked."""
    found = await bookings.store.search_all(
        _GRANT, "Appointment", f"slot=Slot/{slot['id']}&status=booked,pending&_count={_MOST}"
    )
    done = 0
    for one in found:
        if clinician_of(one)[0] == clinician_of(slot)[0]:
            continue

        async def work(transaction: Transaction, id: str = one["id"]) -> None:
            await transaction.lock("Appointment", id)
            appointment = (await transaction.read("Appointment", id)).resource
            if slot_of(appointment) == slot["id"]:
                put_clinician(appointment, slot)
                await transaction.update(appointment)

        await bookings.store.run(_GRANT, work)
        text = Text(
            f"替诊通知：{_where(one)}{_told(begins(one))}改由{clinician_of(slot)[1] or '其他医师'}接诊，预约保留；如不接受可改约或取消。",
            "Another clinician will see you; your booking stays, and you may change or cancel it.",
        )
        done += await tell(bookings, one, f"substitute/{slot['id']}/{clinician_of(slot)[0]}", text)
    return done


async def _substitute(bookings: Bookings, schedule: Resource) -> int:
    """Tell those who have booked that another clinician will see them (替诊)."""
    version = int(schedule["meta"]["versionId"])
    if version < 2:
        return 0
    before = (await bookings.store.vread(_GRANT, "Schedule", schedule["id"], version - 1)).resource
    names = [one.get("display", "") for one in schedule.get("actor", ()) if _person(one)]
    if {_key(one) for one in schedule.get("actor", ()) if _person(one)} == {
        _key(one) for one in before.get("actor", ()) if _person(one)
    } or not [one for one in before.get("actor", ()) if _person(one)]:
        return 0
    slots = await bookings.store.search_all(
        _GRANT,
        "Slot",
        f"schedule=Schedule/{schedule['id']}&start=gt{instant(bookings.clock())}&_count={_MOST}",
    )
    done = 0
    for slot in slots:
        for one in await bookings.store.search_all(
            _GRANT, "Appointment", f"slot=Slot/{slot['id']}&status=booked&_count={_MOST}"
        ):
            who = "、".join(filter(None, names)) or "其他医师"
            text = Text(
                f"替诊通知：{_where(one)}{_told(begins(one))}改由{who}接诊，如不接受可改约或取消。",
                "Another clinician will see you; you may change or cancel.",
            )
            done += await tell(bookings, one, f"substitute/{schedule['id']}/{version}", text)
    return done


def _person(actor: Resource) -> bool:
    return str(actor.get("reference", "")).startswith("Practitioner")


def _key(actor: Resource) -> str:
    return str(actor.get("reference", ""))


async def _serve(bookings: Bookings, slot: Resource, waiting: list[Resource]) -> int:
    """Hold a free place for the first who waits for it."""
    done = 0
    for one in sorted(waiting, key=lambda waits: str(waits.get("created", ""))):
        last = next((period.get("end", "") for period in one.get("requestedPeriod", ())), "")
        if last and str(slot["start"])[:10] > str(last)[:10]:
            continue
        declaration = bookings.kind_of(one)
        if pool_of(slot) != "public" and extension(slot, POOL) != extension(one, POOL):
            continue
        try:
            await _offer(bookings, declaration, slot, one)
        except Fault:
            break  # the place has gone, or it is looked at again
        waiting.remove(one)
        done += 1
    return done


async def _offer(bookings: Bookings, declaration: BookingDeclaration, slot: Resource, one: Resource) -> None:
    when = bookings.clock()
    hours = bookings.figures().number(declaration.parameters.offer_hours) or 2

    async def work(transaction: Transaction) -> None:
        await transaction.lock("Appointment", one["id"])
        appointment = (await transaction.read("Appointment", one["id"])).resource
        if appointment["status"] != "waitlist":
            return
        put_slot(appointment, slot)
        appointment["status"] = "pending"
        with_extension(appointment, HELD_UNTIL, instant(when + timedelta(hours=hours)), "Instant")
        await transaction.update(appointment)

    await bookings.store.run(_GRANT, work)
    text = Text(
        f"候补成功：已为您保留{_where(slot)}{_told(begins(slot))}的号源，请在{hours}小时内确认，逾期放回。",
        f"A place was found for you; confirm within {hours} hours.",
    )
    await tell(bookings, one, f"offer/{slot['id']}", text)


async def tell(
    bookings: Bookings, appointment: Resource, about: str, text: Text, *, everybody: bool = True
) -> int:
    """Write a notice to the resident and, with `everybody`, to the institution that booked; return 1 where it is new."""
    recipients = [f"Patient/{patient_of(appointment)}"]
    booker = str(extension(appointment, BOOKED_BY) or "")
    if everybody and booker.startswith("Organization/"):
        recipients.append(booker)
    new = 0
    for recipient in recipients:
        key = f"{appointment['id']}/{about}/{recipient.partition('/')[0]}"
        notice: dict[str, Any] = {
            "resourceType": "Communication",
            "identifier": [{"system": NOTICE, "value": key}],
            "status": "completed",
            "about": [{"reference": f"Appointment/{appointment['id']}"}],
            "subject": {"reference": f"Patient/{patient_of(appointment)}"},
            "recipient": [{"reference": recipient}],
            "sender": {"reference": f"Organization/{owner_of(appointment)}"},
            "sent": instant(bookings.clock()),
            "payload": [{"contentString": text.zh}, {"contentString": text.en}],
        }
        tags = appointment.get("meta", {}).get("tag")
        if tags:
            notice["meta"] = {"tag": tags}
        written = await bookings.store.create(_GRANT, notice, if_none_exist=f"identifier={NOTICE}|{key}")
        new = max(new, int(written.created))
    return new


def _where(resource: Resource) -> str:
    return str(resource.get("description") or (resource.get("schedule") or {}).get("display") or "门诊")


def _told(moment: datetime | None) -> str:
    return f"{moment.astimezone(CITY_ZONE):%m月%d日%H:%M}" if moment else ""
