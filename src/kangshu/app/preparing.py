"""What happens to a database before an installation serves: its schema, and of a demonstration its city."""

from __future__ import annotations

import sys
import time

from kangshu.app.demo import make_demo
from kangshu.app.installation import Identity, Installation
from kangshu.app.processes import WorkerOrder, message
from kangshu.app.wiring import Place, check_services, open_platform

_EVERY_SECONDS = 0.1


async def prepare(installation: Installation, order: WorkerOrder) -> None:
    """Check the services, bring the schema up to date; with `order.demo`, make the demonstration unless it stands.

    Progress goes to standard output, a line each. Raises Invalid when a service has findings, Unavailable when the
    database does not answer, Conflict when it holds something else than a demonstration.
    """
    check_services()
    if order.demo:
        await make_demo(installation, order.database, **order.demo, progress=_Teller())
        return
    place = Place(installation.folder, installation.views, installation.identity() or Identity(""))
    async with open_platform(order.database, place, pool=2):
        pass


class _Teller:
    """Tells the supervisor how far the work is, not more often than one can read."""

    def __init__(self) -> None:
        self._title = ""
        self._last = 0.0

    def __call__(self, en: str, zh: str, done: int, of: int) -> None:
        now = time.monotonic()
        if en == self._title and done != of and now - self._last < _EVERY_SECONDS:
            return
        self._title, self._last = en, now
        sys.stdout.write(message("progress", [en, zh, done, of]) + "\n")
        sys.stdout.flush()
