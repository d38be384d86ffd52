"""Charts as SVG, drawn on the server: they print, need no script, and carry their numbers as text.

Colours come from the style sheet by class, so that no chart holds a colour of its own.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from kangshu.web.icons import drawn

Tone = str
"""`red`, `amber`, `green`, `grey`, or "" for the accent colour."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a line: what stands under it, and its value (None: unknown, the line breaks)."""

    label: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Tile:
    """One district of a tile map."""

    code: str
    name: str
    value: float | None
    text: str
    tone: Tone = ""


def _number(value: float) -> str:
    """Return a coordinate with as few digits as a screen needs."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def steps(low: float, high: float, wanted: int = 4) -> list[float]:
    """Return round axis values that cover low..high, about `wanted` of them."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * unit for unit in (1, 2, 2.5, 5, 10) if power * unit >= raw)
    first = math.floor(low / step) * step
    count = math.ceil((high - first) / step - 1e-9)
    return [round(first + step * index, 10) for index in range(count + 1)]


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def bar(
    value: float | None, top: float, tone: Tone = "", target: float | None = None, title: str = ""
) -> Markup:
    """Return one horizontal bar for a table row: `value` of `top`, with a mark at `target`."""
    top = top or 1.0
    width = 0.0 if value is None else max(0.0, min(100.0, value / top * 100))
    mark = ""
    if target is not None and 0 <= target <= top:
        at = target / top * 100
        mark = f'<line class="chart-target" x1="{_number(at)}%" x2="{_number(at)}%" y1="0" y2="14"/>'
    return drawn(
        f'<svg class="bar" height="14" role="img" aria-label="{escape(title)}">'
        f'<rect class="chart-track" width="100%" height="10" y="2" rx="3"/>'
        f'<rect class="chart-bar is-{escape(tone or "plain")}" width="{_number(width)}%" height="10" y="2" rx="3"/>'
        f"{mark}</svg>"
    )


def spark(values: Sequence[float | None]) -> Markup:
    """Return a small line without axes; empty when fewer than two values are known."""
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return Markup()
    low, high = min(v for _, v in known), max(v for _, v in known)
    span = (high - low) or 1.0
    reach = max(len(values) - 1, 1)
    points = [(3 + index / reach * 104, 26 - (value - low) / span * 22) for index, value in known]
    path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    x, y = points[-1]
    return drawn(
        '<svg class="spark" viewBox="0 0 110 30" aria-hidden="true">'
        f'<polyline class="chart-line" points="{path}"/>'
        f'<circle class="chart-dot is-last" cx="{_number(x)}" cy="{_number(y)}" r="2.6"/></svg>'
    )


def columns(values: Sequence[tuple[str, float | None]], *, title: str) -> Markup:
    """Return small columns side by side, one per district; an unknown value is an empty place."""
    known = [value for _, value in values if value is not None]
    if not known:
        return Markup()
    top = max([*known, 0.0]) or 1.0
    step = 16
    wide = len(values) * step
    out = [
        f'<svg class="spark" viewBox="0 0 {max(wide, 110)} 34" role="img" aria-label="{escape(title)}">',
        f'<line class="chart-axis" x1="0" x2="{wide}" y1="33" y2="33"/>',
    ]
    for index, (label, value) in enumerate(values):
        if value is None:
            continue
        tall = max(1.0, value / top * 30)
        out.append(
            f'<rect class="chart-bar" x="{index * step + 2}" y="{_number(33 - tall)}" width="11" '
            f'height="{_number(tall)}" rx="2">{_title(f"{label}: {value:g}")}</rect>'
        )
    out.append("</svg>")
    return drawn("".join(out))


def donut(share: float | None, text: str, title: str, tone: Tone = "") -> Markup:
    """Return a ring filled to `share` (0..1) with `text` inside; unknown is an empty ring."""
    radius = 50.0
    around = 2 * math.pi * radius
    filled = 0.0 if share is None else max(0.0, min(1.0, share)) * around
    stroke = f"chart-ring is-{escape(tone or 'plain')}"
    return drawn(
        f'<svg class="donut chart" viewBox="0 0 132 132" role="img" aria-label="{escape(title)}">'
        f'<circle class="chart-ring is-track" cx="66" cy="66" r="50" fill="none" stroke-width="14"/>'
        f'<circle class="{stroke}" cx="66" cy="66" r="50" fill="none" stroke-width="14" '
        f'stroke-dasharray="{_number(filled)} {_number(around)}" transform="rotate(-90 66 66)"/>'
        f'<text class="is-big is-strong" x="66" y="73" text-anchor="middle">{escape(text)}</text></svg>'
    )


def trend(
    points: Sequence[Point],
    *,
    title: str,
    unit: str = "",
    target: float | None = None,
    target_text: str = "",
    second: Sequence[Point] = (),
    from_zero: bool = False,
) -> Markup:
    """Return a line chart over `points`, with a dashed target line and an optional second line.

    Both lines share their labels. With no known value it is empty, so that the page can say so.
    """
    lines = [points, second] if second else [points]
    known = [p.value for line in lines for p in line if p.value is not None]
    if not known:
        return Markup()
    wide, tall, left, right, top, bottom = 680, 260, 52, 20, 22, 34
    reach = [*known, target] if target is not None else known
    low, high = min(reach), max(reach)
    pad = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    axis = steps(0.0 if from_zero or (low >= 0 and low - pad < 0) else low - pad, high + pad)
    low, high = axis[0], axis[-1]

    def x(index: int) -> float:
        return left + (wide - left - right) * (index / max(len(points) - 1, 1) if len(points) > 1 else 0.5)

    def y(value: float) -> float:
        return top + (tall - top - bottom) * (1 - (value - low) / (high - low))

    out = [
        f'<svg class="chart" viewBox="0 0 {wide} {tall}" role="img" aria-label="{escape(title)}">{_title(title)}'
    ]
    for value in axis:
        at = _number(y(value))
        out.append(f'<line class="chart-rule" x1="{left}" x2="{wide - right}" y1="{at}" y2="{at}"/>')
        out.append(f'<text x="{left - 8}" y="{_number(y(value) + 4)}" text-anchor="end">{value:g}</text>')
    if unit:
        out.append(f'<text x="{left - 8}" y="12" text-anchor="end">{escape(unit)}</text>')
    every = max(1, math.ceil(len(points) / 8))
    for index, point in enumerate(points):
        # the last is always named, and no name stands so near that it would touch it
        if (index % every == 0 and len(points) - 1 - index >= every * 0.8) or index == len(points) - 1:
            anchor = "end" if index == len(points) - 1 and len(points) > 1 else "middle"
            out.append(
                f'<text x="{_number(x(index))}" y="{tall - 10}" text-anchor="{anchor}">{escape(point.label)}</text>'
            )
    if target is not None:
        level = _number(y(target))
        over = _number(y(target) - 6)
        out.append(
            f'<line class="chart-target" x1="{left}" x2="{wide - right}" y1="{level}" y2="{level}"/>'
            f'<text class="chart-target-text" x="{wide - right}" y="{over}" text-anchor="end">'
            f"{escape(target_text)}</text>"
        )
    for number, line in enumerate(lines):
        out.extend(_line(line, x, y, second=number == 1, base=tall - bottom, filled=not second))
    out.append("</svg>")
    return drawn("".join(out))


def _line(
    points: Sequence[Point], x: object, y: object, *, second: bool, base: float, filled: bool
) -> list[str]:
    """Return the strokes and dots of one line; an unknown value leaves a gap."""
    assert callable(x)  # noqa: S101 - for the type checker
    assert callable(y)  # noqa: S101
    mark = " is-second" if second else ""
    out: list[str] = []
    run: list[tuple[float, float]] = []
    runs = [run]
    for index, point in enumerate(points):
        if point.value is None:
            run = []
            runs.append(run)
        else:
            run.append((x(index), y(point.value)))
    for run in runs:
        if len(run) > 1:
            path = " ".join(f"{_number(px)},{_number(py)}" for px, py in run)
            if filled:
                area = f"{_number(run[0][0])},{_number(base)} {path} {_number(run[-1][0])},{_number(base)}"
                out.append(f'<polygon class="chart-area" points="{area}"/>')
            out.append(f'<polyline class="chart-line{mark}" points="{path}"/>')
    known = [index for index, point in enumerate(points) if point.value is not None]
    if len(known) <= 40:
        for index in known:
            value = points[index].value
            last = " is-last" if index == known[-1] else ""
            out.append(
                f'<circle class="chart-dot{mark}{last}" cx="{_number(x(index))}" cy="{_number(y(value))}" r="3.6">'
                f"{_title(f'{points[index].label}: {value:g}')}</circle>"
            )
    return out


def tile_map(tiles: Sequence[Tile], *, title: str, links: str = "") -> Markup:
    """Return districts as equal tiles, shaded by value (five steps) or toned by light.

    `links` is a URL with {code} that a tile leads to.
    """
    if not tiles:
        return Markup()
    known = [tile.value for tile in tiles if tile.value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    across = 3 if len(tiles) <= 9 else math.ceil(math.sqrt(len(tiles) * 1.4))
    rows = math.ceil(len(tiles) / across)
    wide, tall, gap = 132, 84, 8
    size = f"{across * (wide + gap)} {rows * (tall + gap)}"
    out = [f'<svg class="chart" viewBox="0 0 {size}" role="group" aria-label="{escape(title)}">']
    for index, tile in enumerate(tiles):
        row, column = divmod(index, across)
        shift = (wide + gap) / 2 if row % 2 and (index < across * (rows - 1) or len(tiles) % across) else 0
        x, y = column * (wide + gap) + shift, row * (tall + gap)
        dark = False
        if tile.tone:
            kind = f"is-{escape(tile.tone)}"
        elif tile.value is None:
            kind = "is-grey"
        else:
            shade = 1 + min(4, int((tile.value - low) / ((high - low) or 1.0) * 5))
            kind, dark = f"shade-{shade}", shade >= 4
        ink = " is-on-dark" if dark else ""
        body = (
            f'<rect class="chart-tile {kind}" x="{_number(x)}" y="{y}" width="{wide}" height="{tall}" rx="8"/>'
            f'<text class="is-name{ink}" x="{_number(x + wide / 2)}" y="{y + 32}" text-anchor="middle">{escape(tile.name)}</text>'
            f'<text class="is-big is-strong{ink}" x="{_number(x + wide / 2)}" y="{y + 60}" text-anchor="middle">'
            f"{escape(tile.text)}</text>"
        )
        if links:
            out.append(f'<a href="{escape(links.replace("{code}", tile.code))}">{body}</a>')
        else:
            out.append(body)
    out.append("</svg>")
    return drawn("".join(out))


def sparkline(
    points: Sequence[Point],
    *,
    title: str,
    target: float | None = None,
    anew: Container[int] = (),
    size: tuple[int, int] = (120, 32),
) -> Markup:
    """Return a small line without axes, with a dashed line at `target`; empty when fewer than two values are known.

    An unknown value breaks it, and so does the start of a new count (`anew`: indexes of such points).
    """
    known = [one.value for one in points if one.value is not None]
    if len(known) < 2:
        return Markup()
    wide, tall = size
    reach = [*known, target] if target is not None else known
    low, high = min(reach), max(reach)
    span, across = (high - low) or 1.0, max(len(points) - 1, 1)

    def at(index: int, value: float) -> tuple[float, float]:
        return 4 + index / across * (wide - 8), tall - 4 - (value - low) / span * (tall - 8)

    runs: list[list[tuple[float, float]]] = [[]]
    for index, point in enumerate(points):
        if point.value is None or index in anew:
            runs.append([])
        if point.value is not None:
            runs[-1].append(at(index, point.value))
    said = f"{title}：{'，'.join(f'{one.label} {one.value:g}' for one in points if one.value is not None)}"
    out = [
        f'<svg class="spark" viewBox="0 0 {wide} {tall}" role="img" aria-label="{escape(said)}">{_title(said)}'
    ]
    if target is not None:
        level = _number(at(0, target)[1])
        out.append(f'<line class="chart-target" x1="2" x2="{wide - 2}" y1="{level}" y2="{level}"/>')
    for run in runs:
        path = " ".join(f"{_number(x)},{_number(y)}" for x, y in run)
        if len(run) > 1:
            out.append(f'<polyline class="chart-line" points="{path}"/>')
        elif run:
            out.append(
                f'<circle class="chart-dot" cx="{_number(run[0][0])}" cy="{_number(run[0][1])}" r="1.6"/>'
            )
    x, y = next(run for run in reversed(runs) if run)[-1]
    out.append(f'<circle class="chart-dot is-last" cx="{_number(x)}" cy="{_number(y)}" r="2.8"/></svg>')
    return drawn("".join(out))


def parts_bar(parts: Sequence[tuple[Tone, int]], *, title: str) -> Markup:
    """Return one bar made of parts side by side, each as long as its count; empty without any."""
    whole = sum(count for _, count in parts)
    if not whole:
        return Markup()
    out = [f'<svg class="parts-bar" height="22" role="img" aria-label="{escape(title)}">{_title(title)}']
    start = 0.0
    for tone, count in parts:
        length = count / whole * 100
        if count:
            out.append(
                f'<rect class="chart-bar is-{escape(tone)}" x="{_number(start)}%" width="{_number(length)}%" height="22">'
                f"{_title(str(count))}</rect>"
            )
        start += length
    out.append("</svg>")
    return drawn("".join(out))
