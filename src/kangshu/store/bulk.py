"""Bulk load: COPY in batches of a few thousand rows, extraction in worker processes, short commits.

A batch does what as many single creates would do: the same index rows, scopes, feed rows and rules. Records that
are there already get a new version one by one.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from kangshu.access import Everything, Grant, Scope
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Forbidden
from kangshu.fhir import decode, render
from kangshu.sdk import Resource
from kangshu.store.attachments import attach, context_of, settle
from kangshu.store.auditing import audit_row
from kangshu.store.bodies import type_of
from kangshu.store.care import CARE_COLUMNS, DISSENT_COLUMNS, care_rows, dissent_rows
from kangshu.store.conditions import TABLES
from kangshu.store.connections import Connection
from kangshu.store.guards import LABELLING
from kangshu.store.indexing import COLUMNS
from kangshu.store.preparing import (
    Growing,
    Knowledge,
    Prepared,
    Preparer,
    Record,
    become_worker,
    prepare_resources,
)
from kangshu.store.relations import SILENT
from kangshu.store.transaction import Transaction

if TYPE_CHECKING:
    from kangshu.store.store import Store

CHUNK: Final = 1000
WORKERS: Final = 2
_SMALL: Final = 3 * CHUNK
"""Up to so many resources are prepared here: starting processes would take longer."""


def knowledge_of(store: Store) -> Knowledge:
    """Return what workers must know."""
    catalogue = store.catalogue
    rules = tuple(rule for type in catalogue.types for rule in store.unique_rules(type))
    return Knowledge(catalogue.types, catalogue.params, rules)


def growing_of(store: Store, moment: datetime) -> Growing:
    """Return what workers must know by now."""
    codec = store.codec
    return Growing(dict(store.catalogue.systems), codec.current, codec.dictionary, moment)


@contextmanager
def workers(store: Store) -> Iterator[Executor]:
    """Give the worker processes."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        WORKERS, mp_context=context, initializer=become_worker, initargs=(knowledge_of(store),)
    ) as pool:
        yield pool


def whole_milliseconds() -> datetime:
    """Return the present instant as bodies tell it."""
    moment = now()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


async def load(
    store: Store,
    grant: Grant,
    bodies: AsyncIterator[Resource] | Iterable[Resource],
    progress: Callable[[int], None] | None,
) -> int:
    """Write `bodies` and return how many; `progress` is told the number so far after each batch.

    Raises:
        Forbidden: a record that the grant may not write; its batch and the later ones are not written.
        Conflict: a unique rule.
    """
    total = 0

    async def done(prepared: Prepared, moment: datetime) -> None:
        nonlocal total
        total += await write_prepared(store, grant, [prepared], moment)
        if progress is not None:
            progress(total)

    chunks = _chunks(bodies)
    first: list[list[bytes]] = []
    async for chunk in chunks:
        first.append(chunk)
        if len(first) * CHUNK > _SMALL:
            break
    else:
        preparer = Preparer(knowledge_of(store))
        for chunk in first:
            moment = whole_milliseconds()
            preparer.grow(growing_of(store, moment))
            prepared = preparer.resources(chunk)
            if prepared.unknown_systems:
                await store.number_systems(prepared.unknown_systems)
                preparer.grow(growing_of(store, moment))
                prepared = preparer.resources(chunk)
            await done(prepared, moment)
        return total
    await store.train_codec([body for chunk in first for body in chunk])
    with workers(store) as pool:
        running: list[asyncio.Task[tuple[Prepared, datetime]]] = []
        async for chunk in _again(first, chunks):
            running.append(asyncio.create_task(_prepare(store, pool, chunk)))
            if len(running) > WORKERS + 1:
                await done(*await running.pop(0))
        for task in running:
            await done(*await task)
    await analyse(store)
    return total


async def analyse(store: Store) -> None:
    """Tell the planner what a load has changed; its own clock would take a minute, and searches come at once."""
    async with store.connection() as connection:
        await connection.execute("analyze resource, care, " + ", ".join(TABLES.values()))


async def _again(first: list[list[bytes]], rest: AsyncIterator[list[bytes]]) -> AsyncIterator[list[bytes]]:
    for chunk in first:
        yield chunk
    async for chunk in rest:
        yield chunk


async def _prepare(store: Store, pool: Executor, chunk: list[bytes]) -> tuple[Prepared, datetime]:
    loop = asyncio.get_running_loop()
    moment = whole_milliseconds()
    while True:
        prepared = await loop.run_in_executor(pool, prepare_resources, chunk, growing_of(store, moment))
        if not prepared.unknown_systems:
            return prepared, moment
        await store.number_systems(prepared.unknown_systems)


async def _chunks(bodies: AsyncIterator[Resource] | Iterable[Resource]) -> AsyncIterator[list[bytes]]:
    chunk: list[bytes] = []
    async for resource in _each(bodies):
        type_of(resource)
        chunk.append(render(resource))
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _each(bodies: AsyncIterator[Resource] | Iterable[Resource]) -> AsyncIterator[Resource]:
    if isinstance(bodies, Iterable):
        for body in bodies:
            yield body
    else:
        async for body in bodies:
            yield body


async def write_prepared(store: Store, grant: Grant, pieces: Sequence[Prepared], moment: datetime) -> int:
    """Write prepared pieces in one transaction, tried again when another stood in the way; return how many records.

    Raises:
        Forbidden: a record that the grant may not write.
        Conflict: a unique rule, a case written directly, or other writers again and again.
    """

    async def work(transaction: Transaction) -> int:
        return sum(
            [await _write(store, transaction, grant, piece, moment) for piece in pieces if piece.records]
        )

    try:
        return await store.run(grant, work)
    except asyncpg.UniqueViolationError as cause:
        raise Conflict(
            "a unique rule holds: nothing of this is written", zh="违反唯一性规则，本批未写入"
        ) from cause


async def _write(
    store: Store, transaction: Transaction, grant: Grant, prepared: Prepared, moment: datetime
) -> int:
    connection = transaction.connection
    there = await _existing(store, connection, prepared.records)
    last_of = {(record.type, record.id): record.number for record in prepared.records}
    fresh = [
        record for record in prepared.records
        if (record.type, record.id) not in there and last_of[record.type, record.id] == record.number
    ]  # fmt: skip
    places = await _places(store, connection, fresh)
    await _check(transaction, grant, fresh, places)
    keys = [row["nextval"] for row in await connection.fetch(
        "select nextval('resource_key') from generate_series(1, $1)", len(fresh))]  # fmt: skip
    key_of = {record.number: key for record, key in zip(fresh, keys, strict=True)}
    types = store.catalogue.types
    await connection.copy_records_to_table(
        "resource",
        columns=["key", "type", "id", "version", "deleted", "updated", "district", "district_from", "organisations",
                 "patient", "labels", "codec", "body"],
        records=[
            (key_of[r.number], types[r.type], r.id, 1, False, moment, *places[r.number], list(r.organisations), r.patient,
             list(r.labels), prepared.codec, r.packed) for r in fresh
        ],
    )  # fmt: skip
    await _enter_care(transaction, fresh, key_of)
    await _attach(store, transaction, prepared, fresh, key_of)
    all_fresh = len(fresh) == len(prepared.records)
    for kind, rows in prepared.rows.items():
        await connection.copy_records_to_table(
            TABLES[kind],
            columns=["key", *(name for name, _ in COLUMNS[kind])],
            records=[(key_of[row[0]], *row[1:]) for row in rows if all_fresh or row[0] in key_of],
        )
    await connection.copy_records_to_table(
        "feed_pending",
        columns=["key", "version", "kind", "recorded"],
        records=[(key, 1, 0, moment) for key in keys],
    )
    if prepared.unique:
        claims = [
            (rule, value, key_of[number]) for rule, value, number in prepared.unique if number in key_of
        ]
        await connection.copy_records_to_table("unique_key", columns=["rule", "value", "key"], records=claims)
    await _cascade(store, connection, fresh, places, key_of)
    others = [record for record in prepared.records if record.number not in key_of]
    for record in others:
        await transaction.update(decode(store.codec.unpack(prepared.codec, record.packed)))
    if fresh:
        transaction.read_rows.append(audit_row(grant, "bulk-load", detail=f"{len(fresh)} records"))
    return len(prepared.records)


async def _existing(store: Store, connection: Connection, records: list[Record]) -> set[tuple[str, str]]:
    rows = await connection.fetch(
        """select r.type, r.id from resource r join unnest($1::smallint[], $2::text[]) as u(type, id)
        on r.type = u.type and r.id = u.id""",
        [store.catalogue.types[record.type] for record in records],
        [record.id for record in records],
    )
    return {(store.catalogue.type_names[row["type"]], row["id"]) for row in rows}


async def _places(store: Store, connection: Connection, records: list[Record]) -> dict[int, tuple[str, int]]:
    """Return (district, where it comes from) of each record, by its number."""
    places: dict[int, tuple[str, int]] = {}
    wanted: dict[tuple[str, str], list[int]] = {}
    for record in records:
        if record.own:
            places[record.number] = (record.district, 0)
            continue
        others = [one for one in record.organisations if record.type != "Organization" or one != record.id]
        pair = ("" if record.type == "Patient" else record.patient, others[0] if others else "")
        wanted.setdefault(pair, []).append(record.number)
    if wanted:
        rows = await connection.fetch(
            """select u.n, p.district, p.district_from from unnest($1::text[], $2::text[]) with ordinality u(patient, organisation, n),
            lateral place_of($3::smallint, u.patient, $4::smallint, u.organisation) p""",
            [pair[0] for pair in wanted],
            [pair[1] for pair in wanted],
            store.catalogue.type("Patient"),
            store.catalogue.type("Organization"),
        )
        numbers = list(wanted.values())
        for row in rows:
            for number in numbers[row["n"] - 1]:
                places[number] = (row["district"], row["district_from"])
    return places


async def _check(
    transaction: Transaction, grant: Grant, records: list[Record], places: dict[int, tuple[str, int]]
) -> None:
    engine, labelling = grant.may("case.engine"), grant.may(LABELLING)
    freezing = grant.may("plan.engine")
    for record in records:
        predicate = grant.may_write(record.type)
        if not isinstance(predicate, Everything):
            scope = Scope(places[record.number][0], record.organisations, record.patient, record.labels)
            if not await transaction.reader.admitted(predicate, record.type, scope):
                raise Forbidden(
                    f"this account may not write this {record.type}",
                    zh=f"当前账号无权写入该 {record.type} 记录",
                )
        if record.labels and not labelling:
            raise Forbidden("this account may not set sensitivity labels", zh="当前账号无权设置敏感标签")
        if record.is_case and not engine:
            raise Conflict("a Task of a case changes by its moves", zh="办件任务只能通过办理动作变更")
        if record.frozen and not freezing:
            raise Conflict(
                "a frozen snapshot is made on the plan's pages alone", zh="快照只能在规划快照页面冻结形成"
            )
        lasting = record.told.lasts_beyond(SILENT)
        await transaction.residents.add(
            transaction.reader, grant, record.type, record.patient, lasting=lasting
        )


async def _attach(
    store: Store, transaction: Transaction, prepared: Prepared, records: list[Record], keys: dict[int, int]
) -> None:
    """Put attachments where the records are that they belong to, and those that wait for one of `records` too."""
    for record in records:
        if record.type == "Binary":
            body = decode(store.codec.unpack(prepared.codec, record.packed))
            if context_of(body) is not None:
                await attach(transaction.reader, keys[record.number], body)
    await settle(transaction.reader, list(keys.values()))


async def _enter_care(transaction: Transaction, records: list[Record], keys: dict[int, int]) -> None:
    """Write what the records open and refuse; what residents unknown to the writer are in waits for the last check."""
    types = transaction.reader.catalogue.types
    care: list[tuple[Any, ...]] = []
    dissent: list[tuple[Any, ...]] = []
    for record in records:
        if record.told == SILENT:
            continue
        key = keys[record.number]
        if record.type != "Patient" and transaction.residents.waits(record.patient):
            await transaction.residents.keep(
                transaction.reader, record.type, key, record.patient, record.told, fresh=True
            )
        else:
            care.extend(care_rows(key, record.patient, record.told, types))
            dissent.extend(dissent_rows(key, record.patient, record.told))
    connection = transaction.connection
    if care:
        await connection.copy_records_to_table("care", columns=CARE_COLUMNS, records=care)
    if dissent:
        await connection.copy_records_to_table("dissent", columns=DISSENT_COLUMNS, records=dissent)


async def _cascade(
    store: Store,
    connection: Connection,
    records: list[Record],
    places: dict[int, tuple[str, int]],
    keys: dict[int, int],
) -> None:
    """Move what was written before its resident or organisation."""
    patient = store.catalogue.type("Patient")
    moved: list[Any] = [r for r in records if r.type in ("Patient", "Organization") and places[r.number][0]]
    for record in moved:
        place, key = places[record.number][0], keys[record.number]
        if record.type == "Patient":
            await connection.execute("select move_resident($1, $2, $3)", record.id, key, place)
        else:
            await connection.execute(
                "select move_organisation($1, $2, $3, $4::smallint)", record.id, key, place, patient
            )
