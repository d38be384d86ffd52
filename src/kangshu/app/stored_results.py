"""The measures' stored results, kept beside the views by the background worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from kangshu.api import Platform
from kangshu.base.clock import today
from kangshu.base.faults import NotFound
from kangshu.measures import Refreshed, ResultKeeper, Wanted, period_of, read_manifest

_SHARE = 10.0
"""After a refresh there is a pause of so many times what it took: records are saved faster than numbers are looked at."""


class StoredResults:
    """Brings the stored results up to the published views, as often as that costs a small share of a core."""

    def __init__(self, platform: Platform, views: Path) -> None:
        self._platform, self._views = platform, views
        self._keeper = ResultKeeper(views)
        self._state: tuple[int, date] | None = None
        self._not_before = 0.0

    def note(self, refreshed: Refreshed) -> None:
        """Take down what a refresh of the views touched."""
        self._keeper.note(refreshed)

    async def keep(self) -> None:
        """Refresh what is stored, if the views or the day have changed and it is time."""
        if time.monotonic() < self._not_before:
            return
        try:
            manifest = read_manifest(self._views, self._platform.store.identity)
        except NotFound:  # the views are not built yet
            return
        state = (manifest.position, today())
        if state == self._state:
            return
        wanted = list(self._wanted(today()))
        computed = await asyncio.to_thread(self._keeper.refresh, manifest, wanted)
        self._state = state
        self._not_before = time.monotonic() + _SHARE * computed.seconds

    def _wanted(self, day: date) -> Iterator[Wanted]:
        place, table = self._platform.settings.jurisdiction, self._platform.parameters
        for service in self._platform.services:
            for measure in service.measures:
                found = {name: table.find(name, place, day) for name in measure.parameters}
                values = {name: version.value for name, version in found.items() if version is not None}
                if len(values) == len(measure.parameters):
                    yield Wanted(measure, *period_of(measure, day), values)
