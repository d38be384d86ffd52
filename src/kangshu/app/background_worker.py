"""The background worker: numbers the feed, keeps the views, seals the audit, makes the moves that time makes."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

from kangshu.api import Platform, refresh_parameters
from kangshu.app.processes import WorkerOrder
from kangshu.app.rechecking import Rechecks
from kangshu.app.stored_results import StoredResults
from kangshu.app.warning_looks import WarningLooks
from kangshu.app.wiring import Place, keyed_views, open_platform
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Fault, Unavailable
from kangshu.measures import ViewKeeper
from kangshu.store import ANCHOR_MINUTES, AnchorPlaces, audit_limit

_LOG = logging.getLogger("kangshu.app")
_BEAT_SECONDS = 0.5
_CASE_SECONDS = 60.0
_MINUTE_SECONDS = 5.0
"""How often deadlines that are counted in minutes are looked at."""
_TELL_SECONDS = 5.0
_HEED_SECONDS = 5.0
_RESULT_SECONDS = 2.0
_WARNING_SECONDS = 10.0
_RECHECK_SECONDS = 5.0
_COMPLAINT_SECONDS = 60.0


async def work(order: WorkerOrder, place: Place) -> None:
    """Do what is due until told to stop."""
    stopping = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stopping.set)
    async with open_platform(order.database, place, pool=order.pool) as platform:
        keeper = ViewKeeper(platform.store, place.views, await keyed_views(platform))
        results = StoredResults(platform, place.views)
        complaints = _Complaints()
        published = -1
        ticked = float("-inf")
        places = AnchorPlaces(place.folder)
        aside = (
            asyncio.create_task(_read_anew(platform, complaints)),
            *(
                asyncio.create_task(_repeat(act, seconds, complaints, what))
                for act, seconds, what in _beside(platform, results)
            ),
        )
        while not stopping.is_set():
            published = await _beat(platform, keeper, results, published, complaints)
            if time.monotonic() - ticked >= _CASE_SECONDS:
                ticked = time.monotonic()
                await _tick(platform, complaints)
                await _anchor(platform, places, complaints)
            try:
                await asyncio.wait_for(stopping.wait(), _BEAT_SECONDS)
            except TimeoutError:
                continue
        for task in aside:
            task.cancel()
        await asyncio.gather(*aside, return_exceptions=True)
        keeper.close()


async def _read_anew(platform: Platform, complaints: _Complaints) -> None:
    """Read records that an earlier program wrote: what they open (closed until then), how they are found."""
    while True:
        try:
            await platform.store.derive()
            await platform.store.reindex()
        except Fault as fault:
            complaints.tell("records of before will be read again", fault)
            await asyncio.sleep(_COMPLAINT_SECONDS)
        else:
            return


def _beside(
    platform: Platform, results: StoredResults
) -> Iterator[tuple[Callable[[], Awaitable[object]], float, str]]:
    """Yield what is done beside the rest, every how many seconds, and what is logged when a fault puts it off."""
    deliveries = platform.notices.deliveries

    async def tell() -> None:
        await deliveries.collect()
        await deliveries.send()

    yield tell, _TELL_SECONDS, "notices will be sent later"  # a slow gateway delays nothing else
    yield platform.bookings.heed, _HEED_SECONDS, "bookings will be looked at again"
    yield Rechecks(platform).recheck, _RECHECK_SECONDS, "returned records will be checked again later"
    yield results.keep, _RESULT_SECONDS, "the measures' results will be stored later"
    yield WarningLooks(platform).look, _WARNING_SECONDS, "warnings will be looked at again"
    yield platform.cases.tick_minutes, _MINUTE_SECONDS, "deadlines in minutes will be looked at again"


async def _repeat(
    act: Callable[[], Awaitable[object]], seconds: float, complaints: _Complaints, what: str
) -> None:
    """Act every `seconds` beside the other work, which is not delayed; `what` logs that a fault puts it off."""
    while True:
        try:
            await act()
        except Fault as fault:
            complaints.tell(what, fault)
        await asyncio.sleep(seconds)


class _Complaints:
    """Logs a fault that comes again with every beat once a minute."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def tell(self, what: str, fault: Fault) -> None:
        """Log that `what` failed, unless it was just told."""
        now = time.monotonic()
        if now - self._told.get(what + fault.text, float("-inf")) >= _COMPLAINT_SECONDS:
            self._told = {what + fault.text: now}
            _LOG.warning("%s: %s", what, fault.text)


async def _beat(
    platform: Platform, keeper: ViewKeeper, results: StoredResults, published: int, complaints: _Complaints
) -> int:
    """Do what is due once; a fault is logged and the next beat tries again."""
    try:
        await platform.store.seal_audit()
        position = await platform.store.feed_position()
        if position != published:
            refreshed = await keeper.refresh()
            results.note(refreshed)
            return refreshed.position
    except Conflict:
        _LOG.info("another keeper is at work on the views")
    except Fault as fault:
        complaints.tell("background work will be tried again", fault)
    return published


async def _tick(platform: Platform, complaints: _Complaints) -> None:
    """Make the cases' moves that are due by themselves and tell of passed deadlines."""
    try:
        await refresh_parameters(platform)
        await platform.cases.tick()
        await platform.bookings.tick()
        await platform.reminders.tick()
        await platform.returns.keep_calendar()
        await platform.snapshots.freeze_due(platform.parameters)
        await platform.store.forget_extracts()
    except Fault as fault:
        complaints.tell("deadlines will be looked at again", fault)


async def _anchor(platform: Platform, places: AnchorPlaces, complaints: _Complaints) -> None:
    """Write where the audit's chain ends to every place, when it is time and there is something new."""
    try:
        minutes = audit_limit(platform.parameters, ANCHOR_MINUTES, platform.settings.jurisdiction)
        last = places.last_at()
        if last is not None and now() - last < timedelta(minutes=minutes):
            return
        head = await platform.store.audit_head()
        if head is not None:
            written = await asyncio.to_thread(places.write, head)
            for place, why in written.failed:
                complaints.tell("an anchor of the audit", Unavailable(f"{place} cannot be written: {why}"))
    except Fault as fault:
        complaints.tell("an anchor of the audit will be tried again", fault)
