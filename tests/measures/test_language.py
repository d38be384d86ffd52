"""The measure language: dimensions declared once, exclusions, confidence limits, divisions of one level."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kangshu.access import Everything, Grant, NoPatient, system_grant
from kangshu.app.wiring import city_services
from kangshu.base.faults import Invalid, Unsupported
from kangshu.measures import (
    Snapshot,
    Views,
    confidence_limits,
    explain,
    explain_text,
    lint_dimensions,
    lint_measures,
    poisson,
    read_view,
    spark_measure,
    subject_type,
    transpiled,
    wilson,
    worked,
)
from kangshu.measures.engine import connect
from kangshu.measures.intervals import gamma_share
from kangshu.measures.statement import MACROS
from kangshu.sdk import Exclusion, MeasureDeclaration, Text, WorkedExample

from . import golden
from .city import parameters, resident, snapshot_of, values, views

EVERYTHING = system_grant("test")
DECLARED = {one.id: one for service in city_services() for one in service.measures}
COVERAGE = DECLARED["family-doctor-coverage-60"]
PERIOD = (golden.START, golden.END)
PEOPLE = MeasureDeclaration(
    id="people",
    service="test",
    title=Text("人", "People"),
    definition=Text("人", "People"),
    systems=(),
    targets=(),
    kind="proportion",
    scale=100,
    unit="%",
    direction="increase",
    period="instant",
    views=("residents",),
    parameters=(),
    sql="""
      SELECT residents.resident AS subject, CAST(residents.gender = 'female' AS INTEGER) AS numerator,
             1 AS denominator, residents.scope_district AS district,
             CASE WHEN residents.deceased THEN 'deceased' WHEN residents.active = false THEN 'moved' END AS exclusion
      FROM residents
    """,
    dimensions=(),
    source="test",
    exclusions=(Exclusion("deceased", Text("死亡", "Deceased")), Exclusion("moved", Text("迁出", "Moved"))),
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    snapshot = snapshot_of(tmp_path_factory.mktemp("language"), golden.CITY, views())
    yield snapshot
    snapshot.close()


def evaluated(
    city: Snapshot, measure: MeasureDeclaration, *by: str, who: Grant = EVERYTHING, **more: Any
) -> Any:
    return city.evaluate(who, measure, values(), *PERIOD, by=by, **more)


# ---------------------------------------------------------------------- dimensions declared once


def test_a_dimension_declared_once_holds_for_every_measure_of_its_subjects() -> None:
    compiled = {view.name: read_view(view.definition) for view in views()}
    shared = {one.id: one.view for service in city_services() for one in service.dimensions}
    assert shared["age-band"] == "residents"
    people = [one for one in DECLARED.values() if subject_type(one, compiled) == "Patient"]
    assert len(people) > 20
    for measure in people:
        assert {"gender", "age-band", "insurance", "health-centre"} <= {
            one.id for one in measure.dimensions
        }, measure.id
    others = [one for one in DECLARED.values() if subject_type(one, compiled) not in ("Patient",)]
    assert not any(one.view == "residents" for measure in others for one in measure.dimensions)


def test_two_kinds_of_subjects_are_none() -> None:
    """Doctors to residents: a sex of a post is nobody's."""
    compiled = {view.name: read_view(view.definition) for view in views()}
    assert subject_type(DECLARED["gp-per-ten-thousand"], compiled) == ""
    assert subject_type(replace(DECLARED["gp-per-ten-thousand"], subject="Patient"), compiled) == "Patient"


def test_the_values_come_from_the_subjects_record(city: Snapshot) -> None:
    found = {
        row.keys[0]: (row.numerator, row.denominator) for row in evaluated(city, COVERAGE, "age-band").rows
    }
    # r1 is 60, r3 61, r5 71, r7 66, r9 81 years old
    assert found == {"60": (1, 2), "65": (0, 1), "70": (1, 1), "80": (0, 1)}
    two = evaluated(city, COVERAGE, "town", "health-centre")
    assert {row.keys: row.denominator for row in two.rows} == {
        ("990102001", "Organization/chc-1"): 4,
        ("990103001", "Organization/chc-1"): 1,
    }
    # r7's entry is no basic insurance, r5 and r9 have none: unknown is not uninsured
    insured = {
        row.keys[0]: (row.numerator, row.denominator) for row in evaluated(city, COVERAGE, "insurance").rows
    }
    assert insured == {"employee": (1, 1), "none": (0, 1), "unknown": (1, 3)}


@pytest.mark.parametrize(
    "by", [("age-band",), ("insurance",), ("health-centre", "age-band"), ("county", "age-band"), ("town",)]
)
@pytest.mark.parametrize("id_", sorted(one.id for one in DECLARED.values() if one.id in golden.EXPECTED))
def test_a_split_is_complete(city: Snapshot, id_: str, by: tuple[str, ...]) -> None:
    measure = DECLARED[id_]
    offered = {one.id for one in measure.dimensions} | {"county", "town"}
    if not set(by) <= offered:
        with pytest.raises(Invalid):
            evaluated(city, measure, *by)
        return
    result = evaluated(city, measure, *by)
    assert (result.numerator, result.denominator) == golden.EXPECTED[id_]
    assert sum(row.numerator for row in result.rows) == result.numerator
    assert sum(row.denominator for row in result.rows) == result.denominator


def test_sql_that_passes_the_splits_on_needs_no_join(city: Snapshot) -> None:
    own = next(one for one in COVERAGE.dimensions if one.id == "age-band")
    joined = replace(PEOPLE, dimensions=(own,))
    passed = replace(
        joined, sql=joined.sql.replace("1 AS denominator,", "1 AS denominator, residents.splits,")
    )
    assert evaluated(city, passed, "age-band").rows == evaluated(city, joined, "age-band").rows
    assert len(evaluated(city, passed, "age-band").rows) > 3
    listed = [
        city.subjects(
            EVERYTHING, one, values(), *PERIOD, part="denominator", cell={"age-band": "65"}
        ).subjects
        for one in (passed, joined)
    ]
    assert listed[0] == listed[1] == ("Patient/r7",)


def test_a_cell_of_a_shared_dimension_lists_its_people(city: Snapshot) -> None:
    page = city.subjects(EVERYTHING, COVERAGE, values(), *PERIOD, part="gap", cell={"age-band": "60"})
    assert page.subjects == ("Patient/r3",)


@settings(max_examples=60, deadline=None)
@given(
    born=st.dates(date(1900, 1, 1), date(2024, 12, 31)), day=st.dates(date(1950, 1, 1), date(2030, 12, 31))
)
def test_the_age_is_the_years_that_are_completed(born: date, day: date) -> None:
    with connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        answer = connection.execute(
            "SELECT age_on(CAST($b AS DATE), CAST($d AS DATE)), has_completed(CAST($b AS VARCHAR), "
            "age_on(CAST($b AS DATE), CAST($d AS DATE)), CAST($d AS DATE)), has_completed(CAST($b AS VARCHAR), "
            "age_on(CAST($b AS DATE), CAST($d AS DATE)) + 1, CAST($d AS DATE))",
            {"b": born, "d": day},
        ).fetchall()
    assert answer[0][1:] == (True, False)


# ---------------------------------------------------------------------- exclusions


def test_the_excluded_are_counted_by_reason_and_listed(city: Snapshot) -> None:
    result = evaluated(city, PEOPLE)
    assert (result.numerator, result.denominator) == (6, 7)
    assert result.excluded == {"deceased": 1, "moved": 1}
    page = city.subjects(EVERYTHING, PEOPLE, values(), *PERIOD, part="exclusion")
    assert page.subjects == ("Patient/r6", "Patient/r8")
    assert evaluated(city, PEOPLE, district="990103").excluded == {"deceased": 0, "moved": 0}
    with pytest.raises(Invalid, match="exclusion"):
        city.subjects(EVERYTHING, COVERAGE, values(), *PERIOD, part="exclusions")
    with pytest.raises(Invalid):
        city.subjects(EVERYTHING, COVERAGE, values(), *PERIOD, part="exclusion")


def test_who_may_not_read_people_is_not_told_how_many_were_excluded(city: Snapshot) -> None:
    who = Grant(
        "counter", "counter", read=MappingProxyType({"*": NoPatient()}),
        aggregate=MappingProxyType({"*": Everything()}),
    )  # fmt: skip
    assert evaluated(city, PEOPLE, who=who).excluded == {"deceased": None, "moved": None}


# ---------------------------------------------------------------------- confidence limits


@pytest.mark.parametrize(
    ("numerator", "denominator", "low", "high"),
    # published: Newcombe 1998, Statist. Med. 17:857, table I (method 3)
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_limits_are_the_published_ones(
    numerator: int, denominator: int, low: float, high: float
) -> None:
    found = wilson(numerator, denominator, 95)
    assert found == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Ulm 1990 and every table of exact Poisson limits
    [
        (0, 0.0, 3.6889),
        (1, 0.0253, 5.5716),
        (5, 1.6235, 11.6683),
        (10, 4.7954, 18.3904),
        (100, 81.3640, 121.6268),
    ],
)
def test_poissons_limits_are_the_published_ones(count: int, low: float, high: float) -> None:
    assert poisson(count, 95) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 60), mean=st.floats(0.01, 120))
def test_the_gamma_share_is_the_tail_of_poisson(count: int, mean: float) -> None:
    below = sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count))
    assert gamma_share(count, mean) == pytest.approx(1 - below, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(numerator=st.integers(0, 400), more=st.integers(0, 400), level=st.sampled_from([90.0, 95.0, 99.0]))
def test_limits_enclose_the_value(numerator: int, more: int, level: float) -> None:
    denominator = numerator + more
    for kind in ("proportion", "ratio", "count"):
        measure = replace(PEOPLE, kind=kind, scale=1000)
        found = confidence_limits(measure, numerator, denominator, level)
        if kind != "count" and not denominator:
            assert found is None
            continue
        value = numerator * 1000 / (denominator if kind != "count" else 1)
        assert found is not None
        assert found[0] <= value + 1e-9
        assert value <= found[1] + 1e-9


def test_a_sample_has_limits_and_others_where_they_are_asked(city: Snapshot) -> None:
    assert evaluated(city, PEOPLE).limits is None
    sample = evaluated(city, replace(PEOPLE, sample=True), "town")
    assert sample.level == 95
    assert sample.limits == pytest.approx(tuple(100 * one for one in wilson(6, 7, 95)))
    assert all(row.limits for row in sample.rows)
    asked = evaluated(city, COVERAGE, level=90.0)
    assert asked.limits == pytest.approx(tuple(100 * one for one in wilson(2, 5, 90)))
    assert evaluated(city, replace(PEOPLE, sample=True), district="880000").limits is None


def test_what_is_suppressed_has_no_limits(city: Snapshot) -> None:
    who = Grant(
        "counter", "counter", read=MappingProxyType({"*": NoPatient()}),
        aggregate=MappingProxyType({"*": Everything()}),
    )  # fmt: skip
    result = evaluated(city, replace(PEOPLE, sample=True), "town", who=who)
    assert any(row.suppressed for row in (result, *result.rows))
    assert all(row.limits is None for row in (result, *result.rows) if row.suppressed)


def test_a_resident_without_birthday_is_in_the_unknown_band(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = [resident("a", "1950-01-01"), {**resident("b", "1950"), "birthDate": None}]
    made[1].pop("birthDate")
    snapshot = snapshot_of(tmp_path_factory.mktemp("unknown"), made, views())
    own = next(one for one in COVERAGE.dimensions if one.id == "age-band")
    result = evaluated(snapshot, replace(PEOPLE, dimensions=(own,)), "age-band")
    assert {row.keys: row.denominator for row in result.rows} == {("70",): 1, ("",): 1}


# ---------------------------------------------------------------------- check and explain


EXAMPLE = WorkedExample(
    title=Text("两人", "Two"),
    period_end=golden.END,
    given={
        "residents": (
            {"resident": "Patient/a", "gender": "female"},
            {"resident": "Patient/b", "gender": "male"},
        )
    },
    parameters={},
    numerator=Decimal(1),
    denominator=Decimal(2),
)


def findings(**change: Any) -> list[str]:
    return [one.text for one in lint_measures([replace(PEOPLE, **change)], Views(views()), parameters())]


def test_an_example_must_give_what_is_written_beside_it() -> None:
    assert findings(examples=(EXAMPLE,)) == []
    assert findings(examples=(replace(EXAMPLE, numerator=Decimal(2)),)) == [
        "people: the example gives 1 / 2, and not 2 / 2"
    ]
    shoes = {"residents": ({"resident": "Patient/a", "shoe_size": 42},)}
    assert "has no column 'shoe_size'" in findings(examples=(replace(EXAMPLE, given=shoes),))[0]
    other = {"beds": ({"bed": "Location/a"},)}
    assert "does not read" in findings(examples=(replace(EXAMPLE, given=other),))[0]
    moved = {"residents": ({"resident": "Patient/a", "gender": "female", "active": False},)}
    made = worked(replace(PEOPLE, examples=(replace(EXAMPLE, given=moved),)), Views(views()), {})[0]
    assert (made.rows[0].excluded, made.numerator, made.denominator) == ("moved", 0, 0)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"exclusions": (PEOPLE.exclusions[0], PEOPLE.exclusions[0])}, "unique"),
        ({"sql": PEOPLE.sql.replace("AS exclusion", "AS why")}, '"exclusion" not found'),
        ({"kind": "count", "sample": True}, "a count is no sample"),
        (
            {"per": "person", "sql": PEOPLE.sql.replace("residents.resident AS", "residents.centre AS")},
            "residents",
        ),
    ],
)
def test_words_that_do_not_fit_are_found(change: dict[str, Any], finding: str) -> None:
    assert any(finding in one for one in findings(**change)), findings(**change)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"view": "nowhere"}, "no view"),
        ({"expression": "shoe_size"}, "does not compile"),
        ({"expression": "read_csv('/etc/passwd')"}, "does not compile"),
    ],
)
def test_a_dimension_is_checked(change: dict[str, Any], finding: str) -> None:
    good = next(one for service in city_services() for one in service.dimensions if one.id == "age-band")
    assert lint_dimensions([good], Views(views())) == ()
    found = lint_dimensions([replace(good, **change)], Views(views()))
    assert finding in found[0].text


def test_an_explanation_has_the_sql_of_each_engine_and_a_worked_example() -> None:
    measure = DECLARED["elder-management-rate-65"]
    told = explain(measure, Views(views()), values())
    assert "is_aged(residents.birth_date_last" in told["sql"]
    assert "ADD_MONTHS(residents.birth_date_last" in told["spark"]
    assert ":period_end" in told["spark"]
    example = told["examples"][0]
    assert example["agrees"]
    assert [row["subject"] for row in example["rows"]] == ["Patient/a", "Patient/c"]
    text = explain_text(measure, Views(views()), values(), language="zh")
    assert "算例：" in text
    assert "= 1 / 2 = 50.0 %" in text


def test_every_measure_can_be_said_on_spark() -> None:
    assert [one.id for one in DECLARED.values() if not spark_measure(one.sql)] == []
    with pytest.raises(Unsupported, match="months_after"):
        transpiled("SELECT a - to_months(3) FROM t")
    with pytest.raises(Unsupported, match="has_completed"):
        transpiled("SELECT date_diff('year', birth_date_last, $period_end) FROM residents")
    assert "DATEDIFF" in transpiled("SELECT date_diff('day', a, b) FROM t")
