"""`extract`: the index entries of a resource, in one walk over the elements that parameters name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from kangshu import fhirpath
from kangshu.search.convert import Emit, emitter
from kangshu.search.entries import Entries
from kangshu.search.parameters import Parameter, TypeParameters, parameters_of
from kangshu.search.paths import Leaf, Step

Walk: TypeAlias = Callable[[Any, int, Entries], None]


def extract(resource: dict[str, Any]) -> Entries:
    """Return the entries of `resource` by kind, without doubles; none for a type that is not R4's.

    `_id`, `_lastUpdated` and `_district` are columns of the record and have no entries.
    """
    out = Entries()
    for walk in program(resource.get("resourceType", "")):
        walk(resource, 0, out)
    return out.unique()


@dataclass(slots=True)
class _Node:
    children: dict[Step, _Node] = field(default_factory=dict)
    emits: list[Emit] = field(default_factory=list)
    groups: list[Walk] = field(default_factory=list)

    def at(self, steps: tuple[Step, ...]) -> _Node:
        node = self
        for step in steps:
            node = node.children.setdefault(step, _Node())
        return node


@cache
def program(type: str) -> tuple[Walk, ...]:
    """Return the walks that index a resource of `type`: one over the elements, one per FHIRPath parameter."""
    declared = parameters_of(type)
    root = _Node()
    for parameter in declared.simple.values():
        if parameter.own:
            for leaf in parameter.leaves:
                _plant(root, parameter.kind, parameter.name, leaf)
    _plant_groups(root, declared)
    walks = [_compile(root)]
    walks.extend(_residue(p) for p in declared.simple.values() if p.own and p.residue)
    return tuple(walks)


def _plant(root: _Node, kind: Any, name: str, leaf: Leaf) -> None:
    emit = emitter(kind, leaf.type, name, leaf.target)
    if emit is not None:
        root.at(leaf.steps).emits.append(emit)


def _plant_groups(root: _Node, declared: TypeParameters) -> None:
    for composite in declared.composite.values():
        if composite.group is None:
            continue
        inner = _Node()
        for component, found in composite.group.components:
            for leaf in found:
                _plant(inner, component.kind, component.code, leaf)
        walk = _compile(inner)
        for leaf in composite.group.at:
            root.at(leaf.steps).groups.append(walk)


def _compile(node: _Node) -> Walk:
    """Return the walk of one node: its own entries, then those below it."""
    emits = tuple(node.emits)
    groups = tuple(node.groups)
    below = tuple((step.name, step.key, step.equal, _compile(child)) for step, child in node.children.items())
    if not below and not groups and len(emits) == 1:
        return emits[0]

    def walk(value: Any, part: int, out: Entries) -> None:
        for emit in emits:
            emit(value, part, out)
        if type(value) is not dict:
            return
        for name, key, equal, child in below:
            found = value.get(name)
            if found is None:
                continue
            if type(found) is list:
                for one in found:
                    if not key or (type(one) is dict and one.get(key) == equal):
                        child(one, part, out)
            elif not key or (type(found) is dict and found.get(key) == equal):
                child(found, part, out)

    if not groups:
        return walk

    def walk_groups(value: Any, part: int, out: Entries) -> None:
        walk(value, part, out)
        number = _next_part(out)
        for group in groups:
            group(value, number, out)

    return walk_groups


def _next_part(out: Entries) -> int:
    """Return the number of the next composite element: one above those there are."""
    rows: tuple[list[Any], ...] = (out.token, out.string, out.date, out.number, out.quantity, out.reference)
    return 1 + max((row[1] for kind in rows for row in kind), default=0)


def _residue(parameter: Parameter) -> Walk:
    """Return the walk of a parameter that only the FHIRPath engine can read; its values are primitives."""
    if parameter.leaves == () and parameter.name == "deceased":
        return _deceased
    expressions = [fhirpath.compile(text) for text in parameter.residue]
    kinds = {str: "string", bool: "boolean", dict: "Reference", int: "integer"}

    def walk(resource: Any, part: int, out: Entries) -> None:
        for expression in expressions:
            for value in expression.evaluate(resource):
                emit = emitter(parameter.kind, kinds.get(type(value), "decimal"), parameter.name)
                if emit is not None:
                    emit(value, part, out)

    return walk


def _deceased(resource: Any, part: int, out: Entries) -> None:
    """Patient.deceased: true with a time of death or `true`; false otherwise. A short cut on the hottest type."""
    dead = resource.get("deceasedDateTime") is not None or resource.get("deceasedBoolean") is True
    out.token.append(("deceased", part, "", "true" if dead else "false"))
