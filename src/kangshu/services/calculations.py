"""The YAML of a service's calculations → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from kangshu.base.faults import Fault
from kangshu.calculations import names_in, words_in
from kangshu.cases import GIVEN_NAMES, all_fields
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import (
    CalculationCondition,
    CalculationDeclaration,
    CalculationInput,
    CalculationStep,
    CaseDeclaration,
    Text,
)
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

Found = Callable[[str, str], Finding]


def read_calculation(entry: Entry, service: str, places: Places) -> CalculationDeclaration:
    """Return the calculation that `entry` declares; what is wrong goes to the entry's findings."""
    calculation = CalculationDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        cases=entry.strings("cases", required=True),
        source=entry.string("source", required=True),
        inputs=entry.each("inputs", _input),
        steps=entry.each("steps", _step),
        output=entry.string("output", required=True),
        unit=entry.string("unit", required=True),
        conditions=entry.each("conditions", _condition),
        help=entry.text("help", required=False),
        day=entry.string("day"),
        titles=entry.titles("titles"),
        when=entry.string("when"),
        states=entry.strings("states"),
    )
    places.note(calculation, entry)
    entry.close()
    return calculation


def _input(entry: Entry) -> CalculationInput:
    made = CalculationInput(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        value=entry.string("value", required=True),
        unit=entry.string("unit"),
        optional=entry.boolean("optional"),
        titles=entry.titles("titles"),
    )
    entry.close()
    return made


def _step(entry: Entry) -> CalculationStep:
    step = CalculationStep(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        expression=entry.string("expression", required=True),
        clause=entry.string("clause", required=True),
        unit=entry.string("unit"),
        words=entry.text("words", required=False),
    )
    entry.close()
    return step


def _condition(entry: Entry) -> CalculationCondition:
    condition = CalculationCondition(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        check=entry.string("check", required=True),
        clause=entry.string("clause", required=True),
        text=entry.text("text"),
        refuse=entry.boolean("refuse"),
        words=entry.text("words", required=False),
    )
    entry.close()
    return condition


def check_calculations(
    calculations: Collection[CalculationDeclaration],
    kinds: Collection[CaseDeclaration],
    parameters: Collection[str],
    places: Places,
) -> Iterator[Finding]:
    """Yield what is wrong with a service's calculations, and with the moves that make them."""
    for one in calculations:
        yield from _check_calculation(one, kinds, parameters, places)
    made = {one.id: one for one in calculations}
    for kind in kinds:
        for effect in (*kind.effects, *(one for move in kind.moves for one in move.effects)):
            if "calculate" in effect:
                yield from _check_effect(effect, kind, made.get(str(effect["calculate"])), places)


def _check_effect(
    effect: Mapping[str, Any], kind: CaseDeclaration, wanted: CalculationDeclaration | None, places: Places
) -> Iterator[Finding]:
    if wanted is None or kind.id not in wanted.cases:
        text = f"there is no calculation '{effect['calculate']}' for this case"
        yield places.finding(kind, text, f"没有用于该办件的测算“{effect['calculate']}”")
        return
    steps = {one.id for one in wanted.steps}
    for name, step in (effect.get("also") or {}).items():
        if name not in all_fields(kind) or step not in steps:
            text = f"'also: {name}: {step}' names no field or no step"
            yield places.finding(kind, text, f"also“{name}: {step}”没有对应的字段或步骤")


def _check_calculation(
    calculation: CalculationDeclaration,
    kinds: Collection[CaseDeclaration],
    parameters: Collection[str],
    places: Places,
) -> Iterator[Finding]:
    """Yield what is wrong with a calculation, given its service's case kinds and every declared parameter."""

    def found(en: str, zh: str) -> Finding:
        return places.finding(calculation, en, zh)

    asked = [one for one in kinds if one.id in calculation.cases]
    for name in sorted(set(calculation.cases) - {one.id for one in asked}):
        yield found(f"there is no case '{name}' in this service", f"本服务没有办件“{name}”")
    states = {state.id for one in asked for state in one.states}
    for name in sorted(set(calculation.states) - states):
        yield found(f"'states' names no state '{name}'", f"states 引用了不存在的状态“{name}”")
    for expression in filter(None, (calculation.when, calculation.day)):
        yield from _compiles(found, expression, calculation.id)
    known = {"parameters"}
    for one in calculation.inputs:
        yield from _compiles(found, one.value, one.id)
        known.add(one.id)
    records = {record.id for one in asked for record in one.records}
    for name in sorted(known & (records | set(GIVEN_NAMES) - {"parameters"})):
        yield found(f"input '{name}' has the name of something given", f"输入项“{name}”与已有名称重复")
    for step in calculation.steps:
        yield from _named(found, step.expression, step.id, known, parameters)
        yield from _worded(found, step.words, step.id, step.expression)
        if step.id in known:
            yield found(f"'{step.id}' is declared twice", f"“{step.id}”重复")
        known.add(step.id)
    for condition in calculation.conditions:
        yield from _named(found, condition.check, condition.id, known, parameters)
        yield from _worded(found, condition.words, condition.id, condition.check)
    if calculation.output not in {one.id for one in calculation.steps}:
        yield found(f"'output: {calculation.output}' is no step", f"output“{calculation.output}”不是步骤")


def _compiles(found: Found, expression: str, name: str) -> Iterator[Finding]:
    try:
        compile_expression(expression)
    except Fault as fault:
        yield found(f"'{name}': {fault.text}", f"“{name}”：{fault.zh}")


def _named(
    found: Found, expression: str, name: str, known: set[str], parameters: Collection[str]
) -> Iterator[Finding]:
    yield from _compiles(found, expression, name)
    for asked, parameter in names_in(expression):
        if parameter and asked not in parameters:
            yield found(
                f"'{name}': no rule declares the parameter '{asked}'",
                f"“{name}”引用了没有声明的参数“{asked}”",
            )
        elif not parameter and asked not in known:
            yield found(
                f"'{name}' names '%{asked}', which nothing before it gives",
                f"“{name}”引用了前面没有的 %{asked}",
            )


def _worded(found: Found, words: Text, name: str, expression: str) -> Iterator[Finding]:
    """Yield the figures that the words of a step name and its expression does not: words tell what is reckoned."""
    asked = {one for one, _ in names_in(expression)}
    for told in {one.replace("_", "-") if one not in asked else one for one in words_in(words)} - asked:
        yield found(
            f"the words of '{name}' name '{told}', which it does not reckon with",
            f"“{name}”的 words 引用了算式中没有的“{told}”",
        )
