"""R4 (4.0.1) as data, compacted by tools/compact_definitions.py, decoded once and built type by type on demand."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import zstandard

from kangshu.fhir.structures import (
    Binding,
    Child,
    Component,
    Element,
    ElementType,
    ExtensionDefinition,
    Invariant,
    Kind,
    SearchKind,
    SearchParameter,
    Strength,
)  # fmt: skip

_KINDS: Final[Mapping[str, Kind]] = {"r": "resource", "c": "complex", "p": "primitive"}
_STRENGTHS: Final[Mapping[str, Strength]] = {
    "r": "required", "x": "extensible", "p": "preferred", "o": "example",
}  # fmt: skip
_BLANK: Final[tuple[Any, ...]] = ("", 0, 0, (), "", 0, (), 0)


class Definitions:
    """Everything the platform knows of R4. Types are named as in FHIR; a backbone element by its path."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.version: str = data["version"]
        self._types: Mapping[str, Any] = data["types"]
        self._value_sets: Mapping[str, Mapping[str, Mapping[str, str]]] = data["value_sets"]
        self._compartments: Mapping[str, Mapping[str, list[str]]] = data["compartments"]
        self._extensions: Mapping[str, list[Any]] = data["extensions"]
        self._search: list[list[Any]] = data["search"]
        self._invariants = tuple(Invariant(*row) for row in data["invariants"])
        self._elements: dict[str, Mapping[str, Element]] = {}
        self._children: dict[str, dict[str, Child]] = {}
        self._backbones: dict[str, Element] = {}
        self._parameters: dict[str, Mapping[str, SearchParameter]] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self.resource_types: tuple[str, ...] = tuple(
            name for name, entry in self._types.items() if entry["k"] == "r" and "a" not in entry
        )
        self._resources = frozenset(self.resource_types)

    def is_resource(self, type: str) -> bool:
        """Return whether `type` is a concrete resource type of R4."""
        return type in self._resources

    def knows(self, type: str) -> bool:
        """Return whether `type` is a type of R4 (backbone paths and abstract types included)."""
        return type in self._types or self.kind(type) == "backbone"

    @property
    def type_names(self) -> tuple[str, ...]:
        """All named types: resources, complex types, primitives."""
        return tuple(self._types)

    def kind(self, type: str) -> Kind | None:
        """Return what sort of type it is; None for an unknown one."""
        entry = self._types.get(type)
        if entry is not None:
            return _KINDS[entry["k"]]
        root = type.partition(".")[0]
        if root in self._types and type in self._types[root].get("e", ()):
            return "backbone"
        return None

    def is_abstract(self, type: str) -> bool:
        """Return whether no instance can have just this type (Resource, Element, …)."""
        return "a" in self._types.get(type, ())

    def ancestors(self, type: str) -> tuple[str, ...]:
        """Return the type itself and all it derives from, nearest first; empty for an unknown one."""
        found = self._ancestors.get(type)
        if found is None:
            found = self._ancestors[type] = self._derive(type)
        return found

    def _derive(self, type: str) -> tuple[str, ...]:
        entry = self._types.get(type)
        if entry is not None:
            return (type, *(self.ancestors(entry["b"]) if entry["b"] else ()))
        if self.kind(type) != "backbone":
            return ()
        owner, _, name = type.rpartition(".")
        return (type, *self.ancestors(self.elements(owner)[name].types[0].code))

    def is_a(self, type: str, ancestor: str) -> bool:
        """Return whether `type` is `ancestor` or derives from it."""
        return ancestor in self.ancestors(type)

    def elements(self, type: str) -> Mapping[str, Element]:
        """Return the elements of `type` by name (without `[x]`), inherited ones first; empty for an unknown type."""
        found = self._elements.get(type)
        if found is None:
            found = self._elements[type] = self._build(type)
        return found

    def _build(self, type: str) -> Mapping[str, Element]:
        root = type.partition(".")[0]
        entry = self._types.get(root)
        if entry is None or (root != type and type not in entry.get("e", ())):
            return {}
        built: dict[str, Element] = {}
        if root == type:
            if entry["b"]:
                built.update(self.elements(entry["b"]))
        else:
            owner, _, name = type.rpartition(".")
            built.update(self.elements(self.elements(owner)[name].types[0].code))
        for row in entry.get("e", {}).get(type, ()):
            element = self._element(type, row)
            built[element.name] = element
        return built

    def _element(self, owner: str, row: list[Any]) -> Element:
        name, least, most, types, content, bound, rules, flags = (*row, *_BLANK[len(row) :])
        return Element(
            name=name.removesuffix("[x]"),
            path=f"{owner}.{name.removesuffix('[x]')}",
            min=least,
            max=None if most < 0 else most,
            types=tuple(ElementType(t[0], *(tuple(part) for part in t[1:])) for t in types),
            choice=name.endswith("[x]"),
            content=content,
            binding=Binding(_STRENGTHS[bound[0]], *bound[1:]) if bound else None,
            invariants=tuple(self._invariants[i] for i in rules),
            modifier=bool(flags & 1),
            summary=bool(flags & 2),
        )

    def children(self, type: str) -> Mapping[str, Child]:
        """Return what each JSON property of `type` is: `valueQuantity` as well as `name`."""
        found = self._children.get(type)
        if found is None:
            found = self._children[type] = {}
            for element in self.elements(type).values():
                for json_name, child_type in self._names(type, element):
                    found[json_name] = Child(element, child_type)
        return found

    def child(self, type: str, name: str) -> Child | None:
        """Return what the JSON property `name` of `type` is; None where R4 has no such element."""
        return self.children(type).get(name)

    def choices(self, type: str, name: str) -> tuple[tuple[str, str], ...]:
        """Return (JSON property, type) of the element `name` in FHIRPath's sense: several for `value[x]`."""
        element = self.elements(type).get(name)
        return () if element is None else self._names(type, element)

    def _names(self, owner: str, element: Element) -> tuple[tuple[str, str], ...]:
        if element.choice:
            return tuple((element.name + t.code[0].upper() + t.code[1:], t.code) for t in element.types)
        if element.content:
            return ((element.name, element.content),)
        code = element.types[0].code if element.types else "Element"
        if code in ("BackboneElement", "Element"):
            path = element.path
            return ((element.name, path if self.kind(path) == "backbone" else code),)
        return ((element.name, code),)

    def invariants(self, type: str) -> tuple[Invariant, ...]:
        """Return the rules that stand on `type` itself, inherited ones included."""
        rules: list[Invariant] = []
        for name in reversed(self.ancestors(type)):
            rules.extend(self._invariants[i] for i in self._types.get(name, {}).get("i", ()))
        return tuple(rules)

    def pattern(self, type: str) -> str:
        """Return the regular expression of a primitive's value; "" where R4 gives none."""
        pattern: str = self._types.get(type, {}).get("r", "")
        return pattern

    def value_set(self, url: str) -> Mapping[str, Mapping[str, str]] | None:
        """Return {system: {code: display}} of a value set that R4 binds; None where its codes do not ship."""
        return self._value_sets.get(url.partition("|")[0])

    @property
    def value_sets(self) -> tuple[str, ...]:
        """Canonicals of the value sets whose codes ship."""
        return tuple(self._value_sets)

    def extension(self, url: str) -> ExtensionDefinition | None:
        """Return what R4 says of one of its own extensions; None for any other url."""
        row = self._extensions.get(url.removeprefix("http://hl7.org/fhir/StructureDefinition/"))
        if row is None or "/StructureDefinition/" not in url:
            return None
        nested = {name: tuple(types) for name, types in row[2].items()} if len(row) > 2 else {}
        return ExtensionDefinition(url, tuple(row[0]), tuple(row[1]), nested)

    def compartment(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Return, by resource type, the search parameters that put it into the compartment `name` (`Patient`)."""
        return {type: tuple(names) for type, names in self._compartments.get(name, {}).items()}

    def search_parameters(self, type: str) -> Mapping[str, SearchParameter]:
        """Return the search parameters of a resource type by name, those of every resource included."""
        found = self._parameters.get(type)
        if found is None:
            found = self._parameters[type] = self._build_parameters(type)
        return found

    def _build_parameters(self, type: str) -> Mapping[str, SearchParameter]:
        bases = set(self.ancestors(type))
        if not self.is_resource(type):
            return {}
        kinds: dict[str, SearchKind] = {row[0]: row[2] for row in self._search}
        built: dict[str, SearchParameter] = {}
        for id_, name, kind, base, expression, targets, components in self._search:
            if bases.isdisjoint(base) or not expression:
                continue
            built[name] = SearchParameter(
                name=name,
                kind=kind,
                expression=expression_for(expression, type),
                type=type,
                targets=tuple(targets) if kind == "reference" else (),
                components=tuple(
                    Component(_code(c, self._search), kinds[c], e.replace("as(DateTime)", "as(dateTime)"))
                    for c, e in components
                ),
                url=f"http://hl7.org/fhir/SearchParameter/{id_}",
            )
        return built


def _code(id_: str, rows: list[list[Any]]) -> str:
    return next((row[1] for row in rows if row[0] == id_), id_)


def alternatives(expression: str) -> list[str]:
    """Return the parts of a FHIRPath union, split at the `|` outside brackets and strings."""
    parts: list[str] = []
    depth, begin, quoted = 0, 0, ""
    for at, sign in enumerate(expression):
        if quoted:
            quoted = "" if sign == quoted else quoted
        elif sign in "'`\"":
            quoted = sign
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif sign == "|" and depth == 0:
            parts.append(expression[begin:at].strip())
            begin = at + 1
    parts.append(expression[begin:].strip())
    return parts


def expression_for(expression: str, type: str) -> str:
    """Return the alternatives of a search parameter's expression that can apply to `type`."""
    heads = (f"{type}.", "Resource.", "DomainResource.")
    expression = expression.replace(
        "as(DateTime)", "as(dateTime)"
    )  # R4 names a System type where it means FHIR's
    kept = [part for part in alternatives(expression) if part.lstrip("(").startswith(heads) or part == type]
    return " | ".join(kept) if kept else expression


@cache
def core_profiles() -> Mapping[str, dict[str, Any]]:
    """Return, by canonical, the profiles that R4 itself demands (vital signs), as StructureDefinitions."""
    packed = files("kangshu.fhir").joinpath("r4.profiles.json.zst").read_bytes()
    found: Mapping[str, dict[str, Any]] = msgspec.json.decode(zstandard.ZstdDecompressor().decompress(packed))
    return found


@cache
def definitions() -> Definitions:
    """Return the R4 definitions; the first call decodes them (some 10 ms), later ones cost nothing."""
    packed = files("kangshu.fhir").joinpath("r4.json.zst").read_bytes()
    return Definitions(msgspec.json.decode(zstandard.ZstdDecompressor().decompress(packed)))
