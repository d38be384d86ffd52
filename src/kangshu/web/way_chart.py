"""A target over time as one SVG: base, milestones, today, forecast and deadline, with the values that are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup, escape

from kangshu.web.icons import drawn
from kangshu.web.plane import BOTTOM, LEFT, TOP, WIDE, Plane, opening, plane_of

_MOST_YEARS: Final = 12
"""Names of years below the axis."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One point of the way: its day, its value, what it is (baseline, milestone, final), and its text."""

    day: date
    value: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """Where the values lead: on the deadline, with the range."""

    day: date
    value: float
    low: float
    high: float
    text: str


def way(
    marks: Sequence[Mark],
    seen: Sequence[tuple[date, float]],
    ahead: Ahead | None,
    today: date,
    *,
    title: str,
    today_text: str,
    unit: str = "",
) -> Markup:
    """Return the chart; empty where neither a way of two points nor two values are known."""
    if len(marks) < 2 and len(seen) < 2:
        return Markup("")
    plane = _plane(marks, seen, ahead, today, unit)
    out = [opening(title, "chart way"), *plane.rules(unit)]
    out += _years(plane)
    if ahead is not None and seen:
        out += _ahead(plane, seen[-1], ahead)
    if plane.first <= today <= plane.last:
        at = _figure(plane.x(today))
        out.append(f'<line class="chart-today" x1="{at}" x2="{at}" y1="{TOP - 8}" y2="{BOTTOM}"/>')
        out.append(f'<text x="{at}" y="{TOP - 14}" text-anchor="middle">{escape(today_text)}</text>')
    path = " ".join(plane.point(one.day, one.value) for one in marks)
    if len(marks) > 1:
        out.append(f'<polyline class="chart-target" points="{path}"/>')
    out += _values(plane, seen)
    out += [_mark(plane, one) for one in marks]
    out.append("</svg>")
    return drawn("".join(out))


def _plane(
    marks: Sequence[Mark], seen: Sequence[tuple[date, float]], ahead: Ahead | None, today: date, unit: str
) -> Plane:
    """Return the plane: from the first mark or value to the last, or to where the values lead."""
    days = [*(one.day for one in marks), *(day for day, _ in seen)]
    values = [*(one.value for one in marks), *(value for _, value in seen)]
    if ahead is not None:
        days.append(ahead.day)
        values += [ahead.low, ahead.high, ahead.value]
    return plane_of(days, values, unit)


def _years(plane: Plane) -> list[str]:
    """Return the ends of the years below the axis, as many as fit."""
    ends = [date(year, 12, 31) for year in range(plane.first.year, plane.last.year + 1)]
    ends = [day for day in ends if plane.first <= day <= plane.last]
    every = max(1, math.ceil(len(ends) / _MOST_YEARS))
    out = []
    for day in ends[::every] if every == 1 else ends[::-every]:
        at = _figure(plane.x(day))
        out.append(f'<line class="chart-axis" x1="{at}" x2="{at}" y1="{BOTTOM}" y2="{BOTTOM + 5}"/>')
        out.append(f'<text x="{at}" y="{BOTTOM + 20}" text-anchor="middle">{day:%Y-%m}</text>')
    return out


def _values(plane: Plane, seen: Sequence[tuple[date, float]]) -> list[str]:
    out = []
    if len(seen) > 1:
        path = " ".join(plane.point(day, value) for day, value in seen)
        out.append(f'<polyline class="chart-line" points="{path}"/>')
    for at, (day, value) in enumerate(seen):
        last = " is-last" if at == len(seen) - 1 else ""
        out.append(
            f'<circle class="chart-dot{last}" cx="{_figure(plane.x(day))}" cy="{_figure(plane.y(value))}" r="3.6">'
            f"<title>{day.isoformat()}: {value:g}</title></circle>"
        )
    return out


def _ahead(plane: Plane, last: tuple[date, float], ahead: Ahead) -> list[str]:
    """Return the dotted line from the last value to the deadline, and the range as a wedge."""
    start = plane.point(*last)
    wedge = f"{start} {plane.point(ahead.day, ahead.high)} {plane.point(ahead.day, ahead.low)}"
    x, y = plane.x(ahead.day), plane.y(ahead.value)
    return [
        f'<polygon class="chart-range" points="{wedge}"/>',
        f'<polyline class="chart-ahead" points="{start} {plane.point(ahead.day, ahead.value)}"/>',
        (
            f'<circle class="chart-dot is-second" cx="{_figure(x)}" cy="{_figure(y)}" r="4">'
            f"<title>{escape(ahead.text)}</title></circle>"
        ),
    ]


_SHAPES: Final[dict[str, Callable[[float, float], str]]] = {
    "baseline": lambda x, y: f"M{x - 5:.1f},{y - 5:.1f}h10v10h-10z",
    "milestone": lambda x, y: f"M{x:.1f},{y - 6:.1f}l6,6l-6,6l-6,-6z",
    "final": lambda x, y: f"M{x:.1f},{y - 7:.1f}l2,5h5l-4,3.4l1.6,5.2l-4.6,-3.2l-4.6,3.2l1.6,-5.2l-4,-3.4h5z",
}


def _mark(plane: Plane, one: Mark) -> str:
    x, y = plane.x(one.day), plane.y(one.value)
    shape = _SHAPES.get(one.kind, _SHAPES["milestone"])(x, y)
    anchor = "end" if x > WIDE - 120 else "start" if x < LEFT + 60 else "middle"
    above = y - 11 if y > TOP + 24 else y + 20
    return (
        f'<path class="chart-mark" d="{shape}"><title>{escape(one.text)}</title></path>'
        f'<text class="chart-target-text" x="{_figure(x)}" y="{_figure(above)}" text-anchor="{anchor}">'
        f"{escape(one.text)}</text>"
    )


def _figure(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
