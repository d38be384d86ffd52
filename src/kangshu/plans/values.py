"""The value of a measure for a plan's light, from the published snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from kangshu.access import Grant
from kangshu.base.faults import Fault, NotFound
from kangshu.base.parameters import ParameterTable
from kangshu.measures import MeasureResult, Snapshot, Wanted, period_of
from kangshu.sdk import MeasureDeclaration

Values = Callable[[Grant, MeasureDeclaration, date], MeasureResult | None]
"""(grant, measure, day) → the measure's number on that day, or None where it cannot be told yet."""

Past = Callable[[Grant, MeasureDeclaration, Sequence[date]], Sequence[tuple[date, float | None]]]
"""(grant, measure, days) → the measure's number on each of the days, None where it cannot be told."""

_KEPT_SECONDS = 600.0
_MOST_KEPT = 2000


def snapshot_values(snapshot: Callable[[], Snapshot], table: ParameterTable, jurisdiction: str) -> Values:
    """Return a source of values that reads the newest published snapshot: what is kept of it, else it computes.

    A measure whose view is not published or whose parameter is missing has no value: its light is grey.
    """

    def value(grant: Grant, measure: MeasureDeclaration, day: date) -> MeasureResult | None:
        parameters: dict[str, Any] = {}
        for name in measure.parameters:
            version = table.find(name, jurisdiction, day)
            if version is None:
                return None
            parameters[name] = version.value
        wanted = Wanted(measure, *period_of(measure, day), parameters)
        try:
            found = snapshot().answered(grant, [wanted], jurisdiction, as_kept=True)[wanted.name]
        except NotFound:  # nothing is published yet
            return None
        # a measure that cannot be computed is a finding of `services check`, here it is unknown
        return None if isinstance(found, Fault) else found

    return value


class PastValues:
    """The numbers of measures on earlier days, read from the published snapshot and kept for some minutes per account.

    Earlier days change only by records that come late, and a board asks for all its measures at once.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        table: ParameterTable,
        jurisdiction: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._values = snapshot_values(snapshot, table, jurisdiction)
        self._clock = clock
        self._kept: dict[
            tuple[str, str, tuple[date, ...]], tuple[float, list[tuple[date, float | None]]]
        ] = {}

    def __call__(
        self, grant: Grant, measure: MeasureDeclaration, days: Sequence[date]
    ) -> Sequence[tuple[date, float | None]]:
        """Return the measure's number on each of `days`."""
        key = (grant.account, measure.id, tuple(days))
        held = self._kept.get(key)
        if held is not None and self._clock() - held[0] < _KEPT_SECONDS:
            return held[1]
        found = []
        for day in days:
            result = self._values(grant, measure, day)
            found.append((day, result.value if result is not None and result.denominator else None))
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (self._clock(), found)
        return found
