"""Starting and moving a case inside a transaction: the machine itself, after the doors have asked who may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kangshu.access import Grant
from kangshu.base.canonical import DISTRICT
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Conflict, Forbidden, Gone, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.cases.deadlines import Terms
from kangshu.cases.parties import SOMEBODY_ELSE, has_acted
from kangshu.cases.running import Running, asked_of, copied
from kangshu.cases.surroundings import surroundings
from kangshu.cases.tasks import (
    CASE_NUMBER,
    CaseEvent,
    add_event,
    keep_values,
    kind_of,
    new_task,
    organisation_of,
    set_deadline,
    set_state,
    state_of,
)
from kangshu.registers import check_values, into_element, write_path
from kangshu.sdk import STAY, CaseDeclaration, Move, Resource, State
from kangshu.store import Stored, Transaction, new_id

START = Text("发起", "Start")
_MAX_CHILDREN = 100


class Machine:
    """Makes moves of the declared kinds. It asks no grant: whoever calls it has done so."""

    def __init__(
        self,
        kinds: Mapping[str, CaseDeclaration],
        terms: Terms,
        jurisdiction: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._kinds = kinds
        self._terms = terms
        self._jurisdiction = jurisdiction
        self._clock = clock

    async def begin(
        self,
        transaction: Transaction,
        grant: Grant,
        declaration: CaseDeclaration,
        task: Resource,
        form: Mapping[str, Any],
        receiver: str,
    ) -> Stored:
        when = self._clock()
        task["id"] = new_id()
        running = Running(transaction, grant, declaration, task, form, when)
        if grant.organisation and "requester" not in task:
            await running.hand_over("requester", f"Organization/{grant.organisation}")
        elif grant.patient and "requester" not in task:
            await running.hand_over("requester", f"Patient/{grant.patient}")
        if receiver:
            await running.hand_over("owner", f"Organization/{receiver}")
        if declaration.numbering:
            year = when.astimezone(CITY_ZONE).year
            sequence = await transaction.next_number(f"{declaration.code}/{year}")
            number = declaration.numbering.format(year=year, sequence=sequence)
            task["identifier"] = [{"system": CASE_NUMBER, "value": number}]
        start = Move(
            "start", START, (), declaration.initial, (), declaration.form, effects=declaration.effects
        )
        running.around = await self.around(running, start)
        await self._enter(running, start, "", declaration.effects, "")
        written = await transaction.update(task)
        await self._spawn(running)
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
    ) -> Resource:
        source = state_of(task)
        if source not in move.sources:
            title = next((one.title for one in declaration.states if one.id == source), Text(source, source))
            raise Conflict(
                f"'{move.title.en}' is not possible while the case is '{title.en}'; somebody may have been first",
                zh=f"办件当前为“{title.zh}”，不能“{move.title.zh}”，可能已被他人办理",
            )
        children: Sequence[Resource] = ()
        if "%children" in move.guard or any("children" in effect for effect in move.effects):
            children = await transaction.search_all("Task", f"part-of=Task/{task['id']}")
        when = self._clock()
        running = Running(transaction, grant, declaration, task, form, when, source, children)
        running.around = await self.around(running, move)
        if has_acted(grant, task, move.apart_from):
            raise Forbidden(SOMEBODY_ELSE.en, zh=SOMEBODY_ELSE.zh)
        if move.guard and not running.holds(move.guard):
            raise Unprocessable(move.guard_text.en, zh=move.guard_text.zh)
        await self._enter(running, move, source, move.effects, comment)
        await self._spawn(running)
        for follow in running.follow:
            for child in children:
                await self._follow(running, follow, child)
        return task

    async def around(self, running: Running, move: Move) -> Mapping[str, Any]:
        """Return what the guard and the effects of `move` may ask besides the Task."""
        return await surroundings(
            asked_of(move),
            running.task,
            running.grant,
            self._terms,
            self._jurisdiction,
            running.transaction.read,
            running.transaction.search_all,
            running.when.astimezone(CITY_ZONE).date(),
        )

    async def _enter(
        self, running: Running, move: Move, source: str, effects: Sequence[Mapping[str, Any]], comment: str
    ) -> None:
        """Write the form, apply the effects and put the Task into the move's target."""
        task, form = running.task, running.form
        target = source if move.target == STAY else move.target
        keep_values(task, move.form, form)
        for field in move.form:
            if field.path and field.id in form:
                write_path(task, field.path, into_element(field, form[field.id]))
        state = self._state(running.declaration, target)
        set_state(task, running.declaration, state)
        if source != target:
            where = await self._jurisdiction_of(running)
            set_deadline(task, self._terms.end(state.deadline, task, running.when, where))
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

    async def _spawn(self, running: Running) -> None:
        if len(running.spawn) > _MAX_CHILDREN:
            raise Unprocessable(
                f"at most {_MAX_CHILDREN} units can countersign", zh=f"会签单位不得超过{_MAX_CHILDREN}个"
            )
        for kind, owner, values in running.spawn:
            declaration = self._kind(f"{running.declaration.service}/{kind}")
            form, issues = check_values(declaration.form, values)
            if issues:
                raise Unprocessable(
                    "the child case's values are not right", zh="会签事项填写有误", issues=issues
                )
            task = new_task(declaration, running.when)
            parent = running.task
            task["partOf"] = [{"reference": f"Task/{parent['id']}"}]
            for element in ("for", "focus", "priority", "description", "basedOn"):
                if element in parent:
                    task[element] = copied(parent[element])
            if "owner" in parent:
                task["requester"] = copied(parent["owner"])
            if parent.get("meta", {}).get("tag"):
                task["meta"] = {"tag": copied(parent["meta"]["tag"])}
            await self.begin(running.transaction, running.grant, declaration, task, form, owner)

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
            running.transaction, running.grant, declaration, move, copied(fresh.resource), {}, ""
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

    def _kind(self, code: str) -> CaseDeclaration:
        found = self._kinds.get(code)
        if found is None:
            raise NotFound(f"there is no case kind '{code[:80]}'", zh=f"没有办件类型“{code[:80]}”")
        return found
