"""Plans: documents in, accountable work out. Every call takes a grant."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Collection, Iterable
from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Conflict, Gone, Invalid, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases
from kangshu.plans import editing, reports, shape
from kangshu.plans.board import board_of, clause_light
from kangshu.plans.duties import assign, duties_of
from kangshu.plans.importing import directory, import_plan
from kangshu.plans.lights import Known, duties_part, light_of
from kangshu.plans.links import suggest
from kangshu.plans.model import (
    Adoption,
    Assignment,
    Baseline,
    Board,
    DutyView,
    PlanImport,
    PlanRow,
    PlanView,
    Suggestion,
    TargetLight,
)
from kangshu.plans.parameters import light_rule
from kangshu.plans.reports import ReportedValue
from kangshu.plans.values import Values
from kangshu.plans.view import clauses_of, plan_row, plan_view, units_of
from kangshu.sdk import MeasureDeclaration, Resource
from kangshu.store import Store, Stored

_CHUNK = 100


def _no_value(grant: Grant, measure: MeasureDeclaration, day: date) -> None:
    """Return None: no snapshot is at hand."""


class Plans:
    """The plans of one installation. `jurisdiction` is its division code; `values` tells a measure's number."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        parameters: ParameterTable,
        *,
        jurisdiction: str,
        measures: Iterable[MeasureDeclaration] = (),
        values: Values = _no_value,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._cases = cases
        self._parameters = parameters
        self._jurisdiction = jurisdiction
        self._measures = {one.id: one for one in measures}
        self._values = values
        self._clock = clock

    def _today(self) -> date:
        return self._clock().astimezone(CITY_ZONE).date()

    async def import_plan(
        self,
        grant: Grant,
        data: bytes,
        name: str,
        jurisdiction: str | None = None,
        foreign: bool | None = None,
        *,
        demo: bool = False,
    ) -> PlanImport:
        """Import a document (txt, docx, pdf, html, xlsx) as a plan and return what was found.

        `jurisdiction` is the division code of the plan's city, "" for another city that has none here, None to look
        whether the document's beginning names our city. A plan of another place is `foreign`: it is shown without
        values. The same document (by its bytes) is recognised and changes nothing.

        Raises:
            Forbidden: the account may not import plans.
            Malformed, Unprocessable, TooLarge: the document cannot be read, or holds neither task nor target.
        """
        grant.require("plan.import")
        return await import_plan(
            self._store, grant, data, name, self._jurisdiction, jurisdiction, foreign, demo, self._today()
        )

    async def plans(self, grant: Grant) -> tuple[PlanRow, ...]:
        """Return the plans that the grant sees: our own first, then the newest."""
        grant.require("plan.read")
        found = [plan_row(plan) for plan in await self._store.search_all(grant, "PlanDefinition", "")]
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
        view = plan_view(stored.resource, await self._text(grant, stored.resource), {})
        return suggest(view, self._measures.values())

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
        if measure and measure not in self._measures:
            raise NotFound(f"there is no measure '{measure[:60]}'", zh=f"没有指标“{measure[:60]}”")
        await self._edit(
            grant,
            plan_id,
            lambda plan: editing.link(editing.goal_of(plan, target), measure, confirmed, grant.display),
            if_match,
        )

    async def link_all(self, grant: Grant, plan_id: str) -> int:
        """Confirm every suggested link of targets that have none; return how many."""
        grant.require("plan.link")
        offered = await self.suggestions(grant, plan_id)

        def change(plan: Resource) -> None:
            for one in offered:
                goal = editing.goal_of(plan, one.target)
                if not any(part.get("url") == shape.LINK for part in goal.get("extension", ())):
                    editing.link(goal, one.measure, True, grant.display)

        if offered:
            await self._edit(grant, plan_id, change, None)
        return len(offered)

    async def set_baseline(
        self, grant: Grant, plan_id: str, target: str, value: Decimal, day: date, source: str
    ) -> None:
        """Enter where a target started from; its trajectory runs from there. Raises NotFound, Invalid without source."""
        grant.require("plan.link")
        if not source.strip():
            raise Invalid("a baseline needs its source", zh="基期值必须注明来源")
        baseline = Baseline(value, day, source)
        await self._edit(
            grant, plan_id, lambda plan: editing.set_baseline(editing.goal_of(plan, target), baseline), None
        )

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
        for target in yearly:
            result = await asyncio.to_thread(self._values, grant, self._measures[target.measure], end)
            if result is not None and result.value is not None and result.denominator:
                value = round(Decimal(str(result.value)), 2)
                found[target.id] = Baseline(value, end, f"按系统内{year}年记录计算")

        def change(resource: Resource) -> None:
            for target, baseline in found.items():
                editing.set_baseline(editing.goal_of(resource, target), baseline)

        if found:
            await self._edit(grant, plan_id, change, None)
        return len(found)

    async def set_due(self, grant: Grant, plan_id: str, target: str, year: int) -> None:
        """Enter the year that the document masks (xxxx) or leaves out. Raises NotFound, Invalid."""
        grant.require("plan.link")
        if not 2000 <= year <= 2100:
            raise Invalid("a due year lies between 2000 and 2100", zh="目标年份应在2000至2100之间")
        await self._edit(
            grant, plan_id, lambda plan: editing.set_due(editing.goal_of(plan, target), year), None
        )

    async def resolve_unit(
        self, grant: Grant, plan_id: str, written: str, organisations: Collection[str]
    ) -> int:
        """Say who is meant by a unit as the document prints it; return in how many clauses. Raises NotFound."""
        grant.require("plan.link")
        for one in organisations:
            await self._store.read(grant, "Organization", one)
        changed = 0

        def change(plan: Resource) -> None:
            nonlocal changed
            changed = editing.resolve_unit(plan, written, organisations)
            if not changed:
                raise NotFound("the plan names no such unit", zh="规划中没有该责任单位")

        await self._edit(grant, plan_id, change, None)
        return changed

    async def adopt(self, grant: Grant, plan_id: str, clauses: Collection[str]) -> Adoption:
        """采纳: copy clauses of another city's plan, with their targets, into a plan of our own.

        Raises:
            NotFound: no such plan or clause.
            Unprocessable: the plan is our own already.
        """
        grant.require("plan.adopt")
        stored = await self._read(grant, plan_id)
        if not plan_row(stored.resource).foreign:
            raise Unprocessable("the plan is our own already", zh="该规划已是本市规划，无需采纳")
        if not self._jurisdiction:
            raise Unprocessable("the installation has no jurisdiction yet", zh="尚未设置本市行政区划")
        units, _ = await directory(self._store, grant, self._jurisdiction)
        try:
            own: Stored | None = await self._read(grant, f"adopted-{plan_id}")
        except (NotFound, Gone):
            own = None
        theirs, ours, made, targets = editing.adopt(
            stored.resource,
            clauses,
            own.resource if own else None,
            self._jurisdiction,
            units,
            self._today().isoformat(),
        )
        async with self._store.transaction(grant) as transaction:
            await transaction.update(theirs, if_match=stored.version)
            await transaction.update(ours, if_match=own.version if own else None)
        return Adoption(str(ours["id"]), made, targets)

    async def assign(
        self,
        grant: Grant,
        plan_id: str,
        clauses: Collection[str],
        *,
        due: date | None = None,
        note: str = "",
    ) -> Assignment:
        """交办: start one duty per clause and lead unit, the co-units as its children.

        Without `due` a duty is due at the end of the first year in which a target of its clause is. A unit that
        carries the clause already gets no second duty; units that are open questions come back as findings.

        Raises:
            NotFound: no such plan or clause.
            Unprocessable: the plan is another city's.
            Unsupported: no service carries duties.
        """
        grant.require("plan.assign")
        plan = await self.plan(grant, plan_id)
        if plan.foreign:
            raise Unprocessable(
                "another city's plan cannot be assigned; adopt clauses first",
                zh="外地规划不能直接交办，请先采纳条款",
            )
        return await assign(self._cases, grant, plan, clauses, due, note, self._today())

    async def report(
        self, grant: Grant, plan_id: str, target: str, value: Decimal, day: date, evidence: str
    ) -> ReportedValue:
        """填报: submit a target's value with its evidence, on behalf of a unit of its clause.

        Raises:
            NotFound: no such plan or target.
            Forbidden: the account acts for no unit of the clause.
            Invalid: no evidence, or a day to come.
        """
        plan = await self.plan(grant, plan_id)
        return await reports.submit(self._store, grant, plan, target, value, day, evidence, self._today())

    async def reported(self, grant: Grant, plan_id: str) -> tuple[ReportedValue, ...]:
        """Return the reported values of a plan, the newest day first."""
        grant.require("plan.read")
        plan = plan_view((await self._read(grant, plan_id)).resource, "", {})
        return await reports.reported(self._store, grant, plan)

    async def review(self, grant: Grant, report: str, accept: bool, comment: str = "") -> ReportedValue:
        """审核: accept or return a reported value. Nobody reviews what they submitted.

        Raises:
            NotFound: no such report.
            Forbidden: the account submitted it itself, or may not review.
            Conflict: it has been reviewed already.
        """
        grant.require("plan.report")
        return await reports.review(self._store, grant, report, accept, comment)

    # ------------------------------------------------------------------ inside

    async def _read(self, grant: Grant, plan_id: str) -> Stored:
        return await self._store.read(grant, "PlanDefinition", plan_id)

    async def _text(self, grant: Grant, plan: Resource) -> str:
        binary = editing.source_text_id(plan)
        if not binary:
            return ""
        try:
            stored = await self._store.read(grant, "Binary", binary)
        except (NotFound, Gone):  # the source is not for every reader of the plan
            return ""
        return base64.b64decode(stored.resource.get("data", "")).decode("utf-8", "replace")

    async def _names(self, grant: Grant, plan: Resource) -> dict[str, str]:
        ids = sorted(
            {
                one
                for action, _, _ in clauses_of(plan)
                for unit in units_of(action)
                for one in unit.organisations
            }
        )
        found: dict[str, str] = {}
        for start in range(0, len(ids), _CHUNK):
            listed = ",".join(ids[start : start + _CHUNK])
            for one in await self._store.search_all(grant, "Organization", f"_id={listed}"):
                found[str(one["id"])] = str(one.get("name", ""))
        return found

    async def _view(self, grant: Grant, stored: Stored) -> PlanView:
        plan = stored.resource
        view = plan_view(plan, await self._text(grant, plan), await self._names(grant, plan))
        view = replace(view, version=stored.version)
        if view.foreign:
            return view
        today = self._today()
        duties = await duties_of(self._store, grant, self._cases, view.id, today)
        by_clause: dict[str, list[DutyView]] = {}
        for duty in duties:
            by_clause.setdefault(duty.clause, []).append(duty)
        known = await self._known(grant, view, today)
        rule = light_rule(self._parameters, self._jurisdiction, today)
        targets = tuple(
            replace(one, light=light_of(one, known.get(one.id), by_clause.get(one.clause, ()), rule, today))
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

    async def _known(self, grant: Grant, view: PlanView, today: date) -> dict[str, Known]:
        """Return what is known of each target: the linked measure's number, else the newest accepted report."""
        linked = {one.measure for one in view.targets if one.confirmed and one.measure in self._measures}
        results = await asyncio.to_thread(
            lambda: {name: self._values(grant, self._measures[name], today) for name in sorted(linked)}
        )
        found = reports.newest(await reports.reported(self._store, grant, view))
        for target in view.targets:
            result = results.get(target.measure) if target.confirmed else None
            if result is not None and result.value is not None:
                day = datetime.fromisoformat(result.instant).astimezone(CITY_ZONE).date()
                found[target.id] = Known(
                    Decimal(str(result.value)),
                    day,
                    result.instant,
                    "measure",
                    Decimal(str(result.numerator)),
                    Decimal(str(result.denominator)),
                    self._measures[target.measure].unit,
                )
        return found

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
