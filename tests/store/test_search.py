"""Searches on a small hospital: every kind of clause, includes, order, pages, and the grant in all of them."""

from __future__ import annotations

import pytest

from kangshu.access import (
    DistrictUnder,
    Everything,
    Grant,
    NoPatient,
    OrganisationIn,
    PatientIn,
    system_grant,
)
from kangshu.base.canonical import DISTRICT
from kangshu.base.faults import NotFound, TooLarge
from kangshu.sdk import Resource
from kangshu.search import parse_criteria, parse_query
from kangshu.store import Page, Store

SYSTEM = system_grant("test")
LOINC = "http://loinc.org"


def _observation(id: str, patient: str, code: str, value: str, date: str, **more: object) -> Resource:
    return {
        "resourceType": "Observation", "id": id, "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code, "display": f"Test {code}"}]},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": date,
        "valueQuantity": {"value": float(value), "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        **more,
    }  # fmt: skip


def _pressure(id: str, patient: str, systolic: int, diastolic: int) -> Resource:
    def component(code: str, value: int) -> Resource:
        return {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": value, "code": "mm[Hg]"},
        }

    return {
        "resourceType": "Observation", "id": id, "status": "final", "code": {"coding": [{"system": LOINC, "code": "85354-9"}]},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": "2024-05-03",
        "component": [component("8480-6", systolic), component("8462-4", diastolic)],
    }  # fmt: skip


CITY: list[Resource] = [
    {"resourceType": "Organization", "id": "h1", "name": "云汐市第一医院", "extension": [{"url": DISTRICT, "valueCode": "990102"}]},
    {"resourceType": "Organization", "id": "h2", "name": "云汐市中医院", "extension": [{"url": DISTRICT, "valueCode": "990103"}],
     "partOf": {"reference": "Organization/h1"}},
    {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "李医生"}]},
    {"resourceType": "Patient", "id": "p1", "active": True, "gender": "male", "birthDate": "1950-03-01",
     "name": [{"family": "王", "given": ["小明"]}], "managingOrganization": {"reference": "Organization/h1"},
     "generalPractitioner": [{"reference": "Practitioner/d1"}], "telecom": [{"system": "phone", "value": "139"}],
     "identifier": [{"system": "urn:id", "value": "99010219500301001X"}], "meta": {"tag": [{"system": "urn:t", "code": "demo"}]}},
    {"resourceType": "Patient", "id": "p2", "gender": "female", "birthDate": "1960",
     "name": [{"text": "王芳"}, {"text": "Fang Müller"}], "managingOrganization": {"reference": "Organization/h2"},
     "deceasedDateTime": "2024-01-01"},
    {"resourceType": "Patient", "id": "p3", "name": [{"text": "张伟"}]},
    _observation("o1", "p1", "2339-0", "5.4", "2024-05-01"),
    _observation("o2", "p1", "2339-0", "7.8", "2024-05-02T08:30:00+08:00", performer=[{"reference": "Organization/h1"}]),
    _observation("o3", "p2", "2339-0", "6.1", "2023"),
    _observation("o4", "p2", "29463-7", "61", "2024-05-01", interpretation=[{"text": "偏高"}]),
    _pressure("bp1", "p1", 150, 85),
    _pressure("bp2", "p2", 120, 95),
    {"resourceType": "Task", "id": "t1", "status": "requested", "intent": "order", "for": {"reference": "Patient/p1"},
     "owner": {"reference": "Organization/h2"}, "requester": {"reference": "Organization/h1"},
     "restriction": {"period": {"end": "2024-06-01"}}, "identifier": [{"value": "转〔2024〕00001号"}]},
    {"resourceType": "ValueSet", "id": "v1", "status": "active", "url": "http://kangshu.org/fhir/ValueSet/a/b"},
    {"resourceType": "RiskAssessment", "id": "r1", "status": "final", "subject": {"reference": "Patient/p1"},
     "prediction": [{"probabilityDecimal": 0.25}]},
]  # fmt: skip


@pytest.fixture
async def city(store: Store) -> Store:
    assert await store.bulk_load(SYSTEM, CITY) == len(CITY)
    return store


async def find(store: Store, grant: Grant, type: str, criteria: str) -> list[str]:
    page = await store.search(grant, parse_criteria(type, criteria))
    return [one.id for one in page.entries]


@pytest.mark.parametrize(
    ("type", "criteria", "expected"),
    [
        ("Patient", "_id=p1,p3,nobody", "p1 p3"),
        ("Patient", "_id:not=p1", "p2 p3"),
        ("Patient", "gender=male", "p1"),
        ("Patient", "gender=http://hl7.org/fhir/administrative-gender|male", "p1"),
        ("Patient", "gender:not=male", "p2 p3"),
        ("Patient", "gender:missing=true", "p3"),
        ("Patient", "gender:missing=false", "p1 p2"),
        ("Patient", "identifier=urn:id|99010219500301001X", "p1"),
        ("Patient", "identifier=urn:id|", "p1"),
        ("Patient", "identifier=|99010219500301001X", ""),
        ("Patient", "phone=139", "p1"),
        ("Patient", "active=true", "p1"),
        ("Patient", "deceased=true", "p2"),
        ("Patient", "_tag=urn:t|demo", "p1"),
        ("Patient", "name=王", "p1 p2"),
        ("Patient", "name=王小明", "p1"),
        ("Patient", "name:contains=小", "p1"),
        ("Patient", "name:exact=王芳", "p2"),
        ("Patient", "name=muller", ""),
        ("Patient", "name=FANG MULLER", "p2"),
        ("Patient", "name=王,张", "p1 p2 p3"),
        ("Patient", "name=王&gender=female", "p2"),
        ("Patient", "birthdate=1950-03", "p1"),
        ("Patient", "birthdate=ge1950&birthdate=lt1960", "p1"),
        ("Patient", "birthdate=1960-01-01", ""),
        ("Patient", "birthdate=ap1960-01-01", "p2"),
        ("Patient", "birthdate=gt1955", "p2"),
        ("Patient", "birthdate:missing=true", "p3"),
        ("Patient", "organization=Organization/h1", "p1"),
        ("Patient", "organization=h1", "p1"),
        ("Patient", "organization:Organization=h1", "p1"),
        ("Patient", "organization.name=云汐市中", "p2"),
        ("Patient", "organization:Organization.partof.name:contains=第一", "p2"),
        ("Patient", "general-practitioner:Practitioner.name=李", "p1"),
        ("Patient", "_has:Observation:patient:code=29463-7", "p2"),
        ("Patient", "_has:Observation:subject:value-quantity=gt7||mmol/L", "p1 p2"),
        ("Patient", "_district=990102", "p1"),
        ("Patient", "_district=990100", "p1 p2"),
        ("Organization", "partof=h1", "h2"),
        ("Observation", "code=http://loinc.org|2339-0", "o1 o2 o3"),
        ("Observation", "code:text=test 29", "o4"),
        ("Observation", "combo-code=8480-6", "bp1 bp2"),
        ("Observation", "patient=p1", "o1 o2 bp1"),
        ("Observation", "subject:Patient=p2", "o3 o4 bp2"),
        ("Observation", "patient.name=王小&code=2339-0", "o1 o2"),
        ("Observation", "subject:Patient.organization.name:contains=中医", "o3 o4 bp2"),
        ("Observation", "date=2024-05-02", "o2"),
        ("Observation", "date=2024", "o1 o2 o4 bp1 bp2"),
        ("Observation", "date=sa2024-05-01", "o2 bp1 bp2"),
        ("Observation", "date=le2023", "o3"),
        ("Observation", "date=eb2024", "o3"),
        ("Observation", "value-quantity=5.4", "o1"),
        ("Observation", "value-quantity=5.40", "o1"),
        ("Observation", "value-quantity=6", "o3"),
        ("Observation", "value-quantity=ge6.1|http://unitsofmeasure.org|mmol/L", "o2 o3 o4"),
        ("Observation", "code-value-quantity=http://loinc.org|2339-0$gt6", "o2 o3"),
        ("Observation", "component-code-value-quantity=8480-6$ge140", "bp1"),
        ("Observation", "component-code-value-quantity=8462-4$ge140", ""),
        ("Observation", "combo-code-value-quantity=8462-4$ge90,2339-0$gt7", "o2 bp2"),
        ("Observation", "performer=Organization/h1", "o2"),
        ("Task", "deadline=le2024-06-01", "t1"),
        ("Task", "deadline=gt2024-06-01", ""),
        ("Task", "owner=Organization/h2&status=requested", "t1"),
        ("Task", "identifier=转〔2024〕00001号", "t1"),
        ("ValueSet", "url=http://kangshu.org/fhir/ValueSet/a/b", "v1"),
        ("ValueSet", "url:below=http://kangshu.org/fhir/ValueSet/a", "v1"),
        ("ValueSet", "url:above=http://kangshu.org/fhir/ValueSet/a/b/c", "v1"),
        ("RiskAssessment", "probability=gt0.2", "r1"),
        ("RiskAssessment", "probability=0.3", "r1"),
        ("Patient", "_lastUpdated=ge2020", "p1 p2 p3"),
        ("Patient", "_lastUpdated=lt2020", ""),
    ],
)
async def test_what_is_found(city: Store, type: str, criteria: str, expected: str) -> None:
    assert sorted(await find(city, SYSTEM, type, criteria)) == sorted(expected.split())


async def test_order_and_pages(city: Store) -> None:
    assert await find(city, SYSTEM, "Patient", "_sort=birthdate") == ["p1", "p2", "p3"]
    assert await find(city, SYSTEM, "Patient", "_sort=-birthdate") == ["p2", "p1", "p3"]
    assert await find(city, SYSTEM, "Observation", "_sort=code,-date,_id") == [
        "o2",
        "o1",
        "o3",
        "o4",
        "bp1",
        "bp2",
    ]
    for order in ("_sort=-value-quantity", "_sort=date,-_id", "_sort=-_lastUpdated", "_sort=-subject", "_id=" + ",".join(
        ["o1", "o2", "o3", "o4"])):  # fmt: skip
        query = parse_criteria("Observation", f"{order}&_count=1&_total=accurate")
        whole = await find(city, SYSTEM, "Observation", order)
        seen: list[str] = []
        cursor = None
        while True:
            page = await city.search(SYSTEM, query, cursor)
            seen += [one.id for one in page.entries]
            assert page.total == len(whole)
            if page.next is None:
                break
            cursor = page.next
        assert seen == whole


async def test_a_cursor_is_its_owners(city: Store) -> None:
    query = parse_criteria("Patient", "_count=1")
    page = await city.search(SYSTEM, query)
    assert page.next
    other = Grant(account="other", display="", read=SYSTEM.read)
    for grant, asked, cursor in (
        (other, query, page.next),
        (SYSTEM, parse_criteria("Patient", "_count=1&gender=male"), page.next),
        (SYSTEM, query, page.next[:-4] + "AAAA"),
        (SYSTEM, query, "???"),
    ):
        with pytest.raises(NotFound):
            await city.search(grant, asked, cursor)


async def test_counts(city: Store) -> None:
    assert (await city.search(SYSTEM, parse_criteria("Patient", "_summary=count"))).total == 3
    assert (await city.search(SYSTEM, parse_criteria("Patient", "_count=0"))).entries == []
    assert await city.count(SYSTEM, parse_criteria("Observation", "patient=p1")) == 3
    first = await city.search(SYSTEM, parse_criteria("Patient", "_count=2"))
    assert first.total is None
    assert (await city.search(SYSTEM, parse_criteria("Patient", "_count=3"))).total == 3


def included(page: Page) -> set[str]:
    return {one.reference for one in page.included}


async def test_includes(city: Store) -> None:
    async def ask(grant: Grant, type: str, *pairs: tuple[str, str]) -> set[str]:
        return included(await city.search(grant, parse_query(type, pairs)))

    assert await ask(SYSTEM, "Observation", ("code", "29463-7"), ("_include", "Observation:subject")) == {
        "Patient/p2"
    }
    assert await ask(
        SYSTEM, "Observation", ("code", "29463-7"), ("_include", "Observation:patient"),
        ("_include:iterate", "Patient:organization"), ("_include:iterate", "Organization:partof"),
    ) == {"Patient/p2", "Organization/h2", "Organization/h1"}  # fmt: skip
    assert await ask(SYSTEM, "Patient", ("_id", "p1"), ("_revinclude", "Observation:subject")) == {
        "Observation/o1", "Observation/o2", "Observation/bp1",
    }  # fmt: skip
    assert await ask(SYSTEM, "Task", ("_include", "Task:*")) == {
        "Patient/p1",
        "Organization/h1",
        "Organization/h2",
    }
    assert await ask(SYSTEM, "Task", ("_include", "Task:owner:Patient")) == set()
    patient = Grant(account="p1", display="", read={"Task": Everything(), "*": PatientIn(frozenset({"p1"}))})
    assert await ask(patient, "Task", ("_include", "Task:*")) == {"Patient/p1"}


async def test_the_grant_holds_in_every_clause(city: Store) -> None:
    h1 = Grant(account="h1", display="", read={"*": OrganisationIn(frozenset({"h1"}))})
    assert await find(city, h1, "Patient", "") == ["p1"]
    assert await find(city, h1, "Observation", "") == ["o2"]
    assert await city.count(h1, parse_criteria("Observation", "")) == 1
    # a chain must not tell what the account may not see
    own = Grant(
        account="c", display="", read={"Observation": Everything(), "Patient": PatientIn(frozenset({"p1"}))}
    )
    assert await find(city, own, "Observation", "subject:Patient.birthdate=1960") == []
    assert len(await find(city, own, "Observation", "subject:Patient.birthdate=1950-03-01")) == 3
    has = Grant(
        account="h", display="", read={"Patient": Everything(), "Observation": PatientIn(frozenset({"p2"}))}
    )
    assert await find(city, has, "Patient", "_has:Observation:subject:code=2339-0") == ["p2"]
    mixed = Grant(account="m", display="", read={"Patient": DistrictUnder("990103"), "*": NoPatient()})
    assert await find(city, mixed, "Patient", "") == ["p2"]
    assert await find(city, mixed, "Organization", "") == ["h1", "h2"]
    assert await find(city, mixed, "Observation", "") == []
    nobody = Grant(account="n", display="")
    assert await find(city, nobody, "Patient", "") == []


async def test_search_all_is_bounded(city: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one["id"] for one in await city.search_all(SYSTEM, "Observation", "patient=p1&_sort=-date")] == [
        "bp1",
        "o2",
        "o1",
    ]
    monkeypatch.setattr("kangshu.store.searching.MOST_FOUND", 2)
    with pytest.raises(TooLarge):
        await city.search_all(SYSTEM, "Observation", "")
