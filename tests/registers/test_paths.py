"""The path language of forms: reading, writing, clearing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.base.canonical import code_system
from kangshu.base.faults import Invalid
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers import fhirpath_of, parse_path, read_path, write_path

PATHS = (
    ("name[0].text", "张三"),
    ("birthDate", "1950-01-01"),
    ("identifier(urn:oid:2.16.156.10011.1.3).value", "990102195001010019"),
    ("extension(district).valueCode", "990102001"),
    ("telecom(phone).value", "0990-1234"),
    ("address[0].text", "西江街1号"),
    ("extension(score).valueDecimal", Decimal("1.50")),
    ("active", False),
)


@pytest.mark.parametrize(("path", "value"), PATHS)
def test_what_is_written_is_read_and_cleared(path: str, value: Any) -> None:
    resource: dict[str, Any] = {"resourceType": "Patient"}
    write_path(resource, path, value)
    assert read_path(resource, path) == value
    assert compile_expression(fhirpath_of(path)).evaluate(resource) == [value]
    write_path(resource, path, None)
    assert resource == {"resourceType": "Patient"}
    assert read_path(resource, path) is None


@given(st.permutations(PATHS))
def test_paths_do_not_disturb_each_other(order: list[tuple[str, Any]]) -> None:
    resource: dict[str, Any] = {"resourceType": "Patient"}
    for path, value in order:
        write_path(resource, path, value)
    assert all(read_path(resource, path) == value for path, value in order)
    write_path(resource, order[0][0], None)
    assert all(read_path(resource, path) == value for path, value in order[1:])


def test_other_items_of_a_list_stay() -> None:
    other = {"system": "urn:other", "value": "1"}
    resource: dict[str, Any] = {"identifier": [dict(other)]}
    write_path(resource, "identifier(uscc).value", "X")
    assert resource["identifier"] == [other, {"system": "http://kangshu.org/fhir/sid/uscc", "value": "X"}]
    write_path(resource, "identifier(uscc).value", None)
    assert resource["identifier"] == [other]


def test_a_qualification_is_found_by_the_system_of_its_code() -> None:
    resource: dict[str, Any] = {"resourceType": "Practitioner"}
    path = "qualification(education).period.start"
    write_path(resource, path, "2018-07-01")
    write_path(
        resource, "qualification(education).code.coding[0]", {"system": code_system("education"), "code": "x"}
    )
    write_path(resource, "qualification(care-training).period.start", "2020-01-01")
    assert len(resource["qualification"]) == 2
    assert compile_expression(fhirpath_of(path)).evaluate(resource) == ["2018-07-01"]
    write_path(resource, path, None)
    write_path(resource, "qualification(care-training).period.start", None)
    # what still says something stays
    assert resource["qualification"] == [
        {"code": {"coding": [{"system": code_system("education"), "code": "x"}]}}
    ]


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "name..text",
        "name[",
        "name[-1]",
        "name[1000]",
        "na me",
        "name()",
        "name[0]x",
        "名",
        "a" * 300,
    ],
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(Invalid):
        parse_path(path)


def test_a_path_goes_through_objects_only() -> None:
    with pytest.raises(Invalid):
        write_path({"birthDate": "1950"}, "birthDate.text", "x")
    with pytest.raises(Invalid):
        write_path({}, "name[2].text", "x")
    with pytest.raises(Invalid):
        write_path({"name": "x"}, "name[0].text", "x")
