"""Contained resources and the local references that lead to them (dom-2 to dom-5, ref-1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kangshu.fhirpath import Node
from kangshu.validate.findings import Findings


def _local_links(value: Any) -> Iterator[str]:
    """Yield every `#…` text below a value: references, canonicals, uris."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str) and one.startswith("#"):
            yield one


def check_contained(node: Node, findings: Findings) -> None:
    """Check the contained resources of a resource."""
    contained = node.value.get("contained")
    if not isinstance(contained, list) or not contained:
        return
    outside = {key: value for key, value in node.value.items() if key != "contained"}
    linked = set(_local_links(outside)) | set(_local_links(contained))
    for index, inner in enumerate(contained):
        if not isinstance(inner, dict):
            continue

        def wrong(text: str, zh: str, at: int = index) -> None:
            findings.at(node, "contained", at, "error", "invariant", text, zh)

        if "contained" in inner:
            wrong("a contained resource contains none itself (dom-2)", "被包含的资源不能再包含资源 (dom-2)")
        meta = inner.get("meta")
        if isinstance(meta, dict) and ("versionId" in meta or "lastUpdated" in meta):
            wrong(
                "a contained resource has no version or update time (dom-4)",
                "被包含的资源不能有版本号或更新时间 (dom-4)",
            )
        if isinstance(meta, dict) and "security" in meta:
            wrong("a contained resource has no security label (dom-5)", "被包含的资源不能有安全标签 (dom-5)")
        if "id" not in inner:
            wrong("a contained resource needs an id", "被包含的资源须有 id")
        elif f"#{inner['id']}" not in linked and "#" not in set(_local_links(inner)):
            wrong(
                "a contained resource is referred to from the resource (dom-3)",
                "被包含的资源须被引用 (dom-3)",
            )


def check_local_reference(node: Node, resource: Node, findings: Findings) -> None:
    """Check that `#id` names a contained resource (ref-1)."""
    text = node.value.get("reference")
    if not isinstance(text, str) or not text.startswith("#") or text == "#":
        return
    place: Node | None = resource
    while place is not None and place.key == "contained":
        place = place.parent
    if place is None or not isinstance(place.value, dict):
        return
    ids = {inner.get("id") for inner in place.value.get("contained") or () if isinstance(inner, dict)}
    if text[1:] not in ids:
        findings.at(
            node, "", -1, "error", "invariant", f"there is no contained resource {text[:70]!r} (ref-1)",
            f"没有被包含的资源 {text[:70]!r} (ref-1)",
        )  # fmt: skip
