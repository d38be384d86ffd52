"""The plane of a chart over time: days across, values upwards, with the rules and the unit of its axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup, escape

from kangshu.web.charts import steps

WIDE: Final = 760.0
TALL: Final = 300.0
LEFT: Final = 56.0
RIGHT: Final = WIDE - 24.0
TOP: Final = 34.0
BOTTOM: Final = TALL - 40.0
"""The sheet, and within it the box of the values; in the units of the drawing."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Where days and values stand; `axis` are the values that have a rule."""

    first: date
    last: date
    axis: Sequence[float]

    def x(self, day: date) -> float:
        """Return where a day stands."""
        return LEFT + (RIGHT - LEFT) * (day - self.first).days / max(1, (self.last - self.first).days)

    def y(self, value: float) -> float:
        """Return where a value stands."""
        low, high = self.axis[0], self.axis[-1]
        return BOTTOM - (BOTTOM - TOP) * (value - low) / ((high - low) or 1.0)

    def point(self, day: date, value: float) -> str:
        """Return a point of a line."""
        return f"{self.x(day):.1f},{self.y(value):.1f}"

    def rules(self, unit: str = "") -> list[str]:
        """Return the rules of the axis with their values, and the unit above them."""
        out = []
        for value in self.axis:
            at = self.y(value)
            out.append(f'<line class="chart-rule" x1="{LEFT}" x2="{RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
            out.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{value:g}</text>')
        if unit:
            out.append(f'<text x="{LEFT - 8}" y="14" text-anchor="end">{escape(unit)}</text>')
        return out


def plane_of(days: Iterable[date], values: Iterable[float], unit: str = "") -> Plane:
    """Return the plane that holds the days and the values; shares do not go beyond 100 %."""
    listed, known = sorted(days), sorted(values)
    low, high = known[0], known[-1]
    pad = (high - low) * 0.15 or abs(high) * 0.1 or 1.0
    axis = steps(max(0.0, low - pad) if low >= 0 else low - pad, high + pad)
    if unit == "%" and high <= 100:
        axis = [one for one in axis if one <= 100]
    return Plane(listed[0], listed[-1], axis)


def opening(title: str, style: str = "chart") -> str:
    """Return the beginning of the drawing, with what it is."""
    said = escape(title)
    return str(
        Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>').format(
            style, int(WIDE), int(TALL), said, said
        )
    )
