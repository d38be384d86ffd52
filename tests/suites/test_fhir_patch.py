"""FHIR/fhir-test-cases, r4/patch: FHIRPath Patch (33 cases) and JSON Patch (16 cases)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kangshu.base.faults import Fault
from kangshu.fhir import json_patch
from kangshu.fhirpath import fhirpath_patch

SUITE = "fhir-patch"
pytestmark = pytest.mark.suite


def outcome(run: Any, document: Any, patch: Any, wanted: Any, *, fails: bool) -> str:
    before = json.dumps(document)
    try:
        made = run(document, patch)
    except Fault as fault:
        return "" if fails else f"fault: {fault.text}"
    if fails:
        return "no fault is raised"
    if json.dumps(document) != before:
        return "the original was changed"
    return "" if made == wanted else f"{json.dumps(made)[:200]} instead of {json.dumps(wanted)[:200]}"


def test_suite(suite: Any) -> None:
    failed: dict[str, str] = {}
    ids: list[str] = []
    for case in json.loads((suite.folder / "fhir-patch-r4.json").read_text("utf-8")):
        id_ = f"fhirpath/{case['name']}"
        why = outcome(fhirpath_patch, case["input"], case["diff"], case.get("output"), fails="error" in case)
        ids.append(id_)
        if why:
            failed[id_] = why
    for case in json.loads((suite.folder / "r4" / "patch" / "json-patch-tests.json").read_text("utf-8")):
        id_ = f"json/{case['comment']}"
        why = outcome(json_patch, case["doc"], case["patch"], case.get("expected"), fails="error" in case)
        ids.append(id_)
        if why:
            failed[id_] = why
    assert len(ids) == 49
    suite.settle(ids, failed)
