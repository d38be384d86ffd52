"""Rows of a table made from records that a case looks up (花名册), each beside what other records say of the same person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import CaseDeclaration, CaseRecords, Resource


def gathered_rows(
    declared: CaseRecords, records: Mapping[str, Iterable[Resource]], names: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return a row per record of a declared look-up: column id → what its expression finds first.

    `records` are all that were looked up, by name. In a row's expressions each name of `beside` stands for those of its
    records alone that have the key of the row, each column before for what it found, and `names` for themselves.
    """
    keyed = {name: _by_key(records.get(name, ()), declared.key) for name in declared.beside}
    rows = []
    for record in records.get(declared.id, ()):
        mine = _found(declared.key, record, {}) if declared.key else None
        known = {**names, **{name: found.get(mine, []) for name, found in keyed.items()}}
        row: dict[str, Any] = {}
        for name, expression in declared.columns.items():
            row[name] = _found(expression, record, known)
            known[name] = [] if row[name] is None else row[name]
        rows.append(row)
    return rows


def gathering_of(kind: CaseDeclaration, effect: Mapping[str, Any]) -> CaseRecords:
    """Return the declared look-up from which an effect `gather` fills its table."""
    name = str(effect["of"]).removeprefix("%")
    return next(one for one in kind.records if one.id == name)


def asked_by(kind: CaseDeclaration, effects: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the expressions that the gatherings of these effects ask of the case."""
    for effect in effects:
        if "gather" in effect:
            declared = gathering_of(kind, effect)
            yield from declared.columns.values()
            yield from (f"%{name}" for name in declared.beside)


def _by_key(records: Iterable[Resource], key: str) -> dict[Any, list[Resource]]:
    found: dict[Any, list[Resource]] = defaultdict(list)
    for record in records:
        found[_found(key, record, {})].append(record)
    return found


def _found(expression: str, record: Resource, names: Mapping[str, Any]) -> Any:
    try:
        return compile_expression(expression).first(record, names)
    except Fault:
        return None
