"""Which measure may prove a target: the measures' own expressions over the plan's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kangshu.plans.model import PlanView, Suggestion, TargetView
from kangshu.sdk import MeasureDeclaration

_SENTENCE = re.compile(r"[。；;！\n]")
_PART = re.compile(r"[，,。；;！\n]")


def words_of(target: TargetView, text: str) -> tuple[str, str, str]:
    """Return the words that a target may be known by, the nearest first: indicator, its part, its sentence."""
    start, end = target.anchor.start, target.anchor.end
    before = text[max(0, start - 160) : start]
    after = text[start:end]
    return (
        target.indicator,
        _PART.split(before)[-1] + after,
        _SENTENCE.split(before)[-1] + after,
    )


def suggest(plan: PlanView, measures: Iterable[MeasureDeclaration]) -> tuple[Suggestion, ...]:
    """Return for each target the measure whose words fit best, where one fits."""
    listed = tuple(measures)
    found = []
    for target in plan.targets:
        best = _best(words_of(target, plan.text), listed)
        if best is not None:
            measure, matched = best
            found.append(Suggestion(target.id, measure.id, measure.title, matched))
    return tuple(found)


def _best(
    words: tuple[str, str, str], measures: tuple[MeasureDeclaration, ...]
) -> tuple[MeasureDeclaration, str] | None:
    for text in words:
        ranked = []
        for measure in measures:
            for expression in measure.matches:
                # the last match stands nearest to the figure; a longer one says more
                matches = list(re.finditer(expression, text))
                if matches:
                    last = matches[-1]
                    ranked.append((last.start(), len(last.group()), measure.id, measure, last.group()))
        if ranked:
            top = max(ranked, key=lambda one: one[:3])
            return top[3], top[4]
    return None
