"""`Store`: records, their versions, searches, the feed, the queue and the audit, under a grant."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import asyncpg
import msgspec

from kangshu.access import Grant, Scope
from kangshu.base.faults import Conflict, Fault
from kangshu.sdk import Resource
from kangshu.search import Query
from kangshu.store import bulk, bundles, feed, files, queue
from kangshu.store.auditing import SYSTEM, AuditRow, AuditWriter, audit_row
from kangshu.store.catalogue import Catalogue
from kangshu.store.codec import PLAIN, Codec
from kangshu.store.connections import Connection, acquired, open_pool
from kangshu.store.cursors import Cursors
from kangshu.store.migrations import migrate
from kangshu.store.reading import Reader
from kangshu.store.records import Change, Job, Page, Stored, Written
from kangshu.store.searching import Search
from kangshu.store.transaction import Transaction, find_all, retryable
from kangshu.store.unique import UniqueRule

T = TypeVar("T")
MOST_TRIES: Final = 6


class Store:
    """One database. Make it with `open`; one per process.

    Every call takes a grant: what it does not admit is not there. Every call of an account other than `system` is
    in the audit before it answers; what `system` changes is in the feed and the audit, what it reads is not.
    """

    def __init__(self, pool: Any, catalogue: Catalogue, codec: Codec, cursors: Cursors, url: str) -> None:
        self._pool = pool
        self._numbering = asyncio.Lock()
        self._numberer: Connection | None = None
        self._rules: dict[str, tuple[UniqueRule, ...]] = {}
        self._url = url
        self.catalogue = catalogue
        self.codec = codec
        self._cursors = cursors
        self._audit = AuditWriter(pool)

    @classmethod
    async def open(cls, url: str, *, pool: int = 8) -> Self:
        """Return the store of the database at `url`, its schema brought up to date.

        Raises:
            Unavailable: the database does not answer, is too old, or was written by a newer program.
        """
        connections = await open_pool(url, pool)
        try:
            catalogue, codec = Catalogue(), Codec()
            async with connections.acquire() as connection:
                await migrate(connection)
                async with connection.transaction():
                    await connection.execute("select pg_advisory_xact_lock(7301, 0)")
                    await catalogue.load(connection)
                    await codec.load(connection)
                    secret = await _secret(connection)
        except BaseException:
            await connections.close()
            raise
        return cls(connections, catalogue, codec, Cursors(secret), url)

    async def close(self) -> None:
        """Write what the audit still holds and let the connections go."""
        await self._audit.close()
        if self._numberer is not None:
            await self._numberer.close()
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # plumbing shared with the transactions and the loader

    def reader(self, connection: Connection) -> Reader:
        """Return a reader on `connection`."""
        return Reader(connection, self.catalogue, self.codec, self._cursors)

    @property
    def url(self) -> str:
        """The address of the database."""
        return self._url

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Give a connection of the pool."""
        async with acquired(self._pool) as connection:
            yield connection

    async def number_systems(self, urls: set[str]) -> None:
        """Number code systems not seen before, on a connection of its own: numbers do not roll back."""
        if urls <= self.catalogue.systems.keys():
            return
        async with self._numbering:
            if self._numberer is None or self._numberer.is_closed():
                self._numberer = await asyncpg.connect(self._url)
            await self.catalogue.add_systems(self._numberer, urls)

    def register_unique(self, rules: Iterable[UniqueRule]) -> None:
        """Keep these rules from now on; rules of the same id are replaced."""
        by_id = {rule.id: rule for known in self._rules.values() for rule in known}
        by_id.update({rule.id: rule for rule in rules})
        self._rules = {}
        for rule in by_id.values():
            self._rules[rule.type] = (*self._rules.get(rule.type, ()), rule)

    def unique_rules(self, type: str) -> tuple[UniqueRule, ...]:
        """Return the unique rules of a type."""
        return self._rules.get(type, ())

    @asynccontextmanager
    async def _audited(
        self,
        grant: Grant,
        action: str,
        type: str = "",
        id: str = "",
        detail: str = "",
        *,
        writes: bool = False,
    ) -> AsyncIterator[None]:
        """Audit one call: a read always, a write only when it fails (its row is in its transaction)."""
        try:
            yield
        except Fault as fault:
            await self._audit.write([audit_row(grant, action, type, id, outcome=fault.code, detail=detail)])
            raise
        if not writes and grant.account != SYSTEM:
            await self._audit.write([audit_row(grant, action, type, id, detail=detail)])

    @asynccontextmanager
    async def audited_entry(self, grant: Grant, action: str, type: str, id: str) -> AsyncIterator[None]:
        """Audit one entry of a batch when it fails; its reads and writes audit themselves."""
        async with self._audited(grant, action, type, id, writes=True):
            yield

    # reads

    async def read(self, grant: Grant, type: str, id: str) -> Stored:
        """Return the current version of a record.

        Raises:
            NotFound: never was, or the grant does not admit it.
            Gone: deleted.
        """
        async with self._audited(grant, "read", type, id), self.connection() as connection:
            return await self.reader(connection).read(grant, type, id)

    async def vread(self, grant: Grant, type: str, id: str, version: int) -> Stored:
        """Return one version of a record; faults as in `read`."""
        async with self._audited(grant, "vread", type, id, str(version)), self.connection() as connection:
            return await self.reader(connection).vread(grant, type, id, version)

    async def search(self, grant: Grant, query: Query, cursor: str | None = None) -> Page:
        """Return one page of the records that match and that the grant admits, with what the query includes.

        `cursor` is `Page.next` of the page before.

        Raises:
            NotFound: a cursor of another account or another query.
            TooLarge: too many included records.
        """
        async with (
            self._audited(grant, "search-type", query.type, detail=query.text),
            self.connection() as connection,
        ):
            return await Search(self.reader(connection), grant, query).page(cursor)

    async def search_all(self, grant: Grant, type: str, criteria: str | Query) -> list[Resource]:
        """Return every match of `criteria` (`subject=Patient/1&_sort=date`, or a query).

        Raises:
            TooLarge: more than 10,000.
        """
        return [stored.resource for stored in await self.find_all(grant, type, criteria)]

    async def find_all(self, grant: Grant, type: str, criteria: str | Query) -> list[Stored]:
        """Return every match as stored; see `search_all`."""
        detail = criteria if isinstance(criteria, str) else criteria.text
        async with self._audited(grant, "search-type", type, detail=detail), self.connection() as connection:
            return list(await find_all(self.reader(connection), grant, type, criteria))

    async def count(self, grant: Grant, query: Query) -> int:
        """Return how many records match that the grant admits."""
        async with (
            self._audited(grant, "search-type", query.type, detail=query.text),
            self.connection() as connection,
        ):
            return await Search(self.reader(connection), grant, query).count()

    async def history(
        self,
        grant: Grant,
        type: str | None = None,
        id: str | None = None,
        *,
        since: datetime | None = None,
        count: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Return versions, newest first: of a record, of a type, or of all; deletions are entries without a body.

        Raises:
            NotFound: no such record, or a cursor of another account.
        """
        async with self._audited(grant, "history", type or "", id or ""), self.connection() as connection:
            return await self.reader(connection).history(
                grant, type, id, since, max(1, min(count, 1000)), cursor
            )

    async def scope(self, grant: Grant, type: str, id: str) -> Scope:
        """Return where a record belongs; faults as in `read`."""
        async with self.connection() as connection:
            return (await self.reader(connection).read(grant, type, id)).scope

    # writes

    @asynccontextmanager
    async def transaction(self, grant: Grant) -> AsyncIterator[Transaction]:
        """Give a transaction: all of it is committed at the end, or nothing on a fault.

        Raises:
            Conflict: another transaction stood in the way; the work may be tried again.
        """
        transaction: Transaction | None = None
        try:
            async with self.connection() as connection, connection.transaction():
                transaction = Transaction(self, connection, grant)
                yield transaction
        except asyncpg.PostgresError as cause:
            if retryable(cause):
                raise Conflict(
                    "another write stood in the way; try again", zh="与其他写入发生冲突，请重试"
                ) from cause
            raise
        finally:
            if transaction is not None:
                await self._audit.write(transaction.read_rows)

    async def run(self, grant: Grant, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Return what `work` returns, done in one transaction; tried again a few times when another stood in the way.

        Raises:
            Conflict: it did not come through in six tries.
        """
        for attempt in range(MOST_TRIES):
            try:
                async with self.connection() as connection, connection.transaction():
                    transaction = Transaction(self, connection, grant)
                    result = await work(transaction)
            except asyncpg.PostgresError as cause:
                if not retryable(cause):
                    raise
                await asyncio.sleep(random.random() * 0.01 * 2**attempt)  # noqa: S311  # spreads the tries, no secret
            else:
                await self._audit.write(transaction.read_rows)
                return result
        raise Conflict("other writes stood in the way; try again", zh="与其他写入反复冲突，请稍后重试")

    async def create(self, grant: Grant, resource: Resource, *, if_none_exist: str | None = None) -> Written:
        """Write a new record under a fresh id. With `if_none_exist` (criteria) an existing match is returned instead.

        Raises:
            Malformed, Invalid: not a resource.
            Forbidden: the grant may not write where the record belongs.
            Conflict: a unique rule, or a case written directly.
            MultipleMatches: the criteria match several.
        """
        async with self._audited(grant, "create", _type(resource), writes=True):
            return await self.run(grant, lambda t: t.create(resource, if_none_exist=if_none_exist))

    async def update(self, grant: Grant, resource: Resource, *, if_match: int | None = None) -> Written:
        """Write `resource` under its id: a new version, or the first.

        Raises:
            PreconditionFailed: the record is not at version `if_match`.
            NotFound: the record is there and the grant does not admit it.
            Forbidden, Conflict, Malformed, Invalid: as in `create`.
        """
        async with self._audited(grant, "update", _type(resource), _id(resource), writes=True):
            return await self.run(grant, lambda t: t.update(resource, if_match=if_match))

    async def update_matching(
        self, grant: Grant, type: str, criteria: str, resource: Resource, *, if_match: int | None = None
    ) -> Written:
        """Update the one match of `criteria`; create the record when there is none; faults as in `update`."""
        async with self._audited(grant, "update", type, detail=criteria, writes=True):
            return await self.run(
                grant, lambda t: t.update_matching(type, criteria, resource, if_match=if_match)
            )

    async def patch(
        self, grant: Grant, type: str, id: str, patch: Any, *, if_match: int | None = None
    ) -> Written:
        """Change a record by a JSON Patch (a list) or a FHIRPath Patch (a Parameters); faults as in `update`."""
        async with self._audited(grant, "patch", type, id, writes=True):
            return await self.run(grant, lambda t: t.patch(type, id, patch, if_match=if_match))

    async def delete(self, grant: Grant, type: str, id: str) -> Written:
        """Delete a record; its versions stay. A second deletion changes nothing.

        Raises:
            NotFound: never was, or the grant does not admit it.
            Forbidden, Conflict: as in `create`.
        """
        async with self._audited(grant, "delete", type, id, writes=True):
            return await self.run(grant, lambda t: t.delete(type, id))

    async def delete_matching(self, grant: Grant, type: str, criteria: str) -> Written | None:
        """Delete the one match of `criteria`; None when there is none.

        Raises:
            MultipleMatches: the criteria match several.
        """
        async with self._audited(grant, "delete", type, detail=criteria, writes=True):
            return await self.run(grant, lambda t: t.delete_matching(type, criteria))

    async def bundle(self, grant: Grant, bundle: Resource, *, representation: bool = False) -> Resource:
        """Return the response Bundle of a batch (entries for themselves) or transaction (all or nothing).

        Raises:
            Invalid: not such a Bundle.
            Fault: of a transaction, the fault of the entry that failed.
        """
        async with self._audited(grant, "transaction", "Bundle", writes=True):
            return await bundles.process(self, grant, bundle, representation=representation)

    # bulk

    async def bulk_load(
        self,
        grant: Grant,
        bodies: AsyncIterator[Resource] | Iterable[Resource],
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Write many resources by COPY, in batches that each commit, and return how many; see `bulk`."""
        return await bulk.load(self, grant, bodies, progress)

    async def load_files(
        self, grant: Grant, paths: Sequence[Path], progress: Callable[[int], None] | None = None
    ) -> files.LoadReport:
        """Load Bundle JSON and NDJSON files, also .gz and .bz2; see `files`."""
        return await files.load_files(self, grant, paths, progress)

    async def train_codec(self, bodies: Sequence[bytes] = ()) -> bool:
        """Train the codec on `bodies`, or on records that are there, when it is not trained yet; return whether it was.

        Bodies of records shrink to about a third; those written before stay as they are.
        """
        if self.codec.current != PLAIN:
            return False
        async with self.connection() as connection, connection.transaction():
            sample = list(bodies)
            if not sample:
                rows = await connection.fetch(
                    """select codec, body from resource where not deleted and key in
                    (select key from resource tablesample bernoulli (20) limit 3000)"""
                )
                sample = [self.codec.unpack(row["codec"], row["body"]) for row in rows]
            added = await self.codec.train(connection, sample)
        async with self.connection() as connection:
            await self.codec.load(connection)
        return added

    # feed

    async def feed(self, grant: Grant, after: int, limit: int = 1000) -> list[Change]:
        """Return up to `limit` changes above position `after` that the grant may read, in order."""
        async with self._audited(grant, "history", detail=f"after {after}"), self.connection() as connection:
            return await feed.read_feed(connection, self.catalogue, self.codec, grant, after, limit)

    async def feed_position(self) -> int:
        """Return the last position of the feed, after numbering what can be numbered."""
        async with self.connection() as connection:
            return await feed.sequence(connection)

    # queue

    async def enqueue(
        self, grant: Grant, kind: str, payload: dict[str, Any], *, run_after: datetime | None = None,
        unique: str | None = None,
    ) -> int | None:  # fmt: skip
        """Add a job and return its number; None when one of the same kind and `unique` waits already."""
        async with self.connection() as connection:
            return await queue.enqueue(connection, kind, payload, run_after, unique)

    async def claim(self, kinds: Sequence[str]) -> Job | None:
        """Return the oldest job of `kinds` that is due, claimed for five minutes; None when there is none."""
        async with self.connection() as connection:
            return await queue.claim(connection, kinds)

    async def finish(self, job: Job) -> None:
        """Remove a job that is done."""
        async with self.connection() as connection:
            await queue.finish(connection, job)

    async def fail(self, job: Job, fault: str = "") -> None:
        """Offer a job again later; after eight attempts it stays as failed."""
        async with self.connection() as connection:
            await queue.fail(connection, job, fault)

    # audit

    async def audit_rows(
        self, grant: Grant, *, account: str = "", type: str = "", id: str = "", since: datetime | None = None,
        before: int | None = None, count: int = 100,
    ) -> list[tuple[int, AuditRow]]:  # fmt: skip
        """Return (position, row), newest first, below position `before`.

        Raises:
            Forbidden: without the operation `audit.read`.
        """
        grant.require("audit.read")
        await self._audit.seal()
        async with self.connection() as connection:
            rows = await connection.fetch(
                """select position, at, account, action, type, id, outcome, purpose, detail from audit
                where ($1 = '' or account = $1) and ($2 = '' or type = $2) and ($3 = '' or id = $3)
                    and ($4::timestamptz is null or at >= $4) and ($5::bigint is null or position < $5)
                order by position desc limit $6""",
                account, type, id, since, before, max(1, min(count, 1000)),
            )  # fmt: skip
        return [(row["position"], AuditRow(*list(row.values())[1:])) for row in rows]

    async def write_audit(self, rows: Sequence[AuditRow]) -> None:
        """Add rows for acts that are no call of the store: sign-ins, measures, exports."""
        await self._audit.write(rows)

    async def seal_audit(self) -> None:
        """Number and seal the audit rows of writes; the background worker calls it every second or so."""
        await self._audit.seal()

    async def verify_audit(self) -> int | None:
        """Return the first audit batch whose digest does not hold, or None."""
        async with self.connection() as connection:
            broken: int | None = await connection.fetchval("select audit_broken()")
            return broken

    # settings

    async def get_setting(self, name: str) -> Any:
        """Return a document of the installation; None when it is not set."""
        async with self.connection() as connection:
            text = await connection.fetchval("select value from setting where name = $1", name)
        return None if text is None else msgspec.json.decode(text)

    async def put_setting(self, name: str, value: Any) -> None:
        """Keep a JSON document of the installation under `name`."""
        async with self.connection() as connection:
            await connection.execute(
                """insert into setting (name, value) values ($1, $2)
                on conflict (name) do update set value = excluded.value, updated = now()""",
                name,
                msgspec.json.encode(value).decode(),
            )

    async def append_setting(self, name: str, item: Any) -> None:
        """Add `item` to the list that is kept under `name`; concurrent calls all arrive."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(7302, hashtext($1))", name)
            text = await connection.fetchval("select value from setting where name = $1", name)
            items = [] if text is None else msgspec.json.decode(text)
            await connection.execute(
                """insert into setting (name, value) values ($1, $2)
                on conflict (name) do update set value = excluded.value, updated = now()""",
                name,
                msgspec.json.encode([*items, item]).decode(),
            )

    async def settings(self, prefix: str) -> dict[str, Any]:
        """Return the documents whose names begin with `prefix`, by name."""
        async with self.connection() as connection:
            rows = await connection.fetch(
                "select name, value from setting where starts_with(name, $1)", prefix
            )
        return {row["name"]: msgspec.json.decode(row["value"]) for row in rows}


async def _secret(connection: Connection) -> bytes:
    """Return the installation's secret for cursors, made once."""
    await connection.execute(
        "insert into setting (name, value) values ('cursor-secret', $1) on conflict (name) do nothing",
        msgspec.json.encode(secrets.token_hex(32)).decode(),
    )
    text = await connection.fetchval("select value from setting where name = 'cursor-secret'")
    return bytes.fromhex(msgspec.json.decode(text))


def _type(resource: Resource) -> str:
    type = resource.get("resourceType") if isinstance(resource, dict) else ""
    return type if isinstance(type, str) else ""


def _id(resource: Resource) -> str:
    id = resource.get("id") if isinstance(resource, dict) else ""
    return id[:64] if isinstance(id, str) else ""
