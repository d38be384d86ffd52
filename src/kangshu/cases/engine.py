"""The engine: cases start and move here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from kangshu.access import ANY_TYPE, Everything, Grant, Nothing
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Forbidden, NotFound, PreconditionFailed, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.base.working_days import Calendar, china
from kangshu.cases.calculating import Calculator, KeptCalculation, calculation_records
from kangshu.cases.deadlines import Terms
from kangshu.cases.desks import Desks
from kangshu.cases.draws import Draw, draws_of
from kangshu.cases.filling import Filling
from kangshu.cases.guards import asked_of
from kangshu.cases.in_person import NOT_THE_ONE_SENT, is_somebody_else
from kangshu.cases.inside import keep_papers, labelled
from kangshu.cases.moving import Machine
from kangshu.cases.offering import Looker, Offer
from kangshu.cases.one_time_codes import (
    TRIES,
    OneTimeCode,
    WrongCode,
    code_names,
    count_try,
    may_see,
    read_code,
)
from kangshu.cases.opening import Tried
from kangshu.cases.parties import may_move, may_start, not_yours
from kangshu.cases.publishing import PublicNotices
from kangshu.cases.rosters import Rosters
from kangshu.cases.signalling import Signals
from kangshu.cases.surroundings import Facts
from kangshu.cases.tasks import (
    CASE_KEY,
    CaseEvent,
    events,
    inputs,
    kind_of,
    new_task,
    reference_id,
    state_of,
)
from kangshu.cases.timekeeping import Timekeeper
from kangshu.cases.under_way import BookingRoom, Outlet
from kangshu.cases.worklist import Box, CaseRow, Notice, Worklists
from kangshu.sdk import (
    CalculationDeclaration,
    CaseDeclaration,
    DeskDeclaration,
    Move,
    Resource,
    RosterDeclaration,
    SignalDeclaration,
)
from kangshu.store import LABELLING, Store, Stored, Transaction

ENGINE = "case.engine"
_EVERY = MappingProxyType({ANY_TYPE: Everything()})


class Cases:
    """Cases of every declared kind. `jurisdiction` is the installation's division, for parameters; `outlets` are the
    rooms above that take in what a move hands on (effect `hand`)."""

    def __init__(
        self,
        store: Store,
        declarations: Iterable[CaseDeclaration],
        parameters: ParameterTable,
        *,
        calendar: Calendar | None = None,
        jurisdiction: str = "",
        clock: Callable[[], datetime] = now,
        outlets: Mapping[str, Outlet] | None = None,
        signals: Iterable[SignalDeclaration] = (),
        desks: Iterable[DeskDeclaration] = (),
        rosters: Iterable[RosterDeclaration] = (),
        calculations: Iterable[CalculationDeclaration] = (),
    ) -> None:
        self._store = store
        self._kinds = {one.code: one for one in declarations}
        self._terms = Terms(parameters, calendar or china())
        self._jurisdiction = jurisdiction
        self._clock = clock
        self._filling = Filling(store, self._kinds, self._terms, jurisdiction)
        self._lists = Worklists(store, self._kinds, self._terms, jurisdiction, clock)
        listed = tuple(rosters)
        self._calculator = Calculator(calculations, parameters)
        self._machine = Machine(
            self._kinds,
            self._terms,
            jurisdiction,
            clock,
            {} if outlets is None else outlets,
            {one.code: one.post for one in listed},
            self._calculator,
        )
        self.signals = Signals(store, signals, self._kinds, self._machine, parameters, jurisdiction, clock)
        self.rosters = Rosters(store, listed, parameters, jurisdiction)
        self.desks = Desks(store, desks, self._kinds, self._lists, jurisdiction, clock)
        self._timekeeper = Timekeeper(store, self._kinds, clock, self._terms, jurisdiction)
        self._looker = Looker(store, self._kinds, self._terms, jurisdiction, clock)
        self.public_notices = PublicNotices(store, self._kinds, parameters, jurisdiction, clock, self.start)

    def provide(self, name: str, facts: Facts) -> None:
        """Let a room above tell guards what it knows of a case, as %`name`; see `surroundings`."""
        self._looker.provide(name, facts)

    def book_with(self, bookings: BookingRoom) -> None:
        """Let effects that book ask the room that keeps bookings."""
        self._machine.bookings = bookings

    @property
    def declarations(self) -> tuple[CaseDeclaration, ...]:
        """Return every declared case kind."""
        return tuple(self._kinds.values())

    def declaration(self, code: str) -> CaseDeclaration:
        """Return the case kind `service/case`. Raises NotFound."""
        found = self._kinds.get(code)
        if found is None:
            raise NotFound(f"there is no case kind '{code[:80]}'", zh=f"没有办件类型“{code[:80]}”")
        return found

    def carrying(self, what: str) -> CaseDeclaration | None:
        """Return the case kind that carries `what` of the platform's own (`duty`), None when no service has one."""
        return next((one for one in self._kinds.values() if one.carries == what), None)

    def startable(self, grant: Grant, resident: str = "") -> tuple[CaseDeclaration, ...]:
        """Return the case kinds that this account may start; with `resident` (an id), those about that resident."""
        return tuple(
            one
            for one in self._kinds.values()
            if self._may_start(grant, one) and (not resident or may_start(grant, one.start_by, resident))
        )

    async def start(
        self,
        grant: Grant,
        code: str,
        values: Mapping[str, Any],
        *,
        subject: str | None = None,
        receiver: str | None = None,
        title: str = "",
        focus: str | None = None,
        tags: Sequence[Mapping[str, str]] = (),
        papers: Sequence[Resource] = (),
        key: str = "",
        trial: bool = False,
    ) -> Stored:
        """Start a case of kind `code` in its initial state and return its Task.

        With `key` there is one case of that key: where it stands already it is returned as it is, and nothing starts,
        however many ask at once. With `trial` all is done and nothing stays: the answer is the Task as it would be.

        `subject` is `Patient/id` (or the kind's subject type), `receiver` the id of the Organization that it
        goes to first; without it the form's `receiver` field. `tags` go to meta.tag of all that the case makes.
        `papers` are new records (attachments, with their ids) that the form's values point to: they are written
        under the account's own grant, with the case or not at all.

        Raises:
            NotFound: no such kind, or subject, receiver or a chosen record that the grant does not see.
            Forbidden: the account may not start this kind.
            Unprocessable: values against the form; its issues name the fields.
            Conflict: an effect met a taken or changed resource.
        """
        async with self._store.audited_entry(grant, "create", "Task", ""):
            declaration = self.declaration(code)
            if not self._may_start(grant, declaration):
                raise Forbidden(
                    f"this account may not start '{declaration.title.en}'",
                    zh=f"当前账号不能发起“{declaration.title.zh}”",
                )
            subject = await self._subject_of(grant, declaration, subject)
            if receiver and any(field.id == "receiver" for field in declaration.form):
                values = {**values, "receiver": receiver}
            task = _asked_for(declaration, self._clock(), subject, focus, title, tags, key)
            form = await self._filling.checked(grant, declaration.form, values, task, papers)
            receiver = receiver or str(form.get("receiver") or "")
            receiver = receiver.removeprefix("Organization/")
            if receiver:
                await self._visible(grant, f"Organization/{receiver}")

            async def work(transaction: Transaction) -> Stored:
                standing = await transaction.match("Task", f"identifier={CASE_KEY}|{key}") if key else None
                if standing is not None:
                    return standing
                await keep_papers(transaction, grant, papers, declaration)
                new = deepcopy(task)
                begun = await self._machine.begin(transaction, grant, declaration, new, form, receiver)
                if trial:
                    raise Tried(begun)
                return begun

            try:
                return await self._store.run(_engine(grant), work)
            except Tried as tried:
                return tried.begun

    async def offers(self, grant: Grant, task: str | Resource | Stored) -> tuple[Offer, ...]:
        """Return the moves that this account may make in the present state, those not yet possible with the reason.

        Guards that ask for the form's values (%form) count as open: they are checked on moving.
        """
        resource = await self._task(grant, task)
        self.declaration(kind_of(resource))
        return await self._looker.offers(grant, resource)

    async def conditions(self, grant: Grant, task: str | Resource | Stored) -> tuple[Offer, ...]:
        """Return the moves that end the case under a checklist (销号条件), each with how its items stand now."""
        resource = await self._task(grant, task)
        self.declaration(kind_of(resource))
        return await self._looker.conditions(grant, resource)

    async def moves(self, grant: Grant, task: str | Resource | Stored) -> tuple[Move, ...]:
        """Return the moves that this account may make now."""
        return tuple(offer.move for offer in await self.offers(grant, task) if offer.blocked is None)

    async def move(
        self,
        grant: Grant,
        task_id: str,
        move_id: str,
        values: Mapping[str, Any],
        *,
        if_match: int | None = None,
        comment: str = "",
        papers: Sequence[Resource] = (),
    ) -> Stored:
        """Make a move of a case and return its Task; the effects and the `papers` commit with it or nothing does.

        Raises:
            NotFound: no such case, or none that the grant sees; no such move of its kind.
            Forbidden: the account may not make this move.
            Conflict: the case is in another state (somebody was first), or an effect met a taken resource.
            PreconditionFailed: `if_match` is not the current version.
            Unprocessable: values against the form, or the guard or an item of the checklist does not hold.
        """
        async with self._store.audited_entry(grant, "update", "Task", task_id):
            _check_app(grant)
            before = await self._store.read(grant, "Task", task_id)
            declaration = self.declaration(kind_of(before.resource))
            move = next((one for one in declaration.moves if one.id == move_id), None)
            if move is None:
                raise NotFound(
                    f"this case has no move '{move_id[:60]}'", zh=f"该办件没有“{move_id[:60]}”操作"
                )
            if not may_move(grant, before.resource, move.by):
                raise not_yours(move)
            if await is_somebody_else(self._store, grant, before.resource, move):
                raise Forbidden(NOT_THE_ONE_SENT.en, zh=NOT_THE_ONE_SENT.zh)
            form = await self._filling.checked(grant, move.form, values, before.resource, papers)
            known = await self._looker.known(before.resource, asked_of(move))

            async def work(transaction: Transaction) -> Stored:
                await transaction.lock("Task", task_id)
                stored = await transaction.read("Task", task_id)
                if if_match is not None and stored.version != if_match:
                    raise PreconditionFailed(
                        "the case has changed since you opened it; look at it again",
                        zh="该办件在您打开后已有变动，请刷新后再办理",
                    )
                if not await transaction.may_read(grant, stored):
                    raise NotFound("there is no such case", zh="办件不存在")
                task = deepcopy(stored.resource)
                if not may_move(grant, task, move.by):
                    raise not_yours(move)
                await keep_papers(transaction, grant, papers, declaration)
                made = await self._machine.make(
                    transaction, grant, declaration, move, task, form, comment, known=known
                )
                return (await transaction.update(made, if_match=stored.version)).stored

            try:
                return await self._store.run(_engine(grant), work)
            except WrongCode as wrong:
                await self._count_try(grant, task_id, wrong.name)
                raise

    async def _count_try(self, grant: Grant, task_id: str, name: str) -> None:
        """Count a wrong one-time code: the move that was refused has left nothing."""
        day = self._clock().astimezone(CITY_ZONE).date()
        most = int(str(self._terms.parameters.value(TRIES.id, self._jurisdiction, day)))
        await self._store.run(_engine(grant), lambda transaction: count_try(transaction, task_id, name, most))

    async def codes(self, grant: Grant, task_id: str) -> tuple[OneTimeCode, ...]:
        """Return the one-time codes of a case that are good and that this account is shown. Raises NotFound."""
        task = (await self._store.read(grant, "Task", task_id)).resource
        resident = reference_id(task.get("for"), "Patient")
        names = dict.fromkeys(code_names(self.declaration(kind_of(task))))

        async def look(transaction: Transaction) -> tuple[OneTimeCode, ...]:
            held = [await read_code(transaction, task_id, name) for name in names]
            good = (one for one in held if one is not None and one.until >= self._clock())
            return tuple(one for one in good if may_see(grant, one, resident))

        return await self._store.run(_engine(grant), look) if names else ()

    async def draws(self, grant: Grant, task_id: str) -> tuple[Draw, ...]:
        """Return the draws (随机抽取) of a case, each reckoned again. Raises NotFound."""
        return await draws_of(self._store, grant, task_id)

    def held_values(self, task: Resource) -> dict[str, Any]:
        """Return the last value of each field of a case, typed or put there by an effect, by field id."""
        return inputs(task)

    def kept_values(self, task: Resource) -> dict[str, Any]:
        """Return what effects have put into the fields of a case that nobody types, by field id."""
        held = inputs(task)
        return {one.id: held[one.id] for one in self.declaration(kind_of(task)).kept if one.id in held}

    async def calculations(self, grant: Grant, task_id: str) -> tuple[KeptCalculation, ...]:
        """Return the calculations (测算) of a case that the grant sees, the newest first, then trials as it now stands.

        Raises:
            NotFound: no such case.
        """
        task = (await self._store.read(grant, "Task", task_id)).resource
        kind = self.declaration(kind_of(task))
        declared = self._calculator.of(kind)
        if not declared:
            return ()
        kept = await calculation_records(self._store, grant, task_id)
        final = any(one.final and one.id == state_of(task) for one in kind.states)
        trials = [
            await self._looker.trial(grant, task, one, self._calculator)
            for one in declared
            if (state_of(task) in one.states if one.states else not final)
        ]
        return (*kept, *(one for one in trials if one is not None))

    async def first_rows(self, grant: Grant, task: Resource, move: Move) -> dict[str, list[dict[str, Any]]]:
        """Return the rows that stand at first in a move's tables that are filled from finished child cases or records."""
        self.declaration(kind_of(task))
        return await self._filling.first_rows(grant, task, move)

    async def drawn(self, grant: Grant, code: str, subject: str) -> dict[str, list[Resource]]:
        """Return the records that the form which starts a case of kind `code` about `subject` (`Patient/id`) draws on, of
        what the account itself sees, by field."""
        declaration = self.declaration(code)
        task = _asked_for(declaration, self._clock(), subject, None, "", (), "")
        return await self._filling.drawn(grant, declaration.form, task)

    async def candidates(
        self, grant: Grant, task_id: str, move_id: str, field_id: str, *, text: str = "", limit: int = 50
    ) -> list[Resource]:
        """Return the records that may be chosen for a reference field of a move, at most `limit`."""
        task = (await self._store.read(grant, "Task", task_id)).resource
        self.declaration(kind_of(task))
        return await self._filling.candidates(grant, task, move_id, field_id, text, limit)

    async def history(self, grant: Grant, task_id: str) -> tuple[CaseEvent, ...]:
        """Return what happened to the case, oldest first."""
        return events((await self._store.read(grant, "Task", task_id)).resource)

    async def children(self, grant: Grant, task_id: str) -> tuple[CaseRow, ...]:
        """Return the child cases (会签) that the grant sees, by deadline."""
        return await self._lists.rows(
            grant, await self._store.search_all(grant, "Task", f"part-of=Task/{task_id}")
        )

    async def row(self, grant: Grant, task_id: str) -> CaseRow:
        """Return the worklist row of one case. Raises NotFound."""
        return (await self._lists.rows(grant, [(await self._store.read(grant, "Task", task_id)).resource]))[0]

    async def rows(self, grant: Grant, tasks: Iterable[Resource]) -> tuple[CaseRow, ...]:
        """Return the worklist rows of Tasks that the grant has found, the nearest deadline first."""
        return await self._lists.rows(grant, tasks)

    async def worklist(
        self,
        grant: Grant,
        box: Box = "todo",
        code: str | None = None,
        *,
        subject: str = "",
        limit: int = 200,
    ) -> list[CaseRow]:
        """Return the cases of a box, the nearest deadline first; see `worklist.Box`."""
        return await self._lists.worklist(grant, box, code, subject=subject, limit=limit)

    async def counts(self, grant: Grant) -> dict[str, int]:
        """Return how many cases stand in each box of the account's organisation, and unread notices as `notices`."""
        return await self._lists.counts(grant)

    async def notices(self, grant: Grant, *, unread: bool = True, limit: int = 100) -> list[Notice]:
        """Return the notices (待阅) to the account's organisation or resident, newest first."""
        return await self._lists.notices(grant, unread=unread, limit=limit)

    async def mark_read(self, grant: Grant, notice_id: str) -> None:
        """Mark a notice as read. Raises NotFound when it is not addressed to this account's organisation."""
        await self._lists.mark_read(grant, notice_id, _engine(grant))

    async def tick(self) -> tuple[int, int]:
        """Make the moves that are due by themselves and tell of deadlines that have passed; return how many of each.

        The background worker calls it every minute or so; calling it more often or twice at once does no harm.
        """
        return await self._timekeeper.tick(self.move, self._looker.ready)

    async def heed(self, reference: str) -> int:
        """Try the watched moves of the open cases about a record (their focus), for something about it has changed;
        return how many were made."""
        return await self._timekeeper.heed(self.move, self._looker.ready, reference)

    async def tick_minutes(self) -> tuple[int, int]:
        """As `tick`, of the deadlines that are counted in minutes: the background worker calls it every few seconds."""
        return await self._timekeeper.tick_minutes(self.move)

    def _may_start(self, grant: Grant, declaration: CaseDeclaration) -> bool:
        return grant.may(f"case.start:{declaration.code}") and may_start(grant, declaration.start_by)

    async def _subject_of(self, grant: Grant, declaration: CaseDeclaration, subject: str | None) -> str:
        """Return the reference of what a case is about, "" for none.

        Raises:
            NotFound: the account does not see it.
            Forbidden: the account starts such cases for others than this resident.
            Unprocessable: a case of this kind is about something.
        """
        if not subject:
            if declaration.subject_type:
                raise Unprocessable(
                    f"a case of this kind is about a {declaration.subject_type}",
                    zh="请选择办件对象",
                    expression="subject",
                )
            return ""
        reference = subject if "/" in subject else f"{declaration.subject_type or 'Patient'}/{subject}"
        await self._visible(grant, reference)
        kind, _, id_ = reference.partition("/")
        if kind == "Patient" and not may_start(grant, declaration.start_by, id_):
            raise Forbidden(
                f"this account may not start '{declaration.title.en}' for this resident",
                zh=f"当前账号不能代该居民发起“{declaration.title.zh}”",
            )
        return reference

    async def _task(self, grant: Grant, task: str | Resource | Stored) -> Resource:
        if isinstance(task, str):
            return (await self._store.read(grant, "Task", task)).resource
        return task.resource if isinstance(task, Stored) else task

    async def _visible(self, grant: Grant, reference: str) -> None:
        """Raise NotFound unless the account itself may see what it points to: the engine's reach is not lent.

        An emergency is to read: no case, which would open the record for longer, is founded on it.
        """
        kind, _, id_ = reference.partition("/")
        await self._store.read(grant.without_emergency(), kind, id_)


def _asked_for(
    declaration: CaseDeclaration,
    when: datetime,
    subject: str,
    focus: str | None,
    title: str,
    tags: Sequence[Mapping[str, str]],
    key: str,
) -> Resource:
    """Return the Task of a case that somebody asks for, without state, parties or values."""
    task = new_task(declaration, when)
    if subject:
        task["for"] = {"reference": subject}
    if focus:
        task["focus"] = {"reference": focus}
    if title:
        task["description"] = title
    if tags:
        task["meta"] = {"tag": [dict(tag) for tag in tags]}
    if key:
        task["identifier"] = [{"system": CASE_KEY, "value": key}]
    return labelled(task, declaration)


def _engine(grant: Grant) -> Grant:
    """Return the grant the engine works with after its own who-may check; the account stays, for the audit."""
    return replace(grant, read=_EVERY, write=_EVERY, operations=grant.operations | {ENGINE, LABELLING})


def _check_app(grant: Grant) -> None:
    """Raise Forbidden for an application whose scopes do not write cases: a move is a write."""
    if grant.app and isinstance(grant.may_write("Task"), Nothing):
        raise Forbidden(
            "this application may read cases and not move them; it needs the scope system/Task.cud",
            zh="该应用只有读取办件的授权范围，不能办理；需要 system/Task.cud",
        )
