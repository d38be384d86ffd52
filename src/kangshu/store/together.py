"""Many records written as one: one statement for all of them, one for the places that they take.

What is written is what `Transaction.create` writes of each, under the grant of each: its own version, audit row, feed row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kangshu.access import Grant
from kangshu.base.faults import Conflict
from kangshu.base.text import Text
from kangshu.sdk import Resource
from kangshu.store import capacity
from kangshu.store.capacity import CapacityRule
from kangshu.store.indexing import columns_of, write_all_sql
from kangshu.store.records import Stored
from kangshu.store.versions import Version

if TYPE_CHECKING:
    from kangshu.store.transaction import Transaction


async def create_all(transaction: Transaction, entries: Sequence[tuple[Grant, Resource]]) -> list[Stored]:
    """Write new records, each under its grant, and return them as those see them. Raises what `create` does, for all."""
    under = [transaction.under(grant) for grant, _ in entries]
    versions = [await one.new_version(resource) for one, (_, resource) in zip(under, entries, strict=True)]
    keys = await transaction.connection.fetch(
        "select nextval('resource_key') from generate_series(1, $1::integer)", len(versions)
    )
    for version, row in zip(versions, keys, strict=True):
        version.stored.key = row["nextval"]
    await _write(transaction, versions)
    for one, version in zip(under, versions, strict=True):
        await one.follow(version)
    await _take_places(transaction, [version.stored for version in versions])
    return [
        (await one.reader.shown(one.grant, [version.stored]))[0]
        for one, version in zip(under, versions, strict=True)
    ]


@dataclass(slots=True)
class Places:
    """How many places of a record are `left`, and what is told who finds none."""

    left: int
    text: Text


async def hold_places(
    transaction: Transaction, type: str, ids: Sequence[str], taker: str
) -> dict[str, Places]:
    """Return what is left for records of `taker` in those of `type`, by id, and keep others from taking any.

    A closed one has nothing left; one that no rule counts is missing. Counters that are missing are begun.
    """
    places: dict[str, Places] = {}
    for rule in transaction.capacity_rules(type):
        if (rule.target, rule.type) != (type, taker):
            continue
        held = await capacity.hold(transaction.connection, rule, transaction.reader.catalogue.type(type), ids)
        if missing := [id for id in ids if id not in held]:
            await _begin(transaction, rule, missing)
            number = transaction.reader.catalogue.type(type)
            held |= await capacity.hold(transaction.connection, rule, number, missing)
        for id, left in held.items():
            if id not in places or left < places[id].left:
                places[id] = Places(left, rule.text)
    return places


async def _begin(transaction: Transaction, rule: CapacityRule, ids: Sequence[str]) -> None:
    """Begin the counters of records that were loaded, by what takes their places as it stands."""
    targets = await transaction.reader.held(rule.target, ids)
    found = await transaction.reader.referring(rule.type, rule.search, (rule.target, ids), (rule.target, ()))
    taken = Counter(id for one in found for id in rule.taken_by(one.resource))
    standing = [(one, taken[id]) for id, one in targets.items() if not one.deleted]
    await capacity.begin(transaction.connection, rule, standing)


async def _take_places(transaction: Transaction, written: Sequence[Stored]) -> None:
    taken: dict[CapacityRule, Counter[str]] = defaultdict(Counter)
    for stored in written:
        for rule in transaction.capacity_rules(stored.type):
            if rule.type == stored.type:
                taken[rule].update(rule.taken_by(stored.resource))
    for rule, wanted in taken.items():
        number = transaction.reader.catalogue.type(rule.target)
        held = await capacity.take_all(transaction.connection, rule, number, wanted)
        if held.keys() != wanted.keys():
            raise Conflict(rule.text.en, zh=rule.text.zh)
        await _mark_full(transaction, rule, [id for id, left in held.items() if left <= 0])


async def _mark_full(transaction: Transaction, rule: CapacityRule, ids: Sequence[str]) -> None:
    if not ids or not rule.full:
        return
    current = await transaction.reader.held(rule.target, ids)
    versions = [
        await transaction.next_version(one, {**one.resource, **rule.full})
        for one in current.values()
        if not one.deleted and all(one.resource.get(name) == value for name, value in rule.free.items())
    ]
    if not versions:
        return
    for version in versions:
        version.stored.key = version.current.key if version.current is not None else 0
    await _write(transaction, versions)
    for version in versions:
        await transaction.follow(version)
        # being full changes nothing of the counter that says so
        await transaction.keep_places(version, but=rule)


async def _write(transaction: Transaction, versions: Sequence[Version]) -> None:
    """Write versions; all of them are first ones, or none is."""
    kinds = tuple(sorted({kind for version in versions for kind in version.rows}))
    lines = [(one.stored.key, one.record, one.change, one.told, one.rows) for one in versions]
    replaces = versions[0].current is not None
    await transaction.connection.execute(write_all_sql(kinds, replaces), *columns_of(lines, kinds))
