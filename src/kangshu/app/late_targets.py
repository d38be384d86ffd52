"""Which targets of the city's plans in force are off their course: what warnings ask of the plans."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from kangshu.access import system_grant
from kangshu.base.clock import today
from kangshu.plans import Plans, TargetView, lead_units
from kangshu.warnings import LateTarget

_GRANT: Final = system_grant("warnings")
_KEPT_SECONDS: Final = 900.0
"""Lights need the values of many quarters: they are reckoned this seldom."""


class LateTargets:
    """Gives the targets whose value is red, as they were reckoned at most a quarter of an hour ago."""

    def __init__(self, plans: Plans) -> None:
        self._plans = plans
        self._found: tuple[float, tuple[LateTarget, ...]] = (float("-inf"), ())

    async def __call__(self) -> Sequence[LateTarget]:
        """Return the targets that are behind, with the reason and the lead units of their clauses."""
        if time.monotonic() - self._found[0] > _KEPT_SECONDS:
            self._found = (time.monotonic(), tuple(await self._reckoned()))
        return self._found[1]

    async def _reckoned(self) -> list[LateTarget]:
        found = []
        for row in await self._plans.plans(_GRANT):
            if row.foreign:
                continue
            plan = await self._plans.plan(_GRANT, row.id)
            for target in plan.targets:
                # what is late of the duties is supervision's; here is what the numbers say
                said = next((one for one in target.light.parts if one.kind == "value"), None)
                if said is not None and said.light == "red" and _has_a_course(target):
                    units = lead_units(plan, target)
                    found.append(
                        LateTarget(plan.id, plan.title, target.id, target.indicator, said.text, units)
                    )
        return found


def _has_a_course(target: TargetView) -> bool:
    """Return whether something is asked of the target by today: a way from its baseline, or a due day that has come.

    Without a baseline or a year only the final value is known: who has not reached it yet is not late.
    """
    light = target.light
    if light.closed is not None:
        return False
    return light.expected != light.final or (target.due.isdecimal() and int(target.due) < today().year)
