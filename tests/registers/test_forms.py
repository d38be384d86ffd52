"""Form values: what is accepted as what, and what is said of the rest."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.registers import check_values, questionnaire, read_values, write_values
from kangshu.sdk import Field, Option, Text
from kangshu.validate import validate

T = Text("题", "title")
OPTIONS = (Option("male", Text("男", "male")), Option("female", Text("女", "female")))


@pytest.mark.parametrize(
    ("field", "given_", "value"),
    [
        (Field("a", T), "  张三 ", "张三"),
        (Field("a", T, "integer"), "1,200", 1200),
        (Field("a", T, "integer"), 3.0, 3),
        (Field("a", T, "decimal"), "1.50", Decimal("1.50")),
        (Field("a", T, "date"), "2026/3/1", "2026-03-01"),
        (Field("a", T, "date"), "2026年3月1日", "2026-03-01"),
        (Field("a", T, "date"), date(2026, 3, 1), "2026-03-01"),
        (Field("a", T, "date"), datetime(2026, 3, 1, 8), "2026-03-01"),  # noqa: DTZ001  # as Excel gives it
        (Field("a", T, "date"), "1950", "1950"),
        (Field("a", T, "datetime"), "2026-03-01 08:30", "2026-03-01T08:30:00+08:00"),
        (Field("a", T, "boolean"), "是", True),
        (Field("a", T, "boolean"), "no", False),
        (Field("a", T, "choice", options=OPTIONS), "男", "male"),
        (Field("a", T, "choice", options=OPTIONS, many=True), ["男", "female", "男"], ["male", "female"]),
        (Field("a", T, "organisation"), "hospital", "Organization/hospital"),
        (Field("a", T, "resident"), {"reference": "Patient/1"}, "Patient/1"),
        (Field("a", T, "reference", reference_type="Slot"), "Slot/1", "Slot/1"),
        (Field("a", T, "district"), "990102", "990102"),
        (Field("a", T), "", None),
    ],
)
def test_accepted(field: Field, given_: Any, value: Any) -> None:
    assert check_values([field], {"a": given_}) == ({"a": value}, ())


@pytest.mark.parametrize(
    ("field", "given_"),
    [
        (Field("a", T, required=True), "  "),
        (Field("a", T, pattern="[0-9]+"), "x"),
        (Field("a", T, check="resident-id"), "990102195001010018"),
        (Field("a", T, check="organisation-code"), "12"),
        (Field("a", T, "integer"), "1.5"),
        (Field("a", T, "integer"), "9999999999"),
        (Field("a", T, "integer"), True),
        (Field("a", T, "decimal"), "NaN"),
        (Field("a", T, "date"), "2026-02-30"),
        (Field("a", T, "date"), "soon"),
        (Field("a", T, "datetime"), "noon"),
        (Field("a", T, "boolean"), "maybe"),
        (Field("a", T, "choice", options=OPTIONS), "other"),
        (Field("a", T, "choice", options=OPTIONS), ["male", "female"]),
        (Field("a", T, "organisation"), "Patient/1"),
        (Field("a", T, "reference", reference_type="Slot"), "../etc"),
        (Field("a", T, "district"), "9901021"),
        (Field("a", T, "attachment"), "http://evil.example"),
        (Field("a", T), {"x": 1}),
        (Field("b", T), "x"),
    ],
)
def test_refused_in_both_languages(field: Field, given_: Any) -> None:
    _, issues = check_values([field], {"a": given_})
    assert issues
    assert all(issue.expression == ("a",) and issue.text and issue.zh for issue in issues)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_any_input_is_answered(value: Any) -> None:
    for kind in (
        "text",
        "integer",
        "decimal",
        "date",
        "datetime",
        "choice",
        "boolean",
        "organisation",
        "attachment",
    ):
        for many in (False, True):
            check_values([Field("a", T, kind, many=many)], {"a": value})  # type: ignore[arg-type]


def test_values_stand_where_their_paths_say() -> None:
    fields = [
        Field("kind", T, "choice", "type[0].coding[0]", options=OPTIONS, system="urn:s"),
        Field("home", T, "organisation", "managingOrganization"),
        Field("sex", T, "choice", "gender", options=OPTIONS),
    ]
    resource: dict[str, Any] = {}
    values = {"kind": "male", "home": "Organization/1", "sex": "female"}
    write_values(fields, values, resource)
    assert resource == {
        "type": [{"coding": [{"system": "urn:s", "code": "male", "display": "男"}]}],
        "managingOrganization": {"reference": "Organization/1"},
        "gender": "female",
    }
    assert read_values(fields, resource) == values


def test_a_form_is_a_valid_questionnaire() -> None:
    fields = [
        Field("name", T, required=True, pattern="[a-z]+"),
        Field("kind", T, "choice", options=OPTIONS, system="urn:s", many=True),
        Field("home", T, "organisation"),
        Field("size", T, "decimal", unit="cm"),
    ]
    made = questionnaire("toy/things", T, fields)
    assert [one["type"] for one in made["item"]] == ["string", "choice", "reference", "decimal"]
    assert [issue for issue in validate(made) if issue.severity in ("error", "fatal")] == []
