"""The search parameters of each type: R4's and ours, and where their entries are kept.

Many R4 parameters say the same thing twice (`patient` is `subject` with a target type, `combo-code` is `code`
and `component-code`). Such a parameter is not indexed again: its `sources` name the indexed ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from kangshu.fhir import SearchParameter, alternatives, definitions
from kangshu.search.model import Component, CompositeSource, Kind, Source
from kangshu.search.paths import Leaf, leaves
from kangshu.search.sounds import PHONETIC

BASE: Final = "http://kangshu.org/fhir/SearchParameter"

_OF_RECORDS: Final[tuple[tuple[str, Kind], ...]] = (
    ("state", "token"), ("class", "token"), ("day", "date"), ("of", "reference"),
)  # fmt: skip
"""What is searched on a Basic that is a record of a register, by kind."""

OURS: Final[tuple[SearchParameter, ...]] = (
    SearchParameter(
        name="deadline",
        kind="date",
        expression="Task.restriction.period.end",
        type="Task",
        url=f"{BASE}/Task-deadline",
    ),
    SearchParameter(
        name="type", kind="token", expression="Contract.type", type="Contract", url=f"{BASE}/Contract-type"
    ),
    SearchParameter(
        name="applies",
        kind="date",
        expression="Contract.applies",
        type="Contract",
        url=f"{BASE}/Contract-applies",
    ),
    SearchParameter(
        name="reserved-for",
        kind="token",
        expression="Slot.extension('http://kangshu.org/fhir/StructureDefinition/reserved-for')",
        type="Slot",
        url=f"{BASE}/Slot-reserved-for",
    ),
    SearchParameter(
        name="organization",
        kind="reference",
        expression="Slot.extension('http://kangshu.org/fhir/StructureDefinition/responsible-organisation')",
        type="Slot",
        url=f"{BASE}/Slot-organization",
        targets=("Organization",),
    ),
    SearchParameter(
        name="released",
        kind="date",
        expression="Slot.extension('http://kangshu.org/fhir/StructureDefinition/released')",
        type="Slot",
        url=f"{BASE}/Slot-released",
    ),
    SearchParameter(
        name="organization",
        kind="reference",
        expression="Appointment.extension('http://kangshu.org/fhir/StructureDefinition/responsible-organisation')",
        type="Appointment",
        url=f"{BASE}/Appointment-organization",
        targets=("Organization",),
    ),
    SearchParameter(
        name="held-until",
        kind="date",
        expression="Appointment.extension('http://kangshu.org/fhir/StructureDefinition/held-until')",
        type="Appointment",
        url=f"{BASE}/Appointment-held-until",
    ),
    SearchParameter(
        name="representative",
        kind="reference",
        expression="RelatedPerson.extension('http://kangshu.org/fhir/StructureDefinition/representative')",
        type="RelatedPerson",
        url=f"{BASE}/RelatedPerson-representative",
        targets=("Patient", "Practitioner"),
    ),
    SearchParameter(
        name="name", kind="string", expression="CareTeam.name", type="CareTeam", url=f"{BASE}/CareTeam-name"
    ),
    SearchParameter(
        name="organization",
        kind="reference",
        expression="CareTeam.managingOrganization",
        type="CareTeam",
        url=f"{BASE}/CareTeam-organization",
        targets=("Organization",),
    ),
    SearchParameter(
        name="care-team",
        kind="reference",
        expression="Contract.extension('http://kangshu.org/fhir/StructureDefinition/care-team')",
        type="Contract",
        url=f"{BASE}/Contract-care-team",
        targets=("CareTeam",),
    ),
    SearchParameter(
        name="contract",
        kind="reference",
        expression="Encounter.extension('http://kangshu.org/fhir/StructureDefinition/contract')",
        type="Encounter",
        url=f"{BASE}/Encounter-contract",
        targets=("Contract",),
    ),
    SearchParameter(
        name="category",
        kind="token",
        expression="Flag.category",
        type="Flag",
        url=f"{BASE}/Flag-category",
    ),
    *(
        SearchParameter(
            name=name,
            kind=kind,
            expression=f"Basic.extension('http://kangshu.org/fhir/StructureDefinition/record-{name}')",
            type="Basic",
            url=f"{BASE}/Basic-{name}",
            targets=("Basic", "Organization", "Location", "Task") if kind == "reference" else (),
        )
        for name, kind in _OF_RECORDS
    ),
    *(
        SearchParameter(
            name=name, kind="string", expression="Basic.code.text", type="Basic", url=f"{BASE}/Basic-{name}"
        )
        for name in ("name", PHONETIC)
    ),
    *(
        SearchParameter(
            name=PHONETIC,
            kind="string",
            expression=f"{type}.name",
            type=type,
            url=f"{BASE}/{type}-{PHONETIC}",
        )
        for type in ("CareTeam", "HealthcareService", "Location")
    ),
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
