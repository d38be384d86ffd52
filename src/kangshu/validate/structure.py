"""The structural walk: elements, cardinality, types, references, bindings, then the invariants of each element."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from kangshu.fhir import Child, Element, Invariant, definitions, split_reference
from kangshu.fhirpath import Node
from kangshu.validate.codes import check_binding
from kangshu.validate.contained import check_contained, check_local_reference
from kangshu.validate.findings import Findings
from kangshu.validate.invariants import check_invariants
from kangshu.validate.primitives import Check, primitive_check
from kangshu.validate.rules import RULES

DEPTH_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class Slot:
    """What the walk needs of one JSON property; `check` is None for structures."""

    element: Element
    type: str
    check: Check | None
    repeats: bool
    targets: frozenset[str]


def _slot(child: Child) -> Slot:
    primitive = definitions().kind(child.type) == "primitive"
    targets = frozenset(target for t in child.element.types if t.code == "Reference" for target in t.targets)
    return Slot(
        child.element,
        child.type,
        primitive_check(child.type) if primitive else None,
        child.element.repeats,
        targets if child.type == "Reference" and "Resource" not in targets else frozenset(),
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """What the walk needs of one type."""

    children: dict[str, Slot]
    required: tuple[tuple[Element, tuple[str, ...]], ...]
    choices: tuple[tuple[str, tuple[str, ...]], ...]
    invariants: tuple[Invariant, ...]
    is_resource: bool


@cache
def shape_of(type: str) -> Shape:
    """Return the shape of a type, made once."""
    known = definitions()
    elements = known.elements(type).values()
    names = {e.name: tuple(name for name, _ in known.choices(type, e.name)) for e in elements}
    return Shape(
        {name: _slot(child) for name, child in known.children(type).items()},
        tuple((e, names[e.name]) for e in elements if e.min > 0),
        tuple((e.name, names[e.name]) for e in elements if e.choice),
        known.invariants(type),
        known.kind(type) == "resource",
    )


class Walk:
    """One walk over one resource."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.depth = 0

    def resource(self, node: Node) -> None:
        """Check a resource, whether it stands alone, is contained or is a bundle's entry."""
        kind = node.value.get("resourceType")
        if not isinstance(kind, str) or not definitions().is_resource(kind):
            self.findings.at(
                node, "", -1, "error", "structure", f"there is no resource type {str(kind)[:60]!r} in R4",
                f"R4 中没有资源类型 {str(kind)[:60]!r}",
            )  # fmt: skip
            return
        self.structure(node, kind, node)
        check_contained(node, self.findings)

    def structure(self, node: Node, type: str, resource: Node) -> None:
        """Check an object against its type."""
        value = node.value
        if not isinstance(value, dict):
            self.wrong(node, "", -1, "must be a JSON object", "应为 JSON 对象")
            return
        shape = shape_of(type)
        if not value or (shape.is_resource and len(value) == 1 and type not in _MAY_BE_EMPTY):
            self.wrong(node, "", -1, "must not be empty (ele-1)", "元素不能为空 (ele-1)", "invariant")
            return
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            self.wrong(
                node, "", -1, f"nested deeper than {DEPTH_LIMIT} elements", f"嵌套超过 {DEPTH_LIMIT} 层"
            )
            self.depth -= 1
            return
        for key, child_value in value.items():
            child = shape.children.get(key)
            if child is not None:
                self.child(node, key, child, child_value, resource)
            elif key.startswith("_") and key[1:] in shape.children:
                self.sibling(node, key, shape.children[key[1:]], child_value, resource)
            elif not (key == "resourceType" and shape.is_resource):
                self.wrong(
                    node, key, -1, f"{type} has no element {key[:60]!r}", f"{type} 没有元素 {key[:60]!r}"
                )
        self.presence(node, shape)
        if type == "Extension":
            self.extension(node)
        elif type == "Reference":
            check_local_reference(node, resource, self.findings)
        for rule in RULES.get(type, ()):
            rule(node, self.findings)
        check_invariants(shape.invariants, node, resource, self.findings)
        self.depth -= 1

    def presence(self, node: Node, shape: Shape) -> None:
        value = node.value
        for element, names in shape.required:
            if not any(name in value or f"_{name}" in value for name in names):
                self.findings.at(
                    node, "", -1, "error", "required", f"the element {element.name} is missing (at least {element.min})",
                    f"缺少元素 {element.name} (至少 {element.min} 个)",
                )  # fmt: skip
        for name, names in shape.choices:
            present = [each for each in names if each in value or f"_{each}" in value]
            if len(present) > 1:
                self.wrong(
                    node, "", -1, f"{name}[x] has more than one type: {', '.join(present)}",
                    f"{name}[x] 同时有多种类型: {', '.join(present)}",
                )  # fmt: skip

    def child(self, node: Node, key: str, slot: Slot, value: Any, resource: Node) -> None:
        """Check the value or values of one property."""
        if not slot.repeats:
            if isinstance(value, list):
                self.wrong(node, key, -1, "must not be an array", "不应为数组")
            else:
                self.value(node, key, -1, slot, value, resource)
            return
        if not isinstance(value, list):
            self.wrong(node, key, -1, "must be an array", "应为数组")
            return
        if not value:
            self.wrong(node, key, -1, "an array must not be empty", "数组不能为空")
        most = slot.element.max
        if most is not None and len(value) > most:
            self.wrong(
                node,
                key,
                -1,
                f"has {len(value)} values, at most {most}",
                f"最多 {most} 个, 实有 {len(value)} 个",
            )
        for index, each in enumerate(value):
            self.value(node, key, index, slot, each, resource)

    def value(self, node: Node, key: str, index: int, slot: Slot, value: Any, resource: Node) -> None:
        """Check one value."""
        element, type = slot.element, slot.type
        if slot.check is not None:
            if value is None:
                if index < 0 or not _sibling_at(node, key, index):
                    self.wrong(node, key, index, "null has no place here", "此处不能为 null")
                return
            problem = slot.check(value)
            if problem is not None:
                self.wrong(node, key, index, problem.en, problem.zh, "value")
                return
            if element.invariants:
                inner = Node(value, type, None, node, key, index)
                check_invariants(element.invariants, inner, resource, self.findings)
        elif type == "Resource":
            if not isinstance(value, dict):
                self.wrong(node, key, index, "must be a resource", "应为资源")
                return
            self.resource(Node(value, str(value.get("resourceType", "")), None, node, key, index))
        else:
            inner = Node(value, type, None, node, key, index)
            self.structure(inner, type, resource)
            if value.__class__ is not dict:
                return
            if slot.targets:
                self.target(inner, slot)
            if element.invariants:
                check_invariants(element.invariants, inner, resource, self.findings)
        if element.binding is not None:
            check_binding(element.binding, type, value, node, key, index, self.findings)

    def sibling(self, node: Node, key: str, slot: Slot, value: Any, resource: Node) -> None:
        """Check `_name`: id and extensions of a primitive."""
        if slot.check is None:
            self.wrong(node, key, -1, "only a primitive has such a property", "只有基本类型才有此属性")
            return
        rows = value if isinstance(value, list) else [value]
        if isinstance(value, list) != slot.repeats:
            self.wrong(
                node, key, -1, "must be an array just where the element is one", "是否为数组须与元素一致"
            )
            return
        for index, row in enumerate(rows):
            if row is None and slot.repeats:
                continue
            inner = Node(row, "Element", None, node, key, index if slot.repeats else -1)
            self.structure(inner, "Element", resource)

    def extension(self, node: Node) -> None:
        value = node.value
        has_value = any(name.lstrip("_").startswith("value") for name in value)
        if has_value == ("extension" in value):
            self.wrong(
                node, "", -1, "an extension has either a value or extensions, not both (ext-1)",
                "扩展须有值或下级扩展之一 (ext-1)", "invariant",
            )  # fmt: skip

    def target(self, node: Node, slot: Slot) -> None:
        """Check that a reference leads to a type that the element allows."""
        text = node.value.get("reference")
        parts = split_reference(text) if isinstance(text, str) else None
        found = parts.type if parts is not None else node.value.get("type")
        if isinstance(found, str) and found not in slot.targets and definitions().is_resource(found):
            allowed = ", ".join(sorted(slot.targets))
            self.wrong(
                node,
                "",
                -1,
                f"a reference to {found} is not allowed; to {allowed}",
                f"不能引用 {found}, 可引用 {allowed}",
            )

    def wrong(self, node: Node, key: str, index: int, text: str, zh: str, code: str = "structure") -> None:
        """Report an error at a child of `node`, or at the node itself."""
        self.findings.at(node, key, index, "error", code, text, zh)


_MAY_BE_EMPTY: Final = frozenset(
    name
    for name in (
        "Parameters",
        "Patient",
        "Binary",
        "Bundle",
        "Person",
        "Practitioner",
        "PractitionerRole",
        "Organization",
    )
)
"""Resources that may hold nothing but their type."""


def _sibling_at(node: Node, key: str, index: int) -> bool:
    siblings = node.value.get(f"_{key}")
    return isinstance(siblings, list) and index < len(siblings) and siblings[index] is not None
