"""What people add to a plan: links, years, baselines, who a unit is, what they found at a doubt. Each change is one version."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal

from kangshu.access import Grant
from kangshu.base.faults import Invalid, NotFound
from kangshu.base.text import Text
from kangshu.plans import editing, states
from kangshu.plans.aliases import remember
from kangshu.plans.changing import change_plan, person, stored_plan
from kangshu.plans.model import PLAN_STATE_TITLES, Baseline, PlanState, PlanStep
from kangshu.plans.states import Period
from kangshu.plans.view import plan_row
from kangshu.sdk import MeasureDeclaration, Resource
from kangshu.store import Store, Stored


class Upkeep:
    """The part of `Plans` that changes a plan. A call that says nothing else asks for the operation `plan.link`."""

    def __init__(self, store: Store, measures: dict[str, MeasureDeclaration]) -> None:
        self._store = store
        self._measures = measures

    def _today(self) -> date:
        raise NotImplementedError

    async def link(
        self,
        grant: Grant,
        plan_id: str,
        target: str,
        measure: str,
        *,
        confirmed: bool = True,
        if_match: int | None = None,
    ) -> None:
        """Link a target to the measure that proves it; "" takes the link away.

        Raises:
            NotFound: no such plan, target or measure.
            Unprocessable: the plan is another city's.
        """
        grant.require("plan.link")
        self._known_measure(measure)

        def change(plan: Resource) -> None:
            goal = editing.goal_of(plan, target)
            editing.allow(goal, measure)
            editing.link(goal, measure, confirmed, grant.display)

        await self._edit(grant, plan_id, change, if_match)

    async def refuse_link(
        self, grant: Grant, plan_id: str, target: str, measure: str, *, refused: bool = True
    ) -> None:
        """Say that `measure` does not prove the target: it is not suggested again, a link to it goes.

        With `refused` False the refusal is taken back. Raises as `link` does.
        """
        grant.require("plan.link")
        self._known_measure(measure)
        change = editing.refuse if refused else editing.allow
        await self._edit(grant, plan_id, lambda plan: change(editing.goal_of(plan, target), measure), None)

    async def set_baseline(
        self, grant: Grant, plan_id: str, target: str, value: Decimal, day: date, source: str
    ) -> None:
        """Enter where a target started from; its trajectory runs from there.

        Raises NotFound, Invalid without a source or for a day to come.
        """
        grant.require("plan.link")
        if not source.strip():
            raise Invalid("a baseline needs its source", zh="基期值必须注明来源")
        if day > self._today():
            raise Invalid("a baseline cannot lie ahead", zh="基期日期不能晚于今天")
        baseline = Baseline(value, day, source.strip())
        await self._edit(
            grant, plan_id, lambda plan: editing.set_baseline(editing.goal_of(plan, target), baseline), None
        )

    async def set_due(self, grant: Grant, plan_id: str, target: str, year: int, source: str) -> None:
        """Enter the year that the document masks (xxxx) or leaves out, and where it is said. Raises NotFound, Invalid."""
        grant.require("plan.link")
        if not 2000 <= year <= 2100:
            raise Invalid("a due year lies between 2000 and 2100", zh="目标年份应在2000至2100之间")
        if not source.strip():
            raise Invalid("a year needs the source that says it", zh="补录年份必须注明来源")
        await self._edit(
            grant,
            plan_id,
            lambda plan: editing.set_due(editing.goal_of(plan, target), year, source.strip(), person(grant)),
            None,
        )

    async def resolve_unit(
        self,
        grant: Grant,
        plan_id: str,
        written: str,
        organisations: Collection[str],
        *,
        outside: bool = False,
    ) -> int:
        """Say who is meant by a unit as the document prints it; return in how many clauses. The next document knows it.

        `outside` says that it is none of the city's organisations; without it and without organisations the
        question is open again. Raises NotFound.
        """
        grant.require("plan.link")
        for one in organisations:
            await self._store.read(grant, "Organization", one)
        changed = 0
        answered = bool(organisations) or outside
        by = person(grant) if answered else ""

        def change(plan: Resource) -> None:
            nonlocal changed
            changed = editing.resolve_unit(plan, written, organisations, by, outside)
            if not changed:
                raise NotFound("the plan names no such unit", zh="规划中没有该责任单位")

        await self._edit(grant, plan_id, change, None)
        await remember(self._store, grant, written, organisations, outside, by)
        return changed

    async def settle(
        self, grant: Grant, plan_id: str, doubt: str, note: str = "", *, settled: bool = True
    ) -> None:
        """Say that a person has looked at what the reader doubted, and what they found; `settled` False reopens it.

        Raises NotFound.
        """
        grant.require("plan.link")
        by = person(grant) if settled else ""
        day = self._today().isoformat()
        await self._edit(
            grant, plan_id, lambda plan: editing.settle(plan, doubt, note.strip()[:500], by, day), None
        )

    async def take_step(
        self,
        grant: Grant,
        plan_id: str,
        step: PlanStep,
        source: str,
        *,
        replaced_by: str = "",
        replaced_by_plan: str = "",
    ) -> None:
        """Move a plan on: 终期评估, 废止, …; `source` is the approving document. Asks for `plan.import`.

        Raises:
            NotFound: no such plan, or none that takes its place.
            Conflict: the plan is not where the step begins.
            Invalid: no source, or a repeal that does not say what takes the plan's place.
        """
        grant.require("plan.import")
        if replaced_by_plan:
            await self._read(grant, replaced_by_plan)
        today, by = self._today(), person(grant)

        def change(plan: Resource) -> None:
            states.move(
                plan,
                step,
                plan_row(plan, today).state,
                by=by,
                day=today,
                source=source,
                replaced_by=replaced_by,
                replaced_by_plan=replaced_by_plan,
            )

        await change_plan(self._store, grant, plan_id, change, act="state", foreign=True)

    def steps(self, state: PlanState) -> tuple[tuple[PlanStep, Text], ...]:
        """Return the steps that lead on from a state, with what they are called."""
        return tuple(
            (step, states.STEP_TITLES[step]) for step, (begins, _) in states.STEPS.items() if state in begins
        )

    def state_title(self, state: PlanState) -> Text:
        """Return what a state is called."""
        return PLAN_STATE_TITLES[state]

    async def enter_period(
        self, grant: Grant, plan_id: str, start: date | None, end: date | None, source: str
    ) -> None:
        """Enter the days over which a plan holds, and who says so. Asks for `plan.import`. Raises NotFound, Invalid."""
        grant.require("plan.import")
        await change_plan(
            self._store,
            grant,
            plan_id,
            lambda plan: states.set_period(plan, Period(start, end), source),
            act="state",
            foreign=True,
        )

    # ------------------------------------------------------------------ inside

    async def _read(self, grant: Grant, plan_id: str) -> Stored:
        return await stored_plan(self._store, grant, plan_id)

    def _known_measure(self, measure: str) -> None:
        if measure and measure not in self._measures:
            raise NotFound(f"there is no measure '{measure[:60]}'", zh=f"没有指标“{measure[:60]}”")

    async def _edit(
        self, grant: Grant, plan_id: str, change: Callable[[Resource], object], if_match: int | None
    ) -> None:
        await change_plan(self._store, grant, plan_id, change, if_match=if_match)
