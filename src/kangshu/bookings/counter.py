"""The counter (号源台): bookings that come at the same time are done in one transaction, each with an outcome of its own.

A batch locks its residents, looks once at slots and appointments, locks the slots' places, and writes with one statement
what nothing is against. It is answered when it is committed. Whoever is refused keeps nobody else from a place; a resident
with whom somebody is at work already is done alone and waits alone; a batch that fails as a whole is done again one by one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from kangshu.base.faults import Conflict, Fault, Unavailable
from kangshu.bookings import hospital
from kangshu.bookings.booking import (
    Asked,
    alliance,
    appointment_of,
    check_booking,
    check_may_book,
    engine,
    seen_resident,
    seen_slot,
)
from kangshu.sdk import Resource
from kangshu.store import Stored, Transaction, create_all, hold_places

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings

_MOST: Final = 64
"""Bookings of one transaction."""
Outcome: TypeAlias = Stored | Exception | None
"""What came of a booking: the Appointment, why there is none, or None where it is to be done alone."""


class Counter:
    """Takes the bookings of one process; those that come while a batch is at work make the next one."""

    def __init__(self, bookings: Bookings) -> None:
        self._bookings = bookings
        self._waiting: list[tuple[Asked, asyncio.Future[Stored]]] = []
        self._working: asyncio.Task[None] | None = None
        self._aside: set[asyncio.Task[None]] = set()

    async def book(self, asked: Asked) -> Stored:
        """Return the Appointment once it is committed. Raises as `Bookings.book`."""
        done: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await done

    async def _work(self) -> None:
        while batch := self._next():
            try:
                outcomes = await self._outcomes([asked for asked, _ in batch])
                for (asked, done), outcome in zip(batch, outcomes, strict=True):
                    if outcome is None:
                        self._alone(asked, done)
                    else:
                        _answer(done, outcome)
            except asyncio.CancelledError:
                # the process ends: nobody waits for ever
                for _, done in (*batch, *self._waiting):
                    _answer(done, _broken_off())
                raise

    async def _outcomes(self, batch: Sequence[Asked]) -> Sequence[Outcome]:
        try:
            return await self._booked(batch, wait=False)
        except Exception as error:  # noqa: BLE001  # whatever it was, it is the answer to one, or each is done alone
            return [error] if len(batch) == 1 else [None] * len(batch)

    def _next(self) -> list[tuple[Asked, asyncio.Future[Stored]]]:
        """Take the oldest that wait, at most one of each resident: the second sees what the first has taken."""
        batch: dict[str, tuple[Asked, asyncio.Future[Stored]]] = {}
        left = []
        for one in self._waiting:
            if one[1].done():
                continue  # who asked has gone
            if len(batch) < _MOST and one[0].patient not in batch:
                batch[one[0].patient] = one
            else:
                left.append(one)
        self._waiting = left
        return [*batch.values()]

    def _alone(self, asked: Asked, done: asyncio.Future[Stored]) -> None:
        task = asyncio.create_task(self._book_alone(asked, done))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _book_alone(self, asked: Asked, done: asyncio.Future[Stored]) -> None:
        try:
            (outcome,) = await self._booked([asked], wait=True)
        except Exception as error:  # noqa: BLE001  # it is raised where the booking was asked for
            outcome = error
        except asyncio.CancelledError:
            _answer(done, _broken_off())
            raise
        _answer(done, outcome)

    async def _booked(self, batch: Sequence[Asked], *, wait: bool) -> Sequence[Outcome]:
        """Return the outcome of each, committed. With `wait` none is None."""
        grant = engine(batch[0].grant)
        return await self._bookings.store.run(
            grant, lambda transaction: book_all(self._bookings, transaction, batch, wait=wait)
        )


def _broken_off() -> Unavailable:
    return Unavailable("the booking was broken off; try again", zh="预约未完成，请重试")


def _answer(done: asyncio.Future[Stored], outcome: Outcome) -> None:
    if done.done():
        return
    if isinstance(outcome, Stored):
        done.set_result(outcome)
    elif outcome is not None:
        done.set_exception(outcome)


async def book_all(
    bookings: Bookings, transaction: Transaction, batch: Sequence[Asked], *, wait: bool
) -> Sequence[Outcome]:
    """Book what nothing is against, in the order of `batch`, whose residents are all different; return what came of each."""
    residents = await transaction.hold_residents([one.patient for one in batch], wait=wait)
    known = [one.patient for one in batch if one.patient in residents]
    slots, held = await _looked(transaction, sorted({one.slot for one in batch}), known)
    members: dict[str, Sequence[str]] = {}
    outcomes: list[Outcome] = [None] * len(batch)
    wanted: dict[int, Resource] = {}
    for at, asked in enumerate(batch):
        if asked.patient not in residents and not wait:
            continue
        try:
            found = residents.get(asked.patient)
            resident = await seen_resident(transaction, asked.grant, asked.patient, found)
            slot = await seen_slot(transaction, asked.grant, asked.slot, slots.get(asked.slot))
            declaration = bookings.kind_of(slot)
            check_may_book(asked.grant, declaration)
            if asked.slot not in members:
                members[asked.slot] = await alliance(bookings, transaction, declaration, slot)
            taken = held[asked.patient]
            check_booking(bookings, asked.grant, declaration, slot, resident, taken, members[asked.slot])
            wanted[at] = appointment_of(bookings, asked, declaration, slot, resident)
        except Fault as fault:
            outcomes[at] = fault
    if wanted:
        await _write(transaction, batch, wanted, slots, outcomes)
    return outcomes


async def _looked(
    transaction: Transaction, slots: Sequence[str], patients: Sequence[str]
) -> tuple[dict[str, Stored], dict[str, list[Resource]]]:
    """Return the slots by id, and the appointments of each resident."""
    found = await transaction.reader.referring("Appointment", "actor", ("Patient", patients), ("Slot", slots))
    held: dict[str, list[Resource]] = defaultdict(list)
    for one in found:
        if one.type == "Appointment":
            for patient in {
                str((who.get("actor") or {}).get("reference", "")) for who in one.resource["participant"]
            }:
                held[patient.removeprefix("Patient/")].append(one.resource)
    return {one.id: one for one in found if one.type == "Slot"}, held


async def _write(
    transaction: Transaction,
    batch: Sequence[Asked],
    wanted: Mapping[int, Resource],
    slots: Mapping[str, Stored],
    outcomes: list[Outcome],
) -> None:
    """Write the appointments that find a place; put what came of each into `outcomes`."""
    places = await hold_places(transaction, "Slot", sorted({batch[at].slot for at in wanted}), "Appointment")
    made: dict[int, Resource] = {}
    for at, appointment in wanted.items():
        counted = places.get(batch[at].slot)
        if counted is not None and counted.left < 1:
            outcomes[at] = Conflict(counted.text.en, zh=counted.text.zh)
            continue
        if counted is not None:
            counted.left -= 1
        made[at] = appointment
    if not made:
        return
    entries = [(engine(batch[at].grant), appointment) for at, appointment in made.items()]
    for at, stored in zip(made, await create_all(transaction, entries), strict=True):
        outcomes[at] = stored
        if not batch[at].hold and hospital.confirms(slots[batch[at].slot].resource):
            await hospital.ask(transaction, stored.id)
