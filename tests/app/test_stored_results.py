"""The background worker's part in stored results: from a saved record to the page of all measures."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangshu.access import system_grant
from kangshu.accounts import Account
from kangshu.api import answered, wanted_of
from kangshu.app import stored_results
from kangshu.app.demo import demo_identity
from kangshu.app.stored_results import StoredResults
from kangshu.app.wiring import Place, all_measures, all_views, open_platform
from kangshu.base.canonical import DISTRICT
from kangshu.base.clock import quarter_ends, today
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
        stored = platform.snapshot().stored
        # every measure whose parameters are known is stored, at the position that is published
        first = [stored.of(one, today()) for one in measures]
        assert sum(one is not None for one in first) > 100
        assert {one.position for one in first if one} == {platform.snapshot().position}

        results._not_before = 0.0  # the pause that keeps the cost small
        await platform.store.update(SYSTEM, resident("b"))
        results.note(await keeper.refresh())
        await results.keep()
        stored = platform.snapshot().stored
        second = [stored.of(one, today()) for one in measures]
        # those that read no view of residents are the same, and as of now all the same
        assert {one.position for one in second if one} == {platform.snapshot().position}
        assert {a.file for a in first if a} & {b.file for b in second if b}


async def test_an_office_finds_its_numbers_ready(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the leader of a district is shown stands ready before the first visit; units' own views are computed."""
    views = tmp_path / "views"
    monkeypatch.setattr(stored_results, "_QUARTERS", 2)  # two days tell as much as eight
    monkeypatch.setattr(stored_results, "_YEARS", 0)
    async with open_platform(database_url, Place(tmp_path, views, demo_identity())) as platform:
        for name, role, district in (
            ("near", "commission-leader", "990102"),
            ("again", "commission-leader", "990102"),
            ("unit", "community-doctor", ""),
        ):
            account = Account(name, name, roles=(role,), district=district, organisation="o1")
            await platform.accounts.create_account(SYSTEM, account)
        grants = await platform.accounts.post_grants("measure.read")
        assert [one.district for one in grants] == ["990102", ""]
        results = StoredResults(platform, views)
        await platform.store.update(SYSTEM, resident("a"))
        keeper = ViewKeeper(platform.store, views, all_views(platform.services))
        results.note(await keeper.refresh())
        for _ in range(200):
            await results.keep()
            results._answers_not_before = 0.0
            if results._answered is not None:
                break
        leader = await platform.accounts.open_grant("near")
        measures = [one for one in all_measures(platform.services) if one.has_past]
        ends = quarter_ends(today(), 2)
        snapshot = platform.snapshot()
        wanted = [wanted_of(platform, one, end) for one in measures for end in ends]
        ready = snapshot._at_hand.of(leader, wanted, platform.settings.jurisdiction, snapshot.least_shown)
        assert len(ready) == len(wanted)
        told = await answered(platform, leader, measures, ends)
        for one in wanted[::40]:
            by, place = ("district",), platform.settings.jurisdiction
            live = snapshot.evaluate(leader, one.measure, one.parameters, one.start, one.end, by, place)
            assert told[one.measure.id, one.end] == live
