"""The token endpoint: services come with a signed assertion and go with a short-lived token.

POST /oauth/token (RFC 6749 4.4 with RFC 7523; SMART Backend Services), POST /oauth/revoke (RFC 7009). Its faults are
those of OAuth, not OperationOutcomes.
"""

from __future__ import annotations

import ipaddress
import logging
import time
import traceback
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from kangshu.accounts import AssertionRefused
from kangshu.api.outcome import status_of
from kangshu.api.platform import Platform
from kangshu.api.request import Request
from kangshu.api.types import Application, Receive, Scope, Send
from kangshu.base.faults import Fault, Invalid, Unavailable
from kangshu.base.origin import address, come_from

OAUTH_ROOT: Final = "/oauth"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 64 * 1024
_LOG = logging.getLogger("kangshu.api")


class OAuthFault(Fault):
    """A fault in the words of RFC 6749, 5.2."""

    def __init__(self, status: int, error: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error


def oauth_app(platform: Platform) -> Application:
    """Return the ASGI application that answers below /oauth."""

    small = replace(platform.settings, body_limit=_MOST_BYTES)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        come_from(scope)
        request = Request(scope, receive, small, OAUTH_ROOT)
        try:
            status, body = 200, await _answer(platform, request)
        except OAuthFault as fault:
            status, body = fault.status, _error(fault.error, fault.text)
        except AssertionRefused as fault:
            status, body = 401, _error("invalid_client", fault.text)
        except Invalid as fault:
            status, body = 400, _error("invalid_scope", fault.text)
        except Unavailable as fault:
            status, body = 503, _error("temporarily_unavailable", fault.text)
        except Fault as fault:
            status, body = status_of(fault), _error("invalid_request", fault.text)
        except Exception as error:  # noqa: BLE001  # the edge: what nobody foresaw goes to the log, not to the client
            status, body = 500, _error("server_error", f"tell the administrator the number {_told(error)}")
        await _send(send, status, body)

    return application


async def _answer(platform: Platform, request: Request) -> dict[str, Any]:
    if request.segments not in (("token",), ("revoke",)):
        raise OAuthFault(404, "invalid_request", "there is nothing at this address")
    if request.method != "POST":
        raise OAuthFault(405, "invalid_request", "this is asked with POST")
    if request.pairs:
        raise OAuthFault(400, "invalid_request", "parameters stand in the body, never in the address")
    if request.header(b"authorization"):
        raise OAuthFault(
            401, "invalid_client", "clients prove themselves with an assertion, not with a password"
        )
    form = await _form(request)
    if form.get("client_assertion_type") != _ASSERTION or not form.get("client_assertion"):
        raise OAuthFault(401, "invalid_client", "a client_assertion of type jwt-bearer is needed")
    audience = token_address(platform, request)
    if request.segments == ("revoke",):
        if not form.get("token"):
            raise OAuthFault(400, "invalid_request", "the token is missing")
        await platform.accounts.clients.revoke(form["client_assertion"], form["token"], audience)
        return {}
    if form.get("grant_type") != "client_credentials":
        raise OAuthFault(400, "unsupported_grant_type", "client_credentials is offered")
    made = await platform.accounts.clients.token(
        form["client_assertion"], form.get("scope", ""), audience, address()
    )
    return {
        "access_token": made.token,
        "token_type": "bearer",
        "expires_in": made.seconds,
        "scope": " ".join(made.scopes),
    }


def token_address(platform: Platform, request: Request) -> str:
    """Return the address of the token endpoint, which an assertion must name as its audience. Raises Unavailable."""
    return f"{own_address(platform, request.header(b'host'))}{OAUTH_ROOT}/token"


def own_address(platform: Platform, host: str) -> str:
    """Return the address under which this installation is called, without a path.

    It is the configured one and never what a request claims, but for a call on this very machine: else an assertion
    made for another server would be good here, and a provider would send people elsewhere. Raises Unavailable.
    """
    own = platform.settings.public_url.rstrip("/")
    if own:
        return own
    if not _this_machine(host):
        raise Unavailable(
            "this installation has no public address: start it with --public-url",
            zh="本实例尚未配置对外地址，请在启动时指定 --public-url",
        )
    return f"http://{host}"


def _this_machine(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _form(request: Request) -> dict[str, str]:
    if request.header(b"content-type").partition(";")[0].strip().lower() != _FORM:
        raise OAuthFault(400, "invalid_request", f"the body must be {_FORM}")
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict"
        )
    except ValueError as error:
        raise OAuthFault(400, "invalid_request", "the body is no form") from error
    found = dict(pairs)
    if len(found) < len(pairs):
        raise OAuthFault(400, "invalid_request", "a parameter stands twice")
    return found


def _error(code: str, text: str) -> dict[str, Any]:
    return {"error": code, "error_description": text.replace('"', "'").replace("\\", "/")}


def _told(error: Exception) -> str:
    number = f"{time.time_ns() // 1_000_000:x}"
    place = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error("fault %s: %s in oauth\n%s", number, type(error).__name__, place)
    return number


async def _send(send: Send, status: int, body: dict[str, Any]) -> None:
    data = msgspec.json.encode(body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(data)).encode()),
        (b"cache-control", b"no-store"),
        (b"pragma", b"no-cache"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
