"""One booking: whether an account may take a place of a slot for a resident, and the Appointment that takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from kangshu.access import ANY_TYPE, Everything, Grant
from kangshu.base.clock import instant
from kangshu.base.faults import Conflict, Forbidden, NotFound
from kangshu.bookings import hospital
from kangshu.bookings.rules import AFFILIATION, check_pool, check_resident, check_window, priority_of
from kangshu.bookings.shapes import HELD_UNTIL, PRIORITY, appointment_for, owner_of, pool_of, with_extension
from kangshu.cases import may_start
from kangshu.sdk import BookingDeclaration, Resource
from kangshu.store import Stored, Transaction

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings

ENGINE: Final = "booking.engine"
"""The operation without which a booking's Appointment changes only by its moves."""
_EVERY = MappingProxyType({ANY_TYPE: Everything()})


@dataclass(frozen=True, slots=True)
class Asked:
    """What one booking asks for: a place of a slot for a resident (ids); `values` as `Bookings.book` takes them."""

    grant: Grant
    slot: str
    patient: str
    hold: bool
    values: Mapping[str, Any]


def engine(grant: Grant) -> Grant:
    """Return the grant that a booking is written with after its own checks; the account stays, for the audit."""
    return replace(grant, read=_EVERY, write=_EVERY, operations=grant.operations | {ENGINE})


async def seen_resident(transaction: Transaction, grant: Grant, id: str, found: Stored | None) -> Resource:
    """Return the resident `found` where the grant sees them. Raises NotFound."""
    # an emergency is to read: nothing is founded on it
    if (
        found is None
        or found.deleted
        or not await transaction.reader.may_read(grant.without_emergency(), found)
    ):
        raise NotFound(f"there is no Patient/{id[:64]}", zh="没有该居民，或当前账号不可查看")
    return found.resource


async def seen_slot(transaction: Transaction, grant: Grant, id: str, found: Stored | None) -> Resource:
    """Return the slot `found` where the grant sees it. Raises NotFound."""
    if found is None or not await transaction.reader.may_read(grant, found):
        raise NotFound(f"there is no Slot/{id[:64]}", zh="号源不存在")
    return found.resource


def check_may_book(grant: Grant, declaration: BookingDeclaration) -> None:
    """Raise Forbidden unless this account may book this kind."""
    if not (grant.may(f"case.start:{declaration.code}") and may_start(grant, declaration.start_by)):
        raise Forbidden(
            f"this account may not book '{declaration.title.en}'",
            zh=f"当前账号不能办理“{declaration.title.zh}”",
        )


async def alliance(
    bookings: Bookings, transaction: Transaction, declaration: BookingDeclaration, slot: Resource
) -> Sequence[str]:
    """Return the ids of the members of the alliance that the slot's hospital leads, where its pool is theirs."""
    declared = declaration.pool(pool_of(slot))
    if declared is None or declared.by != "alliance":
        return ()
    found = await transaction.look(
        "OrganizationAffiliation",
        f"role={AFFILIATION}&primary-organization=Organization/{owner_of(slot)}",
    )
    today = bookings.figures().day.isoformat()
    return [
        str((one.get("participatingOrganization") or {}).get("reference", "")).removeprefix("Organization/")
        for one in found
        if one.get("active") is not False and (one.get("period") or {}).get("end", today)[:10] >= today
    ]


def check_booking(
    bookings: Bookings,
    grant: Grant,
    declaration: BookingDeclaration,
    slot: Resource,
    resident: Resource,
    held: Sequence[Resource],
    members: Sequence[str],
    *,
    leaving: str = "",
) -> None:
    """Raise the fault of the first rule that keeps this resident from this slot; whether a place is left is counted apart.

    `held` are the resident's appointments, `leaving` the id of the one given up for this, `members` of `alliance`.
    """
    figures = bookings.figures()
    if slot["status"] in ("busy-unavailable", "entered-in-error"):
        raise Conflict("this slot is closed", zh="该号源已停诊")
    check_window(declaration, slot, figures, bookings.clock())
    check_pool(declaration, pool_of(slot), grant, owner_of(slot), resident, members, figures)
    check_resident(declaration, slot, held, figures, leaving=leaving)


def appointment_of(
    bookings: Bookings, asked: Asked, declaration: BookingDeclaration, slot: Resource, resident: Resource
) -> Resource:
    """Return the Appointment of a booking that nothing is against."""
    when = bookings.clock()
    status = "pending" if asked.hold or hospital.confirms(slot) else "booked"
    booker = booker_of(asked.grant, slot)
    made = appointment_for(declaration, slot, actor_of(resident), status, booker, when)
    if status == "pending":
        minutes = bookings.figures().number(declaration.parameters.hold_minutes) or 15
        with_extension(made, HELD_UNTIL, instant(when + timedelta(minutes=minutes)), "Instant")
    if priority := priority_of(declaration, pool_of(slot), resident, bookings.figures()):
        with_extension(made, PRIORITY, priority, "Code")
    if asked.values.get("reason"):
        made["reasonCode"] = [{"text": str(asked.values["reason"])[:200]}]
    if asked.values.get("based_on"):
        made["basedOn"] = [{"reference": str(asked.values["based_on"])}]
    tags = slot.get("meta", {}).get("tag")
    if tags:
        made["meta"] = {"tag": tags}
    return made


def actor_of(resident: Resource) -> Resource:
    """Return the participant's actor: the resident, by the name that a desk calls."""
    name = next((one.get("text", "") for one in resident.get("name", ())), "")
    found = {"reference": f"Patient/{resident['id']}"}
    return {**found, "display": name} if name else found


def booker_of(grant: Grant, slot: Resource) -> str:
    """Return the reference of who books: an organisation, a resident, or for the product itself the slot's owner."""
    if grant.organisation:
        return f"Organization/{grant.organisation}"
    return f"Patient/{grant.patient}" if grant.patient else f"Organization/{owner_of(slot)}"
