"""Answers kept for some seconds for those who may see the same: a page shows what is kept while it is renewed beside it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, Generic, TypeVar

from kangshu.access import Grant

T = TypeVar("T")
_MOST: Final = 500


def sight_of(grant: Grant) -> str:
    """Return in short what `grant` may see and count, and for whom it acts: equal texts, equal answers."""
    parts: tuple[Any, ...] = (
        grant.account, grant.roles, grant.organisation, grant.practitioner, grant.patient, sorted(grant.wards),
        grant.district, sorted(grant.organisations), sorted(grant.operations), sorted(grant.emergency),
        sorted((name, repr(one)) for name, one in grant.read.items()),
        sorted((name, repr(one)) for name, one in grant.aggregate.items()),
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class Kept(Generic[T]):
    """Values by key: one younger than `fresh` seconds is given; one younger than `stale` too, and is then made anew.

    What is older is made before it is given. A value is made once however many ask for it at the same time.
    """

    def __init__(self, fresh: float, stale: float) -> None:
        self._fresh, self._stale = fresh, stale
        self._values: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._making: dict[Hashable, asyncio.Task[T]] = {}

    async def of(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return the value under `key`. Raises what `make` raises where none can be given."""
        held = self._values.get(key)
        age = time.monotonic() - held[0] if held is not None else float("inf")
        if held is not None and age < self._fresh:
            return held[1]
        task = self._making.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.ensure_future(self._made(key, make))
            task.add_done_callback(_looked_at)
            self._making[key] = task
        if held is not None and age < self._stale:
            return held[1]
        return await asyncio.shield(task)

    async def _made(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        try:
            value = await make()
        finally:
            self._making.pop(key, None)
        self._values[key] = time.monotonic(), value
        self._values.move_to_end(key)
        while len(self._values) > _MOST:
            self._values.popitem(last=False)
        return value


def _looked_at(task: asyncio.Task[Any]) -> None:
    """Take note of a fault beside the page: whoever needs the value meets it again."""
    if not task.cancelled():
        task.exception()
