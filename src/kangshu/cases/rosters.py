"""Duty rosters (值班表): who is on duty at a moment, and the hours for which too few are.

A shift is a Schedule whose `serviceType` is the roster's post: `actor` who has it, `planningHorizon` from when to when,
extension(responsible-organisation) for which unit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from kangshu.access import Grant
from kangshu.base.canonical import code_system, structure
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import NotFound
from kangshu.base.parameters import ParameterTable
from kangshu.registers import names_of
from kangshu.sdk import Resource, RosterDeclaration
from kangshu.store import Store

DUTY_POST: Final = code_system("duty-post")
"""Code system of the posts of rosters: Schedule.serviceType."""
RESPONSIBLE: Final = structure("responsible-organisation")

Search = Callable[[str, str], Awaitable[Sequence[Resource]]]


@dataclass(frozen=True, slots=True)
class Shift:
    """One person's shift at a post, from `start` until `end`."""

    id: str
    person: str
    """Reference of who has it (`Practitioner/id`)."""
    name: str
    unit: str
    """Reference of the Organization for which, "" for none."""
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which `count` are on duty and more must be."""

    start: datetime
    end: datetime
    count: int


class Rosters:
    """Reads the declared rosters; shifts are kept in their registers."""

    def __init__(
        self,
        store: Store,
        declarations: Iterable[RosterDeclaration],
        parameters: ParameterTable,
        jurisdiction: str,
    ) -> None:
        self._store = store
        self._rosters = {one.code: one for one in declarations}
        self._parameters = parameters
        self._jurisdiction = jurisdiction

    @property
    def declarations(self) -> tuple[RosterDeclaration, ...]:
        """Return every declared roster."""
        return tuple(self._rosters.values())

    def declaration(self, code: str) -> RosterDeclaration:
        """Return the roster `service/roster`. Raises NotFound."""
        found = self._rosters.get(code)
        if found is None:
            raise NotFound(f"there is no roster '{code[:80]}'", zh=f"没有值班表“{code[:80]}”")
        return found

    async def shifts(self, grant: Grant, code: str, start: datetime, end: datetime) -> tuple[Shift, ...]:
        """Return the shifts that touch the span, as far as the grant shows them, the earliest first."""

        async def search(kind: str, criteria: str) -> Sequence[Resource]:
            return await self._store.search_all(grant, kind, criteria)

        found = await shifts_between(search, self.declaration(code).post, start, end)
        names = await names_of(self._store, grant, {one.person for one in found if not one.name})
        return tuple(one if one.name else replace(one, name=names.get(one.person, "")) for one in found)

    async def on_duty(self, grant: Grant, code: str, when: datetime) -> tuple[Shift, ...]:
        """Return the shifts that are on at `when`."""
        return await self.shifts(grant, code, when, when)

    def gaps(self, code: str, shifts: Sequence[Shift], start: datetime, end: datetime) -> tuple[Gap, ...]:
        """Return the spans with too few of `shifts`, by the figure in force at `start`. Raises ParameterMissing."""
        return gaps(shifts, start, end, self.least(code, start))

    def least(self, code: str, when: datetime) -> int:
        """Return how many must be on duty at any moment of that day. Raises ParameterMissing."""
        day = when.astimezone(CITY_ZONE).date()
        return int(self._parameters.value(self.declaration(code).least, self._jurisdiction, day))


async def shifts_between(search: Search, post: str, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """Return the shifts of `post` that touch the span from `start` to `end`, the earliest first."""
    criteria = f"service-type={DUTY_POST}|{post}&active=true&date=le{instant(end)}&date=ge{instant(start)}"
    found = [one for record in await search("Schedule", criteria) for one in _shifts(record)]
    touching = (one for one in found if one.start <= end and one.end > start)
    return tuple(sorted(touching, key=lambda one: (one.start, one.name, one.id)))


def gaps(shifts: Sequence[Shift], start: datetime, end: datetime, least: int) -> tuple[Gap, ...]:
    """Return the spans between `start` and `end` in which fewer than `least` are on duty, in order.

    Neighbouring spans with as many people are one.
    """
    edges = sorted(
        {start, end, *(edge for one in shifts for edge in (one.start, one.end) if start < edge < end)}
    )
    found: list[Gap] = []
    for first, last in pairwise(edges):
        count = len({one.person for one in shifts if one.start <= first and one.end >= last})
        if count >= least:
            continue
        if found and found[-1].end == first and found[-1].count == count:
            found[-1] = Gap(found[-1].start, last, count)
        else:
            found.append(Gap(first, last, count))
    return tuple(found)


def next_in_turn(on_duty: Sequence[Shift], turn: int) -> Shift | None:
    """Return whose turn the `turn`-th case is: those on duty take them one after another; None when nobody is."""
    return on_duty[turn % len(on_duty)] if on_duty else None


def _shifts(record: Resource) -> Iterable[Shift]:
    horizon = record.get("planningHorizon", {})
    start, end = _instant(horizon.get("start")), _instant(horizon.get("end"))
    if start is None or end is None or end <= start:
        return
    unit = next(
        (
            str(one.get("valueReference", {}).get("reference", ""))
            for one in record.get("extension", ())
            if one.get("url") == RESPONSIBLE
        ),
        "",
    )
    for actor in record.get("actor", ()):
        name = str(actor.get("display", ""))
        yield Shift(str(record["id"]), str(actor.get("reference", "")), name, unit, start, end)


def _instant(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=CITY_ZONE)
