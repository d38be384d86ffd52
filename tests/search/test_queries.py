"""The query language, and the entries that resources are found by."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.base.faults import Fault, Invalid, UnknownParameter, Unsupported
from kangshu.fhir import definitions
from kangshu.search import (
    HasClause,
    IdClause,
    NumberValue,
    Source,
    TokenValue,
    ValueClause,
    after,
    extract,
    fold,
    parameters_of,
    parse_criteria,
    parse_query,
)


@pytest.mark.parametrize(
    ("type", "criteria", "fault"),
    [
        ("Nothing", "", UnknownParameter),
        ("Patient", "nonsense=1", UnknownParameter),
        ("Patient", "name:above=x", UnknownParameter),
        ("Patient", "birthdate:exact=2020", UnknownParameter),
        ("Patient", "birthdate=2020-13-01", Invalid),
        ("Patient", "birthdate=yesterday", Invalid),
        ("Patient", "name=", Invalid),
        ("Patient", "gender:missing=perhaps", Invalid),
        ("Patient", "identifier=|", Invalid),
        ("Patient", "_count=-1", Invalid),
        ("Patient", "_count=many", Invalid),
        ("Patient", "_total=some", Invalid),
        ("Patient", "_summary=short", Invalid),
        ("Patient", "_sort=nonsense", UnknownParameter),
        ("Patient", "_include=Patient:name", UnknownParameter),
        ("Patient", "_include=Nothing:x", UnknownParameter),
        ("Patient", "_text=x", UnknownParameter),
        ("Patient", "gender:in=http://x", Unsupported),
        ("Observation", "value-quantity=ge", Invalid),
        ("Observation", "value-quantity=1e999999", Invalid),
        ("Observation", "value-quantity=1|2|3|4", Invalid),
        ("Observation", "code-value-quantity=1", Invalid),
        ("Observation", "subject.nonsense=1", UnknownParameter),
        ("Observation", "focus.name=x", UnknownParameter),
        ("Observation", "subject:Nothing=1", UnknownParameter),
        ("Patient", "_has:Observation=1", UnknownParameter),
        ("Patient", "_has:Observation:code:status=1", UnknownParameter),
        ("Patient", "_has:Observation:subject:" * 6 + "code=1", Unsupported),
    ],
)
def test_what_is_not_understood_is_refused(type: str, criteria: str, fault: type[Fault]) -> None:
    with pytest.raises(fault) as raised:
        parse_criteria(type, criteria)
    assert raised.value.zh


def test_leniency_leaves_out_and_says_so() -> None:
    query = parse_query(
        "Patient", [("nonsense", "1"), ("gender", "male"), ("_sort", "nonsense")], lenient=True
    )
    assert query.ignored == ("nonsense", "_sort")
    assert query.where == (ValueClause("token", (Source("gender"),), (TokenValue(None, "male"),)),)


def test_values_are_parsed_with_escapes_and_precision() -> None:
    (clause,) = parse_query("Patient", [("identifier", r"urn:a\|b|x\,y,z")]).where
    assert isinstance(clause, ValueClause)
    assert clause.values == (TokenValue("urn:a|b", "x,y"), TokenValue(None, "z"))
    (number,) = parse_criteria("RiskAssessment", "probability=le5.40").where
    assert isinstance(number, ValueClause)
    assert number.values == (NumberValue("le", Decimal("5.40"), Decimal("5.395"), Decimal("5.405")),)
    (local,) = parse_query(
        "Patient", [("organization", "http://me/fhir/Organization/1")], base="http://me/fhir"
    ).where
    assert isinstance(local, ValueClause)
    assert (local.values[0].type, local.values[0].id) == ("Organization", "1")  # type: ignore[union-attr]


def test_parameters_that_say_the_same_are_kept_once() -> None:
    declared = parameters_of("Observation")
    assert declared.simple["patient"].sources == (Source("subject", "Patient"),)
    assert {one.code for one in declared.simple["combo-code"].sources} == {"code", "component-code"}
    assert parameters_of("Task").simple["deadline"].own
    (clause,) = parse_criteria("Patient", "_has:Observation:patient:_id=1").where
    assert clause == HasClause("Observation", (Source("subject", "Patient"),), IdClause(("1",)))


@pytest.mark.parametrize("type", definitions().resource_types)
def test_every_parameter_of_r4_can_be_read(type: str) -> None:
    declared = parameters_of(type)
    for parameter in declared.simple.values():
        assert parameter.leaves or parameter.residue or ".entry[" in parameter.expression, parameter.name
    assert extract({"resourceType": type}).token in ([], [("deceased", 0, "", "false")])


def test_entries_of_each_kind() -> None:
    found = extract(
        {
            "resourceType": "Observation",
            "meta": {"profile": ["http://p"], "tag": [{"system": "urn:t", "code": "demo"}]},
            "status": "final",
            "code": {
                "coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "BP"}],
                "text": "血压",
            },
            "subject": {"reference": "Patient/p-1", "identifier": {"system": "urn:id", "value": "7"}},
            "focus": [{"reference": "http://other/fhir/Patient/2"}, {"reference": "#inside"}],
            "effectivePeriod": {"start": "2024-05-01"},
            "component": [
                {
                    "code": {"coding": [{"code": "a"}]},
                    "valueQuantity": {"value": Decimal("1.50"), "code": "mg"},
                },
                {"code": {"coding": [{"code": "b"}]}, "valueCodeableConcept": {"coding": [{"code": "c"}]}},
            ],
        }
    )
    assert ("code", 0, "http://loinc.org", "85354-9") in found.token
    assert ("subject", 0, "urn:id", "7") in found.token
    assert ("code", 0, "血压", "血压") in found.string
    assert found.date == [
        (
            "date",
            0,
            datetime(2024, 4, 30, 16, tzinfo=UTC),
            datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        )
    ]
    assert ("subject", 0, "Patient", "p-1") in found.reference
    assert ("focus", 0, "", "http://other/fhir/Patient/2") in found.reference
    assert len(found.reference) == 2
    assert ("_profile", 0, "http://p") in found.uri
    grouped = {row for row in found.token if "$" in row[0]}
    parts = {row[3]: row[1] for row in grouped}
    assert parts["a"] != parts["b"]
    assert parts["b"] == parts["c"]
    assert [row[1] for row in found.quantity if "$" in row[0]] == [parts["a"]]


def test_broken_values_give_no_entries() -> None:
    found = extract(
        {
            "resourceType": "Patient", "name": ["x", {"family": 5}], "birthDate": "soon", "gender": None,
            "identifier": {"value": "not a list"}, "telecom": [{"system": "phone"}], "address": 5,
            "managingOrganization": {"reference": 5}, "contact": [[]],
        }
    )  # fmt: skip
    assert found.date == []
    assert found.string == []
    assert found.reference == []


@given(st.text(), st.text())
def test_a_prefix_is_a_range(prefix: str, text: str) -> None:
    low, high = prefix, after(prefix)
    within = low <= text and (not high or text < high)
    assert within == text.startswith(prefix) or not prefix


@given(st.text())
def test_folding_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)
