"""FHIRPath Patch: changes told as a Parameters resource. Source: https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from kangshu.base.faults import Malformed, Unprocessable
from kangshu.fhir import Resource, definitions
from kangshu.fhirpath.expression import compile
from kangshu.fhirpath.values import Node


def fhirpath_patch(resource: Resource, parameters: Mapping[str, Any]) -> Resource:
    """Return a copy of `resource` with the operations of `parameters` applied; the original stays as it was.

    Raises:
        Malformed: the patch is no Parameters resource of operations.
        FhirPathFault: a path is no FHIRPath.
        Unprocessable: a path leads nowhere or to several elements, or the value does not fit.
    """
    if not isinstance(parameters, Mapping) or parameters.get("resourceType") != "Parameters":
        raise Malformed(
            "a FHIRPath Patch is a Parameters resource", zh="FHIRPath Patch 必须是 Parameters 资源"
        )
    patched = copy.deepcopy(resource)
    for parameter in parameters.get("parameter") or ():
        if not isinstance(parameter, Mapping) or parameter.get("name") != "operation":
            raise Malformed(
                "each parameter of a patch is an operation", zh="补丁的每个 parameter 须为 operation"
            )
        parts = {part.get("name"): part for part in parameter.get("part") or () if isinstance(part, Mapping)}
        kind = _value(parts, "type")
        if kind not in _OPERATIONS:
            raise Malformed(
                "the type of an operation is add, insert, delete, replace or move",
                zh="操作类型须为 add、insert、delete、replace 或 move",
            )
        _OPERATIONS[kind](patched, parts)
    return patched


def _value(parts: Mapping[Any, Mapping[str, Any]], name: str) -> Any:
    part = parts.get(name)
    if part is None:
        raise Malformed(f"the operation has no {name}", zh=f"操作缺少 {name}")
    for key, value in part.items():
        if key.startswith("value"):
            return value
    raise Malformed(f"the {name} of the operation has no value", zh=f"操作的 {name} 没有值")


def _number(parts: Mapping[Any, Mapping[str, Any]], name: str, end: int) -> int:
    value = _value(parts, name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= end:
        raise Unprocessable(f"the {name} is not a position of the list", zh=f"{name} 不是列表中的有效位置")
    return value


def _find(resource: Resource, path: Any) -> list[Node]:
    if not isinstance(path, str):
        raise Malformed("a path is a text", zh="path 必须是字符串")
    return [item for item in compile(path).items(resource) if isinstance(item, Node)]


def _one(resource: Resource, path: Any) -> Node:
    found = _find(resource, path)
    if len(found) != 1:
        raise Unprocessable(
            f"the path {str(path)[:120]} finds {len(found)} elements, not one",
            zh=f"路径 {str(path)[:120]} 找到 {len(found)} 个元素, 应为 1 个",
        )
    return found[0]


def _owner(node: Node) -> dict[str, Any]:
    if node.parent is None or not isinstance(node.parent.value, dict):
        raise Unprocessable("the resource itself cannot be replaced by a patch", zh="补丁不能替换资源本身")
    owner: dict[str, Any] = node.parent.value
    return owner


def _made(type: str, part: Mapping[str, Any]) -> tuple[str, Any, Any]:
    """Return (type suffix, value, sibling) of a `value` part; an anonymous type is built from its parts."""
    if "part" in part:
        built: dict[str, Any] = {}
        for inner in part["part"]:
            if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
                raise Malformed("each part of a value has a name", zh="值的每个 part 须有 name")
            _put(built, type, inner["name"], inner)
        return "", built, None
    for key, value in part.items():
        if key.startswith("value"):
            return key[5:], copy.deepcopy(value), copy.deepcopy(part.get(f"_{key}"))
    for key, value in part.items():
        if key.startswith("_value"):
            return key[6:], None, copy.deepcopy(value)
    raise Malformed("the operation has no value", zh="操作缺少值")


def _place(owner: str, name: str, suffix: str) -> tuple[str, str, bool]:
    """Return (JSON property, type, repeats) of the element `name` for a value of the type in `suffix`."""
    element = definitions().elements(owner).get(name)
    if element is None and (child := definitions().child(owner, name)) is not None:
        return name, child.type, child.element.repeats
    if element is None:
        raise Unprocessable(f"{owner} has no element {name[:60]}", zh=f"{owner} 没有元素 {name[:60]}")
    choices = definitions().choices(owner, name)
    if element.choice:
        for json_name, kind in choices:
            if json_name == name + suffix:
                return json_name, kind, element.repeats
        raise Unprocessable(
            f"{owner}.{name} cannot be a {suffix or 'structure'}", zh=f"{owner}.{name} 不能是 {suffix} 类型"
        )
    return choices[0][0], choices[0][1], element.repeats


def _put(owner: dict[str, Any], type: str, name: str, part: Mapping[str, Any]) -> None:
    suffix = next((key.lstrip("_")[5:] for key in part if key.lstrip("_").startswith("value")), "")
    json_name, kind, repeats = _place(type, name, suffix)
    _, value, sibling = _made(kind, part)
    if not repeats:
        if json_name in owner or f"_{json_name}" in owner:
            raise Unprocessable(
                f"{type}.{name} is there already; use replace", zh=f"{type}.{name} 已存在, 请用 replace"
            )
        if value is not None:
            owner[json_name] = value
        if sibling is not None:
            owner[f"_{json_name}"] = sibling
        return
    values = owner.setdefault(json_name, [])
    values.append(value)
    _pad(owner, json_name, len(values) - 1, sibling)


def _pad(owner: dict[str, Any], name: str, at: int, sibling: Any) -> None:
    if sibling is not None:
        siblings = owner.setdefault(f"_{name}", [])
        siblings.extend([None] * (at + 1 - len(siblings)))
        siblings[at] = sibling


def _add(resource: Resource, parts: Mapping[Any, Mapping[str, Any]]) -> None:
    node = _one(resource, _value(parts, "path"))
    if not isinstance(node.value, dict):
        raise Unprocessable("only structures can be added to", zh="只能向结构型元素添加")
    if "value" not in parts:
        raise Malformed("the operation has no value", zh="操作缺少值")
    _put(node.value, node.type, str(_value(parts, "name")), parts["value"])


def _list(resource: Resource, path: Any) -> tuple[dict[str, Any], str, list[Any], Node]:
    found = _find(resource, path)
    node = found[0] if found else None
    if node is None or node.index < 0 or any(n.parent is not node.parent or n.key != node.key for n in found):
        raise Unprocessable(
            "the path of insert and move is one list", zh="insert 与 move 的路径须指向一个列表"
        )
    owner = _owner(node)
    return owner, node.key, owner[node.key], node


def _insert(resource: Resource, parts: Mapping[Any, Mapping[str, Any]]) -> None:
    owner, name, values, node = _list(resource, _value(parts, "path"))
    at = _number(parts, "index", len(values))
    if "value" not in parts:
        raise Malformed("the operation has no value", zh="操作缺少值")
    _, value, sibling = _made(node.type, parts["value"])
    values.insert(at, value)
    siblings = owner.get(f"_{name}")
    if siblings is not None:
        siblings.insert(at, None)
    _pad(owner, name, at, sibling)


def _move(resource: Resource, parts: Mapping[Any, Mapping[str, Any]]) -> None:
    owner, name, values, _ = _list(resource, _value(parts, "path"))
    source = _number(parts, "source", len(values) - 1)
    target = _number(parts, "destination", len(values) - 1)
    for rows in (values, owner.get(f"_{name}")):
        if rows is not None:
            rows.extend([None] * (len(values) - len(rows)))
            rows.insert(target, rows.pop(source))


def _delete(resource: Resource, parts: Mapping[Any, Mapping[str, Any]]) -> None:
    found = _find(resource, _value(parts, "path"))
    if not found:
        return  # the specification: deleting what is not there is no error
    if len(found) > 1:
        _one(resource, _value(parts, "path"))
    node = found[0]
    _remove(node)
    while node.parent is not None and node.parent.parent is not None and not node.parent.value:
        node = node.parent  # an element without children may not stand
        _remove(node)


def _remove(node: Node) -> None:
    owner = _owner(node)
    for name in (node.key, f"_{node.key}"):
        if node.index < 0:
            owner.pop(name, None)
        elif name in owner and node.index < len(owner[name]):
            del owner[name][node.index]
            if not any(row is not None for row in owner[name]):
                del owner[name]


def _replace(resource: Resource, parts: Mapping[Any, Mapping[str, Any]]) -> None:
    node = _one(resource, _value(parts, "path"))
    owner = _owner(node)
    if "value" not in parts:
        raise Malformed("the operation has no value", zh="操作缺少值")
    suffix, value, sibling = _made(node.type, parts["value"])
    if node.index >= 0:
        owner[node.key][node.index] = value
        if owner.get(f"_{node.key}"):
            owner[f"_{node.key}"][node.index : node.index + 1] = [None]
        _pad(owner, node.key, node.index, sibling)
        return
    child = definitions().child(node.parent.type, node.key) if node.parent else None
    name = node.key
    if child is not None and child.element.choice:
        name = _place(node.parent.type, child.element.name, suffix)[0] if node.parent else name
    _remove(node)
    if value is not None:
        owner[name] = value
    if sibling is not None:
        owner[f"_{name}"] = sibling


_OPERATIONS: Final[dict[str, Callable[[Resource, Mapping[Any, Mapping[str, Any]]], None]]] = {
    "add": _add, "insert": _insert, "delete": _delete, "replace": _replace, "move": _move,
}  # fmt: skip
