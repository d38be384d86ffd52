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
_SIGNS: Final = 8
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
    height = _PAD * 2 + max(len(column) for column in columns) * (_HIGH + _BETWEEN) - _BETWEEN
    width = _PAD * 2 + len(columns) * (_WIDE + _ACROSS) - _ACROSS
    spots = {
        one.key: (
            _PAD + place * (_WIDE + _ACROSS),
            (height - len(column) * (_HIGH + _BETWEEN) + _BETWEEN) / 2 + row * (_HIGH + _BETWEEN),
        )
        for place, column in enumerate(columns)
        for row, one in enumerate(column)
    }
    out = [
        f'<svg class="chart chain" viewBox="0 0 {width} {height:g}" style="max-width:{width}px" role="img" aria-label="{escape(title)}">'
    ]
    out += [_onward(place, height / 2) for place in range(len(columns) - 1)]
    out += [
        _supply(spots[giver], spots[taker], count, said.get((giver, taker), ""))
        for (giver, taker), count in supplies.items()
        if spots[giver][0] < spots[taker][0]
    ]
    out += [_box(one, *spots[one.key]) for one in stages]
    return drawn("".join([*out, "</svg>"]))


def _onward(place: int, middle: float) -> str:
    """Return the sign between two columns that says in which way the chain runs."""
    at = _PAD + (place + 1) * (_WIDE + _ACROSS) - _ACROSS / 2
    return f'<path class="chain-onward" d="M{at - 5:g} {middle - 9:g}l9 9-9 9"/>'


def _supply(giver: tuple[float, float], taker: tuple[float, float], count: int, said: str) -> str:
    x, y = giver[0] + _WIDE, giver[1] + _HIGH / 2
    to, at = taker[0], taker[1] + _HIGH / 2
    bend = max(24.0, (to - x) / 2)
    stout = 1.2 + min(count, _STOUTEST) * 0.6
    line = f"M{x:g} {y:g}C{x + bend:g} {y:g} {to - bend:g} {at:g} {to - 7:g} {at:g}"
    head = f"M{to:g} {at:g}l-9-5v10z"
    return (
        f'<g class="chain-supply"><title>{escape(said)}</title><path class="chain-line" stroke-width="{stout:g}" d="{line}"/>'
        f'<path class="chain-head" d="{head}"/></g>'
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
    """Return a name on at most two lines; Latin letters take half the width of Chinese characters."""
    lines, wide = [""], 0
    for sign in name:
        wide += 2 if ord(sign) > 0x2E7F else 1
        if wide > _SIGNS * 2 and len(lines) == 2:
            return [lines[0], lines[1][:-1] + "…"]
        if wide > _SIGNS * 2:
            lines.append("")
            wide = 2 if ord(sign) > 0x2E7F else 1
        lines[-1] += sign
    return lines
