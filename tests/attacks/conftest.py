"""The city under attack: made once for a worker of the run, run as it is shipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo_city import DemoCities

from .city import City, Made, making, running


@pytest.fixture(scope="session")
def made(demo_cities: DemoCities) -> Iterator[Made]:
    """The demonstration city with further accounts, not running."""
    with making(demo_cities) as found:
        yield found


@pytest.fixture(scope="session")
def city(postgres_url: str, made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The product, running; after all attacks its log is judged."""
    with running(postgres_url, made, tmp_path_factory.mktemp("attacks")) as found:
        yield found
        found.judge_the_log()
