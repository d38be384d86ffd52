"""A resource against a compiled profile: cardinality, types, fixed values, patterns, slices, bindings, rules."""

from __future__ import annotations

from typing import Any

from kangshu.fhir import definitions, split_reference
from kangshu.fhirpath import FhirPathFault, Node, child_nodes, compile
from kangshu.terminology import terminology
from kangshu.validate.codes import check_binding
from kangshu.validate.findings import Findings, location
from kangshu.validate.invariants import check_invariants
from kangshu.validate.profiles import Constraint, Profile, profiles


def check_profile(profile: Profile, node: Node, findings: Findings) -> None:
    """Check `node` against a profile and the profiles that it builds on."""
    seen: set[str] = set()
    current: Profile | None = profile
    while current is not None and current.url not in seen:
        seen.add(current.url)
        if not definitions().is_a(node.type, current.type):
            findings.at(
                node, "", -1, "error", "structure", f"{node.type} does not fit the profile {current.url}, of {current.type}",
                f"{node.type} 不适用规范 {current.url} ({current.type})",
            )  # fmt: skip
            return
        _Check(node, findings).element(current.root, node)
        current = profiles().find(current.base)


class _Check:
    def __init__(self, resource: Node, findings: Findings) -> None:
        self.resource = resource
        self.findings = findings

    def element(self, constraint: Constraint, node: Node) -> None:
        """Check one element and what lies below it."""
        if constraint.types and node.type not in constraint.types and not self._derived(node, constraint):
            allowed = ", ".join(constraint.types)
            self._wrong(
                node,
                f"the type {node.type} is not allowed; {allowed}",
                f"类型 {node.type} 不允许, 可用 {allowed}",
            )
            return
        if constraint.fixed is not None and not _same(constraint.fixed, node.value):
            self._wrong(
                node,
                f"must be exactly {str(constraint.fixed)[:80]!r}",
                f"必须为 {str(constraint.fixed)[:80]!r}",
            )
        if constraint.pattern is not None and not _fits(constraint.pattern, node.value):
            self._wrong(
                node,
                f"must contain {str(constraint.pattern)[:120]}",
                f"必须包含 {str(constraint.pattern)[:120]}",
            )
        if constraint.binding is not None and node.parent is not None:
            base = definitions().elements(node.parent.type).get(constraint.name)
            if base is None or base.binding is None or base.binding.value_set != constraint.binding.value_set:
                check_binding(
                    constraint.binding,
                    node.type,
                    node.value,
                    node.parent,
                    node.key,
                    node.index,
                    self.findings,
                )
        if constraint.targets:
            self._target(constraint, node)
        check_invariants(constraint.invariants, node, self.resource, self.findings)
        for name, child in constraint.children.items():
            self.children(child, node, name)

    def _derived(self, node: Node, constraint: Constraint) -> bool:
        return "." in node.type or any(definitions().is_a(node.type, each) for each in constraint.types)

    def children(self, constraint: Constraint, node: Node, name: str) -> None:
        """Check the children of one name: how many, each of them, and the slices they fall into."""
        found = child_nodes(node, name)
        base = definitions().elements(node.type).get(name)
        if base is None:
            return
        if len(found) < constraint.min and constraint.min > base.min:
            self._few(node, name, constraint, len(found))
        if constraint.max is not None and len(found) > constraint.max and constraint.max != base.max:
            self._many(node, name, constraint, len(found))
        for each in found:
            self.element(constraint, each)
        left = list(found)
        for slice_ in constraint.slices.values():
            members = [each for each in found if self._falls_into(constraint, slice_, each)]
            if len(members) < slice_.min:
                self._few(node, name, slice_, len(members))
            if slice_.max is not None and len(members) > slice_.max:
                self._many(node, name, slice_, len(members))
            for each in members:
                self.element(slice_, each)
                if each in left:
                    left.remove(each)
        if constraint.closed and constraint.slices and left:
            self._wrong(left[0], f"fits no slice of {constraint.id}", f"不属于 {constraint.id} 的任何切片")

    def _falls_into(self, constraint: Constraint, slice_: Constraint, node: Node) -> bool:
        if not constraint.discriminators:
            return (
                bool(slice_.types) and node.type in slice_.types if constraint.id.endswith("[x]") else False
            )
        return all(self._discriminates(kind, path, slice_, node) for kind, path in constraint.discriminators)

    def _discriminates(self, kind: str, path: str, slice_: Constraint, node: Node) -> bool:
        try:
            values = (
                [node] if path == "$this" else [v for v in compile(path).items(node) if isinstance(v, Node)]
            )
        except FhirPathFault:
            return False
        wanted = _below(slice_, path)
        if kind == "exists":
            return bool(values) if wanted is not None and wanted.min > 0 else not values
        if kind == "type":
            return any(value.type in (wanted.types if wanted else ()) for value in values)
        if kind not in ("value", "pattern"):
            return False
        if path == "url" and (wanted is None or wanted.fixed is None) and slice_.profiles:
            return any(value.value in slice_.profiles for value in values)
        if wanted is None:
            return _by_outer_pattern(slice_, path, node)
        if wanted.fixed is not None:
            return any(_same(wanted.fixed, value.value) for value in values)
        if wanted.pattern is not None:
            return any(_fits(wanted.pattern, value.value) for value in values)
        if wanted.binding is not None and wanted.binding.strength == "required":
            return any(_bound(wanted.binding.value_set, value.value) for value in values)
        return _by_outer_pattern(slice_, path, node)

    def _target(self, constraint: Constraint, node: Node) -> None:
        text = node.value.get("reference") if isinstance(node.value, dict) else None
        parts = split_reference(text) if isinstance(text, str) else None
        if parts is None or "Resource" in constraint.targets or parts.type in constraint.targets:
            return
        allowed = ", ".join(constraint.targets)
        self._wrong(
            node,
            f"a reference to {parts.type} is not allowed; to {allowed}",
            f"不能引用 {parts.type}, 可引用 {allowed}",
        )

    def _few(self, node: Node, name: str, constraint: Constraint, count: int) -> None:
        where = f"{location(node)}.{name}"
        self.findings.add(
            "error", "required", where, f"{constraint.id} is there {count} times, at least {constraint.min}",
            f"{constraint.id} 有 {count} 个, 至少须 {constraint.min} 个",
        )  # fmt: skip

    def _many(self, node: Node, name: str, constraint: Constraint, count: int) -> None:
        where = f"{location(node)}.{name}"
        self.findings.add(
            "error", "structure", where, f"{constraint.id} is there {count} times, at most {constraint.max}",
            f"{constraint.id} 有 {count} 个, 最多 {constraint.max} 个",
        )  # fmt: skip

    def _wrong(self, node: Node, text: str, zh: str) -> None:
        self.findings.at(node, "", -1, "error", "value", text, zh)


def _below(constraint: Constraint, path: str) -> Constraint | None:
    """Return what a slice says of the element at a discriminator's path."""
    if path == "$this":
        return constraint
    here = constraint
    for name in path.split("."):
        plain = name.partition("(")[0]
        if plain in ("ofType", "resolve", "extension"):
            continue
        step = here.children.get(plain)
        if step is None:
            return None
        here = next(iter(step.slices.values()), step) if step.slices else step
    return here


def _by_outer_pattern(slice_: Constraint, path: str, node: Node) -> bool:
    """A pattern higher up decides as well: `code` with a patternCodeableConcept for the path `code.coding.code`."""
    names = path.split(".")
    for length in range(len(names) - 1, -1, -1):
        outer = _below(slice_, ".".join(names[:length]) or "$this")
        if outer is not None and (outer.pattern is not None or outer.fixed is not None):
            wanted = outer.pattern if outer.pattern is not None else outer.fixed
            nodes = compile(".".join(names[:length])).items(node) if length else [node]
            return any(_fits(wanted, each.value) for each in nodes if isinstance(each, Node))
    return False


def _bound(url: str, value: Any) -> bool:
    codings = value.get("coding", [value]) if isinstance(value, dict) else [{"code": value}]
    return any(terminology().validate_code(url, str(c.get("code")), c.get("system")) for c in codings)


def _same(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    return bool(wanted == value)


def _fits(wanted: Any, value: Any) -> bool:
    """Return whether `value` holds everything that the pattern `wanted` does."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(
            name in value and _fits(wanted[name], value[name]) for name in wanted
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(_fits(one, other) for other in value) for one in wanted)
    return _same(wanted, value)
