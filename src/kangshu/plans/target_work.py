"""What people do to targets beyond their links: where values come from, milestones, quotas, checks and statistics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from kangshu.access import Grant
from kangshu.base.faults import Invalid
from kangshu.plans import editing, value_flow
from kangshu.plans.changing import change_plan, person
from kangshu.plans.due_values import DueReport, due_reports
from kangshu.plans.evidence import DECIDABLE, decide
from kangshu.plans.lights import is_upper
from kangshu.plans.links import awaited_for, ranked
from kangshu.plans.model import EvidenceKind, PlanView, TargetView
from kangshu.plans.outcomes import Suggestion
from kangshu.plans.quotas import QuotaLine, holds_for_each, quota_lines, set_quotas
from kangshu.plans.reports import RELEASE_KINDS, Release, ReportedValue, Submission, standing
from kangshu.plans.trajectory import Course, course_of, set_milestone
from kangshu.sdk import AwaitedMeasure, MeasureDeclaration, Resource
from kangshu.store import Store

ENTER_STATISTICS: Final = "plan.statistics"


@dataclass(frozen=True, slots=True)
class StatisticTarget:
    """A target that released statistics prove, with the newest value that stands."""

    plan: PlanView
    target: TargetView
    last: ReportedValue | None


class TargetWork:
    """The work on the targets of our own plans; `read` gives a plan whole."""

    def __init__(
        self,
        store: Store,
        read: Callable[[Grant, str], Awaitable[PlanView]],
        measures: Mapping[str, MeasureDeclaration],
        today: Callable[[], date],
    ) -> None:
        self._store = store
        self._read = read
        self._measures = measures
        self._today = today

    async def alternatives(self, grant: Grant, plan_id: str, target: str) -> tuple[Suggestion, ...]:
        """Return the measures that may prove a target, the likeliest first, with the words that say so. Raises NotFound."""
        plan = await self._read(grant, plan_id)
        found = value_flow.own_target(plan, target)
        return ranked(found, plan.text, self._measures.values(), plan.targets)

    def awaiting(
        self, plan: PlanView, target: TargetView, awaited: Iterable[AwaitedMeasure]
    ) -> AwaitedMeasure | None:
        """Return the measure without a number yet that a target means by its words, None for none."""
        return awaited_for(target, plan.text, awaited, plan.targets)

    def course(self, target: TargetView) -> Course:
        """Return a target over time: base, milestones and deadline, and the values that are known."""
        light = target.light
        known = date.fromisoformat(light.as_of[:10]) if light.as_of else self._today()
        return course_of(target, known)

    def districts(self, target: TargetView, values: Mapping[str, Decimal | None]) -> tuple[QuotaLine, ...]:
        """Return each district's quota beside its value, and what is missing; `values` are by division code."""
        return quota_lines(target.quotas, values, lower=is_upper(target))

    def holds_for_each(self, target: TargetView) -> bool:
        """Return whether the city's figure holds for each district too, as a share does."""
        return holds_for_each(target)

    async def decide(
        self,
        grant: Grant,
        plan_id: str,
        targets: Collection[str],
        kind: str,
        note: str = "",
    ) -> None:
        """Say where the values of targets come from; "" leaves it to their words again. Asks for `plan.link`.

        `kind` is reported, statistics or register-missing.

        Raises:
            NotFound: no such plan or target.
            Invalid: a kind that cannot be decided (a measure is decided by confirming its link).
        """
        grant.require("plan.link")
        decided: EvidenceKind | None = next((one for one in DECIDABLE if one == kind), None)
        if kind and decided is None:
            raise Invalid("this is not decided but linked", zh="取数方式不正确；指标请通过确认关联确定")
        by, day = person(grant), self._today().isoformat()

        def change(plan: Resource) -> None:
            for one in targets:
                goal = editing.goal_of(plan, one)
                editing.link(goal, "", False, "")
                decide(goal, decided, by, day, note.strip()[:300])

        await change_plan(self._store, grant, plan_id, change, act="evidence")

    async def set_milestone(
        self, grant: Grant, plan_id: str, target: str, year: int, value: Decimal | None, source: str
    ) -> None:
        """Enter the value to be reached at the end of `year`; None takes it away. Asks for `plan.link`.

        Raises NotFound, Invalid without a source, or for a year that is not before the due year.
        """
        grant.require("plan.link")
        found = value_flow.own_target(await self._read(grant, plan_id), target)
        if value is not None and not source.strip():
            raise Invalid("a milestone needs its source", zh="阶段目标必须注明来源", expression="source")
        last = int(found.due) - 1 if found.due.isdigit() else 2100
        if value is not None and not 2000 <= year <= last:
            raise Invalid(
                "a milestone lies before the due year", zh="阶段目标的年份应早于目标年份", expression="year"
            )
        by = person(grant)
        await change_plan(
            self._store,
            grant,
            plan_id,
            lambda plan: set_milestone(editing.goal_of(plan, target), year, value, source.strip(), by),
            act="milestone",
        )

    async def set_quotas(
        self, grant: Grant, plan_id: str, target: str, quotas: Mapping[str, Decimal], source: str
    ) -> None:
        """Enter the districts' quotas by division code, in place of those that stood there. Asks for `plan.link`.

        Raises NotFound, Invalid without a source.
        """
        grant.require("plan.link")
        if quotas and not source.strip():
            raise Invalid("quotas need their source", zh="分解指标必须注明来源文件", expression="source")
        by = person(grant)
        await change_plan(
            self._store,
            grant,
            plan_id,
            lambda plan: set_quotas(editing.goal_of(plan, target), quotas, source.strip(), by),
            act="quotas",
        )

    async def check(self, grant: Grant, report: str) -> ReportedValue:
        """核对: say as the lead unit that a co-unit's value is right; it still waits for the review.

        Raises NotFound, Forbidden (not the lead unit, or one's own value), Conflict (checked or reviewed already).
        """
        stored = await self._store.read(grant, "MeasureReport", report)
        plan = await self._read(grant, value_flow.plan_of_report(stored.resource) or "none")
        return await value_flow.check(self._store, grant, plan, report)

    async def enter_statistics(
        self,
        grant: Grant,
        plan_id: str,
        target: str,
        value: Decimal,
        day: date,
        *,
        bulletin: str,
        released: date,
        number: str = "",
        kind: str = "final",
        note: str = "",
    ) -> ReportedValue:
        """统计发布: enter a released value of a target with its bulletin. Asks for `plan.statistics`.

        `day` is the last day that the value is for, `released` the day of the bulletin; `kind` is preliminary, final
        or revised. The same figure of the same bulletin again changes nothing.

        Raises:
            NotFound: no such plan or target.
            Invalid: no bulletin, an unknown kind, or a day to come.
            Conflict: this release holds another figure for that day.
        """
        grant.require(ENTER_STATISTICS)
        known = next((one for one in RELEASE_KINDS if one == kind), None)
        if known is None:
            raise Invalid(
                "unknown kind of figure", zh="数据性质应为初步数、最终数或修订数", expression="kind"
            )
        plan = await self._read(grant, plan_id)
        release = Release(bulletin.strip(), number.strip(), released, known)
        sent = Submission(value, day, note.strip(), release=release)
        return await value_flow.release(self._store, grant, plan, target, sent, self._today())

    async def of_statistics(self, grant: Grant, plans: Sequence[PlanView]) -> tuple[StatisticTarget, ...]:
        """Return the targets of these plans that statistics prove, each with its newest released value."""
        found: list[StatisticTarget] = []
        for plan in plans:
            listed = [one for one in plan.targets if one.evidence.kind == "statistics"]
            held = (
                await value_flow.values_of(self._store, grant, plan, [one.id for one in listed])
                if listed
                else ()
            )
            for target in listed:
                released = [one for one in standing(held, target.id) if one.release]
                found.append(StatisticTarget(plan, target, released[-1] if released else None))
        return tuple(found)

    async def values(self, grant: Grant, plan_id: str, target: str) -> tuple[ReportedValue, ...]:
        """Return every value of one target, returned and corrected ones among them, the newest day first."""
        grant.require("plan.read")
        plan = await self._read(grant, plan_id)
        return await value_flow.values_of(self._store, grant, plan, [target])

    async def due(
        self, grant: Grant, plans: Sequence[PlanView], organisation: str, months: int
    ) -> tuple[DueReport, ...]:
        """Return what an organisation has to report of these plans now."""
        found: list[DueReport] = []
        for plan in plans:
            sent = await value_flow.values_of(self._store, grant, plan)
            found += due_reports(plan, sent, organisation, months, self._today())
        return tuple(found)
