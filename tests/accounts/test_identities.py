"""Sign-in at a provider that we did not write (oidc-provider-mock), and at one whose answers are tampered with."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import werkzeug.serving
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from kangshu.access import system_grant
from kangshu.accounts import PARAMETERS, Account, Accounts, Provider, UnknownIdentity, sample_code
from kangshu.base.faults import (
    Conflict,
    Fault,
    Forbidden,
    NotFound,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.outbound import Outbound
from kangshu.store import Store

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import flask
    import oidc_provider_mock

GRANT = system_grant("test")
CLERK = Account("clerk", "甲", ("unit-clerk",), organisation="unit-health", district="990102")
BACK = "https://kangshu.example/sign-in/back/city"
Tamper = Callable[[dict[str, Any]], tuple[dict[str, Any], dict[str, Any], Any]]


class City:
    """A provider on a port of this machine; `tamper` changes what it signs, `renew` gives it another key."""

    def __init__(self) -> None:
        self.tamper: Tamper | None = None
        self.key = RSAKey.generate_key(2048, {"kid": "tampered"})
        self.published: list[Any] = []
        self._app: Any = None
        self.renew()
        self._server = werkzeug.serving.make_server("localhost", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.issuer = f"http://localhost:{self._server.server_port}"

    def renew(self) -> None:
        """Start it anew: another key, no codes."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._app = oidc_provider_mock.app()
        self._app.after_request(self._changed)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, environment: Any, start: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(self._app(environment, start))  # here, where warnings are silent

    def _changed(self, response: Any) -> Any:
        if self.published and flask.request.path.endswith("/jwks"):
            response.set_data(json.dumps({"keys": self.published}))
        if self.tamper is not None and flask.request.path.endswith("/token") and response.status_code == 200:
            document = json.loads(response.get_data())
            body = document["id_token"].split(".")[1]
            import base64

            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            header, said, key = self.tamper(claims)
            document["id_token"] = jwt.encode(header, said, key, algorithms=[header["alg"]])
            response.set_data(json.dumps(document))
        return response


@pytest.fixture
def city() -> Iterator[City]:
    """The provider."""
    made = City()
    yield made
    made.close()


def doors_of(store: Store, folder: Path, city: City, **changes: str) -> Accounts:
    """Return accounts that know the provider."""
    said = {"id": "city", "issuer": city.issuer, "client_id": "kangshu", "client_secret": "s3cret", **changes}
    provider = Provider(title=Text("市统一认证", "City"), **said)
    outbound = Outbound([city.issuer], ["localhost"])
    return Accounts(
        store, ParameterTable(PARAMETERS), "990100", secrets=folder, outbound=outbound, providers=[provider]
    )


@pytest.fixture
async def doors(database_url: str, tmp_path: Path, city: City) -> AsyncIterator[Accounts]:
    """Accounts with one linked to the identity `sub-1`."""
    store = await Store.open(database_url)
    made = doors_of(store, tmp_path, city)
    await made.create_account(GRANT, CLERK)
    await made.identities.link(GRANT, "clerk", "city", "sub-1")
    yield made
    await store.close()


async def authorised(address: str, subject: str) -> dict[str, str]:
    """Sign in at the provider as a browser would; return what it gives back."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text[:500]
    back = answer.headers["location"]
    assert back.startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


async def signed_in(doors: Accounts, subject: str = "sub-1", **changes: str) -> tuple[Any, str]:
    """Go the whole way; `changes` replace what the browser brings back."""
    way = await doors.identities.depart("city", BACK, "/worklist")
    given = await authorised(way.address, subject)
    brought = {
        "state": given["state"],
        "code": given["code"],
        "issuer": "",
        "browser": way.browser,
        "back": BACK,
        **changes,
    }
    return await doors.identities.arrive("city", **brought)


async def test_a_linked_identity_opens_its_account(doors: Accounts) -> None:
    session, wanted = await signed_in(doors)
    assert wanted == "/worklist"
    assert (await doors.session(session.token)).account == "clerk"
    (held,) = await doors.identities.of(GRANT, "clerk")
    assert (held.provider, held.subject) == ("city", "sub-1")
    assert held.last_used is not None


async def test_the_request_has_what_protects_it(doors: Accounts, city: City) -> None:
    ways = [await doors.identities.depart("city", BACK, "/") for _ in range(2)]
    asked = [parse_qs(urlsplit(way.address).query) for way in ways]
    for one in asked:
        assert one["response_type"] == ["code"]
        assert one["code_challenge_method"] == ["S256"]
        assert one["redirect_uri"] == [BACK]
        assert len(one["code_challenge"][0]) == 43
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]


async def test_a_state_is_taken_once_and_by_its_browser(doors: Accounts) -> None:
    way = await doors.identities.depart("city", BACK, "/")
    given = await authorised(way.address, "sub-1")
    first = {"state": given["state"], "code": given["code"], "issuer": "", "back": BACK}
    other = await doors.identities.depart("city", BACK, "/")
    for browser in ("", "x", other.browser):
        again = await doors.identities.depart("city", BACK, "/")
        stolen = await authorised(again.address, "sub-1")
        with pytest.raises(Unauthenticated):
            await doors.identities.arrive("city", stolen["state"], stolen["code"], "", browser, BACK)
    await doors.identities.arrive("city", **first, browser=way.browser)
    with pytest.raises(Unauthenticated):
        await doors.identities.arrive("city", **first, browser=way.browser)


@pytest.mark.parametrize(
    "changes", [{"state": "x"}, {"state": ""}, {"issuer": "https://evil.example"}, {"code": "wrong"}]
)
async def test_what_the_browser_brings_back_must_be_its_own(doors: Accounts, changes: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        await signed_in(doors, **changes)


async def test_a_rotated_key_is_fetched(doors: Accounts, city: City) -> None:
    await signed_in(doors)
    city.renew()
    desk = doors.identities._desks["city"]
    assert desk._keys is not None
    desk._keys = (desk._keys[0] - 60, desk._keys[1])  # a minute ago
    session, _ = await signed_in(doors)
    assert session.account.name == "clerk"


BAD: dict[str, Tamper] = {
    "another audience": lambda c: ({"alg": "RS256", "kid": "tampered"}, {**c, "aud": "other"}, "own"),
    "two audiences without azp": lambda c: ({"alg": "RS256", "kid": "tampered"}, {**c, "aud": ["kangshu", "other"]}, "own"),
    "another party": lambda c: ({"alg": "RS256", "kid": "tampered"}, {**c, "azp": "other"}, "own"),
    "another issuer": lambda c: ({"alg": "RS256", "kid": "tampered"}, {**c, "iss": "https://evil.example"}, "own"),
    "another nonce": lambda c: ({"alg": "RS256", "kid": "tampered"}, {**c, "nonce": "x"}, "own"),
    "no nonce": lambda c: ({"alg": "RS256", "kid": "tampered"}, {k: v for k, v in c.items() if k != "nonce"}, "own"),
    "ended": lambda c: ({"alg": "RS256", "kid": "tampered"}, {**c, "exp": 1000}, "own"),
    "made in the future": lambda c: ({"alg": "RS256", "kid": "tampered"}, {**c, "iat": 4102444800}, "own"),
    "no subject": lambda c: ({"alg": "RS256", "kid": "tampered"}, {**c, "sub": ""}, "own"),
    "a stranger's key": lambda c: ({"alg": "RS256", "kid": "tampered"}, c, "stranger"),
    "an unknown kid": lambda c: ({"alg": "RS256", "kid": "unknown"}, c, "own"),
    "a shared secret": lambda c: ({"alg": "HS256", "kid": "tampered"}, c, "secret"),
    "key by address": lambda c: ({"alg": "RS256", "kid": "tampered", "jku": "https://evil.example"}, c, "own"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_identity_tokens_that_are_refused(doors: Accounts, city: City, name: str) -> None:
    keys = {
        "own": city.key,
        "stranger": RSAKey.generate_key(2048, {"kid": "tampered"}),
        "secret": OctKey.import_key(b"s3cret-s3cret-s3cret-s3cret-s3cret"),
    }
    city.published = [city.key.as_dict(private=False)]
    city.tamper = lambda claims: ({"alg": "RS256", "kid": "tampered"}, claims, city.key)
    await signed_in(doors)  # the tampering itself changes nothing: the same way is open without it

    def tampered(claims: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], Any]:
        header, said, key = BAD[name](claims)
        return header, said, keys[key]

    city.tamper = tampered
    with pytest.raises(Unauthenticated):
        await signed_in(doors)


async def test_an_unknown_identity_makes_no_account_and_an_invitation_links_it(doors: Accounts) -> None:
    with pytest.raises(UnknownIdentity):
        await signed_in(doors, "sub-2")
    assert [one.name for one in await doors.accounts(GRANT)] == ["clerk"]
    await doors.create_account(GRANT, Account("admin", "", ("system-administrator",)))
    await doors.create_account(GRANT, Account("new", "新"))
    admin = await doors.open_grant("admin")
    with pytest.raises(Forbidden):
        await doors.identities.invite(await doors.open_grant("clerk"), "new")
    code = await doors.identities.invite(admin, "new")
    way = await doors.identities.depart("city", BACK, "/plans")
    given = await authorised(way.address, "sub-2")
    with pytest.raises(UnknownIdentity):
        await doors.identities.arrive("city", given["state"], given["code"], "", way.browser, BACK)
    with pytest.raises(Unauthenticated):
        await doors.identities.accept(way.browser, "aaaa-bbbb-cccc-dddd")
    with pytest.raises(Unauthenticated):
        await doors.identities.accept("another browser", code)
    session, wanted = await doors.identities.accept(way.browser, code.upper())
    assert (session.account.name, wanted) == ("new", "/plans")
    with pytest.raises(Unauthenticated):
        await doors.identities.accept(way.browser, code)
    session, _ = await signed_in(doors, "sub-2")
    assert session.account.name == "new"
    new = await doors.session(session.token)
    (held,) = await doors.identities.of(new, "new")
    with pytest.raises(NotFound):
        await doors.identities.unlink(new, "new", held.id + 1000)
    with pytest.raises(Forbidden):
        await doors.identities.unlink(new, "clerk", 1)
    await doors.identities.unlink(new, "new", held.id)
    with pytest.raises(UnknownIdentity):
        await signed_in(doors, "sub-2")


async def test_a_stopped_account_stays_shut_and_a_second_factor_is_asked_for(doors: Accounts) -> None:
    session, _ = await signed_in(doors)
    grant = await doors.session(session.token)
    seed = (await doors.second_factors.begin(grant, "x")).seed
    codes = await doors.second_factors.confirm(grant, sample_code(seed))
    step, _ = await signed_in(doors)
    assert step.needs_code
    assert (await doors.sign_in_code(step.token, codes[0])).account.name == "clerk"
    await doors.set_active(GRANT, "clerk", active=False)
    with pytest.raises(UnknownIdentity):
        await signed_in(doors)


async def test_what_cannot_be_linked(doors: Accounts) -> None:
    await doors.create_account(GRANT, Account("his", "", kind="service"))
    with pytest.raises(Conflict):
        await doors.identities.link(GRANT, "clerk", "city", "sub-1")
    for name, subject in (("his", "sub-3"), ("clerk", ""), ("clerk", " x")):
        with pytest.raises(Unprocessable):
            await doors.identities.link(GRANT, name, "city", subject)
    with pytest.raises(NotFound):
        await doors.identities.link(GRANT, "clerk", "other", "sub-3")
    with pytest.raises(NotFound):
        await doors.identities.depart("other", BACK, "/")


async def test_a_provider_that_is_another_or_may_not_be_called(
    database_url: str, tmp_path: Path, city: City
) -> None:
    store = await Store.open(database_url)
    impostor = doors_of(store, tmp_path, city, issuer=f"{city.issuer}/")
    with pytest.raises(Unavailable):
        await impostor.identities.depart("city", BACK, "/")
    provider = Provider("city", Text("市", "City"), city.issuer, "kangshu")
    shut = Accounts(store, outbound=Outbound([]), providers=[provider])
    with pytest.raises(Fault):
        await shut.identities.depart("city", BACK, "/")
    await store.close()
    assert Throttled.code == "throttled"
