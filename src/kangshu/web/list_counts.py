"""How much there is to do in each list of work, kept for a minute: a count asks the views, not the records."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from kangshu.access import Grant
from kangshu.api import list_count, offered_lists, own_lists
from kangshu.web.figures import counting
from kangshu.web.visit import Visit

_SECONDS: Final = 60.0
_MOST_KEPT: Final = 2000
_KEPT: dict[tuple[int, str], tuple[float, Mapping[str, int], int]] = {}


async def counted(visit: Visit) -> Mapping[str, int]:
    """Return how many rows each list has for the visitor, by its code; those that cannot be told are left out.

    A count is at most a minute old.
    """
    key, at = (id(visit.platform), visit.grant.account), time.monotonic()
    kept = _KEPT.get(key)
    if kept is not None and at - kept[0] < _SECONDS:
        return kept[1]
    grant = await counting(visit)
    found: dict[str, int] = {}
    own, total = own_lists(visit.platform, visit.grant), 0
    for one in offered_lists(visit.platform, visit.grant):
        count = await list_count(visit.platform, grant, one)
        if count is not None:
            found[one.code] = count
            # a list without a tone tells how things stand and asks for nothing
            total += count if one.tone and one in own else 0
    if len(_KEPT) > _MOST_KEPT:
        _KEPT.clear()
    _KEPT[key] = at, found, total
    return found


def known(platform: object, grant: Grant) -> int:
    """Return how much there is to do in all lists together, as far as it has been counted; 0 before that."""
    kept = _KEPT.get((id(platform), grant.account))
    return kept[2] if kept is not None else 0


def forget(grant: Grant) -> None:
    """Count anew for this account on its next page."""
    for key in [one for one in _KEPT if one[1] == grant.account]:
        del _KEPT[key]
