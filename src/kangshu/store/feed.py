"""The change feed: every write in one dense order, read by position."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kangshu.access import Everything, Grant, Predicate, Scope, admits, asks_for_care
from kangshu.store.care import care_now
from kangshu.store.catalogue import Catalogue
from kangshu.store.codec import Codec
from kangshu.store.connections import Connection, Row
from kangshu.store.fields import shown
from kangshu.store.records import CHANGE_KINDS, Change, Stored

_MOST: Final = 100_000
"""Rows numbered in one transaction."""


async def sequence(connection: Connection) -> int:
    """Number what can no longer change, and return the last position."""
    while True:
        row = await connection.fetchrow(
            "select coalesce(max(position), 0) as before, sequence_feed($1) as after from feed", _MOST
        )
        if row["after"] - row["before"] < _MOST:
            position: int = row["after"]
            return position


async def read_feed(
    connection: Connection, catalogue: Catalogue, codec: Codec, grant: Grant, after: int, limit: int
) -> list[Change]:
    """Return up to `limit` changes above `after` that `grant` may read, in order.

    The resource is the current state when it is at the change's version, else that version's; None for a deletion.
    """
    await sequence(connection)
    rows = await connection.fetch(
        """select f.position, f.version as at, f.kind, f.recorded, r.key, r.type, r.id, r.version, r.deleted, r.district,
            r.organisations, r.patient, r.labels, r.codec, r.body, v.codec as old_codec, v.body as old_body,
            v.labels as old_labels
        from feed f join resource r on r.key = f.key
        left join version v on v.key = f.key and v.version = f.version and f.version <> r.version
        where f.position > $1 order by f.position limit $2""",
        after,
        limit,
    )
    if any(not codec.knows(row["codec"]) or not codec.knows(row["old_codec"] or 0) for row in rows):
        await codec.load(connection)
    changes: list[Change] = []
    states: list[Stored] = []
    for row in rows:
        type = catalogue.type_names[row["type"]]
        scope = Scope(row["district"], tuple(row["organisations"]), row["patient"], tuple(row["labels"]))
        if not await _admitted(connection, grant.may_read(type), row, scope):
            continue
        if row["at"] == row["version"]:
            body = codec.unpack(row["codec"], row["body"]) if row["body"] else b""
        else:
            body = codec.unpack(row["old_codec"], row["old_body"]) if row["old_body"] else b""
        changes.append(
            Change(
                position=row["position"],
                type=type,
                id=row["id"],
                version=row["at"],
                kind=CHANGE_KINDS[row["kind"]],
                resource=None,
                scope=scope,
                recorded=row["recorded"],
            )
        )
        states.append(Stored(type, row["id"], row["at"], row["recorded"], scope, not body, body, row["key"]))
    seen = await shown(connection, grant, states, versions=True)
    return [
        replace(change, resource=state.resource if state.body else None)
        for change, state in zip(changes, seen, strict=True)
    ]


async def _admitted(connection: Connection, predicate: Predicate, row: Row, scope: Scope) -> bool:
    """Return whether `predicate` admits the record, and the version that the change made, by its own labels."""
    if isinstance(predicate, Everything):
        return True
    if asks_for_care(predicate):
        scope = replace(scope, care=await care_now(connection, row["type"], scope.patient, predicate))
    own = scope if row["old_labels"] is None else replace(scope, labels=tuple(row["old_labels"]))
    return admits(predicate, scope) and admits(predicate, own)
