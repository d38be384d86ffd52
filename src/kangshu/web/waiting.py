"""What waits for the visitor, beside the menu: to-dos and unread notices, kept for a few seconds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from kangshu.access import Grant
from kangshu.api import Platform

_SECONDS: Final = 10.0
_MOST_KEPT: Final = 5000
_KEPT: dict[tuple[int, str], tuple[float, Mapping[str, int]]] = {}


async def waiting(platform: Platform, grant: Grant, *, fresh: bool) -> Mapping[str, int]:
    """Return how many cases (`todo`) and notices (`notices`) wait; empty for an account without a party.

    A count is at most ten seconds old; `fresh` asks anew, as after an act of one's own.
    """
    if not (grant.organisation or grant.patient):
        return {}
    key, at = (id(platform), grant.account), time.monotonic()
    kept = _KEPT.get(key)
    if kept is not None and not fresh and at - kept[0] < _SECONDS:
        return kept[1]
    if len(_KEPT) > _MOST_KEPT:
        _KEPT.clear()
    counts = await platform.cases.counts(grant)
    _KEPT[key] = at, counts
    return counts


def forget(grant: Grant) -> None:
    """Ask anew for this account on its next page."""
    for key in [one for one in _KEPT if one[1] == grant.account]:
        del _KEPT[key]
