"""Stored results: the atoms of every measure at the days that pages show, kept by the background worker.

A file per measure and day; `results.json` names them and is replaced in one step. What is stored is what an account gets
that may count everything.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from kangshu.access import Everything
from kangshu.base.clock import instant, now
from kangshu.base.faults import Fault
from kangshu.measures.atoms import (
    atoms_sql,
    content_key,
    definition_key,
    every_dimension,
    key_columns,
    summed,
)
from kangshu.measures.dimensions import views_of
from kangshu.measures.engine import WORKER_MEMORY, bound, connect, quoted
from kangshu.measures.keeper import Refreshed
from kangshu.measures.layout import PATIENT_KEY, RESOURCE_KEY, key_of
from kangshu.measures.manifest import PARTS, Manifest, PublishedView, put_in_place, sync_file
from kangshu.measures.segments import relation
from kangshu.measures.statement import MACROS, Bound, Relation, measured
from kangshu.sdk import MeasureDeclaration

_LOG: Final = logging.getLogger(__name__)
RESULTS: Final = "results"
INDEX: Final = "results.json"
_MOST_AFFECTED: Final = 20_000
_GRACE: Final = 600.0


class StoredMeasure(msgspec.Struct, frozen=True, kw_only=True):
    """The atoms of one measure for one period. `content` and `definition` say what they follow from (`atoms`)."""

    measure: str
    start: date
    end: date
    content: str
    definition: str
    file: str
    position: int
    instant: str
    parameters: dict[str, str] = {}


class StoredResults(msgspec.Struct, frozen=True, kw_only=True):
    """All that is stored: by `<measure>@<end>`; `views` are those that it was computed from."""

    source: str = ""
    position: int = 0
    instant: str = ""
    measures: dict[str, StoredMeasure] = {}
    views: dict[str, PublishedView] = {}
    retired: dict[str, float] = {}

    def files(self) -> frozenset[str]:
        """Return the names of the files in use."""
        return frozenset(one.file for one in self.measures.values())


@dataclass(frozen=True, slots=True)
class Wanted:
    """A measure for a period, with the values of its parameters by id."""

    measure: MeasureDeclaration
    start: date
    end: date
    parameters: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Under which the atoms are stored."""
        return f"{self.measure.id}@{self.end}"


@dataclass(frozen=True, slots=True)
class Computed:
    """What one refresh of the results did: how many measures were computed whole, and how many by what changed."""

    whole: int
    changed: int
    kept: int
    seconds: float


def read_results(folder: Path) -> StoredResults:
    """Return what is stored in `folder`; nothing before the first, or where it cannot be read."""
    try:
        return msgspec.json.decode((folder / INDEX).read_bytes(), type=StoredResults)
    except (OSError, msgspec.DecodeError):
        return StoredResults()


class ResultKeeper:
    """Keeps the stored results of the views in `folder`. The background worker alone runs it."""

    def __init__(
        self,
        folder: Path,
        *,
        memory: str = WORKER_MEMORY,
        grace: float = _GRACE,
        most_affected: int = _MOST_AFFECTED,
    ) -> None:
        """`most_affected`: above so many residents whose records changed, a measure is computed whole."""
        self._folder, self._memory, self._grace, self._most = folder, memory, grace, most_affected
        (folder / RESULTS).mkdir(parents=True, exist_ok=True)
        self._noted: list[Refreshed] = []
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def note(self, refreshed: Refreshed) -> None:
        """Take down what a refresh of the views touched, for the next refresh of the results."""
        if refreshed.changes:
            with self._lock:
                self._noted.append(refreshed)

    def refresh(self, manifest: Manifest, wanted: Iterable[Wanted]) -> Computed:
        """Bring what is stored up to `manifest`. A measure that cannot be computed is logged and left out."""
        began = time.monotonic()
        before = read_results(self._folder)
        if before.source != manifest.source:
            before = StoredResults(source=manifest.source, retired=before.retired)
        touched = self._touched_between(before.position, manifest.position)
        made: dict[str, StoredMeasure] = {}
        whole = changed = 0
        with self._connected() as connection:
            work = _Work(self._folder, connection, before, manifest, touched, self._most)
            for one in wanted:
                if any(
                    name not in manifest.views for name in views_of(one.measure, every_dimension(one.measure))
                ):
                    continue
                try:
                    stored, how = work.bring_up(one)
                except (Fault, duckdb.Error) as error:
                    if one.name not in self._told:
                        why = str(error).splitlines()[0]
                        _LOG.warning("measure %s is not stored: %s", one.measure.id, why)
                        self._told.add(one.name)
                    continue
                made[one.name] = stored
                whole, changed = whole + (how == "whole"), changed + (how == "changed")
        after = StoredResults(
            source=manifest.source, position=manifest.position, instant=instant(now()), measures=made,
            views=manifest.views,
        )  # fmt: skip
        self._publish(before, after)
        with self._lock:
            self._noted = [one for one in self._noted if one.position > manifest.position]
        return Computed(whole, changed, len(made) - whole - changed, time.monotonic() - began)

    def _touched_between(self, start: int, end: int) -> dict[str, set[str]] | None:
        """Return the ids that were touched between two positions, by type; None where not all is known."""
        with self._lock:
            chain = [one for one in self._noted if start <= one.start and one.position <= end]
        touched: dict[str, set[str]] = {}
        for one in chain:
            if one.start != start:
                return None
            start = one.position
            for kind, ids in one.touched.items():
                touched.setdefault(kind, set()).update(ids)
        return touched if start == end else None

    def _connected(self) -> duckdb.DuckDBPyConnection:
        connection = connect(memory=self._memory, readable=[self._folder], spill=True)
        for macro in MACROS:
            connection.execute(macro)
        return connection

    def _publish(self, before: StoredResults, after: StoredResults) -> None:
        moment = time.time()
        in_use = after.files()
        retired = {**before.retired, **dict.fromkeys(before.files() - in_use, moment)}
        kept = {
            name: since
            for name, since in retired.items()
            if moment - since <= self._grace and name not in in_use
        }
        put_in_place(self._folder, INDEX, RESULTS, msgspec.structs.replace(after, retired=kept))
        for path in (self._folder / RESULTS).iterdir():
            if (
                path.name not in in_use
                and path.name not in kept
                and moment - path.stat().st_mtime > self._grace
            ):
                path.unlink(missing_ok=True)


class _Work:
    """One refresh: what stood before, what is wanted now, and who is affected by what changed between."""

    def __init__(
        self,
        folder: Path,
        connection: duckdb.DuckDBPyConnection,
        before: StoredResults,
        manifest: Manifest,
        touched: Mapping[str, set[str]] | None,
        most_affected: int,
    ) -> None:
        self._folder, self._connection, self._before, self._manifest = folder, connection, before, manifest
        self._touched, self._most = touched, most_affected
        self._affected: set[int] = set()
        self._known: dict[str, bool] = {}
        self._parts: dict[tuple[str, str], str] = {}
        self._of_nobody: dict[str, bool] = {}

    def bring_up(self, one: Wanted) -> tuple[StoredMeasure, str]:
        """Return the measure's atoms as of the manifest, and whether they were `kept`, `changed` or `whole`."""
        period = (one.start, one.end)
        source = self._manifest.source
        content = content_key(one.measure, self._manifest.views, source, one.parameters, period)
        known = self._before.measures.get(one.name)
        if known is not None and known.content == content and self._path(known.file).exists():
            # nothing that it follows from has changed: it is as of now
            now_at = self._manifest.position, self._manifest.instant
            return msgspec.structs.replace(known, position=now_at[0], instant=now_at[1]), "kept"
        definition = definition_key(one.measure, source, one.parameters, period)
        file = f"{one.measure.id}-{one.end}-{secrets.token_hex(4)}.parquet"
        how = "whole"
        if known is not None and known.definition == definition and self._by_changes(one, known):
            self._write_changed(one, known, file)
            how = "changed"
        else:
            query = self._query(one, self._whole)
            self._copy(atoms_sql(one.measure, query), query.values, file)
        stored = StoredMeasure(
            measure=one.measure.id, start=one.start, end=one.end, content=content, definition=definition, file=file,
            position=self._manifest.position, instant=self._manifest.instant,
            parameters={name: str(one.parameters[name]) for name in one.measure.parameters},
        )  # fmt: skip
        return stored, how

    # ------------------------------------------------------------------ by what changed

    def _by_changes(self, one: Wanted, known: StoredMeasure) -> bool:
        """Return whether the atoms of before and the residents whose records changed tell the atoms of now."""
        if one.measure.per != "person" or self._touched is None or not self._path(known.file).exists():
            return False
        used = views_of(one.measure, every_dimension(one.measure))
        before, after = self._before.views, self._manifest.views
        if any(name not in before or before[name].fingerprint != after[name].fingerprint for name in used):
            return False
        if not all((self._folder / PARTS / file).exists() for name in used for file in _files(before[name])):
            return False
        changed = [name for name in used if before[name].changed != after[name].changed]
        return all(self._residents_of(name) for name in changed)

    def _residents_of(self, name: str) -> bool:
        """Add the residents of a changed view's touched records to the affected, once; return whether they are known."""
        if name not in self._known:
            self._known[name] = self._add_residents(name)
        return self._known[name]

    def _add_residents(self, name: str) -> bool:
        after, before = self._manifest.views[name], self._before.views[name]
        ids = (self._touched or {}).get(after.resource, set())
        if len(ids) > self._most:
            return False
        keys = [key_of(f"{after.resource}/{id_}") for id_ in ids]
        self._connection.execute("CREATE OR REPLACE TEMP TABLE touched (key BIGINT)")
        sql = "INSERT INTO touched SELECT unnest(CAST($keys AS BIGINT[]))"
        self._connection.execute(sql, {"keys": keys})
        found = " UNION ".join(
            f"SELECT {PATIENT_KEY} FROM ({relation(self._folder, view, (PATIENT_KEY, RESOURCE_KEY))}) "
            f"WHERE {RESOURCE_KEY} IN (SELECT key FROM touched)"
            for view in (before, after)
        )
        keys_found = [row[0] for row in self._connection.execute(found).fetchall()]
        # what belongs to no resident may matter to anybody
        if None in keys_found or len(self._affected) + len(keys_found) > self._most:
            return False
        if not self._affected.issuperset(keys_found):
            self._affected.update(keys_found)
            self._parts.clear()
        return True

    def _write_changed(self, one: Wanted, known: StoredMeasure, file: str) -> None:
        """Write the atoms of before, less those of the affected as they were, and with them as they are now."""
        names = ", ".join(f'"{name}"' for name in key_columns(one.measure))
        kept = quoted(str(self._path(known.file)))
        parts = [f"SELECT {names}, numerator, denominator FROM read_parquet({kept})"]
        for sign, table in (("-", "were"), ("", "are")):
            query = self._query(one, partial(self._part, when=table))
            sql = f"CREATE OR REPLACE TEMP TABLE {table} AS {atoms_sql(one.measure, query)}"
            self._connection.execute(sql, bound(sql, query.values))
            parts.append(f"SELECT {names}, {sign}numerator, {sign}denominator FROM {table}")
        self._copy(summed(one.measure, " UNION ALL ".join(parts)), {}, file)

    def _part(self, name: str, when: str) -> str:
        """Return the SELECT of a view's rows of the affected (and of nobody's), as they were or as they are.

        They are few, and many measures ask for them: each view is looked through once.
        """
        before, after = self._before.views[name], self._manifest.views[name]
        if before.changed == after.changed:
            when = "are"
        table = self._parts.get((name, when))
        if table is None:
            table = f"part_{when}_{name}"
            keys = ", ".join(str(key) for key in sorted(self._affected))
            kept = f"{PATIENT_KEY} IS NULL{f' OR {PATIENT_KEY} IN ({keys})' if keys else ''}"
            source = relation(self._folder, before if when == "were" else after)
            if not self._nobodys(name):
                kept = f"{PATIENT_KEY} IN ({keys})" if keys else "false"
            self._connection.execute(
                f'CREATE OR REPLACE TEMP TABLE "{table}" AS SELECT * FROM ({source}) WHERE {kept}'
            )
            self._parts[name, when] = table
        return f'SELECT * FROM "{table}"'

    def _nobodys(self, name: str) -> bool:
        """Return whether a view has rows that belong to no resident: institutions, beds."""
        if name not in self._of_nobody:
            source = relation(self._folder, self._manifest.views[name], (PATIENT_KEY,))
            sql = f"SELECT 1 FROM ({source}) WHERE {PATIENT_KEY} IS NULL LIMIT 1"
            self._of_nobody[name] = bool(self._connection.execute(sql).fetchall())
        return self._of_nobody[name]

    # ------------------------------------------------------------------ statements

    def _query(self, one: Wanted, source: Relation) -> Bound:
        by = every_dimension(one.measure)
        everything: Callable[[str], Everything] = lambda _: Everything()  # noqa: E731
        return measured(one.measure, source, everything, one.parameters, one.start, one.end, by)

    def _whole(self, name: str) -> str:
        return relation(self._folder, self._manifest.views[name])

    def _copy(self, sql: str, values: Mapping[str, Any], file: str) -> None:
        path = self._path(file)
        statement = f"COPY ({sql}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        self._connection.execute(statement, bound(statement, values))
        sync_file(path)

    def _path(self, file: str) -> Path:
        return (self._folder / RESULTS / file).resolve()


def _files(view: PublishedView) -> Sequence[str]:
    return [name for segment in view.segments for name in segment.files()]
