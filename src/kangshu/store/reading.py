"""Reads of one record and of histories, each under the grant. What is not admitted is not there."""

# ruff: noqa: S608  # the text is of literals and aliases made here; every value is bound
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kangshu.access import Grant, Nothing, Predicate, Scope, admits, asks_for_care
from kangshu.base.faults import Gone, NotFound
from kangshu.store.care import care_now
from kangshu.store.catalogue import Catalogue
from kangshu.store.codec import Codec
from kangshu.store.connections import Connection, Row
from kangshu.store.cursors import Cursors
from kangshu.store.fields import shown
from kangshu.store.records import Page, Stored
from kangshu.store.sql import Binder, readable_sql

_POSITION = ("timestamptz", "bigint", "integer")
_COLUMNS = (
    "key, type, id, version, deleted, updated, district, organisations, patient, labels, codec, body, account"
)


class Reader:
    """Reads through one connection. The store opens one per call, a transaction keeps one."""

    def __init__(self, connection: Connection, catalogue: Catalogue, codec: Codec, cursors: Cursors) -> None:
        self.connection = connection
        self.catalogue = catalogue
        self.codec = codec
        self.cursors = cursors

    def stored(self, row: Row, type: str = "") -> Stored:
        """Return the record that a row with the columns of `resource` holds."""
        return Stored(
            type=type or self.catalogue.type_names[row["type"]],
            id=row["id"],
            version=row["version"],
            last_updated=row["updated"],
            scope=Scope(row["district"], tuple(row["organisations"]), row["patient"], tuple(row["labels"])),
            deleted=row["deleted"],
            body=self.codec.unpack(row["codec"], row["body"]) if row["body"] else b"",
            key=row["key"],
            account=row["account"],
        )

    async def learn(self, rows: Sequence[Row]) -> None:
        """Load codecs that another process has trained since."""
        if any(not self.codec.knows(row["codec"]) for row in rows):
            await self.codec.load(self.connection)

    async def shown(self, grant: Grant, found: Sequence[Stored], *, versions: bool = False) -> list[Stored]:
        """Return `found` as the grant may see it; see `fields.shown`. Whatever leaves the store passes here."""
        return await shown(self.connection, grant, found, versions=versions)

    async def admitted(self, predicate: Predicate, type: str, scope: Scope) -> bool:
        """Return whether `predicate` admits a record of `type` and this `scope`, by the care relations of now."""
        if admits(predicate, scope):
            return True
        # relations only ever add: what is admitted without them is not looked up
        if not scope.patient or not asks_for_care(predicate):
            return False
        care = await care_now(self.connection, self.catalogue.type(type), scope.patient, predicate)
        return admits(predicate, replace(scope, care=care))

    async def may_read(self, grant: Grant, stored: Stored) -> bool:
        """Return whether `grant` may read a record as it is."""
        return await self.admitted(grant.may_read(stored.type), stored.type, stored.scope)

    async def current(self, type: str, id: str, *, lock: bool = False) -> Stored | None:
        """Return the current row, whoever may see it; None when it never was. `lock` keeps others from writing it."""
        sql = f"select {_COLUMNS} from resource where type = $1 and id = $2"
        row = await self.connection.fetchrow(
            sql + (" for update" if lock else ""), self.catalogue.type(type), id
        )
        if row is None:
            return None
        await self.learn([row])
        return self.stored(row, type)

    async def held(self, type: str, ids: Sequence[str], *, wait: bool = True) -> dict[str, Stored]:
        """Return the current rows of records by id, whoever may see them, under lock in one order: whoever holds several
        at once meets no deadlock. Without `wait` those that somebody else holds are left out."""
        rows = await self.connection.fetch(
            f"select {_COLUMNS} from resource where type = $1 and id = any($2::text[]) order by key for update"
            + ("" if wait else " skip locked"),
            self.catalogue.type(type),
            list(ids),
        )
        await self.learn(rows)
        return {row["id"]: self.stored(row, type) for row in rows}

    async def referring(
        self, type: str, parameter: str, targets: tuple[str, Sequence[str]], also: tuple[str, Sequence[str]]
    ) -> list[Stored]:
        """Return the records of `type` whose reference `parameter` (one that is indexed) points to one of `targets`
        (a type and ids), and the records `also`, in one look, whoever may see them; those that are deleted are left out."""
        columns = ", ".join(f"r.{name}" for name in _COLUMNS.split(", "))
        rows = await self.connection.fetch(
            f"""select {columns} from resource r where r.type = $1 and r.id = any($2::text[]) and not r.deleted
            union all select {columns} from index_reference i join resource r on r.key = i.key
            where i.param = $3 and i.target = any($4::text[]) and i.target_type = $5 and not r.deleted""",
            self.catalogue.type(also[0]),
            list(also[1]),
            self.catalogue.params[type, parameter],
            list(targets[1]),
            self.catalogue.type(targets[0]),
        )
        await self.learn(rows)
        return [self.stored(row) for row in rows]

    async def by_key(self, key: int) -> Stored | None:
        """Return the current row of `key` under lock, whoever may see it."""
        row = await self.connection.fetchrow(
            f"select {_COLUMNS} from resource where key = $1 for update", key
        )
        if row is None:
            return None
        await self.learn([row])
        return self.stored(row)

    async def read(self, grant: Grant, type: str, id: str) -> Stored:
        """Return the current version.

        Raises:
            NotFound: never was, or the grant does not admit it.
            Gone: deleted.
        """
        found = await self.current(type, id)
        if found is None or not await self.may_read(grant, found):
            raise not_found(type, id)
        if found.deleted:
            raise Gone(f"{type}/{id} has been deleted", zh=f"{type}/{id} 已被删除")
        return (await self.shown(grant, [found]))[0]

    async def vread(self, grant: Grant, type: str, id: str, version: int) -> Stored:
        """Return one version.

        Raises:
            NotFound: no such version, or the grant does not admit it.
            Gone: that version is a deletion.
        """
        current = await self.current(type, id)
        if current is None or not await self.may_read(grant, current):
            raise not_found(type, id)
        found = current
        if version != current.version:
            found = await self.version(current, version)
            # an old version follows the record, unless it spoke of another resident or bore other labels
            labelled = replace(current.scope, labels=found.scope.labels)
            if not await self.admitted(grant.may_read(type), type, labelled) or (
                found.scope.patient != current.scope.patient and not await self.may_read(grant, found)
            ):
                raise not_found(type, f"{id}/_history/{version}")
        if found.deleted:
            raise Gone(
                f"version {version} of {type}/{id} is its deletion", zh=f"{type}/{id} 的版本 {version} 为删除"
            )
        return (await self.shown(grant, [found], versions=True))[0]

    async def version(self, current: Stored, version: int) -> Stored:
        """Return an old version of `current`, whoever may see it. Raises NotFound."""
        row = await self.connection.fetchrow(
            """select v.key, v.type, $3::text as id, v.version, v.deleted, v.updated, v.district, v.organisations,
                v.patient, v.labels, v.codec, v.body, v.account from version v where v.key = $1 and v.version = $2""",
            current.key,
            version,
            current.id,
        )
        if row is None:
            raise not_found(current.type, f"{current.id}/_history/{version}")
        await self.learn([row])
        return self.stored(row, current.type)

    async def history(
        self,
        grant: Grant,
        type: str | None,
        id: str | None,
        since: datetime | None,
        count: int,
        cursor: str | None,
    ) -> Page:
        """Return versions, newest first; of one record, one type or everything.

        Raises:
            NotFound: no such record, or a cursor of another account.
        """
        listing = f"history/{type or ''}/{id or ''}"
        key: int | None = None
        total: int | None = None
        if type is not None and id is not None:
            current = await self.current(type, id)
            if current is None or not await self.may_read(grant, current):
                raise not_found(type, id)
            key = current.key
            if since is None:
                total = await self._versions_of(grant, current)
        position = None if cursor is None else self.cursors.read(grant, listing, cursor)
        binder = Binder()
        limit = binder.bind(count + 1, "bigint")
        sql = self._history_sql(grant, type, key, since, position, binder, limit)
        rows = await self.connection.fetch(sql, *binder.values)
        await self.learn(rows)
        entries = await self.shown(grant, [self.stored(row) for row in rows[:count]], versions=True)
        more = None
        if len(rows) > count and entries:
            last = entries[-1]
            more = self.cursors.write(grant, listing, [last.last_updated, last.key, last.version])
        return Page(entries, [], total, more)

    def _history_sql(
        self, grant: Grant, type: str | None, key: int | None, since: datetime | None, position: list[Any] | None,
        binder: Binder, limit: str,
    ) -> str:  # fmt: skip
        """Return the statement of one page: the current and the replaced versions, each read by its index."""
        if type is not None:
            kinds = [self.catalogue.type(type)]
        else:
            kinds = [
                n for name, n in self.catalogue.types.items() if not isinstance(grant.may_read(name), Nothing)
            ]
        listed = binder.bind(kinds, "smallint[]")
        bounds = []
        if key is not None:
            bounds.append(f"h.key = {binder.bind(key, 'bigint')}")
        if since is not None:
            bounds.append(f"h.updated >= {binder.bind(since, 'timestamptz')}")
        if position is not None:
            at = [binder.bind(value, cast) for value, cast in zip(position, _POSITION, strict=True)]
            bounds.append(f"h.updated <= {at[0]} and (h.updated, h.key, h.version) < ({', '.join(at)})")
        bound = " and ".join(["h.type = t.type", *bounds])
        columns = "h.key, h.type, h.version, h.deleted, h.updated, h.district, h.organisations, h.patient, h.labels, h.codec, h.body, h.account"
        order = "order by updated desc, key desc, version desc"
        current = readable_sql(grant, "h", self.catalogue, binder, type or "")
        follows = readable_sql(grant, "r", self.catalogue, binder, type or "")
        labelled = readable_sql(grant, "r", self.catalogue, binder, type or "", labels="h")
        own = readable_sql(grant, "h", self.catalogue, binder, type or "")
        # an old version follows its record, unless it spoke of another resident or bore other labels
        return f"""select h.* from unnest({listed}) as t(type), lateral (
                (select {columns}, h.id from resource h where {bound} and {current} {order} limit {limit})
                union all
                (select {columns}, r.id from version h join resource r on r.key = h.key
                where {bound} and {follows} and (h.labels <@ r.labels or {labelled})
                and (h.patient = r.patient or {own}) {order} limit {limit})
            ) h {order} limit {limit}"""

    async def _versions_of(self, grant: Grant, current: Stored) -> int:
        """Return how many versions of one record the grant admits."""
        binder = Binder()
        own = readable_sql(grant, "v", self.catalogue, binder, current.type)
        labelled = readable_sql(grant, "r", self.catalogue, binder, current.type, labels="v")
        key = binder.bind(current.key, "bigint")
        sql = f"""select 1 + count(*) from version v join resource r on r.key = v.key where v.key = {key}
            and (v.labels <@ r.labels or {labelled}) and (v.patient = r.patient or {own})"""
        found: int = await self.connection.fetchval(sql, *binder.values)
        return found


def not_found(type: str, id: str) -> NotFound:
    """Return the fault for a record that is not there or not to be seen: the two look the same."""
    return NotFound(f"there is no {type}/{id}", zh=f"没有 {type}/{id}")
