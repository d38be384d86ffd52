"""Measures on a real database: from the write to the number, and from the number back to the record."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kangshu.access import DistrictUnder, Grant, admits, system_grant
from kangshu.app.wiring import city_services
from kangshu.measures import Snapshot, ViewKeeper, Views, period_of
from kangshu.sdk import Resource
from kangshu.services.city import make_city
from kangshu.store import Store

from . import golden
from .city import measures, organisation, resident, values, views
from .test_keeper import rows
from .test_measures import EVERYTHING, check_of

DAY = date(2026, 9, 30)
SYSTEM = system_grant("test")


def small_city() -> list[Resource]:
    """Return a demo city of 150 residents with the records of all services that count."""
    counting = {measure.service for measure in measures().values()}
    return list(make_city(150, 2, 11, [one for one in city_services() if one.id in counting], DAY))


async def published(store: Store, folder: Path) -> Snapshot:
    await ViewKeeper(store, folder, Views(views()), batch=700).refresh()
    return Snapshot.open(folder)


async def test_the_demo_citys_numbers_agree_with_the_check_queries(store: Store, tmp_path: Path) -> None:
    resources = small_city()
    await store.bulk_load(SYSTEM, resources)
    snapshot = await published(store, tmp_path)
    assert snapshot.position == await store.feed_position()
    valued = 0
    for measure in measures().values():
        start, end = period_of(measure, DAY)
        result = snapshot.evaluate(EVERYTHING, measure, values(), start, end, by=("district",))
        assert (result.numerator, result.denominator) == check_of(measure.id)(resources, start, end, values())
        # what comes of cases, which this city has not run, has nothing to divide by: no value, never a zero
        assert (result.value is None) == (measure.kind != "count" and not result.denominator), measure.id
        valued += result.value is not None
        assert sum(row.denominator for row in result.rows) == result.denominator
    assert valued > 12


async def test_a_drill_down_lists_what_the_store_lets_read(store: Store, tmp_path: Path) -> None:
    await store.bulk_load(SYSTEM, small_city())
    snapshot, measure = await published(store, tmp_path), measures()["family-doctor-coverage-60"]
    for district in ("990102", "990104", "9901", "8801"):
        grant = Grant(
            "clerk",
            "clerk",
            read=MappingProxyType({"*": DistrictUnder(district)}),
            operations=frozenset({"*"}),
        )
        page = snapshot.subjects(
            grant, measure, values(), *period_of(measure, DAY), part="denominator", limit=1000
        )
        everyone = snapshot.subjects(
            EVERYTHING, measure, values(), *period_of(measure, DAY), part="denominator", limit=1000
        )
        allowed = [
            one
            for one in everyone.subjects
            if admits(grant.may_read("Patient"), await store.scope(SYSTEM, "Patient", one.partition("/")[2]))
        ]
        assert list(page.subjects) == allowed
        for subject in page.subjects[:5]:
            assert (await store.read(grant, "Patient", subject.partition("/")[2])).id


async def test_a_record_saved_is_in_the_measures_at_the_next_refresh(store: Store, tmp_path: Path) -> None:
    for resource in golden.CITY:
        await store.update(SYSTEM, resource)
    keeper = ViewKeeper(store, tmp_path, Views(views()))
    await keeper.refresh()

    def coverage(district: str = "") -> tuple[float, float]:
        snapshot, measure = Snapshot.open(tmp_path), measures()["family-doctor-coverage-60"]
        result = snapshot.evaluate(EVERYTHING, measure, values(), golden.START, golden.END, district=district)
        return result.numerator, result.denominator

    assert coverage() == golden.EXPECTED["family-doctor-coverage-60"]

    await store.update(SYSTEM, resident("new", "1941-01-01", "990103001"))
    await keeper.refresh()
    assert coverage("990103") == (0, 2)

    # the resident moves to another district of the city, and takes the contract along
    await store.update(SYSTEM, resident("r1", "1961-12-31", "990103001"))
    await keeper.refresh()
    assert (coverage("990103"), coverage("990102")) == ((1, 3), (1, 3))

    await store.delete(SYSTEM, "Patient", "new")
    await keeper.refresh()
    assert coverage("990103") == (1, 2)


async def test_what_was_kept_equals_what_is_built_anew(store: Store, tmp_path: Path) -> None:
    rng = random.Random(5)
    kept, anew = tmp_path / "kept", tmp_path / "anew"
    keeper = ViewKeeper(store, kept, Views(views()), batch=3, small=4)
    for step in range(40):
        id_ = f"x{rng.randrange(6)}"
        choice = rng.randrange(4)
        if choice == 0:
            await store.update(SYSTEM, resident(id_, "1950-01-01", rng.choice(["990102001", "990103001"])))
        elif choice == 1:
            await store.update(
                SYSTEM, organisation("chc-1", "community-health-centre", f"99010{step % 5 + 2}")
            )
        elif choice == 2 and any(one.type == "Patient" and one.id == id_ for one in await _alive(store)):
            await store.delete(SYSTEM, "Patient", id_)
        else:
            await keeper.refresh()
    await keeper.refresh()
    await ViewKeeper(store, anew, Views(views())).refresh()
    for view in Views(views()):
        assert rows(kept, view.name) == rows(anew, view.name)


async def _alive(store: Store) -> list[Any]:
    latest = {(one.type, one.id): one for one in await store.feed(SYSTEM, 0, 10_000)}
    return [one for one in latest.values() if one.kind != "delete"]


async def test_refreshing_again_reads_nothing(store: Store, tmp_path: Path) -> None:
    await store.update(SYSTEM, resident("one", "1950-01-01"))
    keeper = ViewKeeper(store, tmp_path, Views(views()))
    first, second = await keeper.refresh(), await keeper.refresh()
    assert (first.changes, second.changes) == (1, 0)
    assert second.position == first.position
    assert (first.touched, second.touched) == ({"Patient": frozenset({"one"})}, {})
