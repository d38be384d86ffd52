"""One demo city of its own for all scenarios: they change accounts and cases at will."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.demo_city import DemoCities
from tests.scenarios.acting import People
from tests.web.conftest import serving


@pytest.fixture(scope="module")
def people(demo_cities: DemoCities) -> Iterator[People]:
    """Those who act out scenarios in a served city."""
    with serving(demo_cities, "scenarios") as site:
        yield People(site)
