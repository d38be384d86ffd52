"""ViewDefinitions: what is refused, and that all engines read the same."""

from __future__ import annotations

import bz2
import gzip
import json
from collections.abc import Mapping
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from kangshu.base.faults import Invalid, NotFound, TooLarge, Unavailable, Unsupported
from kangshu.fhir import parse
from kangshu.measures import parse_view, read_view, run_view, run_view_file

SPARK = pytest.param(
    "spark",
    marks=pytest.mark.skipif(
        find_spec("pyspark") is None, reason="PySpark is not installed: requirements/spark.txt"
    ),
)
ENGINES = ("closures", "duckdb", SPARK)


def view(*columns: Mapping[str, Any], resource: str = "Patient", **more: Any) -> dict[str, Any]:
    return {"resource": resource, "select": [{"column": list(columns)}], **more}


def column(path: str, name: str = "value", kind: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path} | ({"type": kind} if kind else {}) | more


def values(path: str, *resources: dict[str, Any], kind: str = "", engine: str, **more: Any) -> list[Any]:
    resource = resources[0]["resourceType"]
    rows = run_view(view(column(path, kind=kind), resource=resource, **more), resources, engine)
    return [row["value"] for row in rows]


PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-02-29"}
BAD = {
    "no object": [],
    "no resource": {"select": [{"column": [column("id")]}]},
    "resource with quotes": view(column("id"), resource="Patient'; DROP"),
    "no select": {"resource": "Patient"},
    "empty select": {"resource": "Patient", "select": []},
    "selection without columns": {"resource": "Patient", "select": [{"forEach": "name"}]},
    "no path": view({"name": "value"}),
    "column name with SQL": view(column("id", name='a" FROM x')),
    "one name twice": view(column("id"), column("gender")),
    "names that differ in case": view(column("id", name="a"), column("gender", name="A")),
    "broken path": view(column("name.where(")),
    "path that is no text": view({"name": "value", "path": 1}),
    "unknown constant": view(column("%nobody")),
    "constant without value": view(column("id"), constant=[{"name": "c"}]),
    "constant of a wrong type": view(column("id"), constant=[{"name": "c", "valueInteger": "1"}]),
    "bad date constant": view(column("id"), constant=[{"name": "c", "valueDate": "2020-1-1' OR 1"}]),
    "two iterations": {
        "resource": "Patient",
        "select": [{"forEach": "name", "repeat": ["name"], "column": [column("family")]}],
    },
    "where without path": view(column("id"), where=[{}]),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_view_is_refused(name: str, engine: str) -> None:
    with pytest.raises(Invalid) as caught:
        run_view(BAD[name], [PATIENT], engine)
    assert caught.value.text
    assert caught.value.zh


def test_the_fault_names_the_place() -> None:
    with pytest.raises(Invalid) as caught:
        read_view({"resource": "Patient", "select": [{"column": [column("id")]}, {"column": [{}]}]})
    assert caught.value.issues[0].expression == ("ViewDefinition.select[1].column[0].name",)


def test_a_view_is_read_from_json() -> None:
    assert parse_view('{"resource": "Patient"}') == {"resource": "Patient"}
    for text in ("{", "[]", '{"resourceType": "Patient"}', b"\xff", "[" * 100_000):
        with pytest.raises(Invalid):
            parse_view(text)


def test_unknown_engines_are_told() -> None:
    with pytest.raises(Unsupported):
        run_view(view(column("id")), [], "oracle")


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="PySpark is installed")
def test_spark_is_told_to_be_absent() -> None:
    with pytest.raises(Unavailable, match=r"kangshu\[spark\]"):
        run_view(view(column("id")), [], "spark")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("id", "p1"),
        ("getResourceKey()", "Patient/p1"),
        ("gender = 'female'", "true"),
        ("birthDate < @1961-01-01", "true"),
        ("birthDate.highBoundary()", "1960-02-29"),
        ("'it\\'s $text_0 \"; DROP TABLE x'", "it's $text_0 \"; DROP TABLE x"),
        ("name.family", None),
        ("name.family.exists()", "false"),
        ("(gender | id).count()", "2"),
        ("gender & '-' & id", "female-p1"),
        ("gender.startsWith('fe')", "true"),
    ],
)
def test_engines_give_the_same_value(path: str, expected: str | None, engine: str) -> None:
    found = values(path, PATIENT, engine=engine)[0]
    shown = str(found).lower() if isinstance(found, bool) else found
    assert (shown if shown is None else str(shown).removesuffix(".0")) == expected


ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "e",
    "status": "finished",
    "period": {"start": "2020-01-01T10:00:00+08:00", "end": "2020-01-01T03:00:00Z"},
}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "valueString": "甲",
    "effectiveDateTime": "2020-02",
    "component": [{"valueInteger": 7}, {"valueString": "乙"}],
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("resource", "path", "kind", "expected"),
    [
        (ENCOUNTER, "period.end > period.start", "boolean", True),  # as instants, not as texts
        (ENCOUNTER, "period.start = period.start", "boolean", True),
        (OBSERVATION, "value", "string", "甲"),
        (OBSERVATION, "Observation.value", "string", "甲"),
        (OBSERVATION, "component.value.ofType(integer)", "integer", 7),
        (OBSERVATION, "component[1].value", "string", "乙"),
        (OBSERVATION, "component.where(value.ofType(string) = '乙')[0].value", "string", "乙"),
        (OBSERVATION, "effective.ofType(dateTime).lowBoundary()", "", "2020-02-01T00:00:00.000+14:00"),
        (OBSERVATION, "effective > @2020-01-31", "boolean", True),
        (OBSERVATION, "effective > @2020-02-03", "boolean", None),  # undecided
        (OBSERVATION, "nothing", "", None),
    ],
)
def test_engines_know_the_types_of_r4(
    resource: dict[str, Any], path: str, kind: str, expected: object, engine: str
) -> None:
    assert values(path, resource, kind=kind, engine=engine) == [expected]


@pytest.mark.parametrize("engine", ENGINES)
def test_decimals_are_decimal(engine: str) -> None:
    quantity = {"resourceType": "Observation", "id": "o", "valueQuantity": {"value": Decimal("0.1")}}
    path = "value.ofType(Quantity).value + 0.2 = 0.3"
    assert values(path, quantity, kind="boolean", engine=engine) == [True]


@pytest.mark.parametrize("engine", ENGINES)
def test_data_that_does_not_fit_the_view_is_a_fault(engine: str) -> None:
    two = {**PATIENT, "name": [{"family": "甲"}, {"family": "乙"}]}
    with pytest.raises(Invalid):
        values("name.family", two, kind="string", engine=engine)
    with pytest.raises(Invalid):
        values("gender", PATIENT, kind="boolean", engine=engine)
    with pytest.raises(Invalid):
        run_view(view(column("id"), where=[{"path": "gender"}]), [PATIENT], engine)


def test_duckdb_says_what_it_does_not_offer() -> None:
    for path in ("name.repeat(given)", "id is string", "%ucum", "deceased.lowBoundary()"):
        with pytest.raises(Unsupported, match="closures"):
            values(path, PATIENT, engine="duckdb")


@pytest.mark.parametrize("engine", ENGINES)
def test_repeat_follows_deep_elements(engine: str) -> None:
    item: dict[str, Any] = {"linkId": "40"}
    for level in range(39, 0, -1):
        item = {"linkId": str(level), "item": [item]}
    response = {"resourceType": "QuestionnaireResponse", "id": "q", "status": "completed", "item": [item]}
    deep = {
        "resource": "QuestionnaireResponse",
        "select": [{"repeat": ["item"], "column": [column("linkId")]}],
    }
    rows = run_view(deep, [response], engine)
    assert [row["value"] for row in rows] == [str(level) for level in range(1, 41)]


@pytest.mark.parametrize("engine", ENGINES)
def test_repeat_without_end_is_a_fault(engine: str) -> None:
    item: dict[str, Any] = {"linkId": "x"}
    for _ in range(150):
        item = {"linkId": "x", "item": [item]}
    response = {"resourceType": "QuestionnaireResponse", "id": "q", "status": "completed", "item": [item]}
    deep = {
        "resource": "QuestionnaireResponse",
        "select": [{"repeat": ["item"], "column": [column("linkId")]}],
    }
    with pytest.raises((TooLarge, Invalid)):
        run_view(deep, [response], engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("suffix", [".ndjson", ".ndjson.gz", ".ndjson.bz2"])
def test_a_view_runs_over_a_file(tmp_path: Path, engine: str, suffix: str) -> None:
    path = tmp_path / f"it's{suffix}"
    lines = "\n".join(json.dumps({**PATIENT, "id": f"p{n}"}) for n in range(3)).encode() + b"\n"
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(lines))
    assert list(run_view_file(view(column("id")), path, engine)) == [{"value": f"p{n}"} for n in range(3)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("line", ['{"resourceType": ', "5", "[]", '{"id": "p"}'])
def test_a_broken_line_is_named(tmp_path: Path, engine: str, line: str) -> None:
    path = tmp_path / "broken.ndjson"
    path.write_text(f'{{"resourceType": "Patient"}}\n\n{line}\n')
    with pytest.raises(Invalid, match=r"broken\.ndjson:3: ") as caught:
        list(run_view_file(view(column("id")), path, engine))
    assert "broken.ndjson 第 3 行" in caught.value.zh
    packed = tmp_path / "broken.ndjson.bz2"
    packed.write_bytes(bz2.compress(path.read_bytes()))
    with pytest.raises(Invalid, match=r"broken\.ndjson\.bz2:3: "):
        list(run_view_file(view(column("id")), packed, engine))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_a_packed_file_that_ends_early_is_told(tmp_path: Path, engine: str, suffix: str, pack: Any) -> None:
    path = tmp_path / f"cut.ndjson{suffix}"
    lines = "\n".join(json.dumps({**PATIENT, "id": f"p{n}"}) for n in range(1000)).encode()
    path.write_bytes(pack(lines)[:-40])
    with pytest.raises(Invalid, match=r"cut\.ndjson"):
        list(run_view_file(view(column("id")), path, engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_is_not_there_is_told(tmp_path: Path, engine: str) -> None:
    with pytest.raises(NotFound):
        list(run_view_file(view(column("id")), tmp_path / "none.ndjson", engine))


SYNTHEA = Path(__file__).resolve().parents[3] / "shared" / "suites" / "synthea-r4-blaze"
WIDE = [
    {
        "resource": "Observation",
        "select": [
            {
                "column": [
                    column("getResourceKey()", "key"),
                    column("code.coding.first().code", "code"),
                    column("value.ofType(Quantity).value", "quantity", "decimal"),
                    column("effective.ofType(dateTime) > @2010-01-01", "late", "boolean"),
                    column("effective.ofType(dateTime).lowBoundary()", "earliest"),
                    column("subject.getReferenceKey(Patient)", "patient"),
                ]
            },
            {
                "forEachOrNull": "component",
                "column": [
                    column("code.coding.code.first()", "component"),
                    column("value.ofType(Quantity).value", "measured", "decimal"),
                    column("%rowIndex", "place", "integer"),
                ],
            },
        ],
    },
    {
        "resource": "Patient",
        "select": [
            {"column": [column("id", "id"), column("name.where(use = 'official').family.first()", "family")]},
            {
                "forEach": "address",
                "column": [column("city", "city"), column("line", "line", collection=True)],
            },
            {"forEach": "telecom", "column": [column("value", "telecom")]},
        ],
    },
    {
        "resource": "Encounter",
        "where": [{"path": "period.end.exists()"}],
        "select": [
            {
                "column": [
                    column("id", "id"),
                    column("period.end > period.start", "forward", "boolean"),
                    column("type.coding.where(system = 'http://snomed.info/sct').code.first()", "type"),
                ]
            }
        ],
    },
]


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_engines_agree_on_records_that_nobody_here_wrote(engine: str) -> None:
    files = sorted(SYNTHEA.glob("*.json.bz2"))[:5]
    if not files:
        pytest.skip("the Synthea bundles are not in ../shared/suites")
    resources = [
        entry["resource"] for path in files for entry in parse(bz2.decompress(path.read_bytes()))["entry"]
    ]
    for definition in WIDE:
        closures, found = (
            sorted(
                json.dumps({name: plain(value) for name, value in row.items()}, sort_keys=True)
                for row in run_view(definition, resources, one)
            )
            for one in ("closures", engine)
        )
        assert closures
        assert closures == found


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value
