"""References between resources: taking them apart and walking over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

_REFERENCE: Final = re.compile(
    r"(?:(?P<base>(?:https?|ftp|file)://[^#?]+)/)?(?P<type>[A-Z][A-Za-z]{2,63})/(?P<id>[A-Za-z0-9.\-]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9.\-]{1,64}))?(?P<fragment>#.+)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A literal reference taken apart. `base` is empty for a relative one; `version` and `fragment` may be."""

    type: str
    id: str
    base: str = ""
    version: str = ""
    fragment: str = ""

    @property
    def relative(self) -> str:
        """`Type/id`, the key under which the store finds it."""
        return f"{self.type}/{self.id}"


def split_reference(text: str) -> Reference | None:
    """Return the parts of `[base/]Type/id[/_history/v][#fragment]`; None for any other URI (`urn:uuid:`, `#x`)."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    return Reference(
        match["type"], match["id"], match["base"] or "", match["version"] or "", (match["fragment"] or "")[1:]
    )


def reference(type: str, id: str, display: str = "") -> dict[str, Any]:
    """Return a Reference element to `type/id`."""
    element: dict[str, Any] = {"reference": f"{type}/{id}"}
    if display:
        element["display"] = display
    return element


def walk_references(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object under `node` (itself included) that has a `reference` string."""
    nodes = [node]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            if isinstance(node.get("reference"), str):
                yield node
            nodes.extend(child for child in node.values() if isinstance(child, (dict, list)))
        elif isinstance(node, list):
            nodes.extend(child for child in node if isinstance(child, (dict, list)))


def rewrite_references(node: Any, rewrite: Callable[[str], str]) -> None:
    """Replace in place every reference under `node` by `rewrite(reference)`; a bundle's urn:uuid links need it."""
    for element in walk_references(node):
        element["reference"] = rewrite(element["reference"])
