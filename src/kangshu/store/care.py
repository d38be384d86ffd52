"""The care relation as it is kept: written with the record that says so, asked for where a predicate does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from kangshu.access import (
    ANY_TYPE,
    AllOf,
    AnyOf,
    Care,
    Grant,
    InCare,
    Nothing,
    PatientIn,
    Predicate,
    all_of,
    any_of,
)
from kangshu.store.connections import Connection, Row
from kangshu.store.relations import LAST, Told
from kangshu.store.sql import open_care

CARE_COLUMNS = (
    "patient",
    "organisation",
    "relation",
    "purpose",
    "refusable",
    "kinds",
    "since",
    "until",
    "key",
)
DISSENT_COLUMNS = ("patient", "organisation", "purpose", "spared", "since", "until", "key")

_FORGET = """with gone as (delete from care where key = any($1::bigint[]))
    delete from dissent where key = any($1::bigint[])"""
_WRITE_CARE = f"""insert into care ({", ".join(CARE_COLUMNS)})
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""  # noqa: S608  # column names of this file
_WRITE_DISSENT = f"""insert into dissent ({", ".join(DISSENT_COLUMNS)})
    values ($1, $2, $3, $4, $5, $6, $7)"""  # noqa: S608
_NOW = f"""select distinct care.relation, care.organisation, stated.purpose
    from care, unnest($3::text[]) as stated(purpose)
    where care.patient = $4 and {open_care("$1::text[]", "$2::text[]", "stated.purpose", "$5::smallint")}"""  # noqa: S608
_RESIDENTS = f"""select kinds, array_agg(patient) as patients from care
    where {open_care("$1::text[]", "$2::text[]", "$3::text")} group by kinds"""  # noqa: S608

_OF = """select distinct care.organisation, care.relation, care.purpose, care.kinds, care.since, care.until,
    array(select distinct dissent.purpose from dissent where care.refusable and dissent.patient = care.patient
        and dissent.since <= now() and dissent.until > now()
        and (dissent.purpose = '' or care.purpose in ('', dissent.purpose))
        and dissent_covers(dissent.organisation, dissent.spared, care.organisation, dissent.purpose)
        order by 1) as refused_for
    from care where care.patient = $1 and care.since <= now() and care.until > now()
    order by care.organisation, care.relation, care.purpose"""


def care_rows(key: int, patient: str, told: Told, types: Mapping[str, int]) -> list[tuple[Any, ...]]:
    """Return the rows of `care` that a record says, in the order of CARE_COLUMNS; `types` numbers the types."""
    rows: list[tuple[Any, ...]] = []
    for one in told.relations:
        kinds = sorted(types[kind] for kind in one.kinds if kind in types)
        if kinds or not one.kinds:
            rows.append(
                (
                    patient,
                    one.organisation,
                    one.relation,
                    one.purpose,
                    one.refusable,
                    kinds,
                    one.since,
                    one.until,
                    key,
                )
            )
    return rows


def dissent_rows(key: int, patient: str, told: Told) -> list[tuple[Any, ...]]:
    """Return the rows of `dissent` that a record says, in the order of DISSENT_COLUMNS."""
    return [
        (patient, one.organisation, one.purpose, list(one.spared), one.since, one.until, key)
        for one in told.refusals
    ]


async def forget(connection: Connection, keys: list[int]) -> None:
    """Take away what the records of `keys` said."""
    await connection.execute(_FORGET, keys)


async def enter(connection: Connection, key: int, patient: str, told: Told, types: Mapping[str, int]) -> None:
    """Write what a record says; what it said before is gone already."""
    if rows := care_rows(key, patient, told, types):
        await connection.executemany(_WRITE_CARE, rows)
    if refusals := dissent_rows(key, patient, told):
        await connection.executemany(_WRITE_DISSENT, refusals)


async def care_now(connection: Connection, kind: int, patient: str, predicate: Predicate) -> tuple[Care, ...]:
    """Return what is open now of the records of type `kind` of `patient`, as far as `predicate` asks for it."""
    asked = list(_asked(predicate))
    if not patient or not asked:
        return ()
    rows = await connection.fetch(
        _NOW,
        sorted(frozenset[str]().union(*(one.organisations for one in asked))),
        sorted(frozenset[str]().union(*(one.relations for one in asked))),
        sorted({one.purpose for one in asked}),
        patient,
        kind,
    )
    return tuple(Care(row["relation"], row["organisation"], row["purpose"]) for row in rows)


@dataclass(frozen=True, slots=True)
class OpenCare:
    """A relation that is open now by the record that says so; `kinds` of records, () for all; `until` None: no end.

    `refused_for` are the purposes for which the resident has refused it; "" stands for every purpose.
    """

    organisation: str
    relation: str
    purpose: str
    kinds: tuple[str, ...]
    since: datetime
    until: datetime | None
    refused_for: tuple[str, ...]


async def care_of(
    connection: Connection, patient: str, type_names: Mapping[int, str]
) -> tuple[OpenCare, ...]:
    """Return every relation of a resident that is within its time, also those that are refused."""
    rows = await connection.fetch(_OF, patient)
    return tuple(
        OpenCare(
            row["organisation"],
            row["relation"],
            row["purpose"],
            tuple(sorted(type_names[kind] for kind in row["kinds"])),
            row["since"],
            row["until"] if row["until"].year < LAST.year else None,
            tuple(row["refused_for"]),
        )
        for row in rows
    )


@dataclass(slots=True)
class _Residents:
    """The residents of whom everything is open, and those of whom the records of a type are."""

    all: set[str] = field(default_factory=set)
    of_kind: dict[str, set[str]] = field(default_factory=dict)

    def named(self, kind: str) -> Predicate:
        """Return the predicate of their records of `kind`."""
        return PatientIn(frozenset(self.all | self.of_kind.get(kind, set())))


async def resolved(connection: Connection, grant: Grant, type_names: Mapping[int, str]) -> Grant:
    """Return `grant` with the residents who are in care now by their ids, in what it reads and counts."""
    known: dict[InCare, _Residents] = {}
    for rules in (grant.read, grant.aggregate):
        for predicate in rules.values():
            for one in _asked(predicate):
                if one not in known:
                    rows = await connection.fetch(
                        _RESIDENTS, sorted(one.organisations), sorted(one.relations), one.purpose
                    )
                    known[one] = _gathered(rows, type_names)
    if not known:
        return grant
    return replace(grant, read=_by_ids(grant.read, known), aggregate=_by_ids(grant.aggregate, known))


def _gathered(rows: Sequence[Row], type_names: Mapping[int, str]) -> _Residents:
    found = _Residents()
    for row in rows:
        if not row["kinds"]:
            found.all.update(row["patients"])
        for kind in row["kinds"]:
            found.of_kind.setdefault(type_names[kind], set()).update(row["patients"])
    return found


def _asked(predicate: Predicate) -> Iterator[InCare]:
    match predicate:
        case InCare():
            yield predicate
        case AnyOf(parts) | AllOf(parts):
            for part in parts:
                yield from _asked(part)
        case _:
            return


def _by_ids(rules: Mapping[str, Predicate], known: Mapping[InCare, _Residents]) -> Mapping[str, Predicate]:
    names = dict.fromkeys(rules)
    if ANY_TYPE in rules:
        # a consent to some types: those that no rule names are apart from the others now
        names |= dict.fromkeys(kind for one in known.values() for kind in one.of_kind)
    return MappingProxyType(
        {name: _told(rules.get(name, rules.get(ANY_TYPE)), name, known) for name in names}
    )


def _told(predicate: Predicate | None, kind: str, known: Mapping[InCare, _Residents]) -> Predicate:
    match predicate:
        case None:
            return Nothing()
        case InCare():
            return known[predicate].named(kind)
        case AnyOf(parts):
            return any_of([_told(part, kind, known) for part in parts])
        case AllOf(parts):
            return all_of([_told(part, kind, known) for part in parts])
        case _:
            return predicate
