"""The ways out: a gateway of short messages, 政务微信 (or 企业微信), a webhook. Each sends one message to one address."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec

from kangshu.base.clock import instant, now
from kangshu.base.faults import Unavailable
from kangshu.base.text import Text
from kangshu.notices.message import Message
from kangshu.outbound import Answer, Outbound

_NUMBER_HELP: Final = Text("11位手机号码", "An 11-digit mobile number")
_NO_HELP: Final = Text("", "")
_FILL: Final = re.compile(r"\$\{(\w+)\}")
_TOKEN_OVER: Final = frozenset({40014, 41001, 42001})
"""企业微信: the token is wrong, missing or over."""


class Channel(Protocol):
    """One way out."""

    @property
    def id(self) -> str:
        """Return the word that contacts and deliveries name it by."""

    @property
    def title(self) -> Text:
        """Return what people call it."""

    @property
    def personal(self) -> bool:
        """Return whether each account has an address of its own there."""

    @property
    def organisations(self) -> frozenset[str]:
        """Return the ids of the organisations that it serves, where it has no addresses of accounts; none for all."""

    @property
    def address_pattern(self) -> str:
        """Return the regular expression of an address."""

    @property
    def address_help(self) -> Text:
        """Return what is to be entered as an address."""

    async def send(self, address: str, message: Message) -> None:
        """Send. Raises Unavailable where the other side does not take it."""


@dataclass(frozen=True, slots=True)
class ShortMessages:
    """A gateway of short messages that takes one HTTP request per message: most cities' and operators' do.

    `fields` and `headers` are the gateway's own, with ${address}, ${text}, ${id}, ${time} and ${secret}; with `form`
    the fields go as a form, else as JSON. It has taken a message when its answer's `accepted_field` is one of
    `accepted`; without `accepted_field` by its status alone.
    """

    id: str
    title: Text
    url: str
    outbound: Outbound
    fields: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    form: bool = False
    secret: str = field(default="", repr=False)
    accepted_field: str = ""
    accepted: tuple[str, ...] = ()
    organisations: frozenset[str] = frozenset()
    address_pattern: str = r"1[0-9]{10}"
    personal: bool = True
    address_help: Text = _NUMBER_HELP

    async def send(self, address: str, message: Message) -> None:
        """Send one short message. Raises Unavailable, OutboundRefused."""
        words = {
            "address": address, "text": message.text.zh, "id": message.id, "time": str(int(time.time())), "secret": self.secret,
        }  # fmt: skip
        fields = {name: _filled(value, words) for name, value in self.fields.items()}
        headers = {name: _filled(value, words) for name, value in self.headers.items()}
        if self.form:
            answer = await self.outbound.post_form(self.url, fields)
        else:
            answer = await self.outbound.post_json(self.url, fields, headers=headers)
        document = _document(answer, self.id)
        if self.accepted_field and str(document.get(self.accepted_field)) not in self.accepted:
            raise _refused(self.id, f"{self.accepted_field} is {str(document.get(self.accepted_field))[:40]}")


class WorkWeixin:
    """政务微信 or 企业微信: a text message of an application to one member. Its token is kept until it is over."""

    personal: Final = True
    organisations: Final[frozenset[str]] = frozenset()
    address_pattern: Final = r"[A-Za-z0-9][A-Za-z0-9_.@\-]{0,63}"
    address_help: Final = Text("政务微信账号（UserID）", "The member's UserID")

    def __init__(
        self, id_: str, title: Text, url: str, outbound: Outbound, corporation: str, agent: int, secret: str
    ) -> None:
        self._id, self._title, self._url = id_, title, url.rstrip("/")
        self._outbound, self._corporation, self._agent, self._secret = outbound, corporation, agent, secret
        self._token: tuple[float, str] | None = None

    @property
    def id(self) -> str:
        """Return the channel's id."""
        return self._id

    @property
    def title(self) -> Text:
        """Return the channel's title."""
        return self._title

    async def send(self, address: str, message: Message) -> None:
        """Send one message to a member. Raises Unavailable, OutboundRefused."""
        document = {
            "touser": address,
            "msgtype": "text",
            "agentid": self._agent,
            "text": {"content": message.text.zh},
            "enable_duplicate_check": 1,
            "duplicate_check_interval": 1800,
        }
        answered = await self._sent(document)
        if answered.get("errcode") in _TOKEN_OVER:
            self._token = None
            answered = await self._sent(document)
        if answered.get("errcode") != 0 or answered.get("invaliduser"):
            raise _refused(
                self._id,
                f"errcode {answered.get('errcode')}" if answered.get("errcode") else "no such member",
            )

    async def _sent(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        url = f"{self._url}/cgi-bin/message/send?access_token={await self._access()}"
        return _document(await self._outbound.post_json(url, document), self._id)

    async def _access(self) -> str:
        if self._token is not None and self._token[0] > time.monotonic():
            return self._token[1]
        url = f"{self._url}/cgi-bin/gettoken?corpid={self._corporation}&corpsecret={self._secret}"
        said = _document(await self._outbound.get(url), self._id)
        token, lasts = said.get("access_token"), said.get("expires_in", 0)
        if said.get("errcode", 0) != 0 or not isinstance(token, str) or not isinstance(lasts, int):
            raise _refused(self._id, f"no token: errcode {said.get('errcode')}")
        self._token = (time.monotonic() + max(0, lasts - 60), token)
        return token


@dataclass(frozen=True, slots=True)
class Webhook:
    """Another system of the city that is told: JSON, signed. It asks for the cases themselves under its own grant.

    The header X-Kangshu-Signature is `t=<seconds>,v1=<hex>` with HMAC-SHA256 of `<seconds>.<body>` under the shared
    secret: an old message is not taken for a new one. X-Kangshu-Delivery is the message's id.
    `organisations` are the ids whose notices it gets; none for all.
    """

    id: str
    title: Text
    url: str
    outbound: Outbound
    secret: str = field(default="", repr=False)
    organisations: frozenset[str] = frozenset()
    personal: bool = False
    address_pattern: str = ""
    address_help: Text = _NO_HELP

    async def send(self, address: str, message: Message) -> None:
        """Tell the other system. Raises Unavailable unless it answers 2xx."""
        body = msgspec.json.encode(
            {
                "id": message.id,
                "at": instant(now()),
                "occasion": message.occasion,
                "organisation": address,
                "count": message.count,
                "kinds": message.kinds,
                "tasks": message.numbers,
                "link": message.link,
            }
        )
        headers = {"x-kangshu-delivery": message.id}
        if self.secret:
            headers["x-kangshu-signature"] = signature(self.secret, int(time.time()), body)
        answer = await self.outbound.post(self.url, body, "application/json", headers=headers)
        if not 200 <= answer.status < 300:
            raise _refused(self.id, f"status {answer.status}")


def signature(secret: str, seconds: int, body: bytes) -> str:
    """Return the signature of a webhook's body at a moment (seconds since 1970)."""
    digest = hmac.new(secret.encode(), b"%d.%b" % (seconds, body), hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def _filled(template: str, words: Mapping[str, str]) -> str:
    return _FILL.sub(lambda found: words.get(found[1], ""), template)


def _document(answer: Answer, channel: str) -> Mapping[str, Any]:
    if not 200 <= answer.status < 300:
        raise _refused(channel, f"status {answer.status}")
    try:
        document = answer.json()
    except Unavailable:
        return {}  # some gateways answer with plain words; their status counts then
    return document if isinstance(document, dict) else {}


def _refused(channel: str, why: str) -> Unavailable:
    return Unavailable(
        f"channel '{channel}' did not take a message: {why}", zh="通知渠道未接受消息，请联系系统管理员"
    )
