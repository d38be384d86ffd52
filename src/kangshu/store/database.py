"""`Database`: what the store rests on: connections, the feed, the queue, the audit, settings."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Self

import msgspec

from kangshu.access import Grant
from kangshu.base.faults import Fault, Forbidden
from kangshu.store import feed, queue
from kangshu.store.auditing import SYSTEM, AuditRow, AuditWriter, audit_row
from kangshu.store.catalogue import Catalogue
from kangshu.store.codec import Codec
from kangshu.store.connections import Connection, acquired, connect, open_pool
from kangshu.store.cursors import Cursors
from kangshu.store.migrations import migrate
from kangshu.store.reading import Reader
from kangshu.store.records import Change, Job
from kangshu.store.reindexing import sign_new
from kangshu.store.unique import UniqueRule


class Database:
    """One open database: its pool, its dictionaries, and what is no record. `Store` adds the records."""

    def __init__(
        self, pool: Any, catalogue: Catalogue, codec: Codec, cursors: Cursors, url: str, identity: str
    ) -> None:
        self._pool = pool
        self.identity = identity
        """Tells this database from every other; a restored backup has that of the database it was made from."""
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
            async with acquired(connections) as connection:
                await migrate(connection)
                async with connection.transaction():
                    await connection.execute("select pg_advisory_xact_lock(7301, 0)")
                    await catalogue.load(connection)
                    await codec.load(connection)
                    await sign_new(connection)
                    secret = await _secret(connection)
        except BaseException:
            await connections.close()
            raise
        identity = hashlib.sha256(b"identity" + secret).hexdigest()[:32]
        return cls(connections, catalogue, codec, Cursors(secret), url, identity)

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
                self._numberer = await connect(self._url)
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
            fault.audited = True
            raise
        if not writes and grant.account != SYSTEM:
            await self._audit.write([audit_row(grant, action, type, id, detail=detail)])

    @asynccontextmanager
    async def audited_entry(self, grant: Grant, action: str, type: str, id: str) -> AsyncIterator[None]:
        """Audit one entry of a batch when it fails; its reads and writes audit themselves."""
        async with self._audited(grant, action, type, id, writes=True):
            yield

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
        until: datetime | None = None, before: int | None = None, count: int = 100,
    ) -> list[tuple[int, AuditRow]]:  # fmt: skip
        """Return (position, row), newest first, below position `before`; `since` is within the span, `until` beyond it.

        Raises:
            Forbidden: without the operation `audit.read`.
        """
        asked = " ".join(filter(None, (account, type, id)))
        async with self._audited(grant, "search-type", "AuditEvent", detail=asked):
            grant.require("audit.read")
            return await self._audit_rows(account, type, id, since, until, before, count)

    async def own_audit_rows(
        self, grant: Grant, *, before: int | None = None, count: int = 100
    ) -> list[tuple[int, AuditRow]]:
        """Return (position, row) of the acts on a resident's own record (调阅留痕), newest first, below `before`.

        Raises:
            Forbidden: the account is no resident's.
        """
        async with self._audited(grant, "search-type", "AuditEvent", detail=grant.patient):
            if not grant.patient:
                raise Forbidden(
                    "only residents see who opened their own record", zh="仅居民本人可查看自己档案的调阅记录"
                )
            return await self._audit_rows("", "Patient", grant.patient, None, None, before, count)

    async def _audit_rows(
        self, account: str, type: str, id: str, since: datetime | None, until: datetime | None, before: int | None,
        count: int,
    ) -> list[tuple[int, AuditRow]]:  # fmt: skip
        await self._audit.seal()
        async with self.connection() as connection:
            rows = await connection.fetch(
                """select position, at, account, action, type, id, outcome, purpose, detail from audit
                where ($1 = '' or account = $1) and ($2 = '' or type = $2) and ($3 = '' or id = $3)
                    and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
                    and ($6::bigint is null or position < $6)
                order by position desc limit $7""",
                account, type, id, since, until, before, max(1, min(count, 1000)),
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
