"""What an expression can be known to do wrong before it meets a resource: names that no type has, casts that never fit.

FHIRPath itself is lenient: a misspelt element finds nothing. Whoever writes an expression wants to be told.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from kangshu.base.text import Text
from kangshu.fhir import definitions
from kangshu.fhirpath.collections import type_argument
from kangshu.fhirpath.tree import (
    Binary,
    Call,
    Dollar,
    Dot,
    Index,
    Literal,
    Name,
    Tree,
    TypeTest,
    Unary,
    Variable,
)

Types: TypeAlias = frozenset[str] | None
"""The FHIR types that a collection may hold; None where that is not known."""

_NONE: Final[frozenset[str]] = frozenset()
_SAME: Final = frozenset(
    [
        "where",
        "first",
        "last",
        "tail",
        "skip",
        "take",
        "single",
        "distinct",
        "trace",
        "sort",
        "intersect",
        "exclude",
        "checkModifiers",
        "defineVariable",
    ]
)
_ORDERED: Final = frozenset(["first", "last", "tail", "skip", "take"])
_UNORDERED: Final = frozenset(["children", "descendants"])
_CRITERIA: Final = frozenset(["where", "all", "exists", "select", "sort"])
_SYSTEM: Final = frozenset(
    [
        "empty",
        "exists",
        "all",
        "allTrue",
        "anyTrue",
        "allFalse",
        "anyFalse",
        "not",
        "count",
        "isDistinct",
        "subsetOf",
        "supersetOf",
        "hasValue",
        "hasExtension",
        "startsWith",
        "endsWith",
        "contains",
        "matches",
        "matchesFull",
        "length",
        "indexOf",
        "lastIndexOf",
        "substring",
        "upper",
        "lower",
        "trim",
        "replace",
        "replaceMatches",
        "toString",
        "toInteger",
        "toDecimal",
        "toBoolean",
        "toDate",
        "toDateTime",
        "toTime",
        "toQuantity",
        "join",
        "split",
        "toChars",
        "getResourceKey",
        "getReferenceKey",
        "memberOf",
        "conformsTo",
        "is",
        "htmlChecks",
        "now",
        "today",
        "timeOfDay",
    ]
)
_COMPOSITE: Final = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})


class _Checker:
    def __init__(self) -> None:
        self.problems: list[Text] = []

    def report(self, zh: str, en: str) -> None:
        text = Text(zh, en)
        if text not in self.problems:
            self.problems.append(text)

    def visit(self, tree: Tree, this: Types) -> Types:
        """Return the types of what `tree` finds with `this` as focus."""
        match tree:
            case Literal():
                return _NONE
            case Name(text):
                return self.head(text, this)
            case Call():
                return self.call(tree, this, this)
            case Dot(source, step):
                found = self.visit(source, this)
                if isinstance(step, Name):
                    return self.member(step.text, found)
                if step.name in _ORDERED and _is_unordered(source):
                    self.report(
                        "children() 的结果没有顺序", f"{step.name}() on children(), which have no order"
                    )
                return self.call(step, found, this)
            case Index(source, position):
                self.visit(position, this)
                return self.visit(source, this)
            case Unary(_, operand):
                self.visit(operand, this)
                return _NONE
            case Binary(operator, left, right):
                one, two = self.visit(left, this), self.visit(right, this)
                return (None if one is None or two is None else one | two) if operator == "|" else _NONE
            case TypeTest(operator, operand, name):
                return self.cast(self.visit(operand, this), name, keeps=operator == "as")
            case Dollar(name):
                return this if name == "$this" else None
            case Variable():
                return None

    def head(self, name: str, this: Types) -> Types:
        if this is None or not name[:1].isupper():
            return self.member(name, this)
        if any(definitions().is_a(each, name) for each in this):
            return this
        wanted = " / ".join(sorted(this))
        self.report(
            f"表达式以 {name} 开头, 但对象是 {wanted}",
            f"the path starts with {name}, the resource is {wanted}",
        )
        return None

    def member(self, name: str, found: Types) -> Types:
        if found is None or found & _COMPOSITE:
            return None
        if not found:
            return None
        types = {kind for each in found for _, kind in definitions().choices(each, name)}
        if not types:
            owners = " / ".join(sorted(found))
            self.report(f"{owners} 没有元素 {name}", f"{owners} has no element {name}")
            return None
        return frozenset(types)

    def cast(self, found: Types, name: str, *, keeps: bool) -> Types:
        last = name.rpartition(".")[2]
        known = definitions()
        if (
            found
            and known.knows(last)
            and not found & _COMPOSITE
            and not any(known.is_a(each, last) or known.is_a(last, each) for each in found)
        ):
            owners = " / ".join(sorted(found))
            self.report(f"{owners} 不可能是 {last}", f"{owners} can never be {last}")
        return (frozenset({last}) if known.knows(last) else _NONE) if keeps else _NONE

    def call(self, call: Call, found: Types, this: Types) -> Types:
        if call.name in ("ofType", "as", "is"):
            return self.cast(found, type_argument(call.arguments), keeps=call.name != "is")
        focus = (
            found
            if call.name in _CRITERIA
            else (None if call.name in ("repeat", "aggregate", "iif") else this)
        )
        results = [
            self.visit(argument, focus) for argument in call.arguments if call.name != "getReferenceKey"
        ]
        if call.name == "select":
            return results[0] if results else None
        if call.name in ("union", "combine"):
            other = results[0] if results else None
            return None if found is None or other is None else found | other
        if call.name == "extension":
            return frozenset({"Extension"})
        if call.name in _SAME:
            return found
        return _NONE if call.name in _SYSTEM else None


def _is_unordered(tree: Tree) -> bool:
    step = tree.step if isinstance(tree, Dot) else tree
    return isinstance(step, Call) and step.name in _UNORDERED


def problems(tree: Tree, type: str) -> tuple[Text, ...]:
    """Return what is wrong with an expression over resources of `type`, as far as types tell."""
    checker = _Checker()
    checker.visit(tree, frozenset({type}))
    return tuple(checker.problems)
