"""Bars and lines of several series: told apart by colour-blind safe colours and by dashes, named at their ends.

The table beside a chart says the same in figures. Colours come from the style sheet by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from kangshu.web.charts import steps
from kangshu.web.icons import drawn

MOST: Final = 7
"""Series in one chart: more cannot be told apart."""
_SIGN: Final = 12.0


@dataclass(frozen=True, slots=True)
class Series:
    """One line or one bar of each group: its values, None where unknown or not shown, and each in words."""

    title: str
    values: Sequence[float | None]
    texts: Sequence[str]


def bars(groups: Sequence[str], series: Sequence[Series], *, title: str) -> Markup:
    """Return horizontal bars, a group for each of `groups` and in it one bar a series; empty without a known value."""
    known = [one for line in series for one in line.values if one is not None]
    if not known or len(series) > MOST:
        return Markup()
    axis = steps(min(0.0, *known), max(0.0, *known))
    low, high = axis[0], axis[-1]
    left = min(260.0, 24 + max(_wide(one) for one in groups))
    wide, thick, gap = 700.0, 18.0 if len(series) == 1 else 13.0, 9.0
    tall = len(groups) * (thick * len(series) + gap) + 30

    def x(value: float) -> float:
        return left + (wide - left - 80) * (value - low) / (high - low)

    out = [_open("series-bars", wide, tall, title)]
    for value in axis:
        out.append(
            f'<line class="chart-rule" x1="{x(value):.1f}" x2="{x(value):.1f}" y1="4" y2="{tall - 22:.1f}"/>'
        )
        out.append(f'<text x="{x(value):.1f}" y="{tall - 6:.1f}" text-anchor="middle">{value:g}</text>')
    for at, group in enumerate(groups):
        top = 6 + at * (thick * len(series) + gap)
        middle = top + thick * len(series) / 2 + 4
        out.append(
            f'<text class="series-name" x="{left - 8:.1f}" y="{middle:.1f}" text-anchor="end">{escape(_cut(group))}</text>'
        )
        for number, line in enumerate(series):
            shown, y = line.values[at], top + number * thick
            said = f"{group} · {line.title}：{line.texts[at]}"
            if shown is None:
                out.append(
                    f'<text x="{x(0) + 5:.1f}" y="{y + thick - 4:.1f}">{escape(line.texts[at])}</text>'
                )
                continue
            begin, end = sorted((x(0), x(shown)))
            out.append(
                f'<rect class="series-{number + 1}" x="{begin:.1f}" y="{y:.1f}" width="{max(end - begin, 1):.1f}" height="{thick - 2:.1f}" rx="2">'
                f"<title>{escape(said)}</title></rect>"
                f'<text class="is-strong" x="{end + 5:.1f}" y="{y + thick - 4:.1f}">{escape(line.texts[at])}</text>'
            )
    out.append("</svg>")
    return drawn("".join(out))


def lines(labels: Sequence[str], series: Sequence[Series], *, title: str, unit: str = "") -> Markup:
    """Return a line for each series over `labels`, named at its end; empty without two known values of one of them."""
    drawn_ones = [
        (number, one) for number, one in enumerate(series) if sum(v is not None for v in one.values) > 1
    ]
    if not drawn_ones or len(series) > MOST:
        return Markup()
    known = [value for _, one in drawn_ones for value in one.values if value is not None]
    low, high = min(known), max(known)
    pad = (high - low) * 0.1 or abs(high) * 0.1 or 1.0
    axis = steps(0.0 if low >= 0 > low - pad else low - pad, high + pad)
    if unit == "%" and high <= 100:  # no share passes the whole
        axis = [one for one in axis if one <= 100] if axis[-2] >= high else [*axis[:-1], max(100.0, axis[-2])]
    low, high = axis[0], axis[-1]
    wide, tall, left, right, top, bottom = 900.0, 340.0, 56.0, 190.0, 22.0, 34.0

    def x(at: int) -> float:
        return left + (wide - left - right) * at / max(len(labels) - 1, 1)

    def y(value: float) -> float:
        return top + (tall - top - bottom) * (1 - (value - low) / (high - low))

    out = [_open("series-lines", wide, tall, title)]
    for value in axis:
        out.append(
            f'<line class="chart-rule" x1="{left}" x2="{wide - right}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        )
        out.append(f'<text x="{left - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    if unit:
        out.append(f'<text x="{left - 8}" y="12" text-anchor="end">{escape(unit)}</text>')
    for at, label in enumerate(labels):
        out.append(f'<text x="{x(at):.1f}" y="{tall - 10}" text-anchor="middle">{escape(label)}</text>')
    ends: list[tuple[float, int, str]] = []
    for number, one in drawn_ones:
        for run in _runs(one.values):
            path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in run)
            out.append(f'<polyline class="series-line series-{number + 1}" points="{path}"/>')
            out += [
                f'<circle class="series-dot series-{number + 1}" cx="{x(at):.1f}" cy="{y(value):.1f}" r="3.4">'
                f"<title>{escape(f'{one.title} · {labels[at]}：{one.texts[at]}')}</title></circle>"
                for at, value in run
            ]
        last = next(value for value in reversed(one.values) if value is not None)
        ends.append((y(last), number, one.title))
    floor = 0.0
    for height, number, name in sorted(ends):
        floor = max(height, floor + 16)
        out.append(
            f'<text class="series-end series-{number + 1}" x="{wide - right + 12}" y="{floor + 4:.1f}">{escape(_cut(name))}</text>'
        )
    out.append("</svg>")
    return drawn("".join(out))


def legend(titles: Sequence[str]) -> Markup:
    """Return which colour each series of a bar chart has."""
    entries = [
        Markup(
            '<span><svg class="series-box" viewBox="0 0 12 12" aria-hidden="true"><rect class="series-{}" width="12" height="12" rx="2"/></svg>{}</span>'
        ).format(number + 1, one)
        for number, one in enumerate(titles)
    ]
    return Markup('<p class="series-legend">{}</p>').format(Markup().join(entries))


def _runs(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Return the known values between unknown ones, with their places."""
    runs: list[list[tuple[int, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((at, value))
    return [one for one in runs if one]


def _open(name: str, wide: float, tall: float, title: str) -> str:
    return (
        f'<svg class="chart {name}" viewBox="0 0 {wide:.0f} {tall:.0f}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>"
    )


def _wide(text: str) -> float:
    return sum(_SIGN if ord(sign) > 0x2E7F else _SIGN * 0.56 for sign in _cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= 18 else f"{text[:17]}…"
