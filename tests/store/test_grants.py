"""The grant in SQL means what `access.admits` says: for random records and random predicates, in every kind of read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kangshu.access import (
    AllOf,
    AnyOf,
    Care,
    DistrictUnder,
    Everything,
    Grant,
    InCare,
    LabelsWithin,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    admits,
    asks_for_care,
    system_grant,
)
from kangshu.base.canonical import DISTRICT, structure
from kangshu.base.clock import now
from kangshu.base.faults import NotFound
from kangshu.fhir import date_range
from kangshu.sdk import Resource
from kangshu.search import parse_criteria, parse_query
from kangshu.store import Store, Stored
from kangshu.store.relations import FIRST, LAST

SYSTEM = system_grant("test")
DISTRICTS = ("", "99", "9901", "990102", "990102001", "990103", "98", "_%")
ORGANISATIONS = ("h1", "h2", "h3")
PATIENTS = ("p1", "p2", "p3")
LABELS = ("R", "PSY", "N")
RELATIONS = ("managed", "contract", "case", "consent")
PURPOSES = ("TREAT", "HMARKT")


def _records() -> list[Resource]:
    """Every combination of place, organisations and resident."""
    records: list[Resource] = [{"resourceType": "Patient", "id": id} for id in PATIENTS]
    number = 0
    for district in DISTRICTS:
        for organisations in ((), ("h1",), ("h2", "h3"), ("h1", "h3")):
            for patient in ("", *PATIENTS):
                number += 1
                record: Resource = {
                    "resourceType": "Basic", "id": f"b{number}", "code": {"text": "x"}, "extension": [
                        {"url": structure("responsible-organisation"), "valueReference": {"reference": f"Organization/{one}"}}
                        for one in organisations
                    ],
                }  # fmt: skip
                if district:
                    record["extension"].append({"url": DISTRICT, "valueCode": district})
                if labels := (("PSY",), ("R", "PSY"), ("N",))[number % 3] if number % 4 else ():
                    record["meta"] = {
                        "security": [{"system": CONFIDENTIALITY, "code": one} for one in labels]
                    }
                if patient:
                    record["subject"] = {"reference": f"Patient/{patient}"}
                records.append(record)
    return records


PREDICATES: st.SearchStrategy[Predicate] = st.recursive(
    st.one_of(
        st.just(Everything()),
        st.just(Nothing()),
        st.just(NoPatient()),
        st.sampled_from(DISTRICTS).map(DistrictUnder),
        st.frozensets(st.sampled_from(ORGANISATIONS)).map(OrganisationIn),
        st.frozensets(st.sampled_from((*PATIENTS, "")), max_size=2).map(PatientIn),
        st.frozensets(st.sampled_from(LABELS), max_size=2).map(LabelsWithin),
        st.builds(
            InCare,
            st.frozensets(st.sampled_from(ORGANISATIONS), max_size=2),
            st.frozensets(st.sampled_from(RELATIONS), max_size=3),
            st.sampled_from(PURPOSES),
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
    ),
    max_leaves=6,
)


CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
CARE = st.tuples(
    st.sampled_from(PATIENTS),
    st.sampled_from(ORGANISATIONS),
    st.sampled_from(RELATIONS),
    st.sampled_from(("", *PURPOSES)),
    st.sampled_from((("2020", ""), ("", "2021-05"), ("2999-01-01", ""), ("2020-01-01", "2999"))),
)
DISSENT = st.tuples(
    st.sampled_from(PATIENTS),
    st.sampled_from(("", *ORGANISATIONS)),
    st.sampled_from(("", *PURPOSES)),
    st.sampled_from((("2020", ""), ("", "2021-05"), ("2999-01-01", ""))),
)
REFUSABLE = ("case", "consent")


def _span(period: tuple[str, str]) -> tuple[datetime, datetime]:
    start, end = period
    return (date_range(start)[0] if start else FIRST), (date_range(end)[1] if end else LAST)


async def _set_care(store: Store, care: list[Any], dissent: list[Any]) -> None:
    """Put these rows in place of what is there."""
    async with store.connection() as connection, connection.transaction():
        await connection.execute("delete from care")
        await connection.execute("delete from dissent")
        for patient, organisation, relation, purpose, period in care:
            await connection.execute(
                "insert into care values ($1, $2, $3, $4, $5, '{}', $6, $7, 1)",
                patient, organisation, relation, purpose, relation in REFUSABLE, *_span(period),
            )  # fmt: skip
        for patient, organisation, purpose, period in dissent:
            await connection.execute(
                "insert into dissent values ($1, $2, $3, '{}', $4, $5, 1)",
                patient, organisation, purpose, *_span(period),
            )  # fmt: skip


def _open_now(patient: str, care: list[Any], dissent: list[Any]) -> tuple[Care, ...]:
    """Return what is open of `patient`, told from the rows in the plainest way."""
    open_: list[Care] = []
    for who, organisation, relation, stated, period in care:
        for purpose in PURPOSES:
            refused = relation in REFUSABLE and any(
                one == who and named in ("", organisation) and what in ("", purpose) and _holds(when)
                for one, named, what, when in dissent
            )
            if who == patient and stated in ("", purpose) and _holds(period) and not refused:
                open_.append(Care(relation, organisation, purpose))
    return tuple(open_)


def _holds(period: tuple[str, str]) -> bool:
    since, until = _span(period)
    return since <= now() < until


def _ids(found: list[Stored]) -> list[str]:
    return sorted(one.id for one in found)


async def _compare(store: Store, everything: list[Stored], predicate: Predicate) -> None:
    grant = Grant(account="x", display="", read={"Basic": predicate, "Patient": Everything()})
    expected = sorted(one.id for one in everything if admits(predicate, one.scope))
    resolved = (await store.resolve_care(grant)).may_read("Basic")
    assert not asks_for_care(resolved)
    named = [replace(one.scope, care=()) for one in everything]
    assert expected == sorted(
        o.id for o, scope in zip(everything, named, strict=True) if admits(resolved, scope)
    )
    whole = parse_criteria("Basic", "_count=1000")
    assert _ids((await store.search(grant, whole)).entries) == expected
    assert await store.count(grant, whole) == len(expected)
    assert _ids((await store.history(grant, "Basic", count=1000)).entries) == expected
    assert sorted(one.id for one in await store.feed(grant, 0) if one.type == "Basic") == expected
    patients = parse_query("Patient", [("_revinclude", "Basic:subject")])
    with_patient = sorted(one.id for one in everything if one.scope.patient and admits(predicate, one.scope))
    assert _ids((await store.search(grant, patients)).included) == with_patient
    chained = parse_query("Patient", [("_has:Basic:patient:_id:not", "none")])
    holders = {one.scope.patient for one in everything if one.scope.patient and admits(predicate, one.scope)}
    assert _ids((await store.search(grant, chained)).entries) == sorted(holders)
    for one in everything[:: max(1, len(everything) // 8)]:
        try:
            await store.read(grant, "Basic", one.id)
            seen = True
        except NotFound:
            seen = False
        assert seen == admits(predicate, one.scope)


def test_sql_admits_what_python_admits(database_url: str) -> None:
    async def prepare() -> tuple[Store, list[Stored]]:
        store = await Store.open(database_url, pool=2)
        await store.bulk_load(SYSTEM, _records())
        return store, await store.find_all(SYSTEM, "Basic", "")

    with asyncio.Runner() as runner:
        store, everything = runner.run(prepare())

        @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
        @given(PREDICATES, st.lists(CARE, max_size=4), st.lists(DISSENT, max_size=2))
        def check(predicate: Predicate, care: list[Any], dissent: list[Any]) -> None:
            runner.run(_set_care(store, care, dissent))
            for one in everything:
                one.scope = replace(one.scope, care=_open_now(one.scope.patient, care, dissent))
            runner.run(_compare(store, everything, predicate))

        check()
        runner.run(store.close())
