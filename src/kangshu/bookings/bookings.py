"""`Bookings`: a place of a slot is held, booked, changed, waited for and given back here.

What an appointment takes is counted by the store (`capacity`); here is who may take it and what becomes of it. An
appointment is its own record of where it stands (Appointment.status): a booking costs one record, and the slot's when its
last place goes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from kangshu.access import Grant, system_grant
from kangshu.base.clock import CITY_ZONE, instant, now
from kangshu.base.faults import Conflict, Forbidden, Issue, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.base.working_days import Calendar, china
from kangshu.bookings import board, clinicians, day_list, hospital, publishing, timekeeping, view
from kangshu.bookings.booking import (
    Asked,
    actor_of,
    alliance,
    appointment_of,
    booker_of,
    check_booking,
    check_may_book,
    engine,
    seen_resident,
    seen_slot,
)
from kangshu.bookings.counter import Counter
from kangshu.bookings.rules import Figures, may_move, priority_of
from kangshu.bookings.shapes import (
    BOOKING_KIND,
    CHECKED_IN_AT,
    HELD_UNTIL,
    PRIORITY,
    SERVED_AT,
    WANTED,
    appointment_for,
    begins,
    extension,
    kind_code,
    owner_of,
    patient_of,
    places_of,
    pool_of,
    put_slot,
    slot_of,
    with_extension,
)
from kangshu.outbound import Outbound
from kangshu.registers import check_values, write_path
from kangshu.sdk import BookingDeclaration, BookingMove, Resource
from kangshu.store import Store, Stored, Transaction

_CASES: Final = system_grant("cases")
_STAMPS: Final[Mapping[str, str]] = {"checked-in": CHECKED_IN_AT, "fulfilled": SERVED_AT}


class Bookings:
    """Every declared kind of booking. `jurisdiction` is the installation's division, for parameters."""

    def __init__(
        self,
        store: Store,
        declarations: Iterable[BookingDeclaration],
        parameters: ParameterTable,
        *,
        calendar: Calendar | None = None,
        jurisdiction: str = "",
        clock: Callable[[], datetime] = now,
        outbound: Outbound | None = None,
        cases: Callable[[str], Awaitable[int]] | None = None,
    ) -> None:
        self.store = store
        self.parameters = parameters
        self.calendar = calendar or china()
        self.jurisdiction = jurisdiction
        self.clock = clock
        self.outbound = outbound or Outbound()
        self.cases = cases
        """Told of a record (a request) about which a booking has changed: cases that have booked for it look again."""
        self.reminded: set[str] = set()
        """Appointments (with their time) whose reminder this process has seen to."""
        self._counter = Counter(self)
        self._kinds = {one.code: one for one in declarations}

    @property
    def declarations(self) -> tuple[BookingDeclaration, ...]:
        """Return every declared kind."""
        return tuple(self._kinds.values())

    def kind_of(self, resource: Resource) -> BookingDeclaration:
        """Return the kind that a Slot or Appointment is of. Raises NotFound."""
        code = kind_code(resource)
        found = (
            self._kinds.get(code) if code else next((one for one in self._kinds.values() if one.usual), None)
        )
        if found is None:
            raise NotFound(f"there is no kind of booking '{code[:80]}'", zh=f"没有预约类型“{code[:80]}”")
        return found

    def figures(self) -> Figures:
        """Return the dated parameters of today."""
        return Figures(self.parameters, self.jurisdiction, self.clock().astimezone(CITY_ZONE).date())

    async def book(
        self,
        grant: Grant,
        slot_id: str,
        patient: str,
        *,
        hold: bool = False,
        values: Mapping[str, Any] | None = None,
    ) -> Stored:
        """Book a place of a slot for a resident (an id) and return the Appointment.

        With `hold`, or where the hospital itself confirms its bookings, the place is held for some minutes and waits for
        `confirm`. `values` are further elements: `reason` (text), `based_on` (ServiceRequest/id).

        Raises:
            NotFound: a slot or resident that the grant does not see.
            Forbidden: the account may not book this kind, or not of this pool.
            Conflict: no place is left, or the slot is closed.
            Unprocessable: too early, too late, too many, or the resident is on the no-show list.
        """
        asked = Asked(grant, slot_id, patient, hold, values or {})
        async with self.store.audited_entry(grant, "create", "Appointment", ""):
            return await self._counter.book(asked)

    async def wait(self, grant: Grant, schedule_id: str, patient: str, *, before: str = "") -> Stored:
        """Put a resident on the waiting list (候补) of a schedule, for a day not after `before`; return the Appointment.

        Raises as `book`; Conflict where a place is free.
        """
        async with self.store.audited_entry(grant, "create", "Appointment", ""):
            schedule = (await self.store.read(grant, "Schedule", schedule_id)).resource
            declaration = self.kind_of(schedule)

            async def work(transaction: Transaction) -> Stored:
                check_may_book(grant, declaration)
                if declaration.state_title("waitlist").zh == "waitlist":
                    raise Unprocessable("this kind has no waiting list", zh="该类预约没有候补")
                resident = await self._resident(transaction, grant, patient)
                free = await transaction.look(
                    "Slot",
                    f"schedule=Schedule/{schedule_id}&status=free&start=gt{instant(self.clock())}&_count=50",
                )
                if any(pool_of(one) == "public" for one in free):
                    raise Conflict("there are free places: book one", zh="该门诊仍有可约号源，请直接预约")
                held = await transaction.look("Appointment", f"patient=Patient/{patient}&status=waitlist")
                if any(
                    one["status"] == "waitlist" and extension(one, WANTED) == f"Schedule/{schedule_id}"
                    for one in held
                ):
                    raise Conflict("the resident is on this waiting list already", zh="该居民已在该门诊候补")
                slot = {"id": "", "extension": schedule.get("extension", []), "start": "", "end": ""}
                made = appointment_for(
                    declaration, slot, actor_of(resident), "waitlist", booker_of(grant, slot), self.clock()
                )
                for element in ("slot", "start", "end"):
                    made.pop(element)
                if priority := priority_of(declaration, "", resident, self.figures()):
                    with_extension(made, PRIORITY, priority, "Code")
                if schedule.get("specialty"):
                    made["specialty"] = schedule["specialty"]
                with_extension(made, WANTED, {"reference": f"Schedule/{schedule_id}"}, "Reference")
                if before:
                    made["requestedPeriod"] = [{"end": before}]
                return (await transaction.create(made)).stored

            return await self.store.run(engine(grant), work)

    async def book_within(
        self, transaction: Transaction, grant: Grant, slot: str, patient: str, values: Mapping[str, Any]
    ) -> Resource:
        """Book as `book` does, within a transaction that is under way, and return the Appointment: for a case that books
        (effect `book`). Raises as `book`."""
        resident = await self._resident(transaction, grant, patient)
        taken, held = await self._slot_and_held(transaction, grant, slot, patient)
        declaration = self.kind_of(taken)
        check_may_book(grant, declaration)
        members = await alliance(self, transaction, declaration, taken)
        check_booking(self, grant, declaration, taken, resident, held, members)
        made = appointment_of(self, Asked(grant, slot, patient, False, values), declaration, taken, resident)
        stored = (await transaction.create(made)).stored
        if hospital.confirms(taken):
            await hospital.ask(transaction, stored.id)
        return stored.resource

    async def move_within(
        self, transaction: Transaction, appointment: str, move: str, values: Mapping[str, Any]
    ) -> bool:
        """Make a move of an appointment for whose slot it is, within a transaction that is under way: for the case that
        has booked it (effect `booking`). Return whether it stood where the move is possible."""
        await transaction.lock("Appointment", appointment)
        stored = await transaction.reader.current("Appointment", appointment)
        if stored is None or stored.deleted:
            return False
        owner = owner_of(stored.resource)
        acting = replace(_CASES, organisation=owner, organisations=frozenset({owner}))
        if move not in {one.id for one in self.moves(acting, stored.resource)}:
            return False
        await self._made(transaction, acting, stored, move, values, "", None)
        return True

    def moves(self, grant: Grant, appointment: Resource) -> tuple[BookingMove, ...]:
        """Return the moves that this account may make of an appointment as it stands."""
        declaration = self.kind_of(appointment)
        start = begins(appointment)
        return tuple(
            one
            for one in declaration.moves
            if appointment["status"] in one.sources
            and may_move(grant, appointment, one.by, owner_of(appointment), patient_of(appointment))
            and not (one.before and start is not None and start <= self.clock())
        )

    async def move(
        self,
        grant: Grant,
        appointment_id: str,
        move_id: str,
        values: Mapping[str, Any] | None = None,
        *,
        slot: str = "",
        if_match: int | None = None,
    ) -> Stored:
        """Make a move of an appointment and return it; `slot` is the id of the other slot that a move takes.

        Raises:
            NotFound: no such appointment or move, or none that the grant sees.
            Forbidden: the account may not make this move.
            Conflict: it stands elsewhere by now, or the slot has no place.
            Unprocessable: values against the form, or a rule of the slot.
        """
        async with self.store.audited_entry(grant, "update", "Appointment", appointment_id):
            if "system" not in grant.roles:
                await self.store.read(grant, "Appointment", appointment_id)

            async def work(transaction: Transaction) -> Stored:
                await transaction.lock("Appointment", appointment_id)
                stored = await transaction.reader.current("Appointment", appointment_id)
                if stored is None or stored.deleted:
                    raise NotFound("there is no such appointment", zh="预约不存在")
                return await self._made(transaction, grant, stored, move_id, values or {}, slot, if_match)

            return await self.store.run(engine(grant), work)

    async def _made(
        self,
        transaction: Transaction,
        grant: Grant,
        stored: Stored,
        move_id: str,
        values: Mapping[str, Any],
        slot_id: str,
        if_match: int | None,
    ) -> Stored:
        appointment = stored.resource
        declaration = self.kind_of(appointment)
        move = next((one for one in declaration.moves if one.id == move_id), None)
        if move is None:
            raise NotFound(f"there is no move '{move_id[:60]}'", zh=f"该预约没有“{move_id[:60]}”操作")
        if not may_move(grant, appointment, move.by, owner_of(appointment), patient_of(appointment)):
            raise Forbidden(
                f"this account may not '{move.title.en}'",
                zh=f"当前账号不能“{move.title.zh}”，该操作由其他单位或人员办理",
            )
        self._check_stands(declaration, appointment, move)
        form, issues = check_values(move.form, values)
        if issues:
            raise Unprocessable(
                "the form is not complete or not right", zh="表单填写不完整或有误", issues=issues
            )
        when = self.clock()
        for field in move.form:
            if field.id in form:
                write_path(appointment, field.path, form[field.id])
        if move.slot:
            wanted = slot_id or slot_of(appointment)
            if not wanted:
                raise Unprocessable("choose a slot", zh="请选择号源", issues=(_slot_issue(),))
            resident = await self._resident(transaction, engine(grant), patient_of(appointment))
            slot, held = await self._slot_and_held(transaction, grant, wanted, patient_of(appointment))
            members = await alliance(self, transaction, declaration, slot)
            check_booking(self, grant, declaration, slot, resident, held, members, leaving=appointment["id"])
            if owner_of(slot) != owner_of(appointment):
                raise Unprocessable(
                    "the other slot is of another hospital: cancel this and book there",
                    zh="不能改约到其他医院，请取消后重新预约",
                    expression="slot",
                )
            put_slot(appointment, slot)
        appointment["status"] = move.target
        if move.target not in ("pending", "proposed"):
            with_extension(appointment, HELD_UNTIL, None, "Instant")
        if move.target in _STAMPS:
            stamp = when.astimezone(CITY_ZONE).isoformat(timespec="seconds")
            with_extension(appointment, _STAMPS[move.target], stamp, "DateTime")
        if move.target == "booked":
            appointment["participant"][0]["status"] = "accepted"
        return (await transaction.update(appointment, if_match=if_match or stored.version)).stored

    def _check_stands(
        self, declaration: BookingDeclaration, appointment: Resource, move: BookingMove
    ) -> None:
        if appointment["status"] not in move.sources:
            title = declaration.state_title(appointment["status"])
            raise Conflict(
                f"'{move.title.en}' is not possible while the appointment is '{title.en}'",
                zh=f"预约当前为“{title.zh}”，不能“{move.title.zh}”",
            )
        start = begins(appointment)
        if move.before and start is not None and start <= self.clock():
            raise Conflict("the appointment has begun", zh=f"就诊时间已到，不能“{move.title.zh}”")

    async def _slot_and_held(
        self, transaction: Transaction, grant: Grant, slot_id: str, patient: str
    ) -> tuple[Resource, list[Resource]]:
        """Return a slot that the grant sees, and the resident's appointments, in one look. Raises NotFound."""
        found = await transaction.reader.referring(
            "Appointment", "actor", ("Patient", [patient]), ("Slot", [slot_id])
        )
        slot = await seen_slot(
            transaction, grant, slot_id, next((one for one in found if one.type == "Slot"), None)
        )
        return slot, [one.resource for one in found if one.type == "Appointment"]

    async def _resident(self, transaction: Transaction, grant: Grant, patient: str) -> Resource:
        """Return the resident, whose row is locked: what they hold is counted by one booking at a time."""
        found = await transaction.hold_residents([patient])
        return await seen_resident(transaction, grant, patient, found.get(patient))

    # the parts that stand beside

    async def publish(
        self,
        grant: Grant,
        service_id: str,
        first: str,
        last: str,
        *,
        holidays: bool = False,
        dry: bool = False,
    ) -> publishing.Proposal:
        """Publish the slots (放号) of a department's templates from `first` to `last`; see `publishing.publish`."""
        return await publishing.publish(self, grant, service_id, first, last, holidays=holidays, dry=dry)

    async def board(
        self,
        grant: Grant,
        organisation: str,
        day: str,
        *,
        kind: str = "",
        department: str = "",
        clinician: str = "",
    ) -> board.Board:
        """Return a hospital's slots of the week of `day`; see `board.read_board`."""
        return await board.read_board(
            self, grant, organisation, day, kind=kind, department=department, clinician=clinician
        )

    async def day_list(
        self, grant: Grant, organisation: str, day: str, *, department: str = "", kind: str = ""
    ) -> day_list.DayList:
        """Return who comes to a hospital on a day, in the order in which they are seen; see `day_list.read_day`."""
        return await day_list.read_day(self, grant, organisation, day, department=department, kind=kind)

    async def slot(self, grant: Grant, slot_id: str) -> view.SlotView:
        """Return a slot with those who have booked it, as far as the grant sees them. Raises NotFound."""
        return await view.slot_view(self, grant, slot_id)

    async def appointment(self, grant: Grant, appointment_id: str) -> view.AppointmentView:
        """Return an appointment with the moves that the account may make. Raises NotFound."""
        found = await self.store.read(grant, "Appointment", appointment_id)
        return await view.appointment_view(self, grant, found.resource)

    async def others(self, grant: Grant, slot_id: str) -> list[tuple[str, datetime, int]]:
        """Return (id, beginning, places left) of the free slots of the same schedule that lie ahead."""
        slot = (await self.store.read(grant, "Slot", slot_id)).resource
        reference = str((slot.get("schedule") or {}).get("reference", ""))
        found = await self.store.search_all(
            grant,
            "Slot",
            f"schedule={reference}&status=free&start=gt{instant(self.clock())}&_sort=start&_count=60",
        )
        left = await self.store.left("Slot", [one["id"] for one in found])
        moments = [(one["id"], begins(one), left.get(one["id"], places_of(one))) for one in found]
        return [(id, start, places) for id, start, places in moments if start is not None and id != slot_id]

    async def departments(self, grant: Grant, organisation: str) -> list[tuple[str, str]]:
        """Return (id, name) of what an institution lets book."""
        found = await self.store.search_all(
            grant,
            "HealthcareService",
            f"organization=Organization/{organisation}&active=true&service-category={BOOKING_KIND}|&_count=200",
        )
        return sorted(((one["id"], str(one.get("name", one["id"]))) for one in found), key=lambda one: one[1])

    async def owners(self, grant: Grant) -> list[tuple[str, str]]:
        """Return (id, name) of the institutions that let something be booked."""
        found = await self.store.search_all(
            grant, "HealthcareService", f"active=true&service-category={BOOKING_KIND}|&_count=1000"
        )
        ids = {
            str((one.get("providedBy") or {}).get("reference", "")).removeprefix("Organization/")
            for one in found
        }
        named = []
        for id in sorted(ids - {""}):
            record = (await self.store.read(grant, "Organization", id)).resource
            named.append((id, str(record.get("name", id))))
        return named

    async def close(self, grant: Grant, slot_id: str, *, closed: bool) -> Stored:
        """Close a slot (停诊), or open it again, as its owner. Those who have booked it are told. Raises Forbidden."""
        slot = (await self.store.read(grant, "Slot", slot_id)).resource
        if not grant.acts_for(owner_of(slot)) and "system" not in grant.roles:
            raise Forbidden("an institution closes its own slots", zh="只能停开本机构的号源")
        slot["status"] = "busy-unavailable" if closed else "free"
        return (await self.store.update(grant, slot)).stored

    async def clinicians(self, grant: Grant, organisation: str) -> list[tuple[str, str]]:
        """Return (id, name) of those who may see residents at an institution; see `clinicians.clinicians`."""
        return await clinicians.clinicians(self, grant, organisation)

    async def stop_clinic(
        self, grant: Grant, slot_id: str, first: str, last: str, *, stopped: bool = True
    ) -> int:
        """Close the clinic of a slot (停诊) from day to day, or open it again; see `clinicians.stop`."""
        return await clinicians.stop(self, grant, slot_id, first, last, stopped=stopped)

    async def substitute(self, grant: Grant, slot_id: str, clinician: str, first: str, last: str) -> int:
        """Let another clinician take a slot's clinic from day to day (替诊); see `clinicians.substitute`."""
        return await clinicians.substitute(self, grant, slot_id, clinician, first, last)

    async def tick(self) -> dict[str, int]:
        """Do what time does: let holds go, tell no-shows, open reserved slots, remind; return how many of each."""
        return await timekeeping.tick(self)

    async def heed(self) -> int:
        """Ask the hospitals that confirm; follow closed slots, answers, and places that came free. Return how many."""
        return await hospital.work(self) + await timekeeping.heed(self)

    async def reconcile(self, grant: Grant, organisation: str, day: str) -> list[hospital.Difference]:
        """Compare a day's bookings with the hospital's own system and keep the differences; see `hospital.reconcile`."""
        return await hospital.reconcile(self, grant, organisation, day)


def _slot_issue() -> Issue:
    return Issue("error", "required", "choose a slot", ("slot",), "请选择号源")
