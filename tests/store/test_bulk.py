"""Bulk load does what single creates do, and files load whole or not at all."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from kangshu.access import Grant, PatientIn, system_grant
from kangshu.base.canonical import CASE_KIND, DISTRICT
from kangshu.base.faults import Conflict, Forbidden
from kangshu.base.text import Text
from kangshu.sdk import Resource
from kangshu.search import parse_criteria
from kangshu.store import Store, UniqueRule

SYSTEM = system_grant("test")
SYNTHEA = Path(__file__).resolve().parents[3] / "shared" / "suites" / "synthea-r4-blaze"
TABLES = ("token", "string", "date", "number", "quantity", "reference", "uri")


def records(count: int) -> list[Resource]:
    made: list[Resource] = [
        {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": {"coding": [{"system": "urn:c", "code": str(n)}], "text": f"检查{n}"},
         "subject": {"reference": f"Patient/p{n % 3}"}, "effectiveDateTime": "2024-05-01", "valueQuantity": {"value": n, "code": "mg"}}
        for n in range(count)
    ]  # fmt: skip
    made += [
        {"resourceType": "Patient", "id": f"p{n}", "name": [{"text": "王芳"}], "birthDate": "1950",
         "managingOrganization": {"reference": "Organization/h"}} for n in range(3)
    ]  # fmt: skip
    made.append(
        {"resourceType": "Organization", "id": "h", "extension": [{"url": DISTRICT, "valueCode": "990102"}]}
    )
    return made


async def _state(url: str) -> dict[str, list[Any]]:
    """Everything that was written, without keys and times."""
    connection = await asyncpg.connect(url)
    state: dict[str, list[Any]] = {}
    try:
        state["resource"] = [
            tuple(row) for row in await connection.fetch(
                "select type, id, version, deleted, district, district_from, organisations, patient from resource order by type, id")
        ]  # fmt: skip
        for table in TABLES:
            rows = await connection.fetch(
                f"select r.type, r.id, i.* from index_{table} i join resource r on r.key = i.key"
            )
            state[table] = sorted(
                str({k: v for k, v in row.items() if k not in ("key", "system")}) for row in rows
            )
        rows = await connection.fetch(
            "select r.id, f.version, f.kind from feed f join resource r on r.key = f.key"
        )
        state["feed"] = sorted({(row["id"], row["version"], row["kind"]) for row in rows})
        state["unique"] = [
            tuple(row) for row in await connection.fetch("select rule, value from unique_key order by 1, 2")
        ]
    finally:
        await connection.close()
    return state


RULE = UniqueRule("r", "Observation", ("code.coding.code",), Text("重复", "taken"))


async def test_bulk_load_writes_what_creates_write(
    store: Store, postgres_url: str, template_database: str
) -> None:
    store.register_unique([RULE])
    for record in records(20):
        await store.update(SYSTEM, record)
    connection = await asyncpg.connect(postgres_url)
    name = f"{template_database}_bulk"
    await connection.execute(f"create database {name} template {template_database}")
    try:
        async with await Store.open(
            urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}")), pool=2
        ) as other:
            other.register_unique([RULE])
            told: list[int] = []
            assert await other.bulk_load(SYSTEM, records(20), told.append) == 24
            assert told == [24]
            await other.feed_position()
            await store.feed_position()
            single, bulk = await _state(store.url), await _state(other.url)
            assert bulk == single
            assert single["resource"][0][4] == "990102"
            # a second load makes versions, not doubles
            assert await other.bulk_load(SYSTEM, records(20)) == 24
            assert (await other.read(SYSTEM, "Observation", "o1")).version == 2
            assert await other.count(SYSTEM, parse_criteria("Observation", "")) == 20
    finally:
        await connection.execute(f"drop database {name} with (force)")
        await connection.close()


async def test_worker_processes_do_the_same(store: Store) -> None:
    assert await store.bulk_load(SYSTEM, iter(records(4500))) == 4504
    assert await store.count(SYSTEM, parse_criteria("Observation", "patient=p1")) == 1500
    assert await store.count(SYSTEM, parse_criteria("Observation", "_district=990102")) == 4500
    changes = await store.feed(SYSTEM, 0, 10000)
    assert [one.position for one in changes] == list(range(1, len(changes) + 1))


async def test_rules_hold_in_bulk(store: Store) -> None:
    clerk = Grant(account="c", display="", read=SYSTEM.read, write={"*": PatientIn(frozenset({"p1"}))})
    with pytest.raises(Forbidden):
        await store.bulk_load(clerk, records(3))
    task = {
        "resourceType": "Task", "status": "draft", "intent": "order",
        "code": {"coding": [{"system": CASE_KIND, "code": "a/b"}]},
    }  # fmt: skip
    engine = Grant(account="c", display="", read=SYSTEM.read, write=SYSTEM.write)
    with pytest.raises(Conflict):
        await store.bulk_load(engine, [task])
    store.register_unique([RULE])
    doubled = records(3)
    doubled[1]["code"] = doubled[0]["code"]
    with pytest.raises(Conflict):
        await store.bulk_load(SYSTEM, doubled)
    assert await store.feed_position() == 0


async def test_files_load_whole_or_not_at_all(store: Store, tmp_path: Path) -> None:
    lines = [json.dumps(one, ensure_ascii=False) for one in records(5)]
    (tmp_path / "good.ndjson").write_text("\n".join(lines) + "\n\n", "utf-8")
    with gzip.open(tmp_path / "one.json.gz", "wt") as file:
        file.write(
            '{"resourceType": "Practitioner", "id": "d", "identifier": [{"system": "urn:d", "value": "7"}]}'
        )
    with bz2.open(tmp_path / "refers.json.bz2", "wt") as packed:
        packed.write(json.dumps({
            "resourceType": "Bundle", "type": "transaction", "entry": [
                {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "new"}, "request": {"method": "POST", "url": "Patient"}},
                {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                    "subject": {"reference": "urn:uuid:1"}, "performer": [{"reference": "Practitioner?identifier=urn:d|7"}]},
                 "request": {"method": "POST", "url": "Observation"}},
            ]}))  # fmt: skip
    (tmp_path / "zbad.ndjson").write_text(
        '{"resourceType": "Patient", "id": "bad"}\n{"resourceType": \n{"id": 1}\n'
    )
    (tmp_path / "zlost.json").write_text(json.dumps({
        "resourceType": "Bundle", "type": "batch", "entry": [
            {"resource": {"resourceType": "Patient", "id": "bad", "generalPractitioner": [{"reference": "Practitioner?identifier=none"}]}}
        ]}))  # fmt: skip
    (tmp_path / "ztorn.json.gz").write_bytes(b"no gzip")
    report = await store.load_files(SYSTEM, [tmp_path, tmp_path / "absent.json"])
    assert (report.files, report.resources) == (3, 12)
    told = [(problem.file, problem.line) for problem in report.problems]
    assert told == [
        ("zbad.ndjson", 2),
        ("zbad.ndjson", 3),
        ("zlost.json", 1),
        ("ztorn.json.gz", 0),
        ("absent.json", 0),
    ]
    assert str(report.problems[0]).startswith("zbad.ndjson:2: ")
    assert await store.count(SYSTEM, parse_criteria("Patient", "_id=bad")) == 0
    (observation,) = await store.search_all(SYSTEM, "Observation", "subject=Patient/new")
    assert observation["performer"] == [{"reference": "Practitioner/d"}]


async def test_a_file_with_a_forbidden_record_leaves_nothing(store: Store, tmp_path: Path) -> None:
    lines = [
        json.dumps({"resourceType": "Basic", "id": f"b{n}", "subject": {"reference": "Patient/p1"}})
        for n in range(2500)
    ]
    lines.append(json.dumps({"resourceType": "Basic", "id": "other", "subject": {"reference": "Patient/p2"}}))
    (tmp_path / "some.ndjson").write_text("\n".join(lines))
    clerk = Grant(account="c", display="", read=SYSTEM.read, write={"*": PatientIn(frozenset({"p1"}))})
    report = await store.load_files(clerk, [tmp_path / "some.ndjson"])
    assert (report.files, report.resources, len(report.problems)) == (0, 0, 1)
    assert await store.count(SYSTEM, parse_criteria("Basic", "")) == 0


@pytest.mark.suite
async def test_synthea_files_load(store: Store) -> None:
    if not SYNTHEA.is_dir():
        pytest.skip("the public suite synthea-r4-blaze is not in ../shared/suites")
    smallest = sorted(SYNTHEA.glob("*.json.bz2"), key=lambda path: path.stat().st_size)
    report = await store.load_files(SYSTEM, [*(p for p in smallest if p.name.startswith("0-")), smallest[0]])
    assert report.problems == []
    (patient,) = await store.find_all(SYSTEM, "Patient", "")
    assert await store.count(SYSTEM, parse_criteria("Encounter", f"subject=Patient/{patient.id}")) > 0
    assert await store.count(SYSTEM, parse_criteria("Encounter", "service-provider.name:missing=false")) > 0


async def test_bodies_of_both_codecs_are_read(store: Store, database_url: str) -> None:
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "before"})
    async with await Store.open(database_url, pool=2) as other:
        assert await store.bulk_load(SYSTEM, iter(records(4000))) == 4004
        assert store.codec.current == 1
        assert not await store.train_codec()
        # a process that was there before learns the codec when it meets it
        assert other.codec.current == 0
        assert (await other.read(SYSTEM, "Observation", "o7")).resource["code"]["text"] == "检查7"
        assert (await other.read(SYSTEM, "Patient", "before")).version == 1
        assert len(await other.feed(SYSTEM, 0, 10)) == 10
        await other.update(SYSTEM, {"resourceType": "Patient", "id": "before", "gender": "male"})
        assert (await store.vread(SYSTEM, "Patient", "before", 1)).resource["id"] == "before"
    async with store.connection() as connection:
        rows = await connection.fetch(
            "select codec, avg(length(body))::integer as size from resource group by 1 order by 1"
        )
    assert [row["codec"] for row in rows] == [1] or [row["codec"] for row in rows] == [0, 1]


async def test_index_rows_are_made_anew_when_parameters_change(store: Store) -> None:
    assert await store.reindex() == 0
    await store.bulk_load(SYSTEM, records(20))
    assert await store.reindex() == 0
    before = await _state(store.url)
    signatures = await store.get_setting("index-signatures")
    await store.put_setting(
        "index-signatures", {**signatures, "Observation": "another", "Patient": "another"}
    )
    async with store.connection() as connection:
        await connection.execute(
            "delete from index_token; delete from index_date; update index_uri set value = 'x'"
        )
        await connection.execute("insert into index_uri select key, 1, 'y' from resource where type <> 0")
    async with store.connection() as connection:
        await connection.execute(
            "delete from index_uri where key in (select key from resource r join resource_type t using (type) where t.name = 'Organization')"
        )
    assert await store.reindex() == 23
    assert await _state(store.url) == before
    assert await store.reindex() == 0
