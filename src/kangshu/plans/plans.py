"""Plans: documents in, accountable work out. Every call takes a grant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import DEMO_TAG
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases
from kangshu.plans import adopting, editing, instructions, shape, value_flow
from kangshu.plans.adopting import AdoptionPreview
from kangshu.plans.board import board_of, clause_light
from kangshu.plans.changing import source_text, unit_names
from kangshu.plans.desk import Desk
from kangshu.plans.due_values import DueReport
from kangshu.plans.duties import NO_TARGETS, assign, clause_carried, duties_of, target_facts
from kangshu.plans.duty_list import entries_of
from kangshu.plans.evidence import with_evidence
from kangshu.plans.gaps import Gaps
from kangshu.plans.history import History
from kangshu.plans.instructions import CARRIES_INSTRUCTION, Instruction, instructions_about
from kangshu.plans.intake import Intake
from kangshu.plans.known import ValueSources, known_of
from kangshu.plans.lights import duties_part, light_of
from kangshu.plans.links import suggest
from kangshu.plans.model import LIGHT_TITLES, Baseline, DutyView, PlanView, TargetLight
from kangshu.plans.outcomes import Adoption, Assignment, Board, PlanRow, Suggestion
from kangshu.plans.parameters import light_rule, overdue_days, reporting_months
from kangshu.plans.reports import ReportedValue, Submission
from kangshu.plans.review import PlanReview, review_of
from kangshu.plans.target_work import StatisticTarget, TargetWork
from kangshu.plans.upkeep import Upkeep
from kangshu.plans.values import Past, Values
from kangshu.plans.view import is_demo, is_foreign, is_plan, plan_row, plan_view
from kangshu.sdk import MeasureDeclaration, Resource
from kangshu.store import Store, Stored

_CHECKLIST = system_grant("checklist")


def _no_value(grant: Grant, measure: MeasureDeclaration, day: date) -> None:
    """Return None: no snapshot is at hand."""


def _no_past(grant: Grant, measure: MeasureDeclaration, days: Sequence[date]) -> tuple[()]:
    """Return nothing: no snapshot is at hand."""
    return ()


class Plans(Intake, Upkeep):
    """The plans of one installation.

    `jurisdiction` is its division code; `values` tells a measure's number, `past` those of earlier days; `systems` are
    the ids of the mission's systems that the installed services answer.
    """

    def __init__(
        self,
        store: Store,
        cases: Cases,
        parameters: ParameterTable,
        *,
        jurisdiction: str,
        measures: Iterable[MeasureDeclaration] = (),
        values: Values = _no_value,
        past: Past = _no_past,
        systems: Collection[str] = (),
        clock: Callable[[], datetime] = now,
    ) -> None:
        super().__init__(store, {one.id: one for one in measures})
        self._cases = cases
        self._parameters = parameters
        self._jurisdiction = jurisdiction
        self._values = values
        self._sources = ValueSources(self._measures, values, past)
        self._systems = frozenset(systems)
        self._clock = clock
        cases.provide("target", self._target_of)
        self.targets = TargetWork(store, self._described, self._measures, self._today)
        """What people do to targets beyond their links."""
        self.desk = Desk(store, cases, jurisdiction, self._today)
        """What a person does to the reading of a plan's document."""
        self.gaps = Gaps(store, self._today)
        """What plans lack, and its entry."""
        self.history = History(
            store, cases, self._today, {one.id: one.title for one in self._measures.values()}
        )
        """The versions of plans."""

    def _today(self) -> date:
        return self._clock().astimezone(CITY_ZONE).date()

    async def plans(self, grant: Grant) -> tuple[PlanRow, ...]:
        """Return the plans that the grant sees: our own first, then the newest."""
        grant.require("plan.read")
        listed = await self._store.search_all(grant, "PlanDefinition", "")
        found = [plan_row(plan, self._today()) for plan in listed if is_plan(plan)]
        return tuple(
            sorted(sorted(found, key=lambda row: row.imported, reverse=True), key=lambda row: row.foreign)
        )

    async def plan(self, grant: Grant, plan_id: str) -> PlanView:
        """Return a plan whole, with its duties and the lights of its targets. Raises NotFound."""
        grant.require("plan.read")
        stored = await self._read(grant, plan_id)
        return await self._view(grant, stored)

    async def board(self, grant: Grant, plan_id: str) -> Board:
        """Return the plan's board: chapters × lead units with counts by light. Raises NotFound."""
        return board_of(await self.plan(grant, plan_id))

    async def suggestions(self, grant: Grant, plan_id: str) -> tuple[Suggestion, ...]:
        """Return, for each target whose words fit a measure, the measure that it may be linked to."""
        grant.require("plan.read")
        stored = await self._read(grant, plan_id)
        view = plan_view(stored.resource, await source_text(self._store, grant, stored.resource), {})
        return suggest(view, self._measures.values())

    async def link_all(self, grant: Grant, plan_id: str, targets: Collection[str] | None = None) -> int:
        """Confirm every suggested link (of `targets` only, where given) of targets without one; return how many."""
        grant.require("plan.link")
        offered = [
            one for one in await self.suggestions(grant, plan_id) if targets is None or one.target in targets
        ]
        linked: list[str] = []

        def change(plan: Resource) -> None:
            linked.clear()
            for one in offered:
                goal = editing.goal_of(plan, one.target)
                if not any(part.get("url") == shape.LINK for part in goal.get("extension", ())):
                    editing.link(goal, one.measure, True, grant.display)
                    linked.append(one.target)

        if offered:
            await self._edit(grant, plan_id, change, None)
        return len(linked)

    async def baselines_from_measures(self, grant: Grant, plan_id: str, year: int) -> int:
        """Enter, for targets proved by a yearly measure and without a baseline, its number of `year`; return how many."""
        grant.require("plan.link")
        plan = await self.plan(grant, plan_id)
        end = date(year, 12, 31)
        yearly = [
            one
            for one in plan.targets
            if one.confirmed
            and one.baseline is None
            and one.measure in self._measures
            and self._measures[one.measure].period == "year"
        ]
        found: dict[str, Baseline] = {}
        counting = await self._store.resolve_care(grant)
        for target in yearly:
            result = await asyncio.to_thread(self._values, counting, self._measures[target.measure], end)
            if result is not None and result.value is not None and result.denominator:
                value = round(Decimal(str(result.value)), 2)
                found[target.id] = Baseline(value, end, f"按系统内{year}年记录计算")

        def change(resource: Resource) -> None:
            for target, baseline in found.items():
                editing.set_baseline(editing.goal_of(resource, target), baseline)

        if found:
            await self._edit(grant, plan_id, change, None)
        return len(found)

    async def review_of(self, grant: Grant, plan_id: str) -> PlanReview:
        """Return what of the plan waits for a person's answer, and what has been answered. Raises NotFound."""
        grant.require("plan.read")
        stored = await self._read(grant, plan_id)
        plan = stored.resource
        view = plan_view(
            plan, await source_text(self._store, grant, plan), await unit_names(self._store, grant, plan)
        )
        return review_of(view, suggest(view, self._measures.values()), self._today())

    async def preview_adoption(self, grant: Grant, plan_id: str, clauses: Collection[str]) -> AdoptionPreview:
        """Return what `adopt` would copy, with our own units; nothing is written. Raises as `adopt` does."""
        grant.require("plan.adopt")
        stored = await self._read(grant, plan_id)
        return await adopting.preview(self._store, grant, stored, clauses, self._jurisdiction, self._today())

    async def adopt(self, grant: Grant, plan_id: str, clauses: Collection[str]) -> Adoption:
        """采纳: copy clauses of another city's plan, with their targets, into a plan of our own.

        `clauses` may name targets too that stand in no clause.

        Raises:
            NotFound: no such plan or clause.
            Unprocessable: the plan is our own already, or no clause is chosen.
        """
        grant.require("plan.adopt")
        stored = await self._read(grant, plan_id)
        return await adopting.adopt(self._store, grant, stored, clauses, self._jurisdiction, self._today())

    async def assign(
        self,
        grant: Grant,
        plan_id: str,
        clauses: Collection[str],
        *,
        due: date | None = None,
        note: str = "",
        year: int = 0,
    ) -> Assignment:
        """交办: start one duty per clause and lead unit, the co-units as its children.

        What the list of duties says of `year` (0: this year) goes into the duty. Without `due` the list's day counts,
        else the end of the first year in which a target of its clause is due. A unit that carries the clause already
        gets no second duty; units that are open questions, and clauses that are 待明确, come back as findings.

        Raises:
            NotFound: no such plan or clause.
            Unprocessable: the plan is another city's, or repealed.
            Unsupported: no service carries duties.
        """
        grant.require("plan.assign")
        plan = await self.plan(grant, plan_id)
        if plan.foreign:
            raise Unprocessable(
                "another city's plan cannot be assigned; adopt clauses first",
                zh="外地规划不能直接交办，请先采纳条款",
            )
        if plan.state == "repealed":
            raise Unprocessable("a repealed plan cannot be assigned", zh="规划已废止，不能再交办")
        entries = entries_of((await self._read(grant, plan_id)).resource)
        today = self._today()
        return await assign(self._cases, grant, plan, clauses, due, note, today, entries, year or today.year)

    async def _target_of(self, task: Resource) -> Mapping[str, str]:
        """Return how the targets of a duty's clause stand: what %target tells a checklist."""
        plan_id, clause = clause_carried(task)
        return target_facts(await self.plan(_CHECKLIST, plan_id), clause) if plan_id else NO_TARGETS

    async def report(
        self,
        grant: Grant,
        plan_id: str,
        target: str,
        value: Decimal,
        day: date,
        evidence: str,
        files: Sequence[str] = (),
        *,
        corrects: str = "",
        reason: str = "",
    ) -> ReportedValue:
        """填报: submit a target's value with its evidence, on behalf of a unit of its clause.

        `files` are ids of DocumentReferences that the account sees. With `corrects` (id of a published value of the
        target) and `reason` it takes that value's place once it is published (更正); the old one is kept, marked.

        Raises:
            NotFound: no such plan, target or value to correct.
            Forbidden: the account acts for no unit of the clause.
            Invalid: no evidence, a day to come, or a correction without its reason.
            Conflict: what shall be corrected is not published, or its correction waits already.
        """
        sent = Submission(value, day, evidence.strip(), tuple(files), corrects, reason.strip())
        plan = await self._described(grant, plan_id)
        return await value_flow.submit(self._store, grant, plan, target, sent, self._today())

    async def to_report(self, grant: Grant) -> tuple[DueReport, ...]:
        """Return the targets of our own plans whose value the account's organisation has to report now."""
        grant.require("plan.read")
        if not grant.organisation:
            return ()
        months = reporting_months(self._parameters, self._jurisdiction, self._today())
        own = [one for one in await self._own(grant) if one.state == "in-force"]
        return await self.targets.due(grant, own, grant.organisation, months)

    async def to_release(self, grant: Grant) -> tuple[StatisticTarget, ...]:
        """Return the targets of our own plans that statistics prove, with what has been released."""
        grant.require("plan.statistics")
        return await self.targets.of_statistics(grant, await self._own(grant))

    async def to_review(self, grant: Grant) -> tuple[tuple[PlanView, ReportedValue], ...]:
        """Return the submitted values that the account may review, with their plans; not those it sent itself."""
        grant.require("plan.report")
        found: list[tuple[PlanView, ReportedValue]] = []
        for plan in await self._own(grant):
            for one in await value_flow.values_of(self._store, grant, plan):
                if one.waits and one.submitted_by != grant.account:
                    found.append((plan, one))
        return tuple(found)

    async def reported(self, grant: Grant, plan_id: str) -> tuple[ReportedValue, ...]:
        """Return the reported values of a plan, the newest day first."""
        grant.require("plan.read")
        plan = plan_view((await self._read(grant, plan_id)).resource, "", {})
        return await value_flow.values_of(self._store, grant, plan)

    async def review(self, grant: Grant, report: str, accept: bool, comment: str = "") -> ReportedValue:
        """审核: accept or return a reported value. Nobody reviews what they submitted.

        Raises:
            NotFound: no such report.
            Forbidden: the account submitted it itself, or may not review.
            Conflict: it has been reviewed already.
        """
        grant.require("plan.report")
        return await value_flow.review(self._store, grant, report, accept, comment, self._today())

    def may_instruct(self, grant: Grant) -> bool:
        """Return whether the account may give instructions, and a service carries them."""
        declaration = self._cases.carrying(CARRIES_INSTRUCTION)
        return (
            declaration is not None
            and grant.may("plan.instruct")
            and declaration in self._cases.startable(grant)
        )

    async def instruct(
        self,
        grant: Grant,
        plan_id: str,
        target: str,
        text: str,
        receiver: str,
        *,
        due: date | None = None,
    ) -> str:
        """批示: give an instruction about a target; return the id of the case in `receiver`'s worklist.

        Raises:
            NotFound: no such plan, target or organisation.
            Invalid: no text, or a day that has passed.
            Unsupported: no service carries instructions.
        """
        grant.require("plan.instruct")
        plan = await self.plan(grant, plan_id)
        found = plan.target(target)
        if found is None:
            raise NotFound(f"the plan has no target '{target[:60]}'", zh=f"规划中没有目标“{target[:60]}”")
        if plan.foreign:
            raise Unprocessable(
                "another city's targets are not ours to instruct on", zh="外地规划的目标不能批示"
            )
        title = LIGHT_TITLES[found.light.light].zh
        subject = f"{found.indicator}（{title}）\n{plan.title}\n{found.light.explanation.zh}"
        return await instructions.instruct(
            self._cases,
            grant,
            text,
            receiver,
            subject=subject,
            focus=f"PlanDefinition/{plan.id}",
            tags=instructions.target_tags(plan, found),
            due=due,
            today=self._today(),
        )

    async def instruct_case(
        self, grant: Grant, task_id: str, text: str, receiver: str, *, due: date | None = None
    ) -> str:
        """批示: give an instruction about another case, e.g. an overdue duty. Raises as `instruct` does."""
        grant.require("plan.instruct")
        row = await self._cases.row(grant, task_id)
        task = (await self._store.read(grant, "Task", task_id)).resource
        tags = [{"system": DEMO_TAG, "code": "demo", "display": "演示数据"}] if is_demo(task) else []
        late = f"，超期{-row.days_left}天" if row.days_left is not None and row.days_left < 0 else ""
        where = " ".join(filter(None, (row.kind.zh, row.number)))
        subject = f"{row.title}\n{where}：{row.state_title.zh}{late}，承办单位 {row.owner_name or row.owner}"
        return await instructions.instruct(
            self._cases,
            grant,
            text,
            receiver,
            subject=subject,
            focus=f"Task/{task_id}",
            tags=tags,
            due=due,
            today=self._today(),
        )

    async def instructions(self, grant: Grant, focus: str = "") -> tuple[Instruction, ...]:
        """Return the instructions about `focus` (`PlanDefinition/id` or `Task/id`; "" for all) that the grant sees."""
        return tuple(await instructions_about(self._store, grant, self._cases, focus))

    def overdue_days(self) -> int:
        """Return after how many days an overdue duty is red and waits for a leader's instruction."""
        return overdue_days(self._parameters, self._jurisdiction, self._today())

    # ------------------------------------------------------------------ inside

    async def _own(self, grant: Grant) -> list[PlanView]:
        """Return the city's own plans without their lights."""
        found = await self._store.search_all(grant, "PlanDefinition", "")
        own = [one for one in found if is_plan(one) and not is_foreign(one)]
        return [await self._reckoned(grant, one) for one in own]

    async def _reckoned(self, grant: Grant, plan: Resource) -> PlanView:
        """Return a plan with what proves its targets, without duties and lights."""
        text, names = await source_text(self._store, grant, plan), await unit_names(self._store, grant, plan)
        return with_evidence(plan_view(plan, text, names, self._today()), self._systems)

    async def _described(self, grant: Grant, plan_id: str) -> PlanView:
        """Return a plan with what proves its targets, without duties and lights. Raises NotFound."""
        grant.require("plan.read")
        return await self._reckoned(grant, (await self._read(grant, plan_id)).resource)

    async def _view(self, grant: Grant, stored: Stored) -> PlanView:
        plan = stored.resource
        names = await unit_names(self._store, grant, plan)
        view = plan_view(plan, await source_text(self._store, grant, plan), names, self._today())
        view = replace(view, version=stored.version)
        if view.foreign:
            return view
        view = with_evidence(view, self._systems)
        today = self._today()
        duties = await duties_of(self._store, grant, self._cases, view.id, today)
        by_clause: dict[str, list[DutyView]] = {}
        for duty in duties:
            by_clause.setdefault(duty.clause, []).append(duty)
        rule = light_rule(self._parameters, self._jurisdiction, today)
        known = await known_of(self._store, grant, view, self._sources, today, rule.forecast.most)
        targets = tuple(
            replace(
                one,
                light=light_of(
                    one, known.get(one.id), by_clause.get(one.clause, ()), rule, today, view.state
                ),
            )
            for one in view.targets
        )
        lights: dict[str, TargetLight] = {one.id: one.light for one in targets}
        clauses = tuple(
            replace(
                one,
                duties=tuple(by_clause.get(one.id, ())),
                light=clause_light(
                    [lights[target].light for target in one.targets if target in lights],
                    duties_part(by_clause.get(one.id, ()), rule),
                ),
            )
            for one in view.clauses
        )
        return replace(view, targets=targets, clauses=clauses)
