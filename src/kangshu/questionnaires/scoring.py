"""From answers to scores and levels: sums, cut-offs, rules that change a level. Pure.

Expressions are FHIRPath without a focus. They may ask:

    %items        the answer to each item by its id: a code, codes, a number, a day, a text, true or false
    %points       the score of each answered item that counts
    %scores       the scores reckoned before, by id
    %levels       the code of each level reckoned before, by id
    %parameters   dated parameters in force, hyphens written as underscores
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from kangshu.base.parameters import ParameterVersion
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import (
    LevelChange,
    LevelOption,
    QuestionnaireDeclaration,
    QuestionnaireItem,
    QuestionnaireLevel,
    QuestionnaireScore,
)

Answers = Mapping[str, Any]
"""Answer by item id: a code, a list of codes, a Decimal, a day, a text, a truth."""
Figures = Callable[[str], ParameterVersion]
"""Parameter id → the version in force. Raises ParameterMissing."""

STACK_ONCE: Final = "once"
STACK_EACH: Final = "each"
_PARAMETER: Final = re.compile(r"%parameters\.([a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class FoundLevel:
    """A level with the one before the rules that change it, and those that did."""

    level: QuestionnaireLevel
    option: LevelOption
    preliminary: LevelOption
    changes: tuple[LevelChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the answers come to. A score or level that is not there cannot be told yet."""

    missing: tuple[QuestionnaireItem, ...]
    scores: Mapping[str, Decimal]
    levels: Mapping[str, FoundLevel]
    used: tuple[ParameterVersion, ...]
    """The dated parameters that went into it."""

    @property
    def unverified(self) -> tuple[ParameterVersion, ...]:
        """Return the parameters used that no authority has confirmed."""
        return tuple(one for one in self.used if not one.verified)


@dataclass(slots=True)
class _Sheet:
    """Answers being reckoned."""

    answers: Answers
    figures: Figures
    points: dict[str, Decimal] = field(default_factory=dict)
    scores: dict[str, Decimal] = field(default_factory=dict)
    levels: dict[str, FoundLevel] = field(default_factory=dict)
    used: dict[str, ParameterVersion] = field(default_factory=dict)

    def figure(self, name: str) -> Any:
        """Return a parameter's value, remembered as used."""
        if name not in self.used:
            self.used[name] = self.figures(name)
        return self.used[name].value

    def evaluate(self, expression: str) -> list[Any]:
        """Return what an expression finds."""
        known = {one: self.figure(one.replace("_", "-")) for one in _PARAMETER.findall(expression)}
        variables = {
            "items": {name: value for name, value in self.answers.items() if value not in (None, "", [])},
            "points": dict(self.points),
            "scores": dict(self.scores),
            "levels": {name: found.option.code for name, found in self.levels.items()},
            "parameters": known,
        }
        return compile_expression(expression).evaluate(None, variables)


def reckon(declaration: QuestionnaireDeclaration, answers: Answers, figures: Figures) -> Outcome:
    """Return scores and levels of `answers`. Raises ParameterMissing when a figure is not in force."""
    sheet = _Sheet(answers, figures)
    items = {item.id: item for item in declaration.items}
    missing = tuple(one for one in items.values() if one.required and answers.get(one.id) in (None, "", []))
    for item in items.values():
        if (points := points_of(item, answers.get(item.id))) is not None:
            sheet.points[item.id] = points
    for score in declaration.scores:
        found = _score(sheet, score, items, complete=not missing)
        if found is not None:
            sheet.scores[score.id] = found
    for level in declaration.levels:
        option = _level(sheet, level, complete=not missing)
        if option is not None:
            sheet.levels[level.id] = _changed(sheet, declaration, level, option)
    return Outcome(missing, sheet.scores, sheet.levels, tuple(sheet.used.values()))


def points_of(item: QuestionnaireItem, answer: Any) -> Decimal | None:
    """Return what an answer counts: the option's score, of several the sum; None where nothing counts."""
    chosen = answer if isinstance(answer, list) else [answer]
    found = [one.score for one in item.options if one.code in chosen and one.score is not None]
    return sum(found, Decimal(0)) if found else None


def parameters_asked(declaration: QuestionnaireDeclaration) -> Iterator[str]:
    """Yield the ids of the dated parameters that a questionnaire goes by."""
    for level in declaration.levels:
        yield from (option.least for option in level.options if option.least)
    for expression in expressions(declaration):
        yield from (name.replace("_", "-") for name in _PARAMETER.findall(expression))
    yield from filter(None, (declaration.stacking, declaration.assessors, declaration.valid_months))


def expressions(declaration: QuestionnaireDeclaration) -> Iterator[str]:
    """Yield every expression of a questionnaire."""
    yield from (one.expression for one in declaration.scores if one.expression)
    yield from (one.expression for one in declaration.levels if one.expression)
    yield from (one.when for one in declaration.changes)


def _score(
    sheet: _Sheet, score: QuestionnaireScore, items: Mapping[str, QuestionnaireItem], *, complete: bool
) -> Decimal | None:
    if score.expression:
        found = sheet.evaluate(score.expression) if complete else []
        return Decimal(str(found[0])) if len(found) == 1 else None
    if any(name not in sheet.points for name in score.items):
        return None
    return sum(
        (
            reversed_points(items[name], sheet.points[name]) if name in score.reverse else sheet.points[name]
            for name in score.items
        ),
        Decimal(0),
    )


def reversed_points(item: QuestionnaireItem, points: Decimal) -> Decimal:
    """Return what an answer counts where the item counts from the other end."""
    scores = [one.score for one in item.options if one.score is not None]
    return min(scores) + max(scores) - points


def _level(sheet: _Sheet, level: QuestionnaireLevel, *, complete: bool) -> LevelOption | None:
    if level.expression:
        found = sheet.evaluate(level.expression) if complete else []
        code = str(found[0]) if len(found) == 1 else ""
        return next((one for one in level.options if one.code == code), None)
    score = sheet.scores.get(level.score)
    if score is None:
        return None
    # whichever end is the good one: of the levels whose cut-off is reached, that with the highest
    reached = [
        (Decimal(str(cut)), one)
        for one in level.options
        if one.least and score >= Decimal(str(cut := sheet.figure(one.least)))
    ]
    if reached:
        return max(reached, key=lambda pair: pair[0])[1]
    return next((one for one in level.options if not one.least), None)


def _changed(
    sheet: _Sheet, declaration: QuestionnaireDeclaration, level: QuestionnaireLevel, option: LevelOption
) -> FoundLevel:
    """Return the level after the rules that change it; beyond the first and the last level there is none."""
    own = [one for one in declaration.changes if one.level == level.id]
    hold = [one for one in own if sheet.evaluate(one.when) == [True]]
    fixed = next((one for one in hold if one.to), None)
    if fixed is not None:
        there = next(one for one in level.options if one.code == fixed.to)
        return FoundLevel(level, there, option, (fixed,))
    steps = [one.worsen - one.improve for one in hold]
    if not steps:
        return FoundLevel(level, option, option)
    once = len(steps) > 1 and declaration.stacking and sheet.figure(declaration.stacking) == STACK_ONCE
    moved = max(steps, key=abs) if once else sum(steps)
    place = min(len(level.options) - 1, max(0, level.options.index(option) + moved))
    return FoundLevel(level, level.options[place], option, tuple(hold))
