"""When the background worker holds the warning rules against the numbers: after the results, and seldom."""

from __future__ import annotations

import logging
import time
from datetime import date
from typing import Final

from kangshu.api import Platform
from kangshu.base.clock import today
from kangshu.base.faults import NotFound

_LOG: Final = logging.getLogger(__name__)
_PAUSE_SECONDS: Final = 60.0
"""Between two looks at least: what warns does not come and go within a minute."""
_SHARE: Final = 20.0
"""And so many times what the last one took: people's pages come first."""


class WarningLooks:
    """Looks when records or the day have changed since, and it is time."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._state: tuple[int, date] | None = None
        self._not_before = 0.0

    async def look(self) -> None:
        """Hold the rules against what is published, if it is time."""
        if time.monotonic() < self._not_before:
            return
        try:
            state = (self._platform.snapshot().position, today())
        except NotFound:  # the views are not built yet
            return
        if state == self._state:
            return
        began = time.monotonic()
        done = await self._platform.warnings.look()
        self._state = None if done.waiting else state
        self._not_before = time.monotonic() + max(_PAUSE_SECONDS, _SHARE * (time.monotonic() - began))
        if done.raised or done.ended:
            _LOG.info("warnings: %d raised, %d ended", done.raised, done.ended)
