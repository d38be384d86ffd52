"""What is known of the targets of a plan: the linked measure's number, released statistics, or published reports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, quarter_ends
from kangshu.measures import MeasureResult
from kangshu.plans.lights import Known
from kangshu.plans.model import Observation, PlanView
from kangshu.plans.reports import newest
from kangshu.plans.value_flow import values_of
from kangshu.plans.values import Past, Values
from kangshu.sdk import MeasureDeclaration
from kangshu.store import Store


@dataclass(frozen=True, slots=True)
class ValueSources:
    """Where the numbers of linked measures come from: today's, and those of earlier days."""

    measures: dict[str, MeasureDeclaration]
    values: Values
    past: Past

    def read(self, grant: Grant, names: Sequence[str], today: date, most: int) -> dict[str, Known]:
        """Return what is known of each measure today, with the values of earlier period ends."""
        found = {}
        for name in names:
            measure = self.measures[name]
            result = self.values(grant, measure, today)
            if result is not None and result.value is not None:
                seen = self.past(grant, measure, earlier_ends(measure, today, most))
                found[name] = _known(result, measure, seen)
        return found


def earlier_ends(measure: MeasureDeclaration, today: date, count: int) -> tuple[date, ...]:
    """Return the period ends before today whose values can be held against each other.

    Quarter ends; of a measure that is added up over the year the ends of the last years; none of a measure that
    counts what is registered now, whatever the day.
    """
    if not measure.has_past:
        return ()
    if measure.period == "year":
        return tuple(date(today.year - back, 12, 31) for back in range(min(count, 5), 0, -1))
    return tuple(day for day in quarter_ends(today, count + 1) if day < today)[-count:]


def _known(
    result: MeasureResult, measure: MeasureDeclaration, seen: Sequence[tuple[date, float | None]]
) -> Known:
    day = datetime.fromisoformat(result.instant).astimezone(CITY_ZONE).date()
    return Known(
        Decimal(str(result.value)),
        day,
        result.instant,
        "measure",
        Decimal(str(result.numerator)),
        Decimal(str(result.denominator)),
        measure.unit,
        tuple(Observation(at, Decimal(str(value))) for at, value in seen if value is not None),
        partial=measure.period == "year",
    )


async def known_of(
    store: Store, grant: Grant, plan: PlanView, sources: ValueSources, today: date, most: int
) -> dict[str, Known]:
    """Return what is known of each target of the plan by its id; a linked measure comes before anything reported."""
    linked = sorted(
        {one.measure for one in plan.targets if one.confirmed and one.measure in sources.measures}
    )
    counting = await store.resolve_care(grant)
    results = await asyncio.to_thread(sources.read, counting, linked, today, most)
    found = newest(await values_of(store, grant, plan), {one.id: one.evidence.kind for one in plan.targets})
    for target in plan.targets:
        if target.confirmed and target.measure in results:
            found[target.id] = results[target.measure]
    return found
