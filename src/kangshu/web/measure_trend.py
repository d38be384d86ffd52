"""The line of a measure over its quarter ends, with the targets it is held against and the days its rule changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup, escape

from kangshu.web.icons import drawn
from kangshu.web.plane import BOTTOM, LEFT, RIGHT, TALL, TOP, Plane, opening, plane_of

_GAP: Final = 15.0


@dataclass(frozen=True, slots=True)
class Moment:
    """The value on a day; None is unknown or not shown: the line breaks."""

    day: date
    value: float | None


@dataclass(frozen=True, slots=True)
class Goal:
    """A value to be reached, and what it is."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A day from which a parameter has another value, and what it is then."""

    day: date
    text: str


def trend_chart(
    moments: Sequence[Moment],
    *,
    title: str,
    unit: str = "",
    decimals: int = 1,
    yearly: bool = False,
    goals: Sequence[Goal] = (),
    changes: Sequence[Change] = (),
) -> Markup:
    """Return the chart of moments in the order of their days; empty where no value is known.

    The line of what begins anew with each year (`yearly`) breaks there.
    """
    known = [one.value for one in moments if one.value is not None]
    if not known:
        return Markup()
    plane = plane_of([one.day for one in moments], [*known, *(one.value for one in goals)], unit)
    out = [opening(title), *plane.rules(unit)]
    out += _days(plane, moments)
    out += _changes(plane, changes)
    out += _goals(plane, goals)
    out += _line(plane, moments, decimals, yearly=yearly)
    out.append("</svg>")
    return drawn("".join(out))


def _days(plane: Plane, moments: Sequence[Moment]) -> list[str]:
    out, free = [], float("inf")
    # from the last backwards: today is always named, and no name touches another
    for place, one in reversed(list(enumerate(moments))):
        x = plane.x(one.day)
        anchor = "end" if place == len(moments) - 1 else "start" if place == 0 else "middle"
        left = x - {"end": 62, "start": 0, "middle": 31}[anchor]
        if left + 62 > free - 8 and free != float("inf"):
            continue
        free = left
        text = one.day.isoformat() if place == len(moments) - 1 else f"{one.day:%Y-%m}"
        out.append(f'<text x="{x:.1f}" y="{TALL - 14:.1f}" text-anchor="{anchor}">{text}</text>')
    return out


def _changes(plane: Plane, changes: Sequence[Change]) -> list[str]:
    out = []
    for number, one in enumerate(changes, 1):
        at = f"{plane.x(one.day):.1f}"
        out.append(f'<line class="trend-change" x1="{at}" x2="{at}" y1="{TOP - 6}" y2="{BOTTOM}"/>')
        out.append(
            f'<g><circle class="trend-change-sign" cx="{at}" cy="{TOP - 14}" r="9"/>'
            f'<text class="trend-change-text" x="{at}" y="{TOP - 10}" text-anchor="middle">{number}</text>'
            f"<title>{one.day.isoformat()} {escape(one.text)}</title></g>"
        )
    return out


def _goals(plane: Plane, goals: Sequence[Goal]) -> list[str]:
    out: list[str] = []
    told: list[float] = []
    for one in sorted(goals, key=lambda goal: -goal.value):
        at = plane.y(one.value)
        out.append(f'<line class="chart-target" x1="{LEFT}" x2="{RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        text = at - 6
        while any(abs(text - other) < _GAP for other in told):
            text += _GAP
        told.append(text)
        out.append(
            f'<text class="chart-target-text" x="{LEFT + 6}" y="{text:.1f}" text-anchor="start">{escape(one.text)}</text>'
        )
    return out


def _line(plane: Plane, moments: Sequence[Moment], decimals: int, *, yearly: bool) -> list[str]:
    out: list[str] = []
    runs: list[list[str]] = [[]]
    year = moments[0].day.year
    for one in moments:
        if one.value is None or (yearly and one.day.year != year):
            runs.append([])
        year = one.day.year
        if one.value is not None:
            runs[-1].append(plane.point(one.day, one.value))
    out += [f'<polyline class="chart-line" points="{" ".join(run)}"/>' for run in runs if len(run) > 1]
    known = [one for one in moments if one.value is not None]
    for place, one in enumerate(known):
        value = one.value or 0.0
        last = " is-last" if place == len(known) - 1 else ""
        x, y = plane.x(one.day), plane.y(value)
        beside = [other.value or 0.0 for other in known[max(0, place - 1) : place + 2]]
        valley = bool(place) and value == min(beside) and beside[0] > value
        at = y + 18 if valley else y - 9
        text = f"{value:,.{decimals}f}"
        anchor = "end" if place == len(known) - 1 else "middle" if place else "start"
        out.append(
            f'<circle class="chart-dot{last}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{one.day.isoformat()}: {text}</title></circle>'
            f'<text class="trend-value" x="{x:.1f}" y="{at:.1f}" text-anchor="{anchor}">{text}</text>'
        )
    return out
