"""Where plans contradict each other: one indicator with two figures or two years, one clause under two leads. Pure.

A plan and what was adopted from it, and two versions of one plan, are no two plans here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kangshu.base.text import Text
from kangshu.plans.comparing import figure_text
from kangshu.plans.model import ClauseView, PlanView, TargetView
from kangshu.plans.reading import Anchor
from kangshu.plans.reading.conflicts import indicator_key
from kangshu.plans.similarity import Likeness

_SHORTEST: Final = 5
_SAME_CLAUSE: Final = 0.75


@dataclass(frozen=True, slots=True)
class ConflictPlace:
    """One of the two places: the plan, the finding in it, what is written there."""

    plan: str
    title: str
    finding: str
    """Id of the clause or target."""
    text: str
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two plans that say different things of one matter."""

    kind: Literal["figure", "deadline", "lead"]
    text: Text
    here: ConflictPlace
    there: ConflictPlace


def conflicts_between(plan: PlanView, others: Sequence[PlanView]) -> tuple[Conflict, ...]:
    """Return where `plan` contradicts one of `others`, in the order of the plan."""
    found = [one for other in others for one in (*_targets(plan, other), *_leads(plan, other))]
    return tuple(sorted(found, key=lambda one: (one.here.anchor.start, one.there.title)))


def _targets(plan: PlanView, other: PlanView) -> Iterator[Conflict]:
    held: dict[tuple[str, str], list[TargetView]] = defaultdict(list)
    for target in other.targets:
        held[(indicator_key(target.indicator), target.unit)].append(target)
    for target in plan.targets:
        key = indicator_key(target.indicator)
        if len(key) < _SHORTEST:
            continue
        group = held.get((key, target.unit), [])
        same_year = [one for one in group if one.due == target.due]
        same_figure = [
            one for one in group if one.value == target.value and one.due.isdigit() and target.due.isdigit()
        ]
        if any(one.value == target.value for one in same_year):
            continue
        for one in (same_year or same_figure)[:1]:
            yield _target_conflict(plan, target, other, one)


def _target_conflict(plan: PlanView, target: TargetView, other: PlanView, one: TargetView) -> Conflict:
    here, there = figure_text(target), figure_text(one)
    if one.value == target.value:
        text = Text(
            f"同一目标期限不同：{target.indicator}{here}，本规划{target.due}年，另一规划{one.due}年",
            f"One target, two deadlines: {target.indicator} {here}: {target.due} here, {one.due} there",
        )
        return Conflict("deadline", text, _at_target(plan, target), _at_target(other, one))
    when = f"（{target.due}）" if target.due else ""
    text = Text(
        f"同一指标数值不同：{target.indicator}{when}，本规划{here}，另一规划{there}",
        f"One indicator, two figures: {target.indicator} {target.due}: {here} here, {there} there",
    )
    return Conflict("figure", text, _at_target(plan, target), _at_target(other, one))


def _leads(plan: PlanView, other: PlanView) -> Iterator[Conflict]:
    """Yield clauses that say the same under leads of which none is the same."""
    clauses = {one.id: one for one in other.clauses}
    likeness = Likeness({key: one.text for key, one in clauses.items()})
    for clause in plan.clauses:
        near = next(likeness.like(clause.text, least=_SAME_CLAUSE), None)
        if near is None:
            continue
        one = clauses[near[0]]
        ours, theirs = _who(clause), _who(one)
        if ours and theirs and not ours & theirs:
            here, there = ("、".join(unit.written for unit in each.of("lead")) for each in (clause, one))
            text = Text(
                f"同一任务牵头单位不同：本规划{here}，另一规划{there}",
                f"One task under two leads: {here} here, {there} there",
            )
            yield Conflict("lead", text, _at_clause(plan, clause), _at_clause(other, one))


def _who(clause: ClauseView) -> set[str]:
    """Return who leads: organisations where they are known, else names as printed."""
    return {name for unit in clause.of("lead") for name in (unit.organisations or (unit.written,))}


def _at_target(plan: PlanView, target: TargetView) -> ConflictPlace:
    return ConflictPlace(plan.id, plan.title, target.id, target.span, target.anchor)


def _at_clause(plan: PlanView, clause: ClauseView) -> ConflictPlace:
    return ConflictPlace(plan.id, plan.title, clause.id, clause.title, clause.anchor)
