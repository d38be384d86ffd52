"""The demo city: the same from one seed, whole, plausible, and nobody's data."""

from __future__ import annotations

import importlib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from kangshu.base.canonical import ORGANISATION_CODE
from kangshu.base.faults import Invalid
from kangshu.base.identity import check_record_number, check_resident_id, check_uscc, read_resident_id
from kangshu.fhir import render
from kangshu.sdk import Resource, Service, Text
from kangshu.services.city import draw_city, make_city

DAY = date(2026, 11, 20)
FOLDERS = Path(__file__).parents[2] / "src/kangshu_services"
NO_TEXT = Text("", "")


def demo_services() -> list[Service]:
    found = []
    for file in sorted(FOLDERS.glob("*/demo.py")):
        module = importlib.import_module(f"kangshu_services.{file.parent.name}.demo")
        found.append(Service(file.parent.name, NO_TEXT, NO_TEXT, (), NO_TEXT, 0, demo=module.demo))
    return found


@pytest.fixture(scope="module")
def resources() -> list[Resource]:
    return list(make_city(1000, 3, 7, demo_services(), DAY))


def references(value: object) -> list[str]:
    found: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "reference" and isinstance(item, str):
                found.append(item)
            else:
                found += references(item)
    elif isinstance(value, list):
        for item in value:
            found += references(item)
    return found


def of_type(resources: list[Resource], name: str) -> list[Resource]:
    return [one for one in resources if one["resourceType"] == name]


def test_one_seed_makes_one_city(resources: list[Resource]) -> None:
    again = make_city(1000, 3, 7, demo_services(), DAY)
    assert [render(one) for one in again] == [render(one) for one in resources]
    other = [render(one) for one in make_city(1000, 3, 8, (), DAY)]
    assert other != [render(one) for one in resources][: len(other)]


def test_a_folder_taken_away_changes_no_other(resources: list[Resource]) -> None:
    fewer = {render(one) for one in make_city(1000, 3, 7, demo_services()[1:], DAY)}
    assert fewer <= {render(one) for one in resources}


def test_every_reference_leads_to_what_came_before(resources: list[Resource]) -> None:
    known: set[str] = set()
    for resource in resources:
        key = f"{resource['resourceType']}/{resource['id']}"
        assert key not in known
        known.add(key)
    for resource in resources:
        for reference in references(resource):
            assert reference.split("/_history/")[0] in known, (
                f"{resource['resourceType']}/{resource['id']} → {reference}"
            )


def test_all_of_it_is_marked_as_demonstration(resources: list[Resource]) -> None:
    assert all(one["meta"]["tag"][0]["code"] == "demo" for one in resources)


def test_identity_numbers_are_valid_and_no_real_place(resources: list[Resource]) -> None:
    numbers = set()
    for patient in of_type(resources, "Patient"):
        number = patient["identifier"][0]["value"]
        assert check_resident_id(number, DAY) == ()
        read = read_resident_id(number)
        assert read.division.startswith("9901")
        assert read.birth_date.isoformat() == patient["birthDate"]
        assert read.sex == patient["gender"]
        assert check_record_number(patient["identifier"][1]["value"], "9901") == ()
        numbers.add(number)
    assert len(numbers) == 1000
    # a section of a bureau or a seat of a conference is no legal person and has no code; the medical unit inside a home
    # has the number of its licence alone
    coded = [
        identifier["value"]
        for one in of_type(resources, "Organization")
        for identifier in one.get("identifier", ())
        if identifier["system"] == ORGANISATION_CODE
    ]
    assert len(coded) > 40
    assert all(check_uscc(code) == () for code in coded)


def test_ages_sexes_and_households_are_those_of_a_city() -> None:
    city = draw_city(20_000, 1, 3, DAY)
    ages = [one.age(DAY) for one in city.residents]
    over_60 = sum(age >= 60 for age in ages) / len(ages)
    over_65 = sum(age >= 65 for age in ages) / len(ages)
    men = sum(one.sex == "male" for one in city.residents) / len(ages)
    assert 0.20 < over_60 < 0.27
    assert 0.14 < over_65 < 0.20
    assert 0.49 < men < 0.53
    sizes = Counter(one.household for one in city.residents)
    assert 2.2 < len(ages) / len(sizes) < 2.9
    shares = Counter(one.district for one in city.residents)
    assert shares["990102"] > shares["990106"] * 1.8
    pressed = [one for one in city.residents if "I10" in one.conditions]
    assert sum(one.age(DAY) >= 60 for one in pressed) / len(pressed) > 0.5


def test_taken_beds_are_those_lived_in(resources: list[Resource]) -> None:
    taken = {
        one["id"]
        for one in of_type(resources, "Location")
        if one.get("operationalStatus", {}).get("code") == "O"
    }
    lived_in = {
        one["extension"][0]["valueReference"]["reference"].removeprefix("Location/")
        for one in of_type(resources, "EpisodeOfCare")
        if one["status"] == "active" and one["type"][0]["coding"][0]["code"] == "elder-residence"
    }
    assert taken == lived_in


def test_nothing_has_happened_after_today(resources: list[Resource]) -> None:
    for encounter in of_type(resources, "Encounter"):
        assert encounter["period"]["start"][:10] <= DAY.isoformat()
    for observation in of_type(resources, "Observation"):
        assert observation["effectiveDateTime"][:10] <= DAY.isoformat()
    born = {one["id"]: one["birthDate"] for one in of_type(resources, "Patient")}
    for encounter in of_type(resources, "Encounter"):
        assert (
            born[encounter["subject"]["reference"].removeprefix("Patient/")] <= encounter["period"]["start"]
        )


def test_slots_cover_the_past_month_and_two_weeks(resources: list[Resource]) -> None:
    days: dict[str, set[str]] = {}
    for one in of_type(resources, "Slot"):
        days.setdefault(one["serviceCategory"][0]["coding"][0]["code"], set()).add(one["start"][:10])
    outpatient = days["appointments/outpatient"]
    assert min(outpatient) <= "2026-10-22"
    assert max(outpatient) >= "2026-12-03"
    # only a bed stands ready on a Saturday
    assert {kind for kind, open_on in days.items() if "2026-11-21" in open_on} <= {
        "appointments/inpatient-bed"
    }


@pytest.mark.parametrize(("residents", "years"), [(10, 3), (3_000_000, 3), (1000, 0), (1000, 11)])
def test_impossible_sizes_are_refused(residents: int, years: int) -> None:
    with pytest.raises(Invalid):
        draw_city(residents, years)
