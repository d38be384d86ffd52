"""Which measure may prove a target: the measures' own expressions, then words in common. Explained, ranked, refusable. Pure.

A measure's own expression (`matches`) fits for certain. Without one, the share of the measure's title that stands in the
target's words tells, as long as nothing speaks against it: another age (60岁, 65岁), another level (二级, 三级), another
unit of measure, a bound the measure does not run towards.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kangshu.plans.model import PlanView, Suggestion, TargetView
from kangshu.plans.phrases import Phrases, phrases_of
from kangshu.sdk import MeasureDeclaration

LIKELY: Final = 0.6
"""Share of a title that must stand in the target's words for the measure to be suggested unasked."""
POSSIBLE: Final = 0.3
"""Below this a measure is no alternative either."""
_WHOLE: Final = 0.8
"""Share of a title that the sentence must hold where the target's own words hold only a part."""
_CONTRARY: Final = (
    ("二级", "三级", "基层"),
    ("60岁", "65岁", "80岁"),
    ("公办", "民办", "民营", "社会办"),
    ("护理型", "民营", "民办"),
    ("城市", "农村"),
    ("签约", "互认", "转诊", "评估", "体检"),
)
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
    """Return for each target the measure that fits best, where one is likely."""
    listed = tuple(measures)
    best = (ranked(target, plan.text, listed, plan.targets)[:1] for target in plan.targets)
    return tuple(found[0] for found in best if found and found[0].score >= LIKELY)


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


def _expression(phrase: str, measure: MeasureDeclaration) -> tuple[int, str] | None:
    """Return where the measure's own expressions match the phrase last, and the words."""
    matches = [one for expression in measure.matches for one in re.finditer(expression, phrase)]
    if not matches:
        return None
    last = max(matches, key=lambda one: (one.start(), len(one.group())))
    return last.start(), last.group()


def _by_words(phrases: Phrases, measure: MeasureDeclaration) -> _Fit | None:
    """Return how well the title's words fit. A part left out (三级…不低于60%，二级医疗机构不低于50%) is found in the sentence."""
    title, phrase = measure.title.zh, phrases.near[0]
    if any(_contrary(group, phrase, title) for group in _CONTRARY):
        return None
    words = _pairs(title)
    if not words:
        return None
    score = len(words & _pairs(phrase)) / len(words)
    if score < POSSIBLE:
        return None
    if score < LIKELY and len(words & _pairs(phrases.sentence)) >= _WHOLE * len(words):
        score = LIKELY
    matched = "、".join(_shared(phrase, title))
    return _Fit(measure, matched, round(min(score, 0.99), 2), (score * 0.9, 0, len(matched), measure.id))


def _contrary(group: Sequence[str], phrase: str, title: str) -> bool:
    """Return whether title and phrase each name one of the alternatives and none in common."""
    there, here = {one for one in group if one in title}, {one for one in group if one in phrase}
    return bool(there) and not there & here and (bool(here) or group == _CONTRARY[-1])


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
