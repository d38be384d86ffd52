"""C12 (transfer by a current assessment, one bed a person) and C13 (paid only with consent): refused where they do not hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
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
from kangshu.base.faults import Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases
from kangshu.sdk import Resource
from kangshu.services import Draft, read_folder
from kangshu.store import Store

SYSTEM = system_grant("tests")
ROOT = Path(__file__).resolve().parents[3]


def acting(organisation: str) -> Grant:
    """Return somebody who may do anything, for this organisation: the service's own rules are what is tried."""
    every = MappingProxyType({"*": Everything()})
    return Grant(
        account=f"of-{organisation}", display=organisation, organisation=organisation, read=every, write=every,
        operations=frozenset({"*"}),
    )  # fmt: skip


@dataclass
class Place:
    """The engine with this service's cases."""

    store: Store
    cases: Cases

    async def start(self, kind: str, /, **values: Any) -> str:
        grant = acting("centre")
        return (await self.cases.start(grant, f"home_care/{kind}", values, subject="Patient/old")).id

    async def make(self, task: str, organisation: str, move: str, **values: Any) -> Resource:
        return (await self.cases.move(acting(organisation), task, move, values)).resource

    async def put(self, resource: Resource) -> None:
        await self.store.update(SYSTEM, resource)


def service(id_: str, price: str) -> Resource:
    return {
        "resourceType": "HealthcareService", "id": id_, "active": True, "name": id_,
        "category": [{"coding": [{"system": code_system("service-category"), "code": "home-visit"}]}],
        "extension": [{"url": structure("price"), "valueDecimal": Decimal(price)}],
    }  # fmt: skip


def assessed(id_: str, days: int, level: str = "2") -> Resource:
    """Return an ability assessment that holds for `days` from today."""
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "subject": {"reference": "Patient/old"},
        "code": {"coding": [{"system": code_system("assessment"), "code": "elder-ability"}]},
        "effectiveDateTime": (today() - timedelta(days=30)).isoformat(),
        "interpretation": [{"coding": [{"system": code_system("ability-level"), "code": level}]}],
        "extension": [
            {"url": structure("valid-until"), "valueDate": (today() + timedelta(days=days)).isoformat()}
        ],
    }  # fmt: skip


def bed(id_: str, state: str) -> Resource:
    return {
        "resourceType": "Location", "id": id_, "status": "active", "mode": "instance", "name": id_,
        "physicalType": {"coding": [{"code": "bd"}]},
        "type": [{"coding": [{"system": code_system("bed-kind"), "code": "nursing"}]}],
        "operationalStatus": {"system": "http://terminology.hl7.org/CodeSystem/v2-0116", "code": state},
        "managingOrganization": {"reference": "Organization/home"},
    }  # fmt: skip


@cache
def declared() -> Draft:
    """Return the service's folder, read once."""
    return read_folder(ROOT / "src" / "kangshu_services" / "home_care")


@pytest_asyncio.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    draft = declared()
    store = await Store.open(database_url)
    for id_ in ("centre", "civil", "body", "provider", "home"):
        await store.update(SYSTEM, {"resourceType": "Organization", "id": id_, "name": id_})
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "old", "name": [{"text": "old"}]})
    await store.update(SYSTEM, {"resourceType": "Practitioner", "id": "nurse", "name": [{"text": "nurse"}]})
    made = Place(store, Cases(store, draft.cases, ParameterTable(draft.parameters), jurisdiction="990100"))
    await made.put(service("paid", "90"))
    await made.put(service("free", "0"))
    yield made
    await store.close()


async def ordered(place: Place, item: str) -> str:
    values = {"provider": "Organization/centre", "item": f"HealthcareService/{item}", "kind": "nursing",
              "wished_on": today().isoformat(), "need": "换药", "address": "家中"}  # fmt: skip
    task = await place.start("visit-order", **values)
    await place.make(task, "centre", "assess", suitable=True)
    return task


async def test_paid_only_with_consent_and_by_the_catalogue(place: Place) -> None:
    task = await ordered(place, "paid")
    plan = {"worker": "Practitioner/nurse", "planned_on": today().isoformat()}
    with pytest.raises(Unprocessable, match="consent first"):
        await place.make(task, "centre", "plan", **plan, price=90)
    with pytest.raises(Unprocessable, match="consent first"):
        await place.make(task, "centre", "plan", **plan, price=120, consented=True)
    await place.make(task, "centre", "plan", **plan, price=90, consented=True)
    await place.make(task, "centre", "arrive", sign_in="phone", position="家中")
    await place.make(task, "centre", "leave", done="换药", signed_by="家属")
    with pytest.raises(Unprocessable):
        await place.make(task, "centre", "close-free")
    with pytest.raises(Unprocessable):
        await place.make(task, "centre", "pay", amount=95, receipt_number="1", paid_by="self")
    await place.make(task, "centre", "pay", amount=90, receipt_number="1", paid_by="self")
    (visit,) = await place.store.search_all(SYSTEM, "Encounter", "subject=Patient/old")
    assert visit["status"] == "finished"
    assert visit["participant"][0]["individual"]["reference"] == "Practitioner/nurse"


async def test_basic_items_stay_free(place: Place) -> None:
    task = await ordered(place, "free")
    plan = {"worker": "Practitioner/nurse", "planned_on": today().isoformat()}
    with pytest.raises(Unprocessable):
        await place.make(task, "centre", "plan", **plan, price=10, consented=True)
    await place.make(task, "centre", "plan", **plan, price=0)
    await place.make(task, "centre", "arrive", sign_in="phone", position="家中")
    await place.make(task, "centre", "leave", done="测血压", signed_by="本人")
    with pytest.raises(Unprocessable):
        await place.make(task, "centre", "pay", amount=0, receipt_number="1", paid_by="self")
    await place.make(task, "centre", "close-free")


async def asked(place: Place) -> str:
    return await place.start(
        "family-bed",
        authority="Organization/civil",
        body="Organization/body",
        provider="Organization/provider",
        address="家中",
        need="照护",
        consent=True,
    )


SUITABLE = {"home_suitable": True, "findings": "适宜"}


async def test_a_bed_needs_a_current_assessment_and_a_level(place: Place) -> None:
    task = await asked(place)
    await place.put(assessed("old-one", -1))
    with pytest.raises(Unprocessable, match="current ability assessment"):
        await place.make(task, "body", "assess", assessment="Observation/old-one", **SUITABLE)
    await place.put(assessed("able", 90, "0"))
    await place.make(task, "body", "assess", assessment="Observation/able", **SUITABLE)
    with pytest.raises(Unprocessable, match="level too low"):
        await place.make(task, "civil", "open", level="0")


async def in_service(place: Place) -> str:
    task = await asked(place)
    await place.put(assessed("now", 90))
    await place.make(task, "body", "assess", assessment="Observation/now", **SUITABLE)
    await place.make(task, "civil", "open", level="2")
    await place.make(task, "provider", "begin", plan="每周三次", visit_times=3, visit_period="week")
    return task


async def test_one_bed_a_person(place: Place) -> None:
    await in_service(place)
    second = await asked(place)
    await place.make(second, "body", "assess", assessment="Observation/now", **SUITABLE)
    with pytest.raises(Unprocessable, match="has a bed already"):
        await place.make(second, "civil", "open", level="2")


async def test_transfer_there_and_back(place: Place) -> None:
    task = await in_service(place)
    await place.put(assessed("expired", -1))
    await place.put(bed("free-bed", "U"))
    await place.put(bed("taken-bed", "O"))
    ask = {"institution": "Organization/home", "transfer_reason": "夜间护理"}
    with pytest.raises(Unprocessable, match="current ability assessment"):
        await place.make(task, "provider", "ask-transfer", **ask, transfer_assessment="Observation/expired")
    await place.make(task, "provider", "ask-transfer", **ask, transfer_assessment="Observation/now")
    with pytest.raises(Unprocessable):
        await place.make(task, "home", "accept-transfer", institution_bed="Location/taken-bed")
    await place.make(task, "home", "accept-transfer", institution_bed="Location/free-bed")
    beds = {one["type"][0]["coding"][0]["code"]: one["status"] for one in await episodes(place)}
    assert beds == {"family-care-bed": "onhold", "elder-residence": "active"}
    with pytest.raises(Unprocessable):
        await place.make(
            task, "home", "return", return_assessment="Observation/now", home_suitable_again=False
        )
    await place.make(task, "home", "return", return_assessment="Observation/now", home_suitable_again=True)
    beds = {one["type"][0]["coding"][0]["code"]: one["status"] for one in await episodes(place)}
    assert beds == {"family-care-bed": "active", "elder-residence": "finished"}
    freed = (await place.store.read(SYSTEM, "Location", "free-bed")).resource
    assert freed["operationalStatus"]["code"] == "U"
    moved = await place.store.search_all(SYSTEM, "Basic", "subject=Patient/old")
    assert sorted(one["extension"][0]["valueCode"] for one in moved) == ["home", "institution"]


async def episodes(place: Place) -> list[Resource]:
    return list(await place.store.search_all(SYSTEM, "EpisodeOfCare", "patient=Patient/old"))


async def test_a_hospital_bed_needs_consent_and_is_one(place: Place) -> None:
    async def applied() -> str:
        task = await place.start(
            "home-hospital-bed",
            provider="Organization/centre",
            diagnosis="脑梗死",
            need="换药",
            address="家中",
        )
        await place.make(
            task, "centre", "assess", assessed_on=today().isoformat(), suitable=True, findings="平稳"
        )
        return task

    task = await applied()
    form = {"doctor": "Practitioner/nurse", "plan": "每周查床", "price_told": True}
    with pytest.raises(Unprocessable):
        await place.make(task, "centre", "establish", **form, consented=False)
    await place.make(task, "centre", "establish", **form, consented=True)
    with pytest.raises(Unprocessable):
        await place.make(await applied(), "centre", "establish", **form, consented=True)
    rounds = {"round_on": today().isoformat(), "findings": "平稳", "treatment": "维持"}
    stands = await place.make(task, "centre", "round", **rounds)
    assert stands["restriction"]["period"]["end"][:10] == (today() + timedelta(days=7)).isoformat()
