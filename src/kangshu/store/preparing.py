"""What worker processes do for a bulk load: bodies → rows ready for COPY. No database here."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kangshu.base.canonical import CASE_KIND
from kangshu.base.clock import now
from kangshu.base.faults import Fault
from kangshu.fhir import decode, definitions, parse, render, rewrite_references, walk_references
from kangshu.search import Entries, Kind, extract
from kangshu.store.bodies import new_id, stamped, type_of, valid_id
from kangshu.store.catalogue import Catalogue
from kangshu.store.codec import Codec
from kangshu.store.guards import is_frozen
from kangshu.store.indexing import rows_of, systems_in
from kangshu.store.relations import Told, told_by
from kangshu.store.scopes import scope_of
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
    labels: tuple[str, ...]
    packed: bytes
    is_case: bool
    frozen: bool
    told: Told


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
    codec: int = 0
    """What the bodies are packed with."""


@dataclass(slots=True)
class Knowledge:
    """What a worker must know of the database from the beginning."""

    types: dict[str, int]
    params: dict[tuple[str, str], int]
    rules: tuple[UniqueRule, ...]


@dataclass(slots=True)
class Growing:
    """What grows while a load runs; sent with each piece of work."""

    systems: dict[str, int]
    codec: int
    dictionary: bytes
    moment: datetime


class Preparer:
    """Turns bodies into rows. One per worker process, and one per small load."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._catalogue = Catalogue()
        self._catalogue.types = knowledge.types
        self._catalogue.params = knowledge.params
        self._codec = Codec()
        self._moment = now()
        self._rules: dict[str, tuple[UniqueRule, ...]] = {}
        for rule in knowledge.rules:
            self._rules[rule.type] = (*self._rules.get(rule.type, ()), rule)

    def grow(self, growing: Growing) -> None:
        """Learn what is new since the last piece of work."""
        self._catalogue.systems.update(growing.systems)
        self._moment = growing.moment
        if not self._codec.knows(growing.codec):
            self._codec.add(growing.codec, growing.dictionary)

    def lines(self, lines: list[tuple[int, bytes]]) -> Prepared:
        """Return the rows of NDJSON lines, each with its number; a bad line is a problem."""
        resources: list[tuple[int, dict[str, Any]]] = []
        prepared = Prepared()
        for number, line in lines:
            try:
                resource = parse(line)
                type_of(resource)
                resources.append((number, resource))
            except Fault as fault:
                prepared.problems.append((number, fault.text))
        return self._prepare(prepared, resources)

    def resources(self, bodies: list[bytes]) -> Prepared:
        """Return the rows of resources that are known to be well-formed."""
        return self._prepare(Prepared(), [(number, decode(body)) for number, body in enumerate(bodies, 1)])

    def bundle(self, body: bytes, links: dict[str, str]) -> Prepared:
        """Return the rows of a Bundle's entries, or of one resource.

        `links` resolves conditional references; those to other entries are resolved here. An entry keeps its
        resource's id: loading a file twice gives versions, not doubles.
        """
        prepared = Prepared()
        try:
            bundle = parse(body)
            type_of(bundle)
        except Fault as fault:
            prepared.problems.append((1, fault.text))
            return prepared
        if bundle["resourceType"] != "Bundle":
            return self._prepare(prepared, [(1, bundle)])
        resources = _entries(bundle, dict(links), prepared)
        return self._prepare(prepared, resources)

    def _prepare(self, prepared: Prepared, resources: list[tuple[int, dict[str, Any]]]) -> Prepared:
        if prepared.problems:
            return prepared
        known = self._catalogue.systems
        extracted: list[tuple[dict[str, Any], Entries]] = []
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
        prepared.codec = self._codec.current
        for number, (resource, entries) in enumerate(extracted):
            self._add(prepared, number, resource, entries)
        return prepared

    def _add(self, prepared: Prepared, number: int, resource: dict[str, Any], entries: Entries) -> None:
        type = resource["resourceType"]
        scope, own = scope_of(resource)
        for kind, found in rows_of(type, entries, self._catalogue).items():
            prepared.rows.setdefault(kind, []).extend((number, *row) for row in found)
        for rule in self._rules.get(type, ()):
            value = rule.value(resource)
            if value is not None:
                prepared.unique.append((rule.id, value, number))
        packed = self._codec.pack(render(stamped(resource, 1, self._moment)))
        prepared.records.append(
            Record(
                number, type, resource["id"], scope.district, own, scope.organisations, scope.patient,
                scope.labels, packed, type == "Task" and _is_case(resource), is_frozen(resource),
                told_by(resource, type, scope.patient),
            )
        )  # fmt: skip


def _entries(
    bundle: dict[str, Any], known: dict[str, str], prepared: Prepared
) -> list[tuple[int, dict[str, Any]]]:
    """Return the resources of a Bundle by entry number, their references resolved."""
    resources: list[tuple[int, dict[str, Any]]] = []
    listed = bundle.get("entry")
    if listed is not None and not isinstance(listed, list):
        prepared.problems.append((1, "Bundle.entry is not a list"))
        return []
    for number, entry in enumerate(listed or (), 1):
        if not isinstance(entry, dict):
            prepared.problems.append((number, "the entry is not an object"))
            continue
        resource = entry.get("resource")
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
    return resources


def _link(resource: dict[str, Any], known: dict[str, str], number: int, prepared: Prepared) -> None:
    rewrite_references(resource, lambda text: known.get(text, text))
    for element in walk_references(resource):
        kind, mark, _ = element["reference"].partition("?")
        if mark and definitions().is_resource(kind):
            prepared.problems.append((number, f"no {kind} meets the conditional reference"))


def _is_case(task: dict[str, Any]) -> bool:
    codings = (task.get("code") or {}).get("coding") or ()
    return any(isinstance(coding, dict) and coding.get("system") == CASE_KIND for coding in codings)


_WORKER: list[Preparer] = []
"""This process's preparer, when it is a worker."""


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def become_worker(knowledge: Knowledge) -> None:
    """Set up this process; the first thing a worker runs. It ends with its parent, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _WORKER[:] = [Preparer(knowledge)]


def prepare_lines(lines: list[tuple[int, bytes]], growing: Growing) -> Prepared:
    """Run `Preparer.lines` in a worker."""
    _WORKER[0].grow(growing)
    return _WORKER[0].lines(lines)


def prepare_resources(bodies: list[bytes], growing: Growing) -> Prepared:
    """Run `Preparer.resources` in a worker."""
    _WORKER[0].grow(growing)
    return _WORKER[0].resources(bodies)


def prepare_bundle(body: bytes, links: dict[str, str], growing: Growing) -> Prepared:
    """Run `Preparer.bundle` in a worker."""
    _WORKER[0].grow(growing)
    return _WORKER[0].bundle(body, links)
