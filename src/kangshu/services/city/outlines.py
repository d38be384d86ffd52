"""The ground of the demo city: outlines of its divisions that fit each other and nest, and points within them.

A convex outline is cut by straight lines into the divisions of one level, each of those into the next; then one smooth
warp bends every point alike, so that neighbours keep one common border. The city lies in a desert where nobody lives:
no address of ours is anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, cos, hypot, pi, sin
from random import Random
from typing import Final

from kangshu.sdk import DemoDistrict, DemoTown, Outline

Point = tuple[float, float]

_ORIGIN: Final = (101.75, 39.75)
"""Longitude and latitude (CGCS2000) of the south-western corner: the Badain Jaran desert."""
_SIZE: Final = (0.80, 0.52)
"""Width and height in degrees, about 68 km by 58 km."""
_CITY: Final = ((0.10, 0.30), (0.28, 0.06), (0.62, 0.02), (0.90, 0.16), (0.98, 0.52), (0.84, 0.86), (0.48, 0.98), (0.16, 0.80), (0.04, 0.55))  # fmt: skip
_WAVES: Final = (
    (0.020, 2.1, 1.3, 0.4),
    (0.012, 4.7, 3.9, 1.9),
    (0.006, 11.0, 9.0, 3.1),
    (0.0025, 29.0, 23.0, 0.7),
)
"""Amplitude, waves along x, along y, and phase. Slopes stay below one, so that nothing folds over."""
_STEP: Final = 0.02
"""Length of the pieces into which a border is cut before it is bent."""
_TOWN_WEIGHT: Final = {True: 0.55, False: 1.35}
"""Land per person in streets and in towns, against each other: the country is wide."""


def make_outlines(
    code: str,
    districts: Sequence[DemoDistrict],
    towns: Sequence[DemoTown],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, Outline]:
    """Return division code → closed ring of (longitude, latitude), for the city, districts, towns and communities.

    `shares` are those of the towns among the people of their district.
    """
    rng = Random(f"{seed}/outlines")  # noqa: S311 - a made-up city, not a secret
    flat: dict[str, list[Point]] = {code: list(_CITY)}
    land = {
        town.code: shares[town.code] ** 0.7 * _TOWN_WEIGHT[town.urban]
        for district in districts
        for town in towns
        if town.district == district.code
    }
    of_district = {
        one.code: one.share**0.5 * sum(land[town.code] for town in towns if town.district == one.code)
        for one in districts
    }
    flat |= _cut(flat[code], list(of_district.items()), rng)
    for district in districts:
        parts = [(town.code, land[town.code]) for town in towns if town.district == district.code]
        flat |= _cut(flat[district.code], parts, rng)
    for town in towns:
        flat |= _cut(flat[town.code], [(one, rng.uniform(0.8, 1.3)) for one in town.communities], rng)
    return {name: _bent(ring) for name, ring in flat.items()}


def _cut(ring: list[Point], parts: list[tuple[str, float]], rng: Random) -> dict[str, list[Point]]:
    """Return the convex `ring` divided among `parts` by their weights: halves across its length, again and again."""
    if len(parts) == 1:
        return {parts[0][0]: ring}
    whole, sums, middle = sum(weight for _, weight in parts), 0.0, 1
    for place, (_, weight) in enumerate(parts[:-1], 1):
        sums += weight
        middle = place
        if sums >= whole / 2 - weight / 2:
            break
    share = sum(weight for _, weight in parts[:middle]) / whole
    angle = _length_of(ring) + rng.uniform(-0.25, 0.25)
    direction = (cos(angle), sin(angle))
    along = sorted(x * direction[0] + y * direction[1] for x, y in ring)
    low, high, area = along[0], along[-1], _area(ring)
    for _ in range(30):
        at = (low + high) / 2
        low, high = (at, high) if _area(_clipped(ring, direction, at)) < share * area else (low, at)
    first = _clipped(ring, direction, at)
    second = _clipped(ring, (-direction[0], -direction[1]), -at)
    return _cut(first, parts[:middle], rng) | _cut(second, parts[middle:], rng)


def _length_of(ring: Sequence[Point]) -> float:
    """Return the angle of the direction in which `ring` is longest."""

    def reach(angle: float) -> float:
        along = [x * cos(angle) + y * sin(angle) for x, y in ring]
        return max(along) - min(along)

    return max((step * pi / 12 for step in range(12)), key=reach)


def _clipped(ring: Sequence[Point], direction: Point, at: float) -> list[Point]:
    """Return the part of `ring` that lies before `at` along `direction`."""
    found: list[Point] = []
    for here, there in zip(ring, [*ring[1:], ring[0]], strict=True):
        a, b = (x * direction[0] + y * direction[1] - at for x, y in (here, there))
        if a <= 0:
            found.append(here)
        if (a < 0 < b) or (b < 0 < a):
            share = a / (a - b)
            found.append((here[0] + (there[0] - here[0]) * share, here[1] + (there[1] - here[1]) * share))
    return found


def _area(ring: Sequence[Point]) -> float:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


def _bent(ring: Sequence[Point]) -> Outline:
    """Return `ring` as a closed line on the ground: its borders in small pieces, each end of them bent alike."""
    found: list[Point] = []
    for here, there in zip(ring, [*ring[1:], ring[0]], strict=True):
        pieces = max(1, ceil(hypot(there[0] - here[0], there[1] - here[1]) / _STEP))
        found += [
            _on_ground(
                here[0] + (there[0] - here[0]) * one / pieces, here[1] + (there[1] - here[1]) * one / pieces
            )
            for one in range(pieces)
        ]
    return (*found, found[0])


def _on_ground(x: float, y: float) -> Point:
    east = x + sum(size * sin(2 * pi * (a * x * 0.3 + b * y * 0.5) + turn) for size, a, b, turn in _WAVES)
    north = y + sum(
        size * sin(2 * pi * (b * x * 0.5 - a * y * 0.3) + turn * 2) for size, a, b, turn in _WAVES
    )
    return round(_ORIGIN[0] + east * _SIZE[0], 5), round(_ORIGIN[1] + north * _SIZE[1], 5)
