"""A plan of a higher level and the own clauses that carry it out: suggested by words and figures, confirmed by a person. Pure.

An own plan names the higher one as relatedArtifact `derived-from`; an own clause keeps, in extensions `carries-out`, which
higher clauses it was confirmed (or refused) to carry out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kangshu.base.canonical import structure
from kangshu.base.faults import NotFound
from kangshu.plans.elements import extension_value, extensions
from kangshu.plans.model import ClauseView, Light, PlanView, worst
from kangshu.plans.similarity import Likeness, plain
from kangshu.plans.view import clauses_of
from kangshu.sdk import Resource

CARRIES_OUT: Final = structure("carries-out")
Decision = Literal["confirmed", "refused", "open"]
_LEAST: Final = 0.16
_OFFERED: Final = 3
_FIGURE: Final = re.compile(r"\d+(?:\.\d+)?\s*(?:%|万|亿|[个家所张名人条项次])")
_SAME_FIGURE: Final = 0.12
_WORDS: Final = 3
"""Characters in a row that two clauses must share for it to be told as a reason."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """An own clause beside a higher one. `shared` are words and figures that both have."""

    clause: ClauseView
    decision: Decision
    by: str
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HigherClause:
    """A clause of the higher plan, what carries it out, and what may."""

    clause: ClauseView
    carriers: tuple[Carrier, ...]
    offered: tuple[Carrier, ...]

    @property
    def light(self) -> Light:
        """Return the worst light of what carries it out."""
        return worst([one.clause.light for one in self.carriers])


@dataclass(frozen=True, slots=True)
class Coverage:
    """How an own plan carries out a higher one (下级落实情况)."""

    higher: PlanView
    own: PlanView
    clauses: tuple[HigherClause, ...]

    @property
    def carried(self) -> int:
        """Return how many higher clauses have a confirmed clause below."""
        return sum(bool(one.carriers) for one in self.clauses)

    @property
    def lights(self) -> Counter[Light]:
        """Return the carried clauses by light."""
        return Counter(one.light for one in self.clauses if one.carriers)


@dataclass(frozen=True, slots=True)
class _Decided:
    clause: str
    higher: str
    decision: Decision
    by: str


def decide(
    plan: Resource, clause: str, higher_plan: str, higher: str, decision: Decision, by: str, on: str
) -> None:
    """Say that an own clause carries out a higher one, or does not, or that it is open again. Raises NotFound."""
    action = next((one for one, _, _ in clauses_of(plan) if one.get("id") == clause), None)
    if action is None:
        raise NotFound("the plan has no such clause", zh="规划中没有此条款")
    reference = f"PlanDefinition/{higher_plan}"
    kept = [
        one
        for one in action.get("extension", ())
        if one.get("url") != CARRIES_OUT
        or (extension_value(one, "plan") or {}).get("reference") != reference
        or extension_value(one, "clause") != higher
    ]
    if decision != "open":
        parts: list[Resource] = [
            {"url": "plan", "valueReference": {"reference": reference}},
            {"url": "clause", "valueString": higher},
            {"url": "decision", "valueCode": decision},
            {"url": "by", "valueString": by},
            {"url": "on", "valueString": on},
        ]
        kept.append({"url": CARRIES_OUT, "extension": parts})
    action["extension"] = kept


def coverage(higher: PlanView, own: PlanView, plan: Resource) -> Coverage:
    """Return each clause of `higher` with what carries it out in `own`, and what else may; `plan` is our own as stored."""
    decided: dict[str, dict[str, _Decided]] = defaultdict(dict)
    for one in _decisions(plan, higher.id):
        decided[one.higher][one.clause] = one
    clauses = {one.id: one for one in own.clauses}
    likeness = Likeness({one.id: f"{one.title}{one.text}" for one in own.clauses})
    rows = []
    for clause in higher.clauses:
        answers = decided[clause.id]
        carriers = [
            Carrier(
                clauses[one.clause], "confirmed", one.by, shared_words(clause.text, clauses[one.clause].text)
            )
            for one in answers.values()
            if one.decision == "confirmed" and one.clause in clauses
        ]
        offered = [
            Carrier(clauses[key], "open", "", shared_words(clause.text, clauses[key].text))
            for key in _suggested(clause, likeness, clauses)
            if key not in answers
        ]
        rows.append(HigherClause(clause, tuple(carriers), tuple(offered[: max(0, _OFFERED - len(carriers))])))
    return Coverage(higher, own, tuple(rows))


def _decisions(plan: Resource, higher: str) -> list[_Decided]:
    return [
        _Decided(
            str(action["id"]),
            str(extension_value(one, "clause")),
            extension_value(one, "decision"),
            str(extension_value(one, "by") or ""),
        )
        for action, _, _ in clauses_of(plan)
        for one in extensions(action, CARRIES_OUT)
        if (extension_value(one, "plan") or {}).get("reference") == f"PlanDefinition/{higher}"
    ]


def _suggested(clause: ClauseView, likeness: Likeness, own: dict[str, ClauseView]) -> Sequence[str]:
    """Return the own clauses that may carry out a higher one, the likeliest first: shared words, and shared figures."""
    figures = set(_FIGURE.findall(clause.text))
    scored = []
    for key, score in likeness.like(f"{clause.title}{clause.text}", least=_LEAST / 2):
        same = _SAME_FIGURE * bool(figures & set(_FIGURE.findall(own[key].text)))
        if score + same >= _LEAST:
            scored.append((score + same, key))
    return [key for _, key in sorted(scored, key=lambda one: (-one[0], one[1]))[: _OFFERED * 2]]


def shared_words(first: str, second: str) -> tuple[str, ...]:
    """Return the longest words and the figures that two clauses share: why one may carry out the other."""
    one, other = plain(first), plain(second)
    runs: set[str] = set()
    start = 0
    while start < len(one):
        end = start + 1
        while end <= len(one) and one[start:end] in other:
            end += 1
        if end - 1 - start >= _WORDS:
            runs.add(one[start : end - 1])
        start = max(start + 1, end - 1)
    words = sorted(runs, key=lambda text: (-len(text), text))
    figures = [text for text in _FIGURE.findall(first) if text in _FIGURE.findall(second)]
    return tuple(dict.fromkeys([*figures, *words]))[:4]
