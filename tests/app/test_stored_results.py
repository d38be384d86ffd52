"""The background worker's part in stored results: from a saved record to the page of all measures."""

from __future__ import annotations

from pathlib import Path

from kangshu.access import system_grant
from kangshu.app.demo import demo_identity
from kangshu.app.stored_results import StoredResults
from kangshu.app.wiring import Place, all_measures, all_views, open_platform
from kangshu.base.canonical import DISTRICT
from kangshu.base.clock import today
from kangshu.measures import ViewKeeper
from kangshu.sdk import Resource

SYSTEM = system_grant("test")
ID = "family-doctor-coverage-60"


def resident(id_: str) -> Resource:
    return {
        "resourceType": "Patient", "id": id_, "birthDate": "1950-03-03", "active": True,
        "extension": [{"url": DISTRICT, "valueCode": "990102001"}],
    }  # fmt: skip


async def test_what_is_saved_is_stored_and_nothing_is_computed_twice(
    database_url: str, tmp_path: Path
) -> None:
    views = tmp_path / "views"
    async with open_platform(database_url, Place(tmp_path, views, demo_identity())) as platform:
        results = StoredResults(platform, views)
        await results.keep()  # before the views are there, nothing is
        keeper = ViewKeeper(platform.store, views, all_views(platform.services))
        await platform.store.update(SYSTEM, resident("a"))
        results.note(await keeper.refresh())
        await results.keep()
        measures = all_measures(platform.services)
        first = platform.snapshot().overview(SYSTEM, measures, [today()])
        assert first[ID, today()].denominator == 1
        # every measure whose parameters are known is stored, at the position that is published
        assert len(first) > 100
        assert {one.position for one in first.values()} == {platform.snapshot().position}

        results._not_before = 0.0  # the pause that keeps the cost small
        await platform.store.update(SYSTEM, resident("b"))
        results.note(await keeper.refresh())
        await results.keep()
        second = platform.snapshot().overview(SYSTEM, measures, [today()])
        assert second[ID, today()].denominator == 2
        # those that read no view of residents are the same, and as of now all the same
        assert {one.position for one in second.values()} == {platform.snapshot().position}
