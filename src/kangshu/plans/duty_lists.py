"""The list of duties of a plan, with its acts: choose key points of a year, edit, sheet out and in, look before 交办."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Invalid, Issue, NotFound
from kangshu.cases import Cases
from kangshu.plans.changing import change_plan, stored_plan
from kangshu.plans.duties import assignable, due_of
from kangshu.plans.duty_list import (
    DutyEntry,
    entries_of,
    entry_for,
    is_vague,
    node_due,
    put_entries,
    take_entry,
)
from kangshu.plans.duty_sheets import Cells, SheetReading, read_sheet, sheet_row
from kangshu.plans.importing import directory
from kangshu.plans.model import ClauseView, DutyView, PlanView
from kangshu.plans.plans import Plans
from kangshu.plans.supervision import DutyUnderWay, duties_under_way
from kangshu.sdk import Resource
from kangshu.store import Store


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One entry of the list as it is shown: its clause, its duty once assigned, whether it is 待明确."""

    entry: DutyEntry
    clause: ClauseView
    lead_name: str
    co_names: tuple[str, ...]
    duty: DutyView | None
    vague: bool


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A quarter's node that is due: whose, when, and whether its unit has reported it."""

    line: DutyLine
    quarter: int
    text: str
    due: date
    reported: str
    """Day on which it was reported, "" for not yet."""
    late: bool


@dataclass(frozen=True, slots=True)
class DutyList:
    """The list of one year. `years` are those that have entries; `names` are of every unit that stands in it."""

    plan: PlanView
    year: int
    years: tuple[int, ...]
    lines: tuple[DutyLine, ...]
    open_clauses: tuple[ClauseView, ...]
    """Clauses without an entry of this year."""
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AssignmentPreview:
    """What 交办 of a clause would do: the units that would get a duty, until when, and what is in the way."""

    clause: ClauseView
    entry: DutyEntry | None
    leads: tuple[tuple[str, str], ...]
    """(id, name) of the lead units that get a duty."""
    due: date | None
    findings: tuple[Issue, ...]


class DutyLists:
    """责任清单 of the plans. Reading asks for `plan.read`, every change for `plan.assign`."""

    def __init__(
        self,
        store: Store,
        plans: Plans,
        cases: Cases,
        *,
        jurisdiction: str,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._plans = plans
        self._cases = cases
        self._jurisdiction = jurisdiction
        self._clock = clock

    def today(self) -> date:
        """Return the civil day of the city."""
        return self._clock().astimezone(CITY_ZONE).date()

    async def of_year(self, grant: Grant, plan_id: str, year: int = 0) -> DutyList:
        """Return the list of `year` (0: this year), in the order of the document. Raises NotFound."""
        plan = await self._plans.plan(grant, plan_id)
        year = year or self.today().year
        held = await self._held(grant, plan_id)
        names = await self._names(grant, held)
        chosen = [one for one in held if one.year == year]
        clauses = {one.id: one for one in plan.clauses}
        lines = tuple(_line(one, clauses[one.clause], names) for one in chosen if one.clause in clauses)
        taken = {one.clause for one in chosen}
        return DutyList(
            plan,
            year,
            tuple(sorted({one.year for one in held} | {year})),
            lines,
            tuple(one for one in plan.clauses if one.id not in taken),
            {**names, **plan.unit_names},
        )

    async def choose(self, grant: Grant, plan_id: str, year: int, clauses: Collection[str]) -> int:
        """年度要点: put clauses on the list of `year`, an entry per lead unit with what the plan says; return how many.

        Raises:
            NotFound: no such plan or clause.
            Unprocessable: another city's plan.
            Invalid: none of the clauses has a lead unit that is known.
        """
        grant.require("plan.assign")
        check_year(year)
        plan = await self._plans.plan(grant, plan_id)
        held = {one.key for one in await self._held(grant, plan_id)}
        new: list[DutyEntry] = []
        for identifier in clauses:
            clause = plan.clause(identifier)
            if clause is None:
                raise NotFound("the plan has no such clause", zh="规划中没有所选条款")
            new += [one for one in _entries(plan, clause, year) if one.key not in held]
        if not new:
            raise Invalid(
                "none of these clauses has a lead unit that is known, or they stand in the list already",
                zh="所选条款没有已确认的牵头单位，或已在清单中",
            )
        await self._change(grant, plan_id, lambda resource: put_entries(resource, new))
        return len(new)

    async def save(
        self, grant: Grant, plan_id: str, entry: DutyEntry, *, if_match: int | None = None
    ) -> None:
        """Put one entry on the list. Raises NotFound, Unprocessable, Invalid, Conflict."""
        grant.require("plan.assign")
        check_year(entry.year)
        for one in (entry.lead_unit, *entry.co_units):
            await self._store.read(grant, "Organization", one)
        await change_plan(
            self._store,
            grant,
            plan_id,
            lambda resource: put_entries(resource, [entry]),
            act="duty-list",
            if_match=if_match,
        )

    async def save_all(self, grant: Grant, plan_id: str, entries: Collection[DutyEntry]) -> None:
        """Put several entries on the list in one version of the plan. Raises NotFound, Unprocessable, Invalid."""
        grant.require("plan.assign")
        await self._change(grant, plan_id, lambda resource: put_entries(resource, entries))

    async def remove(self, grant: Grant, plan_id: str, key: tuple[str, str, int]) -> None:
        """Take an entry off the list; duties that were assigned stay. Raises NotFound, Unprocessable."""
        grant.require("plan.assign")
        await self._change(grant, plan_id, lambda resource: take_entry(resource, key))

    async def rows(
        self, grant: Grant, plan_id: str, year: int, unit: str = ""
    ) -> tuple[tuple[str | int, ...], ...]:
        """Return the rows of the sheet of `year`, of one lead unit only with `unit`."""
        found = await self.of_year(grant, plan_id, year)
        return tuple(
            sheet_row(number, found.plan, line.clause, line.entry, found.names)
            for number, line in enumerate(
                (line for line in found.lines if unit in ("", line.entry.lead_unit)), 1
            )
        )

    async def preview(
        self, grant: Grant, plan_id: str, year: int, rows: Sequence[tuple[int, Cells]]
    ) -> SheetReading:
        """Return what a sheet would change, row by row; nothing is written. Raises NotFound, Forbidden."""
        grant.require("plan.assign")
        check_year(year)
        plan = await self._plans.plan(grant, plan_id)
        held = {one.key: one for one in await self._held(grant, plan_id)}
        units, _ = await directory(self._store, grant, self._jurisdiction)
        return read_sheet(rows, plan, year, held, units.resolve)

    async def take(
        self, grant: Grant, plan_id: str, year: int, rows: Sequence[tuple[int, Cells]]
    ) -> SheetReading:
        """Write the rows of a sheet, all or none: with a finding nothing is written. Raises as `preview`, Unprocessable."""
        reading = await self.preview(grant, plan_id, year, rows)
        changed = [one.entry for one in reading.entries if one.change != "same"]
        if changed and not reading.findings:
            await self._change(grant, plan_id, lambda resource: put_entries(resource, changed))
        return reading

    async def quarter(self, grant: Grant, plan_id: str, year: int, quarter: int) -> tuple[NodeLine, ...]:
        """Return the nodes of one quarter (1–4), the late ones first, with who has reported. Raises NotFound, Invalid."""
        if quarter not in (1, 2, 3, 4):
            raise Invalid("a year has four quarters", zh="季度应为1至4")
        found = await self.of_year(grant, plan_id, year)
        lines = [
            _node(line, quarter, self.today())
            for line in found.lines
            if line.entry.quarter_nodes[quarter - 1].text
        ]
        return tuple(sorted(lines, key=lambda one: (not one.late, one.due, one.line.lead_name)))

    async def before_assigning(
        self, grant: Grant, plan_id: str, year: int = 0
    ) -> tuple[AssignmentPreview, ...]:
        """Return, for each clause that has a lead unit without a duty yet, what 交办 would do. Raises NotFound."""
        grant.require("plan.assign")
        plan = await self._plans.plan(grant, plan_id)
        held = await self._held(grant, plan_id)
        year = year or self.today().year
        found = []
        for clause in plan.clauses:
            leads, findings = assignable(plan, clause, held, year)
            if leads or findings:
                entry = next(
                    (one for lead, _ in leads if (one := entry_for(held, clause.id, lead, year))), None
                )
                due = (
                    date.fromisoformat(entry.due)
                    if entry and entry.due
                    else due_of(plan, clause, self.today())
                )
                found.append(AssignmentPreview(clause, entry, leads, due, findings))
        return tuple(found)

    async def under_way(self, grant: Grant) -> tuple[DutyUnderWay, ...]:
        """Return every duty that the grant sees, of all plans, the nearest deadline first; for 督查督办."""
        grant.require("plan.read")
        titles = {one.id: one.title for one in await self._plans.plans(grant)}
        return await duties_under_way(self._store, grant, self._cases, titles, self.today())

    async def _held(self, grant: Grant, plan_id: str) -> tuple[DutyEntry, ...]:
        return entries_of((await stored_plan(self._store, grant, plan_id)).resource)

    async def _change(self, grant: Grant, plan_id: str, change: Callable[[Resource], object]) -> None:
        await change_plan(self._store, grant, plan_id, change, act="duty-list")

    async def _names(self, grant: Grant, entries: Sequence[DutyEntry]) -> dict[str, str]:
        ids = sorted({unit for one in entries for unit in (one.lead_unit, *one.co_units)})
        if not ids:
            return {}
        listed = await self._store.search_all(grant, "Organization", f"_id={','.join(ids)}")
        return {str(one["id"]): str(one.get("name", "")) for one in listed}


def check_year(year: int) -> None:
    """Raise Invalid for a year that no plan has."""
    if not 2000 <= year <= 2100:
        raise Invalid("the year lies between 2000 and 2100", zh="年度应在2000至2100之间", expression="year")


def _entries(plan: PlanView, clause: ClauseView, year: int) -> list[DutyEntry]:
    """Return what the plan itself says of a clause, as entries: its units, and the last day of the year."""
    leads = tuple(dict.fromkeys(one for unit in clause.of("lead") for one in unit.organisations))
    co_units = tuple(
        dict.fromkeys(
            one for unit in clause.of("cooperating") for one in unit.organisations if one not in leads
        )
    )
    said = [target for target in plan.targets if target.id in clause.targets and target.due == str(year)]
    words = "；".join(one.span or one.indicator for one in said)
    due = date(year, 12, 31).isoformat()
    return [
        DutyEntry(clause.id, lead, year, annual_target=words, co_units=co_units, due=due) for lead in leads
    ]


def _line(entry: DutyEntry, clause: ClauseView, names: Mapping[str, str]) -> DutyLine:
    carried = [one for one in clause.duties if one.unit == entry.lead_unit and not one.parent]
    duty = next((one for one in carried if not one.final), carried[-1] if carried else None)
    return DutyLine(
        entry,
        clause,
        names.get(entry.lead_unit, entry.lead_unit),
        tuple(names.get(one, one) for one in entry.co_units),
        duty,
        is_vague(clause, entry),
    )


def _node(line: DutyLine, quarter: int, today: date) -> NodeLine:
    due = node_due(line.entry, quarter)
    reported = line.duty.nodes.get(quarter, "") if line.duty else ""
    return NodeLine(
        line, quarter, line.entry.quarter_nodes[quarter - 1].text, due, reported, not reported and due < today
    )
