"""Keeps the views fresh from the change feed. The background worker alone runs it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from kangshu.access import Grant, Scope, system_grant
from kangshu.base.clock import instant, now
from kangshu.base.faults import Conflict, Fault, NotFound, Unavailable
from kangshu.measures.engine import WORKER_MEMORY, connect
from kangshu.measures.manifest import PARTS, Manifest, PublishedView, publish, read_manifest
from kangshu.measures.segments import compact, merge_deltas, write_segment
from kangshu.measures.views import CompiledView, Views
from kangshu.sdk import Resource

_LOG: Final = logging.getLogger(__name__)
_BATCH: Final = 5000
_DELTAS: Final = 8
_SHARE: Final = 0.2
_SMALL: Final = 2000
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
    ) -> None:
        """`share` and `small`: a delta above share × base (and above `small` rows) is compacted into the base.

        `grace` (seconds) is how long a file that is no longer named stays for readers of older manifests.
        """
        self._store, self._folder, self._views = store, folder, views
        self._batch, self._grace, self._share, self._small = batch, grace, share, small
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
            if missing:
                manifest = await self._caught_up(manifest, missing)
            while changes := await self._store.feed(self._grant, manifest.position, self._batch):
                count += len(changes)
                views = await asyncio.to_thread(self._apply, manifest.views, list(self._views), changes)
                manifest = msgspec.structs.replace(manifest, position=changes[-1].position, views=views)
                published = self._publish(published, manifest)
            if published.views != manifest.views or _age(published) > _IDLE_SECONDS:
                published = self._publish(published, manifest)
            return Refreshed(published.position, published.instant, count)

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
        views = _blank(missing)
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
        with connect(memory=WORKER_MEMORY, readable=[self._folder], spill=True) as connection:
            for view in views:
                touched = latest.get(view.view.resource)
                if not touched:
                    continue
                before = published[view.name]
                rows, refused = _rows(view, touched)
                number = before.segments[-1].number + 1 if before.segments else 1
                segment = write_segment(connection, self._folder, before, number, rows, sorted(touched))
                after = msgspec.structs.replace(
                    before, segments=(*before.segments, segment), refused=before.refused + refused
                )
                made[view.name] = self._tidied(connection, after)
        return made

    def _tidied(self, connection: Any, view: PublishedView) -> PublishedView:
        deltas = [segment for segment in view.segments if segment.touched]
        base = sum(segment.row_count for segment in view.segments if not segment.touched)
        changed = sum(max(segment.row_count, segment.touched_count) for segment in deltas)
        if changed > max(self._small, self._share * base):
            return compact(connection, self._folder, view)
        return merge_deltas(connection, self._folder, view) if len(deltas) > _DELTAS else view

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
        for path in (self._folder / PARTS).iterdir():
            if path.name not in named and moment - path.stat().st_mtime > self._grace:
                path.unlink(missing_ok=True)


def _blank(views: list[CompiledView]) -> dict[str, PublishedView]:
    return {
        view.name: PublishedView(
            name=view.name,
            resource=view.view.resource,
            fingerprint=view.fingerprint,
            columns=view.all_columns(),
        )
        for view in views
    }


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


def _age(manifest: Manifest) -> float:
    if not manifest.instant:
        return float("inf")
    return (now() - datetime.fromisoformat(manifest.instant)).total_seconds()
