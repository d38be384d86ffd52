"""A query held against a resource in memory finds what the store finds."""

from __future__ import annotations

import pytest

from kangshu.access import system_grant
from kangshu.app.wiring import all_measures, city_services
from kangshu.measures import library_resource, measure_resource
from kangshu.sdk import Resource
from kangshu.search import matches, parse_query
from kangshu.store import Store

SYSTEM = system_grant("test")
QUERIES = (
    ("Measure", "_id=family-doctor-coverage-60,chc-two-gps"),
    ("Measure", "title:contains=coverage"),
    ("Measure", "title=家庭医生"),
    ("Measure", "title:exact=家庭医生"),
    ("Measure", "name=familydoctor"),
    ("Measure", "url=http://kangshu.org/fhir/Measure/chc-two-gps"),
    ("Measure", "url:below=http://kangshu.org/fhir/Measure"),
    ("Measure", "status=active&description:contains=65"),
    ("Measure", "status:not=active"),
    ("Measure", "status=draft"),
    ("Measure", "date=2020"),
    ("Measure", "date:missing=true"),
    ("Measure", "title:missing=true"),
    ("Measure", "depends-on=http://kangshu.org/fhir/Library/chc-two-gps"),
    ("Library", "type=https://sql-on-fhir.org/ig/CodeSystem/LibraryTypesCodes|sql-query"),
    ("Library", "type=logic-library"),
    ("Library", "content-type=application/sql;dialect=spark"),
    ("Library", "depends-on=http://kangshu.org/fhir/ViewDefinition/residents"),
)


@pytest.fixture
def definitions() -> list[Resource]:
    some = [one for one in all_measures(city_services()) if "family" in one.id or one.id == "chc-two-gps"]
    return [made(one) for one in some for made in (measure_resource, library_resource)]


async def test_what_matches_is_what_the_store_finds(store: Store, definitions: list[Resource]) -> None:
    assert definitions
    for one in definitions:
        await store.update(SYSTEM, one)
    told = 0
    for type_, text in QUERIES:
        pairs = [(name, value) for name, _, value in (part.partition("=") for part in text.split("&"))]
        query = parse_query(type_, [*pairs, ("_count", "500")])
        stored = {one.id for one in (await store.search(SYSTEM, query)).entries}
        of_type = [one for one in definitions if one["resourceType"] == type_]
        assert {one["id"] for one in of_type if matches(query, one)} == stored, text
        told += 0 < len(stored) < len(of_type)
    assert told > 5
