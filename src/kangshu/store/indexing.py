"""Entries → rows of the index tables, and the one statement that writes a record with all of them."""

# ruff: noqa: S608  # the text is of literals and aliases made here; every value is bound
from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from kangshu.search import Entries, Kind, shorten
from kangshu.store.catalogue import NOWHERE, Catalogue
from kangshu.store.conditions import TABLES

COLUMNS: Final[dict[Kind, tuple[tuple[str, str], ...]]] = {
    "token": (("param", "integer"), ("system", "integer"), ("part", "smallint"), ("code", "text")),
    "string": (("param", "integer"), ("part", "smallint"), ("folded", "text"), ("exact", "text")),
    "date": (("low", "timestamptz"), ("high", "timestamptz"), ("param", "integer"), ("part", "smallint")),
    "number": (("param", "integer"), ("part", "smallint"), ("low", "numeric"), ("high", "numeric")),
    "quantity": (
        ("param", "integer"), ("system", "integer"), ("part", "smallint"), ("code", "text"), ("unit", "text"),
        ("low", "numeric"), ("high", "numeric"),
    ),
    "reference": (("param", "integer"), ("target_type", "smallint"), ("part", "smallint"), ("target", "text")),
    "uri": (("param", "integer"), ("value", "text")),
}  # fmt: skip
"""Columns of each index table besides `key`, with their types, in the order of the rows made here."""

Rows = dict[Kind, list[tuple[Any, ...]]]


def systems_in(entries: Entries) -> set[str]:
    """Return the code systems that the entries name."""
    return {row[2] for row in entries.token} | {row[2] for row in entries.quantity}


def rows_of(type: str, entries: Entries, catalogue: Catalogue) -> Rows:
    """Return the index rows of one record, without its key. Its code systems must be numbered already."""
    params, systems, types = catalogue.params, catalogue.systems, catalogue.types
    rows: Rows = {}
    if entries.token:
        rows["token"] = [(params[type, p], systems[s], n, c) for p, n, s, c in entries.token]
    if entries.string:
        rows["string"] = [(params[type, p], n, folded, exact) for p, n, folded, exact in entries.string]
    if entries.date:
        rows["date"] = [(low, high, params[type, p], n) for p, n, low, high in entries.date]
    if entries.number:
        rows["number"] = [(params[type, p], n, low, high) for p, n, low, high in entries.number]
    if entries.quantity:
        rows["quantity"] = [
            (params[type, p], systems[s], n, c, u, low, high) for p, n, s, c, u, low, high in entries.quantity
        ]
    if entries.reference:
        rows["reference"] = [
            (
                params[type, p],
                types.get(t, NOWHERE),
                n,
                target if t in types or not t else shorten(f"{t}/{target}"),
            )
            for p, n, t, target in entries.reference
        ]
    if entries.uri:
        rows["uri"] = [(params[type, p], value) for p, _, value in entries.uri]
    return rows


RECORD: Final = (
    ("type", "smallint"), ("id", "text"), ("version", "integer"), ("deleted", "boolean"), ("updated", "timestamptz"),
    ("district", "text"), ("district_from", "smallint"), ("organisations", "text[]"), ("patient", "text"),
    ("labels", "text[]"), ("codec", "smallint"), ("body", "bytea"),
)  # fmt: skip
"""$1 … $12 of the write statement."""
_TAIL: Final = 13
TOLD: Final = ("account", "action", "purpose", "detail", "on_behalf_of", "app", "address", "residents")
"""$14 … $21, for the audit; the residents' ids with commas between, or null."""
_KEY: Final = _TAIL + 1 + len(TOLD)
"""$13 is the kind of change; this one, after what the audit is told, the key of an update."""


@cache
def write_sql(kinds: tuple[Kind, ...], replaces: bool) -> str:
    """Return the statement that writes one record, its index rows of `kinds`, the feed row and the audit row.

    With `replaces` the current row goes to the versions first and its index rows go.
    """
    names = ", ".join((*(name for name, _ in RECORD), "account"))
    # the account is the first of what the audit is told
    values = ", ".join((*(f"${at}::{cast}" for at, (_, cast) in enumerate(RECORD, 1)), f"${_TAIL + 1}::text"))
    parts: list[str] = []
    if replaces:
        parts.append(
            f"""old as (insert into version (key, version, type, deleted, updated, district, organisations, patient, labels, codec, body, account)
            select key, version, type, deleted, updated, district, organisations, patient, labels, codec, body, account
            from resource where key = ${_KEY}::bigint)"""
        )
        parts.extend(
            f"d_{kind} as (delete from {table} where key = ${_KEY}::bigint)" for kind, table in TABLES.items()
        )
        parts.append(
            f"r as (update resource set ({names}) = row({values}) where key = ${_KEY}::bigint returning key)"
        )
        begin = _KEY + 1
    else:
        parts.append(f"r as (insert into resource ({names}) values ({values}) returning key)")
        begin = _KEY
    parts.append(
        "f as (insert into feed_pending (key, version, kind, recorded) "
        f"select key, $3, ${_TAIL}::smallint, $5 from r)"
    )
    told = {name: f"${at}::text" for at, name in enumerate(TOLD, _TAIL + 1)}
    told["residents"] = f"string_to_array({told['residents']}, ',')"
    parts.append(
        f"a as (insert into audit_pending (at, type, id, outcome, {', '.join(told)}) "
        f"select now(), t.name, $2, 'ok', {', '.join(told.values())} from r, resource_type t where t.type = $1)"
    )
    for kind in kinds:
        columns = COLUMNS[kind]
        listed = ", ".join(name for name, _ in columns)
        arrays = ", ".join(f"${begin + at}::{cast}[]" for at, (_, cast) in enumerate(columns))
        begin += len(columns)
        parts.append(
            f"i_{kind} as (insert into {TABLES[kind]} (key, {listed}) "
            f"select r.key, u.* from r, unnest({arrays}) as u)"
        )
    return f"with {', '.join(parts)} select key from r"


def arrays_of(rows: Rows) -> list[list[Any]]:
    """Return the columns of `rows` as arrays, in the order of `write_sql`."""
    return [list(column) for kind in rows for column in zip(*rows[kind], strict=True)]


_SEPARATOR: Final = "\x1f"
"""Between the values of a list that travels in an array of texts; none of them holds it."""


@cache
def write_all_sql(kinds: tuple[Kind, ...], replaces: bool) -> str:
    """Return the statement that writes many records with their index rows of `kinds`, feed rows and audit rows.

    Its values are those of `columns_of`. It does to each what `write_sql` does to one; with `replaces` all of them have
    a current row, else none has.
    """
    columns = (("key", "bigint"), *RECORD, ("change", "smallint"), *((name, "text") for name in TOLD))
    names = ", ".join((*(name for name, _ in RECORD), "account"))
    listed = {name: _list_of(f"w.{name}") for name, cast in columns if cast == "text[]"}
    values = ", ".join(listed.get(name, f"w.{name}") for name in names.split(", "))
    arrays = ", ".join(
        f"${at}::{'text' if cast == 'text[]' else cast}[]" for at, (_, cast) in enumerate(columns, 1)
    )
    parts = [f"w as (select * from unnest({arrays}) as w({', '.join(name for name, _ in columns)}))"]
    if replaces:
        parts.append(
            """old as (insert into version (key, version, type, deleted, updated, district, organisations, patient, labels, codec, body, account)
            select key, version, type, deleted, updated, district, organisations, patient, labels, codec, body, account
            from resource where key = any($1::bigint[]))"""
        )
        parts.extend(
            f"d_{kind} as (delete from {table} where key = any($1::bigint[]))"
            for kind, table in TABLES.items()
        )
        parts.append(
            f"r as (update resource set ({names}) = row({values}) from w where resource.key = w.key)"
        )
    else:
        parts.append(f"r as (insert into resource (key, {names}) select w.key, {values} from w)")
    parts.append(
        "f as (insert into feed_pending (key, version, kind, recorded) select key, version, change, updated from w)"
    )
    told = {name: f"w.{name}" for name in TOLD} | {"residents": "string_to_array(w.residents, ',')"}
    parts.append(
        f"a as (insert into audit_pending (at, type, id, outcome, {', '.join(told)}) "
        f"select now(), t.name, w.id, 'ok', {', '.join(told.values())} from w join resource_type t on t.type = w.type)"
    )
    begin = len(columns) + 1
    for kind in kinds:
        entries = (("key", "bigint"), *COLUMNS[kind])
        unnested = ", ".join(f"${begin + at}::{cast}[]" for at, (_, cast) in enumerate(entries))
        begin += len(entries)
        parts.append(
            f"i_{kind} as (insert into {TABLES[kind]} ({', '.join(name for name, _ in entries)}) "
            f"select * from unnest({unnested}))"
        )
    return f"with {', '.join(parts)} select 1"


def _list_of(text: str) -> str:
    return f"coalesce(string_to_array(nullif({text}, ''), E'\\x1f'), '{{}}')"


def columns_of(
    versions: Sequence[tuple[int, Sequence[Any], int, Sequence[Any], Rows]], kinds: Sequence[Kind]
) -> list[list[Any]]:
    """Return the arrays of `write_all_sql` for versions: (key, values of RECORD, change, values of TOLD, index rows)."""
    lines = [(key, *record, change, *told) for key, record, change, told, _ in versions]
    columns: list[list[Any]] = [list(column) for column in zip(*lines, strict=True)]
    for at, (_, cast) in enumerate(RECORD, 1):
        if cast == "text[]":
            columns[at] = [_SEPARATOR.join(one) for one in columns[at]]
    for kind in kinds:
        entries = [(key, *row) for key, _, _, _, rows in versions for row in rows.get(kind, ())]
        columns.extend(list(column) for column in zip(*entries, strict=True))
    return columns
