"""Where a target's values lead: a robust line (Theil–Sen) through the last values, told with its method. Pure.

The slope is the median of the slopes between all pairs of values, so that one wrong report does not bend it; the range
comes from the lower and upper quarter of those slopes. Fewer values than the rule needs give no forecast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from statistics import median, quantiles
from typing import Final

from kangshu.base.text import Text
from kangshu.plans.model import Forecast, Observation
from kangshu.plans.numbers import plain, rough

_YEAR: Final = Decimal("365.25")
_FARTHEST: Final = 366 * 30
"""Days beyond which no day of reaching is told."""


@dataclass(frozen=True, slots=True)
class ForecastRule:
    """The dated parameters of the method: how many of the last values are used, and how many it needs."""

    most: int
    least: int


def latest(history: Iterable[Observation], most: int) -> list[Observation]:
    """Return the last `most` values by day; of one day's values the last given counts."""
    by_day = {one.day: one for one in history}
    return [by_day[day] for day in sorted(by_day)][-most:] if most > 0 else []


def forecast(
    history: Sequence[Observation],
    due: date | None,
    final: Decimal | None,
    *,
    lower: bool,
    rule: ForecastRule,
    unit: str = "",
) -> Forecast | None:
    """Return where `history` leads by `due`; None without a deadline or a figure to reach.

    `lower` says that the target is an upper bound. With too few values the method is "none" and the text says so.
    """
    if due is None or final is None:
        return None
    used = latest(history, max(rule.most, rule.least))
    if len(used) < max(2, rule.least):
        return Forecast("none", len(used), max(2, rule.least), at=due, text=_too_few(len(used), rule))
    first, last = used[0], used[-1]
    slopes = sorted((b.value - a.value) / (b.day - a.day).days for a, b in combinations(used, 2))
    slope = Decimal(median(slopes))
    # the line passes through the middle of what is left when the slope is taken off
    level = Decimal(median(one.value - slope * (one.day - last.day).days for one in used))
    days = (due - last.day).days
    value, low, high = _bounded(unit, used, level + slope * days, *_range(slopes, level, days))
    return Forecast(
        "theil-sen",
        len(used),
        max(2, rule.least),
        round(value, 4),
        round(low, 4),
        round(high, 4),
        due,
        round(slope * _YEAR, 4),
        _reaches(level, slope, final, last.day, lower),
        first.day,
        last.day,
        _text(len(used), first.day, last.day, due, value, low, high, unit),
        Text(
            f"按走势预计{due.year}年底约{plain(rough(value))}{unit}",
            f"the trend leads to about {plain(rough(value))}{unit} at the end of {due.year}",
        ),
    )


def on_course(found: Forecast | None, final: Decimal | None, *, lower: bool) -> bool | None:
    """Return whether the forecast meets the final value; None where there is no forecast."""
    if found is None or found.value is None or final is None:
        return None
    return found.value <= final if lower else found.value >= final


def _range(slopes: Sequence[Decimal], level: Decimal, days: int) -> tuple[Decimal, Decimal]:
    """Return the values at the lower and upper quarter of the slopes."""
    if len(slopes) < 2:
        return level + slopes[0] * days, level + slopes[0] * days
    quarters = quantiles(slopes, n=4, method="inclusive")
    low, high = sorted((level + quarters[0] * days, level + quarters[2] * days))
    return low, high


def _bounded(unit: str, used: Sequence[Observation], *values: Decimal) -> list[Decimal]:
    """Return the values kept within what can be: no share above 100 %, nothing below nought that never was."""
    low = None if any(one.value < 0 for one in used) else Decimal(0)
    high = Decimal(100) if unit == "%" and all(one.value <= 100 for one in used) else None
    kept = [one if low is None else max(low, one) for one in values]
    return [one if high is None else min(high, one) for one in kept]


def _reaches(level: Decimal, slope: Decimal, final: Decimal, last: date, lower: bool) -> date | None:
    """Return the day on which the line meets the final value; the last day where it has already."""
    if (level <= final) if lower else (level >= final):
        return last
    if slope == 0 or (slope > 0) == lower:
        return None
    days = (final - level) / slope
    return last + timedelta(days=int(days) + 1) if days < _FARTHEST else None


def _too_few(count: int, rule: ForecastRule) -> Text:
    needed = max(2, rule.least)
    return Text(
        f"不作预测：仅有{count}个数值，至少需要{needed}个",
        f"no forecast: {count} values, needs {needed}",
    )


def _text(
    count: int, first: date, last: date, due: date, value: Decimal, low: Decimal, high: Decimal, unit: str
) -> Text:
    return Text(
        f"按最近{count}个数值（{first.isoformat()}至{last.isoformat()}）的稳健线性趋势（Theil–Sen）推算，"
        f"{due.isoformat()}约为{plain(rough(value))}{unit}（区间{plain(rough(low))}—{plain(rough(high))}{unit}）",
        f"by a robust linear trend (Theil–Sen) over the last {count} values ({first.isoformat()} to {last.isoformat()}), "
        f"about {plain(rough(value))}{unit} on {due.isoformat()} (range {plain(rough(low))} to {plain(rough(high))}{unit})",
    )
