"""Places that records have and other records take: a slot is never booked more often than it has places.

The counter of a record is changed in the transaction that writes what takes a place, under the lock of one narrow row:
whoever comes when none is left is refused, by whichever door. When the last place goes the record itself is marked, so
that a search for free ones finds it no more, and marked again when one comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kangshu.base.faults import Conflict, NotFound
from kangshu.base.text import Text
from kangshu.fhirpath import compile as compile_fhirpath
from kangshu.sdk import Resource
from kangshu.store.connections import Connection
from kangshu.store.records import Stored


@dataclass(frozen=True, slots=True, eq=False)
class CapacityRule:
    """Records of `type` take places of the records of `target` that `path` names, while `condition` holds.

    `path`, `condition` (over the one that takes), `places` and `open` (over the target) are FHIRPath; without a value of
    `places` there is one place. `full` and `free` are elements that the target has while no place, or one, is left.
    `search` is the search parameter of `type` that finds those that name a target.
    """

    id: str
    type: str
    path: str
    search: str
    target: str
    places: str
    text: Text
    condition: str = ""
    open: str = ""
    full: Mapping[str, Any] = field(default_factory=dict)
    free: Mapping[str, Any] = field(default_factory=dict)

    def taken_by(self, resource: Resource) -> frozenset[str]:
        """Return the ids of the targets of which `resource` takes a place."""
        if self.condition and _values(self.condition, resource) != [True]:
            return frozenset()
        found = (str(one).partition("/") for one in _values(self.path, resource))
        return frozenset(id for kind, _, id in found if kind == self.target and id)

    def places_of(self, target: Resource) -> int:
        """Return how many places `target` has."""
        found = _values(self.places, target)
        return int(found[0]) if found else 1

    def is_open(self, target: Resource) -> bool:
        """Return whether places of `target` may be taken by what it says itself."""
        return not self.open or _values(self.open, target) == [True]

    def is_marked(self, target: Resource) -> bool:
        """Return whether `target` says that it is full."""
        return bool(self.full) and all(target.get(name) == value for name, value in self.full.items())


@dataclass(frozen=True, slots=True)
class Claim:
    """What one written record changes: targets whose place it `takes`, and those that it `leaves`."""

    rule: CapacityRule
    takes: tuple[str, ...]
    leaves: tuple[str, ...]


def claims(rules: Sequence[CapacityRule], stored: Stored, current: Stored | None) -> list[Claim]:
    """Return what writing `stored` over `current` takes and leaves, in the order of ids."""
    found = []
    for rule in rules:
        now = frozenset[str]() if stored.deleted else rule.taken_by(stored.resource)
        before = frozenset[str]() if current is None or current.deleted else rule.taken_by(current.resource)
        if now != before:  # the row lock of the holder keeps `before` true
            found.append(Claim(rule, tuple(sorted(now - before)), tuple(sorted(before - now))))
    return found


async def take(
    connection: Connection, rule: CapacityRule, target_type: int, id: str
) -> tuple[int, int] | None:
    """Take a place of the target and return (taken, places); None when it has no counter yet.

    Raises Conflict when no place is left, or the target is closed.
    """
    row = await connection.fetchrow(
        """update capacity c set taken = taken + 1 from resource r
        where r.type = $1 and r.id = $2 and not r.deleted and c.rule = $3 and c.key = r.key and c.open and c.taken < c.places
        returning c.taken, c.places""",
        target_type,
        id,
        rule.id,
    )
    if row is not None:
        return row["taken"], row["places"]
    counted = await connection.fetchrow(
        "select c.key from resource r left join capacity c on c.rule = $3 and c.key = r.key "
        "where r.type = $1 and r.id = $2 and not r.deleted",
        target_type,
        id,
        rule.id,
    )
    if counted is None:
        raise NotFound(f"there is no {rule.target}/{id}", zh=f"没有 {rule.target}/{id}")
    if counted["key"] is None:
        return None
    raise Conflict(rule.text.en, zh=rule.text.zh)


async def hold(
    connection: Connection, rule: CapacityRule, target_type: int, ids: Sequence[str]
) -> dict[str, int]:
    """Return how many places are left of the targets by id, none of a closed one, and keep their counters from changing.

    The counters are locked in one order, so that whoever holds several meets no deadlock. One without a counter is missing.
    """
    rows = await connection.fetch(
        """select r.id, case when c.open then greatest(c.places - c.taken, 0) else 0 end as left
        from resource r join capacity c on c.rule = $3 and c.key = r.key
        where r.type = $1 and r.id = any($2::text[]) and not r.deleted order by c.key for update of c""",
        target_type,
        list(ids),
        rule.id,
    )
    return {row["id"]: row["left"] for row in rows}


async def take_all(
    connection: Connection, rule: CapacityRule, target_type: int, wanted: Mapping[str, int]
) -> dict[str, int]:
    """Take so many places of each target and return how many are left; those that have too few are missing."""
    rows = await connection.fetch(
        """update capacity c set taken = c.taken + w.many
        from unnest($2::text[], $3::integer[]) as w(id, many) join resource r on r.type = $1 and r.id = w.id
        where not r.deleted and c.rule = $4 and c.key = r.key and c.open and c.taken + w.many <= c.places
        returning r.id, c.places - c.taken as left""",
        target_type,
        list(wanted),
        list(wanted.values()),
        rule.id,
    )
    return {row["id"]: row["left"] for row in rows}


async def begin(connection: Connection, rule: CapacityRule, targets: Sequence[tuple[Stored, int]]) -> None:
    """Begin the counters of targets, with so many places taken; one that somebody has begun meanwhile stays."""
    said = [
        (one.key, rule.places_of(one.resource), taken, _opened(rule, one, taken)) for one, taken in targets
    ]
    await connection.execute(
        """insert into capacity (rule, key, places, taken, open)
        select $1, * from unnest($2::bigint[], $3::integer[], $4::integer[], $5::boolean[])
        on conflict (rule, key) do nothing""",
        rule.id,
        *([one[at] for one in said] for at in range(4)),
    )


def _opened(rule: CapacityRule, target: Stored, taken: int) -> bool:
    """Return whether places may be taken once one comes back: what says that it is full is not closed for that."""
    full = rule.is_marked(target.resource) and taken >= rule.places_of(target.resource)
    return rule.is_open(target.resource) or full


async def leave(
    connection: Connection, rule: CapacityRule, target_type: int, id: str
) -> tuple[int, int] | None:
    """Give a place back and return (taken, places) afterwards; None where the target has no counter."""
    row = await connection.fetchrow(
        """update capacity c set taken = greatest(taken - 1, 0) from resource r
        where r.type = $1 and r.id = $2 and c.rule = $3 and c.key = r.key returning c.taken, c.places""",
        target_type,
        id,
        rule.id,
    )
    return None if row is None else (row["taken"], row["places"])


async def state(connection: Connection, rule: CapacityRule, stored: Stored, *, taken: int | None) -> bool:
    """Keep what `stored` says of its places; return whether it has a counter.

    `taken` is what a counter begins with; None changes only one that is there, and raises Conflict when more are taken
    than there are to be.
    """
    places, opened, marked = (
        rule.places_of(stored.resource),
        rule.is_open(stored.resource),
        rule.is_marked(stored.resource),
    )
    if taken is None:
        held = await connection.fetchval(
            """update capacity set places = $3::integer, open = $4::boolean or ($5::boolean and taken >= $3::integer) where rule = $1 and key = $2
            returning taken""",
            rule.id, stored.key, places, opened, marked,
        )  # fmt: skip
    else:
        held = await connection.fetchval(
            """insert into capacity (rule, key, places, taken, open) values ($1, $2, $3::integer, $6::integer, $4::boolean or ($5::boolean and $6::integer >= $3::integer))
            on conflict (rule, key) do update set places = excluded.places,
            open = $4::boolean or ($5::boolean and capacity.taken >= excluded.places) returning taken""",
            rule.id, stored.key, places, opened, marked, taken,
        )  # fmt: skip
    if taken is None and held is not None and held > places:
        raise Conflict(
            f"{held} places are taken: it cannot have {places}",
            zh=f"已有 {held} 个名额被占用，不能改为 {places} 个",
        )
    return held is not None


def _values(expression: str, resource: Resource) -> list[Any]:
    return list(compile_fhirpath(expression).evaluate(resource))
