"""Protected fields: what is masked unless a role shows it in clear, as data (fields.yaml). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

from kangshu.base.text import Text

STAR: Final = "*"
_SELECTED: Final = re.compile(
    r"\.?(?:where|first|last|tail|single|trace|ofType|as)\([^()]*\)|\([^()]*\)|\[[^\]]*\]"
)
"""What selects among the elements of a list, in FHIRPath and in the paths of forms."""
_SHORT: Final = 4
_HEAD: Final = 6
_MOST_STARS: Final = 12
MASKS: Final = ("head", "middle", "all")


@dataclass(frozen=True, slots=True, eq=False)
class ProtectedField:
    """One field: its element paths and the search parameters that would reveal it, by resource type."""

    id: str
    title: Text
    mask: str
    elements: Mapping[str, tuple[str, ...]]
    searches: Mapping[str, frozenset[str]]

    def hide(self, text: str) -> str:
        """Return what is shown of `text` where the field is not clear; never `text` itself."""
        match self.mask:
            case "middle":
                return masked(text)
            case "head":
                kept = min(_HEAD, len(text) // 3)
                return text[:kept] + STAR * min(_MOST_STARS, max(2, len(text) - kept))
            case _:
                return STAR * _MOST_STARS


@cache
def protected_fields() -> Mapping[str, ProtectedField]:
    """Return the protected fields by id, as the product ships them."""
    document: dict[str, Any] = yaml.safe_load((files("kangshu.access") / "fields.yaml").read_text("utf-8"))
    return MappingProxyType({id_: _field(id_, body) for id_, body in document["fields"].items()})


@cache
def fields_of(resource_type: str) -> tuple[ProtectedField, ...]:
    """Return the protected fields that records of `resource_type` have."""
    return tuple(one for one in protected_fields().values() if resource_type in one.elements)


@cache
def field_revealed_by(resource_type: str, search_parameter: str) -> ProtectedField | None:
    """Return the protected field that a search by this parameter would reveal; None: it reveals none.

    A parameter that begins with a listed one and a hyphen reveals the same: `address-city`.
    """
    for one in protected_fields().values():
        for listed in one.searches.get(resource_type, ()):
            if search_parameter == listed or search_parameter.startswith(f"{listed}-"):
                return one
    return None


@cache
def protected_at(resource_type: str, path: str) -> ProtectedField | None:
    """Return the protected field that stands at `path`, or holds or lies below it; None: no field is told there.

    `path` is FHIRPath or the path of a form: what selects among elements is left out.
    """
    bare, before = path, ""
    while bare != before:  # from within: a selector may hold calls of its own
        bare, before = _SELECTED.sub("", bare), bare
    names = [step for step in bare.removeprefix(f"{resource_type}.").split(".") if step]
    for one in fields_of(resource_type):
        for element in one.elements[resource_type]:
            listed = element.split(".")
            shorter = min(len(names), len(listed))
            if names[:shorter] == listed[:shorter]:
                return one
    return None


def is_masked(value: object) -> bool:
    """Return whether `value` is a text, or a list with one, that looks as `ProtectedField.hide` leaves it."""
    if isinstance(value, list | tuple):
        return any(is_masked(one) for one in value)
    return isinstance(value, str) and STAR * 2 in value


def masked(text: str) -> str:
    """Return `text` with its middle hidden: `张**`, `138****1234`."""
    if len(text) <= _SHORT:
        return text[:1] + STAR * max(1, len(text) - 1)
    keep = min(6, len(text) // 3)
    tail = min(4, (len(text) + 1) // 3)
    return text[:keep] + STAR * (len(text) - keep - tail) + text[-tail:]


def _field(id_: str, body: Mapping[str, Any]) -> ProtectedField:
    if body["mask"] not in MASKS:
        raise ValueError(f"fields.yaml: {id_}: a mask is one of {', '.join(MASKS)}")
    return ProtectedField(
        id=id_,
        title=Text(body["title"]["zh"], body["title"]["en"]),
        mask=body["mask"],
        elements=MappingProxyType({kind: tuple(paths) for kind, paths in body["elements"].items()}),
        searches=MappingProxyType({kind: frozenset(names) for kind, names in body["searches"].items()}),
    )
