"""Profiles: StructureDefinitions that constrain an R4 type, compiled to trees and checked on top of R4 itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from kangshu.base.faults import Malformed
from kangshu.fhir import Binding, Invariant, Resource, core_profiles, definitions

_STRENGTHS: Final = ("required", "extensible", "preferred", "example")
_CORE: Final = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(slots=True)
class Constraint:
    """What a profile says of one element or slice."""

    id: str
    name: str
    min: int = 0
    max: int | None = None
    types: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    fixed: Any = None
    pattern: Any = None
    binding: Binding | None = None
    invariants: tuple[Invariant, ...] = ()
    discriminators: tuple[tuple[str, str], ...] = ()
    closed: bool = False
    children: dict[str, Constraint] = field(default_factory=dict)
    slices: dict[str, Constraint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """A compiled profile; `base` is checked too where it is a profile itself."""

    url: str
    type: str
    base: str
    root: Constraint


def compile_profile(definition: Resource) -> Profile:
    """Return a StructureDefinition (its snapshot, or its differential) as a tree of constraints.

    Raises:
        Malformed: it is no profile of an R4 type, or has no elements.
    """
    type = definition.get("type")
    part = definition.get("snapshot") or definition.get("differential") or {}
    elements = part.get("element") or []
    if definition.get("resourceType") != "StructureDefinition" or not isinstance(type, str) or not elements:
        raise Malformed(
            "a profile is a StructureDefinition with elements", zh="规范须为含元素定义的 StructureDefinition"
        )
    if not definitions().knows(type):
        raise Malformed(f"{type[:60]!r} is no type of R4", zh=f"{type[:60]!r} 不是 R4 类型")
    root = Constraint(type, type)
    for element in elements:
        _fill(
            _place(root, str(element.get("id") or element.get("path", ""))),
            element,
            str(definition.get("url", "")),
        )
    _prune(root, type)
    return Profile(str(definition.get("url", "")), type, str(definition.get("baseDefinition", "")), root)


def _prune(constraint: Constraint, type: str) -> bool:
    """Drop below `constraint` what R4 says anyway; return whether nothing is left of it that is worth a check."""
    for name, child in list(constraint.children.items()):
        base = definitions().elements(type).get(name)
        kinds = [kind for _, kind in definitions().choices(type, name)] if base is not None else []
        if base is not None and set(child.targets) == {target for t in base.types for target in t.targets}:
            child.targets = ()
        inner = kinds[0] if len(kinds) == 1 else (child.types[0] if len(child.types) == 1 else "")
        void = _prune(child, inner) and not child.slices
        if base is not None and void and child.min <= base.min and child.max in (None, base.max):
            allowed = {t.code for t in base.types}
            own = child.binding is not None and (
                base.binding is None or base.binding.value_set != child.binding.value_set
            )
            if not own and (not child.types or set(child.types) >= allowed):
                del constraint.children[name]
    for slice_ in constraint.slices.values():
        _prune(slice_, type)
    bare = constraint.fixed is None and constraint.pattern is None and not constraint.targets
    return bare and not constraint.invariants and not constraint.children and not constraint.slices


def _place(root: Constraint, id_: str) -> Constraint:
    here = root
    for step in id_.split(".")[1:]:
        name, _, slice_name = step.partition(":")
        plain = name.removesuffix("[x]")
        here = here.children.setdefault(plain, Constraint(f"{here.id}.{name}", plain))
        if slice_name:
            here = here.slices.setdefault(slice_name, Constraint(f"{here.id}:{slice_name}", plain))
    return here


def _fill(constraint: Constraint, element: Mapping[str, Any], url: str) -> None:
    constraint.min = int(element.get("min", 0))
    most = element.get("max", "*")
    constraint.max = None if most == "*" else int(most)
    types = [t for t in element.get("type") or () if isinstance(t, Mapping)]
    constraint.types = tuple(str(t.get("code")) for t in types if not str(t.get("code")).startswith("http:"))
    constraint.profiles = tuple(p for t in types for p in t.get("profile") or ())
    targets = [p.removeprefix(_CORE) for t in types for p in t.get("targetProfile") or ()]
    if all(definitions().knows(target) for target in targets):  # a profile as target says nothing of the type
        constraint.targets = tuple(targets)
    for key, value in element.items():
        if key.startswith("fixed"):
            constraint.fixed = value
        elif key.startswith("pattern"):
            constraint.pattern = value
    bound = element.get("binding") or {}
    if bound.get("valueSet") and bound.get("strength") in _STRENGTHS:
        constraint.binding = Binding(bound["strength"], str(bound["valueSet"]).partition("|")[0])
    constraint.invariants = tuple(
        Invariant(
            str(c.get("key")), c.get("severity", "error"), str(c.get("human", "")), str(c["expression"])
        )
        for c in element.get("constraint") or ()
        if c.get("expression") and c.get("source", url) == url
    )
    slicing = element.get("slicing")
    if slicing:
        constraint.closed = slicing.get("rules") == "closed"
        constraint.discriminators = tuple(
            (str(d.get("type")), str(d.get("path"))) for d in slicing.get("discriminator") or ()
        )


class Profiles:
    """The profiles that an installation knows, by canonical."""

    def __init__(self) -> None:
        self._definitions: dict[str, Resource] = {}
        self._compiled: dict[str, Profile] = {}

    def add(self, definition: Resource) -> Profile:
        """Take up a profile; a later one of the same url replaces the earlier. Raises Malformed for no profile."""
        profile = compile_profile(definition)
        self._definitions[profile.url] = definition
        self._compiled[profile.url] = profile
        return profile

    def find(self, url: str) -> Profile | None:
        """Return the profile of a canonical (a version is ignored); None for one that is not known."""
        plain = url.partition("|")[0]
        if plain not in self._compiled and plain in core_profiles():
            self._compiled[plain] = compile_profile(core_profiles()[plain])
        return self._compiled.get(plain)


@cache
def profiles() -> Profiles:
    """Return the installation's profiles; services add to them when they are loaded."""
    return Profiles()
