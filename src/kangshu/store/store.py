"""`Store`: records, their versions, searches, the feed, the queue and the audit, under a grant."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg

from kangshu.access import Care, Grant, Scope, any_of
from kangshu.base.faults import Conflict, Fault
from kangshu.sdk import Resource
from kangshu.search import Query, parse_query
from kangshu.store import bulk, bundles, care, deriving, extracts, files, reindexing, revealing
from kangshu.store.auditing import AuditRow, Shown, audit_row
from kangshu.store.codec import PLAIN
from kangshu.store.connections import retryable
from kangshu.store.database import Database
from kangshu.store.masking import values_of
from kangshu.store.records import Page, Stored, Written
from kangshu.store.searching import Search, find_all
from kangshu.store.transaction import Transaction

T = TypeVar("T")
MOST_TRIES: Final = 6


class Store(Database):
    """One database. Make it with `open`; one per process.

    Every call takes a grant: what it does not admit is not there. Every call of an account other than `system` is
    in the audit before it answers; what `system` changes is in the feed and the audit, what it reads is not.
    """

    # reads

    async def read(self, grant: Grant, type: str, id: str) -> Stored:
        """Return the current version of a record.

        Raises:
            NotFound: never was, or the grant does not admit it.
            Gone: deleted.
        """
        async with self._audited(grant, "read", type, id) as shown, self.connection() as connection:
            found = await self.reader(connection).read(grant, type, id)
            shown.note((found,))
            return found

    async def vread(self, grant: Grant, type: str, id: str, version: int) -> Stored:
        """Return one version of a record; faults as in `read`."""
        async with (
            self._audited(grant, "vread", type, id, str(version)) as shown,
            self.connection() as connection,
        ):
            found = await self.reader(connection).vread(grant, type, id, version)
            shown.note((found,))
            return found

    async def search(self, grant: Grant, query: Query, cursor: str | None = None) -> Page:
        """Return one page of the records that match and that the grant admits, with what the query includes.

        `cursor` is `Page.next` of the page before.

        Raises:
            NotFound: a cursor of another account or another query.
            TooLarge: too many included records.
        """
        async with (
            self._audited(grant, "search-type", query.type, detail=query.text) as shown,
            self.connection() as connection,
        ):
            page = await Search(self.reader(connection), grant, query).page(cursor)
            shown.note(page.entries)
            shown.note(page.included)
            return page

    async def search_all(self, grant: Grant, type: str, criteria: str | Query) -> list[Resource]:
        """Return every match of `criteria` (`subject=Patient/1&_sort=date`, or a query).

        Raises:
            TooLarge: more than 10,000.
        """
        return [stored.resource for stored in await self.find_all(grant, type, criteria)]

    async def find_all(self, grant: Grant, type: str, criteria: str | Query) -> list[Stored]:
        """Return every match as stored; see `search_all`."""
        detail = criteria if isinstance(criteria, str) else criteria.text
        async with (
            self._audited(grant, "search-type", type, detail=detail) as shown,
            self.connection() as connection,
        ):
            found = list(await find_all(self.reader(connection), grant, type, criteria))
            shown.note(found)
            return found

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
        async with (
            self._audited(grant, "history", type or "", id or "") as shown,
            self.connection() as connection,
        ):
            page = await self.reader(connection).history(
                grant, type, id, since, max(1, min(count, 1000)), cursor
            )
            shown.note(page.entries)
            return page

    async def reveal(self, grant: Grant, type: str, id: str, field: str, reason: str) -> tuple[str, ...]:
        """Return the values of one protected field of one record in clear; the audit keeps the reason.

        Raises:
            Forbidden: without the operation `field.reveal`.
            Invalid: no such field, or no reason.
            NotFound, Gone: as in `read`.
        """
        shown = Shown()
        async with self._audited(grant, "reveal", type, id, detail=field[:40], writes=True):
            kept = revealing.checked_reason(grant, field, reason)
            async with self.connection() as connection:
                found = await revealing.whole(self.reader(connection), grant, type, id)
        shown.note((found,))
        # before the answer: what cannot be told is not shown
        row = audit_row(
            grant, "reveal", type, id, detail=field, reason=kept, residents=shown.beside(type, id)
        )
        await self._audit.write([row])
        return values_of(found.resource, field)

    async def find_resident(self, grant: Grant, number: str, name: str) -> Stored | None:
        """Return the resident of exactly this identity number and name, masked as the grant sees it; None for nobody.

        A search by number alone finds only those whose number the grant sees; this is how a counter finds the others.

        Raises:
            Forbidden: without the operation `resident.find`.
        """
        async with self._audited(grant, "find-resident", "Patient") as shown, self.connection() as connection:
            found = await revealing.resident_called(self.reader(connection), grant, number, name)
            shown.note(() if found is None else (found,))
            return found

    async def scope(self, grant: Grant, type: str, id: str) -> Scope:
        """Return where a record belongs; faults as in `read`."""
        async with self.connection() as connection:
            return (await self.reader(connection).read(grant, type, id)).scope

    async def left(self, type: str, ids: Sequence[str]) -> dict[str, int]:
        """Return how many places are left of records of a type, by id, to a caller who has just been shown them.

        One that nobody has taken a place of since it was loaded is missing: it has all that it says.
        """
        async with self.connection() as connection:
            rows = await connection.fetch(
                "select r.id, min(c.places - c.taken) as left from resource r join capacity c on c.key = r.key "
                "where r.type = $1 and r.id = any($2::text[]) group by r.id",
                self.catalogue.type(type),
                list(ids),
            )
        return {row["id"]: row["left"] for row in rows}

    async def care_of(self, grant: Grant, patient: str) -> tuple[care.OpenCare, ...]:
        """Return every relation that is within its time and opens the records of a resident, also those refused.

        Raises:
            Forbidden: neither the resident, nor who acts for them, nor with `policy.resident`.
        """
        async with self._audited(grant, "care", "Patient", patient), self.connection() as connection:
            if not grant.acts_as(patient):
                grant.require("policy.resident")
            return await care.care_of(connection, patient, self.catalogue.type_names)

    async def census(self, grant: Grant, other: Grant) -> dict[str, int]:
        """Return how many records of each type `other` may read now; numbers alone.

        Raises:
            Forbidden: `other` is another account's grant, and `policy.read` is missing.
        """
        async with self._audited(grant, "census", detail=other.account), self.connection() as connection:
            if other.account != grant.account:
                grant.require("policy.read")
            held = await connection.fetch(
                "select name from resource_type t where exists "
                "(select 1 from resource r where r.type = t.type and not r.deleted)"
            )
            reader = self.reader(connection)
            return {
                row["name"]: await Search(reader, other, parse_query(row["name"], [])).count() for row in held
            }

    async def care_asked(self, grant: Grant, other: Grant, type: str, patient: str) -> tuple[Care, ...]:
        """Return the relations that decide now whether `other` reads or writes records of `type` of a resident.

        Raises:
            Forbidden: `other` is another account's grant, and `policy.read` is missing.
        """
        if other.account != grant.account:
            grant.require("policy.read")
        asked = any_of([other.may_read(type), other.may_write(type), *other.clear.values()])
        async with self.connection() as connection:
            return await care.care_now(connection, self.catalogue.type(type), patient, asked)

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
                await transaction.close()
        except Fault as fault:
            if transaction is not None:
                transaction.refused(fault)
            raise
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
            told: list[AuditRow] = []
            try:
                async with self.connection() as connection, connection.transaction():
                    transaction = Transaction(self, connection, grant)
                    told = transaction.read_rows
                    result = await work(transaction)
                    await transaction.close()
            except Fault:
                await self._audit.write(told)
                raise
            except asyncpg.PostgresError as cause:
                if not retryable(cause):
                    raise
                await asyncio.sleep(random.random() * 0.01 * 2**attempt)  # noqa: S311  # spreads the tries, no secret
            else:
                await self._audit.write(told)
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

    async def bundle(
        self,
        grant: Grant,
        bundle: Resource,
        *,
        representation: bool = False,
        check: Callable[[Resource], None] | None = None,
    ) -> Resource:
        """Return the response Bundle of a batch (entries for themselves) or transaction (all or nothing).

        `check` is called with what each patch makes of a record and raises a Fault where that must not be stored.

        Raises:
            Invalid: not such a Bundle.
            Fault: of a transaction, the fault of the entry that failed.
        """
        async with self._audited(grant, "transaction", "Bundle", writes=True):
            return await bundles.process(self, grant, bundle, representation=representation, check=check)

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

    async def reindex(
        self, types: Sequence[str] | None = None, progress: Callable[[int], None] | None = None
    ) -> int:
        """Make index rows anew and return of how many records; None: of the types whose parameters have changed.

        The background worker calls it at its start. Searches see each batch of 500 change at once.
        """
        return await reindexing.reindex(self, None if types is None else list(types), progress)

    async def derive(self, progress: Callable[[int], None] | None = None) -> int:
        """Read labels and care relations from records written before the store kept them; return from how many.

        The background worker calls it at its start. What has not been read yet is closed.
        """
        return await deriving.derive(self, progress)

    async def resolve_care(self, grant: Grant) -> Grant:
        """Return `grant` with the residents who are in care at this moment named by their ids, for measures.

        What it reads and counts is resolved, not what it writes. It is for one call: kept, it would miss a
        withdrawal.
        """
        async with self.connection() as connection:
            return await care.resolved(connection, grant, self.catalogue.type_names)

    # extracts

    async def add_extract(self, grant: Grant, new: extracts.NewExtract) -> None:
        """Keep an extract in the register; see `extracts`."""
        detail = f"{new.definition} {new.application}"
        async with (
            self._audited(grant, "extract", "Task", new.application, detail),
            self.connection() as connection,
        ):
            await extracts.add(connection, grant, new)

    async def extract_records(self, grant: Grant, id: str = "") -> list[extracts.ExtractRecord]:
        """Return the extracts that the account sees, newest first: its own organisations', or all for overseers."""
        async with self._audited(grant, "extract-records", detail=id), self.connection() as connection:
            return await extracts.found(connection, grant, id)

    async def extract_rows(self, grant: Grant, id: str) -> tuple[extracts.ExtractRecord, list[list[str]]]:
        """Return an extract with its rows.

        Raises:
            NotFound: the account sees no such extract.
            Gone: its use has ended.
        """
        async with self._audited(grant, "extract-download", detail=id), self.connection() as connection:
            return await extracts.body(connection, grant, id)

    async def extract_fingerprints(self, grant: Grant) -> list[tuple[extracts.ExtractRecord, dict[str, Any]]]:
        """Return every extract with what a leaked copy of it is recognised by.

        Raises:
            Forbidden: the account does not oversee extracts.
        """
        async with self._audited(grant, "extract-trace"), self.connection() as connection:
            if not extracts.oversees(grant):
                grant.require(extracts.OVERSEE[0])
            return await extracts.fingerprints(connection)

    async def forget_extracts(self, application: str = "") -> int:
        """Take away the rows of extracts whose use has ended, and of `application`; return of how many."""
        async with self.connection() as connection:
            return await extracts.forget(connection, application)

    async def dissenters(self, purpose: str) -> frozenset[str]:
        """Return the ids of residents who refuse now that their data are used for `purpose`."""
        async with self.connection() as connection:
            return await extracts.dissenters(connection, purpose)

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


def _type(resource: Resource) -> str:
    type = resource.get("resourceType") if isinstance(resource, dict) else ""
    return type if isinstance(type, str) else ""


def _id(resource: Resource) -> str:
    id = resource.get("id") if isinstance(resource, dict) else ""
    return id[:64] if isinstance(id, str) else ""
