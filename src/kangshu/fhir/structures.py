"""The words in which R4 is described: elements, invariants, bindings, search parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["resource", "complex", "primitive", "backbone"]
SearchKind = Literal[
    "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"
]
Strength = Literal["required", "extensible", "preferred", "example"]


@dataclass(frozen=True, slots=True)
class ElementType:
    """One type that an element may have; `targets` are resource types of a Reference or canonical."""

    code: str
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule of the specification: FHIRPath that must be true of each element it stands on."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class Binding:
    """The value set of a coded element. `maximal` is the outer bound of a weaker binding, if any."""

    strength: Strength
    value_set: str
    maximal: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type.

    `name` has no `[x]`; `choice` says that JSON adds the type (`valueQuantity`). `max` None is unbounded.
    `content` names the element (`Bundle.link`) whose children this one shares.
    """

    name: str
    path: str
    min: int
    max: int | None
    types: tuple[ElementType, ...]
    choice: bool = False
    content: str = ""
    binding: Binding | None = None
    invariants: tuple[Invariant, ...] = ()
    modifier: bool = False
    summary: bool = False

    @property
    def repeats(self) -> bool:
        """Whether JSON writes an array."""
        return self.max is None or self.max > 1


@dataclass(frozen=True, slots=True)
class Child:
    """What a JSON property is: its element, and its type (a type name, or a path such as `Patient.contact`)."""

    element: Element
    type: str


@dataclass(frozen=True, slots=True)
class ExtensionDefinition:
    """One of R4's own extensions. `contexts` are element paths (empty: not checked), `types` those of its value.

    A structured one has no value but `nested` extensions, by their url, with the types of their values.
    """

    url: str
    contexts: tuple[str, ...]
    types: tuple[str, ...]
    nested: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite search parameter; `expression` starts at the composite's node."""

    name: str
    kind: SearchKind
    expression: str


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter as it applies to one resource type; `expression` holds only that type's alternatives."""

    name: str
    kind: SearchKind
    expression: str
    type: str
    targets: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()
    url: str = ""
