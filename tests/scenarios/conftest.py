"""One demo city of its own for all scenarios: they change accounts and cases at will."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.acting import People
from tests.web.conftest import serving


@pytest.fixture(scope="module")
def people(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Those who act out scenarios in a served city."""
    with serving(postgres_url, tmp_path_factory, "scenarios") as site:
        yield People(site)
