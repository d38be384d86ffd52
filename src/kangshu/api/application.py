"""The ASGI application of /fhir: from a request to an answer, with every fault answered as an OperationOutcome."""

from __future__ import annotations

import logging
import time
import traceback
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from kangshu.access import Grant
from kangshu.api.endpoints import route
from kangshu.api.interactions import Call
from kangshu.api.outcome import MethodNotOffered, outcome, status_of
from kangshu.api.platform import Platform
from kangshu.api.request import Request
from kangshu.api.response import Response, respond
from kangshu.api.telling import tell_refused
from kangshu.api.types import Application, Receive, Scope, Send
from kangshu.base.faults import Fault, Forbidden, Unauthenticated
from kangshu.base.origin import come_from

SESSION_COOKIE: Final = "kangshu_session"
ROOT: Final = "/fhir"

_LOG = logging.getLogger("kangshu.api")
_NOBODY: Final = Grant(account="", display="")
_CHALLENGE: Final = (b"www-authenticate", b'Bearer realm="kangshu"')


def fhir_app(platform: Platform, root: str = ROOT) -> Application:
    """Return the ASGI application that answers below `root`; it takes mounted and unmounted paths."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        come_from(scope)
        request = Request(scope, receive, platform.settings, root)
        head = request.method == "HEAD"
        gzip = "gzip" in request.header(b"accept-encoding")
        pretty = False
        try:
            pretty = request.pretty
            response = await _answer(platform, request)
        except Fault as fault:
            response = fault_response(fault, request)
        except Exception as error:  # noqa: BLE001  # the edge: what nobody foresaw goes to the log, not to the client
            response = fault_response(_unforeseen(error, request), request)
        await respond(send, response, head=head, gzip=gzip, pretty=pretty)

    return application


async def _answer(platform: Platform, request: Request) -> Response:
    request.accept_json()
    endpoint, kind, id_, version = route(request.method, request.segments)
    grant = _NOBODY if endpoint.open else await grant_of(platform, request.headers, request.method)
    try:
        return await endpoint.handler(Call(platform, request, grant, kind, id_, version))
    except Fault as fault:
        await tell_refused(platform, grant, fault, endpoint.operation or endpoint.interaction, kind, id_)
        raise


async def grant_of(platform: Platform, headers: dict[bytes, bytes], method: str = "GET") -> Grant:
    """Return the grant of a request: of its bearer token, else of its session cookie.

    Raises Unauthenticated, and Forbidden for a cookie that another site's page makes the browser send.
    """
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    if authorization:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("send 'Authorization: Bearer <token>'", zh="请使用Bearer令牌访问")
        return await platform.accounts.bearer(token.strip())
    token = session_token(headers)
    if not token:
        raise Unauthenticated(
            "sign in first: send 'Authorization: Bearer <token>' (kangshu token create)",
            zh="请先登录，或使用“kangshu token create”生成访问令牌",
        )
    if method not in ("GET", "HEAD") and _from_elsewhere(platform, headers):
        raise Forbidden("a page of another site may not write here", zh="不允许其他网站的页面写入数据")
    return await platform.accounts.session(token)


def _from_elsewhere(platform: Platform, headers: dict[bytes, bytes]) -> bool:
    """Return whether the browser says that a page of another site made the request."""
    if headers.get(b"sec-fetch-site", b"none") not in (b"same-origin", b"none"):
        return True
    origin = headers.get(b"origin", b"").decode("latin-1")
    own = {headers.get(b"host", b"").decode("latin-1"), urlsplit(platform.settings.public_url).netloc}
    return bool(origin) and origin.partition("://")[2] not in own - {""}


def session_token(headers: dict[bytes, bytes]) -> str:
    """Return the token in the session cookie, "" when there is none."""
    raw = headers.get(b"cookie", b"").decode("latin-1")
    if SESSION_COOKIE not in raw:
        return ""
    try:
        found = SimpleCookie(raw).get(SESSION_COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def fault_response(fault: Fault, request: Request) -> Response:
    """Return the answer to `fault`: status, OperationOutcome, and what the status asks for beside it."""
    response = Response(status_of(fault), outcome(fault, request.language))
    if isinstance(fault, Unauthenticated):
        response.headers.append(_CHALLENGE)
    if isinstance(fault, MethodNotOffered):
        allowed = (*fault.allowed, "HEAD") if "GET" in fault.allowed else fault.allowed
        response.headers.append((b"allow", ", ".join(allowed).encode()))
    return response


def _unforeseen(error: Exception, request: Request) -> Fault:
    """Log where `error` came from, without its text: that may hold a resident's data."""
    number = f"{time.time_ns() // 1_000_000:x}"
    place = "".join(traceback.format_tb(error.__traceback__))
    kind = request.segments[0] if request.segments else "/"
    _LOG.error("fault %s: %s in %s %s\n%s", number, type(error).__name__, request.method, kind[:64], place)
    return Fault(
        f"something failed here that should not; tell the administrator the number {number}",
        zh=f"系统内部错误，请将编号{number}告知管理员",
    )


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
