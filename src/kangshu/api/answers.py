"""Numbers of many measures at once, split by the districts of the city: what stands ready is not computed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.measures import MeasureResult, Wanted, period_of
from kangshu.sdk import MeasureDeclaration


def wanted_of(platform: Platform, measure: MeasureDeclaration, end: date) -> Wanted:
    """Return `measure` for the period that ends on `end`, with today's parameters. Raises ParameterMissing."""
    place, table, day = platform.settings.jurisdiction, platform.parameters, today()
    values = {one: table.value(one, place, day) for one in measure.parameters}
    return Wanted(measure, *period_of(measure, end), values)


async def answered(
    platform: Platform,
    grant: Grant,
    measures: Iterable[MeasureDeclaration],
    ends: Sequence[date],
    seconds: float = float("inf"),
) -> dict[tuple[str, date], MeasureResult | Fault]:
    """Return the numbers of `measures` at the period ends, by id and end; a fault in place of what has none.

    What does not stand ready is computed, for `seconds` at most; the rest is left out.
    `grant` is as `Store.resolve_care` gives it. It is for the caller to write to the audit whose numbers were asked for.
    """
    found: dict[tuple[str, date], MeasureResult | Fault] = {}
    wanted: dict[tuple[str, date], Wanted] = {}
    for measure in measures:
        for end in ends:
            try:
                wanted[measure.id, end] = wanted_of(platform, measure, end)
            except Fault as fault:
                found[measure.id, end] = fault
    snapshot, place = platform.snapshot(), platform.settings.jurisdiction
    given = await asyncio.to_thread(snapshot.answered, grant, list(wanted.values()), place, seconds)
    return found | {key: given[one.name] for key, one in wanted.items() if one.name in given}
