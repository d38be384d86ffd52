"""A plan as the next version of another: what people had settled in the old one stands in the new one where it says the same. Pure."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from kangshu.base.canonical import BASE
from kangshu.plans import editing, shape
from kangshu.plans.changing import CHANGE
from kangshu.plans.comparing import Comparison, figure_text, paired_targets
from kangshu.plans.marks import REVIEWED
from kangshu.plans.model import TargetView
from kangshu.plans.outcomes import PlanRow
from kangshu.plans.similarity import dice
from kangshu.plans.view import clauses_of, extensions
from kangshu.sdk import Resource

_ALIKE: Final = 0.7
_YEARS: Final = re.compile(
    r"\d+|[(（].*?[)）]|修订|修正|征求意见稿|送审稿|试行|第.{1,3}版|[一二三四五六七八九十]五"
)
_READ: Final = frozenset(
    {
        shape.ANCHOR, shape.UNITS_ANCHOR, shape.UNIT, shape.MODE, shape.INSTRUMENT, shape.SPAN, shape.COMPARATOR,
        shape.DUE, shape.ADOPTED_AS, REVIEWED, CHANGE,
    }
)  # fmt: skip
"""Extensions of clauses and targets that come of the document itself, or of looking at it: they are not carried over."""


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """How much of what people had settled now stands in the new version."""

    clauses: int
    targets: int
    units: int


def predecessors(plan: Resource) -> tuple[str, ...]:
    """Return the ids of the plans whose next version this one is."""
    return related(plan, "predecessor")


def related(plan: Resource, kind: str) -> tuple[str, ...]:
    """Return the ids of the plans that stand to this one as `kind` (predecessor, derived-from)."""
    return tuple(
        str(one.get("resource", "")).rsplit("/", 1)[-1]
        for one in plan.get("relatedArtifact", ())
        if one.get("type") == kind and one.get("resource")
    )


def relate(plan: Resource, kind: str, other: Resource) -> None:
    """Say that `other` stands to this plan as `kind`; once."""
    if str(other["id"]) in related(plan, kind):
        return
    plan.setdefault("relatedArtifact", []).append(
        {
            "type": kind,
            "display": str(other.get("title", "")),
            "resource": f"{BASE}/PlanDefinition/{other['id']}",
        }
    )


def unrelate(plan: Resource, kind: str, other: str) -> None:
    """Take back that the plan `other` stands to this one as `kind`."""
    address = f"{BASE}/PlanDefinition/{other}"
    kept = [
        one
        for one in plan.get("relatedArtifact", ())
        if not (one.get("type") == kind and one.get("resource") == address)
    ]
    plan["relatedArtifact"] = kept
    if not kept:
        del plan["relatedArtifact"]


def may_precede(row: PlanRow, other: PlanRow) -> bool:
    """Return whether `other` may be an earlier version of `row`: of one place, and called nearly the same."""
    return (
        row.id != other.id
        and row.kind == other.kind
        and row.foreign == other.foreign
        and row.jurisdiction == other.jurisdiction
        and not {row.id, other.id} & {f"adopted-{row.id}", f"adopted-{other.id}"}
        and dice(_YEARS.sub("", row.title), _YEARS.sub("", other.title)) >= _ALIKE
    )


def carry_over(old: Resource, new: Resource, found: Comparison) -> CarriedOver:
    """Copy what people had entered in the old version to the clauses and targets of the new one that say the same.

    Units that a person had told are told again wherever they are printed the same.
    """
    clauses = _copy_clauses(old, new, found)
    targets = _copy_targets(old, new, found)
    units = 0
    told = {
        unit.written: unit
        for clause in found.old.clauses
        for unit in clause.units
        if unit.answered_by and unit.resolved
    }
    for unit in told.values():
        units += bool(
            editing.resolve_unit(new, unit.written, unit.organisations, unit.answered_by, unit.outside)
        )
    return CarriedOver(clauses, targets, units)


def _copy_clauses(old: Resource, new: Resource, found: Comparison) -> int:
    before = {str(action["id"]): action for action, _, _ in clauses_of(old)}
    after = {str(action["id"]): action for action, _, _ in clauses_of(new)}
    return sum(_copy(before[first], after[second]) for first, second in found.unchanged.items())


def _copy_targets(old: Resource, new: Resource, found: Comparison) -> int:
    goals = {str(goal["id"]): goal for goal in old.get("goal", ())}
    own = {str(goal["id"]): goal for goal in new.get("goal", ())}
    copied = 0
    for first, second in same_targets(found).items():
        earlier, later = goals[first], own[second]
        copied += _copy(earlier, later)
        entered = next(extensions(earlier, shape.DUE_SOURCE), None)
        masked = next(extensions(later, shape.DUE), None)
        if entered is not None and (masked is None or shape.is_masked(masked.get("valueString"))):
            due = next(extensions(earlier, shape.DUE))
            editing.replace_extension(later, shape.DUE, deepcopy(due))
    return copied


def same_targets(found: Comparison) -> dict[str, str]:
    """Return the targets that ask for the same figure in both versions: old id → new id."""
    pairs = found.unchanged
    held: list[tuple[list[TargetView], list[TargetView]]] = [
        (
            [one for one in found.old.targets if one.clause == first],
            [one for one in found.new.targets if one.clause == second],
        )
        for first, second in (("", ""), *pairs.items())
    ]
    same: dict[str, str] = {}
    for earlier, later in held:
        after = {one.id: one for one in later}
        for first, second in paired_targets(earlier, later).items():
            before = next(one for one in earlier if one.id == first)
            if figure_text(before) == figure_text(after[second]):
                same[first] = second
    return same


def _copy(earlier: Resource, later: Resource) -> bool:
    """Copy the extensions that people made; return whether there were any."""
    held = {one.get("url") for one in later.get("extension", ())}
    fresh = [deepcopy(one) for one in earlier.get("extension", ()) if one.get("url") not in _READ | held]
    later.setdefault("extension", []).extend(fresh)
    return bool(fresh)
