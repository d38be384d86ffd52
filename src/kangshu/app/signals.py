"""Signals that ask to stop, held back while something is started or stopped that must not be left half-way."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kangshu.base.faults import Fault

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held() -> Iterator[None]:
    """Hold requests to stop until the body is done; then raise KeyboardInterrupt if there was one."""
    asked: list[int] = []
    before = {one: signal.signal(one, lambda number, _frame: asked.append(number)) for one in STOPPING}
    try:
        yield
    except Fault:
        if asked:  # Ctrl-C reaches the programs that we run as well
            raise KeyboardInterrupt from None
        raise
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    if asked:
        raise KeyboardInterrupt
