"""R4 as data."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kangshu.base.faults import Fault, Malformed
from kangshu.fhir import (
    alternatives,
    core_profiles,
    date_range,
    definitions,
    json_patch,
    reference,
    rewrite_references,
    split_reference,
    walk_references,
)  # fmt: skip

ROOT = Path(__file__).resolve().parents[2]


def test_the_data_file_is_what_the_tool_wrote() -> None:
    made = subprocess.run(
        [sys.executable, "tools/compact_definitions.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout


def test_types() -> None:
    known = definitions()
    assert len(known.resource_types) == 146
    assert known.kind("Patient") == "resource"
    assert known.kind("Patient.contact") == "backbone"
    assert known.kind("HumanName") == "complex"
    assert known.kind("code") == "primitive"
    assert known.kind("Nothing") is None
    assert known.is_a("Age", "Quantity")
    assert known.is_a("Patient.contact", "BackboneElement")
    assert not known.is_a("Patient", "Observation")


def test_children_of_choices_backbones_and_content_references() -> None:
    known = definitions()
    quantity = known.child("Observation", "valueQuantity")
    assert quantity is not None
    assert (quantity.type, quantity.element.name, quantity.element.choice) == ("Quantity", "value", True)
    link = known.child("Bundle.entry", "link")
    assert link is not None
    assert link.type == "Bundle.link"
    assert known.child("Patient", "nothing") is None
    assert ("deceasedBoolean", "boolean") in known.choices("Patient", "deceased")
    gender = known.elements("Patient")["gender"]
    assert gender.binding is not None
    assert gender.binding.strength == "required"
    assert known.value_set(gender.binding.value_set) == {
        "http://hl7.org/fhir/administrative-gender": {
            "male": "Male", "female": "Female", "other": "Other", "unknown": "Unknown"
        }
    }  # fmt: skip


def test_search_parameters_and_compartments() -> None:
    known = definitions()
    birthdate = known.search_parameters("Patient")["birthdate"]
    assert (birthdate.kind, birthdate.expression) == ("date", "Patient.birthDate")
    assert known.search_parameters("Patient")["_lastUpdated"].kind == "date"
    code_value = known.search_parameters("Observation")["code-value-quantity"]
    assert [c.kind for c in code_value.components] == ["token", "quantity"]
    assert known.search_parameters("Nothing") == {}
    assert known.compartment("Patient")["Observation"] == ("subject", "performer")
    assert "http://hl7.org/fhir/StructureDefinition/bp" in core_profiles()
    birth_time = known.extension("http://hl7.org/fhir/StructureDefinition/patient-birthTime")
    assert birth_time is not None
    assert birth_time.types == ("dateTime",)


def test_alternatives_split_outside_brackets_and_texts() -> None:
    assert alternatives("a | (b | c) | d.where(x = '|')") == ["a", "(b | c)", "d.where(x = '|')"]


@pytest.mark.parametrize(
    ("lexeme", "start", "end"),
    [
        ("2024", datetime(2023, 12, 31, 16, tzinfo=UTC), datetime(2024, 12, 31, 16, tzinfo=UTC)),
        ("2024-02", datetime(2024, 1, 31, 16, tzinfo=UTC), datetime(2024, 2, 29, 16, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 28, 16, tzinfo=UTC), datetime(2024, 2, 29, 16, tzinfo=UTC)),
        (
            "2024-02-29T08:00+08:00",
            datetime(2024, 2, 29, tzinfo=UTC),
            datetime(2024, 2, 29, 0, 1, tzinfo=UTC),
        ),
        (
            "2024-02-29T08:00:00Z",
            datetime(2024, 2, 29, 8, tzinfo=UTC),
            datetime(2024, 2, 29, 8, 0, 1, tzinfo=UTC),
        ),
    ],
)
def test_partial_dates_are_stretches_of_time(lexeme: str, start: datetime, end: datetime) -> None:
    assert date_range(lexeme) == (start, end)


@pytest.mark.parametrize(
    "lexeme", ["", "20240101", "2024-13", "2024-02-30", "0000", "yesterday", "2024-01-01T25:00"]
)
def test_no_such_date(lexeme: str) -> None:
    with pytest.raises(Malformed):
        date_range(lexeme)


def test_references() -> None:
    found = split_reference("http://x.org/fhir/Patient/1/_history/2")
    assert found is not None
    assert (found.type, found.id, found.version, found.base) == ("Patient", "1", "2", "http://x.org/fhir")
    assert split_reference("urn:uuid:7") is None
    assert split_reference("#a") is None
    bundle = {"a": [{"reference": "urn:uuid:1"}], "b": {"c": reference("Patient", "2", "two")}}
    assert len(list(walk_references(bundle))) == 2
    rewrite_references(bundle, lambda text: text.replace("urn:uuid:", "Patient/"))
    assert bundle["a"] == [{"reference": "Patient/1"}]


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "add"}, [7], [{"op": "add", "path": "/a"}], [{"op": "fly", "path": "/a"}], [{"op": "remove", "path": "a"}],
        [{"op": "remove", "path": "/nothing"}], [{"op": "replace", "path": "/name/-", "value": 1}],
        [{"op": "replace", "path": "/name/01", "value": 1}], [{"op": "move", "from": "/name", "path": "/name/0"}],
        [{"op": "test", "path": "/active", "value": 1}], [{"op": "remove", "path": ""}],
        [{"op": "add", "path": "/name/99999999999999999999", "value": 1}],
    ],
)  # fmt: skip
def test_faulty_patches_leave_the_resource_as_it_was(operations: object) -> None:
    resource = {"resourceType": "Patient", "name": [{"family": "x"}], "active": True}
    with pytest.raises(Fault):
        json_patch(resource, operations)
    assert resource == {"resourceType": "Patient", "name": [{"family": "x"}], "active": True}
