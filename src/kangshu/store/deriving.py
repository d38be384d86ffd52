"""Labels and care relations of records that were written before the store kept them, or by other rules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from kangshu.access import care_rules
from kangshu.fhir import decode
from kangshu.store.attachments import attach, context_of, settle
from kangshu.store.care import enter, forget
from kangshu.store.connections import Connection
from kangshu.store.relations import CARE_TYPES, SILENT, told_by
from kangshu.store.scopes import labels_of

if TYPE_CHECKING:
    from kangshu.store.store import Store

SETTING: Final = "care-signatures"
NOT_READ: Final = "?"
"""The label that the migration gives to what it cannot tell the labels of; no role names it."""
_READING: Final = 1
"""Raised when records are read for care differently than before."""
_BATCH: Final = 500
_ATTACHED: Final = "Binary"


def signature(type: str) -> str:
    """Return what tells apart two ways of reading records of `type` for care."""
    rules = [repr(rule) for rule in care_rules().values() if rule.type == type]
    return hashlib.sha256(repr((_READING, rules)).encode()).hexdigest()[:16]


async def sign_derived(connection: Connection) -> None:
    """Note in a new database how this program reads records for care; one with records has them read first."""
    await connection.execute(
        """insert into setting (name, value) select $1, $2 where not exists (select 1 from resource)
        on conflict (name) do nothing""",
        SETTING,
        msgspec.json.encode({type: signature(type) for type in sorted({*CARE_TYPES, _ATTACHED})}).decode(),
    )


async def derive(store: Store, progress: Callable[[int], None] | None) -> int:
    """Read what has not been read, in short commits; return from how many records.

    Refusals come first: nothing is opened that they close. What other rules opened is closed. Types that no rule is about any more are forgotten.
    """
    done = await _read_labels(store, progress)
    known: dict[str, str] = await store.get_setting(SETTING) or {}
    if _ATTACHED not in known:
        done += await _read_attached(store)
        known = {**known, _ATTACHED: signature(_ATTACHED)}
        await store.put_setting(SETTING, known)
    for type in sorted({*CARE_TYPES, *known} - {_ATTACHED}, key=lambda one: (one != "Consent", one)):
        wanted = signature(type) if type in CARE_TYPES else ""
        if known.get(type, "") == wanted:
            continue
        await _close(store, type)
        last = 0
        while batch := await _read_care(store, type, last):
            last = batch[-1]
            done += len(batch)
            if progress is not None:
                progress(done)
        known = {**known, type: wanted}
        await store.put_setting(SETTING, known)
    return done


async def _read_attached(store: Store) -> int:
    """Read which records the attachments belong to; return of how many."""
    last = done = 0
    while True:
        async with store.connection() as connection, connection.transaction():
            reader = store.reader(connection)
            keys = await connection.fetch(
                "select key from resource where type = $1 and not deleted and key > $2 order by key limit 50",
                store.catalogue.type(_ATTACHED),
                last,
            )
            if not keys:
                return done
            for row in keys:
                binary = await reader.by_key(row["key"])
                if binary is not None and context_of(binary.resource) is not None:
                    await attach(reader, binary.key, binary.resource)
            await settle(reader, [row["key"] for row in keys])
            last, done = keys[-1]["key"], done + len(keys)


async def _close(store: Store, type: str) -> None:
    """Take away what records of `type` opened by other rules; what they refuse stays until it is read anew."""
    async with store.connection() as connection:
        await connection.execute(
            "delete from care where key in (select key from resource where type = $1)",
            store.catalogue.type(type),
        )


async def _read_care(store: Store, type: str, after: int) -> list[int]:
    """Read the next records of `type` above the key `after`; return their keys."""
    async with store.connection() as connection, connection.transaction():
        rows = await connection.fetch(
            """select key, patient, codec, body from resource where type = $1 and not deleted and key > $2
            order by key limit $3 for update""",
            store.catalogue.type(type),
            after,
            _BATCH,
        )
        if any(not store.codec.knows(row["codec"]) for row in rows):
            await store.codec.load(connection)
        keys = [row["key"] for row in rows]
        await forget(connection, keys)
        for row in rows:
            body = decode(store.codec.unpack(row["codec"], row["body"]))
            told = told_by(body, type, row["patient"])
            if told != SILENT:
                await enter(connection, row["key"], row["patient"], told, store.catalogue.types)
        return keys


async def _read_labels(store: Store, progress: Callable[[int], None] | None) -> int:
    """Read the labels of old versions that the migration could not tell, then those of deletions."""
    done, key, version = 0, 0, 0
    while True:
        async with store.connection() as connection, connection.transaction():
            rows = await connection.fetch(
                """select key, version, codec, body from version where (key, version) > ($1, $2) and labels = $3
                order by key, version limit $4 for update""",
                key, version, [NOT_READ], _BATCH,
            )  # fmt: skip
            if not rows:
                break
            if any(not store.codec.knows(row["codec"]) for row in rows):
                await store.codec.load(connection)
            for row in rows:
                body = decode(store.codec.unpack(row["codec"], row["body"])) if row["body"] else {}
                await connection.execute(
                    "update version set labels = $3 where key = $1 and version = $2",
                    row["key"], row["version"], list(labels_of(body)),
                )  # fmt: skip
            key, version = rows[-1]["key"], rows[-1]["version"]
            done += len(rows)
        if progress is not None:
            progress(done)
    async with store.connection() as connection, connection.transaction():
        # a deletion bears the labels of what it deleted
        told = await connection.fetch(
            """with left_by as (
                update resource r set labels = v.labels from version v
                where r.deleted and r.labels = $1 and v.key = r.key and v.version = r.version - 1
                returning r.key, r.version
            ), bare as (
                update resource r set labels = '{}' where r.deleted and r.labels = $1 and r.version = 1
            )
            insert into feed_pending (key, version, kind, recorded) select key, version, 3, now() from left_by
            returning key""",
            [NOT_READ],
        )
    return done + len(told)
