"""A faulty record goes back to its sender, who says that it is corrected: the rule is run again, and tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.app.rechecking import Rechecks
from kangshu.app.wiring import keyed_views
from kangshu.base.clock import instant, now
from kangshu.measures import ViewKeeper
from kangshu.sdk import Resource
from tests.demo_city import DemoCities

from .conftest import RESIDENTS
from .site import Site, served

SYSTEM = system_grant("test")
SENDER = "hospital-yunxi-first"
RECORD = "Observation/recheck-1"


@pytest.fixture(scope="module")
def kept(demo_cities: DemoCities) -> Iterator[tuple[Site, Path]]:
    """A served city and the folder of its views."""
    with (
        demo_cities.copy("recheck", RESIDENTS) as copy,
        served(copy.url, copy.place, copy.passwords) as made,
    ):
        yield made, copy.place.views


def result(unit: str = "") -> Resource:
    """Return a result that the hospital sent today, with or without its unit."""
    quantity: dict[str, Any] = {"value": 86}
    if unit:
        quantity |= {"unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return {
        "resourceType": "Observation",
        "id": "recheck-1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8280-0"}]},
        "effectiveDateTime": instant(now()),
        "performer": [{"reference": f"Organization/{SENDER}"}],
        "valueQuantity": quantity,
    }


@pytest.mark.parametrize("record", [RECORD, "*"])
def test_a_return_closes_when_its_rule_holds_and_comes_back_while_it_does_not(
    kept: tuple[Site, Path], record: str
) -> None:
    site, folder = kept
    platform = site.platform
    rechecks = Rechecks(platform)

    def look() -> str:
        """Return where the return stands once the views are brought up and the rule was run again."""
        site.run(rechecks.recheck())
        site.run(ViewKeeper(platform.store, folder, site.run(keyed_views(platform))).refresh())
        site.run(rechecks.recheck())
        return state()

    def state() -> str:
        task = site.run(platform.store.read(SYSTEM, "Task", case)).resource
        return str(task["businessStatus"]["coding"][0]["code"])

    site.run(platform.store.update(SYSTEM, result()))
    values = {
        "rule": "measurement-unit-present", "record": record, "problem": "缺计量单位", "element": "计量单位",
        "advice": "补上单位编码", "found": 1,
    }  # fmt: skip
    office, sender = (site.run(platform.accounts.open_grant(one)) for one in ("data", "hospital"))
    started = platform.cases.start(office, "data_quality/return", values, receiver=SENDER)
    case = site.run(started).id
    assert look() == "issued", "nobody has said that it is corrected"
    site.run(platform.cases.move(sender, case, "correct", {"done": "已更正"}))
    site.run(rechecks.recheck())
    assert state() == "corrected", "the views do not hold what was saved before"
    assert look() == "again"
    held = platform.cases.held_values(site.run(platform.store.read(SYSTEM, "Task", case)).resource)
    assert held["left"] == 1
    site.run(platform.store.update(SYSTEM, result("cm")))
    site.run(platform.cases.move(sender, case, "correct", {"done": "已补单位"}))
    assert look() == "closed"
