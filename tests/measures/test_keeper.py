"""The view keeper: what stands published is what the records say, however they came about."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kangshu.access import Grant, Scope
from kangshu.base.faults import Conflict, Invalid, NotFound, Unavailable
from kangshu.measures import DirectViews, Snapshot, ViewKeeper, Views, adopt, segments
from kangshu.measures.layout import key_of
from kangshu.measures.manifest import PARTS, read_manifest
from kangshu.measures.scope_sql import SCOPE_COLUMNS
from kangshu.measures.segments import relation
from kangshu.sdk import ViewDeclaration

from .city import Change, Feed, organisation, resident, views

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
DATED = ViewDeclaration(
    "births",
    "test",
    {
        "resource": "Patient",
        "select": [
            {
                "column": [
                    {"name": "resident", "path": "getResourceKey()"},
                    {
                        "name": "birth_date",
                        "path": "birthDate",
                        "type": "date",
                        "tag": [{"name": "kangshu/partition", "value": "year"}],
                    },
                    {
                        "name": "centre",
                        "path": "managingOrganization.getReferenceKey(Organization)",
                        "type": "string",
                    },
                ]
            }
        ],
    },
)
VIEWS = Views([NAMES, PLACES, DATED])
DERIVED = ("_key", "_first", "_last")


def refresh(keeper: ViewKeeper) -> Any:
    return asyncio.run(keeper.refresh())


def rows(folder: Path, name: str) -> list[tuple[Any, ...]]:
    """Return the published rows of a view, sorted."""
    snapshot, manifest = Snapshot.open(folder), read_manifest(folder)
    view = manifest.views[name]
    plain = [one for one in view.columns if not one.endswith(DERIVED)]
    found = snapshot._connection.execute(relation(folder, view, plain)).fetchall()
    snapshot.close()
    return sorted(found, key=str)


def derived(folder: Path, name: str) -> list[tuple[Any, ...]]:
    """Return the published rows of a view with the columns that are derived of them, sorted."""
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
    st.tuples(st.just("born"), ids, st.sampled_from(["1950-01-01", "1950", "1951-02", "2024-02-29"])),
    st.tuples(st.just("refresh"), ids, st.none()),
    st.tuples(st.just("settle"), ids, st.none()),
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
    elif kind == "born":
        feed.write(resident(id_, value, name=[{"family": "生"}]))
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


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(edits, max_size=25),
    batch=st.sampled_from([1, 3, 100]),
    small=st.sampled_from([0, 4, 1000]),
    at_once=st.sampled_from([0, 3, 1000]),
    partition_rows=st.sampled_from([0, 5, 1000]),
)
def test_kept_step_by_step_is_built_at_once(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[tuple[str, str, Any]],
    batch: int,
    small: int,
    at_once: int,
    partition_rows: int,
) -> None:
    """Whatever the batches, whether compacted at once, aside or not at all, parted by year or whole."""
    feed, folder, anew = Feed(), tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("anew")
    keeper = ViewKeeper(
        feed, folder, VIEWS, batch=batch, small=small, at_once=at_once, partition_rows=partition_rows, grace=0
    )
    for edit in history:
        if edit[0] == "refresh":
            refresh(keeper)
        elif edit[0] == "settle":
            asyncio.run(keeper.settle())
        apply(feed, edit)
    assert refresh(keeper).position == len(feed.changes)
    check(feed, folder)
    asyncio.run(keeper.settle())
    refresh(keeper)
    check(feed, folder)
    refresh(ViewKeeper(feed, anew, VIEWS))
    for view in VIEWS:
        assert derived(folder, view.name) == derived(anew, view.name)


def check(feed: Feed, folder: Path) -> None:
    """Hold what is published to the last state of every record."""
    for view in VIEWS:
        assert rows(folder, view.name) == expected(feed, view.name)


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


@pytest.mark.parametrize("broken", ["write", "sync", "replace"])
def test_a_crash_at_any_step_leaves_one_of_the_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Every file that is written, synced or put in place is once the last thing that happens."""
    feed = written(6)
    keeper = ViewKeeper(feed, tmp_path, VIEWS, small=2, partition_rows=2, batch=2, grace=0)
    refresh(keeper)
    crashed, before = 0, 0
    for step in range(20):
        feed.write(
            resident(f"p{step % 6}", f"19{50 + step % 3}-01-01", name=[{"family": f"改{step}"}]),
            resident(f"n{step}", "1950-01-01", name=[{"family": "新"}]),
            organisation("o", "commission", name=f"第{step}"),
        )
        with monkeypatch.context() as patch:
            fuse = _Fuse(step)
            if broken == "write":
                fuse.put(patch, segments, "_copy")
            elif broken == "sync":
                fuse.put(patch, os, "fsync")
            else:
                fuse.put(patch, Path, "replace")
            try:
                refresh(keeper)
            except KeyboardInterrupt:
                crashed += 1
        position = read_manifest(tmp_path).position
        assert before <= position <= len(feed.changes)
        before = position
        check(Feed(feed.changes[:position]), tmp_path)
        keeper = ViewKeeper(feed, tmp_path, VIEWS, small=2, partition_rows=2, batch=2, grace=0)
    assert crashed > 2
    refresh(keeper)
    check(feed, tmp_path)


class _Fuse:
    """Ends the work at the call number `left` of a function."""

    def __init__(self, left: int) -> None:
        self.left = left

    def put(self, patch: pytest.MonkeyPatch, home: Any, name: str) -> None:
        real = getattr(home, name)

        def called(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return real(*given, **named)

        patch.setattr(home, name, called)


def test_a_large_base_is_compacted_beside_the_refreshes(tmp_path: Path) -> None:
    feed = written(30)
    keeper = ViewKeeper(feed, tmp_path, VIEWS, small=10, at_once=20, grace=0, batch=1000)
    refresh(keeper)
    for step in range(12):
        feed.write(resident(f"late{step}", "1950-01-01", name=[{"family": "晚"}]))
        assert refresh(keeper).position == len(feed.changes)
        check(feed, tmp_path)
    asyncio.run(keeper.settle())
    refresh(keeper)
    check(feed, tmp_path)
    assert not read_manifest(tmp_path).views["names"].segments[0].touched
    keeper.close()


def test_only_the_years_that_change_are_written(tmp_path: Path) -> None:
    feed = Feed()
    feed.write(*[resident(f"p{n}", f"{1950 + n % 5}-06-01") for n in range(50)])
    keeper = ViewKeeper(feed, tmp_path, VIEWS, small=2, share=0, partition_rows=10, grace=0)
    refresh(keeper)
    before = {one.year: one.name for one in read_manifest(tmp_path).views["births"].segments[0].parts}
    assert set(before) == {1950, 1951, 1952, 1953, 1954}
    feed.write(*[resident("p0", "1960-01-01"), resident("p5", "1950-06-02"), resident("p10", "1950-06-03")])
    refresh(keeper)
    after = {one.year: one.name for one in read_manifest(tmp_path).views["births"].segments[0].parts}
    assert {year for year, name in after.items() if before.get(year) != name} == {1950, 1960}
    check(feed, tmp_path)


def test_a_year_of_several_files_is_compacted_file_by_file(tmp_path: Path) -> None:
    """What is written straight has a file per part and year; a change touches the file that holds it alone."""
    feed = Feed()
    feed.write(*[resident(f"p{n:02d}", f"{1950 + n % 2}-06-01") for n in range(40)])
    refresh(ViewKeeper(feed, tmp_path / "kept", VIEWS))
    given_columns = VIEWS["births"].given_columns()
    rows_of = relation(tmp_path / "kept", read_manifest(tmp_path / "kept").views["births"], given_columns)
    session = DirectViews(tmp_path / "city", VIEWS, memory="256MB")
    session.fill("made", given_columns, duckdb.sql(rows_of).fetchall())
    written_rows = [
        session.write("births", part, f"SELECT * FROM made WHERE resident {sign} 'Patient/p20'")
        for part, sign in (("early", "<"), ("late", ">="))
    ]
    session.publish("test", 40, "2026-01-01T00:00:00+08:00")
    session.close()
    assert written_rows == [20, 20]
    assert derived(tmp_path / "city", "births") == derived(tmp_path / "kept", "births")
    before = {one.name: one for one in read_manifest(tmp_path / "city").views["births"].segments[0].parts}
    assert sorted((one.year, one.rows) for one in before.values()) == [
        (1950, 10),
        (1950, 10),
        (1951, 10),
        (1951, 10),
    ]
    feed.write(resident("p00", "1950-07-01"), resident("new", "1951-01-01"), resident("old", "1949-01-01"))
    refresh(ViewKeeper(feed, tmp_path / "city", VIEWS, small=0, share=0, partition_rows=10, grace=0))
    check(feed, tmp_path / "city")
    after = {one.name: one for one in read_manifest(tmp_path / "city").views["births"].segments[0].parts}
    gone = [one for name, one in before.items() if name not in after]
    assert sorted(one.year for one in gone) == [1950, 1951]
    came = sorted((one.year, one.rows) for name, one in after.items() if name not in before)
    assert came == [(1949, 1), (1950, 10), (1951, 11)]


def test_what_a_view_has_no_rows_of_leaves_it_as_it_is(tmp_path: Path) -> None:
    feed = written()
    keeper = ViewKeeper(feed, tmp_path, VIEWS)
    refresh(keeper)
    before = read_manifest(tmp_path).views["names"]
    feed.write(resident("nameless", "1950-01-01"))
    refresh(keeper)
    after = read_manifest(tmp_path).views
    assert after["names"] == before
    assert after["births"].changed == len(feed.changes)
    feed.write(resident("p0", "1950-01-01"))  # whose name is gone
    refresh(keeper)
    check(feed, tmp_path)


def test_keys_and_days_are_what_the_text_says(tmp_path: Path) -> None:
    feed = Feed()
    feed.write(resident("甲'1", "1956-02"))
    refresh(ViewKeeper(feed, tmp_path, VIEWS))
    view = read_manifest(tmp_path).views["births"]
    names = (
        "resource_key",
        "patient_key",
        "resident_key",
        "centre_key",
        "birth_date_first",
        "birth_date_last",
    )
    found = Snapshot.open(tmp_path)._connection.execute(relation(tmp_path, view, names)).fetchall()
    mine, centre = key_of("Patient/甲'1"), key_of("Organization/chc-1")
    assert found == [(mine, mine, mine, centre, date(1956, 2, 1), date(1956, 2, 29))]
    assert 0 <= mine < 2**63


def test_what_a_view_keeps_one_way_lies_nowhere_as_text(tmp_path: Path) -> None:
    """Identity number, name and telephone of the data-quality view: marks and flags, the same however they came about."""
    number = "urn:oid:2.16.156.10011.1.3"

    def person(id_: str, identity: str, name: str, **more: Any) -> Any:
        identifier = [{"system": number, "value": identity}] if identity else []
        told = {"name": [{"text": name}], "telecom": [{"system": "phone", "value": "0900-77001234"}]}
        return resident(id_, "1949-10-01", identifier=identifier, **told | more)

    declared = [one for one in views() if one.name == "record_residents"]
    feed = Feed()
    keeper = ViewKeeper(feed, tmp_path / "kept", Views(declared, key="00ff"))
    for step in (
        [person("a", "99010219491001001X", "龚一"), person("b", "990102194910010010", "龚一")],
        [
            person("c", "99010219491001001X", "龚一", telecom=[]),
            person("d", "", "龚二"),
            person("e", "9901", "龚一"),
        ],
    ):
        feed.write(*step)
        refresh(keeper)
    refresh(ViewKeeper(feed, tmp_path / "anew", Views(declared, key="00ff")))
    assert derived(tmp_path / "kept", "record_residents") == derived(tmp_path / "anew", "record_residents")

    names = (
        "resource_id",
        "identity",
        "identity_form",
        "identity_birth",
        "identity_sex",
        "telephone",
        "person",
    )
    found = published(tmp_path / "kept", names)
    assert {id_: told[1:5] for id_, told in found.items()} == {
        "a": ("right", "same", "male", "entered"),
        "b": ("wrong", "same", "male", "entered"),
        "c": ("right", "same", "male", None),
        "d": (None, None, None, "entered"),
        "e": ("other", None, None, "entered"),
    }
    assert found["a"][0] == found["c"][0] != found["b"][0]
    assert found["a"][5] == found["b"][5] == found["e"][5] != found["d"][5]
    assert (found["c"][5], found["d"][0]) == (None, None)
    every = str([derived(tmp_path / one, "record_residents") for one in ("kept", "anew")])
    assert not any(text in every for text in ("9901021949", "龚", "77001234"))

    # another key: nothing of before stays
    refresh(ViewKeeper(feed, tmp_path / "kept", Views(declared, key="0100")))
    other = published(tmp_path / "kept", names)
    assert all(other[id_][0] != found[id_][0] for id_ in "abce")
    with pytest.raises(Invalid):
        refresh(ViewKeeper(feed, tmp_path / "bad", Views(declared, key="' || x")))


def published(folder: Path, names: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return columns of the data-quality view by resource id, the first of the columns."""
    view, snapshot = read_manifest(folder).views["record_residents"], Snapshot.open(folder)
    found = snapshot._connection.execute(relation(folder, view, names)).fetchall()
    snapshot.close()
    return {str(row[0]): tuple(row[1:]) for row in found}


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


def test_tables_that_were_written_elsewhere_are_what_the_keeper_makes(tmp_path: Path) -> None:
    """A generated city's own Parquet files, adopted, are the tables that its records give, and are kept on from there."""
    feed = Feed()
    feed.write(
        *[resident(f"p{n}", f"{1950 + n % 4}-0{n % 9 + 1}-01", name=[{"family": "王"}]) for n in range(40)]
    )
    refresh(ViewKeeper(feed, tmp_path / "kept", VIEWS))
    names = [*VIEWS["births"].columns, *SCOPE_COLUMNS]
    rows_of = relation(tmp_path / "kept", read_manifest(tmp_path / "kept").views["births"], names)
    (tmp_path / "made").mkdir()
    duckdb.sql(f"COPY ({rows_of}) TO '{tmp_path / 'made' / 'births.parquet'}'")
    files = {"births": [tmp_path / "made" / "births.parquet"]}
    manifest = adopt(tmp_path / "city", VIEWS, files, source="test", position=40, partition_rows=10)
    assert len(manifest.views["births"].segments[0].parts) == 4
    assert derived(tmp_path / "city", "births") == derived(tmp_path / "kept", "births")
    assert rows(tmp_path / "city", "names") == []
    ready = [tmp_path / "city" / PARTS / one.name for one in manifest.views["births"].segments[0].parts]
    again = adopt(tmp_path / "again", VIEWS, {"births": ready}, source="test", position=40)
    assert sorted(one.year for one in again.views["births"].segments[0].parts) == [1950, 1951, 1952, 1953]
    assert derived(tmp_path / "again", "births") == derived(tmp_path / "kept", "births")
    feed.write(resident("p1", "1977-07-07"))
    assert refresh(ViewKeeper(feed, tmp_path / "city", VIEWS)).changes == 1
    assert rows(tmp_path / "city", "births") == expected(feed, "births")
    with pytest.raises(Invalid):
        adopt(tmp_path / "city", VIEWS, {"nowhere": []}, source="test")
