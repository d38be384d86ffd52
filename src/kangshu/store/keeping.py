"""What a written record claims beside its index rows: values that no other may have, and places of other records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from kangshu.access import system_grant
from kangshu.base.faults import Conflict
from kangshu.sdk import Resource
from kangshu.search import parse_criteria
from kangshu.store import capacity
from kangshu.store.capacity import CapacityRule
from kangshu.store.connections import Connection
from kangshu.store.fields import taken_fault
from kangshu.store.records import Stored
from kangshu.store.searching import Search
from kangshu.store.unique import UniqueRule

if TYPE_CHECKING:
    from kangshu.store.transaction import Transaction

CHECKING: Final = system_grant("checks")
"""With it the product looks at records to check what is written; nobody is shown them."""


async def keep_unique(transaction: Transaction, stored: Stored, rules: Sequence[UniqueRule]) -> None:
    """Claim what `stored` says under `rules` in place of what it said before. Raises Conflict where another has it."""
    if not rules:
        return
    connection = transaction.connection
    await connection.execute(
        "delete from unique_key where key = $1 and rule = any($2::text[])",
        stored.key,
        [rule.id for rule in rules],
    )
    for rule in rules if not stored.deleted else ():
        value = rule.value(stored.resource)
        if value is None:
            continue
        taken = await connection.fetchval(
            """insert into unique_key (rule, value, key) values ($1, $2, $3)
            on conflict (rule, value) do nothing returning key""",
            rule.id,
            value,
            stored.key,
        )
        if taken is None:
            raise taken_fault(transaction.grant, rule)


async def unique_holder(connection: Connection, rule: UniqueRule, resource: Resource) -> str | None:
    """Return the id of the record that has what `resource` would claim under `rule`, None where nobody has."""
    value = rule.value(resource)
    if value is None:
        return None
    found: str | None = await connection.fetchval(
        """select r.id from unique_key u join resource r on r.key = u.key
        where u.rule = $1 and u.value = $2 and not r.deleted""",
        rule.id,
        value,
    )
    return found


async def keep_place(transaction: Transaction, stored: Stored, current: Stored | None) -> bool:
    """Let what has its division from a resident or an organisation follow where that has moved; return whether it has."""
    if stored.type not in ("Patient", "Organization") or stored.deleted:
        return False
    before = "" if current is None or current.deleted else current.scope.district
    place = stored.scope.district
    if place == before:
        return False
    if stored.type == "Patient":
        await transaction.connection.execute("select move_resident($1, $2, $3)", stored.id, stored.key, place)
    else:
        await transaction.connection.execute(
            "select move_organisation($1, $2, $3, $4::smallint)",
            stored.id,
            stored.key,
            place,
            transaction.reader.catalogue.type("Patient"),
        )
    return True


async def keep_capacity(
    transaction: Transaction, stored: Stored, current: Stored | None, rules: Sequence[CapacityRule]
) -> None:
    """Count the places that `stored` has or takes, and mark records whose last place goes or comes back.

    Raises Conflict where no place is left, or more are taken than there are to be.
    """
    for rule in rules if not stored.deleted else ():
        if rule.target == stored.type:
            first = 0 if current is None else None
            if not await capacity.state(transaction.connection, rule, stored, taken=first) and first is None:
                continue  # counted when somebody asks for a place of it
    for claim in capacity.claims([one for one in rules if one.type == stored.type], stored, current):
        await _claim(transaction, claim)


async def _claim(transaction: Transaction, claim: capacity.Claim) -> None:
    rule, connection = claim.rule, transaction.connection
    number = transaction.reader.catalogue.type(rule.target)
    # what is given back first may be what is taken next
    for id in claim.leaves:
        left = await capacity.leave(connection, rule, number, id) or await _count(transaction, rule, id)
        if left is not None and left[0] == left[1] - 1:
            await _mark(transaction, rule.target, id, rule.free, rule.full)
    for id in claim.takes:
        held = await capacity.take(connection, rule, number, id)
        if held is None:
            held = await _first_taken(transaction, rule, id)
        if held[0] >= held[1]:
            await _mark(transaction, rule.target, id, rule.full, rule.free)


async def _first_taken(transaction: Transaction, rule: CapacityRule, id: str) -> tuple[int, int]:
    """Take a place of a record that was loaded without a counter: what takes it now stands already.

    Returns (taken, places). Raises Conflict.
    """
    number = transaction.reader.catalogue.type(rule.target)
    target = await transaction.reader.current(rule.target, id, lock=True)
    # somebody may have begun the counter while this one waited for the lock
    held = await capacity.take(transaction.connection, rule, number, id)
    if held is not None:
        return held
    counted = await _count(transaction, rule, id)
    if counted is None or target is None or counted[0] > counted[1] or not rule.is_open(target.resource):
        raise Conflict(rule.text.en, zh=rule.text.zh)
    return counted


async def _count(transaction: Transaction, rule: CapacityRule, id: str) -> tuple[int, int] | None:
    """Begin the counter of a record by what takes its places as it stands; return (taken, places), None without one."""
    target = await transaction.reader.current(rule.target, id, lock=True)
    if target is None or target.deleted:
        return None
    query = parse_criteria(rule.type, f"{rule.search}={rule.target}/{id}&_count=1000")
    found = (await Search(transaction.reader, CHECKING, query).page(None)).entries
    taken = sum(id in rule.taken_by(one.resource) for one in found)
    await capacity.state(transaction.connection, rule, target, taken=taken)
    return taken, rule.places_of(target.resource)


async def _mark(
    transaction: Transaction, type: str, id: str, to: Mapping[str, Any], before: Mapping[str, Any]
) -> None:
    """Put elements of a record to their value, where they have the one of `before`."""
    current = await transaction.reader.current(type, id, lock=True)
    if to and current is not None and not current.deleted:
        resource = current.resource
        if all(resource.get(name) == value for name, value in before.items()):
            await transaction.rewrite(current, {**resource, **to})
