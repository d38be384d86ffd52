"""Tables of views written straight from SQL, without a feed: what a made city of many millions needs.

What is published is what the keeper publishes: the same manifest, the same columns, so that every reader reads it.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from kangshu.base.faults import Conflict, Invalid
from kangshu.measures.engine import connect, quoted
from kangshu.measures.manifest import (
    MANIFEST,
    PARTS,
    Manifest,
    PublishedView,
    Segment,
    publish,
    read_manifest,
)
from kangshu.measures.segments import copy_rows
from kangshu.measures.views import CompiledView, Views

_FETCHED: Final = 10_000


class DirectViews:
    """A DuckDB session that makes the tables of `views` in `folder`, which must be new; `close` ends it.

    Files are named `view-part.parquet`; each belongs to the view's base. Nothing is seen before `publish`.
    """

    def __init__(self, folder: Path, views: Views, *, memory: str, threads: int = 2) -> None:
        """Open the session in `memory` (as "2GB"). Raises Conflict where something is published already."""
        if (folder / MANIFEST).exists():
            raise Conflict(f"{folder} has published views already", zh=f"目录 {folder} 中已有发布的指标视图")
        (folder / PARTS).mkdir(parents=True, exist_ok=True)
        self._folder, self._views = folder, views
        self._connection = connect(memory=memory, threads=threads, readable=[folder], spill=True)
        self._files: dict[str, list[tuple[str, int]]] = {}

    @property
    def views(self) -> Views:
        """The views whose tables it makes."""
        return self._views

    def close(self) -> None:
        """End the session; its tables are gone, its files stay."""
        self._connection.close()

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Run a statement: tables and macros that later statements read."""
        self._connection.execute(sql, dict(values or {}))

    def fill(self, table: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """Make `table` anew with `columns` (name → DuckDB type) and `rows`."""
        shape = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        self._connection.execute(f'CREATE OR REPLACE TABLE "{table}" ({shape})')
        if rows:
            # a list a column: a statement a row takes a thousand times as long
            lists = ", ".join(f"unnest(CAST(? AS {kind}[]))" for kind in columns.values())
            values = [list(column) for column in zip(*rows, strict=True)]
            self._connection.execute(f'INSERT INTO "{table}" SELECT {lists}', values)

    def columns(self, sql: str) -> dict[str, str]:
        """Return the columns of a query with their DuckDB types. Raises Invalid where the query does not compile."""
        try:
            found = self._connection.execute(f"DESCRIBE {sql}").fetchall()
        except duckdb.Error as error:
            raise Invalid(f"a query does not compile: {' '.join(str(error).splitlines()[:6])}") from error
        return {row[0]: row[1] for row in found}

    def rows(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, fetched as they are asked for; one query at a time."""
        answer = self._connection.execute(sql)
        while found := answer.fetchmany(_FETCHED):
            yield from found

    def write(self, view: str, part: str, sql: str) -> int:
        """Write the rows of `sql`, whose columns are the view's, as its file `part`; return how many there are."""
        compiled = self._views[view]
        name = f"{view}-{part}.parquet"
        listed = ", ".join(f'"{column}"' for column in compiled.all_columns())
        count = copy_rows(self._connection, self._folder, f"SELECT {listed} FROM ({sql})", name)
        if count:
            self._files.setdefault(view, []).append((name, count))
        else:
            (self._folder / PARTS / name).unlink()
        return count

    def table(self, view: str) -> str:
        """Return the SELECT of what has been written of a view so far."""
        names = [quoted(str((self._folder / PARTS / name).resolve())) for name, _ in self._files[view]]
        return f"SELECT * FROM read_parquet([{', '.join(names)}])"

    def publish(self, source: str, position: int, instant: str) -> Manifest:
        """Publish all views, those without rows too, as of a feed `position` of `source`, and return the manifest."""
        made = {view.name: _published(view, self._files.get(view.name, [])) for view in self._views}
        manifest = Manifest(source=source, position=position, instant=instant, views=made)
        publish(self._folder, manifest)
        return manifest


def join_views(folders: Sequence[Path], folder: Path) -> Manifest:
    """Publish in `folder` the tables that were made in parts in `folders`, whose files are linked, not copied.

    The source is the first's, the position the sum. Raises Conflict where something is published in `folder`, Invalid
    where the parts are not of one city and one set of views or hold the same part twice.
    """
    if (folder / MANIFEST).exists():
        raise Conflict(f"{folder} has published views already", zh=f"目录 {folder} 中已有发布的指标视图")
    manifests = [read_manifest(one) for one in folders]
    marks = {
        (one.source, *((view.name, view.fingerprint) for view in one.views.values())) for one in manifests
    }
    if len(marks) != 1:
        raise Invalid(
            "the parts are not of one city and one set of views", zh="各部分不属于同一城市或同一套视图"
        )
    (folder / PARTS).mkdir(parents=True, exist_ok=True)
    bases: dict[str, Segment] = {}
    for origin, manifest in zip(folders, manifests, strict=True):
        for view in manifest.views.values():
            for segment in view.segments:
                for name in segment.row_files():
                    _link(origin / PARTS / name, folder / PARTS / name)
                before = bases.get(view.name, Segment(number=1, rows=()))
                bases[view.name] = Segment(
                    number=1,
                    rows=(*before.row_files(), *segment.row_files()),
                    row_count=before.row_count + segment.row_count,
                )
    views = {
        name: msgspec.structs.replace(view, segments=(bases[name],) if name in bases else ())
        for name, view in manifests[0].views.items()
    }
    made = msgspec.structs.replace(manifests[0], position=sum(one.position for one in manifests), views=views)
    publish(folder, made)
    return made


def _link(origin: Path, target: Path) -> None:
    try:
        target.hardlink_to(origin.resolve())
    except FileExistsError as error:
        raise Invalid(f"two parts hold {target.name}", zh=f"有两个部分都包含 {target.name}") from error
    except OSError:  # another file system
        shutil.copyfile(origin, target)


def _published(view: CompiledView, files: Sequence[tuple[str, int]]) -> PublishedView:
    base = Segment(
        number=1, rows=tuple(name for name, _ in files), row_count=sum(count for _, count in files)
    )
    return PublishedView(
        name=view.name,
        resource=view.view.resource,
        fingerprint=view.fingerprint,
        columns=view.all_columns(),
        segments=(base,) if files else (),
    )
