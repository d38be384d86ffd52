"""Service accounts: an assertion signed with a registered key, and nothing else, gives a token, narrowed and short."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from kangshu.access import Nothing, Scope, admits, system_grant
from kangshu.accounts import Account, Accounts, AssertionRefused, parse_scopes
from kangshu.base.faults import Conflict, Forbidden, Invalid, NotFound, Unauthenticated, Unprocessable

GRANT = system_grant("test")
AUDIENCE = "https://kangshu.example/oauth/token"
EC = ECKey.generate_key("P-384", {"kid": "ec-1"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1"})
SERVICE = Account("his", "市一医院信息系统", ("statistics-office",), district="9901", kind="service")


def claims(**changes: Any) -> dict[str, Any]:
    """Return the claims of a good assertion, changed; None takes one away."""
    good = {"iss": "his", "sub": "his", "aud": AUDIENCE, "exp": int(time.time()) + 120, "jti": str(uuid4())}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(said: Mapping[str, Any], key: Any = EC, algorithm: str = "ES384", **header: Any) -> str:
    """Return an assertion."""
    return jwt.encode(
        {"alg": algorithm, "kid": key.kid or "ec-1", **header}, dict(said), key, algorithms=[algorithm]
    )


def part(value: Mapping[str, Any]) -> str:
    """Return a part of a JWT that is put together by hand."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.fixture
async def service(doors: Accounts) -> Accounts:
    """Accounts with one service account, two keys and scopes."""
    made = await doors.create_account(GRANT, SERVICE)
    assert made.password == ""
    keys = {"keys": [EC.as_dict(private=False), RSA.as_dict(private=False)]}
    await doors.clients.add_keys(GRANT, "his", json.dumps(keys))
    await doors.clients.set_scopes(GRANT, "his", ["system/Organization.rs", "system/Location.cruds"])
    return doors


async def test_a_signed_assertion_gives_a_short_narrow_token(service: Accounts) -> None:
    for key, algorithm in ((EC, "ES384"), (RSA, "RS384")):
        made = await service.clients.token(signed(claims(), key, algorithm), "", AUDIENCE)
        assert (made.seconds, made.scopes) == (300, ("system/Organization.rs", "system/Location.cruds"))
        grant = await service.bearer(made.token)
        assert (grant.account, grant.app) == ("his", "his")
        assert admits(grant.may_read("Organization"), Scope())
        assert grant.may_read("Measure") == Nothing()
        assert grant.may_write("Location") == Nothing()  # the role does not write: a scope adds nothing
        assert not grant.may("measure.read")
    one = await service.clients.token(signed(claims()), "system/Location.rs system/Patient.rs", AUDIENCE)
    assert one.scopes == ("system/Location.rs",)
    with pytest.raises(Unauthenticated):
        await service.session(one.token)


REFUSED: dict[str, Any] = {
    "wrong issuer": lambda: signed(claims(iss="other")),
    "wrong subject": lambda: signed(claims(sub="other")),
    "another audience": lambda: signed(claims(aud="https://evil.example/oauth/token")),
    "audience as prefix": lambda: signed(claims(aud=AUDIENCE + "/x")),
    "no audience": lambda: signed(claims(aud=None)),
    "ended": lambda: signed(claims(exp=int(time.time()) - 60)),
    "no end": lambda: signed(claims(exp=None)),
    "ends too late": lambda: signed(claims(exp=int(time.time()) + 3600)),
    "end as text": lambda: signed(claims(exp="4102444800")),
    "not yet": lambda: signed(claims(nbf=int(time.time()) + 600)),
    "no jti": lambda: signed(claims(jti=None)),
    "jti of 10,000 characters": lambda: signed(claims(jti="x" * 10_000)),
    "algorithm none": lambda: f"{part({'alg': 'none', 'kid': 'ec-1'})}.{part(claims())}.",
    "HS256 with the public key": lambda: jwt.encode(
        {"alg": "HS256", "kid": "rsa-1"}, claims(),
        OctKey.import_key(json.dumps(RSA.as_dict(private=False)).encode()), algorithms=["HS256"],
    ),
    "RS256": lambda: signed(claims(), RSA, "RS256"),
    "ES384 with the RSA key's name": lambda: signed(claims(), EC, "ES384", kid="rsa-1"),
    "unknown kid": lambda: signed(claims(), EC, "ES384", kid="ec-2"),
    "no kid": lambda: f"{part({'alg': 'ES384'})}.{part(claims())}.{'A' * 128}",
    "kid as a path": lambda: signed(claims(), EC, "ES384", kid="../../../../etc/passwd"),
    "kid as an address": lambda: signed(claims(), EC, "ES384", kid="https://evil.example/key"),
    "kid with SQL": lambda: signed(claims(), EC, "ES384", kid="ec-1' or '1'='1"),
    "jku elsewhere": lambda: signed(claims(), EC, "ES384", jku="https://evil.example/jwks.json"),
    "own key in the header": lambda: signed(claims(), EC, "ES384", jwk=EC.as_dict(private=False)),
    "critical header": lambda: f"{part({'alg': 'ES384', 'kid': 'ec-1', 'crit': ['b64'], 'b64': False})}.{part(claims())}.{'A' * 128}",
    "another's key": lambda: signed(claims(), ECKey.generate_key("P-384", {"kid": "ec-1"})),
    "changed after signing": lambda: _tampered(signed(claims())),
    "no JWT": lambda: "abc",
    "empty parts": lambda: "..",
    "a list for claims": lambda: f"{part({'alg': 'ES384', 'kid': 'ec-1'})}.{base64.urlsafe_b64encode(b'[]').decode()}.AA",
    "very deep": lambda: f"{part({'alg': 'ES384', 'kid': 'ec-1'})}.{base64.urlsafe_b64encode(b'[' * 5000).decode()}.AA",
}  # fmt: skip


def _tampered(assertion: str) -> str:
    header, _, signature = assertion.split(".")
    return f"{header}.{part(claims(scope='more'))}.{signature}"


@pytest.mark.parametrize("name", REFUSED)
async def test_assertions_that_are_refused(service: Accounts, name: str) -> None:
    with pytest.raises(AssertionRefused):
        await service.clients.token(REFUSED[name](), "", AUDIENCE)


async def test_an_assertion_is_taken_once(service: Accounts) -> None:
    assertion = signed(claims())
    await service.clients.token(assertion, "", AUDIENCE)
    with pytest.raises(AssertionRefused):
        await service.clients.token(assertion, "", AUDIENCE)
    with pytest.raises(AssertionRefused):
        await service.clients.revoke(assertion, "x", AUDIENCE)


async def test_keys_are_rotated_and_a_removed_one_ends_its_tokens(service: Accounts) -> None:
    fresh = ECKey.generate_key("P-384", {"kid": "ec-2"})
    made = await service.clients.token(signed(claims()), "", AUDIENCE)
    await service.clients.add_keys(GRANT, "his", json.dumps(fresh.as_dict(private=False)))
    await service.clients.token(signed(claims(), fresh), "", AUDIENCE)
    await service.clients.remove_key(GRANT, "his", "ec-1")
    with pytest.raises(AssertionRefused):
        await service.clients.token(signed(claims()), "", AUDIENCE)
    with pytest.raises(Unauthenticated):
        await service.bearer(made.token)
    with pytest.raises(NotFound):
        await service.clients.remove_key(GRANT, "his", "ec-1")
    with pytest.raises(Conflict):
        await service.clients.add_keys(GRANT, "his", json.dumps(fresh.as_dict(private=False)))
    shown = await service.clients.client(GRANT, "his")
    assert [one.kid for one in shown.keys] == ["rsa-1", "ec-2"]


@pytest.mark.parametrize(
    "key",
    [
        EC.as_dict(private=True),
        RSA.as_dict(private=True),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "s"},
        {**EC.as_dict(private=False), "kid": "a/b"},
        {name: value for name, value in EC.as_dict(private=False).items() if name != "kid"},
        {**EC.as_dict(private=False), "x": "AAAA"},
        ECKey.generate_key("P-256", {"kid": "small"}).as_dict(private=False),
        {**EC.as_dict(private=False), "use": "enc"},
        {"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"},
        [],
        "text",
        {"keys": []},
    ],
)
async def test_keys_that_are_not_registered(service: Accounts, key: Any) -> None:
    with pytest.raises(Unprocessable):
        await service.clients.add_keys(GRANT, "his", json.dumps(key))


async def test_a_service_needs_both_administrators_and_no_password(doors: Accounts) -> None:
    await doors.create_account(GRANT, Account("admin", "", ("system-administrator",)))
    await doors.create_account(GRANT, Account("security", "", ("security-administrator",)))
    admin, security = await doors.open_grant("admin"), await doors.open_grant("security")
    await doors.create_account(admin, Account("lis", "检验系统", district="9901", kind="service"))
    key = json.dumps(EC.as_dict(private=False))
    with pytest.raises(Forbidden):
        await doors.clients.add_keys(security, "lis", key)
    with pytest.raises(Forbidden):
        await doors.clients.set_scopes(admin, "lis", ["system/*.cruds"])
    await doors.clients.add_keys(admin, "lis", key)
    good = claims(iss="lis", sub="lis")
    with pytest.raises(Invalid):
        await doors.clients.token(signed(good), "", AUDIENCE)
    await doors.clients.set_scopes(security, "lis", ["system/*.cruds"])
    token = await doors.clients.token(signed(claims(iss="lis", sub="lis")), "", AUDIENCE)
    assert (await doors.bearer(token.token)).may_read("Organization") == Nothing()
    for password in ("", "lis"):
        with pytest.raises(Unauthenticated):
            await doors.sign_in("lis", password)
    with pytest.raises(Unprocessable):
        await doors.reset_password(admin, "lis")
    with pytest.raises(Unprocessable):
        await doors.assign_roles(security, "lis", ["system-administrator"])
    with pytest.raises(NotFound):
        await doors.clients.add_keys(admin, "security", key)
    await doors.set_active(admin, "lis", active=False)
    with pytest.raises(AssertionRefused):
        await doors.clients.token(signed(claims(iss="lis", sub="lis")), "", AUDIENCE)
    with pytest.raises(Unauthenticated):
        await doors.bearer(token.token)


async def test_a_client_ends_its_own_tokens_alone(service: Accounts) -> None:
    from datetime import timedelta

    mine = await service.clients.token(signed(claims()), "", AUDIENCE)
    await service.create_account(GRANT, Account("clerk", "甲"))
    other = await service.create_token("clerk", timedelta(hours=1))
    await service.clients.revoke(signed(claims()), other, AUDIENCE)
    assert (await service.bearer(other)).account == "clerk"
    await service.clients.revoke(signed(claims()), mine.token, AUDIENCE)
    with pytest.raises(Unauthenticated):
        await service.bearer(mine.token)


@pytest.mark.parametrize(
    "scope",
    [
        "system/Patient.r",
        "patient/Patient.rs",
        "system/*.*",
        "system/Patient.sr",
        "openid",
        "system/patient.rs",
        "system/Patient.rs?x=1",
    ],
)
def test_scopes_that_cannot_be_kept_are_refused(scope: str) -> None:
    with pytest.raises(Invalid):
        parse_scopes(scope)
