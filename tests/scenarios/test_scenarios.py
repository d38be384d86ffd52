"""Every workflow through HTTP as the rightful accounts, with the wrongful ones refused: the services' own scenarios."""

from __future__ import annotations

import pytest

from kangshu.app.wiring import city_services
from kangshu.sdk import ScenarioDeclaration
from tests.scenarios.acting import People, Stage

_ALL = [one for service in city_services() for one in service.scenarios]


@pytest.mark.parametrize("scenario", _ALL, ids=[f"{one.service}-{one.id}" for one in _ALL])
def test_scenario(people: People, scenario: ScenarioDeclaration) -> None:
    Stage(people, scenario).act()
