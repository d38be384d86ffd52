"""Dated parameters that an authority enters while the product runs.

They stand in one document of the database; every process has a table of its own and takes up what others entered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.api.telling import tell
from kangshu.base.clock import now
from kangshu.base.faults import NotFound
from kangshu.base.parameters import ParameterVersion

ENTERED: Final = "parameters.entered"
"""Name of the document: a list of parameter versions, oldest entry first."""


async def enter_parameter(platform: Platform, grant: Grant, version: ParameterVersion) -> ParameterVersion:
    """Keep a new value of a declared parameter, from now on and in every process; return it as kept.

    Earlier values stay. Raises Forbidden without `parameter.write`, NotFound for a parameter that nobody declared,
    Unprocessable below the floor or above the ceiling that a document sets, Invalid without a source or when it ends
    before it starts.
    """
    grant.require("parameter.write")
    if version.id not in platform.parameters.ids():
        raise NotFound(f"there is no parameter '{version.id[:60]}'", zh=f"没有参数“{version.id[:60]}”")
    platform.parameters.refuse_beyond(version)
    kept = replace(version, entered_by=grant.account, entered_at=now())
    platform.parameters.enter(kept)
    await platform.store.append_setting(ENTERED, kept.as_data())
    await tell(platform, grant, "parameter-enter", detail=kept.id)
    return kept


async def refresh_parameters(platform: Platform) -> int:
    """Take up the values that other processes entered; return how many there were."""
    known = {_key(one) for one in platform.parameters.entered()}
    fresh = 0
    for data in await platform.store.get_setting(ENTERED) or []:
        version = ParameterVersion.from_data(data)
        if _key(version) not in known:
            platform.parameters.enter(version)
            fresh += 1
    return fresh


def _key(version: ParameterVersion) -> tuple[str, str, object]:
    return (version.id, version.jurisdiction, version.entered_at)
