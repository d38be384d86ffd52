"""Which kind of patch a body is, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

from kangshu.api.patching import apply_patch
from kangshu.base.faults import Invalid, Unprocessable

BIRTH = "Patient.birthDate"


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
