"""Measures of institutions and agreements against their second computation, with the parameters turned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.app.wiring import city_services
from kangshu.measures import ListAsked, Snapshot, period_of
from kangshu.sdk import MeasureDeclaration, Resource, Service
from kangshu.services.city import make_city
from tests.measures.city import snapshot_of

DAY = date(2026, 11, 20)
OWN = ("institutions", "medical_elder")
SERVICES = {one.id: one for one in city_services()}
MEASURES = [(service, one) for service in OWN if service in SERVICES for one in SERVICES[service].measures]
TURNED = {
    "village-day-care-people": 800,
    "village-people-basis": "registered",
    "facility-area-new": 26,
    "agreement-grace-days": 60,
    "pairing-internal-unit-counts": 1,
    "pilot-count-basis": "institutions",
    "older-resident-age": 65,
    "beds-per-thousand-basis": "registered",
    "wellness-service-basis": "radius",
    "wellness-service-radius": 4000,
}


@pytest.fixture(scope="module")
def resources() -> list[Resource]:
    folders = [one for one in SERVICES.values() if one.id in (*OWN, "residents")]
    made = list(make_city(600, 2, 7, folders, DAY))
    hospital = next(one for one in made if one["id"] == "hospital-yunhu")
    own = {**next(one for one in made if one["id"] == "elder-yunxi-welfare"), "id": "elder-own-unit"}
    return [*made, {**own, "partOf": {"reference": f"Organization/{hospital['id']}"}}]


@pytest.fixture(scope="module")
def snapshot(resources: list[Resource], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    declared = [view for one in SERVICES.values() if one.id in (*OWN, "residents") for view in one.views]
    opened = snapshot_of(tmp_path_factory.mktemp("institutions"), resources, declared)
    yield opened
    opened.close()


def parameters() -> dict[str, Any]:
    return {one.id: one.value for service in SERVICES.values() for one in service.parameters}


@pytest.mark.parametrize(("service", "measure"), MEASURES, ids=[one.id for _, one in MEASURES])
def test_the_measure_agrees_with_its_check(
    service: str, measure: MeasureDeclaration, snapshot: Snapshot, resources: list[Resource]
) -> None:
    folder: Service = SERVICES[service]
    start, _ = period_of(measure, DAY)
    for given in (parameters(), {**parameters(), **TURNED}):
        result = snapshot.evaluate(system_grant("test"), measure, given, start, DAY)
        wanted = folder.checks[measure.id](resources, start, DAY, given)
        assert (result.numerator, result.denominator) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("id_", "parameter"),
    [
        ("village-day-care-coverage", "village-day-care-people"),
        ("village-day-care-coverage", "village-people-basis"),
        ("new-compounds-compliant", "facility-area-new"),
        ("elder-beds-per-thousand", "beds-per-thousand-basis"),
        ("wellness-compound-coverage", "wellness-service-basis"),
        ("elder-institution-medical-coverage", "agreement-grace-days"),
        ("hospitals-paired", "pairing-internal-unit-counts"),
    ],
)
def test_an_ambiguity_is_a_parameter_that_moves_the_figure(
    id_: str, parameter: str, snapshot: Snapshot
) -> None:
    found = [one for _, one in MEASURES if one.id == id_]
    if not found:
        pytest.skip("the folder of this measure is not here")
    start, _ = period_of(found[0], DAY)
    usual, other = (
        snapshot.evaluate(system_grant("test"), found[0], given, start, DAY)
        for given in (parameters(), {**parameters(), parameter: TURNED[parameter]})
    )
    assert (usual.numerator, usual.denominator) != (other.numerator, other.denominator)


def rows(snapshot: Snapshot, service: str, name: str, **figures: Any) -> list[dict[str, Any]]:
    declared = [one for one in SERVICES[service].lists if one.id == name] if service in SERVICES else []
    if not declared:
        pytest.skip("the folder of this list is not here")
    given = {**parameters(), **{name.replace("_", "-"): value for name, value in figures.items()}}
    page = snapshot.listed(system_grant("test"), declared[0], given, DAY, ListAsked(limit=100))
    return [dict(one.values) for one in page.rows]


def test_the_counties_see_the_beds_that_they_lack(snapshot: Snapshot) -> None:
    nothing = {"nursing_bed_share_floor": 0, "private_bed_share_floor": 0}
    assert rows(snapshot, "institutions", "bed-gaps", **nothing) == []
    for floor, column, measure in (
        ("nursing_bed_share_floor", "to_convert", "nursing-bed-share"),
        ("private_bed_share_floor", "private_short", "private-bed-share"),
    ):
        found = rows(snapshot, "institutions", "bed-gaps", **{**nothing, floor: 100})
        declared = next(one for _, one in MEASURES if one.id == measure)
        start, _ = period_of(declared, DAY)
        whole = snapshot.evaluate(system_grant("test"), declared, parameters(), start, DAY)
        assert whole.numerator is not None
        assert whole.denominator is not None
        # asked for all of them, the counties lack what is not of that kind
        assert sum(one[column] for one in found) == whole.denominator - whole.numerator > 0


def test_the_counties_see_how_many_beds_older_people_lack(snapshot: Snapshot) -> None:
    assert rows(snapshot, "institutions", "beds-lacking", beds_per_thousand_floor=0) == []
    found = rows(snapshot, "institutions", "beds-lacking", beds_per_thousand_floor=1000)
    declared = next(one for _, one in MEASURES if one.id == "elder-beds-per-thousand")
    start, _ = period_of(declared, DAY)
    whole = snapshot.evaluate(system_grant("test"), declared, parameters(), start, DAY)
    assert whole.numerator is not None
    assert whole.denominator is not None
    # a bed for everybody: what is missing is the people less the beds
    assert sum(one["short"] for one in found) == whole.denominator - whole.numerator > 0
    assert all(one["people"] - one["beds"] == one["short"] for one in found)


def test_which_kinds_count_for_a_county_is_a_parameter(snapshot: Snapshot) -> None:
    name = "counties-without-integrated-or-alliance"
    every = rows(snapshot, "medical_elder", name, county_integrated_kinds="")
    some = rows(snapshot, "medical_elder", name, county_integrated_kinds="integrated,rehabilitation")
    fewest = rows(
        snapshot, "medical_elder", name, county_integrated_kinds="integrated,rehabilitation,alliance"
    )
    names = [{one["name"] for one in found} for found in (fewest, some, every)]
    assert names[0] <= names[1] < names[2]


def test_compounds_that_are_not_served_and_how_far_the_next_centre_is(snapshot: Snapshot) -> None:
    declared = next(one for _, one in MEASURES if one.id == "wellness-compound-coverage")
    for basis, radius in (("registered", 0), ("radius", 3000), ("either", 3000)):
        given = {**parameters(), "wellness-service-basis": basis, "wellness-service-radius": radius}
        whole = snapshot.evaluate(system_grant("test"), declared, given, DAY, DAY)
        turned = {"wellness_service_basis": basis, "wellness_service_radius": radius}
        found = rows(snapshot, "institutions", "compounds-unserved", **turned)
        assert whole.numerator is not None
        assert whole.denominator is not None
        assert len(found) == whole.denominator - whole.numerator > 0
        assert basis == "registered" or all(one["metres"] > radius for one in found)


def test_places_that_tell_no_older_people_are_told(snapshot: Snapshot) -> None:
    found = rows(snapshot, "institutions", "beds-lacking", beds_per_thousand_basis="resident")
    assert found
    assert all(one["untold"] is None for one in found)


def test_stays_that_the_register_alone_knows_are_listed(
    snapshot: Snapshot, resources: list[Resource]
) -> None:
    living = [
        one
        for one in resources
        if one["resourceType"] == "EpisodeOfCare"
        and one["status"] == "active"
        and one["type"][0]["coding"][0]["code"] == "elder-residence"
    ]
    found = rows(snapshot, "institutions", "stays-without-case")
    assert len(found) == len(living) > 0
    assert {one["home"] for one in found} == {one["managingOrganization"]["reference"] for one in living}
