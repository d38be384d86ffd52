"""Our own way: the views flatten the NDJSON to tables, and the measures' SQL runs on DuckDB."""

from __future__ import annotations

import duckdb

from engines import Asked, Cell, Told, timed
from engines.city import of_atoms, table_bytes, views, wanted
from kangshu.base.canonical import DISTRICT
from kangshu.measures import ResultKeeper, Views, Wanted, adopt, read_manifest, read_view
from kangshu.measures.engine import connect, quoted
from kangshu.measures.results import RESULTS, read_results
from kangshu.measures.view_sql import compile_view

_PLACES = {
    "resourceType": "ViewDefinition", "name": "places", "status": "active", "resource": "Patient",
    "select": [{"column": [
        {"name": "resident", "path": "getResourceKey()", "type": "string"},
        {"name": "place", "path": f"extension('{DISTRICT}').value.ofType(code).first()", "type": "code"},
    ]}],
}  # fmt: skip
_LINE = 64 * 1024 * 1024


def run(asked: Asked) -> Told:
    """Load the city, compute every measure twice, and the sample's once more."""
    told = Told("duckdb", duckdb.__version__)
    measures = wanted(asked)
    told.loading()
    _load(asked, views(measures))
    told.loaded()
    told.bytes = table_bytes(asked)
    manifest = read_manifest(asked.tables)
    keeper = ResultKeeper(asked.tables, memory=asked.memory)
    for seconds in (told.seconds, told.again):
        for one in measures:
            with timed(seconds, one.measure.id):
                keeper.refresh(manifest, [one])
            told.cells[one.measure.id] = _kept(asked, one)
        told.passed()
    for one in wanted(asked, sampled=True):
        keeper.refresh(manifest, [one])
        told.sampled[one.measure.id] = _kept(asked, one)
    return told


def _load(asked: Asked, needed: Views) -> None:
    """Flatten the NDJSON by the views and publish the tables, with the scope columns that the store would give them."""
    raw = asked.tables / "raw"
    raw.mkdir(parents=True)
    with connect(memory=asked.memory, readable=[asked.city], spill=True) as connection:
        _resources(connection, asked, "Patient")
        places = compile_view(read_view(_PLACES))
        connection.execute(f"CREATE TEMP TABLE places AS {places.sql}", places.values)
        for view in needed:
            _resources(connection, asked, view.view.resource)
            statement = compile_view(view.view)
            rows = (
                f"SELECT found.*, '{view.view.resource}' AS resource_type, "
                f"split_part(found.\"{view.key_column()}\", '/', 2) AS resource_id, coalesce(place, '') AS scope_district, "
                "CAST([] AS VARCHAR[]) AS scope_organisations, split_part(found.resident, '/', 2) AS scope_patient, "
                f"CAST([] AS VARCHAR[]) AS scope_labels FROM ({statement.sql}) AS found LEFT JOIN places USING (resident)"
            )
            file = quoted(str(raw / f"{view.name}.parquet"))
            connection.execute(f"COPY ({rows}) TO {file} (FORMAT parquet)", statement.values)
    files = {view.name: [raw / f"{view.name}.parquet"] for view in needed}
    adopt(asked.tables, needed, files, source="bench", position=1, memory=asked.memory)
    for one in raw.iterdir():
        one.unlink()


def _resources(connection: duckdb.DuckDBPyConnection, asked: Asked, kind: str) -> None:
    files = ", ".join(quoted(str(one)) for one in asked.files(kind))
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW resources AS SELECT json AS body FROM "
        f"read_ndjson_objects([{files}], maximum_object_size = {_LINE})"
    )


def _kept(asked: Asked, one: Wanted) -> list[Cell]:
    stored = read_results(asked.tables).measures[one.name]
    with duckdb.connect() as connection:
        found = connection.read_parquet(str(asked.tables / RESULTS / stored.file))
        return of_atoms(one.measure, (dict(zip(found.columns, row, strict=True)) for row in found.fetchall()))
