"""Cases over HTTP, with the city's services: a referral up, as the centre and the hospital work it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from kangshu.access import system_grant
from kangshu.accounts import Account
from kangshu.api import Platform, fhir_app
from kangshu.app.demo import demo_identity
from kangshu.app.wiring import Place, open_platform

SYSTEM = system_grant("test")
START = {
    "code": "referral/referral", "subject": "Patient/p1", "receiver": "hospital", "direction": "up", "urgency": "urgent",
    "indication": "acute", "criterion": "admit-treatment", "diagnosis": "高血压3级", "summary": "血压控制不佳", "consent": True,
}  # fmt: skip


@dataclass(frozen=True)
class Town:
    """A centre, a hospital, a stranger, and one resident of the centre."""

    platform: Platform
    clients: dict[str, httpx.AsyncClient]


@pytest_asyncio.fixture
async def town(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with open_platform(database_url, Place(tmp_path, tmp_path / "views", demo_identity())) as platform:
        for id_ in ("centre", "hospital", "other"):
            await platform.store.update(SYSTEM, {"resourceType": "Organization", "id": id_, "name": id_})
        await platform.store.update(
            SYSTEM,
            {"resourceType": "Patient", "id": "p1", "name": [{"text": "甲"}],
             "managingOrganization": {"reference": "Organization/centre"}},
        )  # fmt: skip
        roles = {"centre": "community-doctor", "hospital": "hospital-clerk", "other": "hospital-clerk"}
        clients: dict[str, httpx.AsyncClient] = {}
        for name, role in roles.items():
            await platform.accounts.create_account(SYSTEM, Account(name, name, (role,), organisation=name))
            token = await platform.accounts.create_token(name, timedelta(hours=1))
            clients[name] = httpx.AsyncClient(
                transport=httpx.ASGITransport(fhir_app(platform)),
                base_url="http://test/fhir",
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"},
            )
        yield Town(platform, clients)
        for one in clients.values():
            await one.aclose()


def parameters(**values: Any) -> dict[str, Any]:
    listed = [
        {"name": name, ("valueBoolean" if isinstance(value, bool) else "valueString"): value}
        for name, value in values.items()
    ]
    return {"resourceType": "Parameters", "parameter": listed}


async def test_a_referral_goes_up_over_http(town: Town) -> None:
    centre, hospital, other = (town.clients[one] for one in ("centre", "hospital", "other"))
    started = await centre.post("/Task/$start", json=parameters(**START))
    assert started.status_code == 201, started.text
    task = started.json()
    path = f"/Task/{task['id']}"
    assert task["status"] == "draft"
    assert "/_history/" in started.headers["location"]

    assert (await hospital.get("/Patient/p1")).status_code == 404
    refused = await centre.put(path, json=task)
    assert refused.status_code == 409

    offered = (await centre.get(f"{path}/$moves")).json()
    moves = {one["part"][0]["valueString"] for one in offered["parameter"]}
    assert "send" in moves
    sent = await centre.post(
        f"{path}/$move", json=parameters(move="send"), headers={"If-Match": started.headers["etag"]}
    )
    assert sent.status_code == 200, sent.text
    late = await centre.post(
        f"{path}/$move", json=parameters(move="send"), headers={"If-Match": started.headers["etag"]}
    )
    assert late.status_code in (409, 412)

    town.platform.accounts.forget()
    assert (await hospital.get("/Patient/p1")).status_code == 200
    assert (await other.get("/Patient/p1")).status_code == 404
    assert (await other.get(path)).status_code == 404
    assert (await other.post(f"{path}/$move", json=parameters(move="accept"))).status_code == 404
    assert (await centre.post(f"{path}/$move", json=parameters(move="accept"))).status_code == 403

    lacking = await hospital.post(f"{path}/$move", json=parameters(move="accept"))
    assert lacking.status_code == 422
    assert lacking.json()["issue"][0]["expression"]
    accepted = await hospital.post(f"{path}/$move", json=parameters(move="accept", department="心内科"))
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["status"] == "accepted"


async def test_a_referral_of_a_resident_one_may_not_see_is_not_started(town: Town) -> None:
    body = parameters(**{**START, "receiver": "centre"})
    answer = await town.clients["other"].post("/Task/$start", json=body)
    assert answer.status_code == 404
    unknown = await town.clients["centre"].post(
        "/Task/$start", json=parameters(**{**START, "code": "no/such"})
    )
    assert unknown.status_code == 404
    without = await town.clients["centre"].post("/Task/$start", json=parameters(subject="Patient/p1"))
    assert without.status_code == 400


async def test_a_measure_needs_its_operation_and_a_known_id(town: Town) -> None:
    centre = town.clients["centre"]
    assert (await centre.get("/Measure/no-such/$evaluate-measure")).status_code == 404
    address = "/Measure/family-doctor-coverage-60/$evaluate-measure"
    assert (await centre.get(f"{address}?periodEnd=soon")).status_code == 400
    assert (await centre.get(f"{address}?colour=red")).status_code == 400
    assert (await centre.get(address)).status_code in (404, 503)
