"""One calculation worked out: every input, parameter, condition and step with its value, and what is missing by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from kangshu.base.faults import Fault
from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Text
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import CalculationCondition, CalculationDeclaration, CalculationStep

Found = Callable[[str], ParameterVersion | Text]
"""A parameter id → the version in force for the place and day, or its title where none is."""
_NAME: Final = re.compile(r"%parameters\.([a-z][a-z0-9_]*)|%([a-z][a-z0-9_]*)")
_TOLD: Final = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")
_SIGNS: Final = ((" * ", " × "), (" / ", " ÷ "))
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class TracedValue:
    """An input as it was found; `value` is None where it was not."""

    id: str
    title: Text
    value: Any
    unit: str = ""


@dataclass(frozen=True, slots=True)
class TracedCondition:
    """A condition: whether it held (None: could not be told), its clause, why it counts, and its words with figures."""

    id: str
    title: Text
    held: bool | None
    clause: str
    text: Text
    refuse: bool
    check: str
    figures: Text
    """How it reads, with the figures in place."""


@dataclass(frozen=True, slots=True)
class TracedStep:
    """A step: what it reckons, the same with the figures in place, its value and the clause it stands on."""

    id: str
    title: Text
    value: Any
    unit: str
    clause: str
    expression: str
    figures: Text


@dataclass(frozen=True, slots=True)
class Calculation:
    """A calculation as worked out. `result` is None while something is missing or it is refused."""

    code: str
    title: Text
    source: str
    unit: str
    jurisdiction: str
    day: date
    inputs: tuple[TracedValue, ...]
    parameters: tuple[ParameterVersion, ...]
    conditions: tuple[TracedCondition, ...]
    steps: tuple[TracedStep, ...]
    output: str
    titles: Mapping[str, Text]
    """How codes among the values read."""
    missing: tuple[Text, ...]
    """What is missing, by name: inputs, parameters, steps that give nothing."""

    @property
    def refused(self) -> tuple[TracedCondition, ...]:
        """Return the conditions that forbid the result: figures below a floor, above a cap."""
        return tuple(one for one in self.conditions if one.refuse and one.held is False)

    @property
    def unmet(self) -> tuple[TracedCondition, ...]:
        """Return the conditions of entitlement that do not hold: with one of them the result is 0."""
        return tuple(one for one in self.conditions if not one.refuse and one.held is False)

    def step(self, name: str) -> Any:
        """Return the value of a step; 0 where a condition of entitlement does not hold."""
        return _ZERO if self.unmet else next((one.value for one in self.steps if one.id == name), None)

    @property
    def result(self) -> Decimal | None:
        """Return the result; 0 where a condition of entitlement does not hold, None where it cannot be told."""
        if self.unmet:
            return _ZERO
        if self.missing or self.refused:
            return None
        value = next((one.value for one in self.steps if one.id == self.output), None)
        return None if value is None or isinstance(value, bool) else Decimal(str(value))


def calculate(
    declaration: CalculationDeclaration,
    given: Mapping[str, Any],
    find: Found,
    day: date,
    jurisdiction: str,
) -> Calculation:
    """Return the calculation from `given` (input id → plain value, None for none) and the parameters that `find` gives.

    It raises nothing: what is missing or does not fit is told by name.
    """
    versions, missing = _parameters(declaration, find)
    missing = [
        *(one.title for one in declaration.inputs if given.get(one.id) is None and not one.optional),
        *missing,
    ]
    values: dict[str, Any] = {"parameters": {name: one.value for name, one in versions.items()}}
    values.update({one.id: _bound(given.get(one.id)) for one in declaration.inputs})
    titles = {
        **dict(declaration.titles),
        **{code: text for one in declaration.inputs for code, text in one.titles},
    }
    steps = []
    for step in declaration.steps:
        value = worked_out(step.expression, values)
        steps.append(_step(step, value, values, titles))
        values[step.id] = _bound(value)
        if value is None and not missing:
            missing.append(step.title)
    conditions = tuple(_condition(one, values, titles) for one in declaration.conditions)
    if not missing:
        missing = [one.title for one in conditions if one.held is None]
    return Calculation(
        declaration.code,
        declaration.title,
        declaration.source,
        declaration.unit,
        jurisdiction,
        day,
        tuple(TracedValue(one.id, one.title, given.get(one.id), one.unit) for one in declaration.inputs),
        tuple(versions.values()),
        conditions,
        tuple(steps),
        declaration.output,
        titles,
        tuple(missing),
    )


def figures(declaration: CalculationDeclaration, find: Found) -> dict[str, Any]:
    """Return the values of the parameters that a calculation names, as its expressions name them."""
    return {name: one.value for name, one in _parameters(declaration, find)[0].items()}


def worked_out(expression: str, values: Mapping[str, Any]) -> Any:
    """Return the single value of an expression over named values; None where it finds none, several, or does not fit."""
    try:
        found = compile_expression(expression).evaluate(None, values)
    except Fault:
        return None
    return found[0] if len(found) == 1 and not isinstance(found[0], dict | list) else None


def expressions_of(declaration: CalculationDeclaration) -> Iterator[str]:
    """Yield the expressions of the inputs, steps and conditions."""
    yield from (one.value for one in declaration.inputs)
    yield from (one.expression for one in declaration.steps)
    yield from (one.check for one in declaration.conditions)


def names_in(expression: str) -> Iterator[tuple[str, bool]]:
    """Yield (name, whether it is a parameter's id) of all that an expression names."""
    for parameter, name in _NAME.findall(expression):
        yield (str(parameter).replace("_", "-"), True) if parameter else (str(name), False)


def with_figures(expression: str, values: Mapping[str, Any], titles: Mapping[str, Text]) -> str:
    """Return an expression with the figures in the place of its names, as an accountant writes it."""

    def figure(match: re.Match[str]) -> str:
        if match[1]:
            return written(values["parameters"].get(match[1]), titles).zh
        return written(values[match[2]], titles).zh if match[2] in values else match[0]

    text = _NAME.sub(figure, expression)
    for sign, shown in _SIGNS:
        text = text.replace(sign, shown)
    return text


def words_in(words: Text) -> Iterator[str]:
    """Yield the names whose figures a text tells."""
    yield from (name for text in (words.zh, words.en) for name in _TOLD.findall(text))


def _worded(words: Text, expression: str, values: Mapping[str, Any], titles: Mapping[str, Text]) -> Text:
    """Return how a step reads with its figures: by its words where it has some, else by its expression."""
    if not words.zh:
        plain = with_figures(expression, values, titles)
        return Text(plain, plain)

    def figure(name: str) -> Text:
        return written(values[name] if name in values else values["parameters"].get(name), titles)

    zh = _TOLD.sub(lambda match: figure(match[1]).zh, words.zh)
    return Text(zh, _TOLD.sub(lambda match: figure(match[1]).en, words.en))


def written(value: Any, titles: Mapping[str, Text]) -> Text:
    """Return a value as it stands in a trace, codes by their titles; ? where there is none."""
    if value is None or value == []:
        return Text("—", "—")
    if isinstance(value, list | tuple):
        each = [written(one, titles) for one in value]
        return Text("、".join(one.zh for one in each), ", ".join(one.en for one in each))
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    if isinstance(value, str) and value in titles:
        return titles[value]
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return Text(text, text)


def _parameters(
    declaration: CalculationDeclaration, find: Found
) -> tuple[dict[str, ParameterVersion], list[Text]]:
    """Return the versions that the expressions ask for, by their name in them, and the titles of those that lack."""
    versions: dict[str, ParameterVersion] = {}
    missing: list[Text] = []
    asked = dict.fromkeys(
        name for one in expressions_of(declaration) for name, parameter in names_in(one) if parameter
    )
    for name in asked:
        version = find(name)
        if isinstance(version, Text):
            missing.append(version)
        else:
            versions[name.replace("-", "_")] = version
    return versions, missing


def _bound(value: Any) -> Any:
    return [] if value is None else value


def _step(
    step: CalculationStep, value: Any, values: Mapping[str, Any], titles: Mapping[str, Text]
) -> TracedStep:
    figures = _worded(step.words, step.expression, values, titles)
    return TracedStep(step.id, step.title, value, step.unit, step.clause, step.expression, figures)


def _condition(
    one: CalculationCondition, values: Mapping[str, Any], titles: Mapping[str, Text]
) -> TracedCondition:
    held = worked_out(one.check, values)
    return TracedCondition(
        one.id,
        one.title,
        held if isinstance(held, bool) else None,
        one.clause,
        one.text,
        one.refuse,
        one.check,
        _worded(one.words, one.check, values, titles),
    )
