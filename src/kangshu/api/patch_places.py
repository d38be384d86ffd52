"""Where a path of a FHIRPath Patch leads: simple paths only, so that the place can be written as well as read.

Patient.name[0].given          names and indexes
Patient.contact.where(id = 'a').telecom      one filter by equality of a child
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kangshu.base.faults import Malformed, Unprocessable
from kangshu.fhir import definitions
from kangshu.sdk import Resource

_STEP: Final = re.compile(
    r"(?P<name>[A-Za-z_]\w*)(?:\[(?P<index>\d{1,6})\])?"
    r"(?:\.where\(\s*(?P<key>[A-Za-z_]\w*)\s*=\s*'(?P<wanted>[^']*)'\s*\)(?:\.first\(\))?)?(?:\.|$)"
)


@dataclass(slots=True)
class Place:
    """A place in a resource: `owner[key]`, or one item of that list when `index` is set. `type` is what stands there."""

    owner: dict[str, Any]
    key: str
    index: int | None
    name: str
    type: str
    repeats: bool
    choice: bool = False

    def value(self) -> Any:
        """Return what stands here; None for nothing."""
        if not self.key:
            return self.owner
        found = self.owner.get(self.key)
        if self.index is not None:
            return found[self.index] if isinstance(found, list) and self.index < len(found) else None
        if isinstance(found, list) and len(found) == 1:
            return found[0]
        return found

    def items(self) -> list[Any]:
        """Return the list that stands here, made when there is none. Raises Unprocessable for a single element."""
        found = self.owner.setdefault(self.key, [])
        if self.index is not None or not isinstance(found, list):
            raise Unprocessable(
                "the path leads to one element, not to a list", zh="path未指向列表", expression=self.name
            )
        return found

    def replace(self, value: Any, json_type: str = "") -> None:
        """Put `value` here. Raises Unprocessable when nothing, or more than one thing, stands here.

        `json_type` is the type's ending of a property (`String`), used where the element has a choice of types.
        """
        if not self.key:
            raise Unprocessable("a patch may not replace the whole resource", zh="补丁不得替换整个资源")
        found = self.owner.get(self.key)
        if found is None or (self.index is not None and self.index >= len(found)):
            raise Unprocessable(
                f"there is nothing at '{self.name}' to replace", zh="没有可替换的内容", expression=self.name
            )
        if isinstance(found, list):
            if self.index is None and len(found) != 1:
                raise Unprocessable(
                    "the path leads to more than one element", zh="path指向多个元素", expression=self.name
                )
            found[self.index or 0] = value
        elif self.choice and json_type:
            self.owner.pop(f"_{self.key}", None)
            del self.owner[self.key]
            self.owner[self.name + json_type] = value
        else:
            self.owner[self.key] = value

    def delete(self) -> None:
        """Take away what stands here; nothing there is nothing to do. Raises Unprocessable for several."""
        found = self.owner.get(self.key)
        if found is None or not self.key:
            return
        if not isinstance(found, list):
            del self.owner[self.key]
            self.owner.pop(f"_{self.key}", None)
            return
        if self.index is None and len(found) > 1:
            raise Unprocessable(
                "the path leads to more than one element", zh="path指向多个元素", expression=self.name
            )
        if (self.index or 0) < len(found):
            found.pop(self.index or 0)
        if not found:
            del self.owner[self.key]

    def child(self, name: str, part: Mapping[str, Any] | None) -> tuple[str, bool]:
        """Return the JSON property that an added element `name` gets, and whether it is a list.

        Raises Unprocessable where R4 has no such element here.
        """
        element = definitions().elements(self.type).get(name)
        if element is None:
            raise Unprocessable(
                f"'{name}' is no element of {self.type}", zh=f"{self.type}没有元素“{name}”", expression=name
            )
        if not element.choice:
            return name, element.repeats
        typed = next((key for key in part or () if key.startswith("value")), "")
        return name + typed.removeprefix("value"), element.repeats


def find_place(resource: Resource, path: str) -> Place:
    """Return the place that `path` leads to. Raises Malformed for a path of another form, Unprocessable for nowhere."""
    kind = resource["resourceType"]
    head, _, rest = path.partition(".")
    if head != kind:
        raise Unprocessable(
            f"the path does not start at {kind}", zh=f"path须以{kind}开头", expression=path[:200]
        )
    place = Place(resource, "", None, kind, kind, repeats=False)
    at = 0
    while at < len(rest):
        step = _STEP.match(rest, at)
        if step is None:
            raise Malformed(
                "this path is not offered in a patch: names, [n] and where(name = 'value') are",
                zh="补丁的path仅支持元素名、[n]和where(name = 'value')",
                expression=path[:200],
            )
        place = _step(place, step, path)
        at = step.end()
    return place


def _step(place: Place, step: re.Match[str], path: str) -> Place:
    owner = place.value()
    if not isinstance(owner, dict):
        raise Unprocessable("the path leads nowhere", zh="path未指向任何元素", expression=path[:200])
    name = step["name"]
    children = dict(definitions().choices(place.type, name))
    if not children:
        raise Unprocessable(
            f"'{name}' is no element of {place.type}",
            zh=f"{place.type}没有元素“{name}”",
            expression=path[:200],
        )
    key = next((one for one in children if one in owner), next(iter(children)))
    element = definitions().elements(place.type)[name]
    index = int(step["index"]) if step["index"] is not None else None
    if step["key"] is not None:
        found = owner.get(key)
        items = found if isinstance(found, list) else [found]
        matches = [
            n
            for n, one in enumerate(items)
            if isinstance(one, dict) and one.get(step["key"]) == step["wanted"]
        ]
        if len(matches) != 1:
            raise Unprocessable(
                f"the filter finds {len(matches)} elements, not one",
                zh="过滤条件未唯一匹配",
                expression=path[:200],
            )
        index = matches[0] if isinstance(found, list) else None
    return Place(owner, key, index, name, children[key], element.repeats, element.choice)
