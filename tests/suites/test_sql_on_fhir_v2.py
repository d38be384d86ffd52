"""FHIR/sql-on-fhir-v2: 134 ViewDefinitions over small resources, on every engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import pytest

from kangshu.base.faults import Fault
from kangshu.measures import ENGINES, run_view

SUITE = "sql-on-fhir-v2"
pytestmark = pytest.mark.suite


def plain(value: Any) -> Any:
    """Return a value by which rows of both sides compare: numbers by their worth, everything else as it is."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    return float(value)


def sortable(row: Mapping[str, Any]) -> str:
    return json.dumps({name: plain(value) for name, value in row.items()}, sort_keys=True)


def run(case: Mapping[str, Any], resources: list[Any], engine: str) -> str:
    """Return why the case fails, "" where it passes."""
    try:
        rows = run_view(case["view"], resources, engine)
    except Fault as fault:
        return "" if case.get("expectError") else f"fault: {fault.text}"
    if case.get("expectError"):
        return "no fault is raised"
    if "expectCount" in case:
        return "" if len(rows) == case["expectCount"] else f"{len(rows)} rows, not {case['expectCount']}"
    if "expectColumns" in case and rows and list(rows[0]) != case["expectColumns"]:
        return f"columns {list(rows[0])}, not {case['expectColumns']}"
    wanted, found = sorted(map(sortable, case["expect"])), sorted(map(sortable, rows))
    return "" if wanted == found else f"rows {found}, not {wanted}"


@pytest.mark.parametrize("engine", ENGINES)
def test_views_give_the_rows_of_the_suite(suite: Any, engine: str) -> None:
    if engine == "spark" and find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed: pip install -r requirements/spark.txt")
    suite.known = {id_: why for id_, why in suite.known.items() if id_.startswith(f"{engine}/")}
    ids, failed = [], {}
    for path in sorted((suite.folder / "tests").glob("*.json")):
        group = json.loads(path.read_text("utf-8"), parse_float=Decimal)
        for case in group["tests"]:
            id_ = f"{engine}/{path.stem}/{case['title']}"
            ids.append(id_)
            if why := run(case, group["resources"], engine):
                failed[id_] = why
    assert len(ids) == 134
    suite.settle(ids, failed)
