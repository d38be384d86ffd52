"""Cases over HTTP, with the city's services: a referral up, as the centre and the hospital work it."""

from __future__ import annotations

import json
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
from kangshu.app.wiring import Place, all_views, open_platform
from kangshu.base.canonical import BASE, DISTRICT
from kangshu.fhir import parse
from kangshu.measures import ViewKeeper
from kangshu.validate import validate

SYSTEM = system_grant("test")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
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


async def test_a_measure_is_read_computed_listed_and_its_data_collected(town: Town, tmp_path: Path) -> None:
    """From the definition to the number, to the people behind it, to one of them, to that one's records."""
    for id_, born in (("old", "1950-03-03"), ("young", "2001-01-01"), ("p1", "1955-05-05")):
        await town.platform.store.update(
            SYSTEM,
            {"resourceType": "Patient", "id": id_, "birthDate": born,
             "managingOrganization": {"reference": "Organization/centre"}},
        )  # fmt: skip
    await ViewKeeper(town.platform.store, tmp_path / "views", all_views(town.platform.services)).refresh()
    centre, other = town.clients["centre"], town.clients["other"]
    name = "family-doctor-coverage-60"
    measure = (await centre.get(f"/Measure/{name}")).json()
    assert measure["library"] == [f"{BASE}/Library/{name}"]
    library = (await centre.get(f"/Library/{name}")).json()
    assert {one["contentType"] for one in library["content"]} == {
        "application/sql;dialect=duckdb",
        "application/sql;dialect=spark",
    }
    assert (await centre.get("/Measure/no-such")).status_code == 404
    for made in (measure, library):
        assert [one.text for one in validate(parse(json.dumps(made))) if one.severity == "error"] == []

    address = f"/Measure/{name}/$evaluate-measure?periodEnd=2025-12-31&district=99"
    for id_ in ("old", "p1"):
        await town.platform.store.update(SYSTEM, placed(id_))
    await ViewKeeper(town.platform.store, tmp_path / "views", all_views(town.platform.services)).refresh()
    summary = (await centre.get(f"{address}&by=age-band&level=95")).json()
    counts = {one["code"]["coding"][0]["code"]: one["count"] for one in summary["group"][0]["population"]}
    assert (summary["type"], counts) == ("summary", {"numerator": 0, "denominator": 2})
    limits = summary["group"][0]["measureScore"]["extension"][0]["valueRange"]
    assert limits["low"]["value"] == 0
    assert limits["high"]["value"] > 50

    listed = (await centre.get(f"{address}&reportType=subject-list")).json()
    people = {
        one["id"]: [each["item"]["reference"] for each in one.get("entry", ())] for one in listed["contained"]
    }
    assert people == {"numerator": [], "denominator": ["Patient/old", "Patient/p1"]}
    assert (await centre.get(f"{address}&reportType=colour")).status_code == 400

    one = (await centre.get(f"{address}&reportType=subject&subject=Patient/old")).json()
    assert (one["type"], one["subject"]) == ("individual", {"reference": "Patient/old"})
    assert (await centre.get(f"{address}&subject=Patient/young")).status_code == 404
    assert (await other.get(f"{address}&subject=Patient/old")).status_code == 404

    data = (
        await centre.get(f"/Measure/{name}/$collect-data?periodEnd=2025-12-31&subject=Patient/old")
    ).json()
    report = data["parameter"][0]["resource"]
    assert report["type"] == "data-collection"
    assert report["evaluatedResource"] == [{"reference": "Patient/old"}]
    assert [one["resource"]["id"] for one in data["parameter"][1:]] == ["old"]
    for made in (summary, listed, one, report):
        assert [each.text for each in validate(parse(json.dumps(made))) if each.severity == "error"] == []
    assert (await other.get(f"/Measure/{name}/$collect-data?subject=Patient/old")).status_code == 404
    assert (await centre.get(f"/Measure/{name}/$collect-data")).status_code == 400


def placed(id_: str) -> dict[str, Any]:
    """Return a resident over 60 with a division."""
    return {
        "resourceType": "Patient", "id": id_, "birthDate": "1950-03-03",
        "extension": [{"url": DISTRICT, "valueCode": "990102001"}],
        "managingOrganization": {"reference": "Organization/centre"},
    }  # fmt: skip


async def test_declared_measures_are_found_before_stored_ones(town: Town) -> None:
    """Search, its pages and its counts hold every declared measure once, then what is stored."""
    kept = {"resourceType": "Measure", "id": "kept", "status": "draft", "title": "存下的指标 kept"}
    await town.platform.store.update(SYSTEM, kept)
    client = town.clients["centre"]
    declared = [one.id for service in town.platform.services for one in service.measures]
    awaited = [one.id for service in town.platform.services for one in service.awaited]
    every = sorted((*declared, *awaited))
    assert (await client.get("/Measure?_summary=count")).json()["total"] == len(every) + 1
    found: list[str] = []
    address = "/Measure?_count=100&_total=accurate"
    for _ in range(10):
        page = (await client.get(address)).json()
        assert page["total"] == len(every) + 1
        found += [one["resource"]["id"] for one in page["entry"]]
        onward = [one["url"] for one in page["link"] if one["relation"] == "next"]
        if not onward:
            break
        address = onward[0]
    assert found == [*every, "kept"]
    one = (
        await client.get(
            "/Measure", params={"name:exact": "".join(part.capitalize() for part in declared[0].split("-"))}
        )
    ).json()["entry"]
    assert [entry["resource"]["id"] for entry in one] == declared[:1]
    drafts, address = [], "/Measure?status=draft&_count=100"
    while address:
        page = (await client.get(address)).json()
        drafts += [entry["resource"]["id"] for entry in page["entry"]]
        address = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")
    assert drafts == [*sorted(awaited), "kept"]
    for waiting in sorted(awaited)[:1]:  # what has no register is defined, and evaluated by nobody
        assert (await client.get(f"/Measure/{waiting}")).json()["status"] == "draft"
        assert (await client.get(f"/Measure/{waiting}/$evaluate-measure")).status_code == 404
        assert (await client.get(f"/Library/{waiting}")).status_code == 404
    libraries = await client.post("/Library/_search", data={"_id": declared[0]}, headers=FORM)
    assert [entry["resource"]["resourceType"] for entry in libraries.json()["entry"]] == ["Library"]
    assert (await client.get("/Measure?_cursor=declared-x")).status_code == 400
