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
from kangshu.measures.engine import connect
from kangshu.measures.layout import dressed, key_sql, looked_up, one_way
from kangshu.measures.manifest import (
    MANIFEST,
    PARTS,
    Manifest,
    PublishedView,
    RowFile,
    Segment,
    publish,
    read_manifest,
)
from kangshu.measures.segments import relation, write_part
from kangshu.measures.statement import MACROS
from kangshu.measures.views import Views

_FETCHED: Final = 10_000


class DirectViews:
    """A DuckDB session that makes the tables of `views` in `folder`, which must be new; `close` ends it.

    Files are named `view-part.parquet` (`view-part-year.parquet` where a view is parted by year and the part is of
    several); all are dressed and ordered as the keeper's are and make up the view's base. Nothing is seen before
    `publish`.
    """

    def __init__(self, folder: Path, views: Views, *, memory: str, threads: int = 2) -> None:
        """Open the session in `memory` (as "2GB"). Raises Conflict where something is published already."""
        if (folder / MANIFEST).exists():
            raise Conflict(f"{folder} has published views already", zh=f"目录 {folder} 中已有发布的指标视图")
        (folder / PARTS).mkdir(parents=True, exist_ok=True)
        self._folder, self._views = folder, views
        self._connection = connect(memory=memory, threads=threads, readable=[folder], spill=True)
        for macro in MACROS:
            self._connection.execute(macro)
        self._connection.execute(one_way(views.key))
        self._files: dict[str, list[RowFile]] = {}
        self._known = ""

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

    def know(self, references: str) -> None:
        """Look up the keys of these references (a SELECT of one column of text, none twice) in what is written next."""
        self._known = "known_keys"
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {self._known} AS "
            f"SELECT reference, {key_sql('reference')} AS key FROM ({references}) AS known(reference)"
        )

    def write(self, view: str, part: str, sql: str) -> int:
        """Write the rows of `sql`, which have a view's own and the scope columns, as its `part`; return how many."""
        compiled = self._views[view]
        columns = compiled.given_columns()
        listed = ", ".join(f'"{column}"' for column in columns)
        given = f"(SELECT {listed} FROM ({sql})) AS given"
        rows = (
            looked_up(given, columns, compiled.derived, self._known, compiled.kept)
            if self._known
            else dressed(given, columns, compiled.derived, compiled.kept)
        )
        files = write_part(self._connection, self._folder, compiled.blank(), f"{view}-{part}", rows)
        self._files.setdefault(view, []).extend(files)
        return sum(one.rows for one in files)

    def table(self, view: str) -> str:
        """Return the SELECT of what has been written of a view so far."""
        return relation(self._folder, _based(self._views[view].blank(), self._files.get(view, [])))

    def publish(self, source: str, position: int, instant: str) -> Manifest:
        """Publish all views, those without rows too, as of a feed `position` of `source`, and return the manifest."""
        made = {
            view.name: _based(view.blank(position), self._files.get(view.name, [])) for view in self._views
        }
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
    files: dict[str, list[RowFile]] = {name: [] for name in manifests[0].views}
    for origin, manifest in zip(folders, manifests, strict=True):
        for view in manifest.views.values():
            found = [one for segment in view.segments for one in segment.parts]
            for one in found:
                _link(origin / PARTS / one.name, folder / PARTS / one.name)
            files[view.name].extend(found)
    position = sum(one.position for one in manifests)
    views = {
        name: _based(msgspec.structs.replace(view, changed=position), files[name])
        for name, view in manifests[0].views.items()
    }
    made = msgspec.structs.replace(manifests[0], position=position, views=views)
    publish(folder, made)
    return made


def _based(view: PublishedView, files: Sequence[RowFile]) -> PublishedView:
    segments = (Segment(number=1, parts=tuple(files)),) if files else ()
    return msgspec.structs.replace(view, segments=segments)


def _link(origin: Path, target: Path) -> None:
    try:
        target.hardlink_to(origin.resolve())
    except FileExistsError as error:
        raise Invalid(f"two parts hold {target.name}", zh=f"有两个部分都包含 {target.name}") from error
    except OSError:  # another file system
        shutil.copyfile(origin, target)
