"""One HTTP answer: JSON, entity headers, gzip, HEAD."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from kangshu.api.types import Send
from kangshu.fhir import decode, render
from kangshu.sdk import Resource

_CONTENT_TYPE: Final = (b"content-type", b"application/fhir+json; charset=utf-8")
_PRIVATE: Final = [(b"cache-control", b"private, no-cache"), (b"x-content-type-options", b"nosniff")]
"""A shared cache keeps nothing, a client's own asks again (with the entity tag) before it shows a record."""
_GZIP_FROM: Final = 1400
"""Below this many bytes an answer fits one packet, and packing it only costs."""


@dataclass(slots=True)
class Response:
    """What is answered. `resource` or `body` (already rendered) or nothing."""

    status: int = 200
    resource: Resource | None = None
    body: bytes | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def entity(self, version: int, updated: datetime) -> Response:
        """Add the headers that name the version and the instant of a record; return self."""
        self.headers.append((b"etag", b'W/"%d"' % version))
        self.headers.append((b"last-modified", http_date(updated)))
        return self

    def location(self, url: str) -> Response:
        """Add the address of what was written; return self."""
        self.headers.append((b"location", url.encode("ascii", "ignore")))
        return self


def http_date(moment: datetime) -> bytes:
    """Return `moment` in the form of HTTP headers."""
    return format_datetime(moment.astimezone(UTC), usegmt=True).encode()


async def respond(
    send: Send, response: Response, *, head: bool = False, gzip: bool = False, pretty: bool = False
) -> None:
    """Send `response`. Source: RFC 9110."""
    body = response.body
    if body is None and response.resource is not None:
        body = render(response.resource, pretty)
    elif body is not None and pretty:
        body = render(decode(body), pretty)
    headers = [*response.headers, *_PRIVATE]
    if body is None:
        body = b""
        if response.status not in (204, 304):
            headers = [*headers, (b"content-length", b"0")]
    else:
        headers = [*headers, _CONTENT_TYPE]
        if gzip and len(body) > _GZIP_FROM:
            packer = zlib.compressobj(1, zlib.DEFLATED, 31)
            body = packer.compress(body) + packer.flush()
            headers.append((b"content-encoding", b"gzip"))
            headers.append((b"vary", b"accept-encoding"))
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
