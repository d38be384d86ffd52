"""Which targets a unit has to report now, and who may report what. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from kangshu.access import Grant
from kangshu.plans.model import PlanView, TargetView
from kangshu.plans.reports import ReportedValue


@dataclass(frozen=True, slots=True)
class DueReport:
    """A target whose unit has to report its value: nothing was sent since `since`, or what was sent came back."""

    plan: str
    plan_title: str
    target: TargetView
    units: tuple[str, ...]
    """Ids of the clause's lead units."""
    last: ReportedValue | None
    """The newest value that was reported, the returned one where it came back."""
    returned: bool
    since: date


def units_of_target(plan: PlanView, target: TargetView) -> frozenset[str]:
    """Return the ids of the organisations of the target's clause, leads and co-units."""
    clause = plan.clause(target.clause)
    return frozenset(one for unit in (clause.units if clause else ()) for one in unit.organisations)


def lead_units(plan: PlanView, target: TargetView) -> tuple[str, ...]:
    """Return the ids of the organisations that lead the target's clause."""
    clause = plan.clause(target.clause)
    return tuple(one for unit in (clause.of("lead") if clause else ()) for one in unit.organisations)


def may_report(grant: Grant, plan: PlanView, target: TargetView) -> bool:
    """Return whether the account may report this target: its organisation is a unit of the clause.

    A goal of the whole plan has no unit: whoever reviews reports may enter it, and somebody else reviews that.
    """
    units = units_of_target(plan, target)
    return bool(grant.organisation) and (grant.organisation in units or grant.may("plan.report"))


def asked_for(target: TargetView, values: Iterable[ReportedValue]) -> bool:
    """Return whether a unit is asked to report the target: a person or its words say so, or it has been reported.

    A target of statistics, of a linked measure, or of registers that are still to be built is not asked of a unit; a
    person may decide otherwise.
    """
    if target.measure and target.confirmed:
        return False
    if target.evidence.kind in ("reported", "undecided"):
        return True
    return not target.evidence.decided_by and any(one.source == "reported" for one in values)


def due_reports(
    plan: PlanView, values: Iterable[ReportedValue], organisation: str, months: int, today: date
) -> list[DueReport]:
    """Return the targets that `organisation` leads, that it is asked for, and that wait for a value.

    A value is asked for every `months` calendar months: nothing sent since the first day of the period, or what
    was sent came back.
    """
    month = today.year * 12 + today.month - 1 - (months - 1)
    since = date(month // 12, month % 12 + 1, 1)
    sent: dict[str, list[ReportedValue]] = {}
    for one in values:
        sent.setdefault(one.target, []).append(one)
    found = []
    for target in plan.targets:
        leads = lead_units(plan, target)
        if organisation not in leads or not asked_for(target, sent.get(target.id, ())):
            continue
        listed = sorted(sent.get(target.id, ()), key=lambda one: one.id)  # ids grow with time
        last = listed[-1] if listed else None
        returned = last is not None and last.state == "returned"
        if last is None or returned or (last.sent or last.day) < since:
            found.append(DueReport(plan.id, plan.title, target, leads, last, returned, since))
    return found
