"""What the engine writes is valid R4."""

from __future__ import annotations

from kangshu.validate import validate
from tests.cases.conftest import SYSTEM, City
from tests.cases.test_referral import test_no_show_frees_the_slot_and_is_booked_again as walk
from tests.cases.test_supervision import test_urging_extension_dispute as walk_duty


async def test_every_resource_of_a_walk_is_valid(city: City) -> None:
    await walk(city)
    await walk_duty(city)
    checked = 0
    for kind in ("Task", "ServiceRequest", "Communication", "Appointment", "Encounter"):
        for resource in await city.store.search_all(SYSTEM, kind, ""):
            wrong = [issue for issue in validate(resource) if issue.severity in ("error", "fatal")]
            assert wrong == [], resource
            checked += 1
    assert checked > 10
