"""The operations of bookings: a place is booked, waited for, moved; slots are published and compared.

Documented for hospitals' systems in docs/how-to/connect-a-hospital.md.
"""

from __future__ import annotations

from typing import Any

from kangshu.api.interactions import Call, shown
from kangshu.api.parameters import Inputs, parameters, part, read_inputs
from kangshu.api.response import Response
from kangshu.store import Stored


def _made(call: Call, stored: Stored) -> Response:
    response = shown(call, stored)
    response.status = 201
    return response.location(f"{call.request.base}/Appointment/{stored.id}/_history/{stored.version}")


def _patient(inputs: Inputs) -> str:
    return inputs.text("patient", required=True).removeprefix("Patient/")


async def book(call: Call) -> Response:
    """Book a place of a slot. Input: `patient`; `hold` (boolean), `reason`, `based_on` (ServiceRequest/id)."""
    inputs = await read_inputs(call.request)
    patient, hold = _patient(inputs), bool(inputs.value("hold"))
    values = {name: inputs.text(name) for name in ("reason", "based_on")}
    inputs.end()
    return _made(
        call, await call.platform.bookings.book(call.grant, call.id, patient, hold=hold, values=values)
    )


async def wait(call: Call) -> Response:
    """Put a resident on the waiting list of a schedule. Input: `patient`; `before` (the last day that suits)."""
    inputs = await read_inputs(call.request)
    patient, before = _patient(inputs), inputs.text("before")
    inputs.end()
    return _made(call, await call.platform.bookings.wait(call.grant, call.id, patient, before=before))


async def move(call: Call) -> Response:
    """Move an appointment. Input: `move`, `slot` where the move takes another one, and a parameter per field."""
    inputs = await read_inputs(call.request)
    name, slot = inputs.text("move", required=True), inputs.text("slot").removeprefix("Slot/")
    match = call.request.version(b"if-match")
    stored = await call.platform.bookings.move(
        call.grant, call.id, name, inputs.rest(), slot=slot, if_match=match
    )
    return shown(call, stored)


async def moves(call: Call) -> Response:
    """Return the moves of an appointment that the account may make now."""
    stored = await call.platform.store.read(call.grant, "Appointment", call.id)
    found = call.platform.bookings.moves(call.grant, stored.resource)
    offered = [
        part("move", [part("id", one.id), part("title", one.title.zh), part("target", one.target)])
        for one in found
    ]
    return Response(resource=parameters(offered))


async def publish(call: Call) -> Response:
    """Publish the slots of a department's templates. Input: `first`, `last` (days), `holidays`, `dry` (booleans)."""
    inputs = await read_inputs(call.request)
    first, last = inputs.text("first", required=True), inputs.text("last", required=True)
    holidays, dry = bool(inputs.value("holidays")), bool(inputs.value("dry"))
    inputs.end()
    made = await call.platform.bookings.publish(call.grant, call.id, first, last, holidays=holidays, dry=dry)
    told: list[dict[str, Any]] = [
        part("new", made.new),
        part("stand", made.stand),
        part("places", made.places),
    ]
    for one in made.shares:
        held = {
            "pool": one.pool,
            "period": one.period,
            "offered": one.offered,
            "kept": one.kept,
            "short": one.short,
        }
        told.append(part("share", [part(name, value) for name, value in held.items()]))
    return Response(resource=parameters(told))


async def reconcile(call: Call) -> Response:
    """Compare a day's bookings with the hospital's own system. Input: `day`."""
    inputs = await read_inputs(call.request)
    day = inputs.text("day", required=True)
    inputs.end()
    found = await call.platform.bookings.reconcile(call.grant, call.id, day)
    told = []
    for one in found:
        held = {"booking": one.appointment, "kind": one.kind, "here": one.here, "there": one.there}
        told.append(part("difference", [part(name, value) for name, value in held.items() if value]))
    return Response(resource=parameters(told))
