# ruff: noqa: S608  # the text is of literals and table names of this room; every value is bound
"""Index rows made anew when the program reads a type's search parameters differently than the one that wrote them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from kangshu.fhir import decode, definitions
from kangshu.search import Kind, extract, parameters_of
from kangshu.store.conditions import TABLES
from kangshu.store.connections import Connection
from kangshu.store.deriving import sign_derived
from kangshu.store.indexing import COLUMNS, rows_of, systems_in

if TYPE_CHECKING:
    from kangshu.store.store import Store

SETTING: Final = "index-signatures"
_CONVERSION: Final = 1
"""Raised when values of the same elements give other entries than before."""
_BATCH: Final = 500


def signature(type: str) -> str:
    """Return what tells apart two ways of indexing `type`."""
    declared = parameters_of(type)
    told = [(p.name, p.kind, p.leaves, p.residue) for p in declared.simple.values() if p.own]
    groups = [(c.name, c.group) for c in declared.composite.values() if c.group]
    return hashlib.sha256(repr((_CONVERSION, sorted(told), sorted(groups, key=repr))).encode()).hexdigest()[
        :16
    ]


async def sign_new(connection: Connection) -> None:
    """Note in a new database how this program indexes."""
    await sign_derived(connection)
    if not await connection.fetchval("select exists (select 1 from setting where name = $1)", SETTING):
        signatures = {type: signature(type) for type in definitions().resource_types}
        await connection.execute(
            "insert into setting (name, value) values ($1, $2) on conflict (name) do nothing",
            SETTING,
            msgspec.json.encode(signatures).decode(),
        )


async def stale_types(store: Store) -> list[str]:
    """Return the types that have records indexed in another way. Types without records are simply signed."""
    known: dict[str, str] = await store.get_setting(SETTING) or {}
    changed = [type for type in definitions().resource_types if known.get(type) != signature(type)]
    if not changed:
        return []
    async with store.connection() as connection:
        rows = await connection.fetch(
            """select t.name from resource_type t
            where exists (select 1 from resource r where r.type = t.type and not r.deleted) and t.name = any($1::text[])""",
            changed,
        )
    stale = sorted(row["name"] for row in rows)
    fresh = {type: signature(type) for type in changed if type not in stale}
    if fresh:
        await store.put_setting(SETTING, {**known, **fresh})
    return stale


async def reindex(store: Store, types: list[str] | None, progress: Callable[[int], None] | None) -> int:
    """Make the index rows of `types` anew (None: of the stale ones), in short commits; return how many records."""
    done = 0
    for type in await stale_types(store) if types is None else types:
        last = 0
        while True:
            count, last = await _batch(store, type, last)
            if not count:
                break
            done += count
            if progress is not None:
                progress(done)
        known = await store.get_setting(SETTING) or {}
        await store.put_setting(SETTING, {**known, type: signature(type)})
    return done


async def _batch(store: Store, type: str, after: int) -> tuple[int, int]:
    """Index the next records of `type` above the key `after`; return how many, and the last key."""
    async with store.connection() as connection, connection.transaction():
        records = await connection.fetch(
            """select key, codec, body from resource where type = $1 and not deleted and key > $2
            order by key limit $3 for update""",
            store.catalogue.type(type),
            after,
            _BATCH,
        )
        if not records:
            return 0, after
        if any(not store.codec.knows(record["codec"]) for record in records):
            await store.codec.load(connection)
        rows: dict[Kind, list[tuple[Any, ...]]] = {}
        for record in records:
            entries = extract(decode(store.codec.unpack(record["codec"], record["body"])))
            await store.number_systems(systems_in(entries))
            for kind, found in rows_of(type, entries, store.catalogue).items():
                rows.setdefault(kind, []).extend((record["key"], *row) for row in found)
        await _replace(connection, [record["key"] for record in records], rows)
        return len(records), records[-1]["key"]


async def _replace(connection: Connection, keys: list[int], rows: dict[Kind, list[tuple[Any, ...]]]) -> None:
    for kind, table in TABLES.items():
        await connection.execute(f"delete from {table} where key = any($1::bigint[])", keys)
        if kind in rows:
            columns = ["key", *(name for name, _ in COLUMNS[kind])]
            await connection.copy_records_to_table(table, columns=columns, records=rows[kind])
