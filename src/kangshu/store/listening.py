"""What one process tells all others at once: PostgreSQL's LISTEN on a connection of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import asyncpg

from kangshu.base.faults import Unavailable
from kangshu.store.connections import connect

_RETRY_SECONDS = 1.0
_LOG = logging.getLogger("kangshu.store")


async def listen(url: str, channel: str, heard: Callable[[], None], hearing: Callable[[bool], None]) -> None:
    """Call `heard` whenever something is told on `channel`, until cancelled.

    `hearing` is told True when it begins and False while the connection is lost: what was missed is not told later.
    """
    while True:
        ended = asyncio.Event()
        try:
            connection = await connect(url)
        except Unavailable as fault:
            _LOG.warning("changes of other processes are not heard: %s", fault.text)
            await asyncio.sleep(_RETRY_SECONDS)
            continue
        try:
            connection.add_termination_listener(lambda *_, ended=ended: ended.set())
            await connection.add_listener(channel, lambda *_: heard())
            hearing(True)
            await ended.wait()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as cause:
            _LOG.warning("changes of other processes are not heard: %s", type(cause).__name__)
        finally:
            hearing(False)
            connection.terminate()
        await asyncio.sleep(_RETRY_SECONDS)
