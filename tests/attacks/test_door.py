"""Who comes from outside and what goes out: assertions of services, calls to other systems, doors that are not there."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from .cases import attack
from .city import KEY

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OTHER = ECKey.generate_key("P-384", {"kid": "service-1"})


def claims(city: Any, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good assertion, changed; None takes one away."""
    good = {
        "iss": "service", "sub": "service", "aud": f"{city.address}/oauth/token", "exp": int(time.time()) + 120,
        "jti": str(uuid4()),
    }  # fmt: skip
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(said: Mapping[str, Any], key: Any = KEY, algorithm: str = "ES384", **header: Any) -> str:
    return jwt.encode(
        {"alg": algorithm, "kid": "service-1", **header}, dict(said), key, algorithms=[algorithm]
    )


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def ask(city: Any, assertion: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION,
        "client_assertion": assertion,
    }
    return httpx.post(f"{city.address}/oauth/token", data={**form, **more})


def shared(city: Any) -> str:
    """Return an assertion signed with the public key as if it were a shared secret."""
    secret = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "kid": "service-1"}, claims(city), secret, algorithms=["HS256"])


def turned(text: str) -> str:
    head, said, sign = text.split(".")
    return f"{head}.{part({**json.loads(base64.urlsafe_b64decode(said + '==')), 'sub': 'system', 'iss': 'system'})}.{sign}"


FORGED: dict[str, Callable[[Any], str]] = {
    "alg none": lambda city: f"{part({'alg': 'none', 'kid': 'service-1'})}.{part(claims(city))}.",
    "alg None": lambda city: f"{part({'alg': 'None', 'kid': 'service-1'})}.{part(claims(city))}.",
    "no signature": lambda city: signed(claims(city)).rpartition(".")[0] + ".",
    "shared secret": shared,
    "another key of that name": lambda city: signed(claims(city), OTHER),
    "another's claims": lambda city: turned(signed(claims(city))),
    "wrong issuer": lambda city: signed(claims(city, iss="system", sub="system")),
    "issuer is a person": lambda city: signed(claims(city, iss="doctor", sub="doctor")),
    "subject differs": lambda city: signed(claims(city, sub="doctor")),
    "audience of another": lambda city: signed(claims(city, aud="https://evil.example/oauth/token")),
    "audience begins so": lambda city: signed(claims(city, aud=f"{city.address}/oauth/token.evil.example")),
    "no audience": lambda city: signed(claims(city, aud=None)),
    "ended": lambda city: signed(claims(city, exp=int(time.time()) - 600)),
    "no end": lambda city: signed(claims(city, exp=None)),
    "ends in a year": lambda city: signed(claims(city, exp=int(time.time()) + 31_536_000)),
    "not yet": lambda city: signed(claims(city, nbf=int(time.time()) + 600)),
    "no jti": lambda city: signed(claims(city, jti=None)),
    "unknown kid": lambda city: signed(claims(city), kid="service-2"),
    "kid is a path": lambda city: signed(claims(city), kid="../../../../dev/null"),
    "kid is sql": lambda city: signed(claims(city), kid="x' or '1'='1"),
    "jku": lambda city: signed(claims(city), jku="https://evil.example/keys"),
    "noise": lambda city: "x.y.z",
    "a bearer token": lambda city: city.tokens["doctor"],
}  # fmt: skip


@attack(15)
@pytest.mark.parametrize("what", FORGED)
def test_forged_assertions_give_no_token(city: Any, what: str) -> None:
    answer = ask(city, FORGED[what](city))
    assert answer.status_code == 401, (what, answer.text[:300])
    assert "access_token" not in answer.text
    assert ask(city, signed(claims(city))).status_code == 200, "a good one still does"


@attack(15)
def test_an_assertion_is_good_once(city: Any) -> None:
    once = signed(claims(city))
    assert ask(city, once).status_code == 200
    assert ask(city, once).status_code == 401


@attack(15)
def test_a_service_has_no_more_than_its_scopes(city: Any) -> None:
    """Its token is narrow and short, is no session, cannot be widened, and ends when it is revoked."""
    made = ask(city, signed(claims(city)), scope="system/Organization.rs").json()
    bearer = {"Authorization": f"Bearer {made['access_token']}"}
    assert httpx.get(f"{city.address}/fhir/Organization?_count=1", headers=bearer).status_code == 200
    for kind in ("Patient", "Location", "Observation", "PlanDefinition"):
        answer = httpx.get(f"{city.address}/fhir/{kind}?_summary=count", headers=bearer)
        assert answer.status_code == 403 or answer.json()["total"] == 0, kind
    jar = {"kangshu_session": made["access_token"]}
    assert httpx.get(f"{city.address}/worklist", cookies=jar).status_code == 303
    for scope in ("system/*.cruds", "system/Patient.rs", "user/*.rs", "launch"):
        answer = ask(city, signed(claims(city)), scope=scope)
        assert answer.status_code == 400, (scope, answer.text)
    form = {
        "client_assertion_type": ASSERTION,
        "client_assertion": signed(claims(city)),
        "token": made["access_token"],
    }
    assert httpx.post(f"{city.address}/oauth/revoke", data=form).status_code == 200
    time.sleep(3.5)  # what a process remembers of a token
    assert httpx.get(f"{city.address}/fhir/Organization?_count=1", headers=bearer).status_code == 401


def tries(city: Any) -> dict[str, Any]:
    """Return what calls out came to, in a process that runs the product's code as the product itself does."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("calling_out.py"))],
        env={**os.environ, **city.environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@attack(16, 17)
def test_calls_go_to_listed_origins_alone(city: Any) -> None:
    """Redirects, other notations of an address, look-alike hosts, names that turn inwards: nothing of it is reached."""
    found = tries(city)
    assert found.pop("listed")["came"] == "answered"
    redirected = found.pop("redirect")
    assert redirected["came"] == "OutboundRefused"
    assert len(redirected["reached"]) == 1, "the redirect was followed"
    assert found.pop("rebinding")["reached"] == [], "the name was looked up again"
    for name, one in found.items():
        assert one["came"] in ("OutboundRefused", "Invalid"), (name, one)
        assert one["reached"] == [], name


ABSENT = {
    "GraphQL": [("POST", "/fhir/$graphql"), ("GET", "/fhir/$graphql?query={Patient{id}}"), ("GET", "/fhir/Patient/x/$graphql"), ("POST", "/graphql")],
    "bulk export": [("GET", "/fhir/$export"), ("GET", "/fhir/Patient/$export"), ("GET", "/fhir/Group/x/$export"), ("POST", "/fhir/$import")],
    "graph": [("GET", "/fhir/Patient/x/$graph?graph=y"), ("GET", "/fhir/Patient/x/$meta"), ("POST", "/fhir/Patient/x/$meta-add"), ("POST", "/fhir/Patient/$match")],
    "subscriptions": [("GET", "/fhir/Subscription/x/$status"), ("GET", "/fhir/Subscription/$get-ws-binding-token"), ("GET", "/ws"), ("GET", "/fhir/$events")],
    "views by HTTP": [("POST", "/fhir/$run"), ("POST", "/fhir/ViewDefinition/$run"), ("GET", "/fhir/ViewDefinition/x/$run")],
    "terminology": [("GET", "/fhir/ValueSet/$expand?url=http://169.254.169.254/"), ("GET", "/fhir/CodeSystem/$lookup?code=x"), ("POST", "/fhir/ConceptMap/$translate")],
    "MCP": [("POST", "/mcp"), ("GET", "/mcp"), ("GET", "/sse"), ("POST", "/fhir/$mcp"), ("GET", "/.well-known/mcp")],
    "authorisation of apps": [("GET", "/oauth/authorize"), ("GET", "/fhir/.well-known/smart-configuration"), ("POST", "/oauth/register"), ("POST", "/oauth/introspect")],
    "forms of others": [("POST", "/fhir/Questionnaire/x/$populate"), ("POST", "/fhir/QuestionnaireResponse/$extract"), ("POST", "/fhir/StructureMap/$transform")],
    "consoles": [("GET", "/docs"), ("GET", "/openapi.json"), ("GET", "/redoc"), ("GET", "/debug"), ("GET", "/metrics"), ("GET", "/.git/config"), ("GET", "/.env"), ("GET", "/admin/")],
}  # fmt: skip
"""Doors that systems of this kind have, and this one has not: who opens one writes its attacks and takes it from here."""


@attack(5, 25)
@pytest.mark.parametrize("door", ABSENT)
def test_there_is_no_such_door(city: Any, door: str) -> None:
    client = httpx.Client(
        headers={"Authorization": f"Bearer {city.tokens['system']}", "Content-Type": "application/fhir+json"}
    )
    for method, path in ABSENT[door]:
        answer = client.request(method, f"{city.address}{path}", content=b"{}" if method == "POST" else None)
        gone = answer.status_code in (400, 403, 404, 405, 501) or (
            answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
        )
        assert gone, (path, answer.status_code, answer.text[:200])
        if answer.status_code == 303:
            with httpx.Client(cookies=dict(city.browser("admin").cookies)) as browser:
                assert browser.request(method, f"{city.address}{path}").status_code in (404, 405, 303), path


@attack(7, 9)
@pytest.mark.parametrize(
    "parameter",
    [
        "_filter=name eq x",
        "_query=x",
        "_list=x",
        "_content=x",
        "_text=x",
        "_contained=true",
        "_at=2020",
        "_lastn=1",
        "_type=Patient",
    ],
)
def test_there_is_no_such_parameter(city: Any, parameter: str) -> None:
    """Parameters of R4 that are not offered are refused, not passed over: each would be one more way to ask."""
    for name in ("doctor", "system"):
        answer = city.fhir(name).get(f"/Patient?{parameter}")
        assert answer.status_code == 400, (parameter, answer.status_code)


@attack(7)
@pytest.mark.parametrize("parameter", ["_source", "_tag", "_profile", "_security"])
def test_marks_of_records_find_no_others(city: Any, parameter: str) -> None:
    """A search by a record's source, tag, profile or label is under the grant as any other."""
    _, hidden = city.seen_by("doctor", "Observation")
    mark = "http://x.example/attack-mark"
    keeper = city.posts["doctor-b"].organisation
    patient = city.posts["resident-b"].patient
    value: Any = {"_source": mark, "_profile": [mark]}.get(parameter, [{"system": mark, "code": "N"}])
    made = city.fhir().post("/Observation", content=json.dumps({
        "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"Patient/{patient}"},
        "performer": [{"reference": f"Organization/{keeper}"}], "meta": {parameter[1:]: value},
    })).json()  # fmt: skip
    asked = mark if parameter in ("_source", "_profile") else f"{mark}|"
    try:
        assert hidden
        found = city.fhir().get(f"/Observation?{parameter}={asked}")
        if found.status_code == 400:
            return  # not offered
        assert found.json()["total"] == 1
        for name in ("doctor", "leader", "plan", "elder", "resident"):
            assert city.fhir(name).get(f"/Observation?{parameter}={asked}").json()["total"] == 0, name
    finally:
        city.fhir().delete(f"/Observation/{made['id']}")
