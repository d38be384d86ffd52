"""Maps as SVG, drawn on the server from the outlines of divisions: no tiles, no script, every mark a link with words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

from kangshu.access import division_prefix
from kangshu.base.canonical import BASE, OUTLINE
from kangshu.sdk import Outline, Resource
from kangshu.web.icons import drawn
from kangshu.web.visit import Visit

_PAIR: Final = re.compile(r"(-?\d+(?:\.\d+)?)\s+(-?\d+(?:\.\d+)?)")
_WIDE: Final = 900.0
"""Width of a map of records; one shaded by a measure is `shaded_map`."""
_PAD: Final = 14.0
_SIGN: Final = 13.0
"""Width of a Chinese character of a name, in the map's units."""


@dataclass(frozen=True, slots=True)
class Land:
    """One division on the ground."""

    code: str
    name: str
    outline: Outline


@dataclass(frozen=True, slots=True)
class Mark:
    """One record on a map. `colour` is the number of its colour (0: none), `weight` 0..1 the share of the largest."""

    east: float
    north: float
    name: str
    text: str
    address: str
    colour: int = 0
    weight: float = 0.0


async def lands(visit: Visit) -> dict[str, Land]:
    """Return the divisions that have an outline, by code."""
    found = await visit.platform.store.search_all(visit.grant, "Location", f"identifier={BASE}/sid/division|")
    listed = (land_of(one) for one in found)
    return {one.code: one for one in sorted((one for one in listed if one), key=lambda one: one.code)}


def land_of(place: Resource) -> Land | None:
    """Return the division of a Location with its outline; None where it has none that can be read."""
    code = next((str(one.get("value", "")) for one in place.get("identifier", ())), "")
    written = next(
        (str(one.get("valueString", "")) for one in place.get("extension", ()) if one.get("url") == OUTLINE),
        "",
    )
    ring = tuple((float(east), float(north)) for east, north in _PAIR.findall(written))
    return Land(code, str(place.get("name", code)), ring) if code and len(ring) > 3 else None


def below(places: Mapping[str, Land], code: str) -> tuple[list[Land], list[Land]]:
    """Return the divisions one level and two levels below `code`, of those with an outline."""
    prefix = division_prefix(code)
    inner = [one for one in places.values() if one.code != code and one.code.startswith(prefix)]
    levels = sorted({len(one.code) for one in inner})
    first = [one for one in inner if levels and len(one.code) == levels[0]]
    second = [one for one in inner if len(levels) > 1 and len(one.code) == levels[1]]
    return first, second


@dataclass(frozen=True, slots=True)
class Sheet:
    """How degrees become coordinates: a plate carrée with the degrees of longitude shortened at the middle latitude."""

    west: float
    top: float
    across: float
    down: float
    width: float
    height: float

    def at(self, east: float, north: float) -> tuple[float, float]:
        return (east - self.west) * self.across + _PAD, (self.top - north) * self.down + _PAD

    def path(self, ring: Outline) -> str:
        points = (self.at(*one) for one in ring)
        return f"M{'L'.join(f'{x:.1f},{y:.1f}' for x, y in points)}Z"

    def middle(self, ring: Outline) -> tuple[float, float]:
        """Return the centre of gravity of an outline, where its name stands."""
        area = x = y = 0.0
        origin = ring[0]
        for here, there in pairwise(ring):
            a, b = here[0] - origin[0], here[1] - origin[1]
            c, d = there[0] - origin[0], there[1] - origin[1]
            cross = a * d - c * b
            area, x, y = area + cross, x + (a + c) * cross, y + (b + d) * cross
        if not area:
            return self.at(*origin)
        return self.at(origin[0] + x / (3 * area), origin[1] + y / (3 * area))


def sheet_of(rings: Iterable[Outline], width: float) -> Sheet:
    points = [point for ring in rings for point in ring]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, top = min(y for _, y in points), max(y for _, y in points)
    shortened = math.cos(math.radians((south + top) / 2))
    across = (width - 2 * _PAD) / ((east - west) or 1.0)
    down = across / shortened
    if (top - south) * down > width * 0.85:
        down = width * 0.85 / (top - south)
        across = down * shortened
    return Sheet(west, top, across, down, width, (top - south) * down + 2 * _PAD)


def drawn_map(
    places: Mapping[str, Land], code: str, *, title: str, marks: Sequence[Mark] = (), links: str = ""
) -> Markup:
    """Return the map of division `code` with what lies below it, with marks upon it.

    `links` is an address with {code} to which a division one level below leads. Empty where there is no outline.
    """
    first, second = below(places, code)
    rings = [one.outline for one in (first or [places[code]] if code in places or first else [])]
    if not rings:
        return Markup()
    sheet = sheet_of(rings, _WIDE)
    out = [
        f'<svg class="chart map" viewBox="0 0 {sheet.width:.0f} {sheet.height:.0f}" role="group" aria-label="{escape(title)}">'
    ]
    if not first:
        out.append(f'<path class="map-land" d="{sheet.path(places[code].outline)}"/>')
    out += [_land(sheet, land, links) for land in first]
    out += [f'<path class="map-inner" d="{sheet.path(land.outline)}"/>' for land in second]
    out += [f'<path class="map-border" d="{sheet.path(land.outline)}"/>' for land in first]
    out += [_named(sheet, land) for land in first]
    placed = sorted(marks, key=lambda one: -one.weight)
    taken: list[_Box] = [_box_of(sheet, one) for one in placed]
    for one in placed:
        label = _label(sheet, one, taken)
        out.append(_mark(sheet, one, label))
    out.append("</svg>")
    return drawn("".join(out))


def _land(sheet: Sheet, land: Land, links: str) -> str:
    body = f'<path class="map-land" d="{sheet.path(land.outline)}"><title>{escape(land.name)}</title></path>'
    if not links:
        return body
    address = links.replace("{code}", land.code)
    return f'<a href="{escape(address)}" aria-label="{escape(land.name)}">{body}</a>'


def _named(sheet: Sheet, land: Land) -> str:
    x, y = sheet.middle(land.outline)
    return f'<text class="map-name" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(land.name)}</text>'


_Box = tuple[float, float, float, float]


def _size(one: Mark) -> float:
    return 6 + 9 * math.sqrt(max(0.0, min(1.0, one.weight)))


def _box_of(sheet: Sheet, one: Mark) -> _Box:
    x, y = sheet.at(one.east, one.north)
    size = _size(one)
    return x - size, y - size, x + size, y + size


def _label(sheet: Sheet, one: Mark, taken: list[_Box]) -> str:
    """Return the name beside a mark, right or left of it; "" where it would cover another: the table below has it."""
    x, y = sheet.at(one.east, one.north)
    size = _size(one)
    wide = sum(_SIGN if ord(sign) > 0x2E7F else _SIGN / 2 for sign in one.name)
    for anchor, left in (("start", x + size + 4), ("end", x - size - 4 - wide)):
        box = (left, y - 8, left + wide, y + 8)
        own = _box_of(sheet, one)
        if (
            left < 0
            or left + wide > sheet.width
            or any(_overlap(box, other) for other in taken if other != own)
        ):
            continue
        taken.append(box)
        at = left if anchor == "start" else left + wide
        return f'<text class="map-label" x="{at:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">{escape(one.name)}</text>'
    return ""


def _overlap(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _mark(sheet: Sheet, one: Mark, label: str) -> str:
    x, y = sheet.at(one.east, one.north)
    said = f"{one.name}：{one.text}" if one.text else one.name
    return (
        f'<a href="{escape(one.address)}" aria-label="{escape(said)}"><g class="map-mark">'
        f'<circle class="mark-{one.colour}" cx="{x:.1f}" cy="{y:.1f}" r="{_size(one):.1f}"><title>{escape(said)}</title></circle>'
        f"{label}</g></a>"
    )
