"""A map shaded by values, drawn from GeoJSON Features: five steps of one hue, hatched where nothing is known.

A division is a link that a keyboard reaches; its name and value stand upon it where they fit, in its title always.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from kangshu.sdk import Outline
from kangshu.web.geography import Feature, ring_of
from kangshu.web.icons import drawn
from kangshu.web.maps import Sheet, sheet_of

_WIDTH: Final = 560.0
_STEPS: Final = 5
_SIGN: Final = 15.0
"""Width of a character of a name."""
_TALL: Final = 40.0


@dataclass(frozen=True, slots=True)
class Class:
    """One step of the legend: its number (0: nothing is known), what it says, how many divisions it has."""

    shade: int
    text: str
    count: int


def shaded_map(found: Sequence[Feature], *, title: str, links: str = "", width: float = _WIDTH) -> Markup:
    """Return the map of the Features; empty where none has an outline.

    `links` is an address with {code} to which a division leads.
    """
    rings = {str(one["id"]): ring for one in found if (ring := ring_of(one)) is not None}
    if not rings:
        return Markup()
    sheet, low, span = sheet_of(rings.values(), width), *_range(found)
    out = [
        (
            f'<svg class="chart map" viewBox="0 0 {sheet.width:.0f} {sheet.height:.0f}" role="group" aria-label="{escape(title)}">'
            '<defs><pattern id="map-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
            '<rect class="map-hatch-ground" width="7" height="7"/><line class="map-hatch-line" y2="7"/></pattern></defs>'
        )
    ]
    drawn_ones = [one for one in found if str(one["id"]) in rings]
    for one in drawn_ones:
        out.append(_land(sheet, rings[str(one["id"])], one, _step(one, low, span), links))
    out += [f'<path class="map-border" d="{sheet.path(ring)}"/>' for ring in rings.values()]
    out += [_words(sheet, rings[str(one["id"])], one, _step(one, low, span)) for one in drawn_ones]
    out.append("</svg>")
    return drawn("".join(out))


def legend(found: Sequence[Feature], figure: Callable[[float], str], unknown: str) -> list[Class]:
    """Return the steps that the map of these Features has, from the least; `unknown` is what hatched ones are called."""
    low, span = _range(found)
    counts = [0] * (_STEPS + 1)
    for one in found:
        counts[_step(one, low, span)] += 1
    classes = []
    if not span and any(counts[1:]):
        classes.append(Class(1, figure(low), counts[1]))
    elif span:
        ends = [low + span * part / _STEPS for part in range(_STEPS + 1)]
        classes = [
            Class(step, f"{figure(ends[step - 1])}–{figure(ends[step])}", counts[step])
            for step in range(1, _STEPS + 1)
        ]
    return [*classes, *([Class(0, unknown, counts[0])] if counts[0] else [])]


def _range(found: Sequence[Feature]) -> tuple[float, float]:
    """Return the least value and how far it is to the greatest."""
    known = [float(value) for one in found if (value := one["properties"]["value"]) is not None]
    return (min(known), max(known) - min(known)) if known else (0.0, 0.0)


def _step(one: Feature, low: float, span: float) -> int:
    value = one["properties"]["value"]
    if value is None:
        return 0
    return 1 + min(_STEPS - 1, int((float(value) - low) / span * _STEPS)) if span else 1


def _land(sheet: Sheet, ring: Outline, one: Feature, step: int, links: str) -> str:
    told = one["properties"]
    said = f"{told['name']}：{told['text']}"
    look = f'class="map-land shade-{step}"' if step else 'class="map-blank" fill="url(#map-hatch)"'
    body = f'<path {look} d="{sheet.path(ring)}"><title>{escape(said)}</title></path>'
    if not links:
        return body
    address = links.replace("{code}", str(one["id"]))
    return f'<a href="{escape(address)}" aria-label="{escape(said)}">{body}</a>'


def _words(sheet: Sheet, ring: Outline, one: Feature, step: int) -> str:
    """Return the name and the value upon a division; as much of it as fits."""
    told = one["properties"]
    points = [sheet.at(*point) for point in ring]
    wide = max(x for x, _ in points) - min(x for x, _ in points)
    tall = max(y for _, y in points) - min(y for _, y in points)
    name, value = str(told["name"]), str(told["text"])
    x, y = sheet.middle(ring)
    dark = " is-on-dark" if step >= _STEPS - 1 else ""
    fits = len(name) * _SIGN <= wide and tall >= _TALL
    figure = (
        f'<text class="map-value{dark}" x="{x:.1f}" y="{y + (20 if fits else 5):.1f}" text-anchor="middle">'
        f"{escape(value)}</text>"
    )
    if fits:
        return f'<text class="map-name{dark}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(name)}</text>{figure}'
    return figure if len(value) * _SIGN * 0.7 <= wide and tall >= _TALL / 2 else ""
