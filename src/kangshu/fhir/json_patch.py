"""JSON Patch (RFC 6902) over parsed resources."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kangshu.base.faults import Conflict, Malformed, TooLarge, Unprocessable
from kangshu.fhir.model import Resource

MOST_OPERATIONS: Final = 10_000
MOST_COPIED: Final = 100_000
"""Values that all copies of a patch may make together: a few that copy each other double a document every time."""
_REQUIRED = {
    "add": "value",
    "replace": "value",
    "test": "value",
    "move": "from",
    "copy": "from",
    "remove": "path",
}


def json_patch(resource: Resource, operations: Any) -> Resource:
    """Return a patched copy of `resource`; the original stays as it was.

    Raises:
        Malformed: the patch is not a list of operations of RFC 6902.
        Unprocessable: a path does not exist. Conflict: a `test` does not hold.
        TooLarge: more operations, or more copied, than one patch may.
    """
    if not isinstance(operations, Sequence) or isinstance(operations, (str, bytes)):
        raise Malformed("a JSON Patch is an array of operations", zh="JSON Patch 必须是操作数组")
    if len(operations) > MOST_OPERATIONS:
        raise _too_much()
    document: Any = copy.deepcopy(resource)
    left = MOST_COPIED
    for operation in operations:
        checked = _checked(operation)
        if checked["op"] == "copy":
            left = _spent(_find(document, _pointer(checked["from"])), left)
        document = _apply(document, checked)
    if not isinstance(document, dict):
        raise Unprocessable("the patch leaves no resource", zh="补丁执行后资源不复存在")
    return document


def _spent(value: Any, left: int) -> int:
    """Return what is left of the budget after a copy of `value`. Raises TooLarge."""
    nodes = [value]
    while nodes:
        left -= 1
        if left < 0:
            raise _too_much()
        node = nodes.pop()
        nodes.extend(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
    return left


def _too_much() -> TooLarge:
    return TooLarge(
        f"a patch has at most {MOST_OPERATIONS} operations and copies at most {MOST_COPIED} values",
        zh=f"补丁最多 {MOST_OPERATIONS} 个操作，复制的内容不超过 {MOST_COPIED} 项",
    )


def _checked(operation: Any) -> Mapping[str, Any]:
    if not isinstance(operation, Mapping) or operation.get("op") not in _REQUIRED:
        raise Malformed(
            "each operation has an op: add, remove, replace, move, copy or test",
            zh="每个操作须有 op: add、remove、replace、move、copy 或 test",
        )
    for name in ("path", _REQUIRED[operation["op"]]):
        if name not in operation:
            raise Malformed(
                f"the operation {operation['op']} has no {name}", zh=f"操作 {operation['op']} 缺少 {name}"
            )
    for name in ("path", "from"):
        if name in operation and not isinstance(operation[name], str):
            raise Malformed(f"{name} is a JSON Pointer, a string", zh=f"{name} 必须是 JSON Pointer 字符串")
    return operation


def _apply(document: Any, operation: Mapping[str, Any]) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "add":
            return _add(document, path, copy.deepcopy(operation["value"]))
        case "remove":
            return _remove(document, path)
        case "replace":
            _find(document, path)
            if not path:
                return copy.deepcopy(operation["value"])
            owner = _find(document, path[:-1])
            owner[_index(owner, path[-1]) if isinstance(owner, list) else path[-1]] = copy.deepcopy(
                operation["value"]
            )
            return document
        case "move":
            source = _pointer(operation["from"])
            if path[: len(source)] == source and len(path) > len(source):
                raise Unprocessable("an element cannot move into itself", zh="元素不能移入自身")
            value = _find(document, source)
            return _add(_remove(document, source), path, value)
        case "copy":
            return _add(document, path, copy.deepcopy(_find(document, _pointer(operation["from"]))))
        case _:
            if not _same(_find(document, path), operation["value"]):
                raise Conflict(
                    f"the test of {operation['path']} does not hold",
                    zh=f"对 {operation['path']} 的 test 不成立",
                )
            return document


def _pointer(text: str) -> list[str]:
    if text == "":
        return []
    if not text.startswith("/"):
        raise Malformed("a JSON Pointer starts with /", zh="JSON Pointer 须以 / 开头")
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _missing(part: str) -> Unprocessable:
    return Unprocessable(f"the path leads nowhere at {part[:60]!r}", zh=f"路径在 {part[:60]!r} 处不存在")


def _index(owner: list[Any], part: str, end: int = 0) -> int:
    if not (part.isascii() and part.isdigit()) or (part != "0" and part.startswith("0")) or len(part) > 9:
        raise _missing(part)
    at = int(part)
    if at >= len(owner) + end:
        raise _missing(part)
    return at


def _find(document: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(document, dict):
            if part not in document:
                raise _missing(part)
            document = document[part]
        elif isinstance(document, list):
            document = document[_index(document, part)]
        else:
            raise _missing(part)
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    owner = _find(document, path[:-1])
    if isinstance(owner, dict):
        owner[path[-1]] = value
    elif isinstance(owner, list):
        owner.insert(len(owner) if path[-1] == "-" else _index(owner, path[-1], 1), value)
    else:
        raise _missing(path[-1])
    return document


def _remove(document: Any, path: list[str]) -> Any:
    _find(document, path)
    if not path:
        return None
    owner = _find(document, path[:-1])
    del owner[_index(owner, path[-1]) if isinstance(owner, list) else path[-1]]
    return document


def _same(left: Any, right: Any) -> bool:
    """Compare as JSON does: numbers by value, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)
