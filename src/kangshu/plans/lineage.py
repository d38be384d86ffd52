"""Plans among plans: versions of one plan, plans of a higher level, plans that contradict each other. Every call takes a grant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from kangshu.access import Grant
from kangshu.base.clock import today as city_today
from kangshu.base.faults import Invalid, NotFound
from kangshu.base.text import Text
from kangshu.plans import hierarchy, succession
from kangshu.plans.changing import change_plan, person, stored_plan
from kangshu.plans.comparing import Comparison, compare
from kangshu.plans.conflicts import Conflict, conflicts_between
from kangshu.plans.hierarchy import Coverage, Decision
from kangshu.plans.mentions import FIGURE_TITLES, THING_TITLES
from kangshu.plans.model import PlanView
from kangshu.plans.outcomes import PlanRow
from kangshu.plans.plans import Plans
from kangshu.plans.reading import FigureKind, Instrument, ThingKind, instrument_titles
from kangshu.plans.succession import CarriedOver
from kangshu.sdk import Resource
from kangshu.store import Store

HIGHER = "derived-from"
PREDECESSOR = "predecessor"


@dataclass(frozen=True, slots=True)
class Relations:
    """The plans that stand around one: its versions before and after, what it carries out, and what may be either."""

    plan: PlanRow
    before: tuple[PlanRow, ...]
    after: tuple[PlanRow, ...]
    higher: tuple[PlanRow, ...]
    maybe_before: tuple[PlanRow, ...]
    """Plans of nearly the same title: earlier versions, if a person says so."""
    others: tuple[PlanRow, ...]
    """Plans that may be named as higher ones."""


class Lineage:
    """The plans of one installation as they stand to each other."""

    thing_titles: ClassVar[Mapping[ThingKind, Text]] = THING_TITLES
    figure_titles: ClassVar[Mapping[FigureKind, Text]] = FIGURE_TITLES

    @property
    def instrument_titles(self) -> Mapping[Instrument, Text]:
        """Return the names of the policy instruments."""
        return instrument_titles()

    def __init__(self, store: Store, plans: Plans, *, today: Callable[[], date] = city_today) -> None:
        self._store = store
        self._plans = plans
        self._today = today

    async def relations(self, grant: Grant, plan_id: str) -> Relations:
        """Return the plans around one. Raises NotFound."""
        grant.require("plan.read")
        plan = (await stored_plan(self._store, grant, plan_id)).resource
        rows = {one.id: one for one in await self._plans.plans(grant)}
        row = rows[plan_id]
        before = _of(rows, succession.related(plan, PREDECESSOR))
        higher = _of(rows, succession.related(plan, HIGHER))
        found = await self._store.search_all(grant, "PlanDefinition", "")
        after = tuple(
            rows[str(one["id"])]
            for one in found
            if str(one["id"]) in rows and plan_id in succession.related(one, PREDECESSOR)
        )
        known = {one.id for one in (*before, *after, row)}
        maybe = tuple(
            one for one in rows.values() if one.id not in known and succession.may_precede(row, one)
        )
        linked = known | {one.id for one in higher}
        others = tuple(one for one in rows.values() if one.id not in linked)
        return Relations(row, before, after, higher, maybe, others)

    async def compare(self, grant: Grant, plan_id: str, old_id: str) -> Comparison:
        """Return what changed from the plan `old_id` to `plan_id`, with the duties that carry the old clauses.

        Raises:
            NotFound: no such plan.
            Invalid: a plan is compared with itself.
        """
        if plan_id == old_id:
            raise Invalid("a plan is not compared with itself", zh="不能与自身比较")
        new = await self._plans.plan(grant, plan_id)
        old = await self._plans.plan(grant, old_id)
        return await asyncio.to_thread(compare, old, new)

    async def succeed(self, grant: Grant, plan_id: str, old_id: str, *, carry: bool) -> CarriedOver:
        """Say that `plan_id` is the next version of `old_id`; with `carry`, what people had settled comes over.

        Units, links, baselines and years come to the clauses and targets that say the same in both versions.

        Raises:
            NotFound: no such plan.
            Unprocessable: the plan is another city's.
            Invalid: a plan is no version of itself, nor of a later one.
        """
        grant.require("plan.link")
        found = await self.compare(grant, plan_id, old_id)
        old = (await stored_plan(self._store, grant, old_id)).resource
        if plan_id in succession.related(old, PREDECESSOR):
            raise Invalid("the other plan is the later version", zh="另一规划已是本规划的后续版本")
        carried = CarriedOver(0, 0, 0)

        def change(plan: Resource) -> None:
            nonlocal carried
            succession.relate(plan, PREDECESSOR, old)
            if carry:
                carried = succession.carry_over(old, plan, found)

        await change_plan(self._store, grant, plan_id, change, act="version")
        return carried

    async def place_under(self, grant: Grant, plan_id: str, higher_id: str, *, linked: bool = True) -> None:
        """Say that a plan carries out a higher one (or, with `linked` False, that it does not). Raises as `succeed` does."""
        grant.require("plan.link")
        if plan_id == higher_id:
            raise Invalid("a plan does not carry out itself", zh="规划不能以自身为上级规划")
        higher = (await stored_plan(self._store, grant, higher_id)).resource

        def change(plan: Resource) -> None:
            if linked:
                succession.relate(plan, HIGHER, higher)
            else:
                succession.unrelate(plan, HIGHER, higher_id)

        await change_plan(self._store, grant, plan_id, change, act="higher")

    async def coverage(self, grant: Grant, plan_id: str, higher_id: str) -> Coverage:
        """Return each clause of the higher plan with the own clauses that carry it out, and their lights. Raises NotFound."""
        own = await self._plans.plan(grant, plan_id)
        stored = (await stored_plan(self._store, grant, plan_id)).resource
        if higher_id not in succession.related(stored, HIGHER):
            raise NotFound("this plan carries out no such plan", zh="该规划未关联此上级规划")
        higher = await self._plans.plan(grant, higher_id)
        return await asyncio.to_thread(hierarchy.coverage, higher, own, stored)

    async def carry_out(
        self, grant: Grant, plan_id: str, clause: str, higher_id: str, higher: str, decision: Decision
    ) -> None:
        """Confirm or refuse that an own clause carries out a higher one; `open` takes the answer back.

        Raises NotFound, Unprocessable for another city's plan.
        """
        await self._decide(grant, plan_id, higher_id, [(clause, higher)], decision)

    async def carry_out_all(
        self, grant: Grant, plan_id: str, higher_id: str, pairs: Mapping[str, str]
    ) -> None:
        """Confirm at once what carries out which: higher clause → own clause. Raises as `carry_out` does."""
        listed = [(clause, higher) for higher, clause in pairs.items()]
        await self._decide(grant, plan_id, higher_id, listed, "confirmed")

    async def _decide(
        self, grant: Grant, plan_id: str, higher_id: str, pairs: Sequence[tuple[str, str]], decision: Decision
    ) -> None:
        grant.require("plan.link")
        view = await self._plans.plan(grant, higher_id)
        if any(view.clause(higher) is None for _, higher in pairs):
            raise NotFound("the higher plan has no such clause", zh="上级规划中没有此条款")
        day, by = self._today().isoformat(), person(grant)

        def change(plan: Resource) -> None:
            for clause, higher in pairs:
                hierarchy.decide(plan, clause, higher_id, higher, decision, by, day)

        await change_plan(self._store, grant, plan_id, change, act="higher")

    async def conflicts(self, grant: Grant, plan_id: str) -> tuple[Conflict, ...]:
        """Return where a plan of ours contradicts another of ours that is in force. Raises NotFound."""
        plan = await self._plans.plan(grant, plan_id)
        if plan.foreign:
            return ()
        around = await self.relations(grant, plan_id)
        family = {one.id for one in (*around.before, *around.after)}
        others: list[PlanView] = []
        for row in await self._plans.plans(grant):
            if row.foreign or row.id == plan_id or row.id in family or row.state == "repealed":
                continue
            others.append(await self._plans.plan(grant, row.id))
        return await asyncio.to_thread(conflicts_between, plan, others)


def _of(rows: dict[str, PlanRow], ids: Sequence[str]) -> tuple[PlanRow, ...]:
    return tuple(rows[one] for one in ids if one in rows)
