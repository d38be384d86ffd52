"""The change feed: every write in one dense order, read by position."""

from __future__ import annotations

from typing import Final

from kangshu.access import Grant, Scope, admits
from kangshu.fhir import decode
from kangshu.store.catalogue import Catalogue
from kangshu.store.codec import Codec
from kangshu.store.connections import Connection
from kangshu.store.records import CHANGE_KINDS, Change

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
        """select f.position, f.version as at, f.kind, f.recorded, r.type, r.id, r.version, r.deleted, r.district,
            r.organisations, r.patient, r.codec, r.body, v.codec as old_codec, v.body as old_body, v.deleted as old_deleted
        from feed f join resource r on r.key = f.key
        left join version v on v.key = f.key and v.version = f.version and f.version <> r.version
        where f.position > $1 order by f.position limit $2""",
        after,
        limit,
    )
    if any(not codec.knows(row["codec"]) or not codec.knows(row["old_codec"] or 0) for row in rows):
        await codec.load(connection)
    changes = []
    for row in rows:
        type = catalogue.type_names[row["type"]]
        scope = Scope(row["district"], tuple(row["organisations"]), row["patient"])
        if not admits(grant.may_read(type), scope):
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
                resource=decode(body) if body else None,
                scope=scope,
                recorded=row["recorded"],
            )
        )
    return changes
