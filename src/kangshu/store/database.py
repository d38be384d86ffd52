"""`Database`: what the store rests on: connections, the feed, the queue, the audit, settings."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

import msgspec

from kangshu.access import Grant
from kangshu.base.clock import now
from kangshu.base.faults import Fault, Forbidden
from kangshu.store import feed, queue
from kangshu.store.anchors import Anchor
from kangshu.store.audit_checking import ChainReport, check_chain
from kangshu.store.audit_search import (
    EVERY_ACT,
    AuditQuery,
    Burst,
    Bursts,
    find_bursts,
    find_rows,
    without_values,
)
from kangshu.store.auditing import SYSTEM, AuditRow, AuditWriter, Shown, audit_row
from kangshu.store.capacity import CapacityRule
from kangshu.store.catalogue import Catalogue
from kangshu.store.codec import Codec
from kangshu.store.connections import Connection, acquired, connect, open_pool
from kangshu.store.cursors import Cursors
from kangshu.store.listening import listen
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
        self._capacity: dict[str, tuple[CapacityRule, ...]] = {}
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

    async def listen(self, channel: str, heard: Callable[[], None], hearing: Callable[[bool], None]) -> None:
        """Call `heard` whenever a process tells something on `channel`, until cancelled; see `listening.listen`."""
        await listen(self._url, channel, heard, hearing)

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

    def register_capacity(self, rules: Iterable[CapacityRule]) -> None:
        """Keep these rules from now on; rules of the same id are replaced."""
        by_id = {rule.id: rule for known in self._capacity.values() for rule in known}
        by_id.update({rule.id: rule for rule in rules})
        self._capacity = {}
        for rule in by_id.values():
            for type in dict.fromkeys((rule.type, rule.target)):
                self._capacity[type] = (*self._capacity.get(type, ()), rule)

    def capacity_rules(self, type: str) -> tuple[CapacityRule, ...]:
        """Return the rules under which records of a type have or take places."""
        return self._capacity.get(type, ())

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
    ) -> AsyncIterator[Shown]:
        """Audit one call: a read always, a write only when it fails (its row is in its transaction).

        What a read finds is noted in what is given: its residents are told in the row.
        """
        shown = Shown()
        try:
            yield shown
        except Fault as fault:
            await self._audit.write([audit_row(grant, action, type, id, outcome=fault.code, detail=detail)])
            fault.audited = True
            raise
        if not writes and grant.account != SYSTEM:
            residents = shown.beside(type, id)
            await self._audit.write([audit_row(grant, action, type, id, detail=detail, residents=residents)])

    @asynccontextmanager
    async def audited_entry(self, grant: Grant, action: str, type: str, id: str) -> AsyncIterator[None]:
        """Audit one entry of a batch when it fails; its reads and writes audit themselves."""
        async with self._audited(grant, action, type, id, writes=True):
            yield

    # feed

    async def feed(self, grant: Grant, after: int, limit: int = 1000) -> list[Change]:
        """Return up to `limit` changes above position `after` that the grant may read, in order."""
        async with (
            self._audited(grant, "history", detail=f"after {after}") as shown,
            self.connection() as connection,
        ):
            changes = await feed.read_feed(connection, self.catalogue, self.codec, grant, after, limit)
            shown.note_ids(change.scope.patient for change in changes)
            return changes

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
        self, grant: Grant, asked: AuditQuery = EVERY_ACT, *, before: int | None = None, count: int = 100
    ) -> list[tuple[int, AuditRow]]:
        """Return (position, row) of the acts that `asked` describes, newest first, below position `before`.

        Auditors see what was asked for without the values that may name a person or an illness.

        Raises:
            Forbidden: without the operation `audit.read`.
        """
        async with self._audited(grant, "search-type", "AuditEvent", detail=asked.text()):
            grant.require("audit.read")
            found = await self._audit_rows(asked, before, count)
            if grant.account == SYSTEM:
                return found
            return [(position, replace(row, detail=without_values(row.detail))) for position, row in found]

    async def own_audit_rows(
        self, grant: Grant, *, resident: str = "", before: int | None = None, count: int = 100, others: bool = False
    ) -> list[tuple[int, AuditRow]]:  # fmt: skip
        """Return (position, row) of the acts on a resident's own record (调阅留痕), newest first, below `before`.

        `resident` is the account's own where it is left out, else one that it is guardian of. Lists, exports and
        drill-downs that held the record are among them; `others` leaves out the account's own acts and what the
        product does by itself. Of other
        residents a row tells nothing: its `residents` and its query are left out.

        Raises:
            Forbidden: the account is not that resident's, nor the guardian's.
        """
        whose = resident or grant.patient
        async with self._audited(grant, "search-type", "AuditEvent", detail=f"resident={whose}"):
            if not grant.acts_as(whose):
                raise Forbidden(
                    "only residents see who opened their own record", zh="仅居民本人可查看自己档案的调阅记录"
                )
            asked = AuditQuery(resident=whose, not_account=grant.account if others else "", people=others)
            found = await self._audit_rows(asked, before, count)
            return [(position, replace(row, residents=(), detail="")) for position, row in found]

    async def _audit_rows(
        self, asked: AuditQuery, before: int | None, count: int
    ) -> list[tuple[int, AuditRow]]:
        await self._audit.seal()
        async with self.connection() as connection:
            return await find_rows(connection, asked, before, max(1, min(count, 1000)))

    async def audit_bursts(self, grant: Grant, asked: Bursts) -> list[Burst]:
        """Return the hours in which one account saw more residents, or was refused oftener, than `asked` allows.

        Raises:
            Forbidden: without the operation `audit.read`.
        """
        async with self._audited(grant, "search-type", "AuditEvent", detail=asked.text()):
            grant.require("audit.read")
            await self._audit.seal()
            async with self.connection() as connection:
                return await find_bursts(connection, asked)

    async def write_audit(self, rows: Sequence[AuditRow]) -> None:
        """Add rows for acts that are no call of the store: sign-ins, measures, exports."""
        await self._audit.write(rows)

    async def seal_audit(self) -> None:
        """Number and seal the audit rows of writes; the background worker calls it every second or so."""
        await self._audit.seal()

    async def check_audit(self, anchors: Sequence[Anchor] = ()) -> ChainReport:
        """Return what the check of the whole chain, and of `anchors` against it, has found; see `audit_checking`."""
        await self._audit.seal()
        async with self.connection() as connection:
            return await check_chain(connection, self.identity, anchors)

    async def audit_head(self) -> Anchor | None:
        """Return where the chain ends now, to be kept outside the database; None while there is no row."""
        await self._audit.seal()
        async with self.connection() as connection:
            row = await connection.fetchrow(
                "select batch, last, digest from audit_batch order by batch desc limit 1"
            )
        if row is None:
            return None
        return Anchor(self.identity, row["batch"], row["last"], now().replace(microsecond=0), row["digest"])

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
