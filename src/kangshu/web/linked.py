"""Which targets of the city's own plans a measure proves, with their lights: kept for some seconds, for pages of many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kangshu.web.kept import Kept, sight_of
from kangshu.web.visit import Visit

ORDER: Final = {"red": 0, "amber": 1, "green": 2, "grey": 3}
"""Lights, the worst first; what is not known stands last."""
LIGHT_NAMES: Final = {"red": "滞后", "amber": "预警", "green": "正常", "grey": "未知"}
"""What the lights are called."""
_FRESH, _STALE = 15.0, 180.0


@dataclass(frozen=True, slots=True)
class Linked:
    """One target (a `TargetView`) with its plan."""

    target: Any
    plan: str
    plan_title: str

    @property
    def address(self) -> str:
        """The target's page."""
        return f"/plans/{self.plan}/targets/{self.target.id}"

    @property
    def light(self) -> str:
        """Its light."""
        return str(self.target.light.light)


@dataclass(frozen=True, slots=True)
class Boards:
    """The city's own plans as the visitor sees them: every target, and the cases of units that are late."""

    targets: tuple[Linked, ...]

    def by_measure(self) -> Mapping[str, tuple[Linked, ...]]:
        """Return the targets that each measure proves, the worst light first."""
        found: dict[str, list[Linked]] = {}
        for one in self.targets:
            if one.target.measure and one.target.confirmed:
                found.setdefault(one.target.measure, []).append(one)
        return {id_: tuple(worst_first(listed)) for id_, listed in found.items()}


_KEPT: Final[Kept[Boards]] = Kept(_FRESH, _STALE)


async def boards(visit: Visit) -> Boards:
    """Return the targets of the city's own plans; none for who may not read plans."""
    if not visit.grant.may("plan.read"):
        return Boards(())
    return await _KEPT.of((id(visit.platform), sight_of(visit.grant)), lambda: _read(visit))


async def _read(visit: Visit) -> Boards:
    plans, found = visit.platform.plans, []
    for row in await plans.plans(visit.grant):
        if not row.foreign:
            plan = await plans.plan(visit.grant, row.id)
            found += [Linked(one, row.id, row.title) for one in plan.targets]
    return Boards(tuple(found))


def worst_first(targets: Iterable[Linked]) -> list[Linked]:
    """Return targets by light, the worst first."""
    return sorted(targets, key=lambda one: ORDER.get(one.light, 4))
