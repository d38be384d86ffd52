"""One call: the origin must be listed, its name is looked up once, and the connection goes to that very address."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import h11
import msgspec

from kangshu.base.faults import Forbidden, Unavailable
from kangshu.outbound.addresses import Origin, numeric, parse_origin, refused_address

_SECONDS: Final = 10.0
_MOST_BYTES: Final = 1_000_000


class OutboundRefused(Forbidden):
    """The address is not among those that this installation may call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What another system answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON. Raises Unavailable when it is none: the other system is out of order."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(
                "another system answered with something that is no JSON", zh="外部系统返回的内容无法识别"
            ) from error


class Outbound:
    """The only way out of this installation over HTTP.

    `origins` are exact, such as https://idp.example.cn; `private` names the hosts among them that may stand at an
    address of the inner network, and alone may be called without TLS; `authorities` is a file of certificates that
    are trusted besides the system's.
    """

    def __init__(
        self,
        origins: Iterable[str] = (),
        private: Iterable[str] = (),
        *,
        authorities: Path | None = None,
        seconds: float = _SECONDS,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._private = frozenset(private)
        self._allowed = frozenset(self._listed(one) for one in origins)
        self._seconds = seconds
        self._most = most_bytes
        self._trust = ssl.create_default_context()
        if authorities is not None:
            self._trust.load_verify_locations(authorities)

    def check(self, url: str) -> tuple[Origin, str]:
        """Return the origin and path of `url`. Raises OutboundRefused unless the origin is listed, Invalid."""
        origin, path = parse_origin(url)
        if origin not in self._allowed:
            raise OutboundRefused(
                f"{origin} is not among the systems that this installation may call",
                zh="该地址不在本系统允许访问的外部系统名单中",
            )
        return origin, path

    async def get(self, url: str) -> Answer:
        """Return the answer to a GET. Raises OutboundRefused, Invalid, Unavailable (no answer, a redirect, too long)."""
        return await self._call("GET", url, [], b"")

    async def post_form(
        self, url: str, fields: Mapping[str, str], *, credentials: tuple[str, str] | None = None
    ) -> Answer:
        """Return the answer to a form. `credentials` (id and secret) go to this origin alone. Raises as `get`."""
        headers = [("content-type", "application/x-www-form-urlencoded")]
        if credentials is not None:
            pair = ":".join(quote(one, safe="") for one in credentials)  # RFC 6749, 2.3.1
            headers.append(("authorization", "Basic " + base64.b64encode(pair.encode()).decode()))
        return await self._call("POST", url, headers, urlencode(fields).encode())

    async def post_json(self, url: str, document: Any, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a JSON document. `headers` are the configuration's own. Raises as `get`."""
        return await self.post(url, msgspec.json.encode(document), "application/json", headers=headers)

    async def post(
        self, url: str, body: bytes, media_type: str, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to these very bytes, for bodies that are signed. Raises as `get`."""
        said = [(name.lower(), value) for name, value in (headers or {}).items()]
        return await self._call("POST", url, [("content-type", media_type), *said], body)

    def _listed(self, url: str) -> Origin:
        origin, path = parse_origin(url)
        if path != "/":
            raise OutboundRefused(
                f"{url[:200]} is no origin: leave the path out", zh="外部系统名单只写到主机和端口"
            )
        if (origin.scheme != "https" or numeric(origin.host)) and origin.host not in self._private:
            raise OutboundRefused(
                f"{origin} is not listed: https and a name are needed, unless the host is named as private",
                zh="外部系统须使用 https 和域名；内网主机须在配置中逐个注明",
            )
        return origin

    async def _addresses(self, origin: Origin) -> list[str]:
        """Return where the host is, looked up once. One refused address refuses them all: no luck decides."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise _no_answer(origin, "its name is not known") from error
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        if origin.host not in self._private and any(refused_address(one) for one in addresses):
            raise OutboundRefused(
                f"{origin} stands at an address of an inner network, and is not named as private",
                zh="该外部系统解析到内网地址，且未在配置中注明，拒绝访问",
            )
        return addresses

    async def _call(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        origin, path = self.check(url)
        try:
            async with asyncio.timeout(self._seconds):
                addresses = await self._addresses(origin)
                reader, writer = await self._connected(origin, addresses)
                try:
                    return await self._exchange(origin, method, path, headers, body, reader, writer)
                finally:
                    writer.close()
        except TimeoutError as error:
            raise _no_answer(origin, "it takes too long") from error
        except (OSError, h11.RemoteProtocolError) as error:
            raise _no_answer(origin, type(error).__name__) from error

    async def _connected(
        self, origin: Origin, addresses: list[str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        secure = origin.scheme == "https"
        failed: OSError | None = None
        for address in addresses:
            try:
                # the address, not the name: nothing is looked up a second time
                return await asyncio.open_connection(
                    address,
                    origin.port,
                    ssl=self._trust if secure else None,
                    server_hostname=origin.host if secure else None,
                )
            except OSError as error:
                failed = error
        raise failed or OSError("no address")

    async def _exchange(
        self,
        origin: Origin,
        method: str,
        path: str,
        headers: list[tuple[str, str]],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> Answer:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 * 1024)
        host = str(origin).partition("://")[2]
        sent = [
            ("host", host),
            ("accept", "application/json"),
            ("accept-encoding", "identity"),
            ("connection", "close"),
            ("content-length", str(len(body))),
            *headers,
        ]
        for event in (
            h11.Request(method=method, target=path, headers=sent),
            *([h11.Data(data=body)] if body else []),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(event) or b"")
        await writer.drain()
        response: h11.Response | None = None
        received = bytearray()
        while not isinstance(happened := connection.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
            if isinstance(happened, h11.Response):
                response = happened
                if 300 <= happened.status_code < 400:
                    raise OutboundRefused(
                        f"{origin} answers with a redirect; it is not followed",
                        zh="外部系统要求跳转，出于安全不予跟随",
                    )
            elif isinstance(happened, h11.Data):
                received += happened.data
                if len(received) > self._most:
                    raise _no_answer(origin, f"its answer is longer than {self._most} bytes")
            elif happened is h11.NEED_DATA:
                connection.receive_data(await reader.read(65_536))
        if response is None:
            raise _no_answer(origin, "it closed the connection")
        names = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        if names.get("content-encoding", "identity") != "identity":
            raise _no_answer(origin, "its answer is packed, which was not asked for")
        return Answer(response.status_code, names, bytes(received))


def _no_answer(origin: Origin, why: str) -> Unavailable:
    return Unavailable(f"{origin} does not answer as it should: {why}", zh="外部系统暂时无法访问，请稍后重试")
