"""What is kept of the measures beside the views, by the background worker: their atoms, and the answers of pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from kangshu.access import Grant
from kangshu.api import Platform, wanted_of
from kangshu.base.clock import quarter_ends, today
from kangshu.base.faults import NotFound
from kangshu.base.parameters import ParameterMissing
from kangshu.measures import (
    AnswerKeeper,
    Refreshed,
    ResultKeeper,
    Wanted,
    counts_by_district,
    read_manifest,
)

_SHARE: Final = 10.0
"""After a refresh there is a pause of so many times what it took: records are saved faster than numbers are looked at."""
_ANSWERS_SHARE: Final = 3.0
"""The same after answers, which people wait for; they are computed in turns of so many seconds:"""
_TURN_SECONDS: Final = 5.0
_FIRST_SHARE: Final = 0.5
"""The same while some number of today was never computed: until then pages have to compute it."""
_QUARTERS: Final = 8
"""How many quarter ends a measure's page shows."""
_YEARS: Final = 5
"""How many year ends the light of a target that is counted by the year looks back on."""
_MOST_AUDIENCES: Final = 40
_OPERATION: Final = "measure.read"
_POSTS_SECONDS: Final = 60.0


class StoredResults:
    """Brings what is kept up to the published views, as often as that costs a small share of a core."""

    def __init__(self, platform: Platform, views: Path) -> None:
        self._platform, self._views = platform, views
        self._keeper, self._answers = ResultKeeper(views), AnswerKeeper(views)
        self._state: tuple[int, date] | None = None
        self._answered: tuple[int, date] | None = None
        self._not_before = self._answers_not_before = 0.0
        self._posts: tuple[float, tuple[Grant, ...]] = (float("-inf"), ())

    def note(self, refreshed: Refreshed) -> None:
        """Take down what a refresh of the views touched."""
        self._keeper.note(refreshed)

    async def keep(self) -> None:
        """Refresh the atoms, then some of the answers, if the views or the day have changed and it is time."""
        try:
            manifest = read_manifest(self._views, self._platform.store.identity)
        except NotFound:  # the views are not built yet
            return
        state = (manifest.position, today())
        if state != self._state and time.monotonic() >= self._not_before:
            wanted = list(self._wanted(today()))
            computed = await asyncio.to_thread(self._keeper.refresh, manifest, wanted)
            self._state = state
            self._not_before = time.monotonic() + _SHARE * computed.seconds
        if state != self._answered and time.monotonic() >= self._answers_not_before:
            kept = await asyncio.to_thread(
                self._answers.refresh,
                self._platform.snapshot(),
                await self._offices(),
                self._by_day(),
                self._platform.settings.jurisdiction,
                _TURN_SECONDS,
            )
            self._answered = None if kept.left else state
            share = _FIRST_SHARE if kept.lacking else _ANSWERS_SHARE
            self._answers_not_before = time.monotonic() + share * kept.seconds

    async def _offices(self) -> Sequence[Grant]:
        """Return what the posts may do that count by district, those that most people hold first."""
        if time.monotonic() - self._posts[0] > _POSTS_SECONDS:
            types = {view.definition["resource"] for one in self._platform.services for view in one.views}
            grants = await self._platform.accounts.post_grants(_OPERATION)
            found = tuple(one for one in grants if counts_by_district(one, types))
            self._posts = (time.monotonic(), found[:_MOST_AUDIENCES])
        return self._posts[1]

    def _by_day(self) -> dict[date, list[Wanted]]:
        """Return what pages ask for: everything of today, then of earlier period ends what can be told of them.

        What stands on the wall display and what proves targets comes first: most people look at these.
        """
        day = today()
        wanted = {day: sorted(self._wanted(day), key=_looked_at)}
        for end in reversed(quarter_ends(day, _QUARTERS)):
            if end != day:
                wanted[end] = [one for one in self._wanted(end) if one.measure.has_past]
        for year in range(day.year - 1, day.year - 1 - _YEARS, -1):
            if (end := date(year, 12, 31)) not in wanted:
                dated = (one for one in self._wanted(end) if one.measure.has_past)
                wanted[end] = [one for one in dated if one.measure.period == "year"]
        return wanted

    def _wanted(self, day: date) -> Iterator[Wanted]:
        for service in self._platform.services:
            for measure in service.measures:
                try:
                    yield wanted_of(self._platform, measure, day)
                except ParameterMissing:  # the pages say so
                    continue


def _looked_at(one: Wanted) -> tuple[bool, bool]:
    return not one.measure.cockpit, not one.measure.targets
