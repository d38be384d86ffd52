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
from kangshu.measures.layout import RESOURCE_KEY, dressed, key_sql
from kangshu.measures.manifest import PARTS, WHOLE, PublishedView, RowFile, Segment, sync_file

PARTITION_ROWS: Final = 1_000_000
"""A base of so many rows is parted by year."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_PARQUET: Final = "(FORMAT parquet, COMPRESSION zstd)"
_ORDER: Final = "patient_key, resource_key"


def relation(folder: Path, view: PublishedView, columns: Iterable[str] | None = None) -> str:
    """Return the SELECT of the rows that count in `view`, with `columns` (all by default)."""
    names = list(columns) if columns is not None else list(view.columns)
    listed = ", ".join(f'"{name}"' for name in names)
    base, deltas = _base_and_deltas(view)
    parts = []
    if base:
        hidden = (
            f" ANTI JOIN ({_touched(folder, deltas)}) AS touched USING ({RESOURCE_KEY})" if deltas else ""
        )
        parts.append(f"SELECT {listed} FROM {_files(folder, base)}{hidden}")
    if any(one.parts for one in deltas):
        parts.append(f"SELECT {listed} FROM ({_current(folder, deltas)})")
    if parts:
        return " UNION ALL ".join(parts)
    empty = ", ".join(f'CAST(NULL AS {view.columns[name]}) AS "{name}"' for name in names)
    return f"SELECT {empty} WHERE false"


def write_segment(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    view: PublishedView,
    made: Mapping[str, tuple[str, str]],
    instead: Mapping[str, str],
    number: int,
    rows: Sequence[Mapping[str, Any]],
    touched: Sequence[str],
) -> Segment:
    """Write the rows of the `touched` resources (ids) as segment `number` and return it.

    `made` are the view's derived columns (`layout.derived`), which `rows` do not have; `instead` is what is published in
    place of some (`layout.kept`).
    """
    parts: tuple[RowFile, ...] = ()
    if rows:
        name, count = _write(
            connection, folder, f"{view.name}-{number}-rows", view.columns, made, rows, instead
        )
        parts = (RowFile(name=name, rows=count),)
    marks = [{"resource_id": one} for one in touched]
    key = {RESOURCE_KEY: ("BIGINT", key_sql(f"{quoted(view.resource + '/')} || resource_id"))}
    shape = {"resource_id": "VARCHAR", RESOURCE_KEY: "BIGINT"}
    touched_file, _ = _write(connection, folder, f"{view.name}-{number}-touched", shape, key, marks)
    return Segment(number=number, parts=parts, touched=touched_file, touched_count=len(touched))


def merge_deltas(connection: duckdb.DuckDBPyConnection, folder: Path, view: PublishedView) -> PublishedView:
    """Return `view` with all its deltas in one; the base stays as it is."""
    base = [segment for segment in view.segments if not segment.touched]
    _, deltas = _base_and_deltas(view)
    number = deltas[-1].number
    parts: tuple[RowFile, ...] = ()
    if any(one.parts for one in deltas):
        listed = ", ".join(f'"{name}"' for name in view.columns)
        sql = f"SELECT {listed} FROM ({_current(folder, deltas)})"
        parts = _written(connection, folder, _name(view.name, number, "rows"), sql)
    touched = f"SELECT DISTINCT resource_id, {RESOURCE_KEY} FROM ({_touched(folder, deltas)})"
    touched_name = _name(view.name, number, "touched")
    count = _copy(connection, folder, touched, touched_name)
    merged = Segment(number=number, parts=parts, touched=touched_name, touched_count=count)
    return msgspec.structs.replace(view, segments=(*base, merged))


def rewritten_rows(view: PublishedView) -> int:
    """Return how many rows a compaction of `view` rewrites at most."""
    return sum(segment.row_count for segment in view.segments)


def compact(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    view: PublishedView,
    *,
    partition_rows: int = PARTITION_ROWS,
) -> PublishedView:
    """Return `view` as one base: the rows that count now, ordered by person and resource.

    A large one is a file per year; of these, only those that hold a touched resource or get new rows are written.
    """
    number = view.segments[-1].number
    base, deltas = _base_and_deltas(view)
    parted = bool(view.partition) and rewritten_rows(view) >= partition_rows
    if parted and not deltas and all(one.year != WHOLE for one in base):
        parts: tuple[RowFile, ...] = tuple(base)
    elif parted and all(one.year != WHOLE for one in base):
        parts = _by_year(connection, folder, view, base, deltas, number)
    else:
        least = partition_rows if parted else rewritten_rows(view) + 1
        parts = write_base(connection, folder, view, _exact(folder, view, base, deltas), number, least)
    return msgspec.structs.replace(view, segments=(Segment(number=number, parts=parts),))


def touched_since(folder: Path, view: PublishedView, number: int) -> str:
    """Return the SELECT of the ids and keys of the resources that segments above `number` touch."""
    _, deltas = _base_and_deltas(view)
    later = [one for one in deltas if one.number > number]
    if not later:
        return f"SELECT '' AS resource_id, CAST(0 AS BIGINT) AS {RESOURCE_KEY} WHERE false"
    return _touched(folder, later)


# ---------------------------------------------------------------------- compaction by year


def _by_year(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    view: PublishedView,
    base: Sequence[RowFile],
    deltas: Sequence[Segment],
    number: int,
) -> tuple[RowFile, ...]:
    """Write the files that hold a touched resource, and a file of each year that gets rows; the others stay in use."""
    held = _holding(connection, folder, base, deltas) if base else frozenset()
    filled = any(one.parts for one in deltas)
    new_years = set(_years(connection, view, f"({_current(folder, deltas)})")) if filled else set()
    by_year: dict[int, list[RowFile]] = {}
    for one in base:
        by_year.setdefault(one.year, []).append(one)
    parts: list[RowFile] = []
    for year in sorted(by_year.keys() | new_years):
        files = by_year.get(year, [])
        before = [one for one in files if one.name in held]
        if year in new_years and files and not before:  # what is new goes into the smallest
            before = [min(files, key=lambda one: one.rows)]
        parts += [one for one in files if one not in before]
        if before or year in new_years:
            current = f"SELECT * FROM ({_exact(folder, view, before, deltas)}) WHERE {_in_year(view, year)}"
            stem = _name(view.name, number, f"base-{year}")
            parts += _written(connection, folder, stem, f"{current} ORDER BY {_ORDER}", year)
    return tuple(parts)


def _holding(
    connection: duckdb.DuckDBPyConnection, folder: Path, base: Sequence[RowFile], deltas: Sequence[Segment]
) -> frozenset[str]:
    """Return the names of the files that hold a touched resource."""
    sql = (
        f"SELECT DISTINCT filename FROM {_files(folder, base, named=True)} "
        f"SEMI JOIN ({_touched(folder, deltas)}) AS touched USING (resource_id)"
    )
    return frozenset(Path(str(row[0])).name for row in connection.execute(sql).fetchall())


def write_base(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    view: PublishedView,
    rows: str,
    number: int,
    partition_rows: int = PARTITION_ROWS,
) -> tuple[RowFile, ...]:
    """Write the rows of a SELECT, dressed as they are published, as a base: a file, or one per year of a large one."""
    if view.partition:
        counted = f"SELECT {year_sql(view)} AS year, count(*) FROM ({rows}) GROUP BY year ORDER BY year"
        years = {int(row[0]): int(row[1]) for row in connection.execute(counted).fetchall()}
        if sum(years.values()) >= partition_rows:
            found: list[RowFile] = []
            for year in years:
                sql = f"SELECT * FROM ({rows}) WHERE {_in_year(view, year)} ORDER BY {_ORDER}"
                stem = _name(view.name, number, f"base-{year}")
                found.extend(_written(connection, folder, stem, sql, year))
            return tuple(found)
    return _written(
        connection, folder, _name(view.name, number, "base"), f"SELECT * FROM ({rows}) ORDER BY {_ORDER}"
    )


def write_part(
    connection: duckdb.DuckDBPyConnection, folder: Path, view: PublishedView, stem: str, rows: str
) -> tuple[RowFile, ...]:
    """Write the rows of a SELECT, dressed as they are published, as part of a base: files named `stem`, each of a year
    where the view is parted by year. No rows, no file."""
    written = _written(connection, folder, f"{stem}.parquet", f"{rows} ORDER BY {_ORDER}")
    if not written or not view.partition:
        return written
    years = _years(connection, view, _files(folder, written))
    if len(years) == 1:
        return (msgspec.structs.replace(written[0], year=years[0]),)
    found: list[RowFile] = []
    for year in years:
        sql = f"SELECT * FROM {_files(folder, written)} WHERE {_in_year(view, year)} ORDER BY {_ORDER}"
        found.extend(_written(connection, folder, f"{stem}-{year}.parquet", sql, year))
    (folder / PARTS / written[0].name).unlink()
    return tuple(found)


def _years(connection: duckdb.DuckDBPyConnection, view: PublishedView, source: str) -> list[int]:
    sql = f"SELECT DISTINCT {year_sql(view)} AS year FROM {source} ORDER BY year"
    return [int(row[0]) for row in connection.execute(sql).fetchall()]


def year_sql(view: PublishedView) -> str:
    """Return the year of a row of a parted view; 0 where it is unknown."""
    # a year before 1 is no year of ours: it goes to the unknown
    return f'greatest(coalesce(year("{view.partition}"), 0), 0)'


def _in_year(view: PublishedView, year: int) -> str:
    return f"{year_sql(view)} = {year}"


# ---------------------------------------------------------------------- sources


def _base_and_deltas(view: PublishedView) -> tuple[list[RowFile], list[Segment]]:
    base = [part for segment in view.segments if not segment.touched for part in segment.parts]
    return base, [segment for segment in view.segments if segment.touched]


def _touched(folder: Path, deltas: Sequence[Segment]) -> str:
    names = ", ".join(_path(folder, one.touched) for one in deltas)
    return f"SELECT resource_id, {RESOURCE_KEY} FROM read_parquet([{names}])"


def _current(folder: Path, deltas: Sequence[Segment]) -> str:
    """Return the SELECT of the deltas' rows that no later delta replaces; exact, by id."""
    filled = [one for one in deltas if one.parts]
    if len(deltas) == 1:
        return f"SELECT * FROM {_files(folder, filled[0].parts)}"
    rows = " UNION ALL BY NAME ".join(
        f"SELECT *, {one.number} AS segment_number FROM {_files(folder, one.parts)}" for one in filled
    )
    marks = " UNION ALL ".join(
        f"SELECT resource_id, {one.number} AS touched_number FROM read_parquet({_path(folder, one.touched)})"
        for one in deltas
    )
    latest = f"SELECT resource_id, max(touched_number) AS touched_number FROM ({marks}) GROUP BY resource_id"
    return (
        f"SELECT made.* EXCLUDE (segment_number) FROM ({rows}) AS made JOIN ({latest}) AS latest "
        "ON latest.resource_id = made.resource_id AND latest.touched_number = made.segment_number"
    )


def _exact(folder: Path, view: PublishedView, base: Sequence[RowFile], deltas: Sequence[Segment]) -> str:
    """Return the SELECT of the rows that count, of some files of the base: by id, where readers compare keys."""
    listed = ", ".join(f'"{name}"' for name in view.columns)
    parts = []
    if base:
        hidden = f" ANTI JOIN ({_touched(folder, deltas)}) AS touched USING (resource_id)" if deltas else ""
        parts.append(f"SELECT {listed} FROM {_files(folder, base)}{hidden}")
    if any(one.parts for one in deltas):
        parts.append(f"SELECT {listed} FROM ({_current(folder, deltas)})")
    return " UNION ALL ".join(parts) or relation(folder, msgspec.structs.replace(view, segments=()))


def _files(folder: Path, files: Iterable[RowFile], *, named: bool = False) -> str:
    names = ", ".join(_path(folder, one.name) for one in files)
    return f"read_parquet([{names}]{', filename = true' if named else ''})"


def _path(folder: Path, name: str) -> str:
    return quoted(str((folder / PARTS / name).resolve()))


def _name(view: str, number: int, kind: str) -> str:
    # the random part keeps a file of an unpublished attempt from ever being taken for this one
    return f"{view}-{number}-{kind}-{secrets.token_hex(4)}.parquet"


# ---------------------------------------------------------------------- writing


def _written(
    connection: duckdb.DuckDBPyConnection, folder: Path, name: str, sql: str, year: int = WHOLE
) -> tuple[RowFile, ...]:
    """Write the rows of `sql` and return their file; none where there are no rows."""
    count = _copy(connection, folder, sql, name)
    if not count:
        (folder / PARTS / name).unlink()
        return ()
    return (RowFile(name=name, rows=count, year=year),)


def _copy(connection: duckdb.DuckDBPyConnection, folder: Path, sql: str, name: str) -> int:
    """Write the rows of `sql` as the file `name` under `parts`, to the disk, and return how many there are."""
    path = (folder / PARTS / name).resolve()
    answer = connection.execute(f"COPY ({sql}) TO {quoted(str(path))} {_PARQUET}").fetchone()
    sync_file(path)
    return int(answer[0]) if answer else 0


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    stem: str,
    columns: Mapping[str, str],
    made: Mapping[str, tuple[str, str]],
    rows: Sequence[Mapping[str, Any]],
    instead: Mapping[str, str] | None = None,
) -> tuple[str, int]:
    """Write `rows` with the columns that are derived of them; return the file's name and how many there are."""
    name = f"{stem}-{secrets.token_hex(4)}.parquet"
    lines = (folder / PARTS / f"{name}.ndjson").resolve()
    given = {column: kind for column, kind in columns.items() if column not in made}
    try:
        with lines.open("wb") as file:
            file.write(_ENCODER.encode_lines(rows))
        shape = ", ".join(f'"{column}": {quoted(kind)}' for column, kind in given.items())
        source = (
            f"read_json({quoted(str(lines))}, format = 'newline_delimited', columns = {{{shape}}}, "
            "maximum_object_size = 67108864)"
        )
        count = _copy(connection, folder, dressed(source, given, made, instead), name)
    finally:
        lines.unlink(missing_ok=True)
    return name, count
