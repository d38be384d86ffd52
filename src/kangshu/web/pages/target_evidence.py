"""What proves a target and why: the kind with its words, the measures that may, those refused, and the forms to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kangshu.api import measures_awaited
from kangshu.base.faults import Fault
from kangshu.sdk import MeasureDeclaration
from kangshu.web import figures
from kangshu.web.pages.awaited import AwaitedLine, awaited_line
from kangshu.web.visit import Visit

_FEW = 5


@dataclass(frozen=True, slots=True)
class Alternative:
    """A measure that may prove the target: the words that say so and how well they fit."""

    id: str
    title: str
    matched: str
    fit: str
    note: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves a target, ready for the template."""

    kind: str
    title: str
    tone: str
    reason: str
    matched: str
    decided: str
    note: str
    worded: bool
    alternatives: Sequence[Alternative]
    others: Sequence[tuple[str, str]]
    """Every other measure, for who knows better."""
    refused: Sequence[tuple[str, str]]
    may_decide: bool
    awaited: AwaitedLine | None = None
    """The measure without a number yet that the target means."""


TONES = {
    "measure": "green",
    "reported": "blue",
    "statistics": "blue",
    "register-missing": "amber",
    "undecided": "grey",
}


async def evidence_of(visit: Visit, plan: Any, target: Any) -> Evidence:
    """Return what proves a target of our own plan."""
    words, held = visit.words, target.evidence
    may = visit.grant.may("plan.link")
    measures = figures.all_measures(visit)
    offered = await _alternatives(visit, plan, target, measures) if may else []
    named = {one.id for one in offered} | set(target.refused)
    by = ""
    if held.decided_by:
        day = words("（{day}）", day=held.decided_on) if held.decided_on else ""
        by = words("{name} 确定", name=held.decided_by) + day
    return Evidence(
        held.kind,
        words.of(held.title),
        TONES.get(held.kind, "grey"),
        words.of(held.reason),
        "、".join(held.matched),
        by or words("按文字推断，待人工确认"),
        held.note,
        target.worded,
        offered,
        [(one.id, words.of(one.title)) for one in measures.values() if one.id not in named] if may else [],
        [(one, words.of(measures[one].title)) for one in target.refused if one in measures],
        may,
        None if held.kind == "measure" else _awaited(visit, plan, target),
    )


def _awaited(visit: Visit, plan: Any, target: Any) -> AwaitedLine | None:
    known = measures_awaited(visit.platform).values()
    found = visit.platform.plans.targets.awaiting(plan, target, known)
    return None if found is None else awaited_line(visit, found)


async def _alternatives(
    visit: Visit, plan: Any, target: Any, measures: Mapping[str, MeasureDeclaration]
) -> list[Alternative]:
    words = visit.words
    try:
        offered = await visit.platform.plans.targets.alternatives(visit.grant, plan.id, target.id)
    except Fault:
        return []
    return [
        Alternative(
            one.measure,
            words.of(measures[one.measure].title),
            one.matched,
            words("文字吻合") if one.score >= 1 else words("相近 {share}%", share=round(one.score * 100)),
            words("按达标率与100%比较") if one.as_share else "",
        )
        for one in offered[:_FEW]
        if one.measure in measures
    ]
