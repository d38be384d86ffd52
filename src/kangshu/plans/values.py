"""The value of a measure for a plan's light, from the published snapshot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from kangshu.access import Grant
from kangshu.base.faults import Fault, NotFound, Unavailable
from kangshu.base.parameters import ParameterTable
from kangshu.measures import MeasureResult, Snapshot, period_of
from kangshu.sdk import MeasureDeclaration

Values = Callable[[Grant, MeasureDeclaration, date], MeasureResult | None]
"""(grant, measure, day) → the measure's number on that day, or None where it cannot be told yet."""


def snapshot_values(snapshot: Callable[[], Snapshot], table: ParameterTable, jurisdiction: str) -> Values:
    """Return a source of values that reads the newest published snapshot.

    A measure whose view is not published or whose parameter is missing has no value: its light is grey.
    """

    def value(grant: Grant, measure: MeasureDeclaration, day: date) -> MeasureResult | None:
        parameters: dict[str, Any] = {}
        for name in measure.parameters:
            version = table.find(name, jurisdiction, day)
            if version is None:
                return None
            parameters[name] = version.value
        start, end = period_of(measure, day)
        try:
            return snapshot().evaluate(grant, measure, parameters, start, end, district=jurisdiction)
        except (NotFound, Unavailable):
            return None
        except (
            Fault
        ):  # a measure that cannot be computed is a finding of `services check`, here it is unknown
            return None

    return value
