"""Functions that know FHIR. Source: https://hl7.org/fhir/R4/fhirpath.html#functions"""

from __future__ import annotations

from typing import Any

from kangshu.fhir import definitions, narrative_findings, narrative_has_content, split_reference
from kangshu.fhirpath.compiler import add_children, plan_of
from kangshu.fhirpath.context import Context, Run, Step
from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.operators import single
from kangshu.fhirpath.registry import plain, special
from kangshu.fhirpath.temporal import Temporal
from kangshu.fhirpath.texts import text
from kangshu.fhirpath.tree import Dot, Literal, Name, Tree
from kangshu.fhirpath.values import Items, Node, resource_node, type_name

_STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"


def children_of(node: Node) -> Items:
    """Return all children of an element, in the order of its definition."""
    found: Items = []
    if node.value.__class__ is not dict and node.extra is None:
        return found
    for name in definitions().elements(node.type):
        plan = plan_of(node.type, name)
        if plan:
            add_children(found, node, plan)
    return found


def child_nodes(node: Node, name: str) -> list[Node]:
    """Return the children of an element that FHIRPath calls `name`, as nodes."""
    found: Items = []
    plan = plan_of(node.type, name)
    if plan:
        add_children(found, node, plan)
    return [item for item in found if isinstance(item, Node)]


@plain("children")
def children(context: Context, items: Items) -> Items:
    found = [child for item in items if isinstance(item, Node) for child in children_of(item)]
    context.spend(len(found) + 1)
    return found


@plain("descendants")
def descendants(context: Context, items: Items) -> Items:
    found: Items = []
    waiting = items
    while waiting:
        waiting = children(context, waiting)
        found += waiting
    return found


@plain("extension", 1)
def extension(context: Context, items: Items, url: Items) -> Items:
    wanted = text(url, "extension")
    found: Items = []
    for item in items:
        if isinstance(item, Node):
            holder = item.value if isinstance(item.value, dict) else item.extra
            rows = holder.get("extension") if holder else None
            if isinstance(rows, list):
                found += [
                    Node(row, "Extension", None, item, "extension", at)
                    for at, row in enumerate(rows)
                    if isinstance(row, dict) and row.get("url") == wanted
                ]
    return found


@plain("hasExtension", 1)
def has_extension(context: Context, items: Items, url: Items) -> Items:
    """Of STU3; a search parameter of R4 still uses it."""
    return [bool(extension(context, items, url))]


@plain("hasValue")
def has_value(context: Context, items: Items) -> Items:
    if len(items) != 1:
        return [False]
    item = items[0]
    if not isinstance(item, Node):
        return [True]
    return [item.value is not None and definitions().kind(item.type) == "primitive"]


@plain("getValue")
def get_value(context: Context, items: Items) -> Items:
    value = single(items, "getValue")
    return [] if value is None or isinstance(value, Node) else [value]


@plain("type")
def type_(context: Context, items: Items) -> Items:
    found: Items = []
    for item in items:
        space, name = type_name(item)
        found.append(Node({"namespace": space, "name": name}, "System.ClassInfo"))
    return found


def _resource_of(node: Node) -> Node:
    """Return the nearest resource around a node."""
    while node.parent is not None and not definitions().is_resource(node.type):
        node = node.parent
    return node


def _outermost(node: Node) -> Node:
    while node.parent is not None:
        node = node.parent
    return node


def _contained(node: Node, id_: str) -> Items:
    place: Node | None = _resource_of(node)
    while place is not None:
        if isinstance(place.value, dict):
            if not id_:
                owner = place.parent if place.key == "contained" and place.parent is not None else place
                return [owner]
            for at, inner in enumerate(place.value.get("contained") or ()):
                if isinstance(inner, dict) and inner.get("id") == id_:
                    return [resource_node(inner, place, "contained", at)]
        place = place.parent
    return []


def _in_bundle(node: Node, reference: str) -> Items:
    root = _outermost(node)
    if root.type != "Bundle" or not isinstance(root.value, dict):
        return []
    for entry in root.value.get("entry") or ():
        inner = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(inner, dict):
            continue
        url = entry.get("fullUrl")
        if url == reference or f"{inner.get('resourceType')}/{inner.get('id')}" == reference:
            return [resource_node(inner, root, "entry")]
    return []


def _resolve_one(context: Context, item: Any) -> Items:
    node = item if isinstance(item, Node) else None
    value = node.value if node is not None else item
    reference = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(reference, str):
        kind = value.get("type") if isinstance(value, dict) else None
        return (
            [Node({"resourceType": kind}, kind)]
            if isinstance(kind, str) and definitions().is_resource(kind)
            else []
        )
    place = node or next((i for i in context.root if isinstance(i, Node)), None)
    if reference.startswith("#"):
        return _contained(place, reference[1:]) if place is not None else []
    found = _in_bundle(place, reference) if place is not None else []
    if found:
        return found
    if context.resolver is not None:
        resource = context.resolver(reference)
        if resource is not None:
            return [resource_node(resource)]
    parts = split_reference(reference)
    if parts is None or not definitions().is_resource(parts.type):
        return []
    return [Node({"resourceType": parts.type, "id": parts.id}, parts.type)]


@plain("resolve")
def resolve(context: Context, items: Items) -> Items:
    """Resources behind references. What is not at hand is known by its type and id, which `is` tests need."""
    return [found for item in items for found in _resolve_one(context, item)]


@plain("memberOf", 1)
def member_of(context: Context, items: Items, value_set: Items) -> Items:
    url = text(value_set, "memberOf")
    if not items or url is None:
        return []
    if len(items) > 1:
        raise FhirPathFault("memberOf() takes one coded value", zh="memberOf() 只接受一个编码值")
    value = items[0].value if isinstance(items[0], Node) else items[0]
    if context.member_of is not None:
        answer = context.member_of(value, url)
        return [] if answer is None else [answer]
    systems = definitions().value_set(url)
    if systems is None:
        return []
    if isinstance(value, str):
        return [any(value in codes for codes in systems.values())]
    codings = value.get("coding") or [value] if isinstance(value, dict) else []
    return [
        any(c.get("code") in systems.get(c.get("system", ""), ()) for c in codings if isinstance(c, dict))
    ]


@plain("conformsTo", 1)
def conforms_to(context: Context, items: Items, profile: Items) -> Items:
    url = text(profile, "conformsTo")
    if not items or url is None:
        return []
    node = items[0]
    name = url.removeprefix(_STRUCTURE)
    if name != url and definitions().knows(name):
        return [isinstance(node, Node) and definitions().is_a(node.type, name)]
    if context.conforms is not None and isinstance(node, Node) and isinstance(node.value, dict):
        return [context.conforms(node.value, url)]
    raise FhirPathFault(f"the profile {url[:200]} is not known", zh=f"未知的规范 {url[:200]}")


@plain("htmlChecks")
def html_checks(context: Context, items: Items) -> Items:
    value = text(items, "htmlChecks")
    return [] if value is None else [not narrative_findings(value)]


@plain("htmlChecks2")
def html_checks_content(context: Context, items: Items) -> Items:
    value = text(items, "htmlChecks2")
    return [] if value is None else [narrative_has_content(value)]


@plain("checkModifiers", 0, 20)
def check_modifiers(context: Context, items: Items, *urls: Items) -> Items:
    known = {text(url, "checkModifiers") for url in urls}
    for item in items:
        rows = (
            item.value.get("modifierExtension", ())
            if isinstance(item, Node) and isinstance(item.value, dict)
            else ()
        )
        if any(row.get("url") not in known for row in rows):
            raise FhirPathFault("a modifier extension is not understood", zh="存在无法识别的修饰扩展")
    return items


@plain("elementDefinition")
def element_definition(context: Context, items: Items) -> Items:
    return []


@plain("slice", 2)
def slice_(context: Context, items: Items, structure: Items, name: Items) -> Items:
    raise FhirPathFault("slice() is not offered", zh="不支持 slice()")


@plain("now")
def now(context: Context, items: Items) -> Items:
    return [context.now()]


@plain("today")
def today(context: Context, items: Items) -> Items:
    return [context.now().date()]


@plain("timeOfDay")
def time_of_day(context: Context, items: Items) -> Items:
    return [Temporal("time", context.now().parts[3:])]


@plain("getResourceKey")
def get_resource_key(context: Context, items: Items) -> Items:
    """The key of a resource in views: `Type/id`."""
    found: Items = []
    for item in items:
        if isinstance(item, Node) and isinstance(item.value, dict) and item.value.get("id"):
            found.append(f"{item.value.get('resourceType')}/{item.value['id']}")
    return found


@special("getReferenceKey", 0, 1)
def get_reference_key(arguments: tuple[Run, ...], trees: tuple[Tree, ...]) -> Step:
    """The key of the resource that a reference points to, as `getResourceKey` writes it; only of the type given."""
    wanted = ""
    if trees:
        tree = trees[0]
        if isinstance(tree, Dot) and isinstance(tree.step, Name):
            tree = tree.step
        if isinstance(tree, Name):
            wanted = tree.text
        elif isinstance(tree, Literal) and tree.values:
            wanted = str(tree.values[0])

    def run(context: Context, items: Items, this: Items) -> Items:
        found: Items = []
        for item in items:
            value = item.value if isinstance(item, Node) else item
            reference = value.get("reference") if isinstance(value, dict) else value
            parts = split_reference(reference) if isinstance(reference, str) else None
            if parts is not None and wanted in ("", parts.type):
                found.append(parts.relative)
        return found

    return run


@special("defineVariable", 1, 2)
def define_variable(arguments: tuple[Run, ...], trees: tuple[Tree, ...]) -> Step:
    def run(context: Context, items: Items, this: Items) -> Items:
        name = text(arguments[0](context, items), "defineVariable")
        if name is None:
            raise FhirPathFault("defineVariable() needs a name", zh="defineVariable() 需要名称")
        value = arguments[1](context, items) if len(arguments) > 1 else items
        context.variables = {**(context.variables or {}), name: value}
        return items

    return run
