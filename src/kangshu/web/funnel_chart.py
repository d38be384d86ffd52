"""A funnel plot as SVG: units by size and value, between the limits that chance draws around the whole's value.

Shape tells what colour tells: a disc lies within the limits, a triangle points to the side on which a unit lies beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from kangshu.web.charts import steps
from kangshu.web.icons import drawn

_WIDE, _TALL, _LEFT, _RIGHT, _TOP, _BOTTOM = 860.0, 420.0, 56.0, 120.0, 20.0, 52.0
_SIGN: Final = 13.0
_NAMED: Final = 12
"""So many units beyond the outer limits are named on the chart; all are in the table."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: its size (the denominator), its value, where it lies (0 within, ±1, ±2 beyond), its words, its page."""

    name: str
    size: float
    value: float
    place: int
    text: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Curves:
    """The limits in the values' unit, by size; `standard` is the value of the whole."""

    standard: float
    sizes: Sequence[float]
    inner: Sequence[tuple[float, float]]
    outer: Sequence[tuple[float, float]]
    standard_text: str
    inner_text: str
    outer_text: str


@dataclass(frozen=True, slots=True)
class _Plane:
    most: float
    low: float
    high: float

    def x(self, size: float) -> float:
        return _LEFT + (_WIDE - _LEFT - _RIGHT) * size / self.most

    def y(self, value: float) -> float:
        held = min(self.high, max(self.low, value))
        return _TOP + (_TALL - _TOP - _BOTTOM) * (1 - (held - self.low) / ((self.high - self.low) or 1.0))


def funnel_plot(units: Sequence[Unit], curves: Curves, *, title: str, unit: str, across: str) -> Markup:
    """Return the plot; `across` says what the sizes are. Empty without a unit."""
    if not units:
        return Markup()
    plane, axis = _plane(units, curves, 100.0 if unit == "%" else None)
    out = [
        f'<svg class="chart funnel" viewBox="0 0 {_WIDE:.0f} {_TALL:.0f}" role="group" aria-label="{escape(title)}">'
    ]
    for value in axis:
        at = f"{plane.y(value):.1f}"
        out.append(f'<line class="chart-rule" x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{at}" y2="{at}"/>')
        out.append(f'<text x="{_LEFT - 8}" y="{plane.y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    if unit:
        out.append(f'<text x="{_LEFT - 8}" y="12" text-anchor="end">{escape(unit)}</text>')
    for size in steps(0, plane.most, 6):
        if size <= plane.most:
            at = f"{plane.x(size):.1f}"
            out.append(
                f'<text x="{at}" y="{_TALL - _BOTTOM + 18:.1f}" text-anchor="middle">{size:,.0f}</text>'
            )
    middle = f"{(_LEFT + _WIDE - _RIGHT) / 2:.1f}"
    out.append(f'<text x="{middle}" y="{_TALL - 10:.1f}" text-anchor="middle">{escape(across)}</text>')
    out += _limits(plane, curves)
    # the words of the limits stand on the right; no name covers a unit that lies beyond them
    taken = [(_WIDE - _RIGHT + 2, 0.0, _WIDE, _TALL)]
    taken += [_box(plane, one) for one in units if one.place]
    ordered = sorted(units, key=lambda one: (abs(one.place), one.size))
    out += [_mark(plane, one) for one in ordered]
    for one in [one for one in reversed(ordered) if abs(one.place) == 2][:_NAMED]:
        out.append(_label(plane, one, taken))
    out.append("</svg>")
    return drawn("".join(out))


def _plane(units: Sequence[Unit], curves: Curves, most: float | None) -> tuple[_Plane, list[float]]:
    largest = max(one.size for one in units) * 1.04
    least = min(one.size for one in units)
    reach = [one.value for one in units] + [curves.standard]
    # the wide mouth of the funnel is cut off where no unit stands
    reach += [
        value
        for size, limits in zip(curves.sizes, curves.outer, strict=True)
        if size >= max(least, largest / 12)
        for value in limits
    ]
    low, high = min(reach), max(reach)
    pad = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    axis = steps(
        max(0.0, low - pad), min(high + pad, most) if most is not None and high <= most else high + pad
    )
    if most is not None and high <= most:
        axis = [one for one in axis if one <= most]
    return _Plane(largest, axis[0], axis[-1]), axis


def _limits(plane: _Plane, curves: Curves) -> list[str]:
    out = []
    for limits, look, said in (
        (curves.outer, "is-outer", curves.outer_text),
        (curves.inner, "is-inner", curves.inner_text),
    ):
        for side in (0, 1):
            points = " ".join(
                f"{plane.x(size):.1f},{plane.y(one[side]):.1f}"
                for size, one in zip(curves.sizes, limits, strict=True)
                if size <= plane.most
            )
            out.append(f'<polyline class="funnel-limit {look}" points="{points}"/>')
        end = plane.y(limits[-1][1])
        shift = 4 if look == "is-inner" else -3
        out.append(
            f'<text class="funnel-text" x="{_WIDE - _RIGHT + 6}" y="{end + shift:.1f}">{escape(said)}</text>'
        )
    at = f"{plane.y(curves.standard):.1f}"
    out.append(f'<line class="funnel-standard" x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{at}" y2="{at}"/>')
    out.append(
        f'<text class="funnel-text is-strong" x="{_WIDE - _RIGHT + 6}" y="{plane.y(curves.standard) + 16:.1f}">'
        f"{escape(curves.standard_text)}</text>"
    )
    return out


def _mark(plane: _Plane, one: Unit) -> str:
    x, y = plane.x(one.size), plane.y(one.value)
    beyond = {0: "", 1: " is-beyond", 2: " is-far"}[abs(one.place)]
    if not one.place:
        shape = f'<circle class="funnel-mark" cx="{x:.1f}" cy="{y:.1f}" r="4.2">'
        close = "</circle>"
    else:
        up = -1 if one.place > 0 else 1
        size = 5.5 if abs(one.place) == 1 else 7.5
        path = f"M{x:.1f},{y + up * size:.1f}L{x - size:.1f},{y - up * size * 0.75:.1f}H{x + size:.1f}Z"
        shape, close = f'<path class="funnel-mark{beyond}" d="{path}">', "</path>"
    said = f"{one.name}：{one.text}"
    body = f"{shape}<title>{escape(said)}</title>{close}"
    return f'<a href="{escape(one.address)}" aria-label="{escape(said)}">{body}</a>' if one.address else body


def _box(plane: _Plane, one: Unit) -> tuple[float, float, float, float]:
    x, y = plane.x(one.size), plane.y(one.value)
    return x - 8, y - 8, x + 8, y + 8


def _label(plane: _Plane, one: Unit, taken: list[tuple[float, float, float, float]]) -> str:
    """Return the name beside a unit, right or left of it; "" where it would cover another."""
    x, y = plane.x(one.size), plane.y(one.value)
    wide = len(one.name) * _SIGN
    for anchor, at, left in (("start", x + 11, x + 11), ("end", x - 11, x - 11 - wide)):
        box = (left, y - 8, left + wide, y + 8)
        if left < _LEFT or left + wide > _WIDE:
            continue
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            continue
        taken.append(box)
        return f'<text class="map-label" x="{at:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">{escape(one.name)}</text>'
    return ""
