"""督查督办: every duty with where it stands, and what that makes per unit. What is counted is what the grant sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from kangshu.access import Grant
from kangshu.base.canonical import CASE_KIND
from kangshu.cases import CaseRow, Cases
from kangshu.plans.duties import CARRIES, SLIP_COLOURS, clause_carried, duty_view
from kangshu.plans.model import DutyView
from kangshu.store import Store

Standing = Literal["overdue", "soon", "blocked", "open", "done", "cancelled"]
"""overdue: past its deadline · soon: near it · blocked: the unit waits for the office, or it was returned · open: the
rest of what is under way · done, cancelled: over. A duty stands in the first that fits."""


@dataclass(frozen=True, slots=True)
class DutyUnderWay:
    """One duty with its plan, its row in a worklist and its own view."""

    plan: str
    plan_title: str
    row: CaseRow
    view: DutyView
    standing: Standing


@dataclass(slots=True)
class UnitStanding:
    """What stands with one unit: duties by standing, slips by colour."""

    unit: str
    name: str
    duties: Counter[str] = field(default_factory=Counter)
    slips: Counter[str] = field(default_factory=Counter)

    @property
    def under_way(self) -> int:
        """Return how many are not over."""
        return sum(self.duties[one] for one in ("overdue", "soon", "blocked", "open"))

    @property
    def completion(self) -> float | None:
        """Return the share of what was not cancelled that is done; None where there is nothing."""
        whole = self.under_way + self.duties["done"]
        return self.duties["done"] / whole if whole else None


def standing_of(row: CaseRow, view: DutyView, status: str) -> Standing:
    """Return where a duty stands; `status` is its Task's."""
    if row.final:
        return "done" if status == "completed" else "cancelled"
    if row.urgency == "overdue":
        return "overdue"
    if row.urgency in ("today", "soon"):
        return "soon"
    return "blocked" if view.waits_for == "requester" or "return" in row.state else "open"


async def duties_under_way(
    store: Store, grant: Grant, cases: Cases, titles: Mapping[str, str], today: date
) -> tuple[DutyUnderWay, ...]:
    """Return the duties that the grant sees; `titles` are the plans'. Empty where no service carries duties."""
    declaration = cases.carrying(CARRIES)
    if declaration is None:
        return ()
    tasks = {
        str(one["id"]): one
        for one in await store.search_all(grant, "Task", f"code={CASE_KIND}|{declaration.code}")
    }
    found = []
    for row in await cases.rows(grant, tasks.values()):
        plan, clause = clause_carried(tasks[row.id])
        view = duty_view(tasks[row.id], clause, cases, today)
        standing = standing_of(row, view, str(tasks[row.id].get("status", "")))
        found.append(DutyUnderWay(plan, titles.get(plan, ""), row, view, standing))
    return tuple(found)


def by_unit(duties: Iterable[DutyUnderWay]) -> tuple[UnitStanding, ...]:
    """Return what stands with each lead unit, whoever has most overdue first."""
    found: dict[str, UnitStanding] = {}
    for one in duties:
        tally = found.setdefault(one.view.unit, UnitStanding(one.view.unit, one.view.unit_name))
        tally.duties[one.standing] += 1
        for colour in SLIP_COLOURS:
            tally.slips[colour] += one.view.slips.get(colour, 0)
    return tuple(sorted(found.values(), key=lambda one: (-one.duties["overdue"], -one.under_way, one.name)))
