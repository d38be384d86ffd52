"""FHIR/fhir-test-cases, r4/fhirpath: 935 expressions over eleven resources."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kangshu.fhir import parse
from kangshu.fhirpath import FhirPathFault, Item, Node, Temporal, compile
from kangshu.fhirpath.values import system, type_name

SUITE = "fhirpath-r4"
pytestmark = pytest.mark.suite


@cache
def resource(folder: Path, name: str) -> dict[str, Any]:
    return parse((folder / "json-inputs" / f"{Path(name or 'patient-example.xml').stem}.json").read_bytes())


def lexeme(item: Item) -> str:
    value = system(item)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.value) if isinstance(value, Node) else str(value)


def agrees(item: Item, kind: str | None, text: str) -> bool:
    value = system(item)
    if kind and type_name(item)[1].lower() != kind.lower():
        return False
    if isinstance(value, Temporal):
        return lexeme(item) == text.strip().lstrip("@T" if value.kind == "time" else "@")
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        try:
            return Decimal(text) == value
        except InvalidOperation:
            return False
    return lexeme(item) == text


def run(case: ElementTree.Element, folder: Path) -> str:
    """Return why the case fails, "" where it passes."""
    written = case.find("expression")
    assert written is not None
    invalid = written.get("invalid")
    wanted = [(output.get("type"), output.text or "") for output in case.findall("output")]
    try:
        focus = resource(folder, case.get("inputfile", ""))
        expression = compile(written.text or "")
        if "strict" in (case.get("mode"), written.get("mode")) and expression.problems(focus["resourceType"]):
            return "" if invalid else "strict typing finds a problem"
        items = expression.items(focus)
    except FhirPathFault as fault:
        return "" if invalid else f"fault: {fault.text}"
    if invalid:
        return "no fault is raised"
    if case.get("predicate") == "true":
        items = [bool(items)]
    if case.get("ordered") == "false":
        items = sorted(items, key=lexeme)
        wanted = sorted(wanted, key=lambda pair: pair[1])
    good = len(items) == len(wanted) and all(agrees(i, k, t) for i, (k, t) in zip(items, wanted, strict=True))
    return "" if good else f"{[lexeme(i)[:60] for i in items][:5]} instead of {wanted[:5]}"


def test_suite(suite: Any) -> None:
    root = ElementTree.parse(suite.folder / "r4" / "fhirpath" / "tests-fhir-r4.xml").getroot()
    ids: list[str] = []
    failed: dict[str, str] = {}
    for group in root.iter("group"):
        for case in group.iter("test"):
            id_ = f"{group.get('name')}/{case.get('name')}"
            while id_ in ids:
                id_ += "'"
            ids.append(id_)
            why = run(case, suite.folder)
            if why:
                failed[id_] = why
    assert len(ids) > 900
    suite.settle(ids, failed)
