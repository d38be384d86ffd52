"""A small demo city served as pages on a free port: one for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.demo_city import DemoCities

from .site import Site, served

RESIDENTS = 300


@pytest.fixture(scope="session")
def site(demo_cities: DemoCities) -> Iterator[Site]:
    """The served city."""
    with serving(demo_cities, "web") as made:
        yield made


@pytest.fixture(scope="module")
def own_site(demo_cities: DemoCities) -> Iterator[Site]:
    """A served city for a module whose tests change accounts and records at will."""
    with serving(demo_cities, "own") as made:
        yield made


@contextmanager
def serving(cities: DemoCities, word: str) -> Iterator[Site]:
    """Give a copy of the demo city, served on a free port."""
    with cities.copy(word, RESIDENTS) as copy, served(copy.url, copy.place, copy.passwords) as made:
        yield made
