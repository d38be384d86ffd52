"""Notices on a real database, and the other side of the wire: a server of HTTP that is not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from kangshu.access import Grant, system_grant
from kangshu.accounts import Account, Accounts
from kangshu.app.wiring import city_services
from kangshu.base.canonical import CASE_KIND
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.cases import Cases
from kangshu.notices import Channel, Notices, ShortMessages, Webhook, WorkWeixin
from kangshu.outbound import Outbound
from kangshu.store import Store

SYSTEM = system_grant("tests")


@dataclass
class Other:
    """Another system: what it was sent, and how it answers. `broken` lets it refuse."""

    origin: str = ""
    sms: list[dict[str, Any]] = field(default_factory=list)
    weixin: list[dict[str, Any]] = field(default_factory=list)
    hooks: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    tokens: int = 0
    broken: bool = False
    over: bool = False
    """Whether the token that it gave is over."""


@pytest_asyncio.fixture
async def other() -> AsyncIterator[Other]:
    """Serve the gateway of short messages, the interface of 企业微信, and a webhook."""
    seen = Other()

    async def sms(request: web.Request) -> web.Response:
        if seen.broken:
            return web.json_response({"code": "9", "why": "no money"})
        seen.sms.append({**await request.json(), "authorization": request.headers.get("Authorization", "")})
        return web.json_response({"code": "0"})

    async def token(request: web.Request) -> web.Response:
        right = request.query["corpsecret"] == "weixin-secret"
        seen.tokens += 1
        seen.over = False
        given = {"errcode": 0, "access_token": f"t{seen.tokens}", "expires_in": 7200}
        return web.json_response(given if right else {"errcode": 40001})

    async def weixin(request: web.Request) -> web.Response:
        if seen.over or request.query["access_token"] != f"t{seen.tokens}":
            return web.json_response({"errcode": 42001})
        said = await request.json()
        seen.weixin.append(said)
        return web.json_response(
            {"errcode": 0, "invaliduser": said["touser"] if said["touser"] == "nobody" else ""}
        )

    async def hook(request: web.Request) -> web.Response:
        seen.hooks.append(
            ({key.lower(): value for key, value in request.headers.items()}, await request.read())
        )
        return web.Response(status=503 if seen.broken else 204)

    app = web.Application()
    app.add_routes(
        [
            web.post("/sms", sms),
            web.get("/cgi-bin/gettoken", token),
            web.post("/cgi-bin/message/send", weixin),
            web.post("/hook", hook),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    seen.origin = f"http://localhost:{runner.addresses[0][1]}"
    yield seen
    await runner.cleanup()


@dataclass
class Desk:
    """The wired rooms and three people: two of one unit, one resident."""

    store: Store
    accounts: Accounts
    notices: Notices
    first: Grant
    second: Grant
    resident: Grant

    async def tell(self, recipient: str, *, kind: str = "supervision/duty", urgent: bool = False) -> None:
        """Write a notice whose words name a person: they must not go out."""
        task = await self.store.create(
            SYSTEM,
            {
                "resourceType": "Task", "status": "requested", "intent": "order",
                "code": {"coding": [{"system": CASE_KIND, "code": kind}]},
            },
        )  # fmt: skip
        await self.store.create(
            SYSTEM,
            {
                "resourceType": "Communication", "status": "completed",
                "about": [{"reference": f"Task/{task.stored.id}"}],
                "recipient": [{"reference": recipient}],
                "payload": [{"contentString": "张伟（990101195001011234）的转诊申请"}],
                **({"priority": "urgent"} if urgent else {}),
            },
        )  # fmt: skip


def channels_of(other: Other) -> list[Channel]:
    """Return one channel of each kind."""
    out = Outbound([other.origin], ["localhost"])
    return [
        ShortMessages(
            "sms", Text("短信", "SMS"), f"{other.origin}/sms", out,
            {"mobile": "${address}", "content": "${text}"}, {"Authorization": "Bearer ${secret}"},
            secret="sms-secret", accepted_field="code", accepted=("0",),
        ),
        WorkWeixin("weixin", Text("政务微信", "Weixin"), other.origin, out, "corp", 1000002, "weixin-secret"),
        Webhook("office", Text("协同办公", "Office"), f"{other.origin}/hook", out, "hook-secret", frozenset({"unit"})),
    ]  # fmt: skip


@pytest.fixture
def quiet_never() -> ParameterTable:
    """Parameters under which every hour is one in which people may be told."""
    return ParameterTable()


@pytest_asyncio.fixture
async def desk(store: Store, other: Other, tmp_path: Path) -> Desk:
    """Give the desk; every channel leads to `other`."""
    accounts = Accounts(store, secrets=tmp_path / "secrets")
    for id_ in ("unit", "elsewhere"):
        await store.update(SYSTEM, {"resourceType": "Organization", "id": id_, "name": id_})
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "zhang", "name": [{"text": "张伟"}]})
    grants = []
    for name, role, more in (
        ("first", "unit-clerk", {"organisation": "unit", "district": "9901"}),
        ("second", "unit-clerk", {"organisation": "unit", "district": "9901"}),
        ("zhang", "resident", {"patient": "zhang"}),
    ):
        made = await accounts.create_account(SYSTEM, Account(name, name, (role,), **more))  # type: ignore[arg-type]
        session = await accounts.sign_in(name, made.password)
        grants.append(await accounts.session(session.token))
    services = city_services()
    cases = Cases(store, (case for service in services for case in service.cases), ParameterTable())
    notices = Notices(
        store, accounts, cases, ParameterTable(), "990100",
        city=Text("云汐市大健康", "Yunxi"), channels=channels_of(other), link="https://kangshu.example.cn",
    )  # fmt: skip
    await notices.deliveries.collect()
    return Desk(store, accounts, notices, *grants)


Bind = Callable[..., Any]


@pytest.fixture
def bind(desk: Desk, other: Other) -> Bind:
    """Return what binds an account to a channel as a person does: with the code that came there."""

    async def bound(grant: Grant, channel: str, address: str) -> None:
        await desk.notices.bind(grant, channel, address)
        said = other.sms[-1]["content"] if channel == "sms" else other.weixin[-1]["text"]["content"]
        code = next(one for one in said.replace("，", " ").split() if "验证码" in one)[-6:]
        await desk.notices.confirm(grant, channel, code)

    return bound
