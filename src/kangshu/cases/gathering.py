"""Rows of a table made from records that a case looks up (花名册), each beside what other records say of the same person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import Resource


def gathered_rows(
    records: Iterable[Resource],
    beside: Mapping[str, Iterable[Resource]],
    key: str,
    columns: Mapping[str, str],
    names: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return a row per record: column id → what its expression finds first, in the order of the records.

    `key` is FHIRPath that gives the same text for records about the same person; in a row's expressions each name of
    `beside` stands for those of its records alone that have the key of the row, and `names` for themselves.
    """
    keyed = {name: _by_key(found, key) for name, found in beside.items()}
    rows = []
    for record in records:
        mine = _found(key, record, {})
        own = {name: found.get(mine, []) for name, found in keyed.items()}
        known = {**names, **own}
        rows.append({name: _found(expression, record, known) for name, expression in columns.items()})
    return rows


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
