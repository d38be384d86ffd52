"""Numbers of many measures at once, split by the districts of the city: what stands ready is not computed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from typing import Any

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.measures import MeasureResult, Wanted, period_of
from kangshu.sdk import MeasureDeclaration


def wanted_of(platform: Platform, measure: MeasureDeclaration, end: date) -> Wanted:
    """Return `measure` for the period that ends on `end`, with today's parameters. Raises ParameterMissing."""
    return Wanted(measure, *period_of(measure, end), _values(platform, measure))


def _values(platform: Platform, measure: MeasureDeclaration) -> dict[str, Any]:
    place, table, day = platform.settings.jurisdiction, platform.parameters, today()
    return {one: table.value(one, place, day) for one in measure.parameters}


async def answered(
    platform: Platform,
    grant: Grant,
    measures: Iterable[MeasureDeclaration],
    ends: Sequence[date],
    seconds: float = float("inf"),
    *,
    as_kept: bool = False,
) -> dict[tuple[str, date], MeasureResult | Fault]:
    """Return the numbers of `measures` at the period ends, by id and end; a fault in place of what has none.

    What does not stand ready is computed, for `seconds` at most; the rest is left out. `as_kept` takes what is kept
    even where records have changed since: each number says as of when it is.
    `grant` is as `Store.resolve_care` gives it. It is for the caller to write to the audit whose numbers were asked for.
    """
    found: dict[tuple[str, date], MeasureResult | Fault] = {}
    wanted: dict[tuple[str, date], Wanted] = {}
    for measure in measures:
        try:
            values = _values(platform, measure)
        except Fault as fault:
            found |= {(measure.id, end): fault for end in ends}
            continue
        wanted |= {(measure.id, end): Wanted(measure, *period_of(measure, end), values) for end in ends}
    snapshot, place = platform.snapshot(), platform.settings.jurisdiction
    given = await asyncio.to_thread(
        partial(snapshot.answered, as_kept=as_kept), grant, list(wanted.values()), place, seconds
    )
    return found | {key: given[one.name] for key, one in wanted.items() if one.name in given}
