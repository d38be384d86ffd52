"""Conditions over a case: guards, checklist items and the texts that prove them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kangshu.access import Grant
from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import Move, Resource


def asked_of(move: Move) -> tuple[str, ...]:
    """Return the expressions that making `move` evaluates over the Task."""
    keys = ("when", "require", "where", "find", "each", "of")
    conditions = (str(effect[key]) for effect in move.effects for key in keys if key in effect)
    otherwise = (move.instead.when,) if move.instead is not None else ()
    return (move.guard, *otherwise, *listed_in(move), *conditions)


def listed_in(move: Move) -> Iterator[str]:
    """Yield the expressions of a move's checklist."""
    for item in move.checklist:
        yield item.check
        yield item.evidence


def truth(
    expression: str,
    resource: Resource,
    form: Mapping[str, Any],
    children: Sequence[Resource],
    grant: Grant,
    source: str = "",
    around: Mapping[str, Any] | None = None,
    *,
    failing: bool = False,
) -> bool:
    """Return whether a guard is true. One that finds nothing is not; one that does not fit is `failing`: a guard that
    cannot be asked never opens a way, a rule that leaves somebody out holds until it can."""
    variables = {
        **_variables(form, children),
        "organisation": grant.organisation,
        "source": source,
        **(around or {}),
    }
    try:
        return compile_expression(expression).holds(resource, variables) is True
    except Fault:
        return failing


def found_texts(
    expression: str,
    resource: Resource,
    form: Mapping[str, Any],
    children: Sequence[Resource],
    around: Mapping[str, Any],
) -> list[str]:
    """Return the texts that an expression finds; none where it does not fit."""
    try:
        found = compile_expression(expression).evaluate(resource, {**_variables(form, children), **around})
    except Fault:
        return []
    return [str(one) for one in found if not isinstance(one, dict | list)]


def first_found(
    expression: str,
    resource: Resource,
    form: Mapping[str, Any],
    children: Sequence[Resource],
    around: Mapping[str, Any],
) -> Any:
    """Return the first thing that an expression finds, None where it finds nothing or does not fit."""
    try:
        return compile_expression(expression).first(resource, {**_variables(form, children), **around})
    except Fault:
        return None


def _variables(form: Mapping[str, Any], children: Sequence[Resource]) -> dict[str, Any]:
    entered = {name: _entered(value) for name, value in form.items() if value is not None}
    return {"form": entered, "children": list(children)}


def _entered(value: Any) -> Any:
    """Return a form's value without the cells of a table's rows that stand empty: to a guard they are not there."""
    if isinstance(value, list):
        return [_entered(one) for one in value]
    if isinstance(value, Mapping):
        return {name: one for name, one in value.items() if one is not None}
    return value
