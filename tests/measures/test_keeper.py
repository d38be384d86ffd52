"""The view keeper: what stands published is what the records say, however they came about."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kangshu.access import Grant, Scope
from kangshu.base.faults import Conflict, NotFound, Unavailable
from kangshu.measures import Snapshot, ViewKeeper, Views
from kangshu.measures.manifest import PARTS, read_manifest
from kangshu.measures.segments import relation
from kangshu.sdk import ViewDeclaration

from .city import Change, Feed, organisation, resident

NAMES = ViewDeclaration(
    "names",
    "test",
    {
        "resource": "Patient",
        "select": [
            {"column": [{"name": "resident", "path": "getResourceKey()"}]},
            {"forEach": "name", "column": [{"name": "family", "path": "family"}]},
        ],
    },
)
PLACES = ViewDeclaration(
    "places",
    "test",
    {
        "resource": "Organization",
        "select": [{"column": [{"name": "name", "path": "name", "type": "string"}]}],
    },
)
VIEWS = Views([NAMES, PLACES])


def refresh(keeper: ViewKeeper) -> Any:
    return asyncio.run(keeper.refresh())


def rows(folder: Path, name: str) -> list[tuple[Any, ...]]:
    """Return the published rows of a view, sorted."""
    snapshot, manifest = Snapshot.open(folder), read_manifest(folder)
    found = snapshot._connection.execute(relation(folder, manifest.views[name])).fetchall()
    snapshot.close()
    return sorted(found, key=str)


def expected(feed: Feed, name: str) -> list[tuple[Any, ...]]:
    """Return the rows that the last state of every record gives."""
    view = VIEWS[name]
    latest = {(one.type, one.id): one for one in feed.changes}
    found = [
        (
            *row.values(),
            one.type,
            one.id,
            one.scope.district,
            list(one.scope.organisations),
            one.scope.patient,
            list(one.scope.labels),
        )
        for one in latest.values()
        if one.resource is not None
        for row in view.rows(one.resource)
    ]
    return sorted(found, key=str)


ids = st.sampled_from(["a", "b", "c", "d", "e"])
edits = st.one_of(
    st.tuples(st.just("patient"), ids, st.lists(st.sampled_from(["赵", "钱", "孙", "it's"]), max_size=3)),
    st.tuples(st.just("label"), ids, st.lists(st.sampled_from(["R", "PSY"]), unique=True)),
    st.tuples(st.just("place"), ids, st.sampled_from(["甲院", "乙院"])),
    st.tuples(st.just("delete"), ids, st.sampled_from(["Patient", "Organization"])),
    st.tuples(st.just("scope"), ids, st.sampled_from(["990102", "990103001"])),
    st.tuples(st.just("refresh"), ids, st.none()),
)


def apply(feed: Feed, edit: tuple[str, str, Any]) -> None:
    kind, id_, value = edit
    if kind == "patient":
        feed.write(resident(id_, "1950-01-01", name=[{"family": one} for one in value]))
    elif kind == "label":
        feed.write(resident(id_, "1950-01-01"))
        feed.changes[-1] = replace(
            feed.changes[-1], scope=replace(feed.changes[-1].scope, labels=tuple(value))
        )
    elif kind == "place":
        feed.write(organisation(id_, "commission", name=value))
    elif kind == "delete":
        feed.changes.append(Change(len(feed.changes) + 1, value, id_, "delete", None, Scope()))
    elif kind == "scope":
        before = next(
            (
                one
                for one in reversed(feed.changes)
                if one.type == "Patient" and one.id == id_ and one.resource
            ),
            None,
        )
        if before is not None:
            scope = Scope(value, before.scope.organisations, id_)
            feed.changes.append(
                Change(len(feed.changes) + 1, "Patient", id_, "scope", before.resource, scope)
            )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(edits, max_size=40),
    batch=st.sampled_from([1, 3, 100]),
    small=st.sampled_from([0, 4, 1000]),
)
def test_kept_step_by_step_is_built_at_once(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[str, str, Any]], batch: int, small: int
) -> None:
    feed, folder, anew = Feed(), tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("anew")
    keeper = ViewKeeper(feed, folder, VIEWS, batch=batch, small=small)
    for edit in history:
        if edit[0] == "refresh":
            refresh(keeper)
        apply(feed, edit)
    assert refresh(keeper).position == len(feed.changes)
    refresh(ViewKeeper(feed, anew, VIEWS))
    for view in VIEWS:
        assert rows(folder, view.name) == rows(anew, view.name) == expected(feed, view.name)


def written(count: int = 3) -> Feed:
    feed = Feed()
    feed.write(*[resident(f"p{n}", "1950-01-01", name=[{"family": str(n)}]) for n in range(count)])
    return feed


def test_deltas_are_merged_and_compacted(tmp_path: Path) -> None:
    feed = written()
    keeper = ViewKeeper(feed, tmp_path, VIEWS, small=20, grace=0)
    shapes = []
    for n in range(40):
        feed.write(resident(f"q{n}", "1950-01-01", name=[{"family": "新"}]))
        refresh(keeper)
        shapes.append(len(read_manifest(tmp_path).views["names"].segments))
    assert max(shapes) <= 10
    assert 1 in shapes[5:]
    assert rows(tmp_path, "names") == expected(feed, "names")


def test_a_crash_leaves_what_was_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = written()
    keeper = ViewKeeper(feed, tmp_path, VIEWS)
    refresh(keeper)
    before = rows(tmp_path, "names")
    feed.write(resident("late", "1950-01-01", name=[{"family": "晚"}]))

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("kangshu.measures.keeper.publish", crash)
        with pytest.raises(KeyboardInterrupt):
            refresh(keeper)
    assert rows(tmp_path, "names") == before
    refresh(ViewKeeper(feed, tmp_path, VIEWS))
    assert rows(tmp_path, "names") == expected(feed, "names")


def test_new_and_changed_views_are_built_from_the_whole_feed(tmp_path: Path) -> None:
    feed = written()
    feed.write(organisation("o", "commission", name="卫健委"))
    refresh(ViewKeeper(feed, tmp_path, Views([NAMES])))
    refresh(ViewKeeper(feed, tmp_path, VIEWS, batch=2))
    assert rows(tmp_path, "places") == expected(feed, "places")
    assert rows(tmp_path, "names") == expected(feed, "names")

    changed = {**PLACES.definition, "select": [{"column": [{"name": "key", "path": "getResourceKey()"}]}]}
    refresh(ViewKeeper(feed, tmp_path, Views([NAMES, ViewDeclaration("places", "test", changed)])))
    assert [row[0] for row in rows(tmp_path, "places")] == ["Organization/o"]
    refresh(ViewKeeper(feed, tmp_path, Views([NAMES])))
    assert set(Snapshot.open(tmp_path).views) == {"names"}


def test_readers_keep_their_snapshot_until_the_grace_is_over(tmp_path: Path) -> None:
    feed = written()
    refresh(ViewKeeper(feed, tmp_path, VIEWS, small=0, grace=3600))
    old = read_manifest(tmp_path)
    snapshot = Snapshot.open(tmp_path)
    feed.write(*[resident(f"p{n}", "1950-01-01", name=[{"family": "改"}]) for n in range(3)])
    refresh(ViewKeeper(feed, tmp_path, VIEWS, small=0, grace=3600))
    held = snapshot._connection.execute(relation(tmp_path, old.views["names"])).fetchall()
    assert sorted(row[1] for row in held) == ["0", "1", "2"]

    feed.write(resident("p9", "1950-01-01"))
    refresh(ViewKeeper(feed, tmp_path, VIEWS, small=0, grace=0))
    left = {path.name for path in (tmp_path / PARTS).iterdir()}
    assert not old.files() & left
    assert read_manifest(tmp_path).files() <= left


def test_lost_and_broken_files_are_built_anew(tmp_path: Path) -> None:
    feed = written()
    keeper = ViewKeeper(feed, tmp_path, VIEWS)
    refresh(keeper)
    for path in (tmp_path / PARTS).iterdir():
        path.unlink()
    refresh(keeper)
    assert rows(tmp_path, "names") == expected(feed, "names")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(Unavailable):
        Snapshot.open(tmp_path)
    refresh(keeper)
    assert rows(tmp_path, "names") == expected(feed, "names")


def test_another_database_is_noticed(tmp_path: Path) -> None:
    refresh(ViewKeeper(written(9), tmp_path, VIEWS))
    feed = written(2)
    assert refresh(ViewKeeper(feed, tmp_path, VIEWS)).position == 2
    assert rows(tmp_path, "names") == expected(feed, "names")


def test_views_belong_to_the_database_they_were_made_from(tmp_path: Path) -> None:
    refresh(ViewKeeper(written(9), tmp_path, VIEWS))
    other = written(12)  # positions fit, so they cannot tell
    other.identity = "another"
    with pytest.raises(NotFound):
        Snapshot.open(tmp_path, "another")
    assert refresh(ViewKeeper(other, tmp_path, VIEWS)).changes == len(other.changes)
    assert rows(tmp_path, "names") == expected(other, "names")
    assert Snapshot.open(tmp_path, "another").position == len(other.changes)
    with pytest.raises(NotFound):
        Snapshot.open(tmp_path, "test")


def test_before_the_first_refresh_nothing_is_published(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Snapshot.open(tmp_path)


def test_only_one_keeper_works_on_a_folder(tmp_path: Path) -> None:
    class Slow(Feed):
        async def feed(self, grant: Grant, after: int, limit: int = 1000) -> Sequence[Change]:
            with pytest.raises(Conflict):
                await ViewKeeper(Feed(), tmp_path, VIEWS).refresh()
            return await super().feed(grant, after, limit)

    refresh(ViewKeeper(Slow(), tmp_path, VIEWS))


def test_a_record_that_does_not_fit_a_view_is_counted(tmp_path: Path) -> None:
    single = ViewDeclaration(
        "family",
        "test",
        {"resource": "Patient", "select": [{"column": [{"name": "f", "path": "name.family"}]}]},
    )
    feed = Feed()
    feed.write(
        resident("one", "1950-01-01", name=[{"family": "赵"}]),
        resident("two", "1950-01-01", name=[{"family": "赵"}, {"family": "钱"}]),
    )
    refresh(ViewKeeper(feed, tmp_path, Views([single])))
    manifest = read_manifest(tmp_path)
    assert manifest.views["family"].refused == 1
    assert [row[0] for row in rows(tmp_path, "family")] == ["赵"]


def test_the_instant_moves_when_nothing_changes(tmp_path: Path) -> None:
    feed = written()
    keeper = ViewKeeper(feed, tmp_path, VIEWS)
    refresh(keeper)
    path = tmp_path / "manifest.json"
    stale = json.loads(path.read_text()) | {"instant": "2020-01-01T00:00:00.000Z"}
    path.write_text(json.dumps(stale))
    refresh(keeper)
    assert Snapshot.open(tmp_path).instant > "2024"
