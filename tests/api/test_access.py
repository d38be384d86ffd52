"""Who gets in: every endpoint refuses strangers, and a grant shows its own records alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from kangshu.accounts import Account
from kangshu.api import ENDPOINTS, Endpoint, fhir_app

PLACES = {"{type}": "Patient", "{id}": "p1", "{version}": "1"}


def address(endpoint: Endpoint) -> str:
    path = endpoint.path
    for name, value in PLACES.items():
        path = path.replace(
            name, (endpoint.types[0] if endpoint.types else value) if name == "{type}" else value
        )
    return f"http://test/fhir{path}"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
async def test_every_endpoint_refuses_a_stranger(face: Any, endpoint: Endpoint) -> None:
    app = fhir_app(face.platform)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as stranger:
        for headers in ({}, {"Authorization": "Bearer guessed"}, {"Cookie": "kangshu_session=guessed"}):
            answer = await stranger.request(endpoint.method, address(endpoint), headers=headers)
            if endpoint.open:
                assert answer.status_code == 200
                continue
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["issue"][0]["code"] == "login"


async def test_an_account_sees_its_own_and_the_rest_is_not_there(face: Any) -> None:
    store, grant = face.platform.store, face.system
    for chc in ("chc-a", "chc-b"):
        await store.update(grant, {"resourceType": "Organization", "id": chc, "name": chc})
        await store.update(
            grant,
            {"resourceType": "Patient", "id": f"p-{chc}",
             "managingOrganization": {"reference": f"Organization/{chc}"}},
        )  # fmt: skip
        await store.update(
            grant,
            {"resourceType": "Condition", "id": f"c-{chc}", "subject": {"reference": f"Patient/p-{chc}"}},
        )
    doctor = await face.sign_in(Account("doctor", "", ("community-doctor",), organisation="chc-a"))
    office = await face.sign_in(Account("office", "", ("plan-office",), organisation="o", district="990100"))

    async def ids(client: httpx.AsyncClient, kind: str) -> list[str]:
        page = (await client.get(f"/{kind}?_total=accurate")).json()
        assert page["total"] == len(page.get("entry", []))
        return [one["resource"]["id"] for one in page.get("entry", [])]

    assert await ids(doctor, "Patient") == ["p-chc-a"]
    assert await ids(doctor, "Condition") == ["c-chc-a"]
    assert await ids(office, "Patient") == []
    assert len(await ids(doctor, "Organization")) == 2
    for client, path in ((doctor, "/Patient/p-chc-b"), (office, "/Patient/p-chc-a"),
                         (doctor, "/Condition/c-chc-b"), (doctor, "/Patient/p-chc-b/$everything"),
                         (doctor, "/Patient/p-chc-b/_history"), (doctor, "/Patient/p-chc-b/_history/1")):  # fmt: skip
        answer = await client.get(path)
        seen = answer.json().get("entry", []) if answer.status_code == 200 else []
        assert answer.status_code == 404 or seen == []
    refused = await doctor.put(
        "/Patient/p-chc-b",
        json={
            "resourceType": "Patient",
            "id": "p-chc-b",
            "managingOrganization": {"reference": "Organization/chc-a"},
        },
    )
    assert refused.status_code in (403, 404)
    assert (await store.read(grant, "Patient", "p-chc-b")).version == 1


async def test_a_session_cookie_opens_the_face_and_another_sites_page_cannot_write(face: Any) -> None:
    account = Account("clerk", "甲", ("section-clerk",), organisation="o", district="990100")
    made = await face.platform.accounts.create_account(face.system, account)
    session = await face.platform.accounts.sign_in("clerk", made.password)
    app = fhir_app(face.platform)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test/fhir") as browser:
        headers = {"Cookie": f"a=b; kangshu_session={session.token}"}
        assert (await browser.get("/Patient", headers=headers)).status_code == 200
        foreign = {**headers, "Sec-Fetch-Site": "cross-site"}
        assert (await browser.delete("/Patient/p", headers=foreign)).status_code == 403
        await face.platform.accounts.sign_out(session.token)
        assert (await browser.get("/Patient", headers=headers)).status_code == 401


async def test_an_ended_token_opens_nothing(face: Any) -> None:
    token = await face.platform.accounts.create_token("system", timedelta(hours=1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(fhir_app(face.platform))) as client:
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.get("http://test/fhir/Patient", headers=headers)).status_code == 200
        await face.platform.accounts.revoke_tokens(face.system, "system")
        assert (await client.get("http://test/fhir/Patient", headers=headers)).status_code == 401
