"""The search parameters of each type: R4's and ours, and where their entries are kept.

Many R4 parameters say the same thing twice (`patient` is `subject` with a target type, `combo-code` is `code`
and `component-code`). Such a parameter is not indexed again: its `sources` name the indexed ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from kangshu.base.canonical import structure
from kangshu.fhir import SearchParameter, alternatives, definitions
from kangshu.search.model import Component, CompositeSource, Kind, Source
from kangshu.search.paths import Leaf, leaves
from kangshu.search.sounds import PHONETIC

BASE: Final = "http://kangshu.org/fhir/SearchParameter"

_OF_RECORDS: Final[tuple[tuple[str, Kind, tuple[str, ...]], ...]] = (
    ("state", "token", ()),
    ("class", "token", ()),
    ("day", "date", ()),
    ("of", "reference", ("Basic", "Organization", "Location", "Task")),
    ("about", "reference", ("Basic",)),
)
"""What is searched on a Basic that is a record of a register: name, kind, target types."""


def _ours(type: str, name: str, kind: Kind, element: str, targets: tuple[str, ...] = ()) -> SearchParameter:
    """Return a parameter of ours on `element`, a path within `type`."""
    return SearchParameter(
        name=name,
        kind=kind,
        expression=f"{type}.{element}",
        type=type,
        url=f"{BASE}/{type}-{name}",
        targets=targets,
    )


def _on_extension(
    type: str, name: str, kind: Kind, targets: tuple[str, ...] = (), *, extension: str = ""
) -> SearchParameter:
    """Return a parameter of ours on our extension of the same name, or on `extension`."""
    return _ours(type, name, kind, f"extension('{structure(extension or name)}')", targets)


OURS: Final[tuple[SearchParameter, ...]] = (
    _ours("Task", "deadline", "date", "restriction.period.end"),
    _ours("Contract", "type", "token", "type"),
    _ours("Contract", "applies", "date", "applies"),
    _ours("CareTeam", "name", "string", "name"),
    _ours("CareTeam", "organization", "reference", "managingOrganization", ("Organization",)),
    _ours("Flag", "category", "token", "category"),
    _on_extension("Slot", "reserved-for", "token"),
    _on_extension(
        "Slot", "organization", "reference", ("Organization",), extension="responsible-organisation"
    ),
    _on_extension("Slot", "released", "date"),
    _on_extension("Slot", "substituted", "date"),
    _on_extension(
        "Appointment", "organization", "reference", ("Organization",), extension="responsible-organisation"
    ),
    _on_extension("Appointment", "held-until", "date"),
    _on_extension("RelatedPerson", "representative", "reference", ("Patient", "Practitioner")),
    _on_extension("Contract", "care-team", "reference", ("CareTeam",)),
    _on_extension("Encounter", "contract", "reference", ("Contract",)),
    *(
        _on_extension("Basic", name, kind, targets, extension=f"record-{name}")
        for name, kind, targets in _OF_RECORDS
    ),
    *(_ours("Basic", name, "string", "code.text") for name in ("name", PHONETIC)),
    *(_ours(type, PHONETIC, "string", "name") for type in ("CareTeam", "HealthcareService", "Location")),
)
"""Search parameters of this project, as data."""

RECORD: Final[Mapping[str, Kind]] = {"_id": "token", "_lastUpdated": "date", "_district": "string"}
"""Parameters that are columns of the record itself. `_district` is ours: a division and all below it."""

_SWAPPED: Final = frozenset({("DocumentReference", "relationship")})
"""R4 errata: these composites name their components in the other order than their expressions."""

_NOT_OFFERED: Final = frozenset({"_text", "_content", "_query", "_filter", "_list", "_has"})
_KINDS: Final = frozenset({"token", "string", "date", "number", "quantity", "reference", "uri"})
_UNCODED: Final = frozenset({"code", "boolean", "string", "id", "markdown"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter of one type. `sources` says where its entries are kept, `leaves` where they come from.

    `plain` is true where values have no system of their own (an element of type code): a system asked for is
    then taken as the implied one. `own` is false when other parameters' entries serve it.
    """

    name: str
    kind: Kind
    url: str
    expression: str
    targets: tuple[str, ...]
    sources: tuple[Source, ...]
    leaves: tuple[Leaf, ...]
    residue: tuple[str, ...] = ()
    """Alternatives that only the FHIRPath engine can read."""
    plain: bool = False
    own: bool = True


@dataclass(frozen=True, slots=True)
class Composite:
    """A composite parameter. `kinds` are those of its components; `group` what is indexed for it, if anything."""

    name: str
    url: str
    expression: str
    kinds: tuple[Kind, ...]
    plain: tuple[bool, ...]
    sources: tuple[CompositeSource, ...]
    group: Group | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one composite: for each element at `at`, the leaves of each component."""

    at: tuple[Leaf, ...]
    components: tuple[tuple[Component, tuple[Leaf, ...]], ...]


@dataclass(frozen=True, slots=True)
class TypeParameters:
    """All that can be searched on one type."""

    type: str
    simple: Mapping[str, Parameter]
    composite: Mapping[str, Composite]


@cache
def parameters_of(type: str) -> TypeParameters:
    """Return the parameters of `type`; empty mappings for an unknown type."""
    declared = [p for p in definitions().search_parameters(type).values() if _offered(p)]
    declared += [p for p in OURS if p.type == type]
    simple = {p.name: _read(type, p) for p in declared if p.kind in _KINDS}
    sounding = simple.pop(PHONETIC, None)
    shared = {name: _share(parameter, simple) for name, parameter in simple.items()}
    if sounding is not None:
        # other names (aliases) sound too
        names = simple["name"]
        shared[PHONETIC] = replace(sounding, expression=names.expression, leaves=names.leaves)
    composite: dict[str, Composite] = {}
    for p in declared:
        if p.kind == "composite" and "%resource" not in str(p.components):
            composite[p.name] = _composite(type, p, shared, composite)
    return TypeParameters(type, shared, composite)


def _offered(parameter: SearchParameter) -> bool:
    return (
        bool(parameter.expression)
        and parameter.name not in _NOT_OFFERED
        and parameter.name not in RECORD
        and not parameter.url.endswith(("/example", "/example-extension"))
    )


def _read(type: str, parameter: SearchParameter) -> Parameter:
    found: list[Leaf] = []
    residue: list[str] = []
    for alternative in alternatives(parameter.expression):
        read = leaves(type, alternative)
        if read is None:
            if ".entry[" not in alternative:
                residue.append(alternative)
        else:
            found.extend(read)
    kind: Kind = parameter.kind  # type: ignore[assignment]  # the caller chose the seven simple kinds
    return Parameter(
        name=parameter.name,
        kind=kind,
        url=parameter.url,
        expression=parameter.expression,
        targets=parameter.targets,
        sources=(Source(parameter.name),),
        leaves=tuple(dict.fromkeys(found)),
        residue=tuple(residue),
        plain=kind == "token"
        and not residue
        and bool(found)
        and all(leaf.type in _UNCODED for leaf in found),
    )


def _share(parameter: Parameter, simple: Mapping[str, Parameter]) -> Parameter:
    """Return `parameter` with the sources of others where their entries cover it."""
    if parameter.residue or not parameter.leaves:
        return parameter
    targets = {leaf.target for leaf in parameter.leaves}
    if len(targets) == 1:
        (target,) = targets
        wanted = {replace(leaf, target="") for leaf in parameter.leaves}
        for other in simple.values():
            same = other.kind == parameter.kind and not other.residue and set(other.leaves) == wanted
            # of two equal ones the first by name is indexed; with a target the plain one is
            if same and other.name != parameter.name and (target or other.name < parameter.name):
                return replace(parameter, sources=(Source(other.name, target),), own=False)
    return _union(parameter, simple)


def _union(parameter: Parameter, simple: Mapping[str, Parameter]) -> Parameter:
    mine = set(parameter.leaves)
    parts = [
        other
        for other in simple.values()
        if other.kind == parameter.kind and not other.residue and other.leaves and set(other.leaves) < mine
    ]
    chosen: list[Source] = []
    missing = set(mine)
    for other in sorted(parts, key=lambda one: (-len(one.leaves), one.name)):
        if set(other.leaves) <= missing and _share(other, simple).own:
            chosen.append(Source(other.name))
            missing -= set(other.leaves)
    if chosen and not missing:
        return replace(parameter, sources=tuple(chosen), own=False)
    return parameter


def _composite(
    type: str, parameter: SearchParameter, simple: Mapping[str, Parameter], known: Mapping[str, Composite]
) -> Composite:
    if (type, parameter.name) in _SWAPPED:
        expressions = [c.expression for c in reversed(parameter.components)]
        swapped = zip(parameter.components, expressions, strict=True)
        parameter = replace(parameter, components=tuple(replace(c, expression=e) for c, e in swapped))
    kinds = tuple(_component_kind(c.kind) for c in parameter.components)
    sources: list[CompositeSource] = []
    grouped_at: list[Leaf] = []
    plain: list[bool] = [False] * len(kinds)
    for alternative in alternatives(parameter.expression):
        if alternative == type:
            components = tuple(
                Component(kind, _covering(type, kind, c.expression, simple, c.name))
                for kind, c in zip(kinds, parameter.components, strict=True)
            )
            sources.append(CompositeSource(components, grouped=False))
        else:
            grouped_at.extend(leaves(type, alternative) or ())
    group: Group | None = None
    if grouped_at:
        made = tuple(
            (Component(kind, f"{parameter.name}${at}"), _component_leaves(grouped_at[0].type, c.expression))
            for at, (kind, c) in enumerate(zip(kinds, parameter.components, strict=True))
        )
        plain = [kind == "token" and all(leaf.type in _UNCODED for leaf in found) for (kind, _), (_, found) in zip(
            ((c.kind, c.code) for c, _ in made), made, strict=True)]  # fmt: skip
        group = Group(tuple(grouped_at), made)
        for other in known.values():
            if other.group and other.group.at == group.at and _same(other.group, group):
                sources.append(CompositeSource(tuple(c for c, _ in other.group.components), grouped=True))
                return Composite(
                    parameter.name, parameter.url, parameter.expression, kinds, tuple(plain), tuple(sources)
                )
        sources.append(CompositeSource(tuple(c for c, _ in made), grouped=True))
    return Composite(
        parameter.name, parameter.url, parameter.expression, kinds, tuple(plain), tuple(sources), group
    )


def _same(one: Group, other: Group) -> bool:
    return [found for _, found in one.components] == [found for _, found in other.components]


def _component_leaves(type: str, expression: str) -> tuple[Leaf, ...]:
    return tuple(leaf for part in alternatives(expression) for leaf in leaves(type, part) or ())


def _covering(type: str, kind: Kind, expression: str, simple: Mapping[str, Parameter], fallback: str) -> str:
    """Return the indexed parameter that holds the values of a component on the resource itself."""
    wanted = set(_component_leaves(type, expression))
    fitting = [p for p in simple.values() if p.own and p.kind == kind and wanted <= set(p.leaves)]
    fitting.sort(key=lambda p: (len(p.leaves), p.name))
    return fitting[0].name if fitting else fallback


def _component_kind(kind: str) -> Kind:
    if kind not in _KINDS:
        raise ValueError(f"a composite of {kind} components is not offered")
    return kind  # type: ignore[return-value]  # checked above
