"""Small counts in the numbers of measures: who may only count does not see them, who may read the people does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from kangshu.access import DistrictUnder, Everything, Grant, NoPatient, PatientIn, Predicate
from kangshu.base.faults import Invalid
from kangshu.measures import MeasureResult, Snapshot, measure_report, period_of
from kangshu.sdk import Resource
from kangshu.validate import validate

from .city import assessment, bed, measures, organisation, resident, snapshot_of, values, views

ID = "elder-assessment-65"
END = date(2025, 12, 31)
PEOPLE = {  # town: (assessed, not assessed)
    "990102001": (20, 30),
    "990102002": (3, 28),
    "990103001": (22, 31),
    "990103002": (18, 33),
}


def people() -> Iterator[Resource]:
    for town, (assessed, not_assessed) in PEOPLE.items():
        for number in range(assessed + not_assessed):
            id_ = f"r{town}-{number}"
            yield resident(id_, "1950-02-01", town, gender="male" if number % 2 else "female")
            if number < assessed:
                yield assessment(f"a{id_}", id_, "2025-03-01")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    snapshot = publish(tmp_path_factory.mktemp("suppressed"), [*people(), *institutions()])
    yield snapshot
    snapshot.close()


def institutions() -> list[Resource]:
    return [
        organisation("home", "elder-institution", "990102", unit=True),
        bed("bed-1", "home", "nursing"),
        bed("bed-2", "home"),
    ]


def publish(folder: Path, resources: list[Resource]) -> Snapshot:
    return snapshot_of(folder, resources, views())


def grant(read: Predicate | None = None, aggregate: Predicate | None = None) -> Grant:
    return Grant(
        "someone",
        "someone",
        read=MappingProxyType({"*": read} if read else {}),
        aggregate=MappingProxyType({"*": aggregate} if aggregate else {}),
    )


COUNTER = grant(NoPatient(), Everything())


def number(snapshot: Snapshot, who: Grant, id_: str = ID, **more: Any) -> MeasureResult:
    return snapshot.evaluate(who, measures()[id_], values(), date(2025, 1, 1), END, **more)


def rows(result: MeasureResult) -> dict[tuple[str, ...], tuple[float | None, float | None]]:
    return {row.keys: (row.numerator, row.denominator) for row in result.rows}


def test_a_small_count_and_its_sibling_are_hidden_from_who_may_only_count(city: Snapshot) -> None:
    result = number(city, COUNTER, by=("district",), district="990102")
    assert (result.numerator, result.denominator) == (23, 81)
    assert rows(result) == {("990102001",): (None, 50), ("990102002",): (None, 31)}
    assert all(row.value is None and row.suppressed for row in result.rows)
    # the other district has nothing small: it is shown, and so are both districts and the city
    other = number(city, COUNTER, by=("district",), district="990103")
    assert rows(other) == {("990103001",): (22, 53), ("990103002",): (18, 51)}
    assert rows(number(city, COUNTER, by=("district",))) == {("990102",): (23, 81), ("990103",): (40, 104)}


def test_who_may_read_the_people_sees_every_number(city: Snapshot) -> None:
    for reader in (grant(Everything()), grant(DistrictUnder("990102")), grant(Everything(), Everything())):
        shown = rows(number(city, reader, by=("district",), district="990102"))
        assert shown == {("990102001",): (20, 50), ("990102002",): (3, 31)}


def test_who_may_read_one_town_cannot_subtract_it(city: Snapshot) -> None:
    """What an account reads it knows: the neighbour's small count needs another town beside it to hide in."""
    reader = grant(DistrictUnder("990102001"), Everything())
    shown = rows(number(city, reader, by=("district",), district="990102"))
    assert shown[("990102001",)] == (20, 50)
    assert shown[("990102002",)] == (None, 31)
    # the district would give it away: so it is hidden too, with another district
    assert rows(number(city, reader, by=("district",)))[("990102",)][0] is None
    assert rows(number(city, reader, by=("district",)))[("990103",)][0] is None


def test_who_may_read_all_but_two_does_not_learn_of_the_two(city: Snapshot) -> None:
    known = frozenset(f"r990103001-{number}" for number in range(51))
    shown = rows(number(city, grant(PatientIn(known), Everything()), by=("district",), district="990103"))
    assert shown[("990103001",)] == (None, None)


def test_the_same_cell_is_hidden_by_whichever_way_it_is_asked_for(city: Snapshot) -> None:
    place = number(city, COUNTER, district="990102002")
    assert (place.value, place.numerator, place.denominator, place.suppressed) == (None, None, 31, True)
    by_sex = number(city, COUNTER, by=("gender",), district="990102002")
    assert by_sex.suppressed
    assert all(row.numerator is None for row in by_sex.rows)
    both = number(city, COUNTER, by=("district", "gender"), district="990102")
    assert all(row.numerator is None for row in both.rows if row.keys[0] == "990102002")


def test_a_place_that_is_no_division_is_refused(city: Snapshot) -> None:
    """99010 would be any part of the code: the difference of two such places is anybody's choice."""
    with pytest.raises(Invalid):
        number(city, COUNTER, district="99010")
    assert number(city, grant(Everything()), district="99010").denominator == 185


def test_beds_are_no_people(city: Snapshot) -> None:
    result = number(city, COUNTER, "nursing-bed-share")
    assert (result.numerator, result.denominator, result.suppressed) == (1, 2, False)


def test_the_threshold_is_the_installation_s(tmp_path: Path) -> None:
    publish(tmp_path, list(people())).close()
    low = Snapshot.open(tmp_path, threshold=lambda: 3)
    assert rows(number(low, COUNTER, by=("district",), district="990102"))[("990102002",)] == (3, 31)
    high = Snapshot.open(tmp_path, threshold=lambda: 25)
    assert number(high, COUNTER, district="990102").numerator is None


def test_a_report_says_that_a_number_is_masked(city: Snapshot) -> None:
    result = number(city, COUNTER, by=("district",), district="990102")
    made = measure_report(measures()[ID], result)
    stratum = made["group"][0]["stratifier"][0]["stratum"][0]
    assert "count" not in stratum["population"][0]
    assert stratum["population"][0]["_count"]["extension"][0]["valueCode"] == "masked"
    assert stratum["population"][1]["count"] == 50
    assert stratum["measureScore"]["extension"][0]["valueCode"] == "masked"
    assert "value" not in stratum["measureScore"]
    assert [one for one in validate(made) if one.severity == "error"] == []


def test_a_trend_hides_what_a_single_number_hides(city: Snapshot) -> None:
    ends = [date(2025, 6, 30), END]
    for end in ends:
        measure = measures()[ID]
        one = city.evaluate(COUNTER, measure, values(), *period_of(measure, end), district="990102002")
        assert one.numerator is None
