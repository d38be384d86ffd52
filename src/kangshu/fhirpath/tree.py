"""The parts of a parsed expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from kangshu.fhirpath.values import Item


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant collection: one value, or none for `{}`."""

    values: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """An element name (or, at the head of a path, a type name)."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """`source.step`."""

    source: Tree
    step: Name | Call


@dataclass(frozen=True, slots=True)
class Index:
    """`source[position]`."""

    source: Tree
    position: Tree


@dataclass(frozen=True, slots=True)
class Unary:
    """`+x` or `-x`."""

    sign: str
    operand: Tree


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`."""

    operator: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`operand is Type` or `operand as Type`."""

    operator: str
    operand: Tree
    type: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`%name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Dollar:
    """`$this`, `$index` or `$total`."""

    name: str


Tree: TypeAlias = "Literal | Name | Call | Dot | Index | Unary | Binary | TypeTest | Variable | Dollar"
