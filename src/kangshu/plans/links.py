"""Which measure may prove a target: the measures' own expressions over the plan's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kangshu.plans.model import PlanView, Suggestion, TargetView
from kangshu.sdk import MeasureDeclaration

_SENTENCE = re.compile(r"[。；;！\n]")
_SAYS_NOTHING = re.compile(
    r"[\s，。；]*(到|在)?([0-9xX]{4}年)?(底|前)*(分别)?(达到|提高到|不低于|不少于)?.{0,3}"
)
_PART = re.compile(r"[，,。；;！\n]")


def words_of(target: TargetView, text: str) -> tuple[str, ...]:
    """Return the words that a target may be known by, the nearest first: indicator, its part of the sentence.

    Only an indicator that says nothing by itself (到2027年达到…) is looked for in the whole sentence.
    """
    start, end = target.anchor.start, target.anchor.end
    before = text[max(0, start - 160) : start]
    after = text[start:end]
    found = (target.indicator, _PART.split(before)[-1] + after)
    if _SAYS_NOTHING.fullmatch(target.indicator):
        return (*found, _SENTENCE.split(before)[-1] + after)
    return found


def suggest(plan: PlanView, measures: Iterable[MeasureDeclaration]) -> tuple[Suggestion, ...]:
    """Return for each target the measure whose words fit best, where one fits."""
    listed = tuple(measures)
    found = []
    for target in plan.targets:
        best = _best(words_of(target, plan.text), _possible(target, listed))
        if best is not None:
            measure, matched = best
            found.append(Suggestion(target.id, measure.id, measure.title, matched))
    return tuple(found)


def _possible(target: TargetView, measures: Iterable[MeasureDeclaration]) -> list[MeasureDeclaration]:
    """Return the measures that nobody has refused for the target and whose unit lets the figure be compared."""
    return [one for one in measures if one.id not in target.refused and _comparable(target, one)]


def _comparable(target: TargetView, measure: MeasureDeclaration) -> bool:
    """Return whether the units let the figure be compared: a share with a share, a count with a count."""
    return (measure.unit == "%") == (target.unit == "%")


def _best(
    words: tuple[str, ...], measures: list[MeasureDeclaration]
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
