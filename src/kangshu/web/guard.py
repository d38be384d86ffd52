"""What every answer of the pages carries and every request must meet: security headers, a body of bounded size."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kangshu.base.faults import TooLarge

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No inline script or style, nothing from outside."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the headers above; pages of people are never kept by a cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, sent)


LARGEST_FORM: Final = 2 * 1024 * 1024
"""A form without files, in bytes."""


class BodyLimit:
    """Raises TooLarge as soon as a body is, or says that it is, longer than `limit` bytes; without files, than 2 MB."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        # only files are large; a form of letters is read whole into small pieces, before anybody asks who sent it
        files = headers.get("content-type", "").strip().lower().startswith("multipart/form-data")
        limit = self._limit if files else min(self._limit, LARGEST_FORM)
        said = headers.get("content-length", "")
        if said.isdecimal() and int(said) > limit:
            raise self._fault(limit)
        seen = 0

        async def received() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    raise self._fault(limit)
            return message

        await self._app(scope, received, send)

    def _fault(self, limit: int) -> TooLarge:
        size = limit // (1024 * 1024)
        return TooLarge(
            f"what was sent is larger than {size} MB; send it in parts",
            zh=f"上传内容超过 {size} MB，请拆分或压缩后再上传",
        )
