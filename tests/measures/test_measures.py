"""The fourteen measures: counted by hand, computed a second time, split, drilled down, reported."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from kangshu.access import (
    DistrictUnder,
    Everything,
    Grant,
    NoPatient,
    Nothing,
    OrganisationIn,
    Predicate,
    system_grant,
)
from kangshu.app.wiring import city_services
from kangshu.base.faults import Forbidden, Invalid, Unavailable
from kangshu.base.parameters import ParameterTable
from kangshu.measures import (
    Check,
    MeasureResult,
    Snapshot,
    ViewKeeper,
    Views,
    explain,
    explain_text,
    library_resource,
    lint_measures,
    lint_views,
    measure_report,
    measure_resource,
    period_of,
    read_view,
    run_view,
)
from kangshu.sdk import CheckQuery, Resource, ViewDeclaration
from kangshu.validate import validate

from . import golden
from .city import (
    Feed,
    assessment,
    bed,
    contract,
    management,
    measures,
    organisation,
    parameters,
    post,
    resident,
    slot,
    snapshot_of,
    values,
    views,
)
from .golden_governance import SUBJECTS
from .wide import wide_city

EVERYTHING = system_grant("test")


def publish(folder: Path, resources: list[Resource]) -> Snapshot:
    return snapshot_of(folder, resources, views())


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    snapshot = publish(tmp_path_factory.mktemp("golden"), golden.CITY)
    yield snapshot
    snapshot.close()


def grant(predicate: Predicate, aggregate: Predicate | None = None) -> Grant:
    more = {"aggregate": MappingProxyType({"*": aggregate})} if aggregate else {}
    return Grant("someone", "someone", read=MappingProxyType({"*": predicate}), **more)


def number(snapshot: Snapshot, id_: str, who: Grant = EVERYTHING, **more: Any) -> MeasureResult:
    measure = measures()[id_]
    start, end = golden.START, more.pop("end", golden.END)
    return snapshot.evaluate(who, measure, values(), min(start, end), end, **more)


def check_of(id_: str) -> CheckQuery:
    return next(one.checks[id_] for one in city_services() if one.id == measures()[id_].service)


# ---------------------------------------------------------------------- numbers


def test_there_is_a_measure_for_every_number_and_a_check_query_for_every_measure() -> None:
    """Services whose records the small city does not have count theirs in tests of their own."""
    assert set(golden.EXPECTED) <= set(measures())
    assert set(measures()) == {id_ for service in city_services() for id_ in service.checks}


@pytest.mark.parametrize("id_", golden.EXPECTED)
def test_the_number_is_the_one_counted_by_hand(city: Snapshot, id_: str) -> None:
    result = number(city, id_)
    assert (result.numerator, result.denominator) == golden.EXPECTED[id_]
    scale = measures()[id_].scale
    assert result.value == pytest.approx(result.numerator / result.denominator * scale)
    assert result.position == len(golden.CITY)


@pytest.mark.parametrize("id_", golden.EXPECTED)
def test_the_check_query_counts_the_same_by_hand(id_: str) -> None:
    assert check_of(id_)(golden.CITY, golden.START, golden.END, values()) == golden.EXPECTED[id_]


@pytest.mark.parametrize("seed", range(6))
def test_the_measure_agrees_with_its_check_query(tmp_path: Path, seed: int) -> None:
    resources = random_city(random.Random(seed))
    snapshot = publish(tmp_path, resources)
    # a member of a family counts the same rows as the family, which is among these
    whole = {id_: measure for id_, measure in measures().items() if not measure.family}
    for id_, measure in whole.items():
        for end in (date(2021, 12, 31), date(2022, 2, 28), date(2024, 2, 29)):
            start, _ = period_of(measure, end)
            result = snapshot.evaluate(EVERYTHING, measure, values(), start, end)
            wanted = check_of(id_)(resources, start, end, values())
            assert (result.numerator, result.denominator) == wanted, (id_, end)


def test_every_cut_off_is_a_parameter(tmp_path: Path) -> None:
    resources = random_city(random.Random(7))
    snapshot = publish(tmp_path, resources)
    turned = {"older-resident-age": 72, "elder-health-service-age": 80}
    turned |= {"slot-precision-minutes": 20, "centre-general-practitioners": 9}
    other = {**values(), **turned}
    assert set(other) == set(values())
    end = date(2024, 2, 29)
    # those whose records the small city has; the others' services try their own
    for id_ in golden.EXPECTED:
        measure = measures()[id_]
        start, _ = period_of(measure, end)
        result, usual = (
            snapshot.evaluate(EVERYTHING, measure, given, start, end) for given in (other, values())
        )
        counted = (result.numerator, result.denominator)
        assert counted == check_of(id_)(resources, start, end, other), id_
        moved = counted != (usual.numerator, usual.denominator)
        assert moved == bool(turned.keys() & set(measure.parameters)), id_


@pytest.mark.parametrize("id_", golden.EXPECTED)
def test_nothing_to_divide_by_is_unknown_and_not_zero(tmp_path: Path, id_: str) -> None:
    result = number(publish(tmp_path, [organisation("o", "commission")]), id_)
    # of a share nothing is known then; a count of nothing is none
    assert (result.value, result.denominator) == (0 if measures()[id_].kind == "count" else None, 0)


def test_a_birthday_on_29_february(tmp_path: Path) -> None:
    snapshot = publish(tmp_path, [resident("leap", "1956-02-29")])
    for end, older in ((date(2021, 2, 27), 0), (date(2021, 2, 28), 1), (date(2020, 2, 29), 0)):
        assert number(snapshot, "elder-health-records-65", end=end).denominator == older


def test_a_parameter_of_another_value_changes_the_number(city: Snapshot) -> None:
    measure = measures()["chc-two-gps"]
    one = city.evaluate(EVERYTHING, measure, {"centre-general-practitioners": 1}, golden.START, golden.END)
    assert (one.numerator, one.denominator) == (2, 2)
    assert one.parameters == {"centre-general-practitioners": 1}
    with pytest.raises(Invalid, match="centre-general-practitioners"):
        city.evaluate(EVERYTHING, measure, {}, golden.START, golden.END)


def test_the_trend_follows_the_dates(city: Snapshot) -> None:
    ends = [date(2020, 12, 31), date(2021, 12, 30), date(2021, 12, 31), date(2022, 1, 1)]
    measure = measures()["family-doctor-coverage-60"]
    trend = [city.evaluate(EVERYTHING, measure, values(), *period_of(measure, end)) for end in ends]
    assert [(one.numerator, one.denominator) for one in trend] == [(0, 5), (2, 4), (2, 5), (3, 5)]


# ---------------------------------------------------------------------- splits and drill-down


def test_districts_go_down_level_by_level(city: Snapshot) -> None:
    result = number(city, "family-doctor-coverage-60", by=("district",))
    assert {row.keys: (row.numerator, row.denominator) for row in result.rows} == {
        ("990102",): (2, 4),
        ("990103",): (0, 1),
    }
    below = number(city, "family-doctor-coverage-60", by=("district",), district="990102")
    assert [(row.keys, row.denominator) for row in below.rows] == [(("990102001",), 4)]
    assert (below.numerator, below.denominator) == (2, 4)
    whole = number(city, "family-doctor-coverage-60", by=("district",), district="990100")
    assert whole.rows == result.rows
    assert number(city, "family-doctor-coverage-60", district="880000").value is None


def test_dimensions_multiply(city: Snapshot) -> None:
    result = number(city, "family-doctor-coverage-60", by=("gender", "age-group"))
    assert {row.keys: row.denominator for row in result.rows} == {
        ("female", "0-69"): 3,
        ("female", "70-79"): 1,
        ("male", "80+"): 1,
    }
    assert sum(row.denominator for row in result.rows) == result.denominator
    with pytest.raises(Invalid, match="shoe-size"):
        number(city, "family-doctor-coverage-60", by=("shoe-size",))


@pytest.mark.parametrize("id_", golden.EXPECTED)
def test_every_number_can_be_drilled_down(city: Snapshot, id_: str) -> None:
    measure, result = measures()[id_], number(city, id_)
    period = (golden.START, golden.END)
    for part, count in (("numerator", result.numerator), ("denominator", result.denominator)):
        page = city.subjects(EVERYTHING, measure, values(), *period, part=part)
        behind = SUBJECTS.get(id_, count) if part == "numerator" else count
        assert page.total == len(page.subjects) == behind
        assert all("/" in subject for subject in page.subjects)
    if measure.kind == "proportion":
        gap = city.subjects(EVERYTHING, measure, values(), *period, part="gap")
        assert gap.total == result.denominator - result.numerator


def test_a_cell_lists_its_subjects_page_by_page(city: Snapshot) -> None:
    measure, period = measures()["family-doctor-coverage-60"], (golden.START, golden.END)
    gap = city.subjects(EVERYTHING, measure, values(), *period, part="gap")
    assert gap.subjects == ("Patient/r3", "Patient/r7", "Patient/r9")
    cell = city.subjects(
        EVERYTHING, measure, values(), *period, part="gap", cell={"district": "990102", "age-group": "0-69"}
    )
    assert cell.subjects == ("Patient/r3", "Patient/r7")
    second = city.subjects(EVERYTHING, measure, values(), *period, part="gap", offset=2, limit=2)
    assert (second.subjects, second.total) == (("Patient/r9",), 3)
    beyond = city.subjects(EVERYTHING, measure, values(), *period, part="gap", offset=9)
    assert (beyond.subjects, beyond.total) == ((), 3)
    with pytest.raises(Invalid):
        city.subjects(EVERYTHING, measure, values(), *period, part="everyone")
    with pytest.raises(Invalid):
        city.subjects(EVERYTHING, measures()["gp-per-ten-thousand"], values(), *period, part="gap")


# ---------------------------------------------------------------------- grants


def test_a_grant_narrows_the_number_and_the_list(city: Snapshot) -> None:
    district = grant(DistrictUnder("990103"))
    assert number(city, "family-doctor-coverage-60", district).denominator == 1
    page = city.subjects(
        district,
        measures()["family-doctor-coverage-60"],
        values(),
        golden.START,
        golden.END,
        part="denominator",
    )
    assert page.subjects == ("Patient/r9",)
    institution = grant(OrganisationIn(frozenset({"home-2"})))
    assert number(city, "nursing-bed-share", institution).denominator == 2


def test_a_kept_answer_is_nobody_elses(city: Snapshot) -> None:
    id_ = "family-doctor-coverage-60"
    for who, count in ((EVERYTHING, 5), (grant(DistrictUnder("990103")), 1), (grant(Nothing()), 0)) * 2:
        assert number(city, id_, who).denominator == count
    institutions = [grant(OrganisationIn(frozenset({one}))) for one in ("chc-1", "chc-2")] * 2
    assert [number(city, id_, who).denominator for who in institutions] == [5, 0, 5, 0]


def test_who_may_only_count_sees_no_list(city: Snapshot) -> None:
    counting = Grant("counter", "counter", aggregate=MappingProxyType({"*": Everything()}))
    measure = measures()["family-doctor-coverage-60"]
    assert number(city, measure.id, counting).denominator == 5
    with pytest.raises(Forbidden):
        city.subjects(counting, measure, values(), golden.START, golden.END)
    nobody = Grant("nobody", "nobody")
    assert number(city, measure.id, nobody).value is None


def test_a_reader_of_no_residents_lists_none(city: Snapshot) -> None:
    page = city.subjects(
        grant(NoPatient(), Everything()),
        measures()["elder-management-rate-60"],
        values(),
        golden.START,
        golden.END,
        part="denominator",
    )
    assert page.subjects == ()


# ---------------------------------------------------------------------- declarations, reports, explanation


def test_the_declarations_are_without_findings() -> None:
    assert lint_views(views()) == ()
    assert lint_measures(measures().values(), Views(views()), parameters()) == ()


def test_a_view_of_elements_that_r4_does_not_have_is_found() -> None:
    broken = ViewDeclaration(
        "broken",
        "test",
        {
            "resource": "Patient",
            "select": [{"column": [{"name": "a", "path": "nmae.where(usee = 'x').family"}]}],
        },
    )
    assert [one.text for one in lint_views([broken])] == ["view broken: R4 has no element Patient.nmae"]
    unknown = replace(broken, definition={**broken.definition, "resource": "Resident"})
    assert [one.text for one in lint_views([unknown])] == ["view broken: R4 has no resource type Resident"]


def test_the_services_views_run_on_both_engines() -> None:
    wide = wide_city()
    for view in views():
        city = [one for one in wide if one["resourceType"] == view.definition["resource"]]
        found = [
            # a decimal keeps its lexeme in one engine and is a double in the other
            sorted(
                str(
                    {name: float(one) if isinstance(one, Decimal | int) else one for name, one in row.items()}
                )
                for row in run_view(view.definition, city, engine)
            )
            for engine in ("closures", "duckdb")
        ]
        assert found[0] == found[1]
        assert found[0], view.name


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"sql": "SELECT 1 AS subject"}, "no column 'numerator'"),
        ({"sql": "SELECT nothing FROM residents"}, "does not compile"),
        ({"sql": "SELECT * FROM read_csv('/etc/passwd')"}, "does not compile"),
        ({"sql": "SELECT $nobody"}, r"binds \$nobody"),
        ({"parameters": ("older-resident-age", "slot-precision-minutes")}, "never used"),
        ({"views": ("residents", "unknown")}, "no view 'unknown'"),
        ({"source": " "}, "no source"),
        ({"matches": ("(",)}, "no regular expression"),
    ],
)
def test_findings_name_what_is_wrong(change: dict[str, Any], finding: str) -> None:
    broken = replace(measures()["family-doctor-coverage-60"], **change)
    found = lint_measures([broken], Views(views()), parameters())
    assert any(re.search(finding, one.text) for one in found), found
    assert all(one.zh for one in found)


def test_a_measure_whose_view_is_not_published_is_unavailable(tmp_path: Path) -> None:
    feed = Feed()
    feed.write(organisation("o", "commission"))
    only = [one for one in views() if one.name == "residents"]
    asyncio.run(ViewKeeper(feed, tmp_path, Views(only)).refresh())
    with pytest.raises(Unavailable, match="beds"):
        number(Snapshot.open(tmp_path), "elder-beds-per-thousand")


@pytest.mark.parametrize("id_", golden.EXPECTED)
def test_reports_and_measures_are_valid_fhir(city: Snapshot, id_: str) -> None:
    measure = measures()[id_]
    page = city.subjects(EVERYTHING, measure, values(), golden.START, golden.END)
    compiled = {view.name: read_view(view.definition) for view in views()}
    for made in (
        measure_resource(measure, compiled),
        library_resource(measure, compiled, values()),
        measure_report(measure, number(city, id_), reporter="o"),
        measure_report(measure, number(city, id_, by=("district",))),
        measure_report(measure, number(city, id_, by=("town",), level=95.0)),
        measure_report(measure, number(city, id_), subjects={"numerator": page}),
    ):
        errors = [one.text for one in validate(made) if one.severity in {"error", "fatal"}]
        assert errors == []


def test_an_unknown_value_is_reported_as_absent(city: Snapshot) -> None:
    measure = measures()["nursing-bed-share"]
    report = measure_report(measure, number(city, measure.id, Grant("nobody", "nobody")))
    score = report["group"][0]["measureScore"]
    assert "value" not in score
    assert score["extension"][0]["valueCode"] == "unknown"


def test_an_explanation_shows_where_the_number_comes_from(city: Snapshot) -> None:
    measure = measures()["family-doctor-coverage-60"]
    told = explain(measure, Views(views()), values(), number(city, measure.id))
    assert told["inputs"]["residents"]["columns"]["birth_date"] == "birthDate"
    assert told["parameters"]["older-resident-age"] == {"placeholder": "$older_resident_age", "value": 60}
    assert told["result"]["numerator"] == 2
    text = explain_text(measure, Views(views()), values(), number(city, measure.id), language="zh")
    assert "40.0 % = 2 / 5" in text
    assert "SELECT" in text


def test_an_explanation_tells_the_clause_of_a_parameter_and_the_check(city: Snapshot) -> None:
    measure, table = measures()["family-doctor-coverage-60"], ParameterTable(parameters())
    versions = {name: table.find(name, "990102", golden.END) for name in measure.parameters}
    result = number(city, measure.id)
    told = explain(measure, Views(views()), versions, result, Check(2, 5, agrees=True))
    assert told["parameters"]["older-resident-age"]["unit"] == "周岁"
    assert "第二条" in told["parameters"]["older-resident-age"]["source"]
    assert told["check"] == {"numerator": 2, "denominator": 5, "agrees": True}
    text = explain_text(measure, Views(views()), versions, result, Check(2, 6, agrees=False), language="en")
    assert "$older_resident_age = 60 周岁" in text
    assert "2 / 6 (differs)" in text


def test_the_period_of_a_yearly_measure_begins_with_the_year() -> None:
    assert period_of(measures()["elder-management-rate-60"], date(2021, 5, 6)) == (
        date(2021, 1, 1),
        date(2021, 5, 6),
    )
    assert period_of(measures()["nursing-bed-share"], date(2021, 5, 6)) == (date(2021, 5, 6),) * 2


# ---------------------------------------------------------------------- a random city


def random_city(rng: random.Random) -> list[Resource]:
    """Return a city full of edge cases: leap days, midnights, partial dates, the dead, the moved, the ended."""
    places = ["990102001", "990102002", "990103001", ""]
    kinds = ["elder-institution", "community-health-centre", "tertiary-hospital", "secondary-hospital"]

    def day(first: int, last: int) -> str:
        chosen = date(first, 1, 1) + timedelta(days=rng.randrange(365 * (last - first + 1)))
        return rng.choice([chosen, date(chosen.year, 12, 31), date(chosen.year, 1, 1)]).isoformat()

    def moment(first: int, last: int) -> str:
        clock = rng.choice(
            ["T16:00:00Z", "T15:59:59Z", "T23:59:59+08:00", "T00:00:00+08:00", "T12:00:00.5+08:00"]
        )
        return day(first, last) + clock

    made: list[Resource] = []
    for n in range(16):
        more: dict[str, Any] = {"active": False} if rng.random() < 0.15 else {}
        unit = rng.choice([True, False, None])
        owner = rng.choice(["public", "private"])
        made.append(
            organisation(f"o{n}", rng.choice(kinds), rng.choice(places), unit=unit, owner=owner, **more)
        )
    for n in range(60):
        born = rng.choice([day(1935, 1966), day(1935, 2023), "1956-02-29", "1960-02-29", "1961", "1961-12"])
        more = rng.choice(
            [
                {},
                {},
                {},
                {"active": False},
                {"deceasedBoolean": True},
                {"deceasedBoolean": False},
                {"deceasedDateTime": moment(2020, 2024)},
                {"deceasedDateTime": day(2020, 2024)},
            ]
        )
        made.append(resident(f"r{n}", born, rng.choice(places), **more))
    for n in range(120):
        who, place = f"r{rng.randrange(62)}", f"o{rng.randrange(17)}"
        begins, ends = (
            rng.choice([day, moment])(2020, 2024),
            rng.choice([day(2021, 2025), moment(2021, 2025), None]),
        )
        status = rng.choice(["executed", "executed", "executed", "cancelled"])
        family, elder = ("family-doctor", f"Patient/{who}"), ("medical-elder", f"Organization/{place}")
        made.append(contract(f"c{n}", *rng.choice([family, elder]), begins, ends, status=status))
        made.append(
            management(f"e{n}", who, moment(2020, 2024), rng.choice(["finished", "finished", "planned"]))
        )
        state = rng.choice(["final", "amended", "preliminary", "entered-in-error"])
        made.append(assessment(f"a{n}", who, rng.choice([day, moment])(2020, 2024), state))
        made.append(
            bed(
                f"b{n}", place, rng.choice(["nursing", "general"]), status=rng.choice(["active", "suspended"])
            )
        )
        start = date.fromisoformat(day(2020, 2024))
        length = rng.choice(["08:30:00", "09:00:00", "09:00:01", "12:00:00", "08:00:00"])
        made.append(
            slot(
                f"s{n}",
                place,
                f"{start}T08:00:00+08:00",
                f"{start}T{length}+08:00",
                reserved=rng.random() < 0.5,
                status=rng.choice(["free", "busy", "busy-unavailable", "entered-in-error"]),
            )
        )
        period = {"start": day(2015, 2023)} | ({"end": day(2020, 2024)} if rng.random() < 0.4 else {})
        role = rng.choice(["general-practitioner", "general-practitioner", "nurse"])
        made.append(
            post(f"p{n}", f"d{rng.randrange(30)}", place, role, period=period, active=rng.random() < 0.8)
        )
    return made
