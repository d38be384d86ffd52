"""What people add to a plan: links, years, baselines, who a unit is, what they found at a doubt. Each change is one version."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import deepcopy
from datetime import date
from decimal import Decimal

from kangshu.access import Grant
from kangshu.base.faults import Conflict, Invalid, NotFound, Unprocessable
from kangshu.plans import editing
from kangshu.plans.model import Baseline
from kangshu.plans.view import is_plan, plan_row
from kangshu.sdk import MeasureDeclaration, Resource
from kangshu.store import Store, Stored


class Upkeep:
    """The part of `Plans` that changes a plan. Every call asks for the operation `plan.link`."""

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
            lambda plan: editing.set_due(
                editing.goal_of(plan, target), year, source.strip(), grant.display or grant.account
            ),
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
        """Say who is meant by a unit as the document prints it; return in how many clauses.

        `outside` says that it is none of the city's organisations; without it and without organisations the
        question is open again. Raises NotFound.
        """
        grant.require("plan.link")
        for one in organisations:
            await self._store.read(grant, "Organization", one)
        changed = 0
        answered = bool(organisations) or outside
        by = (grant.display or grant.account) if answered else ""

        def change(plan: Resource) -> None:
            nonlocal changed
            changed = editing.resolve_unit(plan, written, organisations, by, outside)
            if not changed:
                raise NotFound("the plan names no such unit", zh="规划中没有该责任单位")

        await self._edit(grant, plan_id, change, None)
        return changed

    async def settle(
        self, grant: Grant, plan_id: str, doubt: str, note: str = "", *, settled: bool = True
    ) -> None:
        """Say that a person has looked at what the reader doubted, and what they found; `settled` False reopens it.

        Raises NotFound.
        """
        grant.require("plan.link")
        by = (grant.display or grant.account) if settled else ""
        day = self._today().isoformat()
        await self._edit(
            grant, plan_id, lambda plan: editing.settle(plan, doubt, note.strip()[:500], by, day), None
        )

    # ------------------------------------------------------------------ inside

    async def _read(self, grant: Grant, plan_id: str) -> Stored:
        stored = await self._store.read(grant, "PlanDefinition", plan_id)
        if not is_plan(stored.resource):
            raise NotFound("there is no such plan", zh="没有此规划")
        return stored

    def _known_measure(self, measure: str) -> None:
        if measure and measure not in self._measures:
            raise NotFound(f"there is no measure '{measure[:60]}'", zh=f"没有指标“{measure[:60]}”")

    async def _edit(
        self, grant: Grant, plan_id: str, change: Callable[[Resource], object], if_match: int | None
    ) -> None:
        stored = await self._read(grant, plan_id)
        if plan_row(stored.resource).foreign:
            raise Unprocessable(
                "another city's plan is shown as it is; adopt clauses first",
                zh="外地规划仅供查看，请先采纳条款",
            )
        if if_match is not None and if_match != stored.version:
            raise Conflict("the plan has changed since you opened it", zh="规划在您打开后已有变动，请刷新")
        plan = deepcopy(stored.resource)
        change(plan)
        await self._store.update(grant, plan, if_match=stored.version)
