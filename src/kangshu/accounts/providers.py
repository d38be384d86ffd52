"""One provider of identities: what it publishes about itself, its keys, and its answer to a code."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kangshu.accounts.assertions import (
    PROVIDER_ALGORITHMS,
    AssertionRefused,
    Claims,
    check_header,
    key_named,
    public_key,
    unverified,
    verify,
)
from kangshu.base.clock import now
from kangshu.base.faults import Unavailable, Unprocessable
from kangshu.base.text import Text
from kangshu.outbound import Outbound

_DOCUMENT_SECONDS: Final = 3600.0
_KEYS_SECONDS: Final = 3600.0
_KEYS_PAUSE: Final = 10.0
"""An unknown kid lets the keys be asked for again, at most this often."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider, as the installation's configuration has it. Without a secret this is a public client."""

    id: str
    title: Text
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)


class ProviderDesk:
    """Speaks with one provider."""

    def __init__(self, provider: Provider, outbound: Outbound) -> None:
        self.provider = provider
        self._outbound = outbound
        self._document: tuple[float, Mapping[str, str]] | None = None
        self._keys: tuple[float, tuple[Mapping[str, Any], ...]] | None = None

    async def authorization_endpoint(self) -> str:
        """Return where browsers go to sign in. Raises Unavailable, OutboundRefused."""
        return (await self._published())["authorization_endpoint"]

    async def redeem(self, code: str, verifier: str, nonce: str, back: str) -> str:
        """Return the subject for whom the provider gave out `code`. Raises AssertionRefused, Unavailable."""
        own = self.provider
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": own.client_id,
            "code_verifier": verifier,
        }
        credentials = (own.client_id, own.client_secret) if own.client_secret else None
        answer = await self._outbound.post_form(
            (await self._published())["token_endpoint"], fields, credentials=credentials
        )
        if 400 <= answer.status < 500:
            raise AssertionRefused("the provider does not take the code", zh="统一身份认证拒绝了登录请求")
        if answer.status != 200:
            raise _out_of_order()
        document = answer.json()
        token = document.get("id_token") if isinstance(document, dict) else None
        if not isinstance(token, str):
            raise AssertionRefused("the provider gave no id_token", zh="统一身份认证未返回身份信息")
        return await self._subject(token, nonce)

    async def _subject(self, token: str, nonce: str) -> str:
        header, _ = unverified(token)
        claims = await (
            self._verified(token, header) if "kid" in header else self._verified_unnamed(token, header)
        )
        own = self.provider
        audiences = claims.values.get("aud")
        party = claims.values.get("azp")
        if (isinstance(audiences, list) and len(audiences) > 1 and party is None) or party not in (
            None,
            own.client_id,
        ):
            raise AssertionRefused("'azp' is not this client", zh="身份信息不是签发给本系统的")
        if claims.values.get("nonce") != nonce:
            raise AssertionRefused("'nonce' is another", zh="身份信息与本次登录不符")
        if "iat" not in claims.values:
            raise AssertionRefused("'iat' is missing", zh="身份信息缺少签发时间")
        return claims.subject

    async def _verified(self, token: str, header: Mapping[str, Any]) -> Claims:
        algorithm, kid = check_header(header, PROVIDER_ALGORITHMS)
        key = await self._key(kid)
        if key is None:
            raise AssertionRefused("the provider's key is not known", zh="未找到统一身份认证的签名密钥")
        own = self.provider
        return verify(token, key, algorithm, issuer=own.issuer, audience=own.client_id, moment=now())

    async def _verified_unnamed(self, token: str, header: Mapping[str, Any]) -> Claims:
        """Take the only key: a provider with one need not name it (OpenID Connect Core 10.1)."""
        try:
            return await self._verified(token, {**header, "kid": await self._only_key()})
        except AssertionRefused:
            age = time.monotonic() - self._keys[0] if self._keys is not None else 0.0
            if age < _KEYS_PAUSE:
                raise
            await self._fetch_keys()  # it may have another key by now
            return await self._verified(token, {**header, "kid": await self._only_key()})

    async def _published(self) -> Mapping[str, str]:
        if self._document is not None and self._document[0] > time.monotonic():
            return self._document[1]
        issuer = self.provider.issuer
        answer = await self._outbound.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        document = answer.json() if answer.status == 200 else None
        if not isinstance(document, dict) or document.get("issuer") != issuer:
            raise _out_of_order()
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        found = {name: document.get(name) for name in needed}
        for address in found.values():
            if not isinstance(address, str):
                raise _out_of_order()
            self._outbound.check(address)
        kept = {name: str(address) for name, address in found.items()}
        self._document = (time.monotonic() + _DOCUMENT_SECONDS, kept)
        return kept

    async def _key(self, kid: str) -> Mapping[str, Any] | None:
        age = time.monotonic() - self._keys[0] if self._keys is not None else _KEYS_SECONDS
        found = key_named(self._keys[1], kid) if self._keys is not None else None
        if age >= _KEYS_SECONDS or (found is None and age >= _KEYS_PAUSE):
            await self._fetch_keys()
            found = key_named(self._keys[1], kid) if self._keys is not None else None
        return found

    async def _only_key(self) -> str:
        if self._keys is None:
            await self._fetch_keys()
        keys = self._keys[1] if self._keys is not None else ()
        if len(keys) != 1:
            raise AssertionRefused("the header needs a plain 'kid'", zh="须注明密钥标识 kid")
        return str(keys[0]["kid"])

    async def _fetch_keys(self) -> None:
        answer = await self._outbound.get((await self._published())["jwks_uri"])
        document = answer.json() if answer.status == 200 else None
        listed = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(listed, list):
            raise _out_of_order()
        found = []
        for one in listed[:50]:
            try:
                found.append(public_key(one, PROVIDER_ALGORITHMS))
            except (Unprocessable, AttributeError):
                continue
        self._keys = (time.monotonic(), tuple(found))


def _out_of_order() -> Unavailable:
    return Unavailable(
        "the provider of identities does not answer as it should",
        zh="统一身份认证暂时无法使用，请稍后重试或使用账号密码登录",
    )
