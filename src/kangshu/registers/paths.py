"""Where a form's value stands in a resource: the path language of `sdk.Field.path`.

    path     = step *( "." step )
    step     = name [ "[" index "]" ] / name "(" selector ")"
    selector = short name or URL

`name[0].text` is the first name's text. `extension(district).valueCode` selects the extension of ours of that
name, `identifier(uscc).value` the identifier of our system `…/sid/uscc`, `coding(bed-kind).code` the coding of
our code system, `telecom(phone).value` the first telecom of that system, `qualification(education).period.start` the
qualification whose code is of our code system; a selector with a colon is a URL as it stands. Reading an absent step gives None; writing makes it, and clearing removes what becomes empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kangshu.base.canonical import BASE, code_system, structure
from kangshu.base.faults import Invalid
from kangshu.sdk import Resource

_STEP = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9]*)(?:\[(?P<index>[0-9]{1,3})\]|\((?P<selector>[^()\s]+)\))?")
_CODE = "code"
"""Key of a step that selects by the system of a CodeableConcept's codings."""
_MAX_INDEX = 99
_MAX_PATH = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: an element, an item of a list by index, or by a discriminating value."""

    name: str
    index: int | None = None
    key: str = ""
    match: str = ""

    @property
    def in_list(self) -> bool:
        """Return whether the step goes into a list."""
        return self.index is not None or bool(self.key)


@lru_cache(maxsize=4096)
def parse_path(path: str) -> tuple[Step, ...]:
    """Return the steps of `path`.

    Raises:
        Invalid: not of the path language.
    """
    steps: list[Step] = []
    position = 0
    while len(path) <= _MAX_PATH:
        found = _STEP.match(path, position)
        if found is None:
            break
        steps.append(_step(found["name"], found["index"], found["selector"]))
        position = found.end()
        if position == len(path):
            return tuple(steps)
        if path[position] != ".":
            break
        position += 1
    raise Invalid(
        f"'{path[:_MAX_PATH]}' is not a path such as name[0].text or extension(district).valueCode",
        zh=f"“{path[:_MAX_PATH]}”不是有效的字段路径，应如 name[0].text 或 extension(district).valueCode",
    )


def _step(name: str, index: str | None, selector: str | None) -> Step:
    if index is not None:
        return Step(name, index=int(index))
    if selector is None:
        return Step(name)
    if name in ("extension", "modifierExtension"):
        return Step(name, key="url", match=selector if ":" in selector else structure(selector))
    if name == "identifier":
        return Step(name, key="system", match=selector if ":" in selector else f"{BASE}/sid/{selector}")
    if name == "qualification":
        return Step(name, key=_CODE, match=selector if ":" in selector else code_system(selector))
    if name == "coding":
        return Step(name, key="system", match=selector if ":" in selector else code_system(selector))
    return Step(name, key="system", match=selector)


def read_path(resource: Resource, path: str) -> Any:
    """Return the value at `path`; None where a step is absent."""
    value: Any = resource
    for step in parse_path(path):
        if not isinstance(value, dict):
            return None
        value = value.get(step.name)
        if step.index is not None:
            value = value[step.index] if isinstance(value, list) and step.index < len(value) else None
        elif step.key:
            value = _selected(value, step)
        if value is None:
            return None
    return value


def write_path(resource: Resource, path: str, value: Any) -> None:
    """Set `value` at `path` in place; None removes the value and what it leaves empty.

    Raises:
        Invalid: the path goes through something that is not an object, or skips items of a list.
    """
    steps = parse_path(path)
    if value is None:
        _clear(resource, steps)
    else:
        _put(resource, steps, value, path)


def fhirpath_of(path: str) -> str:
    """Return the FHIRPath of a path: choice elements lose their type, selectors become `where`."""
    parts: list[str] = []
    for step in parse_path(path):
        name = "value" if re.fullmatch(r"value[A-Z]\w*", step.name) else step.name
        if step.index is not None:
            name += f"[{step.index}]"
        elif step.key:
            plain = f"{step.key} = '{step.match}'"
            coded = f"code.coding.where(system = '{step.match}').exists()"
            name += f".where({coded if step.key == _CODE else plain})"
        parts.append(name)
    return ".".join(parts)


def _selected(items: Any, step: Step) -> Any:
    if not isinstance(items, list):
        return None
    for item in items:
        if isinstance(item, dict) and _matches(item, step):
            return item
    return None


def _matches(item: dict[str, Any], step: Step) -> bool:
    if step.key != _CODE:
        return bool(item.get(step.key) == step.match)
    codings = (item.get(_CODE) or {}).get("coding", ())
    return any(one.get("system") == step.match for one in codings)


def _new_item(step: Step) -> dict[str, Any]:
    return {_CODE: {"coding": [{"system": step.match}]}} if step.key == _CODE else {step.key: step.match}


def _says_nothing(item: dict[str, Any], step: Step) -> bool:
    """Return whether nothing is left of an item but what selects it."""
    return item == _new_item(step)


def _put(node: Any, steps: tuple[Step, ...], value: Any, path: str) -> None:
    step, rest = steps[0], steps[1:]
    if not isinstance(node, dict):
        raise Invalid(f"'{path}' goes through a value that is not an object", expression=path)
    if not step.in_list:
        if not rest:
            node[step.name] = value
            return
        _put(node.setdefault(step.name, {}), rest, value, path)
        return
    items = node.setdefault(step.name, [])
    if not isinstance(items, list):
        raise Invalid(f"'{path}' takes an element for a list that is none", expression=path)
    if step.index is not None:
        if step.index > len(items) or step.index > _MAX_INDEX:
            raise Invalid(f"'{path}' skips items of {step.name}", expression=path)
        if step.index == len(items):
            items.append({} if rest else value)
        elif not rest:
            items[step.index] = value
        if rest:
            _put(items[step.index], rest, value, path)
        return
    item = _selected(items, step)
    if item is None:
        item = _new_item(step)
        items.append(item)
    if rest:
        _put(item, rest, value, path)
    elif isinstance(value, dict):
        item.update(value)


def _clear(node: Any, steps: tuple[Step, ...]) -> bool:
    """Remove the value; return whether `node` has become empty."""
    step, rest = steps[0], steps[1:]
    if not isinstance(node, dict) or step.name not in node:
        return False
    child = node[step.name]
    if not step.in_list:
        if not rest or _clear(child, rest):
            del node[step.name]
        return not node
    if not isinstance(child, list):
        return False
    if step.index is not None:
        if step.index >= len(child):
            return False
        if not rest or _clear(child[step.index], rest):
            del child[step.index]
    else:
        item = _selected(child, step)
        if item is None:
            return False
        if not rest or _clear(item, rest) or _says_nothing(item, step):
            child.remove(item)
    if not child:
        del node[step.name]
    return not node
