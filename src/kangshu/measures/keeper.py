"""Keeps the views fresh from the change feed. The background worker alone runs it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb
import msgspec

from kangshu.access import Grant, Scope, system_grant
from kangshu.base.clock import instant, now
from kangshu.base.faults import Conflict, Fault, NotFound, Unavailable
from kangshu.measures.engine import WORKER_MEMORY, connect
from kangshu.measures.layout import one_way
from kangshu.measures.manifest import PARTS, Manifest, PublishedView, publish, read_manifest
from kangshu.measures.segments import (
    PARTITION_ROWS,
    compact,
    merge_deltas,
    rewritten_rows,
    write_segment,
)
from kangshu.measures.statement import MACROS
from kangshu.measures.views import CompiledView, Views
from kangshu.sdk import Resource

_LOG: Final = logging.getLogger(__name__)
_BATCH: Final = 5000
_DELTAS: Final = 8
_SHARE: Final = 0.2
_SMALL: Final = 2000
_AT_ONCE: Final = 500_000
GRACE_SECONDS: Final = 600.0
_IDLE_SECONDS: Final = 30.0


class FeedChange(Protocol):
    """One change as the store's feed gives it."""

    @property
    def position(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def resource(self) -> Resource | None: ...
    @property
    def scope(self) -> Scope: ...


class Feed(Protocol):
    """What the keeper needs of the store: which database it is, and its changes in order from the first on."""

    @property
    def identity(self) -> str: ...

    async def feed(self, grant: Grant, after: int, limit: int = ...) -> Sequence[FeedChange]: ...

    async def feed_position(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What one refresh did: the feed position now published, and how many changes it read."""

    position: int
    instant: str
    changes: int
    start: int = -1
    """The position from which the changes were read."""
    touched: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids of the resources that the changes touched, by type."""


class ViewKeeper:
    """Materialises `views` of the records in `store` under `folder`.

    Everything is published by replacing one manifest, so that readers see all views at one feed position, and an
    interrupted refresh leaves what was published before.
    """

    def __init__(
        self,
        store: Feed,
        folder: Path,
        views: Views,
        *,
        batch: int = _BATCH,
        grace: float = GRACE_SECONDS,
        share: float = _SHARE,
        small: int = _SMALL,
        at_once: int = _AT_ONCE,
        partition_rows: int = PARTITION_ROWS,
    ) -> None:
        """`share` and `small`: a delta above share × base (and above `small` rows) is compacted into the base.

        What would rewrite more than `at_once` rows is compacted beside the refreshes. A base of `partition_rows` is
        parted by year where its view says so.
        `grace` (seconds) is how long a file that is no longer named stays for readers of older manifests.
        """
        self._store, self._folder, self._views = store, folder, views
        self._batch, self._grace, self._share, self._small = batch, grace, share, small
        self._at_once, self._partition_rows = at_once, partition_rows
        self._aside: _Aside | None = None
        self._grant = system_grant("measures: views")
        (folder / PARTS).mkdir(parents=True, exist_ok=True)

    async def refresh(self) -> Refreshed:
        """Read the feed to its end and publish. Returns the published position.

        New and changed views are built from the whole feed. Raises Conflict while another keeper works on the
        folder, and what the store raises.
        """
        with self._alone():
            published = self._published()
            manifest = self._kept(published)
            if (
                manifest.source != self._store.identity
                or manifest.position > await self._store.feed_position()
            ):
                if manifest.views:
                    _LOG.warning("the views are of another database, or of another time; all are built anew")
                manifest = Manifest(source=self._store.identity, retired=manifest.retired)
            missing = [view for view in self._views if view.name not in manifest.views]
            count = 0
            touched: dict[str, set[str]] = {}
            if missing:
                manifest = await self._caught_up(manifest, missing)
            manifest = self._settled(manifest)
            start = manifest.position
            while changes := await self._store.feed(self._grant, manifest.position, self._batch):
                count += len(changes)
                for change in changes:
                    touched.setdefault(change.type, set()).add(change.id)
                views = await asyncio.to_thread(self._apply, manifest.views, list(self._views), changes)
                manifest = msgspec.structs.replace(manifest, position=changes[-1].position, views=views)
                published = self._publish(published, manifest)
            if published.views != manifest.views or _age(published) > _IDLE_SECONDS:
                published = self._publish(published, manifest)
            self._compact_aside(manifest)
            return Refreshed(
                published.position,
                published.instant,
                count,
                start,
                {kind: frozenset(ids) for kind, ids in touched.items()},
            )

    async def settle(self) -> None:
        """Wait until what is compacted aside is done; the next refresh publishes it."""
        if self._aside is not None:
            await asyncio.to_thread(futures.wait, [self._aside.done])

    def close(self) -> None:
        """Break off what is compacted aside: it was not published, and begins anew."""
        if self._aside is not None:
            self._aside.connection.interrupt()
            futures.wait([self._aside.done])
            self._aside = None

    # ------------------------------------------------------------------ one refresh

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "keeper.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Conflict(
                    "another background worker refreshes these views", zh="另一个后台任务正在刷新指标视图"
                ) from error
            yield

    def _published(self) -> Manifest:
        try:
            return read_manifest(self._folder)
        except NotFound:
            return Manifest()
        except Unavailable:
            _LOG.warning("the views' manifest is unreadable; all views are built anew")
            return Manifest()

    def _kept(self, manifest: Manifest) -> Manifest:
        """Return `manifest` with the views that are still declared as they were and have all their files."""
        parts = self._folder / PARTS
        views = {
            name: view
            for name, view in manifest.views.items()
            if name in self._views
            and self._views[name].fingerprint == view.fingerprint
            and all((parts / file).exists() for segment in view.segments for file in segment.files())
        }
        return msgspec.structs.replace(manifest, views=views)

    async def _caught_up(self, manifest: Manifest, missing: list[CompiledView]) -> Manifest:
        """Return `manifest` with the `missing` views built up to its position; the others stay as published."""
        views = {view.name: view.blank() for view in missing}
        position = 0
        while position < manifest.position:
            limit = min(self._batch, manifest.position - position)
            read = await self._store.feed(self._grant, position, limit)
            changes = [change for change in read if change.position <= manifest.position]
            if not changes:
                break
            views = await asyncio.to_thread(self._apply, views, missing, changes)
            position = changes[-1].position
        return msgspec.structs.replace(manifest, views={**manifest.views, **views})

    def _apply(
        self, published: Mapping[str, PublishedView], views: list[CompiledView], changes: Sequence[FeedChange]
    ) -> dict[str, PublishedView]:
        """Return the views after `changes`: one more segment for each that a change touches."""
        latest: dict[str, dict[str, FeedChange]] = {}
        for change in changes:
            latest.setdefault(change.type, {})[change.id] = change
        made = dict(published)
        with self._connected() as connection:
            for view in views:
                arrived = latest.get(view.view.resource)
                if not arrived:
                    continue
                before = published[view.name]
                rows, refused = _rows(view, arrived)
                touched = _concerned(arrived, rows)
                if not touched:
                    made[view.name] = msgspec.structs.replace(before, refused=before.refused + refused)
                    continue
                number = before.segments[-1].number + 1 if before.segments else 1
                segment = write_segment(
                    connection, self._folder, before, view.derived, view.kept, number, rows, sorted(touched)
                )
                after = msgspec.structs.replace(
                    before,
                    segments=(*before.segments, segment),
                    refused=before.refused + refused,
                    changed=max(change.position for change in touched.values()),
                )
                made[view.name] = self._tidied(connection, after)
        return made

    def _connected(self) -> Any:
        connection = connect(memory=WORKER_MEMORY, readable=[self._folder], spill=True)
        for macro in MACROS:
            connection.execute(macro)
        connection.execute(one_way(self._views.key))
        return connection

    def _tidied(self, connection: Any, view: PublishedView) -> PublishedView:
        if self._aside is not None and self._aside.view.name == view.name:
            return view  # its deltas must stay as they are until the new base is there
        deltas = [segment for segment in view.segments if segment.touched]
        if self._due(view) and rewritten_rows(view) <= self._at_once:
            return compact(connection, self._folder, view, partition_rows=self._partition_rows)
        return merge_deltas(connection, self._folder, view) if len(deltas) > _DELTAS else view

    def _due(self, view: PublishedView) -> bool:
        deltas = [segment for segment in view.segments if segment.touched]
        base = sum(segment.row_count for segment in view.segments if not segment.touched)
        changed = sum(max(segment.row_count, segment.touched_count) for segment in deltas)
        return changed > max(self._small, self._share * base)

    # ------------------------------------------------------------------ compaction aside

    def _compact_aside(self, manifest: Manifest) -> None:
        """Begin to compact the first view that is due and large, if nothing is being compacted."""
        if self._aside is not None:
            return
        for view in manifest.views.values():
            if self._due(view) and rewritten_rows(view) > self._at_once:
                connection = self._connected()

                done: futures.Future[PublishedView] = futures.Future()
                self._aside = _Aside(view, connection, done)
                threading.Thread(target=self._compact, args=(self._aside,), daemon=True).start()
                return

    def _compact(self, aside: _Aside) -> None:
        try:
            with aside.connection as connection:
                made = compact(connection, self._folder, aside.view, partition_rows=self._partition_rows)
        except (duckdb.Error, OSError) as error:
            aside.done.set_exception(error)
        else:
            aside.done.set_result(made)

    def _settled(self, manifest: Manifest) -> Manifest:
        """Return `manifest` with the base that was compacted aside, under the deltas that came meanwhile."""
        aside = self._aside
        if aside is None or not aside.done.done():
            return manifest
        self._aside = None
        error = aside.done.exception()
        if error is not None:
            _LOG.warning("the view %s was not compacted: %s", aside.view.name, type(error).__name__)
            return manifest
        view = manifest.views.get(aside.view.name)
        if view is None or view.segments[: len(aside.view.segments)] != aside.view.segments:
            return manifest  # built anew meanwhile
        later = view.segments[len(aside.view.segments) :]
        whole = msgspec.structs.replace(view, segments=(*aside.done.result().segments, *later))
        return msgspec.structs.replace(manifest, views={**manifest.views, view.name: whole})

    # ------------------------------------------------------------------ publishing

    def _publish(self, before: Manifest, after: Manifest) -> Manifest:
        moment = time.time()
        in_use = after.files()
        retired = {**before.retired, **dict.fromkeys(before.files() - in_use, moment)}
        due = {name for name, since in retired.items() if moment - since > self._grace or name in in_use}
        kept = {name: since for name, since in retired.items() if name not in due}
        manifest = msgspec.structs.replace(after, instant=instant(now()), retired=kept)
        publish(self._folder, manifest)
        self._sweep(in_use | kept.keys(), moment)
        return manifest

    def _sweep(self, named: frozenset[str] | set[str], moment: float) -> None:
        """Delete what the manifest does not name: files past their grace, and what a crash left behind."""
        if self._aside is not None:
            return  # its files are named by nothing yet
        for path in (self._folder / PARTS).iterdir():
            if path.name not in named and moment - path.stat().st_mtime > self._grace:
                path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Aside:
    """A compaction beside the refreshes: of `view` as it was then."""

    view: PublishedView
    connection: Any
    done: futures.Future[PublishedView]


def _rows(view: CompiledView, touched: Mapping[str, FeedChange]) -> tuple[list[dict[str, Any]], int]:
    """Return the rows of the touched resources that are there, and how many did not fit the view."""
    rows: list[dict[str, Any]] = []
    refused = 0
    for change in touched.values():
        if change.kind == "delete" or change.resource is None:
            continue
        try:
            made = view.rows(change.resource)
        except Fault:
            refused += 1
            _LOG.warning("a %s does not fit the view %s", change.type, view.name)
            continue
        scope = {
            "resource_type": change.type,
            "resource_id": change.id,
            "scope_district": change.scope.district,
            "scope_organisations": list(change.scope.organisations),
            "scope_patient": change.scope.patient,
            "scope_labels": list(change.scope.labels),
        }
        rows.extend({**row, **scope} for row in made)
    return rows, refused


def _concerned(arrived: Mapping[str, FeedChange], rows: Sequence[Mapping[str, Any]]) -> dict[str, FeedChange]:
    """Return the changes that the view is concerned by: those with rows, and those that may have had some before.

    What is new and has no rows concerns it not: a blood pressure is no matter of the view of assessments.
    """
    filled = {row["resource_id"] for row in rows}
    return {
        id_: change
        for id_, change in arrived.items()
        if id_ in filled or change.version > 1 or change.kind in ("delete", "scope")
    }


def _age(manifest: Manifest) -> float:
    if not manifest.instant:
        return float("inf")
    return (now() - datetime.fromisoformat(manifest.instant)).total_seconds()
