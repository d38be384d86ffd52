"""Warnings of the demo city: what its rules find is raised, and some of it is signed for and acted on."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kangshu.access import Grant, system_grant
from kangshu.api import Platform, warnings_seen
from kangshu.base.faults import Fault

_GRANT: Final = system_grant("演示城市 demo city")
_DONE: Final = {"done": "begun", "comment": "已按名单逐一联系，本月内办结。"}


async def raise_warnings(platform: Platform) -> int:
    """Hold the rules against the demo city; of what is raised every third is signed for, and every sixth acted on."""
    await platform.warnings.look()
    raised = await warnings_seen(platform, _GRANT)
    for number, line in enumerate(raised):
        if number % 3 == 1 and line.row.owner:
            await _sign(platform, line.row.id, line.row.owner, acted=number % 6 == 1)
    return len(raised)


async def _sign(platform: Platform, case: str, owner: str, *, acted: bool) -> None:
    grant = _of(owner)
    try:
        await platform.cases.move(grant, case, "sign", {})
        if acted:
            await platform.cases.move(grant, case, "act", _DONE)
    except Fault:  # a city of its own services may carry warnings otherwise
        return


def _of(organisation: str) -> Grant:
    return replace(
        system_grant("预警经办人"), organisation=organisation, organisations=frozenset({organisation})
    )
