"""Views that were written elsewhere (a generated city, a bulk load) are published as they stand: one base per view."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import msgspec

from kangshu.base.clock import instant, now
from kangshu.base.faults import Invalid
from kangshu.measures.engine import WORKER_MEMORY, connect, quoted
from kangshu.measures.layout import dressed, one_way
from kangshu.measures.manifest import (
    PARTS,
    WHOLE,
    Manifest,
    PublishedView,
    RowFile,
    Segment,
    publish,
    sync_file,
)
from kangshu.measures.segments import PARTITION_ROWS, write_base, year_sql
from kangshu.measures.statement import MACROS
from kangshu.measures.views import CompiledView, Views


def adopt(
    folder: Path,
    views: Views,
    files: Mapping[str, Sequence[Path]],
    *,
    source: str,
    position: int = 0,
    memory: str = WORKER_MEMORY,
    partition_rows: int = PARTITION_ROWS,
) -> Manifest:
    """Publish in `folder` the rows of Parquet files by view, as of `position` of the database `source`.

    The files have a view's own columns and the scope columns, in any order; keys and days are derived of them here.
    Files that have the derived columns too, in the order of `CompiledView.all_columns`, are put in place as they are:
    whoever writes them orders them by patient_key and resource_key, and parts them by year. A view without files is
    empty. Raises Invalid for a view that is not declared.
    """
    unknown = sorted(set(files) - {view.name for view in views})
    if unknown:
        raise Invalid(f"there is no view '{unknown[0]}'", zh=f"没有视图“{unknown[0]}”")
    (folder / PARTS).mkdir(parents=True, exist_ok=True)
    places = [folder, *{path.parent for given in files.values() for path in given}]
    published: dict[str, PublishedView] = {}
    with connect(memory=memory, readable=places, spill=True) as connection:
        for macro in MACROS:
            connection.execute(macro)
        connection.execute(one_way(views.key))
        for view in views:
            blank = view.blank(position)
            parts: tuple[RowFile, ...] = ()
            given = files.get(view.name)
            if given and _is_dressed(connection, view, given):
                parts = tuple(_placed(connection, folder, blank, path) for path in given)
            elif given:
                parts = write_base(connection, folder, blank, _dressed(view, given), 1, partition_rows)
            published[view.name] = msgspec.structs.replace(blank, segments=(Segment(number=1, parts=parts),))
    manifest = Manifest(source=source, position=position, instant=instant(now()), views=published)
    publish(folder, manifest)
    return manifest


def _is_dressed(connection: duckdb.DuckDBPyConnection, view: CompiledView, files: Sequence[Path]) -> bool:
    """Return whether the files have all columns as they are published."""
    for path in files:
        shape = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({quoted(str(path.resolve()))})")
        if {row[0]: row[1] for row in shape.fetchall()} != view.all_columns():
            return False
    return True


def _placed(connection: duckdb.DuckDBPyConnection, folder: Path, view: PublishedView, path: Path) -> RowFile:
    """Put a file that is as published into its place, and return it with its year."""
    name = f"{view.name}-1-base-{secrets.token_hex(4)}.parquet"
    try:
        os.link(path, folder / PARTS / name)
    except OSError:  # another file system
        shutil.copyfile(path, folder / PARTS / name)
    sync_file(folder / PARTS / name)
    placed = quoted(str((folder / PARTS / name).resolve()))
    years = f"min({year_sql(view)}), max({year_sql(view)})" if view.partition else f"{WHOLE}, {WHOLE}"
    found = connection.execute(f"SELECT count(*), {years} FROM read_parquet({placed})").fetchall()[0]
    return RowFile(name=name, rows=int(found[0]), year=int(found[1]) if found[1] == found[2] else WHOLE)


def _dressed(view: CompiledView, files: Sequence[Path]) -> str:
    columns = view.given_columns()
    names = ", ".join(quoted(str(path.resolve())) for path in files)
    typed = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in columns.items())
    return dressed(f"(SELECT {typed} FROM read_parquet([{names}]))", columns, view.derived, view.kept)
