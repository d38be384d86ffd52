"""A measure by sex and age as a pyramid: how many there are in each band, and how many of them count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from kangshu.web.charts import steps
from kangshu.web.icons import drawn

_WIDE: Final = 760.0
_MIDDLE: Final = 96.0
_HEAD, _FOOT, _ROW = 30.0, 34.0, 22.0
_FIGURE: Final = 74.0
"""Room for a figure beyond the end of a bar."""


@dataclass(frozen=True, slots=True)
class Half:
    """One side of a band: how many there are and how many of them count; None is not shown. `text` stands beside it."""

    whole: float | None
    counted: float | None
    text: str
    said: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """One age band, the oldest first."""

    title: str
    left: Half
    right: Half


def pyramid(bands: Sequence[Band], *, title: str, left: str, right: str) -> Markup:
    """Return the pyramid; `left` and `right` name its sides. Empty where no number is known."""
    known = [
        value
        for band in bands
        for half in (band.left, band.right)
        for value in (half.whole, half.counted)
        if value
    ]
    if not known:
        return Markup()
    tall = _HEAD + _ROW * len(bands) + _FOOT
    side = (_WIDE - _MIDDLE) / 2 - _FIGURE
    axis = steps(0, max(known), 3)
    most = axis[-1]
    edges = ((_WIDE - _MIDDLE) / 2, (_WIDE + _MIDDLE) / 2)
    out = [
        f'<svg class="chart pyramid" viewBox="0 0 {_WIDE:.0f} {tall:.0f}" role="group" aria-label="{escape(title)}">'
    ]
    for edge, sign, name in ((edges[0], -1, left), (edges[1], 1, right)):
        out.append(
            f'<text class="is-name is-strong" x="{edge + sign * side / 2:.1f}" y="18" text-anchor="middle">{escape(name)}</text>'
        )
        for value in axis:
            x = f"{edge + sign * side * value / most:.1f}"
            out.append(f'<line class="chart-rule" x1="{x}" x2="{x}" y1="{_HEAD}" y2="{tall - _FOOT}"/>')
            out.append(f'<text x="{x}" y="{tall - _FOOT + 17:.1f}" text-anchor="middle">{value:,.0f}</text>')
    for place, band in enumerate(bands):
        y = _HEAD + place * _ROW
        out.append(
            f'<text x="{_WIDE / 2:.1f}" y="{y + 15:.1f}" text-anchor="middle">{escape(band.title)}</text>'
        )
        out.append(_half(band.left, edges[0], -1, y, side / most))
        out.append(_half(band.right, edges[1], 1, y, side / most))
    out.append("</svg>")
    return drawn("".join(out))


def _half(half: Half, edge: float, sign: int, y: float, scale: float) -> str:
    out, end = "", edge
    for value, look in ((half.whole, "pyramid-whole"), (half.counted, "pyramid-counted")):
        if value is None:
            continue
        wide = value * scale
        x = edge if sign > 0 else edge - wide
        end = max(end, x + wide) if sign > 0 else min(end, x)
        out += (
            f'<rect class="{look}" x="{x:.1f}" y="{y + 3:.1f}" width="{wide:.1f}" height="{_ROW - 6:.1f}"/>'
        )
    anchor = "start" if sign > 0 else "end"
    out += (
        f'<text x="{end + sign * 6:.1f}" y="{y + 15:.1f}" text-anchor="{anchor}">{escape(half.text)}</text>'
    )
    group = f"<g><title>{escape(half.said)}</title>{out}</g>"
    return (
        f'<a href="{escape(half.address)}" aria-label="{escape(half.said)}">{group}</a>'
        if half.address
        else group
    )
