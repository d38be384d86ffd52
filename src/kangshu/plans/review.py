"""核对: what of a plan waits for a person's answer, and what has been answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from kangshu.plans.model import DoubtView, PlanView, TargetView
from kangshu.plans.outcomes import Suggestion

Queue = Literal["doubts", "units", "years", "links", "baselines"]
QUEUES: tuple[Queue, ...] = ("doubts", "units", "years", "links", "baselines")


@dataclass(frozen=True, slots=True)
class UnitQuestion:
    """A unit as the document prints it of which a person must say, or has said, who is meant."""

    written: str
    clauses: tuple[str, ...]
    lead: bool
    """Whether it leads one of the clauses: such a clause cannot be assigned before the answer."""
    organisations: tuple[str, ...]
    outside: bool
    answered_by: str

    @property
    def open(self) -> bool:
        """Return whether nobody has answered."""
        return not self.organisations and not self.outside


@dataclass(frozen=True, slots=True)
class LinkQuestion:
    """A measure that may prove a target. `state` is open, confirmed or refused."""

    target: TargetView
    measure: str
    matched: str
    state: Literal["open", "confirmed", "refused"]


@dataclass(frozen=True, slots=True)
class PlanReview:
    """The questions of a plan by queue, in the order of the document."""

    plan: PlanView
    doubts: tuple[DoubtView, ...]
    """What the reader doubted; masked years are a queue of their own."""
    units: tuple[UnitQuestion, ...]
    years: tuple[TargetView, ...]
    """Targets whose year is masked, or was before a person entered it."""
    without_year: tuple[TargetView, ...]
    """Targets for which the document names no year; they may stay so."""
    links: tuple[LinkQuestion, ...]
    unmatched: tuple[TargetView, ...]
    """Targets that no measure fits: their units report them."""
    baselines: tuple[TargetView, ...]
    """Targets with a figure and a year to come: without a baseline they are compared with the final value."""

    def left(self, queue: Queue) -> int:
        """Return how many questions of the queue are open."""
        match queue:
            case "doubts":
                return sum(not one.settled_by for one in self.doubts)
            case "units":
                return sum(one.open for one in self.units)
            case "years":
                return sum(one.masked for one in self.years)
            case "links":
                return sum(one.state == "open" for one in self.links)
            case "baselines":
                return sum(one.baseline is None for one in self.baselines)

    @property
    def open_questions(self) -> int:
        """Return how many questions hold something up: all but baselines, without which a light is still told."""
        return sum(self.left(queue) for queue in QUEUES if queue != "baselines")

    def total(self, queue: Queue) -> int:
        """Return how many questions the queue has had."""
        listed: tuple[object, ...] = getattr(self, queue)
        return len(listed)


def review_of(plan: PlanView, offered: Iterable[Suggestion], today: date) -> PlanReview:
    """Return the questions of `plan`; `offered` are the measures suggested for its targets."""
    matched = {one.target: one for one in offered}
    links = tuple(found for target in plan.targets for found in _links(target, matched.get(target.id)))
    asked = {one.target.id for one in links}
    return PlanReview(
        plan,
        tuple(one for one in plan.doubts if one.kind != "masked-year"),
        _units(plan),
        tuple(one for one in plan.targets if one.masked or one.due_written),
        tuple(one for one in plan.targets if not one.due),
        links,
        tuple(one for one in plan.targets if one.id not in asked),
        tuple(one for one in plan.targets if trajectory_runs(one, today)),
    )


def trajectory_runs(target: TargetView, today: date) -> bool:
    """Return whether a trajectory can be drawn to the target: it has a figure and a year that is not over."""
    return isinstance(target.value, Decimal) and target.due.isdigit() and int(target.due) >= today.year


def _links(target: TargetView, offered: Suggestion | None) -> list[LinkQuestion]:
    found = [LinkQuestion(target, measure, "", "refused") for measure in target.refused]
    if target.measure and target.confirmed:
        return [*found, LinkQuestion(target, target.measure, "", "confirmed")]
    if target.measure:
        return [*found, LinkQuestion(target, target.measure, "", "open")]
    if offered is not None:
        return [*found, LinkQuestion(target, offered.measure, offered.matched, "open")]
    return found


def _units(plan: PlanView) -> tuple[UnitQuestion, ...]:
    if plan.foreign:
        return ()
    found: dict[str, UnitQuestion] = {}
    for clause in plan.clauses:
        for unit in clause.units:
            if unit.resolved and not unit.answered_by:
                continue
            before = found.get(unit.written)
            found[unit.written] = UnitQuestion(
                unit.written,
                tuple(dict.fromkeys((*(before.clauses if before else ()), clause.id))),
                unit.role == "lead" or (before is not None and before.lead),
                unit.organisations,
                unit.outside,
                unit.answered_by,
            )
    return tuple(found.values())
