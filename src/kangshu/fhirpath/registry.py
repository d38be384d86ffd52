"""The table of functions. The compiler, the reference and the tests read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from kangshu.fhirpath.context import Context, Run, Step
from kangshu.fhirpath.tree import Tree
from kangshu.fhirpath.values import Items


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how many arguments it takes, and how a call of it is compiled."""

    name: str
    least: int
    most: int
    build: Callable[[tuple[Run, ...], tuple[Tree, ...]], Step]


FUNCTIONS: Final[dict[str, Function]] = {}


def plain(name: str, least: int = 0, most: int | None = None) -> Callable[[Any], Any]:
    """Register `run(context, input, *arguments)`, whose arguments are evaluated on the outer `$this` beforehand."""

    def register(run: Callable[..., Items]) -> Callable[..., Items]:
        def build(arguments: tuple[Run, ...], trees: tuple[Tree, ...]) -> Step:
            if not arguments:
                return lambda context, items, this: run(context, items)
            if len(arguments) == 1:
                only = arguments[0]
                return lambda context, items, this: run(context, items, only(context, this))
            return lambda context, items, this: run(context, items, *[a(context, this) for a in arguments])

        FUNCTIONS[name] = Function(name, least, least if most is None else most, build)
        return run

    return register


def lazy(name: str, least: int = 0, most: int | None = None) -> Callable[[Any], Any]:
    """Register `run(context, input, *closures)`, which evaluates its arguments itself, item by item."""

    def register(run: Callable[..., Items]) -> Callable[..., Items]:
        def build(arguments: tuple[Run, ...], trees: tuple[Tree, ...]) -> Step:
            return lambda context, items, this: run(context, items, *arguments)

        FUNCTIONS[name] = Function(name, least, least if most is None else most, build)
        return run

    return register


def special(name: str, least: int, most: int) -> Callable[[Any], Any]:
    """Register `build(closures, trees)`, which makes the step from the written arguments (types, sort keys)."""

    def register(build: Callable[[tuple[Run, ...], tuple[Tree, ...]], Step]) -> Any:
        FUNCTIONS[name] = Function(name, least, most, build)
        return build

    return register


def each(context: Context, items: Items, run: Run) -> list[Items]:
    """Return what `run` makes of each item, `$this` and `$index` set."""
    outer = context.index
    results = []
    for context.index, item in enumerate(items):
        context.spend(1)
        results.append(run(context, [item]))
    context.index = outer
    return results
