"""The commands on files and on an installation: what they print, for people and for programs, and how they fail."""

from __future__ import annotations

import bz2
import gzip
import json
import urllib.request
from pathlib import Path

import pytest

from .product import Product, kangshu, one_line

SHARED = Path(__file__).resolve().parents[3] / "shared"
PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1950-01-01"}
OTHER = {"resourceType": "Patient", "id": "p2", "gender": "female"}
VIEW = {
    "resourceType": "ViewDefinition", "name": "people", "status": "active", "resource": "Patient",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "gender", "path": "gender"}]}],
}  # fmt: skip
PLAN = """某市大健康产业发展行动计划
一、主要任务
(一)支持养老机构内设医疗机构。到2025年,护理型床位占比不低于50%。(责任单位:市民政局、市卫生健康委)
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of small inputs, good and bad."""
    text = json.dumps(PATIENT)
    lines = f"{text}\n{json.dumps(OTHER)}\n"
    (tmp_path / "one.json").write_text(text)
    (tmp_path / "two.ndjson").write_text(lines)
    (tmp_path / "two.ndjson.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "two.ndjson.bz2").write_bytes(bz2.compress(lines.encode()))
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": PATIENT}]}
    (tmp_path / "bundle.json.bz2").write_bytes(bz2.compress(json.dumps(bundle).encode()))
    (tmp_path / "broken.json").write_text('{"resourceType": "Patient",')
    (tmp_path / "broken.ndjson.gz").write_bytes(b"\x1f\x8bno archive")
    (tmp_path / "wrong.json").write_text('{"resourceType": "Patient", "birthDate": "yesterday"}')
    (tmp_path / "view.json").write_text(json.dumps(VIEW))
    (tmp_path / "plan.txt").write_text(PLAN, "utf-8")
    return tmp_path


def test_help_is_in_two_languages() -> None:
    shown = kangshu("--help")
    assert shown.returncode == 0
    for command in ("demo", "serve", "load", "plan", "measure", "view", "fhirpath", "validate", "city", "init",
                    "services", "token", "doctor"):  # fmt: skip
        assert f" {command} " in shown.stdout
    chinese = kangshu("serve", "--help", "--lang", "zh").stdout
    assert "用法" in chinese
    assert "实例的数据目录" in chinese
    assert "Usage" not in chinese
    assert "Show this message" not in chinese


def test_a_command_typed_wrongly_is_one_line() -> None:
    one_line(kangshu("nosuch"), "No such command 'nosuch'", "kangshu --help")
    one_line(kangshu("nosuch", "--lang", "zh"), "没有命令“nosuch”")
    one_line(kangshu("load"), "Missing argument", "kangshu load --help")
    one_line(kangshu("validate", "--nosuch", "--lang", "zh"), "没有选项 --nosuch")


def test_fhirpath(files: Path) -> None:
    assert json.loads(kangshu("fhirpath", "gender", files / "one.json").stdout) == {"result": ["male"]}
    one_line(kangshu("fhirpath", "gender.", files / "one.json"), "offset 7")
    one_line(kangshu("fhirpath", "gender", files / "absent.json"), "absent.json")
    one_line(kangshu("fhirpath", "gender", files / "broken.json"), "not JSON")
    cases = [{"expr": "gender", "resource": PATIENT}, {"expr": "gender.", "resource": PATIENT}]
    (files / "cases.jsonl").write_text("\n".join(json.dumps(one) for one in cases) + "\nno json\n")
    answers = [
        json.loads(line) for line in kangshu("fhirpath", "--batch", files / "cases.jsonl").stdout.splitlines()
    ]
    assert answers[0] == {"result": ["male"]}
    assert [sorted(one) for one in answers[1:]] == [["error"], ["error"]]


def test_validate_prints_a_line_a_file(files: Path) -> None:
    done = kangshu("validate", files / "one.json", files / "wrong.json", files / "broken.json", "--json")
    assert done.returncode == 1
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(Path(row["file"]).name, row["valid"]) for row in rows] == [
        ("one.json", True), ("wrong.json", False), ("broken.json", False),
    ]  # fmt: skip
    assert rows[0]["issues"] == []
    assert set(rows[1]["issues"][0]) == {"severity", "code", "expression", "text"}
    assert rows[1]["issues"][0]["expression"] == ["Patient.birthDate"]
    absent = kangshu("validate", files / "absent.json", "--json")
    assert absent.returncode == 2
    assert json.loads(absent.stdout)["issues"][0]["code"] == "not-found"
    assert "通过" in kangshu("validate", files / "one.json", "--lang", "zh").stdout


@pytest.mark.parametrize("engine", ["duckdb", "closures"])
def test_a_view_gives_rows(files: Path, engine: str) -> None:
    done = kangshu(
        "view", "run", files / "view.json", "--in", files / "two.ndjson", "--engine", engine, "--json"
    )
    assert json.loads(done.stdout) == [{"id": "p1", "gender": "male"}, {"id": "p2", "gender": "female"}]


def test_a_view_fails_in_one_line(files: Path) -> None:
    one_line(kangshu("view", "run", files / "view.json", "--in", files / "absent.ndjson"), "absent.ndjson")
    one_line(kangshu("view", "run", files / "broken.json", "--in", files / "two.ndjson"), "not JSON")
    one_line(
        kangshu("view", "run", files / "view.json", "--in", files / "two.ndjson", "--engine", "no"), "'no'"
    )


def test_plan_read(files: Path) -> None:
    found = json.loads(kangshu("plan", "read", files / "plan.txt", "--json").stdout)
    assert found["tasks"][0]["lead"] == ["市民政局"]
    assert found["tasks"][0]["cooperating"] == ["市卫生健康委"]
    assert {"span", "comparator", "value", "unit", "deadline"} <= found["targets"][0].keys()
    assert (found["targets"][0]["value"], found["targets"][0]["deadline"]) == (50, "2025")
    assert [one["label"] for one in found["outline"]][:1] == ["一、"]
    assert found["money"] == []
    assert "责任单位" in kangshu("plan", "read", files / "plan.txt", "--lang", "zh").stdout
    one_line(kangshu("plan", "read", files / "absent.docx"), "absent.docx")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public documents lie beside the project, in ../shared")
def test_plan_read_has_the_keys_of_the_guide() -> None:
    gold = json.loads(next((SHARED / "reading" / "gold").glob("*.json")).read_text("utf-8"))
    found = json.loads(kangshu("plan", "read", SHARED / "documents" / "001.txt", "--json").stdout)
    for part in ("tasks", "targets", "money", "outline"):
        assert part in gold
        assert part in found
    assert found["tasks"]


def test_measures_are_listed_and_explained() -> None:
    rows = json.loads(kangshu("measure", "list", "--json").stdout)
    assert len({row["id"] for row in rows}) == len(rows) > 0
    assert "SQL" in kangshu("measure", "explain", rows[0]["id"]).stdout
    one_line(kangshu("measure", "explain", "no-such"), "no-such")


def test_services(tmp_path: Path) -> None:
    rows = json.loads(kangshu("services", "list", "--json").stdout)
    assert all(row["id"] and isinstance(row["systems"], list) for row in rows)
    assert kangshu("services", "check").returncode == 0
    made = kangshu("services", "new", "parks", "--folder", tmp_path)
    assert (Path(made.stdout.strip()) / "service.yaml").exists()
    one_line(kangshu("services", "new", "parks", "--folder", tmp_path), "parks")
    one_line(kangshu("services", "new", "../parks", "--folder", tmp_path), "../parks")


def test_a_city_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        done = kangshu("city", "make", "--residents", "50", "--years", "1", "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
    files = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert "Patient.ndjson" in files
    assert all((tmp_path / "a" / one).read_bytes() == (tmp_path / "b" / one).read_bytes() for one in files)
    one_line(kangshu("city", "make", "--residents", "5", "--out", tmp_path / "c"), "50 to 2000000")
    one_line(kangshu("city", "make", "--out", "/proc/no/folder"), "/proc/no/folder")


def _token(product: Product, account: str = "system") -> str:
    done = kangshu("token", "create", "--account", account, "--ttl", "1h", "--data-dir", product.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_files_are_loaded(served: Product, files: Path) -> None:
    token = _token(served)
    for name, count in (("one.json", 1), ("two.ndjson", 2), ("two.ndjson.gz", 2), ("two.ndjson.bz2", 2),
                        ("bundle.json.bz2", 1)):  # fmt: skip
        done = kangshu("load", files / name, "--data-dir", served.folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{count} resources in ")
        assert done.stdout.strip().endswith("resources/s")
    request = urllib.request.Request(
        f"http://127.0.0.1:{served.port}/fhir/Patient/p1", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["gender"] == "male"


def test_what_cannot_be_loaded_is_said_in_one_line(served: Product, files: Path) -> None:
    one_line(kangshu("load", files / "absent.json", "--data-dir", served.folder), "absent.json")
    one_line(kangshu("load", files / "broken.json", "--data-dir", served.folder), "broken.json:1", "not JSON")
    one_line(kangshu("load", files / "broken.ndjson.gz", "--data-dir", served.folder), "broken.ndjson.gz")


def test_tokens(served: Product) -> None:
    assert served.status("/fhir/Patient?_count=1", _token(served)) == 200
    assert served.status("/fhir/Patient?_count=1", "no-token") == 401
    one_line(
        kangshu("token", "create", "--account", "nobody", "--data-dir", served.folder), "no such account"
    )
    one_line(
        kangshu("token", "create", "--account", "system", "--ttl", "soon", "--data-dir", served.folder),
        "soon",
    )


def test_a_plan_is_imported_once(served: Product, files: Path) -> None:
    imported = kangshu("plan", "import", files / "plan.txt", "--data-dir", served.folder)
    assert imported.returncode == 0, imported.stderr
    assert "tasks\t1" in imported.stdout
    assert (
        "already imported"
        in kangshu("plan", "import", files / "plan.txt", "--data-dir", served.folder).stdout
    )
    (files / "empty.txt").write_text("没有任务的文件。\n", "utf-8")
    one_line(kangshu("plan", "import", files / "empty.txt", "--data-dir", served.folder), "no task")


def test_commands_that_need_an_installation_say_so(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    one_line(
        kangshu("measure", "run", "nursing-bed-share", "--data-dir", nowhere),
        "no installation",
        "kangshu init",
    )
    doctor = kangshu("doctor", "--data-dir", nowhere, "--lang", "zh")
    assert doctor.returncode == 1
    assert "没有实例" in doctor.stdout
    assert not nowhere.exists()
    one_line(kangshu("token", "create", "--account", "system", "--data-dir", "/proc/no/folder"), "--data-dir")
    one_line(kangshu("serve", "--data-dir", "/proc/no/folder"), "cannot be written")
    one_line(kangshu("serve", "--data-dir", "/proc/no/folder", "--lang", "zh"), "不可写")
