"""`kangshu view run` and `kangshu measure` as a user types them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-c", "from kangshu.app.main import main; main()"]
VIEW = {"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}, {"name": "n", "path": "name.family"}]}]}  # fmt: skip
ENGINES = [
    "closures",
    "duckdb",
    pytest.param("spark", marks=pytest.mark.skipif(find_spec("pyspark") is None, reason="PySpark is not installed")),
]  # fmt: skip


def kangshu(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command and return what it says."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, check=False, timeout=240
    )


@pytest.fixture
def view(tmp_path: Path) -> Path:
    """A ViewDefinition without a resourceType, as the specification's own examples are."""
    path = tmp_path / "view.json"
    path.write_text(json.dumps(VIEW))
    return path


@pytest.mark.parametrize("engine", ENGINES)
def test_a_view_runs_over_a_file(view: Path, tmp_path: Path, engine: str) -> None:
    source = tmp_path / "patients.ndjson"
    rows = [
        {"resourceType": "Patient", "id": "a", "name": [{"family": "王"}]},
        {"resourceType": "Patient", "id": "b"},
    ]
    source.write_text("\n".join(map(json.dumps, rows)))
    made = kangshu("view", "run", view, "--in", source, "--engine", engine, "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == [{"id": "a", "n": "王"}, {"id": "b", "n": None}]
    if engine == "duckdb":
        assert kangshu("view", "run", view, "--in", source).stdout == "id\tn\na\t王\nb\t\n"
        with source.open("a") as file:
            file.write("\n{")
        broken = kangshu("view", "run", view, "--in", source, "--json")
        assert (broken.returncode, broken.stdout) == (2, "")
        assert broken.stderr == "error: patients.ndjson:3: this is not JSON\n"


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="PySpark is installed")
def test_spark_is_told_to_be_absent(view: Path, tmp_path: Path) -> None:
    source = tmp_path / "patients.ndjson"
    source.write_text("")
    made = kangshu("view", "run", view, "--in", source, "--engine", "spark")
    assert made.returncode == 2
    assert "kangshu[spark]" in made.stderr


def test_measures_are_listed_and_explained(tmp_path: Path) -> None:
    listed = json.loads(kangshu("measure", "list", "--json").stdout)
    assert {"id", "title", "unit", "service", "targets", "systems"} == set(listed[0])
    assert "nursing-bed-share" in {one["id"] for one in listed}
    told = json.loads(kangshu("measure", "explain", "elder-management-rate-65", "--json").stdout)
    assert told["parameters"]["elder-health-service-age"]["value"] == 65
    assert told["inputs"]["residents"]["resource"] == "Patient"
    text = kangshu("--lang", "zh", "measure", "explain", "elder-management-rate-65").stdout
    assert text.startswith("65岁以上老年人健康管理率")
    assert "$elder_health_service_age = 65 周岁" in text
    absent = kangshu("measure", "explain", "elder-management-rate-65", "--data-dir", tmp_path / "none")
    assert (absent.returncode, absent.stdout) == (2, "")
    assert kangshu("measure", "run", "no-such").returncode == 2
    waiting = kangshu("--lang", "zh", "measure", "explain", "industry-bases-and-parks").stdout
    assert "尚无数值: 缺少台账 (S46)" in waiting
