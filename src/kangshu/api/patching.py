"""A patch applied to a resource: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7396), or FHIRPath Patch.

Source: FHIR R4 http.html#patch, fhirpatch.html.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from kangshu.api.patch_places import Place, find_place
from kangshu.base.faults import Malformed, Unprocessable
from kangshu.fhir import json_patch
from kangshu.sdk import Resource


def apply_patch(resource: Resource, change: Any) -> Resource:
    """Return `resource` changed by a JSON Patch (a list), a FHIRPath Patch (Parameters) or a part to merge in.

    Raises Malformed for what is no patch, Unprocessable where an operation does not fit the resource.
    """
    if isinstance(change, list):
        return json_patch(resource, change)
    if isinstance(change, Mapping) and change.get("resourceType") == "Parameters":
        return fhirpath_patch(resource, change)
    kind = resource["resourceType"]
    if isinstance(change, Mapping) and change.get("resourceType", kind) == kind:
        merged: Resource = _merged(resource, change)
        return merged
    raise Malformed(
        "a patch is a list of operations, or a Parameters resource", zh="补丁须为操作列表或Parameters资源"
    )


def _merged(value: Any, change: Any) -> Any:
    if not isinstance(change, Mapping):
        return change
    kept = dict(value) if isinstance(value, dict) else {}
    for name, part in change.items():
        if part is None:
            kept.pop(name, None)
        else:
            kept[name] = _merged(kept.get(name), part)
    return kept


def fhirpath_patch(resource: Resource, parameters: Mapping[str, Any]) -> Resource:
    """Return `resource` changed by the `operation` parameters, in their order.

    Paths lead by element names, `[n]` and `where(name = 'value')`; the operations are add, insert, delete, replace
    and move.
    """
    changed = copy.deepcopy(resource)
    for number, one in enumerate(parameters.get("parameter", ())):
        at = f"Parameters.parameter[{number}]"
        if (
            not isinstance(one, dict)
            or one.get("name") != "operation"
            or not isinstance(one.get("part"), list)
        ):
            raise Malformed(
                "each parameter is an 'operation' with parts", zh="每个参数须为operation", expression=at
            )
        parts = {part.get("name"): part for part in one["part"] if isinstance(part, dict)}
        _operate(changed, parts, at)
    _prune(changed)
    return changed


def _prune(value: Any) -> bool:
    """Take away what a deletion left empty, as FHIR has no empty elements; return whether anything is left."""
    if isinstance(value, dict):
        for key in [key for key, part in value.items() if isinstance(part, dict | list) and not _prune(part)]:
            del value[key]
    elif isinstance(value, list):
        value[:] = [part for part in value if not isinstance(part, dict | list) or _prune(part)]
    return bool(value)


def _operate(resource: Resource, parts: Mapping[Any, Mapping[str, Any]], at: str) -> None:
    kind, path = _text(parts, "type"), _text(parts, "path")
    if not path:
        raise Malformed("an operation needs a path", zh="操作缺少path", expression=at)
    place = find_place(resource, path)
    match kind:
        case "add":
            _add(place, _text(parts, "name"), parts.get("value"), at)
        case "replace":
            part = parts.get("value")
            ending = next((key.removeprefix("value") for key in part or () if key.startswith("value")), "")
            place.replace(_value(part, place.name, at), ending)
        case "delete":
            place.delete()
        case "insert":
            place.items().insert(_number(parts, "index", at), _value(parts.get("value"), place.name, at))
        case "move":
            items = place.items()
            source, target = _number(parts, "source", at), _number(parts, "destination", at)
            if source >= len(items) or target >= len(items):
                raise Unprocessable(
                    "there is no such place in the list", zh="列表中没有该位置", expression=path
                )
            items.insert(target, items.pop(source))
        case _:
            raise Malformed(
                f"'{kind[:40]}' is no patch operation; add, insert, delete, replace and move are",
                zh="补丁操作须为add、insert、delete、replace或move",
                expression=at,
            )


def _add(place: Place, name: str, part: Mapping[str, Any] | None, at: str) -> None:
    if not name:
        raise Malformed("'add' needs the name of the element", zh="add操作缺少name", expression=at)
    owner = place.value()
    if not isinstance(owner, dict):
        raise Unprocessable(
            "the path of 'add' leads to no element", zh="add操作的path未指向元素", expression=at
        )
    json_name, repeats = place.child(name, part)
    value = _value(part, name, at)
    if repeats:
        owner.setdefault(json_name, []).append(value)
    elif json_name in owner:
        raise Unprocessable(
            f"'{name}' is there already and does not repeat", zh=f"“{name}”已存在且不可重复", expression=at
        )
    else:
        owner[json_name] = value


def _value(part: Mapping[str, Any] | None, name: str, at: str) -> Any:
    """Return the value of a `value` part; parts within it make up an element of no data type of its own."""
    if part is None:
        raise Malformed("this operation needs a value", zh="操作缺少value", expression=at)
    for key, value in part.items():
        if key.startswith("value"):
            return value
    made: dict[str, Any] = {}
    for one in part.get("part", ()):
        inner = _value(one, str(one.get("name")), at)
        held = made.get(one["name"])
        if held is None:
            made[one["name"]] = inner
        else:
            made[one["name"]] = [*(held if isinstance(held, list) else [held]), inner]
    if not made:
        raise Malformed(f"the value for '{name}' is empty", zh="value为空", expression=at)
    return made


def _text(parts: Mapping[Any, Mapping[str, Any]], name: str) -> str:
    part = parts.get(name, {})
    return str(next((value for key, value in part.items() if key.startswith("value")), ""))


def _number(parts: Mapping[Any, Mapping[str, Any]], name: str, at: str) -> int:
    value = next((value for key, value in parts.get(name, {}).items() if key.startswith("value")), None)
    if type(value) is not int or value < 0:
        raise Malformed(
            f"this operation needs '{name}', a number from 0", zh=f"操作缺少{name}", expression=at
        )
    return value
