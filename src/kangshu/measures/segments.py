"""Reads and writes the Parquet segments of a view."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from kangshu.measures.engine import quoted
from kangshu.measures.manifest import PARTS, PublishedView, Segment, sync_file

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_PARQUET: Final = "(FORMAT parquet, COMPRESSION zstd)"
_TOUCHED: Final = {"resource_id": "VARCHAR"}


def relation(folder: Path, view: PublishedView, columns: Iterable[str] | None = None) -> str:
    """Return the SELECT of the rows that count in `view`, with `columns` (all by default)."""
    names = list(columns) if columns is not None else list(view.columns)
    listed = ", ".join(f'"{name}"' for name in names)
    filled = [segment for segment in view.segments if segment.rows]
    if not filled:
        empty = ", ".join(f'CAST(NULL AS {view.columns[name]}) AS "{name}"' for name in names)
        return f"SELECT {empty} WHERE false"
    touching = [segment for segment in view.segments if segment.touched]
    if not touching:
        return f"SELECT {listed} FROM {_file(folder, filled[0].rows)}"
    rows = " UNION ALL BY NAME ".join(
        f"SELECT *, {one.number} AS segment_number FROM {_file(folder, one.rows)}" for one in filled
    )
    touched = " UNION ALL ".join(
        f"SELECT resource_id, {one.number} AS touched_number FROM {_file(folder, one.touched)}"
        for one in touching
    )
    latest = (
        f"SELECT resource_id, max(touched_number) AS touched_number FROM ({touched}) GROUP BY resource_id"
    )
    return (
        f"SELECT {listed} FROM ({rows}) AS made LEFT JOIN ({latest}) AS latest USING (resource_id) "
        "WHERE latest.touched_number IS NULL OR latest.touched_number = made.segment_number"
    )


def write_segment(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    view: PublishedView,
    number: int,
    rows: Sequence[Mapping[str, Any]],
    touched: Sequence[str],
) -> Segment:
    """Write the rows of the `touched` resources (ids) as segment `number` and return it."""
    row_file = _write(connection, folder, f"{view.name}-{number}-rows", view.columns, rows) if rows else ""
    marks = [{"resource_id": one} for one in touched]
    touched_file = _write(connection, folder, f"{view.name}-{number}-touched", _TOUCHED, marks)
    return Segment(
        number=number,
        rows=row_file,
        row_count=len(rows),
        touched=touched_file,
        touched_count=len(touched),
    )


def merge_deltas(connection: duckdb.DuckDBPyConnection, folder: Path, view: PublishedView) -> PublishedView:
    """Return `view` with all its deltas in one; the base stays as it is."""
    base = [segment for segment in view.segments if not segment.touched]
    deltas = [segment for segment in view.segments if segment.touched]
    number = deltas[-1].number
    part = msgspec.structs.replace(view, segments=tuple(deltas))
    rows_name, count = "", 0
    if any(one.rows for one in deltas):
        rows_name = _name(view.name, number, "rows")
        count = _copy(connection, folder, relation(folder, part), rows_name)
    touched = " UNION ".join(f"SELECT resource_id FROM {_file(folder, one.touched)}" for one in deltas)
    touched_name = _name(view.name, number, "touched")
    touched_count = _copy(connection, folder, touched, touched_name)
    merged = Segment(
        number=number,
        rows=rows_name if count else "",
        row_count=count,
        touched=touched_name,
        touched_count=touched_count,
    )
    return msgspec.structs.replace(view, segments=(*base, merged))


def compact(connection: duckdb.DuckDBPyConnection, folder: Path, view: PublishedView) -> PublishedView:
    """Return `view` as one base: the rows that count now, ordered by resource."""
    number = view.segments[-1].number
    name = _name(view.name, number, "base")
    count = _copy(connection, folder, f"{relation(folder, view)} ORDER BY resource_id", name)
    base = Segment(number=number, rows=name if count else "", row_count=count)
    return msgspec.structs.replace(view, segments=(base,))


def _name(view: str, number: int, kind: str) -> str:
    # the random part keeps a file of an unpublished attempt from ever being taken for this one
    return f"{view}-{number}-{kind}-{secrets.token_hex(4)}.parquet"


def _file(folder: Path, name: str) -> str:
    return f"read_parquet({quoted(str((folder / PARTS / name).resolve()))})"


def _copy(connection: duckdb.DuckDBPyConnection, folder: Path, sql: str, name: str) -> int:
    path = (folder / PARTS / name).resolve()
    answer = connection.execute(f"COPY ({sql}) TO {quoted(str(path))} {_PARQUET}").fetchone()
    sync_file(path)
    return int(answer[0]) if answer else 0


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    stem: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
) -> str:
    name = f"{stem}-{secrets.token_hex(4)}.parquet"
    lines = (folder / PARTS / f"{name}.ndjson").resolve()
    try:
        with lines.open("wb") as file:
            file.write(_ENCODER.encode_lines(rows))
        shape = ", ".join(f'"{column}": {quoted(kind)}' for column, kind in columns.items())
        source = (
            f"read_json({quoted(str(lines))}, format = 'newline_delimited', columns = {{{shape}}}, "
            "maximum_object_size = 67108864)"
        )
        _copy(connection, folder, f"SELECT * FROM {source}", name)
    finally:
        lines.unlink(missing_ok=True)
    return name
