"""The token endpoint over HTTP: its faults are OAuth's, its token opens /fhir as narrow as it was asked for."""

from __future__ import annotations

import json
import time
from dataclasses import fields
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from kangshu.access import system_grant
from kangshu.accounts import Account, Accounts
from kangshu.api import Platform, Settings, fhir_app, oauth_app
from kangshu.base.parameters import ParameterTable
from kangshu.registers import Attachments
from kangshu.store import Store

KEY = ECKey.generate_key("P-384", {"kid": "k1"})
OWN = "https://kangshu.example"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT = system_grant("test")


def assertion(audience: str = f"{OWN}/oauth/token", **changes: Any) -> str:
    """Return a signed assertion of the client `his`."""
    said = {
        "iss": "his",
        "sub": "his",
        "aud": audience,
        "exp": int(time.time()) + 60,
        "jti": str(uuid4()),
        **changes,
    }
    return jwt.encode({"alg": "ES384", "kid": "k1"}, said, KEY, algorithms=["ES384"])


def form(**changes: str) -> dict[str, str]:
    """Return the fields of a good request."""
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": TYPE,
        "client_assertion": assertion(),
        **changes,
    }


@pytest.fixture
async def platform(store: Store) -> Platform:
    """Only what the endpoint needs, with one service account."""
    accounts = Accounts(store)
    await accounts.create_account(
        GRANT, Account("his", "医院", ("statistics-office",), district="9901", kind="service")
    )
    await accounts.clients.add_keys(GRANT, "his", json.dumps(KEY.as_dict(private=False)))
    await accounts.clients.set_scopes(GRANT, "his", ["system/Organization.rs", "system/Location.rs"])
    await store.update(GRANT, {"resourceType": "Organization", "id": "o", "name": "甲"})
    await store.update(GRANT, {"resourceType": "Location", "id": "l", "status": "active", "name": "乙"})
    settings = Settings(public_url=OWN)
    rooms = dict.fromkeys(one.name for one in fields(Platform))
    made = {
        "store": store,
        "accounts": accounts,
        "attachments": Attachments(store, ParameterTable(), ""),
        "services": (),
        "settings": settings,
    }
    return Platform(**{**rooms, **made})


def client(platform: Platform, base: str = OWN) -> httpx.AsyncClient:
    """Return a client of the token endpoint."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(oauth_app(platform)), base_url=base)


async def test_a_token_opens_what_its_scopes_say_and_is_revoked(platform: Platform) -> None:
    async with client(platform) as oauth:
        answer = await oauth.post("/oauth/token", data=form(scope="system/Organization.rs"))
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        said = answer.json()
        assert (said["token_type"], said["expires_in"], said["scope"]) == (
            "bearer",
            300,
            "system/Organization.rs",
        )
        headers = {"authorization": f"Bearer {said['access_token']}"}
        transport = httpx.ASGITransport(fhir_app(platform))
        async with httpx.AsyncClient(transport=transport, base_url=OWN, headers=headers) as fhir:
            assert (await fhir.get("/fhir/Organization/o")).status_code == 200
            hidden, never = await fhir.get("/fhir/Location/l"), await fhir.get("/fhir/Location/none")
            assert hidden.status_code == never.status_code
            assert hidden.status_code in (403, 404)
            assert (
                await fhir.put(
                    "/fhir/Organization/o", json={"resourceType": "Organization", "id": "o", "name": "丙"}
                )
            ).status_code in (403, 404)
            gone = await oauth.post("/oauth/revoke", data=form(token=said["access_token"]))
            assert gone.status_code == 200
            assert (await fhir.get("/fhir/Organization/o")).status_code == 401


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": "x"}, 401, "invalid_client"),
        ({"client_assertion": ""}, 401, "invalid_client"),
        ({"client_assertion": "a.b.c"}, 401, "invalid_client"),
        ({"scope": "system/Patient.rs"}, 400, "invalid_scope"),
        ({"scope": "openid"}, 400, "invalid_scope"),
    ],
)
async def test_faults_are_those_of_oauth(
    platform: Platform, changes: dict[str, str], status: int, error: str
) -> None:
    async with client(platform) as oauth:
        answer = await oauth.post("/oauth/token", data=form(**changes))
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_what_is_not_asked_as_it_should_be(platform: Platform) -> None:
    async with client(platform) as oauth:
        assert (await oauth.get("/oauth/token")).status_code == 405
        assert (await oauth.post("/oauth/none", data=form())).status_code == 404
        assert (await oauth.post("/oauth/token?scope=x", data=form())).status_code == 400
        assert (await oauth.post("/oauth/token", json=form())).status_code == 400
        twice = "grant_type=client_credentials&grant_type=client_credentials"
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert (await oauth.post("/oauth/token", content=twice, headers=kind)).status_code == 400
        assert (await oauth.post("/oauth/token", content=b"a=%ff", headers=kind)).status_code == 400
        assert (
            await oauth.post("/oauth/token", content="a=" + "x" * 100_000, headers=kind)
        ).status_code == 413
        basic = await oauth.post("/oauth/token", data=form(), auth=("his", "x"))
        assert (basic.status_code, basic.json()["error"]) == (401, "invalid_client")


async def test_the_audience_is_ours_whatever_the_request_says_of_itself(platform: Platform) -> None:
    evil = "https://evil.example"
    async with client(platform, evil) as oauth:
        answer = await oauth.post(
            "/oauth/token", data=form(client_assertion=assertion(f"{evil}/oauth/token"))
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    from dataclasses import replace

    nameless = replace(platform, settings=Settings())
    async with client(nameless, evil) as oauth:
        answer = await oauth.post(
            "/oauth/token", data=form(client_assertion=assertion(f"{evil}/oauth/token"))
        )
        assert answer.status_code == 503
    async with client(nameless, "http://127.0.0.1:8000") as oauth:
        own = assertion("http://127.0.0.1:8000/oauth/token")
        assert (await oauth.post("/oauth/token", data=form(client_assertion=own))).status_code == 200
