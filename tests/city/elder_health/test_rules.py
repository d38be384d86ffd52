"""R21 (one free service a year from 65), C12's other half, and what an assessment must be: refused where they do not hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import pytest_asyncio

from kangshu.access import Grant, system_grant
from kangshu.access.predicates import Everything
from kangshu.base.canonical import code_system, structure
from kangshu.base.clock import today
from kangshu.base.faults import Forbidden, Unprocessable
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.cases import Cases
from kangshu.plans import Papers, Plans
from kangshu.sdk import Resource
from kangshu.services import Draft, read_folder
from kangshu.store import Store

SYSTEM = system_grant("tests")
ROOT = Path(__file__).resolve().parents[3]
YEAR = today().year


def acting(organisation: str) -> Grant:
    """Return somebody who may do anything, for this organisation: the engine's own rules are what is tried."""
    every = MappingProxyType({"*": Everything()})
    return Grant(
        account=f"of-{organisation}",
        display=organisation,
        organisation=organisation,
        read=every,
        write=every,
        operations=frozenset({"*"}),
    )


@dataclass
class Place:
    """The engine with this service's cases."""

    store: Store
    cases: Cases
    parameters: ParameterTable

    def figure(self, id_: str, value: Any) -> None:
        """Enter another value of a parameter."""
        made = ParameterVersion(
            id_, Text(id_, id_), value, "", "990100", date(2020, 1, 1), None, "测试", True
        )
        self.parameters.enter(made)

    async def make(self, task: str, organisation: str, move: str, **values: Any) -> Resource:
        return (await self.cases.move(acting(organisation), task, move, values)).resource

    async def invited(self, who: str) -> str:
        values = {"until": f"{YEAR}-12-31", "invited_by": "phone"}
        return (
            await self.cases.start(
                acting("centre"), "elder_health/yearly-check", values, subject=f"Patient/{who}"
            )
        ).id


def observation(id_: str, who: str, body: str, code: str = "elder-ability", **more: Any) -> Resource:
    return {
        "resourceType": "Observation", "id": id_, "status": "final",
        "code": {"coding": [{"system": code_system("assessment"), "code": code, "display": code}]},
        "subject": {"reference": f"Patient/{who}"}, "effectiveDateTime": today().isoformat(),
        "performer": [{"reference": f"Organization/{body}"}], "valueInteger": 52,
        "interpretation": [{"coding": [{"system": code_system("ability-level"), "code": "2", "display": "中度失能"}]}],
        "extension": [{"url": structure("valid-until"), "valueDate": f"{YEAR + 1}-12-31"}],
        **more,
    }  # fmt: skip


@cache
def declared() -> Draft:
    """Return the service's folder, read once."""
    return read_folder(ROOT / "src" / "kangshu_services" / "elder_health")


@pytest_asyncio.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    draft = declared()
    store = await Store.open(database_url)
    for id_ in ("centre", "civil", "body", "other-body"):
        await store.update(SYSTEM, {"resourceType": "Organization", "id": id_, "name": id_})
    for id_, born in (
        ("old", "1950-05-01"),
        ("turning", f"{YEAR - 65}-12-31"),
        ("young", f"{YEAR - 64}-01-01"),
    ):
        await store.update(
            SYSTEM, {"resourceType": "Patient", "id": id_, "name": [{"text": id_}], "birthDate": born}
        )
    table = ParameterTable(draft.parameters)
    outlets: dict[str, Any] = {}
    cases = Cases(store, draft.cases, table, jurisdiction="990100", outlets=outlets)
    plans = Plans(store, cases, table, jurisdiction="990100")
    outlets.update(Papers(store, plans, cases, draft.documents).outlets())
    yield Place(store, cases, table)
    await store.close()


async def test_one_free_service_a_year(place: Place) -> None:
    task = await place.invited("old")
    await place.make(task, "centre", "begin", served_on=f"{YEAR}-01-15")
    await place.store.update(SYSTEM, observation("self", "old", "centre", "elder-self-care"))
    await place.store.update(SYSTEM, observation("exam", "old", "centre", "elder-physical-examination"))
    parts = {"health_assessment": "Observation/self", "examination": "Observation/exam"}
    with pytest.raises(Unprocessable, match="Parts of the service"):
        await place.make(task, "centre", "complete", **parts, told=True)
    with pytest.raises(Unprocessable):
        await place.make(task, "centre", "complete", **parts, guidance="少盐", told=False)
    done = await place.make(task, "centre", "complete", **parts, guidance="少盐", told=True)
    (encounter,) = await place.store.search_all(SYSTEM, "Encounter", "subject=Patient/old")
    assert done["focus"]["reference"] == f"Encounter/{encounter['id']}"
    held = {one["url"].rpartition("/")[2] for one in encounter["extension"]}
    assert held == {
        "free-service",
        "health-assessment",
        "physical-examination",
        "health-guidance",
        "complete-form",
    }
    again = await place.invited("old")
    with pytest.raises(Unprocessable, match="served once this year"):
        await place.make(again, "centre", "begin", served_on=f"{YEAR}-02-15")
    # the year before had none
    await place.make(again, "centre", "begin", served_on=f"{YEAR - 1}-12-15")


async def test_which_parts_are_needed_is_a_parameter(place: Place) -> None:
    task = await place.invited("old")
    await place.make(task, "centre", "begin", served_on=f"{YEAR}-01-15")
    place.figure("elder-health-parts", 1)
    await place.make(task, "centre", "complete", guidance="少盐", told=True)
    (encounter,) = await place.store.search_all(SYSTEM, "Encounter", "subject=Patient/old")
    held = {one["url"].rpartition("/")[2] for one in encounter["extension"]}
    assert "complete-form" not in held  # done, and yet not a complete form: the rate does not count it


async def test_the_day_by_which_the_age_counts_is_a_parameter(place: Place) -> None:
    turning = await place.invited("turning")
    if today() < date(YEAR, 12, 31):
        place.figure("elder-health-age-date", "service-day")
        with pytest.raises(Unprocessable):
            await place.make(turning, "centre", "begin", served_on=today().isoformat())
        place.figure("elder-health-age-date", "year-end")
    await place.make(turning, "centre", "begin", served_on=today().isoformat())
    with pytest.raises(Unprocessable):
        await place.make(await place.invited("young"), "centre", "begin", served_on=today().isoformat())


async def applied(place: Place, **values: Any) -> str:
    form = {
        "authority": "Organization/civil", "applied_by": "health-centre", "purposes": ["subsidy"], "reason": "first",
        "consent": True, **values,
    }  # fmt: skip
    started = await place.cases.start(
        acting("centre"), "elder_health/ability-assessment", form, subject="Patient/old"
    )
    return started.id


async def test_an_assessment_is_signed_and_made_by_the_body_that_was_asked(place: Place) -> None:
    task = await applied(place)
    await place.make(task, "civil", "accept", body="Organization/body")
    await place.store.update(SYSTEM, observation("unsigned", "old", "body", status="preliminary"))
    await place.store.update(SYSTEM, observation("foreign", "old", "other-body"))
    await place.store.update(SYSTEM, observation("mine", "old", "body"))
    for wrong in ("unsigned", "foreign"):
        with pytest.raises(Unprocessable):
            await place.make(task, "body", "assess", assessment=f"Observation/{wrong}")
    await place.make(task, "body", "assess", assessment="Observation/mine")
    told = {"told_on": today().isoformat(), "told_to": "本人", "relation": "self", "level_told": "中度失能",
            "valid_until": f"{YEAR + 1}-12-31"}  # fmt: skip
    with pytest.raises(Unprocessable, match="signed notice"):
        await place.make(task, "body", "tell", **told)


async def test_a_dispute_goes_to_another_body_and_takes_the_first_result_away(place: Place) -> None:
    task = await applied(place)
    await place.make(task, "civil", "accept", body="Organization/body")
    await place.store.update(SYSTEM, observation("first", "old", "body"))
    await place.make(task, "body", "assess", assessment="Observation/first")
    told = {
        "told_on": today().isoformat(),
        "told_to": "本人",
        "relation": "self",
        "level_told": "中度失能",
        "valid_until": f"{YEAR + 1}-12-31",
        "not_signed": "不能书写",
    }
    with pytest.raises(Forbidden):
        await place.make(task, "other-body", "tell", **told)
    await place.make(task, "body", "tell", **told)
    await place.make(task, "centre", "dispute", grounds="当天不适")
    with pytest.raises(Unprocessable):
        await place.make(task, "civil", "appoint", re_body="Organization/body")
    await place.make(task, "civil", "appoint", re_body="Organization/other-body")
    await place.store.update(SYSTEM, observation("second", "old", "other-body"))
    with pytest.raises(Unprocessable):
        await place.make(task, "other-body", "re-assess", re_assessment="Observation/first")
    await place.make(task, "other-body", "re-assess", re_assessment="Observation/second")
    first = (await place.store.read(SYSTEM, "Observation", "first")).resource
    assert first["status"] == "cancelled"


async def test_without_consent_nobody_is_assessed(place: Place) -> None:
    task = await applied(place, consent=False)
    with pytest.raises(Unprocessable, match="has not consented"):
        await place.make(task, "civil", "accept", body="Organization/body")
