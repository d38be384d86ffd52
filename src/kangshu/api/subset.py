"""_summary and _elements: a part of a resource, marked as one.

Source: FHIR R4 http.html#summary, search.html#elements.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from kangshu.fhir import definitions
from kangshu.sdk import Resource

SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
_ALWAYS: Final = frozenset({"resourceType", "id", "meta", "implicitRules"})


def subset(resource: Resource, summary: str, elements: tuple[str, ...]) -> Resource:
    """Return the part of `resource` that is asked for; itself when nothing is.

    `summary` is "", `true`, `text` or `data`; `elements` names top-level elements. What R4 demands stays.
    """
    if not summary and not elements:
        return resource
    kind = resource["resourceType"]
    if summary == "data":
        kept = {name: value for name, value in resource.items() if name != "text"}
    elif summary == "text":
        kept = _picked(resource, required_elements(kind) | {"text"})
    elif summary == "true":
        kept = _summarised(resource, kind)
    else:
        kept = resource
    if elements:
        kept = _picked(kept, required_elements(kind) | frozenset(elements))
    meta = dict(kept.get("meta", {}))
    if not any(tag.get("code") == "SUBSETTED" for tag in meta.get("tag", ())):
        meta["tag"] = [*meta.get("tag", ()), SUBSETTED]
    return {**kept, "meta": meta}


def _picked(resource: Resource, names: frozenset[str]) -> Resource:
    wanted = names | _ALWAYS
    return {
        name: value
        for name, value in resource.items()
        if name.removeprefix("_") in wanted or _choice(resource["resourceType"], name) in wanted
    }


def _choice(kind: str, name: str) -> str:
    child = definitions().child(kind, name.removeprefix("_"))
    return child.element.name if child is not None else ""


@cache
def required_elements(kind: str) -> frozenset[str]:
    """Return the names of the elements of `kind` that R4 demands."""
    return frozenset(name for name, element in definitions().elements(kind).items() if element.min > 0)


def _summarised(value: dict[str, Any], kind: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, part in value.items():
        if name in _ALWAYS:
            kept[name] = part
            continue
        child = definitions().child(kind, name.removeprefix("_"))
        if child is None or not (child.element.summary or child.element.min > 0):
            continue
        kept[name] = _below(part, child.type)
    return kept


def _below(part: Any, kind: str) -> Any:
    """Narrow a backbone element further: its own elements are marked one by one, a data type's are all kept."""
    if "." not in kind:
        return part
    if isinstance(part, list):
        return [_below(one, kind) for one in part]
    return _summarised(part, kind) if isinstance(part, dict) else part
