"""FHIRPath Patch on the cases of FHIR/fhir-test-cases (R4), and what is no patch."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from kangshu.api.patching import apply_patch
from kangshu.base.faults import Invalid, Unprocessable

SUITE = Path(__file__).resolve().parents[3] / "shared" / "suites" / "fhir-patch" / "fhir-patch-r4.json"
CASES: list[dict[str, Any]] = json.loads(SUITE.read_text("utf-8")) if SUITE.exists() else []
BIRTH = "Patient.birthDate"


@pytest.mark.suite
@pytest.mark.skipif(not CASES, reason=f"the suite is not at {SUITE.name}")
@pytest.mark.parametrize("case", CASES, ids=lambda one: one["name"])
def test_a_case_of_the_suite(case: dict[str, Any]) -> None:
    before = copy.deepcopy(case["input"])
    if "error" in case:
        with pytest.raises((Invalid, Unprocessable)):
            apply_patch(case["input"], case["diff"])
        return
    assert apply_patch(case["input"], case["diff"]) == case["output"]
    assert case["input"] == before


def operation(**parts: Any) -> dict[str, Any]:
    listed = [
        {"name": name, ("valueString" if name != "index" else "valueInteger"): value}
        for name, value in parts.items()
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": listed}]}


@pytest.mark.parametrize(
    "change",
    [
        {"resourceType": "Group"},
        "replace",
        operation(type="replace", path=BIRTH),
        operation(type="replace", path=BIRTH, value="2000-01-01"),
        operation(type="fold", path=BIRTH, value="x"),
        operation(type="delete", path="Observation.code"),
        operation(type="delete", path="Patient.name.where(use='official' or true)"),
        operation(type="delete", path="Patient.shoeSize"),
        operation(type="insert", path="Patient.name", value="x"),
        operation(type="delete"),
        {"resourceType": "Parameters", "parameter": [{"name": "op"}]},
    ],
)
def test_what_is_no_patch_or_does_not_fit(change: Any) -> None:
    with pytest.raises((Invalid, Unprocessable)):
        apply_patch({"resourceType": "Patient", "id": "a"}, change)


def test_a_merge_patch_puts_in_and_takes_away() -> None:
    before = {
        "resourceType": "Patient",
        "id": "a",
        "gender": "male",
        "maritalStatus": {"text": "x", "id": "m"},
    }
    merged = apply_patch(before, {"gender": None, "maritalStatus": {"text": "y"}})
    assert merged == {"resourceType": "Patient", "id": "a", "maritalStatus": {"text": "y", "id": "m"}}
