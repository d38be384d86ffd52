"""The R4 cases of the official validator's own suite: do we agree that a resource is valid?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from kangshu.base.faults import Fault
from kangshu.fhir import parse
from kangshu.validate import faults_of, validate

SUITE = "validator-r4"
pytestmark = pytest.mark.suite


def verdict(data: bytes) -> list[str]:
    """Return the errors found; a text that does not parse is one."""
    try:
        return [issue.text for issue in faults_of(validate(parse(data)))]
    except Fault as fault:
        return [fault.text]


def test_suite(suite: Any) -> None:
    ids: list[str] = []
    failed: dict[str, str] = {}
    for case in json.loads((suite.folder / "cases.json").read_text("utf-8")):
        found = verdict((suite.folder / case["file"]).read_bytes())
        if case["expected"] is None:
            continue  # the suite tells no outcome
        ids.append(case["name"])
        if (not found) != case["expected"]["valid"]:
            failed[case["name"]] = f"valid should be {case['expected']['valid']}: {found[:3]}"
    suite.settle(ids, failed)
