"""Elements of a plan: what an action is; extensions read and replaced. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from kangshu.plans import shape
from kangshu.plans.reading import Anchor
from kangshu.sdk import Resource


def extensions(element: Resource, url: str) -> Iterator[Resource]:
    """Yield the extensions of `element` with this URL."""
    return (one for one in element.get("extension", ()) if one.get("url") == url)


def extension_value(element: Resource, url: str) -> Any:
    """Return the value of the first extension with this URL, None for none."""
    for one in element.get("extension", ()):
        if one.get("url") == url:
            return next((one[key] for key in one if key.startswith("value")), None)
    return None


def anchor_from(extension: Resource) -> Anchor:
    """Return the anchor that this extension is."""
    return Anchor(
        int(extension_value(extension, "start") or 0),
        int(extension_value(extension, "end") or 0),
        str(extension_value(extension, "hash") or ""),
    )


def replace_extension(element: Resource, url: str, new: Resource | None) -> None:
    """Put `new` where extensions with this URL stood; None removes them."""
    kept = [one for one in element.get("extension", ()) if one.get("url") != url]
    element["extension"] = [*kept, new] if new is not None else kept
    if not element["extension"]:
        del element["extension"]


def kind_of(action: Resource) -> Literal["section", "clause", ""]:
    """Return what an action of a plan is."""
    codes = {
        coding.get("code")
        for concept in action.get("code", ())
        for coding in concept.get("coding", ())
        if coding.get("system") == shape.PLAN_ITEM
    }
    return "clause" if "clause" in codes else "section" if "section" in codes else ""
