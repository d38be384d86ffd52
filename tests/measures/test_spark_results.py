"""All declared measures on Spark: the rows that DuckDB stores, to the last one; also of views with later segments."""

from __future__ import annotations

from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kangshu.measures import read_manifest
from kangshu.measures.results import RESULTS, read_results
from kangshu.measures.spark_results import SparkResults

from . import golden
from .city import contract, management, resident
from .test_results import DECLARED, City, wanted

pytestmark = pytest.mark.skipif(
    find_spec("pyspark") is None, reason="PySpark is not installed: requirements/spark.txt"
)
END = date(2021, 12, 31)


def test_spark_has_the_rows_that_duckdb_stores(tmp_path: Path) -> None:
    city = City(tmp_path, golden.CITY)
    city.refresh([])
    later = contract("later-contract", "family-doctor", "Patient/later", "2021-01-01", None)
    city.feed.write(resident("later", "1950-02-28"), later, management("later-visit", "later", "2021-06-30"))
    gone = next(one for one in golden.CITY if one["resourceType"] == "Patient")
    city.feed.write(gone, kind="delete")
    city.refresh(DECLARED.values(), END)
    manifest, stored = read_manifest(tmp_path), read_results(tmp_path)
    assert any(len(view.segments) > 1 for view in manifest.views.values())
    computed = list(SparkResults(tmp_path, manifest).atoms(wanted(DECLARED.values(), END)))
    assert [one.refused for one in computed if one.refused] == []
    assert {one.wanted.name for one in computed} == stored.measures.keys()
    assert sum(len(one.rows) for one in computed) > 100
    for one in computed:
        kept = _rows(tmp_path / RESULTS / stored.measures[one.wanted.name].file)
        assert sorted(map(_sorted, one.rows)) == kept, one.wanted.measure.id


def _rows(file: Path) -> list[Any]:
    found = duckdb.connect().read_parquet(str(file))
    return sorted(_sorted(dict(zip(found.columns, row, strict=True))) for row in found.fetchall())


def _sorted(row: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(row.items())
