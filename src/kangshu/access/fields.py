"""Protected fields: what is masked unless a role shows it in clear, as data (fields.yaml). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

from kangshu.base.text import Text

STAR: Final = "*"
_SHORT: Final = 4


@dataclass(frozen=True, slots=True)
class ProtectedField:
    """One field: its element paths and the search parameters that would reveal it, by resource type."""

    id: str
    title: Text
    mask: str
    elements: Mapping[str, tuple[str, ...]]
    searches: Mapping[str, frozenset[str]]


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


def masked(text: str) -> str:
    """Return `text` with its middle hidden: `张**`, `990102********123X`."""
    if len(text) <= _SHORT:
        return text[:1] + STAR * max(1, len(text) - 1)
    keep = min(6, len(text) // 3)
    tail = min(4, len(text) - keep)
    return text[:keep] + STAR * (len(text) - keep - tail) + text[-tail:]


def _field(id_: str, body: Mapping[str, Any]) -> ProtectedField:
    return ProtectedField(
        id=id_,
        title=Text(body["title"]["zh"], body["title"]["en"]),
        mask=body["mask"],
        elements=MappingProxyType({kind: tuple(paths) for kind, paths in body["elements"].items()}),
        searches=MappingProxyType({kind: frozenset(names) for kind, names in body["searches"].items()}),
    )
