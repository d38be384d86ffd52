"""Binaries and the records they belong to: an attachment is as secret as what it is attached to.

A Binary has no resident and no labels of its own; its `securityContext` names the record whose policy counts.
Source: https://hl7.org/fhir/R4/binary.html#security
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kangshu.access import Scope
from kangshu.fhir import definitions, split_reference
from kangshu.store.reading import Reader
from kangshu.store.records import Stored
from kangshu.store.scopes import scope_of

_BOUND = """select a.key from attached a join resource r on r.type = a.type and r.id = a.id
    where r.key = any($1::bigint[]) or a.key = any($1::bigint[])"""

_MOVE = """with place as (
        select p.* from resource r, lateral place_of($4::smallint, $2, $5::smallint, coalesce(r.organisations[1], '')) p
        where r.key = $1 and r.district_from <> 0
    ), moved as (
        update resource set patient = $2, labels = $3,
            district = coalesce((select district from place), district),
            district_from = coalesce((select district_from from place), district_from)
        where key = $1 returning key, version
    )
    insert into feed_pending (key, version, kind, recorded) select key, version, 3, now() from moved"""


def context_of(binary: dict[str, Any]) -> tuple[str, str] | None:
    """Return type and id of the record that a Binary belongs to; None for none, a resident, or one elsewhere."""
    context = binary.get("securityContext")
    reference = split_reference(str(context.get("reference", ""))) if isinstance(context, dict) else None
    if reference is None or reference.base or reference.type == "Patient":
        return None
    return (reference.type, reference.id) if definitions().is_resource(reference.type) else None


def under(scope: Scope, context: Stored | None) -> Scope:
    """Return the scope of a Binary that says `scope` of itself and belongs to `context`."""
    if context is None:
        return scope
    labels = tuple(sorted({*scope.labels, *context.scope.labels}))
    return replace(scope, patient=scope.patient or context.scope.patient, labels=labels)


async def attach(reader: Reader, key: int, binary: dict[str, Any]) -> None:
    """Note which record the Binary of `key` belongs to now; {} for a deleted one."""
    context = context_of(binary)
    if context is None:
        await reader.connection.execute("delete from attached where key = $1", key)
    else:
        await reader.connection.execute(
            """insert into attached (key, type, id) values ($1, $2, $3)
            on conflict (key) do update set type = excluded.type, id = excluded.id""",
            key,
            reader.catalogue.type(context[0]),
            context[1],
        )


async def settle(reader: Reader, keys: Sequence[int]) -> int:
    """Bring the Binaries among the records of `keys`, or attached to them, to where their records are now.

    Returns how many moved; the feed tells of them.
    """
    moved = 0
    for row in await reader.connection.fetch(_BOUND, list(keys)):
        binary = await reader.by_key(row["key"])
        context = None if binary is None or binary.deleted else context_of(binary.resource)
        if binary is None or context is None:
            continue
        told, _ = scope_of(binary.resource)
        wanted = under(told, await reader.current(*context))
        if (wanted.patient, wanted.labels) != (binary.scope.patient, binary.scope.labels):
            moved += 1
            await reader.connection.execute(
                _MOVE, binary.key, wanted.patient, list(wanted.labels), reader.catalogue.type("Patient"),
                reader.catalogue.type("Organization"),
            )  # fmt: skip
    return moved
