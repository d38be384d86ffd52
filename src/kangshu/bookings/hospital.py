"""The hospital's own system, which owns its slots: it confirms bookings, answers later, and is compared with day by day.

Interface (docs/how-to/connect-a-hospital.md): the hospital writes Schedule, Slot and AppointmentResponse here with a service
account; where its slots say `confirmation: hospital`, a held booking is sent to its address (an Endpoint of the organisation,
on the outbound allow list) as an Appointment, and its answer confirms or declines it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import BASE, structure
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Fault, Forbidden, NotFound, Unavailable, Unprocessable
from kangshu.bookings.shapes import extension, owner_of
from kangshu.sdk import TAKING, Resource
from kangshu.store import Job, Transaction

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings

CONFIRMATION: Final = structure("confirmation")
"""Extension of a Slot (valueCode): `hospital` where the hospital's own system confirms each booking."""
BOOKING: Final = f"{BASE}/sid/booking"
"""Identifier system of our appointments in other systems."""
ASK: Final = "booking.confirm"
"""Kind of the job that asks the hospital's system."""
COMPARE: Final = "booking.reconcile"
"""Kind of the job that compares a day's bookings with the hospital's system."""
COMPARED: Final = "bookings.compared"
"""Setting: the last day on which the hospitals' systems were asked for their lists."""
DIFFERENCE: Final = "booking-difference"
_GRANT = system_grant("hospital systems")
_ANSWERS: Final[Mapping[str, str]] = {
    "accepted": "confirm", "booked": "confirm", "declined": "decline", "cancelled": "decline",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One booking on which the two systems do not agree: `kind` is missing-there, missing-here, time or status."""

    appointment: str
    kind: str
    here: str
    there: str


def confirms(slot: Resource) -> bool:
    """Return whether the hospital's own system confirms bookings of this slot."""
    return bool(extension(slot, CONFIRMATION) == "hospital")


async def ask(transaction: Transaction, appointment: str) -> None:
    """Let the hospital be asked once the booking is committed."""
    await transaction.enqueue(ASK, {"appointment": appointment}, unique=appointment)


async def work(bookings: Bookings) -> int:
    """Send what waits to the hospitals' systems; return how many were answered. One that fails is offered again later."""
    done = 0
    while (job := await bookings.store.claim([ASK, COMPARE])) is not None:
        try:
            await (_send(bookings, job) if job.kind == ASK else _compare(bookings, job))
        except Fault as fault:
            await bookings.store.fail(job, type(fault).__name__)
        else:
            await bookings.store.finish(job)
            done += 1
    return done


async def start_comparing(bookings: Bookings, when: datetime) -> int:
    """Once a day, from the hour on that the parameter gives, let yesterday's and today's bookings of each hospital that has
    an address here be compared; return how many comparisons were begun."""
    usual = next((one for one in bookings.declarations if one.usual), None)
    hour = bookings.figures().number(usual.parameters.reconcile_hour) if usual else None
    local = when.astimezone(CITY_ZONE)
    today = local.date()
    if hour is None or local.hour < hour or await bookings.store.get_setting(COMPARED) == today.isoformat():
        return 0
    begun = 0
    for organisation in await _connected(bookings):
        for day in (today - timedelta(days=1), today):
            payload = {"organisation": organisation, "day": day.isoformat()}
            job = await bookings.store.enqueue(_GRANT, COMPARE, payload, unique=f"{organisation}/{day}")
            begun += job is not None
    await bookings.store.put_setting(COMPARED, today.isoformat())
    return begun


async def _connected(bookings: Bookings) -> list[str]:
    """Return the institutions that let something be booked and have an address here."""
    found = await bookings.store.search_all(_GRANT, "Endpoint", "status=active&_count=1000")
    addressed = {
        str((one.get("managingOrganization") or {}).get("reference", "")).removeprefix("Organization/")
        for one in found
        if one.get("address")
    }
    return [id for id, _ in await bookings.owners(_GRANT) if id in addressed]


async def _compare(bookings: Bookings, job: Job) -> None:
    await reconcile(bookings, _GRANT, str(job.payload["organisation"]), str(job.payload["day"]))


async def _send(bookings: Bookings, job: Job) -> None:
    appointment = (await bookings.store.read(_GRANT, "Appointment", str(job.payload["appointment"]))).resource
    if appointment["status"] != "pending":
        return
    address = await _address(bookings, owner_of(appointment))
    answer = await bookings.outbound.post_json(f"{address}/Appointment", told(appointment))
    if answer.status not in (200, 201, 202, 409):
        raise Unavailable(f"the hospital's system answered {answer.status}", zh="医院系统暂未受理预约")
    if answer.status == 202:
        return  # it answers later, by an AppointmentResponse
    move = "decline" if answer.status == 409 else _ANSWERS.get(_word(answer.json()), "")
    if move:
        await bookings.move(_GRANT, appointment["id"], move)


def told(appointment: Resource) -> Resource:
    """Return what the hospital is told of a booking: who comes when, nothing of why."""
    found: Resource = {
        name: appointment[name]
        for name in (
            "resourceType",
            "status",
            "slot",
            "start",
            "end",
            "participant",
            "specialty",
            "serviceCategory",
        )
        if name in appointment
    }
    return {**found, "identifier": [{"system": BOOKING, "value": appointment["id"]}]}


def _word(answer: Any) -> str:
    if not isinstance(answer, dict):
        return ""
    return str(answer.get("participantStatus") or answer.get("status") or "")


async def answered(bookings: Bookings, response: Resource) -> int:
    """Make the move that an AppointmentResponse of the hospital asks for; return 1 where it was made."""
    id = str((response.get("appointment") or {}).get("reference", "")).removeprefix("Appointment/")
    move = _ANSWERS.get(str(response.get("participantStatus", "")))
    if not id or move is None:
        return 0
    try:
        appointment = (await bookings.store.read(_GRANT, "Appointment", id)).resource
        # whose slot it is answers, nobody else
        if owner_of(response) != owner_of(appointment):
            return 0
        if not any(
            one.id == move and appointment["status"] in one.sources
            for one in bookings.kind_of(appointment).moves
        ):
            return 0
        await bookings.move(_GRANT, id, move)
    except Fault:
        return 0
    return 1


async def _address(bookings: Bookings, organisation: str) -> str:
    found = await bookings.store.search_all(
        _GRANT, "Endpoint", f"organization=Organization/{organisation}&status=active&_count=5"
    )
    address = next((str(one["address"]) for one in found if one.get("address")), "")
    if not address:
        raise NotFound("the hospital has no address here", zh="该医院没有登记接口地址")
    bookings.outbound.check(address)
    return address.rstrip("/")


async def reconcile(bookings: Bookings, grant: Grant, organisation: str, day: str) -> list[Difference]:
    """Compare a day's bookings with the hospital's own system; keep each difference as a record, close those that are gone.

    Raises Forbidden for another institution's, NotFound without an address, Unavailable when it does not answer.
    """
    if not grant.acts_for(organisation) and "system" not in grant.roles:
        raise Forbidden("an institution reconciles its own bookings", zh="只能核对本机构的预约")
    address = await _address(bookings, organisation)
    answer = await bookings.outbound.get(f"{address}/Appointment?date={quote(day)}&_count=5000")
    bundle = answer.json()
    if answer.status != 200 or not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise Unavailable("the hospital's system gave no list of bookings", zh="医院系统未返回预约清单")
    there = [
        one["resource"] for one in bundle.get("entry", ()) if isinstance(one, dict) and "resource" in one
    ]
    return await compare(bookings, organisation, day, there)


async def compare(bookings: Bookings, organisation: str, day: str, there: list[Resource]) -> list[Difference]:
    """Keep the differences between our bookings of a day and the hospital's list of them; return them."""
    if len(day) != 10:
        raise Unprocessable("a day is such as 2026-01-31", zh="请填写日期", expression="day")
    ours = await bookings.store.search_all(
        _GRANT, "Appointment", f"organization=Organization/{organisation}&date={day}&_count=1000"
    )
    found = differences([one for one in ours if owner_of(one) == organisation], there)
    await _keep(bookings, organisation, day, found)
    return found


def differences(ours: list[Resource], there: list[Resource]) -> list[Difference]:
    """Return where two lists of bookings do not agree, by our id."""
    theirs = {_booking_of(one): one for one in there}
    found = []
    for one in ours:
        other, id = theirs.pop(one["id"], None), one["id"]
        if other is None:
            if one["status"] in TAKING - {"pending"}:
                found.append(Difference(id, "missing-there", one["status"], ""))
            continue
        if _moment(one) != _moment(other):
            found.append(Difference(id, "time", str(one.get("start", "")), str(other.get("start", ""))))
        elif _standing(one) != _standing(other):
            found.append(Difference(id, "status", one["status"], str(other.get("status", ""))))
    for key, other in theirs.items():
        if other.get("status") in TAKING:
            found.append(Difference(key, "missing-here", "", str(other.get("status", ""))))
    return found


def _standing(appointment: Resource) -> str:
    """Return how far a booking is: held, taken or neither."""
    status = str(appointment.get("status", ""))
    return status if status == "pending" else "taken" if status in TAKING else ""


def _moment(appointment: Resource) -> str:
    return str(appointment.get("start", ""))[:16]


def _booking_of(appointment: Resource) -> str:
    for one in appointment.get("identifier", ()):
        if one.get("system") == BOOKING:
            return str(one.get("value", ""))
    return str(appointment.get("id", ""))


async def _keep(bookings: Bookings, organisation: str, day: str, found: list[Difference]) -> None:
    """Write each difference of the day as a record; those of an earlier look that are gone become settled."""
    code = {
        "coding": [{"system": f"{BASE}/CodeSystem/record-kind", "code": DIFFERENCE}],
        "text": "预约对账差异",
    }
    standing = {
        one["id"]: one
        for one in await bookings.store.search_all(
            _GRANT, "Basic", f"code={BASE}/CodeSystem/record-kind|{DIFFERENCE}&created={day}&_count=1000"
        )
        if owner_of(one) == organisation
    }
    for one in found:
        id = (
            "difference-"
            + hashlib.sha256(f"{organisation}|{day}|{one.appointment}|{one.kind}".encode()).hexdigest()[:24]
        )
        made: Resource = {
            "resourceType": "Basic",
            "id": id,
            "code": code,
            "created": day,
            "author": {"reference": f"Organization/{organisation}"},
            "extension": [
                {
                    "url": structure("responsible-organisation"),
                    "valueReference": {"reference": f"Organization/{organisation}"},
                },
                {"url": structure("difference"), "valueCode": one.kind},
                {"url": structure("booking"), "valueString": one.appointment},
                *(
                    {"url": structure(side), "valueString": said}
                    for side, said in (("here", one.here), ("there", one.there))
                    if said
                ),
                {"url": structure("difference-state"), "valueCode": "open"},
                {"url": structure("found-at"), "valueInstant": instant(bookings.clock())},
            ],
        }
        standing.pop(id, None)
        await bookings.store.update(_GRANT, made)
    for gone in standing.values():
        for one in gone["extension"]:
            if one["url"] == structure("difference-state"):
                one["valueCode"] = "settled"
        await bookings.store.update(_GRANT, gone)
