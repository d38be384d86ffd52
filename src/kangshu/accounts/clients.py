"""Service accounts: other systems that come with a key of their own (SMART Backend Services, RFC 7523).

Nobody alone lets a system in: the system administrator keeps its keys, the security administrator gives it roles
and scopes. Its token does what its post's roles allow, narrowed to the scopes that it asked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kangshu.access import Grant
from kangshu.accounts.assertions import (
    CLIENT_ALGORITHMS,
    AssertionRefused,
    check_header,
    key_named,
    parse_keys,
    public_key,
    unverified,
    verify,
)
from kangshu.accounts.duties import refuse_own
from kangshu.accounts.office import Office
from kangshu.accounts.passwords import token_digest
from kangshu.accounts.records import Account
from kangshu.accounts.scopes import allowed, parse_scopes
from kangshu.accounts.sessions import Sessions
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Fault, Invalid, NotFound, Unprocessable

_KEYS_SECONDS: Final = 300.0
_KEYS_PAUSE: Final = 30.0
"""A client's keys are asked for again at most this often when an unknown kid comes."""
_LONGEST_JTI: Final = 200


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One public key of a service account."""

    kid: str
    kind: str
    added: datetime
    added_by: str
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class Client:
    """How a service account proves itself, and the scopes that it may ask for."""

    account: str
    keys: tuple[ClientKey, ...] = ()
    keys_url: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A bearer token just made; it is shown once. `seconds` is how long it lives."""

    token: str
    seconds: int
    scopes: tuple[str, ...]


class Clients:
    """The keys, scopes and tokens of service accounts."""

    def __init__(self, office: Office, sessions: Sessions) -> None:
        self._office = office
        self._sessions = sessions
        self._fetched: dict[str, tuple[float, tuple[Mapping[str, Any], ...]]] = {}

    # What administrators keep

    async def client(self, grant: Grant, name: str) -> Client:
        """Return how `name` proves itself. Raises Forbidden without `account.read`, NotFound."""
        self._office.may_look(grant)
        await self._service(name)
        rows = await self._office.sql("select * from client where account = $1", name)
        keys = await self._office.sql("select * from client_key where account = $1 order by added, kid", name)
        return Client(
            name,
            tuple(
                ClientKey(
                    row["kid"], json.loads(row["key"])["kty"], row["added"], row["added_by"], row["last_used"]
                )
                for row in keys
            ),
            rows[0]["jwks_url"] if rows else "",
            tuple(rows[0]["scopes"]) if rows else (),
        )

    async def add_keys(self, grant: Grant, name: str, text: str) -> tuple[str, ...]:
        """Add the public keys written in `text` (a JWK or JWK Set); return their kids. Old keys stay until removed.

        Raises Forbidden, NotFound, Unprocessable, Conflict (a kid is taken: a new key has a new name).
        """
        grant.require("account.manage")
        refuse_own(grant.account, name)
        await self._service(name)
        keys = parse_keys(text)
        if len({one["kid"] for one in keys}) < len(keys):
            raise Unprocessable("a 'kid' stands twice", zh="kid 重复")
        async with self._office.store.connection() as connection, connection.transaction():
            for one in keys:
                done = await connection.fetch(
                    "insert into client_key (account, kid, key, added_by) values ($1, $2, $3, $4) "
                    "on conflict do nothing returning kid",
                    name,
                    one["kid"],
                    json.dumps(one, sort_keys=True),
                    grant.account,
                )
                if not done:
                    raise Conflict(
                        f"there is a key '{one['kid']}' already: a new key has a new kid",
                        zh=f"已有密钥“{one['kid']}”：更换密钥请使用新的 kid",
                    )
        kids = tuple(str(one["kid"]) for one in keys)
        await self._office.tell(grant.account, f"client-key-add {name}", detail=" ".join(kids))
        return kids

    async def remove_key(self, grant: Grant, name: str, kid: str) -> None:
        """Remove a key; every token of the service ends, for it may have been made with this key.

        Raises Forbidden, NotFound.
        """
        grant.require("account.manage")
        refuse_own(grant.account, name)
        await self._service(name)
        rows = await self._office.sql(
            "delete from client_key where account = $1 and kid = $2 returning kid", name, kid
        )
        if not rows:
            raise NotFound("there is no such key", zh="没有此密钥")
        await self._sessions.end_all(name)
        await self._office.tell(grant.account, f"client-key-remove {name}", detail=kid)

    async def set_keys_url(self, grant: Grant, name: str, url: str) -> None:
        """Take the keys from `url` ("" for those kept here). Raises Forbidden, Invalid unless it may be called."""
        grant.require("account.manage")
        refuse_own(grant.account, name)
        await self._service(name)
        if url:
            self._office.outbound.check(url)
        await self._office.sql(
            "insert into client (account, jwks_url) values ($1, $2) on conflict (account) do update "
            "set jwks_url = excluded.jwks_url, changed = now()",
            name,
            url,
        )
        self._fetched.pop(name, None)
        await self._sessions.end_all(name)
        await self._office.tell(grant.account, f"client-keys-url {name}", detail=url)

    async def set_scopes(self, grant: Grant, name: str, scopes: Iterable[str]) -> None:
        """Let the service ask for these scopes and no others; open tokens end. For whoever assigns roles."""
        grant.require("role.assign")
        refuse_own(grant.account, name)
        await self._service(name)
        kept = parse_scopes(" ".join(scopes))
        await self._office.sql(
            "insert into client (account, scopes) values ($1, $2) on conflict (account) do update "
            "set scopes = excluded.scopes, changed = now()",
            name,
            list(kept),
        )
        await self._sessions.end_all(name)
        await self._office.tell(grant.account, f"client-scopes {name}", detail=" ".join(kept))

    # What services do

    async def token(self, assertion: str, scope: str, audience: str, address: str = "") -> IssuedToken:
        """Return a short-lived token for a signed assertion whose `aud` is `audience`.

        `scope` "" asks for all that is registered. Raises AssertionRefused for who it is, Invalid for the scope.
        """
        named = ""
        try:
            header, said = unverified(assertion)
            name = said.get("iss")
            if not isinstance(name, str) or said.get("sub") != name or not name:
                raise AssertionRefused(
                    "'iss' and 'sub' are the client's id, both", zh="iss 与 sub 须均为客户端标识"
                )
            account = await self._account(name)
            named = account.name
            await self._check(assertion, header, account, audience)
        except AssertionRefused as fault:
            await self._office.tell(named, "token", outcome="login", detail=fault.text[:100])
            raise
        rows = await self._office.sql("select scopes from client where account = $1", named)
        registered = tuple(rows[0]["scopes"]) if rows else ()
        try:
            asked = parse_scopes(scope) or registered
            granted = allowed(asked, registered)
            if not granted:
                raise Invalid(
                    "none of these scopes is registered for this client", zh="未登记所申请的授权范围"
                )
        except Invalid:
            await self._office.tell(named, "token", outcome="invalid", detail="scope")
            raise
        lasting = self._office.limits().service_token
        token = await self._sessions.issue(
            named, "bearer", now() + lasting, "oauth", app=named, scopes=granted, address=address
        )
        await self._office.tell(named, "token", detail=" ".join(granted))
        return IssuedToken(token, int(lasting.total_seconds()), granted)

    async def revoke(self, assertion: str, token: str, audience: str) -> None:
        """End `token` if it is one of the client that signed `assertion`; another's stays, and nothing is told.

        Source: RFC 7009, 2.2. Raises AssertionRefused.
        """
        header, said = unverified(assertion)
        name = said.get("iss")
        if not isinstance(name, str) or said.get("sub") != name or not name:
            raise AssertionRefused(
                "'iss' and 'sub' are the client's id, both", zh="iss 与 sub 须均为客户端标识"
            )
        account = await self._account(name)
        await self._check(assertion, header, account, audience)
        await self._office.sql(
            "delete from account_token where digest = $1 and account = $2", token_digest(token), account.name
        )
        await self._sessions.changed()
        await self._office.tell(account.name, "token-revoke")

    async def _account(self, name: str) -> Account:
        try:
            account = await self._service(name)
        except Fault as fault:
            raise AssertionRefused(
                "the client or its key is not known here", zh="客户端或密钥未登记"
            ) from fault
        if not account.active:
            raise AssertionRefused("the client or its key is not known here", zh="客户端或密钥未登记")
        return account

    async def _check(
        self, assertion: str, header: Mapping[str, Any], account: Account, audience: str
    ) -> None:
        rows = await self._office.sql("select jwks_url from client where account = $1", account.name)
        url = rows[0]["jwks_url"] if rows else ""
        algorithm, kid = check_header(header, CLIENT_ALGORITHMS, url)
        key = await self._key(account.name, kid, url)
        if key is None:
            raise AssertionRefused("the client or its key is not known here", zh="客户端或密钥未登记")
        moment, longest = now(), self._office.limits().assertion
        claims = verify(
            assertion,
            key,
            algorithm,
            issuer=account.name,
            audience=audience,
            moment=moment,
            longest=longest,
        )
        number = claims.values.get("jti")
        if claims.subject != account.name or not isinstance(number, str):
            raise AssertionRefused("'jti' is missing", zh="缺少 jti")
        if not 0 < len(number) <= _LONGEST_JTI:
            raise AssertionRefused("'jti' has 1 to 200 characters", zh="jti 须为 1 至 200 个字符")
        await self._office.sql("delete from assertion_used where expires < $1", moment - longest)
        fresh = await self._office.sql(
            "insert into assertion_used (account, jti, expires) values ($1, $2, $3) on conflict do nothing returning jti",
            account.name,
            token_digest(number),
            claims.expires + longest,
        )
        if not fresh:
            raise AssertionRefused("this assertion has been used already", zh="该身份声明已使用过")
        await self._office.sql(
            "update client_key set last_used = $3 where account = $1 and kid = $2", account.name, kid, moment
        )

    async def _key(self, name: str, kid: str, url: str) -> Mapping[str, Any] | None:
        if not url:
            rows = await self._office.sql(
                "select key from client_key where account = $1 and kid = $2", name, kid
            )
            return json.loads(rows[0]["key"]) if rows else None
        kept = self._fetched.get(name)
        age = time.monotonic() - kept[0] if kept is not None else _KEYS_SECONDS
        known = key_named(kept[1], kid) if kept is not None else None
        if (known is None and age >= _KEYS_PAUSE) or age >= _KEYS_SECONDS:
            document = (await self._office.outbound.get(url)).json()
            listed = document.get("keys", []) if isinstance(document, dict) else []
            found = []
            for one in listed[:20] if isinstance(listed, list) else []:
                try:
                    found.append(public_key(one))
                except (Unprocessable, AttributeError):
                    continue
            self._fetched[name] = (time.monotonic(), tuple(found))
            known = key_named(found, kid)
        return known

    async def _service(self, name: str) -> Account:
        account = await self._office.find(name)
        if account.kind != "service":
            raise NotFound("there is no such service account", zh="没有此系统间账号")
        return account
