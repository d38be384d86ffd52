"""A query held against one resource in memory: for the few that no database keeps, such as declared definitions."""

from __future__ import annotations

from collections.abc import Sequence

from kangshu.sdk import Resource
from kangshu.search.entries import Entries
from kangshu.search.extract import extract
from kangshu.search.folding import fold
from kangshu.search.model import (
    Clause,
    IdClause,
    Kind,
    MissingClause,
    Query,
    ReferenceValue,
    Source,
    StringValue,
    TokenValue,
    UriValue,
    Value,
    ValueClause,
)

_Entry = tuple[str, ...]


def matches(query: Query, resource: Resource) -> bool:
    """Return whether `resource` meets all clauses of `query`, as the store would find it.

    What the store knows beside the resource (when it changed, its division, what refers to it) it has not, and values of
    dates, numbers and quantities are not compared: a clause that asks for them is not met.
    """
    entries = extract(resource)
    return all(_meets(clause, str(resource.get("id", "")), entries) for clause in query.where)


def _meets(clause: Clause, id_: str, entries: Entries) -> bool:
    match clause:
        case IdClause(ids, negated):
            return (id_ in ids) is not negated
        case MissingClause(kind, sources, missing):
            return (not _rows(entries, kind, sources)) is missing
        case ValueClause(kind, sources, values, modifier):
            kind = "string" if modifier == "text" else kind
            rows = _rows(entries, kind, sources)
            found = any(_equal(value, modifier, row) for value in values for row in rows)
            return found is not (modifier == "not")
        case _:
            return False


def _rows(entries: Entries, kind: Kind, sources: tuple[Source, ...]) -> list[_Entry]:
    """Return what stands in a resource's entries of some parameters, without their names."""
    names = {one.code for one in sources}
    held: dict[Kind, Sequence[tuple[str | int, ...]]] = {
        "token": entries.token, "string": entries.string, "reference": entries.reference, "uri": entries.uri,
    }  # fmt: skip
    return [tuple(str(part) for part in row[2:]) for row in held.get(kind, ()) if row[0] in names]


def _equal(value: Value, modifier: str, row: _Entry) -> bool:
    match value:
        case TokenValue(system, code):
            return (system is None or row[0] == system) and (code is None or row[1] == code)
        case StringValue(text):
            if modifier == "exact":
                return row[1] == text
            return text in row[0] if modifier == "contains" else row[0].startswith(fold(text))
        case ReferenceValue(type_, target, _):
            return row[1] == target and (not type_ or row[0] == type_)
        case UriValue(uri):
            if modifier == "below":
                return row[0].startswith(uri)
            return uri.startswith(row[0]) if modifier == "above" else row[0] == uri
        case _:
            return False
