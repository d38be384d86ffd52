"""Looking at a case without moving it: which moves an account may make, what is missing, how its checklists stand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import DISTRICT
from kangshu.base.clock import CITY_ZONE
from kangshu.base.text import Text
from kangshu.cases.calculating import Calculator, KeptCalculation, asked_by
from kangshu.cases.checklists import Ticked, blocking, ticked
from kangshu.cases.deadlines import Terms
from kangshu.cases.guards import asked_of, found_texts, listed_in, truth
from kangshu.cases.in_person import NOT_THE_ONE_SENT, is_somebody_else
from kangshu.cases.inside import CARRIES_INSIDE, SIGNED_ALONE, uses_internal_flow
from kangshu.cases.parties import SOMEBODY_ELSE, has_acted, may_move
from kangshu.cases.records import Reach, counting, looked_up
from kangshu.cases.surroundings import Facts, surroundings
from kangshu.cases.tasks import kind_of, organisation_of, state_of
from kangshu.sdk import CalculationDeclaration, CaseDeclaration, Move, Resource
from kangshu.store import Store

_LOOKING = system_grant("cases")
"""Guards are asked with the product's own reach: what they find is told as true or false, and by what they show."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A move that the account may make in the present state; `blocked` says what is still missing, None: nothing."""

    move: Move
    blocked: Text | None
    checklist: tuple[Ticked, ...] = ()
    """The items of the move's checklist as they stand."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A case with all that some expressions ask for."""

    task: Resource
    grant: Grant
    children: Sequence[Resource]
    around: Mapping[str, Any]

    def holds(self, expression: str) -> bool:
        return truth(expression, self.task, {}, self.children, self.grant, state_of(self.task), self.around)

    def finds(self, expression: str) -> list[str]:
        return found_texts(expression, self.task, {}, self.children, self.around)

    def listed(self, move: Move) -> tuple[Ticked, ...]:
        return ticked(move, {}, self.holds, self.finds)


class Looker:
    """Evaluates guards and checklists over stored cases."""

    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, CaseDeclaration],
        terms: Terms,
        jurisdiction: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._terms = terms
        self._jurisdiction = jurisdiction
        self._clock = clock
        self._facts: dict[str, Facts] = {}
        self._inside = any(one.carries == CARRIES_INSIDE for one in kinds.values())

    def provide(self, name: str, facts: Facts) -> None:
        """Let a room above tell guards what it knows of a case, as %`name`."""
        self._facts[name] = facts

    async def known(self, task: Resource, asked: Iterable[str]) -> dict[str, Any]:
        """Return what rooms above know of the case, as far as the expressions ask for it."""
        text = " ".join(asked)
        return {name: await facts(task) for name, facts in self._facts.items() if f"%{name}" in text}

    async def offers(self, grant: Grant, task: Resource) -> tuple[Offer, ...]:
        """Return the moves that this account may make, those not yet possible with the reason; see `Cases.offers`."""
        declaration, state = self._kinds[kind_of(task)], state_of(task)
        found = [
            move for move in declaration.moves if state in move.sources and may_move(grant, task, move.by)
        ]
        seen = await self._see(grant, task, [one for move in found for one in (move.guard, *listed_in(move))])
        others = {move.id for move in found if await is_somebody_else(self._store, grant, task, move)}
        answers = any(move.id == declaration.answer for move in found)
        inside = answers and await self._works_inside(task)

        def blocked(move: Move, listed: tuple[Ticked, ...]) -> Text | None:
            if has_acted(grant, task, move.apart_from):
                return SOMEBODY_ELSE
            if move.id in others:
                return NOT_THE_ONE_SENT
            if move.guard and "%form" not in move.guard and not seen.holds(move.guard):
                return move.guard_text
            return SIGNED_ALONE if inside and move.id == declaration.answer else blocking(listed)

        offered = [(move, seen.listed(move)) for move in found]
        return tuple(Offer(move, blocked(move, listed), listed) for move, listed in offered)

    async def conditions(self, grant: Grant, task: Resource) -> tuple[Offer, ...]:
        """Return the moves that end a case of this kind under a checklist (销号), with how it stands, whoever asks."""
        declaration = self._kinds[kind_of(task)]
        final = {one.id for one in declaration.states if one.final}
        found = [move for move in declaration.moves if move.checklist and move.target in final]
        if not found or state_of(task) in final:
            return ()
        seen = await self._see(grant, task, [one for move in found for one in listed_in(move)])
        offered = [(move, seen.listed(move)) for move in found]
        return tuple(Offer(move, blocking(listed), listed) for move, listed in offered)

    async def trial(
        self, grant: Grant, task: Resource, declared: CalculationDeclaration, calculator: Calculator
    ) -> KeptCalculation | None:
        """Return a calculation as the case stands now, None where it does not apply; nothing is kept."""
        seen = await self._see(grant, task, [*asked_by(declared), "%values"])
        if not calculator.applies(declared, task, seen.around):
            return None
        day = self._clock().astimezone(CITY_ZONE).date()
        one = calculator.work_out(declared, task, seen.around, day, await self.place_of(task))
        return KeptCalculation(one, declared.id)

    async def place_of(self, task: Resource) -> str:
        """Return the division whose parameters rule a case: its owner's, else the installation's."""
        unit = organisation_of(task, "owner") or organisation_of(task, "requester")
        found = await self._store.search_all(_LOOKING, "Organization", f"_id={unit}") if unit else []
        parts = (part for one in found for part in one.get("extension", ()) if part.get("url") == DISTRICT)
        return next((str(part["valueCode"]) for part in parts if "valueCode" in part), self._jurisdiction)

    async def ready(self, move: Move, task: Resource) -> bool:
        """Return whether the guard of a watched move holds."""
        return (await self._see(_LOOKING, task, asked_of(move))).holds(move.guard)

    async def _see(self, grant: Grant, task: Resource, asked: Sequence[str]) -> _Seen:
        children: Sequence[Resource] = ()
        if any("%children" in one for one in asked):
            children = await self._store.search_all(_LOOKING, "Task", f"part-of=Task/{task['id']}")
        search = partial(self._store.search_all, _LOOKING)
        day = self._clock().astimezone(CITY_ZONE).date()
        count = counting(partial(self._store.count, _LOOKING))
        reach = Reach(search, count, self._terms, self._jurisdiction, day)
        around = await surroundings(
            asked,
            task,
            grant,
            self._terms,
            self._jurisdiction,
            partial(self._store.read, _LOOKING),
            search,
            day,
        )
        records = await looked_up(self._kinds[kind_of(task)].records, asked, task, {}, reach)
        return _Seen(task, grant, children, {**around, **records, **await self.known(task, asked)})

    async def _works_inside(self, task: Resource) -> bool:
        owner = organisation_of(task, "owner")
        if not owner or not self._inside:
            return False
        found = await self._store.search_all(_LOOKING, "Organization", f"_id={owner}")
        return any(uses_internal_flow(one) for one in found)
