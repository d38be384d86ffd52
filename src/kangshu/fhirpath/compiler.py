"""A tree to Python closures."""

from __future__ import annotations

from typing import Any, Final

from kangshu.fhir import definitions
from kangshu.fhirpath.collections import checked_type, narrowed, type_test
from kangshu.fhirpath.context import Context, Run, Step
from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.operators import compile_binary, negate
from kangshu.fhirpath.registry import FUNCTIONS
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
from kangshu.fhirpath.values import Items, Node, is_of, resource_node, system

Plan = tuple[tuple[str, str, str], ...]
"""How an element is found in JSON: property, sibling property of a primitive or "", type."""

_URLS: Final = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
_plans: dict[tuple[str, str], Plan | None] = {}


def plan_of(type: str, name: str) -> Plan | None:
    """Return how `name` is found in an element of `type`; None where the type itself is unknown."""
    mark = (type, name)
    if mark not in _plans:
        _plans[mark] = _make_plan(type, name)
    return _plans[mark]


def _make_plan(type: str, name: str) -> Plan | None:
    known = definitions()
    if not known.knows(type):
        return None
    choices = known.choices(type, name)
    if not choices and (child := known.child(type, name)) is not None:
        element = child.element.name
        raise FhirPathFault(
            f"{name} is the JSON name; FHIRPath says {element}.ofType({child.type})",
            zh=f"{name} 是 JSON 名称, FHIRPath 中应写作 {element}.ofType({child.type})",
        )
    return tuple(
        (json, f"_{json}" if known.kind(kind) == "primitive" else "", kind) for json, kind in choices
    )


def add_children(found: Items, node: Node, plan: Plan) -> None:
    """Append the children of `node` that `plan` names."""
    value = node.value if node.value.__class__ is dict else node.extra
    if value is None:
        return
    for json, sibling, kind in plan:
        child = value.get(json)
        extra = value.get(sibling) if sibling else None
        if child is None and extra is None:
            continue
        if child.__class__ is list or extra.__class__ is list:
            _add_list(found, node, json, kind, child or [], extra or [])
        elif kind == "Resource" and child.__class__ is dict:
            found.append(resource_node(child, node, json))
        else:
            found.append(Node(child, kind, extra, node, json))


def _add_list(found: Items, node: Node, json: str, kind: str, values: Any, extras: Any) -> None:
    if values.__class__ is not list or extras.__class__ is not list:
        return
    if kind == "Resource":
        found.extend(resource_node(v, node, json, at) for at, v in enumerate(values) if v.__class__ is dict)
    elif not extras:
        found.extend([Node(v, kind, None, node, json, at) for at, v in enumerate(values)])
    else:
        for at in range(max(len(values), len(extras))):
            value = values[at] if at < len(values) else None
            extra = extras[at] if at < len(extras) else None
            if value is not None or extra is not None:
                found.append(Node(value, kind, extra, node, json, at))


def _add_untyped(found: Items, node: Node, name: str) -> None:
    """Children of something that R4 does not describe: whatever JSON holds."""
    if node.value.__class__ is not dict:
        return
    child = node.value.get(name)
    for value in child if isinstance(child, list) else [child]:
        if isinstance(value, dict):
            found.append(resource_node(value, node, name))
        elif value is not None:
            found.append(value)


def compile_member(name: str) -> Step:
    """Return the step to the children called `name`."""
    plans: dict[str, Plan | None] = {}

    def step(context: Context, items: Items, this: Items) -> Items:
        found: Items = []
        for item in items:
            if item.__class__ is not Node:
                continue
            kind = item.type
            try:
                plan = plans[kind]
            except KeyError:
                plan = plans[kind] = plan_of(kind, name)
            if plan:
                add_children(found, item, plan)
            elif plan is None:
                _add_untyped(found, item, name)
        context.spend(len(found) + 1)
        return found

    return step


def compile_head(name: str) -> Run:
    """Return the start of a path: a type name stands for the context itself, any other for its children."""
    step = compile_member(name)
    if not name[:1].isupper():
        return lambda context, this: step(context, this, this)

    def head(context: Context, this: Items) -> Items:
        first = this[0] if this else None
        if first.__class__ is Node and is_of(first, name):
            return this
        return step(context, this, this)

    return head


def compile_call(call: Call) -> Step:
    """Return the step that a function call is. Raises FhirPathFault for an unknown one or a wrong count."""
    function = FUNCTIONS.get(call.name)
    if function is None:
        raise FhirPathFault(f"there is no function {call.name}()", zh=f"不存在函数 {call.name}()")
    if not function.least <= len(call.arguments) <= function.most:
        raise FhirPathFault(
            f"{call.name}() takes {function.least} to {function.most} arguments",
            zh=f"{call.name}() 需要 {function.least} 至 {function.most} 个参数",
        )
    lenient = call.name in ("is", "as", "ofType")
    arguments = () if lenient else tuple(compile_tree(argument) for argument in call.arguments)
    return function.build(arguments, call.arguments)


def compile_tree(tree: Tree) -> Run:
    """Return the closure of a tree."""
    match tree:
        case Literal(values):
            constant = list(values)
            return lambda context, this: constant
        case Name(text):
            return compile_head(text)
        case Call():
            called = compile_call(tree)
            return lambda context, this: called(context, this, this)
        case Dot(source, step):
            run = compile_tree(source)
            follow = compile_member(step.text) if isinstance(step, Name) else compile_call(step)
            return lambda context, this: follow(context, run(context, this), this)
        case Index(source, position):
            return _index(compile_tree(source), compile_tree(position))
        case Unary(sign, operand):
            inner = compile_tree(operand)
            return (lambda context, this: negate(inner(context, this))) if sign == "-" else inner
        case Binary(operator, left, right):
            return compile_binary(operator, compile_tree(left), compile_tree(right))
        case TypeTest(operator, operand, name):
            return _type_operator(operator, compile_tree(operand), checked_type(name))
        case Variable(name):
            return _variable(name)
        case Dollar(name):
            return _DOLLARS[name]


_DOLLARS: Final[dict[str, Run]] = {
    "$this": lambda context, this: this,
    "$index": lambda context, this: [context.index],
    "$total": lambda context, this: context.total,
}


def _index(source: Run, position: Run) -> Run:
    def run(context: Context, this: Items) -> Items:
        items = source(context, this)
        where = position(context, this)
        if len(where) != 1:
            return []
        at = system(where[0])
        if isinstance(at, bool) or not isinstance(at, int):
            raise FhirPathFault("an index is a whole number", zh="下标必须是整数")
        return [items[at]] if 0 <= at < len(items) else []

    return run


def _type_operator(operator: str, operand: Run, name: str) -> Run:
    if operator == "is":
        return lambda context, this: type_test(operand(context, this), name)
    return lambda context, this: narrowed(operand(context, this), name)


def _variable(name: str) -> Run:
    if name in _URLS:
        url: Items = [_URLS[name]]
        return lambda context, this: url
    if name.startswith(("vs-", "ext-")):
        space, _, rest = name.partition("-")
        canonical = f"http://hl7.org/fhir/{'ValueSet' if space == 'vs' else 'StructureDefinition'}/{rest}"
        return lambda context, this: [canonical]

    def run(context: Context, this: Items) -> Items:
        if context.variables is not None and name in context.variables:
            return context.variables[name]
        if name in ("resource", "rootResource", "context"):
            return context.root
        raise FhirPathFault(f"there is no variable %{name}", zh=f"不存在变量 %{name}")

    return run
