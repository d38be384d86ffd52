"""The ground of the demo city: borders fit each other, and places lie within their division."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kangshu.sdk import DemoCity, Outline
from kangshu.services.city import draw_city


@pytest.fixture(scope="module")
def city() -> DemoCity:
    return draw_city(residents=100, years=1)


def _area(ring: Outline) -> float:
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))) / 2


def _within(ring: Outline, east: float, north: float) -> bool:
    crossed = False
    for (x1, y1), (x2, y2) in pairwise(ring):
        if (y1 > north) != (y2 > north) and east < x1 + (north - y1) / (y2 - y1) * (x2 - x1):
            crossed = not crossed
    return crossed


def test_divisions_of_one_level_fill_the_one_above(city: DemoCity) -> None:
    towns = {one.code: tuple(one.communities) for one in city.towns}
    districts = {
        one.code: tuple(town.code for town in city.towns if town.district == one.code)
        for one in city.districts
    }
    for above, parts in {city.code: tuple(districts), **districts, **towns}.items():
        ring = city.outlines[above]
        assert ring[0] == ring[-1]
        assert sum(_area(city.outlines[one]) for one in parts) == pytest.approx(_area(ring), rel=0.01)


def test_a_place_lies_in_its_division_and_each_key_has_its_own(city: DemoCity) -> None:
    for town in city.towns:
        for community in town.communities:
            spots = [city.position(community, key) for key in ("", "a", "b")]
            assert len({tuple(one.values()) for one in spots}) == 3
            for one in spots:
                assert _within(city.outlines[town.district], float(one["longitude"]), float(one["latitude"]))
    assert city.position(city.code, "a") == city.position(city.code, "a")
