"""Stored results: the same as from the views, kept by what changed, and never another state's than they say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pytest

from kangshu.access import DistrictUnder, Grant, system_grant
from kangshu.app.wiring import city_services
from kangshu.measures import ResultKeeper, Snapshot, ViewKeeper, Views, Wanted, period_of
from kangshu.measures.atoms import narrow, wide
from kangshu.measures.drill import KEYS, slice_of
from kangshu.measures.manifest import read_manifest
from kangshu.measures.results import INDEX, RESULTS, read_results
from kangshu.sdk import MeasureDeclaration, Resource

from . import golden
from .city import Change, Feed, assessment, contract, management, resident, values, views
from .test_language import PEOPLE
from .test_measures import random_city

EVERYTHING = system_grant("test")
DECLARED = {one.id: one for service in city_services() for one in service.measures}
PERSONAL = [one for one in DECLARED.values() if one.per == "person"]
END = date(2021, 12, 31)
SOME = [DECLARED[id_] for id_ in golden.EXPECTED if id_ in DECLARED]


def wanted(measures: Iterable[MeasureDeclaration], end: date = END) -> list[Wanted]:
    return [Wanted(one, *period_of(one, end), values()) for one in measures]


class City:
    """A folder of views and results over a feed."""

    def __init__(self, folder: Path, resources: Iterable[Resource] = (), **how: Any) -> None:
        self.folder, self.feed = folder, Feed()
        self.feed.write(*resources)
        self.keeper = ViewKeeper(self.feed, folder, Views(views()), **how)
        self.results = ResultKeeper(folder)

    def refresh(self, measures: Iterable[MeasureDeclaration], end: date = END) -> Any:
        self.results.note(asyncio.run(self.keeper.refresh()))
        return self.results.refresh(read_manifest(self.folder), wanted(measures, end))

    def without_results(self) -> Snapshot:
        """Return a snapshot that has the views alone."""
        snapshot = Snapshot.open(self.folder)
        snapshot.stored._folder = self.folder / "nowhere"
        return snapshot


def splits(measure: MeasureDeclaration) -> list[tuple[str, ...]]:
    near, far = [one.id for one in narrow(measure)], [one.id for one in wide(measure)]
    return [
        (),
        ("district",),
        ("town",),
        *((one,) for one in (*near, *far)),
        tuple(near),
        ("district", *near[:1]),
    ]


def test_what_is_stored_is_what_the_views_say(tmp_path: Path) -> None:
    city = City(tmp_path, golden.CITY)
    computed = city.refresh([*SOME, PEOPLE])
    assert computed.whole == len(SOME) + 1
    stored, live = Snapshot.open(tmp_path), city.without_results()
    used = 0
    for measure in [*SOME, PEOPLE]:
        for by in splits(measure):
            for district in ("", "990102", "990103"):
                period = period_of(measure, END)
                found = stored.stored.query(EVERYTHING, measure, values(), period, by, district)
                used += found is not None
                one, two = (
                    each.evaluate(EVERYTHING, measure, values(), *period, by=by, district=district)
                    for each in (stored, live)
                )
                assert drop_nothing(one) == drop_nothing(two), (measure.id, by, district)
    assert used > 4 * len(SOME)


def drop_nothing(result: Any) -> Any:
    """Return the result without the cells in which nobody is: atoms do not keep them."""
    return replace(result, rows=tuple(row for row in result.rows if row.numerator or row.denominator))


def test_other_grants_parameters_and_days_are_computed(tmp_path: Path) -> None:
    city = City(tmp_path, golden.CITY)
    measure = DECLARED["family-doctor-coverage-60"]
    city.refresh([measure])
    snapshot = Snapshot.open(tmp_path)
    period = period_of(measure, END)
    assert snapshot.stored.query(EVERYTHING, measure, values(), period, (), "") is not None
    other = {**values(), "older-resident-age": 70}
    assert snapshot.stored.query(EVERYTHING, measure, other, period, (), "") is None
    assert snapshot.evaluate(EVERYTHING, measure, other, *period).denominator == 2
    assert snapshot.stored.query(EVERYTHING, measure, values(), (END, END - timedelta(1)), (), "") is None
    near = Grant("d", "d", read=MappingProxyType({"*": DistrictUnder("990103")}))
    assert snapshot.stored.query(near, measure, values(), period, (), "") is None
    assert snapshot.evaluate(near, measure, values(), *period).denominator == 1


def test_a_change_makes_what_is_stored_unused_until_it_is_computed_again(tmp_path: Path) -> None:
    city = City(tmp_path, golden.CITY)
    measure = DECLARED["family-doctor-coverage-60"]
    city.refresh([measure])
    city.feed.write(resident("late", "1940-01-01"))
    refreshed = asyncio.run(city.keeper.refresh())
    snapshot = Snapshot.open(tmp_path)
    assert snapshot.stored.query(EVERYTHING, measure, values(), period_of(measure, END), (), "") is None
    assert snapshot.evaluate(EVERYTHING, measure, values(), *period_of(measure, END)).denominator == 6
    city.results.note(refreshed)
    computed = city.results.refresh(read_manifest(tmp_path), wanted([measure]))
    assert (computed.whole, computed.changed) == (0, 1)
    assert snapshot.stored.query(EVERYTHING, measure, values(), period_of(measure, END), (), "") is not None
    assert snapshot.evaluate(EVERYTHING, measure, values(), *period_of(measure, END)).denominator == 6


def test_only_what_a_change_touches_is_computed_again(tmp_path: Path) -> None:
    city = City(tmp_path, golden.CITY)
    city.refresh(SOME)
    files = {name: one.file for name, one in read_results(tmp_path).measures.items()}
    city.feed.write(management("e99", "r3", "2021-06-06"))
    computed = city.refresh(SOME)
    after = {name: one.file for name, one in read_results(tmp_path).measures.items()}
    changed = {name.partition("@")[0] for name, file in after.items() if files[name] != file}
    assert changed == {one.id for one in SOME if "elder_health_managements" in one.views}
    assert computed.kept == len(SOME) - len(changed)
    assert computed.changed == len([one for one in PERSONAL if one.id in changed])


@pytest.mark.parametrize("seed", range(5))
def test_kept_by_changes_is_computed_whole(tmp_path: Path, seed: int) -> None:
    """After any history, moves between districts, deaths and deletions among it, the atoms are those of a new start."""
    rng = random.Random(seed)
    city = City(tmp_path / "kept", random_city(rng), small=rng.choice([0, 30, 1000]), partition_rows=50)
    city.refresh(PERSONAL)
    by_changes = 0
    for step in range(8):
        for _ in range(rng.randrange(6)):
            edit(city.feed, rng, step)
        by_changes += city.refresh(PERSONAL).changed
    assert by_changes
    anew = City(tmp_path / "anew")
    anew.feed = anew.keeper._store = city.feed  # type: ignore[assignment]
    anew.refresh(PERSONAL)
    for measure in PERSONAL:
        assert atoms(tmp_path / "kept", measure) == atoms(tmp_path / "anew", measure)


def edit(feed: Feed, rng: random.Random, step: int) -> None:
    who = f"r{rng.randrange(62)}"
    choice = rng.randrange(6)
    if choice == 0:
        born = f"19{rng.randrange(35, 66)}-0{rng.randrange(1, 9)}-01"
        feed.write(resident(who, born, rng.choice(["990102001", "990103001", ""])))
    elif choice == 1:
        feed.write(management(f"e{rng.randrange(130)}", who, f"2021-0{rng.randrange(1, 9)}-03"))
    elif choice == 2:
        feed.write(assessment(f"a{rng.randrange(130)}", who, f"2021-0{rng.randrange(1, 9)}-03"))
    elif choice == 3:
        feed.write(contract(f"c{rng.randrange(130)}", "family-doctor", f"Patient/{who}", "2021-01-01", None))
    else:
        kind, letter = rng.choice(
            [("Patient", "r"), ("Encounter", "e"), ("Contract", "c"), ("Observation", "a")]
        )
        known = [one for one in feed.changes if one.type == kind]
        id_ = f"{letter}{rng.randrange(60)}"
        if any(one.id == id_ for one in known):
            last = [one for one in known if one.id == id_][-1]
            feed.changes.append(Change(len(feed.changes) + 1, kind, id_, "delete", None, replace(last.scope)))


def atoms(folder: Path, measure: MeasureDeclaration) -> list[Any]:
    stored = read_results(folder).measures[f"{measure.id}@{END}"]
    return sorted(duckdb.sql(f"SELECT * FROM '{folder / RESULTS / stored.file}'").fetchall(), key=str)


@pytest.mark.parametrize("seed", range(3))
def test_a_measure_per_person_is_the_sum_of_its_persons(tmp_path: Path, seed: int) -> None:
    """What `per: person` says: any two halves of the residents, with all that is theirs, give the whole."""
    rng = random.Random(seed)
    resources = random_city(rng)
    first = {one["id"] for one in resources if one["resourceType"] == "Patient" and rng.random() < 0.5}
    halves: tuple[list[Resource], list[Resource]] = ([], [])
    for one in resources:
        text = str(one)
        owner = (
            one["id"]
            if one["resourceType"] == "Patient"
            else (text.partition("Patient/")[2].partition("'")[0])
        )
        if not owner:
            halves[0].append(one)
            halves[1].append(one)
        else:
            halves[0 if owner in first else 1].append(one)
    cities = [City(tmp_path / str(n), part) for n, part in enumerate((resources, *halves))]
    for city in cities:
        asyncio.run(city.keeper.refresh())
    for measure in PERSONAL:
        sums = []
        for city in cities:
            result = Snapshot.open(city.folder).evaluate(
                EVERYTHING, measure, values(), *period_of(measure, END)
            )
            sums.append((result.numerator, result.denominator))
        assert sums[0] == (sums[1][0] + sums[2][0], sums[1][1] + sums[2][1]), measure.id


def test_a_crash_leaves_what_was_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city = City(tmp_path, golden.CITY)
    city.refresh(SOME)
    before = (tmp_path / INDEX).read_bytes()
    city.feed.write(resident("late", "1940-01-01"))

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("kangshu.measures.results.put_in_place", crash)
        with pytest.raises(KeyboardInterrupt):
            city.refresh(SOME)
    assert (tmp_path / INDEX).read_bytes() == before
    anew = ResultKeeper(tmp_path)  # which knows of no change: what changed is computed whole
    computed = anew.refresh(read_manifest(tmp_path), wanted(SOME))
    assert computed.changed == 0
    assert computed.whole == len([one for one in SOME if "residents" in one.views])


def test_a_measure_that_cannot_be_computed_leaves_the_others(tmp_path: Path) -> None:
    city = City(tmp_path, golden.CITY)
    broken = replace(PEOPLE, id="broken", sql=PEOPLE.sql.replace("residents.gender", "residents.shoe_size"))
    assert city.refresh([broken, PEOPLE]).whole == 1
    assert list(read_results(tmp_path).measures) == [f"people@{END}"]


def test_a_page_of_many_is_found_among_few(tmp_path: Path) -> None:
    """The pages of a large number hold everybody once, and are computed among a slice of the residents each."""
    rng = random.Random(3)
    city = City(tmp_path, random_city(rng), small=5)
    measure = DECLARED["family-doctor-coverage-60"]
    city.refresh([measure])
    whole = Snapshot.open(tmp_path)
    period = period_of(measure, END)
    paged = Snapshot(tmp_path, read_manifest(tmp_path), sliced_from=1)
    for part in ("numerator", "denominator", "gap"):
        for cell in ({}, {"gender": "female"}, {"district": "9901"}):
            everybody = whole.subjects(
                EVERYTHING, measure, values(), *period, part=part, cell=cell, limit=1000
            )
            found: list[str] = []
            while True:
                page = paged.subjects(
                    EVERYTHING, measure, values(), *period, part=part, cell=cell, offset=len(found), limit=7
                )
                assert page.total == everybody.total
                if not page.subjects:
                    break
                found += page.subjects
            assert sorted(found) == list(everybody.subjects)


def test_a_page_reads_a_slice(tmp_path: Path) -> None:
    assert slice_of(50, 1_000_000, 0) < KEYS / 10_000
    assert slice_of(50, 1_000_000, 0) < slice_of(50, 1_000_000, 1) < KEYS
    assert slice_of(50, 60, 0) == KEYS
