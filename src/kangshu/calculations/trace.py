"""A calculation as it is kept: plain data that holds all it was reckoned from, so that anybody can reckon it again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Text
from kangshu.calculations.evaluation import Calculation, TracedCondition, TracedStep, TracedValue, worked_out


def kept_calculation(one: Calculation) -> dict[str, Any]:
    """Return the calculation as plain data for keeping; numbers stay numbers."""
    return {
        "code": one.code,
        "title": _both(one.title),
        "source": one.source,
        "unit": one.unit,
        "jurisdiction": one.jurisdiction,
        "day": one.day.isoformat(),
        "inputs": [
            {
                "id": each.id,
                "title": _both(each.title),
                "value": each.value,
                "unit": each.unit,
            }
            for each in one.inputs
        ],
        "parameters": [each.as_data() for each in one.parameters],
        "conditions": [
            {
                "id": each.id,
                "title": _both(each.title),
                "held": each.held,
                "clause": each.clause,
                "text": _both(each.text),
                "refuse": each.refuse,
                "check": each.check,
                "figures": _both(each.figures),
            }
            for each in one.conditions
        ],
        "steps": [
            {
                "id": each.id,
                "title": _both(each.title),
                "value": each.value,
                "unit": each.unit,
                "clause": each.clause,
                "expression": each.expression,
                "figures": _both(each.figures),
            }
            for each in one.steps
        ],
        "output": one.output,
        "titles": {code: _both(each) for code, each in one.titles.items()},
        "missing": [_both(each) for each in one.missing],
        "result": one.result,
    }


def read_calculation(data: Mapping[str, Any]) -> Calculation:
    """Return the calculation that `kept_calculation` wrote."""
    return Calculation(
        data["code"],
        _text(data["title"]),
        data["source"],
        data["unit"],
        data["jurisdiction"],
        date.fromisoformat(data["day"]),
        tuple(
            TracedValue(one["id"], _text(one["title"]), one["value"], one["unit"]) for one in data["inputs"]
        ),
        tuple(ParameterVersion.from_data(one) for one in data["parameters"]),
        tuple(
            TracedCondition(
                one["id"],
                _text(one["title"]),
                one["held"],
                one["clause"],
                _text(one["text"]),
                one["refuse"],
                one["check"],
                _text(one["figures"]),
            )
            for one in data["conditions"]
        ),
        tuple(
            TracedStep(
                one["id"],
                _text(one["title"]),
                one["value"],
                one["unit"],
                one["clause"],
                one["expression"],
                _text(one["figures"]),
            )
            for one in data["steps"]
        ),
        data["output"],
        {code: _text(one) for code, one in data["titles"].items()},
        tuple(_text(one) for one in data["missing"]),
    )


def check_calculation(data: Mapping[str, Any]) -> tuple[Text, ...]:
    """Return what is wrong with a kept calculation: every step and condition is reckoned again from what it holds."""
    one = read_calculation(data)
    wrong: list[Text] = []
    values: dict[str, Any] = {
        "parameters": {each.id.replace("-", "_"): each.value for each in one.parameters},
        **{each.id: [] if each.value is None else each.value for each in one.inputs},
    }
    for step in one.steps:
        value = worked_out(step.expression, values)
        if not _same(value, step.value):
            wrong.append(
                Text(
                    f"步骤“{step.title.zh}”重新计算的结果与留存的不一致",
                    f"step '{step.title.en}' reckons to another value",
                )
            )
        values[step.id] = [] if value is None else value
    for condition in one.conditions:
        if worked_out(condition.check, values) is not condition.held:
            wrong.append(
                Text(
                    f"条件“{condition.title.zh}”重新核对的结果与留存的不一致",
                    f"condition '{condition.title.en}' holds otherwise",
                )
            )
    if not _same(one.result, data.get("result")):
        wrong.append(Text("结果与各步骤不一致", "the result does not follow from the steps"))
    return tuple(wrong)


def _same(one: Any, other: Any) -> bool:
    plain = (int, Decimal)
    if isinstance(one, plain) and isinstance(other, plain) and bool not in (type(one), type(other)):
        return Decimal(one) == Decimal(other)
    return type(one) is type(other) and one == other


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _text(data: Mapping[str, str]) -> Text:
    return Text(data["zh"], data["en"])
