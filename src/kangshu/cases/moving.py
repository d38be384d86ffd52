"""Starting and moving a case inside a transaction: the machine itself, after the doors have asked who may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from kangshu.access import Grant
from kangshu.base.canonical import DISTRICT
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Conflict, Forbidden, Gone, NotFound, Unprocessable, Unsupported
from kangshu.base.text import Text
from kangshu.cases.calculating import Calculator
from kangshu.cases.checklists import refuse_unmet, ticked
from kangshu.cases.deadlines import Terms
from kangshu.cases.gathering import asked_by
from kangshu.cases.guards import asked_of
from kangshu.cases.inside import (
    CARRIES_INSIDE,
    SIGNED_ALONE,
    incoming,
    release,
    share_papers,
    works_inside,
)
from kangshu.cases.one_time_codes import MINUTES
from kangshu.cases.opening import Opening, opened_task
from kangshu.cases.parties import CASE, SOMEBODY_ELSE, has_acted, may_move
from kangshu.cases.records import Reach, counting, looked_up
from kangshu.cases.running import Running
from kangshu.cases.surroundings import surroundings
from kangshu.cases.tasks import (
    CASE_NUMBER,
    CaseEvent,
    add_event,
    keep_output,
    keep_values,
    kind_of,
    organisation_of,
    set_deadline,
    set_state,
    state_of,
)
from kangshu.cases.under_way import BookingRoom, Outlet
from kangshu.registers import check_values, into_element, write_path
from kangshu.sdk import STAY, CaseDeclaration, Move, Resource, State
from kangshu.store import Stored, Transaction, new_id

START = Text("发起", "Start")
ANSWER = "answer"
_MAX_CHILDREN = 100


class Machine:
    """Makes moves of the declared kinds. It asks no grant: whoever calls it has done so."""

    def __init__(
        self,
        kinds: Mapping[str, CaseDeclaration],
        terms: Terms,
        jurisdiction: str,
        clock: Callable[[], datetime],
        outlets: Mapping[str, Outlet],
        posts: Mapping[str, str],
        calculator: Calculator,
    ) -> None:
        self._outlets = outlets
        self._posts = posts
        self._calculator = calculator
        self._kinds = kinds
        self._terms = terms
        self._jurisdiction = jurisdiction
        self._clock = clock
        self._inside = next((one for one in kinds.values() if one.carries == CARRIES_INSIDE), None)
        self.bookings: BookingRoom | None = None

    async def begin(
        self,
        transaction: Transaction,
        grant: Grant,
        declaration: CaseDeclaration,
        task: Resource,
        form: Mapping[str, Any],
        receiver: str,
    ) -> Stored:
        task["id"] = new_id()
        running = self._running(transaction, grant, declaration, task, form)
        if grant.organisation and "requester" not in task:
            await running.hand_over("requester", f"Organization/{grant.organisation}")
        elif grant.patient and "requester" not in task:
            await running.hand_over("requester", f"Patient/{grant.patient}")
        if receiver:
            await running.hand_over("owner", receiver if "/" in receiver else f"Organization/{receiver}")
        if declaration.numbering:
            year = running.when.astimezone(CITY_ZONE).year
            # what stays within a unit is numbered by the unit
            register = f"/{organisation_of(task, 'requester')}" if declaration.internal else ""
            sequence = await transaction.next_number(f"{declaration.code}/{year}{register}")
            number = declaration.numbering.format(year=year, sequence=sequence)
            task.setdefault("identifier", []).append({"system": CASE_NUMBER, "value": number})
        start = Move(
            "start",
            START,
            (),
            declaration.initial,
            (),
            declaration.form,
            declaration.start_guard,
            declaration.start_guard_text,
            declaration.effects,
        )
        running.around = await self.around(running, start)
        if start.guard and not running.holds(start.guard):
            raise Unprocessable(start.guard_text.en, zh=start.guard_text.zh)
        await self._enter(running, start, "", declaration.effects, "")
        await self._come_in(running, "")
        written = await transaction.update(task)
        if await self._spawn(running):
            written = await transaction.update(task)
        return written.stored

    async def make(
        self,
        transaction: Transaction,
        grant: Grant,
        declaration: CaseDeclaration,
        move: Move,
        task: Resource,
        form: Mapping[str, Any],
        comment: str,
        *,
        known: Mapping[str, Any] | None = None,
        signed: bool = False,
    ) -> Resource:
        """Change `task` by `move`. `known` is what rooms above know of it; `signed`: the unit's internal case answers."""
        source = state_of(task)
        if source not in move.sources:
            title = next((one.title for one in declaration.states if one.id == source), Text(source, source))
            raise Conflict(
                f"'{move.title.en}' is not possible while the case is '{title.en}'; somebody may have been first",
                zh=f"办件当前为“{title.zh}”，不能“{move.title.zh}”，可能已被他人办理",
            )
        children: Sequence[Resource] = ()
        if any("%children" in one for one in asked_of(move)) or any(
            "children" in effect for effect in move.effects
        ):
            children = await transaction.search_all("Task", f"part-of=Task/{task['id']}")
        running = self._running(transaction, grant, declaration, task, form, source, children)
        running.around = {**await self.around(running, move), **(known or {})}
        if has_acted(grant, task, move.apart_from):
            raise Forbidden(SOMEBODY_ELSE.en, zh=SOMEBODY_ELSE.zh)
        if move.guard and not running.holds(move.guard):
            raise Unprocessable(move.guard_text.en, zh=move.guard_text.zh)
        refuse_unmet(ticked(move, form, running.holds, running.finds))
        owner = organisation_of(task, "owner")
        if move.id == declaration.answer and not signed and await self._answers_inside(running, owner):
            raise Unprocessable(SIGNED_ALONE.en, zh=SIGNED_ALONE.zh)
        await self._enter(running, move, source, move.effects, comment)
        await self._come_in(running, owner)
        await self._spawn(running)
        for follow in running.follow:
            for child in children:
                await self._follow(running, follow, child)
        for other, name, values, must in running.elsewhere:
            await self._move_other(running, other, name, values, must)
        await self._hand(running)
        return task

    def _running(
        self,
        transaction: Transaction,
        grant: Grant,
        declaration: CaseDeclaration,
        task: Resource,
        form: Mapping[str, Any],
        source: str = "",
        children: Sequence[Resource] = (),
    ) -> Running:
        """Return a move (a start where there is no `source`) under way, from now on."""
        return Running(
            transaction,
            grant,
            declaration,
            task,
            form,
            self._clock(),
            source,
            children,
            outlets=self._outlets,
            posts=self._posts,
            calculator=self._calculator,
            bookings=self.bookings,
        )

    async def _hand(self, running: Running) -> None:
        """Hand the case to the rooms that it goes to, and keep what they have made of it."""
        for name in running.handed:
            outlet = self._outlets.get(name)
            if outlet is None:
                raise Unsupported(
                    f"this installation takes in no '{name}'", zh=f"当前系统没有接收“{name}”的功能"
                )
            made = await outlet(running.transaction, running.grant, running.task, running.when)
            for kept, reference in made.items():
                keep_output(running.task, kept, reference)

    async def _move_other(
        self, running: Running, other: str, name: str, values: Mapping[str, Any], must: bool
    ) -> None:
        """Make a move on another case for whoever makes this one.

        When it is in no state for it nothing is done, or with `must` this move is refused too. The move `answer` is the
        one by which that case is answered. A case of another service gets of the values those that its form asks for.
        """
        transaction = running.transaction
        await transaction.lock("Task", other)
        stored = await transaction.read("Task", other)
        declaration = self._kind(kind_of(stored.resource))
        wanted = (declaration.answer or ANSWER) if name == ANSWER else name
        move = next((one for one in declaration.moves if one.id == wanted), None)
        state = self._state(declaration, state_of(stored.resource))
        if move is None or state.id not in move.sources:
            if must:
                raise Conflict(
                    f"the case that this one answers is '{state.title.en}' and cannot be answered now",
                    zh=f"来文事项当前为“{state.title.zh}”，还不能答复，请先在该事项中办理",
                )
            return
        if name == ANSWER or declaration.service != running.declaration.service:
            values = {field.id: values[field.id] for field in move.form if field.id in values}
        if CASE not in move.by and not may_move(running.grant, stored.resource, move.by):
            raise Forbidden(
                f"this account may not '{move.title.en}' the case that this one names",
                zh=f"当前账号不能对关联事项“{move.title.zh}”",
            )
        form, issues = check_values(move.form, values)
        if issues:
            raise Unprocessable(
                "the values for the other case are not right", zh="关联事项填写有误", issues=issues
            )
        signed = running.declaration.internal
        if signed:
            await release(transaction, form)
        made = await self.make(
            transaction, running.grant, declaration, move, deepcopy(stored.resource), form, "", signed=signed
        )
        await transaction.update(made, if_match=stored.version)

    async def _answers_inside(self, running: Running, owner: str) -> bool:
        return self._inside is not None and await works_inside(running.transaction, owner)

    async def _come_in(self, running: Running, before: str) -> None:
        """Open the internal case of a unit that has got the case just now; let a section see the papers it has got."""
        owner = organisation_of(running.task, "owner")
        if owner == before:
            return
        if running.declaration.internal and before:
            await share_papers(running.transaction, running.task, owner)
        elif (
            running.declaration.answer
            and self._inside is not None
            and await self._answers_inside(running, owner)
        ):
            values = incoming(self._inside, running.task)
            running.spawn.append(Opening(self._inside.code, owner, values, "inside"))

    async def around(self, running: Running, move: Move) -> Mapping[str, Any]:
        """Return what the guard and the effects of `move` may ask besides the Task."""
        kind = running.declaration
        asked = (
            *asked_of(move),
            *self._calculator.asked(kind, move.effects),
            *asked_by(kind, move.effects),
        )
        search = running.transaction.search_all
        day = running.when.astimezone(CITY_ZONE).date()
        around = await surroundings(
            asked,
            running.task,
            running.grant,
            self._terms,
            self._jurisdiction,
            running.transaction.read,
            search,
            day,
        )
        declared = running.declaration.records
        count = counting(running.transaction.count)
        reach = Reach(search, count, self._terms, self._jurisdiction, day)
        return {**around, **await looked_up(declared, asked, running.task, running.form, reach)}

    async def _enter(
        self, running: Running, move: Move, source: str, effects: Sequence[Mapping[str, Any]], comment: str
    ) -> None:
        """Write the form, apply the effects and put the Task into the move's target."""
        task, form = running.task, running.form
        leads = move.target
        if move.instead is not None and running.holds(move.instead.when):
            leads = move.instead.target
        target = source if leads == STAY else leads
        keep_values(task, move.form, form)
        for field in move.form:
            if field.path and field.id in form:
                write_path(task, field.path, into_element(field, form[field.id]))
        state = self._state(running.declaration, target)
        set_state(task, running.declaration, state)
        if source != target:
            where = await self._jurisdiction_of(running)
            set_deadline(task, self._terms.end(state.deadline, task, running.when, where))
        await self._name_terms(running, effects)
        if any("calculate" in effect for effect in effects):
            running.jurisdiction = await self._jurisdiction_of(running)
        if any("code" in effect for effect in effects):
            day, where = running.when.astimezone(CITY_ZONE).date(), await self._jurisdiction_of(running)
            running.code_minutes = int(str(self._terms.parameters.value(MINUTES.id, where, day)))
        await running.apply(effects)
        task["lastModified"] = running.when.astimezone(CITY_ZONE).isoformat(timespec="seconds")
        organisation = running.grant.organisation
        add_event(
            task,
            CaseEvent(
                move=move.id,
                title=move.title.zh,
                account=running.grant.account,
                who=running.grant.display,
                organisation=organisation,
                organisation_name=await running.name_of(f"Organization/{organisation}")
                if organisation
                else "",
                when=running.when,
                source=source,
                target=target,
                comment=comment or str(form.get("comment") or ""),
                values=form,
                patient=running.grant.patient,
            ),
            move.form,
        )

    async def _name_terms(self, running: Running, effects: Sequence[Mapping[str, Any]]) -> None:
        """Name the days that lie a dated parameter ahead, for the effects after them."""
        for effect in effects:
            if "term" in effect:
                where = await self._jurisdiction_of(running)
                today = running.when.astimezone(CITY_ZONE).date()
                day = self._terms.ahead(str(effect["term"]), effect.get("unit", "day"), today, where)
                running.given[str(effect["as"])] = day.isoformat()

    async def _spawn(self, running: Running) -> bool:
        """Open the cases that the move opens; return whether the Task now keeps one of them."""
        if len(running.spawn) > _MAX_CHILDREN:
            raise Unprocessable(
                f"at most {_MAX_CHILDREN} units can countersign", zh=f"会签单位不得超过{_MAX_CHILDREN}个"
            )
        for opening in running.spawn:
            declaration = self._carrier(opening.carries) if opening.carries else self._kind(opening.kind)
            values = opening.values
            if opening.carries:
                fields = {field.id for field in declaration.form}
                values = {name: value for name, value in values.items() if name in fields}
            if opening.due is not None:
                where = await self._jurisdiction_of(running)
                today = running.when.astimezone(CITY_ZONE).date()
                day = self._terms.ahead(opening.due.parameter, opening.due.unit, today, where)
                values = {**values, opening.due.field: day.isoformat()}
            form, issues = check_values(declaration.form, values)
            if issues:
                raise Unprocessable(
                    "the values of the case to open are not right", zh="会签或衍生事项填写有误", issues=issues
                )
            task = opened_task(running.task, opening, declaration, running.when)
            if opening.requester:
                name = await running.name_of(opening.requester)
                task["requester"] = {"reference": opening.requester, "display": name}
            opened = await self.begin(
                running.transaction, running.grant, declaration, task, form, opening.owner
            )
            if opening.name:
                keep_output(running.task, opening.name, f"Task/{opened.id}")
        return any(opening.name for opening in running.spawn)

    async def _follow(self, running: Running, move_id: str, child: Resource) -> None:
        declaration = self._kind(kind_of(child))
        state = self._state(declaration, state_of(child))
        move = next((one for one in declaration.moves if one.id == move_id and state.id in one.sources), None)
        if state.final or move is None:
            return
        await running.transaction.lock("Task", child["id"])
        fresh = await running.transaction.read("Task", child["id"])
        if state_of(fresh.resource) not in move.sources:
            return
        made = await self.make(
            running.transaction, running.grant, declaration, move, deepcopy(fresh.resource), {}, ""
        )
        await running.transaction.update(made, if_match=fresh.version)

    def _state(self, declaration: CaseDeclaration, state: str) -> State:
        return next(one for one in declaration.states if one.id == state)

    async def _jurisdiction_of(self, running: Running) -> str:
        """Return the division of the organisation that holds the case, else the installation's."""
        owner = organisation_of(running.task, "owner") or organisation_of(running.task, "requester")
        if not owner:
            return self._jurisdiction
        try:
            stored = await running.transaction.read("Organization", owner)
        except (NotFound, Gone):
            return self._jurisdiction
        found = (one for one in stored.resource.get("extension", ()) if one.get("url") == DISTRICT)
        return next((str(one["valueCode"]) for one in found if "valueCode" in one), self._jurisdiction)

    def _carrier(self, what: str) -> CaseDeclaration:
        found = next((one for one in self._kinds.values() if one.carries == what), None)
        if found is None:
            raise Unsupported(
                f"no service of this installation carries '{what}'",
                zh="当前系统没有可承接该事项的服务，请先启用相应服务",
            )
        return found

    def _kind(self, code: str) -> CaseDeclaration:
        found = self._kinds.get(code)
        if found is None:
            raise NotFound(f"there is no case kind '{code[:80]}'", zh=f"没有办件类型“{code[:80]}”")
        return found
