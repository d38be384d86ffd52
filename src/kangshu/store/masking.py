"""Protected values within a resource: hidden on the way out, put back on the way in. Pure; the door is `fields`.

A protected value stands in an element that fields.yaml names for the resource's type, wherever that resource stands
(contained, in a Bundle), or beside the system of identity numbers anywhere, as in a reference by identifier.
What is hidden with it: the extensions of its element, which may tell it again, and the narrative.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from kangshu.access import ProtectedField, fields_of, is_masked, protected_fields
from kangshu.base.canonical import RESIDENT_ID
from kangshu.base.faults import Forbidden, Unprocessable
from kangshu.sdk import Resource

IDENTITY_NUMBER: Final = "identity-number"
Hidden = frozenset[str]
"""Ids of the fields that are not shown."""
_Tree = Mapping[str, "ProtectedField | _Tree"]
_NO_TREE: Final[_Tree] = MappingProxyType({})
_INNER_RESOURCE: Final = b'"resourceType"'
_NUMBER_SYSTEM: Final = RESIDENT_ID.encode()
_OUTER: Final = len('{"resourceType"')


@cache
def _tree_of(type: str) -> _Tree:
    """Return the protected elements of a type: element → its field, or the tree below it."""
    tree: dict[str, Any] = {}
    for field in fields_of(type):
        for path in field.elements[type]:
            *above, leaf = path.split(".")
            node = tree
            for name in above:
                node = node.setdefault(name, {})
            node[leaf] = field
    return tree


def may_hold(type: str, body: bytes) -> bool:
    """Return whether a record of `type` can hold a protected value; told from its text, without parsing."""
    return (
        bool(fields_of(type)) or body.find(_INNER_RESOURCE, _OUTER) > 0 or _NUMBER_SYSTEM in body
    )  # fmt: skip


def may_carry(resource: Resource, hidden: Hidden) -> bool:
    """Return whether `resource`, not stored yet, has values of `hidden` fields."""
    return bool(_spots(resource, hidden))


def masked_resource(resource: Resource, hidden: Hidden) -> Resource:
    """Return `resource` with the values of `hidden` fields masked; the same object when it has none."""
    found: Resource = _masked(resource, _NO_TREE, hidden)
    return found


def _masked(node: Any, tree: _Tree, hidden: Hidden) -> Any:
    if type(node) is list:
        items = [_masked(item, tree, hidden) if type(item) in (dict, list) else item for item in node]
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    kind = node.get("resourceType")
    if type(kind) is str:
        tree = _tree_of(kind)
    changed: dict[str, Any] = {}
    for name, value in node.items():
        if type(value) is dict or type(value) is list:
            below = tree.get(name, _NO_TREE)
            inner = _masked(value, below if isinstance(below, Mapping) else _NO_TREE, hidden)
            if inner is not value:
                changed[name] = inner
    leaves = _leaves(node, tree, hidden)
    if not changed and not leaves and not (kind and "text" in node and _speaks(kind, hidden)):
        return node
    dropped = set()
    if type(kind) is str:
        dropped.add("text")
    if leaves:
        dropped.update(_beside(leaves))
        changed.update((name, _hide(field, node[name])) for name, field in leaves)
    return {name: changed.get(name, value) for name, value in node.items() if name not in dropped}


def _speaks(kind: Any, hidden: Hidden) -> bool:
    """Return whether the narrative of a resource of this type may repeat a hidden value."""
    return any(field.id in hidden for field in fields_of(str(kind)))


def _leaves(node: Resource, tree: _Tree, hidden: Hidden) -> list[tuple[str, ProtectedField]]:
    """Return the hidden values that stand in this object itself, by element."""
    found = [
        (name, field)
        for name, field in tree.items()
        if isinstance(field, ProtectedField) and field.id in hidden and _says(node.get(name))
    ]
    if (
        not found
        and IDENTITY_NUMBER in hidden
        and node.get("system") == RESIDENT_ID
        and _says(node.get("value"))
    ):
        found.append(("value", protected_fields()[IDENTITY_NUMBER]))
    return found


def _says(value: Any) -> bool:
    return value is not None and value != "" and value != []


def _beside(leaves: Iterable[tuple[str, ProtectedField]]) -> set[str]:
    """Return what goes with hidden values: extensions of the element and of the values."""
    return {"extension", *(f"_{name}" for name, _ in leaves)}


def _hide(field: ProtectedField, value: Any) -> Any:
    if isinstance(value, list):
        return [_hide(field, item) for item in value]
    return field.hide(value if isinstance(value, str) else str(value))


@dataclass(slots=True)
class _Spot:
    """An object that holds protected values. `place` is its path without positions."""

    place: str
    node: Resource
    leaves: list[tuple[str, ProtectedField]]

    def shown(self) -> str:
        """Return how its values look when they are masked, to compare them by."""
        return repr([(name, _hide(field, self.node[name])) for name, field in self.leaves])

    def said(self) -> str:
        """Return its values as they stand, to compare them by."""
        return repr([(name, self.node[name]) for name, _ in self.leaves])

    def rest(self) -> Resource:
        """Return what stands beside its values."""
        names = {name for name, _ in self.leaves} | _beside(self.leaves)
        return {name: value for name, value in self.node.items() if name not in names}

    def has_stars(self) -> bool:
        return any(is_masked(self.node[name]) for name, _ in self.leaves)

    def give(self, other: _Spot) -> None:
        """Put the values of this spot into `other`, with what goes with them.

        Raises:
            Forbidden: the other brings extensions of its own.
        """
        names = [name for name, _ in self.leaves]
        beside = _beside(self.leaves)
        if any(name in other.node for name in beside):
            raise _not_yours(self.leaves)
        for name in (*names, *beside):
            if name in self.node:
                other.node[name] = copy.deepcopy(self.node[name])


def _spots(node: Any, hidden: Hidden) -> dict[str, list[_Spot]]:
    """Return the objects with values of `hidden` fields by place, in their order."""
    found: dict[str, list[_Spot]] = {}
    _collect(node, _NO_TREE, "", hidden, found)
    return found


def _collect(node: Any, tree: _Tree, place: str, hidden: Hidden, found: dict[str, list[_Spot]]) -> None:
    if type(node) is list:
        for item in node:
            _collect(item, tree, place, hidden, found)
    elif type(node) is dict:
        kind = node.get("resourceType")
        if type(kind) is str:
            tree, place = _tree_of(kind), f"{place}/{kind}"
        if leaves := _leaves(node, tree, hidden):
            found.setdefault(place, []).append(_Spot(place, node, leaves))
        for name, value in node.items():
            if type(value) is dict or type(value) is list:
                below = tree.get(name, _NO_TREE)
                inner = below if isinstance(below, Mapping) else _NO_TREE
                _collect(value, inner, f"{place}.{name}", hidden, found)


def restored(incoming: Resource, standing: Resource, hidden: Hidden, unsure: Hidden) -> Resource:
    """Return `incoming` with what was shown masked replaced by what stands; `standing` is {} for a new record.

    `hidden` fields are not shown to the account in this record: they may neither change, come nor go. `unsure` ones
    are, but not in every record: what comes back masked is replaced too, for it may have been read before.

    Raises:
        Forbidden: a hidden field would change; the fault names it and no value.
        Unprocessable: it cannot be told which value a masked one stands for, or it stands for none.
    """
    if not hidden and not unsure:
        return incoming
    result: Resource = copy.deepcopy(incoming)
    if standing:
        there, brought = _spots(standing, hidden), _spots(result, hidden)
        places = list(dict.fromkeys([*there, *brought]))
        changed = [
            leaf for place in places for leaf in _changed(there.get(place, []), brought.get(place, []))
        ]
        if changed:
            raise _not_yours(changed)
        for place in places:
            _put_back(there[place], brought[place])
        _put_narratives_back(result, standing, hidden)
    else:
        unsure |= hidden
    there, brought = _spots(standing, unsure), _spots(result, unsure)
    for place, spots in brought.items():
        for spot in spots:
            if spot.has_stars():
                _put_one_back(there.get(place, []), spot)
    return result


def values_of(resource: Resource, field: str) -> tuple[str, ...]:
    """Return the values of a protected field in `resource`, in their order."""
    listed = [
        spot.node[name] for spots in _spots(resource, frozenset({field})).values() for spot in spots for name, _ in spot.leaves
    ]  # fmt: skip
    texts = [one for value in listed for one in (value if isinstance(value, list) else [value])]
    return tuple(dict.fromkeys(str(one) for one in texts))


def _changed(there: list[_Spot], brought: list[_Spot]) -> list[tuple[str, ProtectedField]]:
    """Return the values of one place that do not look in `brought` as those that stand do."""
    shown, come = [spot.shown() for spot in there], [spot.said() for spot in brought]
    differ = {text for text in (*shown, *come) if shown.count(text) != come.count(text)}
    pairs = [*zip(there, shown, strict=True), *zip(brought, come, strict=True)]
    return [leaf for spot, text in pairs if text in differ for leaf in spot.leaves]


def _put_back(there: list[_Spot], brought: list[_Spot]) -> None:
    shown, come = [spot.shown() for spot in there], [spot.said() for spot in brought]
    chosen = []
    for at, (other, text) in enumerate(zip(brought, come, strict=True)):
        alike = [spot for spot, looks in zip(there, shown, strict=True) if looks == text]
        # of several that look the same the one in the same place, if what stands beside its value is the same too
        if len(alike) > 1 and shown[at] == text and there[at].rest() == other.rest():
            alike = [there[at]]
        chosen.append(_candidate(alike))
    for mine, other in zip(chosen, brought, strict=True):
        mine.give(other)


def _put_one_back(there: list[_Spot], other: _Spot) -> None:
    text = other.said()
    found = [spot for spot in there if spot.shown() == text]
    if not found:
        titles = _titles(other.leaves)
        raise Unprocessable(
            f"a masked value cannot be stored ({titles[1]}): write it in full, or leave the element as it is read",
            zh=f"“{titles[0]}”是脱敏值，不能保存：请填写完整内容，或重新读取记录后原样保留",
        )
    _candidate(found).give(other)


def _candidate(found: list[_Spot]) -> _Spot:
    if len({spot.said() for spot in found}) > 1:
        titles = _titles(found[0].leaves)
        raise Unprocessable(
            f"two masked values look the same ({titles[1]}): keep their order as it is read, and write again",
            zh=f"有多个脱敏后相同的“{titles[0]}”，无法判断对应哪一个：请重新读取记录，保持原有顺序后再提交",
        )
    return found[0]


def _put_narratives_back(result: Resource, standing: Resource, hidden: Hidden) -> None:
    """Put back the narratives that masking leaves out, of the record and of the resources within it by their id."""
    shown = _resources(masked_resource(standing, hidden))
    mine = _resources(standing)
    for key, one in _resources(result).items():
        if "text" in mine.get(key, ()) and "text" not in shown[key] and "text" not in one:
            one["text"] = mine[key]["text"]


def _resources(resource: Resource) -> dict[tuple[str, Any], Resource]:
    """Return the resource and those within it, by place and id."""
    found: dict[tuple[str, Any], Resource] = {}
    nodes: list[tuple[str, Any]] = [("", resource)]
    while nodes:
        place, node = nodes.pop()
        if type(node) is list:
            nodes.extend((place, item) for item in node)
        elif type(node) is dict:
            kind = node.get("resourceType")
            if type(kind) is str:
                place = f"{place}/{kind}"
                found[place, str(node.get("id"))] = node
            nodes.extend((f"{place}.{name}", value) for name, value in node.items())
    return found


def _titles(leaves: Iterable[tuple[str, ProtectedField]]) -> tuple[str, str]:
    fields = {field.id: field.title for _, field in leaves}
    return "、".join(one.zh for one in fields.values()), ", ".join(one.en for one in fields.values())


def _not_yours(leaves: Iterable[tuple[str, ProtectedField]]) -> Forbidden:
    zh, en = _titles(leaves)
    return Forbidden(
        f"this account may not change a protected field ({en}): leave it as it is read",
        zh=f"“{zh}”受保护，当前账号不能修改，请保持读取时的内容不变",
    )
