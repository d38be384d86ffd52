"""What the public suite does not ask: bounds, batch, typed results, search and view helpers."""

from __future__ import annotations

import contextlib
import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.base.faults import Fault
from kangshu.fhir import definitions
from kangshu.fhirpath import BudgetSpent, FhirPathFault, batch, canonical_unit, compile, fhirpath_patch

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"use": "official", "family": "李", "given": ["建", "国"]}, {"given": ["小李"]}],
    "birthDate": "1950-05-03",
    "_birthDate": {"extension": [{"url": "http://example.org/approximate", "valueBoolean": True}]},
    "deceasedBoolean": False,
    "managingOrganization": {"reference": "Organization/o1"},
    "extension": [{"url": "http://kangshu.org/fhir/StructureDefinition/district", "valueCode": "990102001"}],
    "contained": [{"resourceType": "Organization", "id": "c", "name": "站"}],
    "generalPractitioner": [{"reference": "#c"}],
}


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("name.given", ["建", "国", "小李"]),
        ("Patient.name.where(use = 'official').family", ["李"]),
        ("Observation.value", []),
        ("extension('http://kangshu.org/fhir/StructureDefinition/district').value", ["990102001"]),
        ("birthDate.extension('http://example.org/approximate').value", [True]),
        ("deceased", [False]),
        ("deceased.ofType(boolean)", [False]),
        ("deceased.ofType(dateTime)", []),
        ("birthDate + 60 years", ["2010-05-03"]),
        ("birthDate < @1960", [True]),
        ("birthDate = @1950-05", []),
        ("managingOrganization.resolve() is Organization", [True]),
        ("generalPractitioner.resolve().name", ["站"]),
        ("managingOrganization.getReferenceKey()", ["Organization/o1"]),
        ("managingOrganization.getReferenceKey(Patient)", []),
        ("getResourceKey()", ["Patient/p1"]),
        ("1.10 + 2", [Decimal("3.10")]),
        ("2 'g' = 2000 'mg'", [True]),
        ("1 year = 12 months", [True]),
        ("1 year = 365 days", []),
        ("name.given.aggregate($total & $this, '')", ["建国小李"]),
        ("name.select(given.first() & '!')", ["建!", "小李!"]),
        ("Patient.gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')", []),
        ("%resource.id", ["p1"]),
        ("name.given.sort()", ["国", "小李", "建"]),
        ("'2024-02-29'.toDate() + 1 year", ["2025-02-28"]),
        ("repeat(contained).id", ["c"]),
        ("descendants().ofType(Reference).reference", ["#c", "Organization/o1"]),
        ("defineVariable('x', 2).select(%x + 1)", [3]),
    ],
)
def test_expressions(expression: str, wanted: list[Any]) -> None:
    assert compile(expression).evaluate(PATIENT) == wanted


@pytest.mark.parametrize(
    "expression",
    ["name.", "(", "'open", "1 +", "name given", "nothing()", "name.where()", "value is Nothing", "name.given > 1",
     "deceasedBoolean", "%unknown", "1 + 'a'", "/* open", "a" * 30_000, "(" * 500 + "1" + ")" * 500, "-" * 400 + "1",
     "1" + "+1" * 3000, "@2024-13", "name.single()", "$nothing", "name[true]", "{} {}", "a.b.`", "1 'kg' + true"],
)  # fmt: skip
def test_faulty_expressions_are_told(expression: str) -> None:
    with pytest.raises(FhirPathFault) as caught:
        compile(expression).evaluate(PATIENT)
    assert caught.value.zh


@pytest.mark.parametrize(
    "expression",
    [
        "repeat($this + 1)",
        "repeatAll($this)",
        "(1|2|3|4|5|6|7|8|9).select((1|2|3|4|5|6|7|8|9).select(" * 6 + "1" + "))" * 6,
        "(1|2|3|4|5|6|7|8|9).aggregate($total & $total & 'aaaaaaaa', 'a').select($this.length())" * 1
        + ".select(iif(true, 'a'.toChars().repeatAll($this), 1))",
        "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.replaceMatches('(a+)+$', 'b')",
        "'a'.toChars().repeatAll($this & $this)",
        "'" + "x" * 1000 + "'.replace('x', '" + "y" * 1000 + "').replace('y', '" + "z" * 1000 + "')",
    ],
)
def test_work_is_bounded(expression: str) -> None:
    begun = time.monotonic()
    with pytest.raises((BudgetSpent, FhirPathFault)):
        compile(expression).evaluate(PATIENT)
    assert time.monotonic() - begun < 30, "an expression ran away"


def test_runaway_patterns_are_matched_in_bounded_work() -> None:
    text = "a" * 2000 + "!"
    for pattern in ("^(a+)+$", "^(a|aa)+$", "^(a|a)*$", "(.*a){12}$", "^([a-z]+)*$", r"^(\w+\s?)*$"):
        try:
            assert compile(f"$this.matches('{pattern.replace(chr(92), chr(92) * 2)}')").evaluate([text]) == [
                False
            ]
        except BudgetSpent:
            assert pattern == "(.*a){12}$"
    assert compile(r"$this.matches('^(\\d+\\.)*\\d+$')").evaluate(["1.2.840.10008"]) == [True]
    assert compile("'abc'.matches('^(a|b|c)*$')").evaluate(None) == [True]
    assert compile("'abd'.matchesFull('(a|b|c)*')").evaluate(None) == [False]


@given(st.text(alphabet="ab().*+?|[]^$\\{}1,2 ", max_size=12), st.text(alphabet="ab1 ", max_size=12))
def test_any_pattern_gives_an_answer_or_a_fault(pattern: str, text: str) -> None:
    try:
        answer = compile("%t.matches(%p)").evaluate(None, {"t": [text], "p": [pattern]})
    except FhirPathFault:
        return
    assert answer in ([True], [False])


@given(st.text(alphabet="abc.()[]'1+-*/|&=<>~!@%$TZ:, \n", max_size=25))
def test_any_text_parses_or_is_told(text: str) -> None:
    with contextlib.suppress(FhirPathFault):
        compile(text).evaluate(PATIENT)


def test_typed_results() -> None:
    observation = {
        "resourceType": "Observation",
        "valueQuantity": {"value": Decimal("7.2"), "code": "mmol/L"},
    }
    assert compile("value").typed(observation) == [("Quantity", observation["valueQuantity"])]
    assert compile("value.exists()").typed(observation) == [("System.Boolean", True)]


def test_every_search_expression_of_r4_compiles_and_runs() -> None:
    count = 0
    for type in definitions().resource_types:
        for parameter in definitions().search_parameters(type).values():
            compile(parameter.expression).evaluate({"resourceType": type})
            count += 1 + len(parameter.components)
            for component in parameter.components:
                compile(component.expression)
    assert count > 2000


def test_batch_answers_line_by_line() -> None:
    lines = [
        json.dumps({"expr": "name.family", "resource": PATIENT}),
        "",
        '{"expr": "name.", "resource": null}',
        "nonsense",
        '{"expr": "1.10 + 1"}',
        '{"expr": "%x + 1", "variables": {"x": 4}}',
    ]
    answers = list(batch(lines))
    assert answers[0] == '{"result":["李"]}'
    assert "error" in json.loads(answers[1])
    assert "error" in json.loads(answers[2])
    assert answers[3:] == ['{"result":[2.10]}', '{"result":[5]}']


@pytest.mark.parametrize(
    ("unit", "known"),
    [("mg/dL", True), ("mm[Hg]", True), ("10*9/L", True), ("{score}", True), ("kg/m2", True), ("/min", True), ("cm/", False),
     ("bananas", False), ("", False), ("((((((m", False), ("m" * 200, False)],
)  # fmt: skip
def test_units(unit: str, known: bool) -> None:
    assert (canonical_unit(unit) is not None) is known


@pytest.mark.parametrize(
    "patch",
    [{}, {"resourceType": "Parameters", "parameter": [{"name": "x"}]},
     {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [{"name": "type", "valueCode": "fly"}]}]},
     {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
         {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Patient.name.("},
         {"name": "value", "valueString": "x"}]}]},
     {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
         {"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Patient"},
         {"name": "name", "valueString": "nothing"}, {"name": "value", "valueString": "x"}]}]}],
)  # fmt: skip
def test_faulty_fhirpath_patches(patch: dict[str, Any]) -> None:
    with pytest.raises(Fault):
        fhirpath_patch(PATIENT, patch)


def test_a_choice_changes_its_type_when_replaced() -> None:
    part = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.deceased"},
        {"name": "value", "valueDateTime": "2024-01-01"},
    ]
    patched = fhirpath_patch(
        PATIENT, {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
    )
    assert patched["deceasedDateTime"] == "2024-01-01"
    assert "deceasedBoolean" not in patched


BIG: dict[str, Any] = {
    "resourceType": "Basic",
    "extension": [{"url": f"u{n}", "valueString": "a" * 200} for n in range(4000)],
}


@pytest.mark.parametrize(
    "expression",
    [
        "descendants().defineVariable('d').where($this in %d)",
        "descendants().select(%resource.descendants().count())",
        "descendants().aggregate($total.combine($total | $this), 1)",
        "extension.value.aggregate($total & $this & $total)",
        "'a'" + ".encode('hex')" * 60,
        "extension.sort(value, -url).repeatAll($this)",
        "defineVariable('d', descendants()).extension.where(%d = %d and %d ~ %d)",
    ],
)
def test_work_is_bounded_on_a_large_resource(expression: str) -> None:
    begun = time.monotonic()
    with pytest.raises(BudgetSpent):
        compile(expression).evaluate(BIG)
    assert time.monotonic() - begun < 30, "an expression ran away"


@pytest.mark.parametrize(
    "expression",
    ["1.0000001.power(1000000000000000)", "2.power(100000)", "1000000000.exp()", "@2024 + 99999999999999999999999 days",
     "(0.0000000001).power(50).ln().round(3)", "9999999999999999999999999999.0 * 9999999999999999999999999999.0",
     "'1'.toQuantity() * 99999999999999999999", "1 'kg' / 3 'Ym'", "99999999999999999999 div 0.00000000000001"],
)  # fmt: skip
def test_extreme_numbers_end(expression: str) -> None:
    with contextlib.suppress(FhirPathFault):
        compile(expression).evaluate(None)


@pytest.mark.parametrize(
    ("expression", "type", "words"),
    [
        ("name.given", "Patient", ""),
        ("Patient.nmae.given", "Patient", "nmae"),
        ("name.where(usee = 'official').given", "Patient", "usee"),
        ("name.exists(family = 'x' and gvien.empty())", "Patient", "gvien"),
        ("Observation.status", "Patient", "starts with Observation"),
        ("value.ofType(Quantity).value > 3", "Observation", ""),
        ("value.ofType(Quantity).unitt", "Observation", "unitt"),
        ("value.ofType(Address)", "Observation", "never"),
        ("(subject | performer).reference", "Observation", ""),
        ("extension('x').value.ofType(code)", "Patient", ""),
        ("managingOrganization.resolve().anything", "Patient", ""),
        ("contained.name", "Patient", ""),
        ("item.item.linkIdd", "Questionnaire", "linkIdd"),
        ("identifier.where(system = %x).value.first().length() > 3", "Patient", ""),
        ("name.select(given.first() & family)", "Patient", ""),
    ],
)
def test_authors_are_told_of_misspelt_names(expression: str, type: str, words: str) -> None:
    found = compile(expression).problems(type)
    assert bool(found) is bool(words)
    assert not words or words in found[0].en


def test_no_search_expression_of_r4_has_a_problem_but_those_known() -> None:
    troubled = {
        f"{type}.{name}"
        for type in definitions().resource_types
        for name, parameter in definitions().search_parameters(type).items()
        if compile(parameter.expression).problems(type)
    }
    assert troubled == set()


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("@2026-01-31.difference(@2026-03-01, 'month')", [2]),
        ("@2026-01-31.duration(@2026-03-01, 'month')", [1]),
        ("@2026-01-31.duration(@2026-02-28, 'months')", [0]),
        ("@2026-03-01.duration(@2026-01-31, 'month')", [-1]),
        ("'2026-01-05'.difference('2026-02-01', 'day')", [27]),
        ("@2024-02-29.duration(@2026-02-28, 'year')", [1]),
        ("@2025-12-31.difference(@2026-01-01, 'year')", [1]),
        ("@2026-01-05.difference(@2026-01-20, 'weeks')", [2]),
        ("@2026.difference(@2026-01-20, 'day')", []),
        ("{}.duration(@2026-01-20, 'day')", []),
    ],
)
def test_days_and_months_between_dates(expression: str, value: list[int]) -> None:
    assert compile(expression).evaluate(None) == value


def test_a_span_counts_dates_in_known_units_alone() -> None:
    for expression in (
        "@T10:00.difference(@T11:00, 'day')",
        "@2026-01-01.duration(@2026-02-01, 'fortnight')",
    ):
        with pytest.raises(FhirPathFault):
            compile(expression).evaluate(None)
