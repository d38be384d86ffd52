"""Which measure may prove a target: the measures' own expressions, then words in common. Explained, ranked, refusable. Pure.

A measure's own expression (`matches`) fits for certain. Without one, the share of the measure's title that stands in the
target's words tells, as long as nothing speaks against it: another age (60岁, 65岁), another level (二级, 三级), another
unit of measure, a bound the measure does not run towards.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from kangshu.plans.evidence import higher_total
from kangshu.plans.model import PlanView, TargetView
from kangshu.plans.outcomes import Suggestion
from kangshu.plans.phrases import Phrases, phrases_of
from kangshu.sdk import AwaitedMeasure, MeasureDeclaration

LIKELY: Final = 0.75
"""How alike title and words must be (Dice, over pairs of signs) for the measure to be suggested unasked."""
POSSIBLE: Final = 0.3
"""Below this a measure is no alternative either."""
_WHOLE: Final = 0.9
"""Share of a title that the sentence must hold where the target's own words leave a part out."""
_PART: Final = 0.8
"""Share of those own words that the title must hold."""
_MARKS: Final = tuple(
    re.compile(one)
    for one in (
        "60岁",
        "65岁",
        "80岁",
        "二级",
        "三级",
        "公办|公建",
        "民办|民营|社会办",
        "护理型",
        "城市",
        "农村",
    )
)
"""Words that tell two indicators apart: either both name them or neither does."""
_COMMON: Final = re.compile(
    r"[的、，。“”（）()\s\d%％]|占比|比例|比重|覆盖率|达标|以上|不低于|达到|实现|全市|全区|人数|数$"
)
_UPPER: Final = frozenset({"<=", "<", "decrease_to", "decrease_by"})


@dataclass(frozen=True, slots=True)
class _Fit:
    measure: MeasureDeclaration
    matched: str
    score: float
    rank: tuple[float, int, int, str]
    """Score, how near the words stand to the figure, how long they are, id."""


def ranked(
    target: TargetView,
    text: str,
    measures: Iterable[MeasureDeclaration],
    fellows: Collection[TargetView] = (),
) -> tuple[Suggestion, ...]:
    """Return the measures that may prove the target, the likeliest first; refused ones are left out."""
    phrases = phrases_of(target, text, fellows)
    fits = [
        fit
        for one in measures
        if one.id not in target.refused and _comparable(target, one)
        for fit in [_fit(phrases, one)]
        if fit is not None
    ]
    fits.sort(key=lambda fit: fit.rank, reverse=True)
    return tuple(
        Suggestion(
            target.id,
            fit.measure.id,
            fit.measure.title,
            fit.matched,
            fit.score,
            fit.measure.unit == "%" and target.unit != "%",
        )
        for fit in fits
    )


def suggest(plan: PlanView, measures: Iterable[MeasureDeclaration]) -> tuple[Suggestion, ...]:
    """Return for each target the measure that fits best, where one is likely.

    A higher level's total is none of the city's own figures: no measure is suggested for it unasked.
    """
    listed = tuple(measures)
    own = (one for one in plan.targets if not higher_total(phrases_of(one, plan.text, plan.targets)))
    best = (ranked(target, plan.text, listed, plan.targets)[:1] for target in own)
    return tuple(found[0] for found in best if found and found[0].score >= LIKELY)


def awaited_for(
    target: TargetView,
    text: str,
    awaited: Iterable[AwaitedMeasure],
    fellows: Collection[TargetView] = (),
) -> AwaitedMeasure | None:
    """Return the measure without a number that the target means by the measure's own expressions, None for none."""
    phrases = phrases_of(target, text, fellows)
    found = [
        (-place, one.id, one)
        for place, phrase in enumerate(phrases.near if phrases.telling else phrases.every)
        for one in awaited
        if (one.unit == "%") == (target.unit == "%") and _expression(phrase, one)
    ]
    return max(found, default=(0, "", None))[2]


def _comparable(target: TargetView, measure: MeasureDeclaration) -> bool:
    """Return whether the figure can be held against the measure: its unit, and the way it should go.

    A share proves a share, or a standard that each one has to meet; a measure that should grow proves no upper bound.
    """
    if measure.unit == "%" and target.unit != "%":
        return target.standard
    if (measure.unit == "%") != (target.unit == "%"):
        return False
    return not (target.comparator in _UPPER and measure.direction == "increase")


def _fit(phrases: Phrases, measure: MeasureDeclaration) -> _Fit | None:
    for place, phrase in enumerate(phrases.near if phrases.telling else phrases.every):
        found = _expression(phrase, measure)
        if found:
            start, words = found
            # the last match stands nearest to the figure; a longer one says more
            return _Fit(measure, words, 1.0, (1.0 - place / 100, start, len(words), measure.id))
    return _by_words(phrases, measure)


def _expression(phrase: str, measure: MeasureDeclaration | AwaitedMeasure) -> tuple[int, str] | None:
    """Return where the measure's own expressions match the phrase last, and the words."""
    matches = [one for expression in measure.matches for one in re.finditer(expression, phrase)]
    if not matches:
        return None
    last = max(matches, key=lambda one: (one.start(), len(one.group())))
    return last.start(), last.group()


def _by_words(phrases: Phrases, measure: MeasureDeclaration) -> _Fit | None:
    """Return how well the title's words fit. A part left out (三级…不低于60%，二级医疗机构不低于50%) is found in the sentence."""
    title, phrase = measure.title.zh, phrases.near[0]
    if any(bool(mark.search(phrase)) != bool(mark.search(title)) for mark in _MARKS):
        return None
    words, own = _pairs(title), _pairs(phrase)
    if not words or not own:
        return None
    common = len(words & own)
    score = 2 * common / (len(words) + len(own))
    if score < POSSIBLE:
        return None
    left_out = common > _PART * len(own) and len(words & _pairs(phrases.sentence)) >= _WHOLE * len(words)
    if score < LIKELY and left_out:
        score = LIKELY
    matched = "、".join(_shared(phrase, title))
    return _Fit(measure, matched, round(min(score, 0.99), 2), (score * 0.9, 0, len(matched), measure.id))


def _pairs(words: str) -> set[str]:
    """Return the pairs of signs that tell something: 养老, 老机, 机构."""
    return {part[at : at + 2] for part in _COMMON.split(words) for at in range(len(part) - 1)}


def _shared(phrase: str, title: str) -> list[str]:
    """Return the longest pieces of the title that stand in the phrase, at least two signs long, in its order."""
    found: list[str] = []
    at = 0
    while at < len(title) - 1:
        size = next((size for size in range(len(title) - at, 1, -1) if title[at : at + size] in phrase), 0)
        if size:
            found.append(title[at : at + size])
        at += size or 1
    return found
