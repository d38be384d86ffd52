"""Compiled expressions and their evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kangshu.base.text import Text
from kangshu.fhirpath import conversions, elements, numbers, spans, texts
from kangshu.fhirpath.compiler import compile_tree
from kangshu.fhirpath.context import STEP_LIMIT, Conforms, Context, MemberOf, Resolver, Run
from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.grammar import parse_expression
from kangshu.fhirpath.tree import Tree
from kangshu.fhirpath.typing import problems
from kangshu.fhirpath.values import Items, Node, as_json, resource_node, system, type_name

FUNCTION_ROOMS = (conversions, elements, numbers, spans, texts)
"""Modules that fill the table of functions by being imported."""


class Expression:
    """A FHIRPath expression, compiled once, evaluated any number of times, from any thread."""

    __slots__ = ("_run", "text", "tree")

    def __init__(self, text: str, tree: Tree, run: Run) -> None:
        self.text = text
        self.tree = tree
        self._run = run

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def items(
        self,
        focus: Any,
        variables: Mapping[str, Any] | None = None,
        *,
        resolver: Resolver | None = None,
        conforms: Conforms | None = None,
        member_of: MemberOf | None = None,
        limit: int = STEP_LIMIT,
    ) -> Items:
        """Return the items that the expression finds, FHIR elements as nodes.

        `focus` is a resource, a node, a list of nodes, or None; see `evaluate` for the rest.
        """
        root = _focus(focus)
        bound = {name: _variable(value) for name, value in variables.items()} if variables else None
        context = Context(root, bound, resolver, conforms, member_of, limit)
        try:
            return self._run(context, root)
        except RecursionError:
            raise FhirPathFault("the expression is nested too deeply", zh="表达式嵌套过深") from None

    def evaluate(
        self,
        focus: Any,
        variables: Mapping[str, Any] | None = None,
        *,
        resolver: Resolver | None = None,
        conforms: Conforms | None = None,
        member_of: MemberOf | None = None,
        limit: int = STEP_LIMIT,
    ) -> list[Any]:
        """Return what the expression finds in `focus`, as JSON values.

        Elements come as they stand in the resource, dates as lexemes, quantities as Quantity objects.
        `variables` gives `%name` (values, resources or lists of these); `resolver` fetches references;
        `conforms` and `member_of` answer what needs profiles or terminology; `limit` bounds the work in items.

        Raises:
            FhirPathFault: the expression does not fit the resource. BudgetSpent: too much work.
        """
        items = self.items(
            focus, variables, resolver=resolver, conforms=conforms, member_of=member_of, limit=limit
        )
        return [as_json(item) for item in items if not (isinstance(item, Node) and item.value is None)]

    def first(self, focus: Any, variables: Mapping[str, Any] | None = None) -> Any:
        """Return the first value, None where there is none."""
        found = self.evaluate(focus, variables)
        return found[0] if found else None

    def holds(self, focus: Any, variables: Mapping[str, Any] | None = None, **doors: Any) -> bool | None:
        """Return the truth of the expression: None (unknown) where it finds nothing.

        Raises:
            FhirPathFault: it finds several values.
        """
        items = self.items(focus, variables, **doors)
        if not items:
            return None
        if len(items) > 1:
            raise FhirPathFault("the condition has more than one value", zh="条件含有多个值")
        value = system(items[0])
        return value if isinstance(value, bool) else True

    def problems(self, type: str) -> tuple[Text, ...]:
        """Return what is wrong with the expression over resources of `type`, before any is seen.

        Misspelt elements, a path that starts with another type, casts that never fit. For those who write
        expressions: evaluation itself lets a missing element find nothing.
        """
        return problems(self.tree, type)

    def typed(self, focus: Any, variables: Mapping[str, Any] | None = None) -> list[tuple[str, Any]]:
        """Return (type, JSON value) of each item: `("Quantity", {…})`, `("System.Boolean", True)`."""
        found: list[tuple[str, Any]] = []
        for item in self.items(focus, variables):
            if isinstance(item, Node):
                if item.value is not None:
                    found.append((item.type, item.value))
            else:
                found.append((f"System.{type_name(item)[1]}", as_json(item)))
        return found


def _focus(focus: Any) -> Items:
    if focus is None:
        return []
    if isinstance(focus, dict):
        return [resource_node(focus)]
    if isinstance(focus, list):
        return [resource_node(item) if isinstance(item, dict) else item for item in focus]
    return [focus]


def _variable(value: Any) -> Items:
    return _focus(value)


@lru_cache(maxsize=8192)
def compile(expression: str) -> Expression:
    """Return the compiled expression; the same text is compiled once.

    Raises:
        FhirPathFault: it does not parse, or names an unknown function or type.
    """
    tree = parse_expression(expression)
    try:
        return Expression(expression, tree, compile_tree(tree))
    except RecursionError:
        raise FhirPathFault("the expression is nested too deeply", zh="表达式嵌套过深") from None
