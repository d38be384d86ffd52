"""Sign-in at a provider of the city (OpenID Connect): authorization code, PKCE, state and nonce.

An identity (issuer and subject) opens the account that it is linked to, by an administrator or with an invitation
code. No account is made of an identity, and nothing that a provider says about a person gives a right.
Source: OpenID Connect Core 1.0, RFC 7636 (PKCE), RFC 9207 (iss in the answer), RFC 9700 (best practice).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from kangshu.access import Grant
from kangshu.accounts.office import Office
from kangshu.accounts.passwords import random_code, random_token, token_digest
from kangshu.accounts.providers import Provider, ProviderDesk
from kangshu.accounts.records import ACCOUNT_ROWS, Session, account_of
from kangshu.accounts.signing_in import SigningIn
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable

_JOURNEY: Final = timedelta(minutes=10)


class UnknownIdentity(Unauthenticated):
    """The provider vouches for somebody who has no account here. An invitation code may link one."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes to sign in, and the value that it keeps until it comes back."""

    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity that opens an account."""

    id: int
    provider: str
    """Id of the provider; the issuer where it is no longer configured."""
    issuer: str
    subject: str
    account: str
    linked: datetime
    linked_by: str
    last_used: datetime | None


class Identities:
    """The identities of all accounts, and the way to their providers."""

    def __init__(self, office: Office, door: SigningIn, providers: Iterable[Provider]) -> None:
        self._office = office
        self._door = door
        self._desks = {one.id: ProviderDesk(one, office.outbound) for one in providers}

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Return the providers of the installation's configuration."""
        return tuple(one.provider for one in self._desks.values())

    async def depart(self, provider: str, back: str, next: str) -> Departure:
        """Begin a sign-in at `provider`, which sends the browser `back`. Raises NotFound, Unavailable."""
        desk = self._desk(provider)
        state, nonce, verifier, browser = (random_token() for _ in range(4))
        place = await desk.authorization_endpoint()
        await self._office.sql("delete from sign_in_journey where expires < $1", now())
        await self._office.sql(
            "insert into sign_in_journey (state, provider, browser, nonce, verifier, next, expires) "
            "values ($1, $2, $3, $4, $5, $6, $7)",
            token_digest(state),
            provider,
            token_digest(browser),
            nonce,
            verifier,
            next[:1000],
            now() + _JOURNEY,
        )
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": desk.provider.client_id,
            "redirect_uri": back,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return Departure(f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}", browser)

    async def arrive(
        self, provider: str, state: str, code: str, issuer: str, browser: str, back: str, agent: str = ""
    ) -> tuple[Session, str]:
        """Return the session (or its step before the second factor) of a sign-in that came back, and where to go.

        A state is taken once, from the browser that left with it. Raises Unauthenticated (also for a token that
        does not hold), UnknownIdentity, Throttled, Unavailable.
        """
        desk = self._desk(provider)
        address = await self._door.refuse_address()
        rows = await self._office.sql(
            "delete from sign_in_journey where state = $1 and subject = '' returning *", token_digest(state)
        )
        row = rows[0] if rows else None
        if (
            row is None
            or row["expires"] <= now()
            or row["provider"] != provider
            or not hmac.compare_digest(bytes(row["browser"]), token_digest(browser))
            or issuer not in ("", desk.provider.issuer)
        ):
            await self._office.tell("", "sign-in-provider", outcome="login", detail=f"{provider}: state")
            raise Unauthenticated(
                "this sign-in was not begun here, or took too long; begin again",
                zh="登录请求无效或已超时，请重新登录",
            )
        try:
            subject = await desk.redeem(code, row["verifier"], row["nonce"], back)
        except Unauthenticated as fault:
            await self._office.tell(
                "", "sign-in-provider", outcome="login", detail=f"{provider}: {fault.text[:100]}"
            )
            raise Unauthenticated(
                "the provider's answer does not hold; begin again",
                zh="统一身份认证返回的信息校验未通过，请重新登录",
            ) from fault
        session = await self._session(desk.provider, subject, address, agent)
        if session is not None:
            return session, row["next"]
        await self._office.sql(
            "insert into sign_in_journey (state, provider, browser, nonce, verifier, next, subject, expires) "
            "values ($1, $2, $3, '', '', $4, $5, $6)",
            secrets.token_bytes(32),
            provider,
            token_digest(browser),
            row["next"],
            subject,
            now() + _JOURNEY,
        )
        await self._office.tell("", "sign-in-provider", outcome="login", detail=f"{provider}: no account")
        raise UnknownIdentity("this identity has no account here", zh="该身份尚未绑定本系统账号")

    async def accept(self, browser: str, code: str, agent: str = "") -> tuple[Session, str]:
        """Link the identity that has just come back to the account that `code` invites; return as `arrive` does.

        Raises Unauthenticated, Throttled.
        """
        address = await self._door.refuse_address()
        waiting = await self._office.sql(
            "select * from sign_in_journey where browser = $1 and subject <> '' and expires > $2",
            token_digest(browser),
            now(),
        )
        if not waiting:
            raise Unauthenticated("this sign-in took too long; begin again", zh="登录已超时，请重新登录")
        row, desk = waiting[0], self._desk(waiting[0]["provider"])
        async with self._office.store.connection() as connection, connection.transaction():
            found = await connection.fetch(
                "delete from invitation where digest = $1 and expires > $2 returning *",
                token_digest("".join(code.split()).replace("-", "").lower()),
                now(),
            )
            if found:
                await connection.fetch(
                    "insert into identity (issuer, subject, account, linked_by) values ($1, $2, $3, $4) "
                    "on conflict do nothing",
                    desk.provider.issuer,
                    row["subject"],
                    found[0]["account"],
                    f"invitation by {found[0]['made_by']}",
                )
                await connection.fetch(
                    "delete from sign_in_journey where browser = $1 and subject <> ''", token_digest(browser)
                )
        if not found:
            await self._door.count_failure("", address)
            await self._office.tell("", "identity-link", outcome="login")
            raise Unauthenticated("this code is wrong, used or has ended", zh="邀请码错误、已使用或已过期")
        await self._office.tell(found[0]["account"], "identity-link", detail=desk.provider.id)
        session = await self._session(desk.provider, row["subject"], address, agent)
        if session is None:
            raise Unauthenticated("this account has been stopped", zh="该账号已停用")
        return session, row["next"]

    # Upkeep

    async def invite(self, grant: Grant, name: str) -> str:
        """Return a code with which the owner of account `name` links an identity: it is shown once and works once.

        Raises Forbidden, NotFound, Unprocessable.
        """
        grant.require("account.manage")
        account = await self._office.active(name)
        if account.kind != "person":
            raise Unprocessable("a service has no identity of a person", zh="系统间账号不能绑定个人身份")
        code = random_code()
        await self._office.sql("delete from invitation where account = $1 or expires < $2", name, now())
        await self._office.sql(
            "insert into invitation (digest, account, made_by, expires) values ($1, $2, $3, $4)",
            token_digest(code.replace("-", "")),
            name,
            grant.account,
            now() + self._office.limits().invitation,
        )
        await self._office.tell(grant.account, f"identity-invite {name}")
        return code

    async def link(self, grant: Grant, name: str, provider: str, subject: str) -> None:
        """Link an identity to account `name`. Raises Forbidden, NotFound, Unprocessable, Conflict (it opens another)."""
        grant.require("account.manage")
        desk, account = self._desk(provider), await self._office.find(name)
        if account.kind != "person" or not 0 < len(subject) <= 255 or subject != subject.strip():
            raise Unprocessable(
                "an identity needs its subject, as the provider writes it", zh="请填写身份标识（sub）"
            )
        rows = await self._office.sql(
            "insert into identity (issuer, subject, account, linked_by) values ($1, $2, $3, $4) "
            "on conflict do nothing returning id",
            desk.provider.issuer,
            subject,
            name,
            grant.account,
        )
        if not rows:
            raise Conflict("this identity opens an account already", zh="该身份已绑定账号")
        await self._office.tell(grant.account, f"identity-link {name}", detail=provider)

    async def unlink(self, grant: Grant, name: str, id_: int) -> None:
        """Part an identity from account `name`: one's own, or others' with `account.manage`. Raises NotFound."""
        if name != grant.account:
            grant.require("account.manage")
        if grant.on_behalf_of:
            raise Forbidden("a deputy changes nobody's identities", zh="代办期间不能更改身份绑定")
        rows = await self._office.sql(
            "delete from identity where account = $1 and id = $2 returning id", name, id_
        )
        if not rows:
            raise NotFound("there is no such identity", zh="没有此身份绑定")
        await self._office.tell(grant.account, f"identity-unlink {name}")

    async def of(self, grant: Grant, name: str) -> tuple[Identity, ...]:
        """Return the identities of account `name`: one's own, or others' with `account.read`."""
        if name != grant.account:
            self._office.may_look(grant)
        rows = await self._office.sql("select * from identity where account = $1 order by id", name)
        ids = {desk.provider.issuer: id_ for id_, desk in self._desks.items()}
        return tuple(_identity(row, ids.get(row["issuer"], row["issuer"])) for row in rows)

    def _desk(self, provider: str) -> ProviderDesk:
        desk = self._desks.get(provider)
        if desk is None:
            raise NotFound("there is no such provider", zh="没有此登录方式")
        return desk

    async def _session(self, provider: Provider, subject: str, address: str, agent: str) -> Session | None:
        rows = await self._office.sql(
            ACCOUNT_ROWS  # noqa: S608  # literals alone
            + "where account.active and account.kind = 'person' and account.name = "
            "(select i.account from identity i where i.issuer = $1 and i.subject = $2)",
            provider.issuer,
            subject,
        )
        if not rows:
            return None
        await self._door.refuse_locked(rows[0])
        await self._office.sql(
            "update identity set last_used = $3 where issuer = $1 and subject = $2",
            provider.issuer,
            subject,
            now(),
        )
        return await self._door.admit_or_ask(account_of(rows[0]), "sign-in-provider", address, agent)


def _identity(row: Any, provider: str) -> Identity:
    return Identity(
        row["id"],
        provider,
        row["issuer"],
        row["subject"],
        row["account"],
        row["linked"],
        row["linked_by"],
        row["last_used"],
    )
