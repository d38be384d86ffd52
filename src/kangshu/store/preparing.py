"""What worker processes do for a bulk load: bodies → rows ready for COPY. No database here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kangshu.base.canonical import CASE_KIND
from kangshu.base.faults import Fault
from kangshu.fhir import decode, definitions, parse, render, rewrite_references, walk_references
from kangshu.search import Kind, extract
from kangshu.store.catalogue import Catalogue
from kangshu.store.codec import Codec
from kangshu.store.indexing import rows_of, systems_in
from kangshu.store.scopes import scope_of
from kangshu.store.transaction import new_id, stamped, type_of, valid_id
from kangshu.store.unique import UniqueRule


@dataclass(slots=True)
class Record:
    """One record to be written. `number` stands for its key in the index rows."""

    number: int
    type: str
    id: str
    district: str
    own: bool
    organisations: tuple[str, ...]
    patient: str
    packed: bytes
    is_case: bool


@dataclass(slots=True)
class Prepared:
    """The rows of one piece of work; index rows begin with the record's number."""

    records: list[Record] = field(default_factory=list)
    rows: dict[Kind, list[tuple[Any, ...]]] = field(default_factory=dict)
    unique: list[tuple[str, str, int]] = field(default_factory=list)
    unknown_systems: set[str] = field(default_factory=set)
    """Code systems to be numbered first; the work is then given again."""
    problems: list[tuple[int, str]] = field(default_factory=list)
    """(line or entry, what is wrong)."""
    bytes_read: int = 0


@dataclass(slots=True)
class Knowledge:
    """What a worker must know of the database; sent with each piece of work."""

    types: dict[str, int]
    params: dict[tuple[str, str], int]
    systems: dict[str, int]
    rules: tuple[UniqueRule, ...]
    codec: int = 0
    dictionary: bytes = b""


_CATALOGUE = Catalogue()
_CODEC = Codec()
_RULES: dict[str, tuple[UniqueRule, ...]] = {}


def learn(knowledge: Knowledge) -> None:
    """Set up this process; the first thing a worker runs."""
    _CATALOGUE.types = knowledge.types
    _CATALOGUE.params = knowledge.params
    _CATALOGUE.systems = dict(knowledge.systems)
    _RULES.clear()
    for rule in knowledge.rules:
        _RULES[rule.type] = (*_RULES.get(rule.type, ()), rule)
    if knowledge.codec and not _CODEC.knows(knowledge.codec):
        _CODEC.add(knowledge.codec, knowledge.dictionary)


def prepare_lines(lines: list[tuple[int, bytes]], systems: dict[str, int], moment: datetime) -> Prepared:
    """Return the rows of NDJSON lines, each with its number; a bad line is a problem."""
    _CATALOGUE.systems.update(systems)
    resources: list[tuple[int, dict[str, Any]]] = []
    prepared = Prepared(bytes_read=sum(len(line) for _, line in lines))
    for number, line in lines:
        try:
            resource = parse(line)
            type_of(resource)
            resources.append((number, resource))
        except Fault as fault:
            prepared.problems.append((number, fault.text))
    return _prepare(prepared, resources, moment)


def prepare_resources(bodies: list[bytes], systems: dict[str, int], moment: datetime) -> Prepared:
    """Return the rows of resources that are known to be well-formed."""
    _CATALOGUE.systems.update(systems)
    resources = [(number, decode(body)) for number, body in enumerate(bodies, 1)]
    return _prepare(Prepared(bytes_read=sum(map(len, bodies))), resources, moment)


def prepare_bundle(body: bytes, links: dict[str, str], systems: dict[str, int], moment: datetime) -> Prepared:
    """Return the rows of a Bundle's entries. `links` resolves conditional references; `urn:uuid:` ones are resolved here.

    An entry keeps its resource's id: loading a file twice gives versions, not doubles.
    """
    _CATALOGUE.systems.update(systems)
    prepared = Prepared(bytes_read=len(body))
    try:
        bundle = parse(body)
    except Fault as fault:
        prepared.problems.append((1, fault.text))
        return prepared
    if bundle.get("resourceType") != "Bundle":
        return _single(prepared, bundle, moment)
    known = dict(links)
    resources: list[tuple[int, dict[str, Any]]] = []
    for number, entry in enumerate(bundle.get("entry") or (), 1):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if resource is None:
            continue
        try:
            type = type_of(resource)
        except Fault as fault:
            prepared.problems.append((number, fault.text))
            continue
        if not valid_id(resource.get("id")):
            resource = {**resource, "id": new_id()}
        if isinstance(entry.get("fullUrl"), str):
            known[entry["fullUrl"]] = f"{type}/{resource['id']}"
        resources.append((number, resource))
    for number, resource in resources:
        _link(resource, known, number, prepared)
    return _prepare(prepared, resources, moment)


def _single(prepared: Prepared, resource: dict[str, Any], moment: datetime) -> Prepared:
    try:
        type_of(resource)
    except Fault as fault:
        prepared.problems.append((1, fault.text))
        return prepared
    return _prepare(prepared, [(1, resource)], moment)


def _link(resource: dict[str, Any], known: dict[str, str], number: int, prepared: Prepared) -> None:
    rewrite_references(resource, lambda text: known.get(text, text))
    for element in walk_references(resource):
        kind, mark, _ = element["reference"].partition("?")
        if mark and definitions().is_resource(kind):
            prepared.problems.append((number, f"no {kind} meets the conditional reference"))


def _prepare(prepared: Prepared, resources: list[tuple[int, dict[str, Any]]], moment: datetime) -> Prepared:
    if prepared.problems:
        return prepared
    known = _CATALOGUE.systems
    extracted = []
    for number, resource in resources:
        if not valid_id(resource.get("id")):
            if "id" in resource:
                prepared.problems.append((number, "the id is not 1 to 64 letters, digits, '-' and '.'"))
                continue
            resource = {**resource, "id": new_id()}
        entries = extract(resource)
        prepared.unknown_systems.update(url for url in systems_in(entries) if url not in known)
        extracted.append((resource, entries))
    if prepared.unknown_systems or prepared.problems:
        return prepared
    for number, (resource, entries) in enumerate(extracted):
        type = resource["resourceType"]
        scope, own = scope_of(resource)
        for kind, found in rows_of(type, entries, _CATALOGUE).items():
            prepared.rows.setdefault(kind, []).extend((number, *row) for row in found)
        for rule in _RULES.get(type, ()):
            value = rule.value(resource)
            if value is not None:
                prepared.unique.append((rule.id, value, number))
        packed = _CODEC.pack(render(stamped(resource, 1, moment)))
        prepared.records.append(
            Record(
                number, type, resource["id"], scope.district, own, scope.organisations, scope.patient, packed,
                type == "Task" and _is_case(resource),
            )
        )  # fmt: skip
    return prepared


def _is_case(task: dict[str, Any]) -> bool:
    codings = (task.get("code") or {}).get("coding") or ()
    return any(isinstance(coding, dict) and coding.get("system") == CASE_KIND for coding in codings)
