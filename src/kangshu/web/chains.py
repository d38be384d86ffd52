"""Chains as SVG: the stages in order from left to right, who stands in each counted, gaps marked, supply drawn between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup, escape

from kangshu.web.icons import drawn

Standing = Literal["gap", "thin", "held"]

_WIDE: Final = 136
_HIGH: Final = 78
_ACROSS: Final = 46
_BETWEEN: Final = 16
_PAD: Final = 8
_ARCH: Final = 26
"""Room above the boxes for what passes over a column."""
_SIGNS: Final = 9
"""How many Chinese characters of a label stand on one line; two lines are drawn."""
_STOUTEST: Final = 5


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its key, its place in the order, its name, what it says of its members, and where it leads."""

    key: str
    order: int
    name: str
    told: str
    standing: Standing
    address: str


def drawn_chain(
    stages: Sequence[Stage],
    supplies: Mapping[tuple[str, str], int],
    title: str,
    said: Mapping[tuple[str, str], str],
) -> Markup:
    """Return one chain; `supplies` are how many members of one stage supply members of a later one, `said` that in words."""
    orders = sorted({one.order for one in stages})
    columns = [[one for one in stages if one.order == order] for order in orders]
    at = {one.key: place for place, column in enumerate(columns) for one in column}
    onward = {pair: count for pair, count in supplies.items() if at[pair[0]] < at[pair[1]]}
    over = any(at[taker] - at[giver] > 1 for giver, taker in onward)
    top = _PAD + (_ARCH if over else 0)
    height = top + _PAD + max(len(column) for column in columns) * (_HIGH + _BETWEEN) - _BETWEEN
    width = _PAD * 2 + len(columns) * (_WIDE + _ACROSS) - _ACROSS
    spots = {
        one.key: (
            _PAD + place * (_WIDE + _ACROSS),
            top
            + (height - top - _PAD - len(column) * (_HIGH + _BETWEEN) + _BETWEEN) / 2
            + row * (_HIGH + _BETWEEN),
        )
        for place, column in enumerate(columns)
        for row, one in enumerate(column)
    }
    joined = {at[giver] for giver, taker in onward if at[taker] - at[giver] == 1}
    size = f'viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}"'
    out = [f'<svg class="chart chain" {size} role="img" aria-label="{escape(title)}">']
    out += [
        _onward(place, (top + height - _PAD) / 2) for place in range(len(columns) - 1) if place not in joined
    ]
    out += [_box(one, *spots[one.key]) for one in stages]
    for (giver, taker), count in onward.items():
        draw = _arch if at[taker] - at[giver] > 1 else _straight
        out.append(_supply(draw(spots[giver], spots[taker]), count, said.get((giver, taker), "")))
    return drawn("".join([*out, "</svg>"]))


def _onward(place: int, middle: float) -> str:
    """Return the sign between two columns that says in which way the chain runs."""
    at = _PAD + (place + 1) * (_WIDE + _ACROSS) - _ACROSS / 2
    return f'<path class="chain-onward" d="M{at - 5:g} {middle - 9:g}l9 9-9 9"/>'


def _straight(giver: tuple[float, float], taker: tuple[float, float]) -> tuple[str, str]:
    """Return line and head of the way from a box to one in the next column."""
    x, y = giver[0] + _WIDE, giver[1] + _HIGH / 2
    to, at = taker[0], taker[1] + _HIGH / 2
    bend = (to - x) / 2
    line = f"M{x:g} {y:g}C{x + bend:g} {y:g} {to - bend:g} {at:g} {to - 7:g} {at:g}"
    return line, f"M{to:g} {at:g}l-9-5v10z"


def _arch(giver: tuple[float, float], taker: tuple[float, float]) -> tuple[str, str]:
    """Return line and head of the way over the columns between: a stage that is passed by is not touched."""
    x, y, to, at = giver[0] + _WIDE / 2, giver[1], taker[0] + _WIDE / 2, taker[1]
    high = min(y, at) - _ARCH * 1.2
    return f"M{x:g} {y:g}C{x:g} {high:g} {to:g} {high:g} {to:g} {at - 7:g}", f"M{to:g} {at:g}l-5-9h10z"


def _supply(way: tuple[str, str], count: int, said: str) -> str:
    stout = 1.2 + min(count, _STOUTEST) * 0.6
    return (
        f'<g class="chain-supply"><title>{escape(said)}</title><path class="chain-line" stroke-width="{stout:g}" d="{way[0]}"/>'
        f'<path class="chain-head" d="{way[1]}"/></g>'
    )


def _box(stage: Stage, x: float, y: float) -> str:
    lines = _lines(stage.name)
    first = y + (24 if len(lines) > 1 else 32)
    texts = "".join(
        f'<text class="chain-name" x="{x + _WIDE / 2:g}" y="{first + place * 18:g}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return (
        f'<a href="{escape(stage.address)}" class="chain-stage is-{stage.standing}"><title>{escape(stage.name)} {escape(stage.told)}</title>'
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDE}" height="{_HIGH}" rx="8"/>{texts}'
        f'<text class="chain-told" x="{x + _WIDE / 2:g}" y="{y + _HIGH - 12:g}">{escape(stage.told)}</text></a>'
    )


def _lines(name: str) -> list[str]:
    """Return a name on at most two lines of about the same length; Latin letters take half the width of Chinese characters."""
    widths = [2 if ord(sign) > 0x2E7F else 1 for sign in name]
    if sum(widths) <= _SIGNS * 2:
        return [name]
    first, wide, half = 0, 0, min(_SIGNS * 2, (sum(widths) + 1) // 2)
    while wide < half:
        wide += widths[first]
        first += 1
    second, wide = first, 0
    while second < len(name) and wide + widths[second] <= _SIGNS * 2:
        wide += widths[second]
        second += 1
    return [name[:first], name[first:second] if second == len(name) else f"{name[first : second - 1]}…"]
