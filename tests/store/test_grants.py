"""The grant in SQL means what `access.admits` says: for random records and random predicates, in every kind of read."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kangshu.access import (
    AllOf,
    AnyOf,
    DistrictUnder,
    Everything,
    Grant,
    NoPatient,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    admits,
    system_grant,
)
from kangshu.base.canonical import DISTRICT, structure
from kangshu.base.faults import NotFound
from kangshu.sdk import Resource
from kangshu.search import parse_criteria, parse_query
from kangshu.store import Store, Stored

SYSTEM = system_grant("test")
DISTRICTS = ("", "99", "9901", "990102", "990102001", "990103", "98", "_%")
ORGANISATIONS = ("h1", "h2", "h3")
PATIENTS = ("p1", "p2", "p3")


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
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
    ),
    max_leaves=6,
)


def _ids(found: list[Stored]) -> list[str]:
    return sorted(one.id for one in found)


async def _compare(store: Store, everything: list[Stored], predicate: Predicate) -> None:
    grant = Grant(account="x", display="", read={"Basic": predicate, "Patient": Everything()})
    expected = sorted(one.id for one in everything if admits(predicate, one.scope))
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

        @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
        @given(PREDICATES)
        def check(predicate: Predicate) -> None:
            runner.run(_compare(store, everything, predicate))

        check()
        runner.run(store.close())
