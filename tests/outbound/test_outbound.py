"""Calls to other systems: exact origins, one look-up, no redirect, no inner network, bounded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kangshu.base.faults import Fault, Invalid, Unavailable
from kangshu.outbound import Outbound, OutboundRefused, parse_origin, refused_address

ALLOWED = "https://good.example"


@pytest.mark.parametrize(
    "url",
    [
        "https://good.example.evil.com/", "https://evil.com/good.example", "https://good.example@evil.com/",
        "https://evil.com#good.example", "https://evil.com\\@good.example/", "https://good.example.:443/",
        "https://good.example./", "http://good.example/", "https://good.example:8443/", "https://GOOD.example/",
        "https://good%2eexample/", "https://xn--good.example/", "https://sub.good.example/", "https://goodXexample/",
        "https://good.example:0443/", "https://good.example:/", "https:good.example", "https:///good.example",
        "//good.example/", "https://good.example\t/", "https://good.example/\r\nX: y", "https://user:pw@good.example/",
        "https://2130706433/", "https://127.1/", "https://0x7f.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data", "file:///etc/passwd", "gopher://good.example/", "https://ｇood.example/",
        "https://good.example。/", "", "https://", "https://good.example:99999/", "https://good..example/",
    ],
)  # fmt: skip
async def test_what_is_not_the_listed_origin_is_not_called(url: str) -> None:
    with pytest.raises((OutboundRefused, Invalid)):
        await Outbound([ALLOWED]).get(url)


@pytest.mark.parametrize(
    "listed",
    [
        "http://good.example",
        "https://127.0.0.1",
        "https://good.example/path",
        "https://[::1]",
        "https://2130706433",
        "good.example",
    ],
)
def test_what_cannot_be_listed_unless_it_is_named_as_private(listed: str) -> None:
    with pytest.raises(Fault):
        Outbound([listed])


def test_an_origin_is_compared_whole() -> None:
    origin, path = parse_origin("https://good.example:8443/a/b?c=d")
    assert (origin.scheme, origin.host, origin.port, path) == ("https", "good.example", 8443, "/a/b?c=d")
    assert Outbound([ALLOWED]).check("https://good.example:443/x")[0] == parse_origin(ALLOWED)[0]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:8.8.8.8", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_of_inner_networks_are_refused(address: str) -> None:
    assert refused_address(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2400:3200::1"])
def test_addresses_of_the_open_network_are_not(address: str) -> None:
    assert not refused_address(address)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(
    answer: bytes, seen: list[bytes] | None = None, *, silent: bool = False
) -> AsyncIterator[str]:
    """Give the origin of a small server on this machine that answers every request with `answer`."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(head)
        if silent:
            await asyncio.sleep(30)
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def answer(body: bytes, head: bytes = b"200 OK", *headers: bytes) -> bytes:
    """Return an answer of HTTP."""
    lines = [b"HTTP/1.1 " + head, b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def test_a_private_host_is_called_when_the_configuration_names_it() -> None:
    seen: list[bytes] = []
    async with answering(answer(b'{"a": 1}'), seen) as origin:
        found = await Outbound([origin], ["localhost"]).get(f"{origin}/x?y=1")
        assert (found.status, found.json()) == (200, {"a": 1})
        await Outbound([origin], ["localhost"]).post_form(
            f"{origin}/t", {"a": "b c"}, credentials=("id", "s:t")
        )
    assert seen[0].startswith(b"GET /x?y=1 HTTP/1.1\r\n")
    assert b"authorization" not in seen[0].lower()
    assert b"Basic aWQ6cyUzQXQ=" in seen[1]


async def test_no_redirect_is_followed() -> None:
    seen: list[bytes] = []
    async with answering(answer(b"inner secret"), seen) as inner:
        moved = answer(b"", b"302 Found", f"location: {inner}/secret".encode())
        async with answering(moved) as origin:
            with pytest.raises(OutboundRefused):
                await Outbound([origin, inner], ["localhost"]).get(f"{origin}/")
    assert seen == []


async def test_too_long_too_slow_and_broken_answers_end() -> None:
    async with answering(answer(b"x" * 5000)) as origin:
        with pytest.raises(Unavailable):
            await Outbound([origin], ["localhost"], most_bytes=1000).get(f"{origin}/")
    async with answering(b"", silent=True) as origin:
        with pytest.raises(Unavailable):
            await Outbound([origin], ["localhost"], seconds=0.3).get(f"{origin}/")
    for broken in (b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"):
        async with answering(broken) as origin:
            with pytest.raises(Unavailable):
                await Outbound([origin], ["localhost"]).get(f"{origin}/")
    async with answering(answer(b"{", b"200 OK")) as origin:
        with pytest.raises(Unavailable):
            (await Outbound([origin], ["localhost"]).get(f"{origin}/")).json()
    async with answering(answer(b"x", b"200 OK", b"content-encoding: gzip")) as origin:
        with pytest.raises(Unavailable):
            await Outbound([origin], ["localhost"]).get(f"{origin}/")


class _Names:
    """A resolver whose answers follow one another: the name server of an attacker."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked += 1
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["10.1.2.3"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"]]
)
async def test_a_listed_name_that_stands_in_the_inner_network_is_refused(
    monkeypatch: pytest.MonkeyPatch, found: list[str]
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", _Names(found), raising=False)
    with pytest.raises(OutboundRefused):
        await Outbound([ALLOWED]).get(f"{ALLOWED}/")


async def test_a_name_is_looked_up_once_and_the_connection_goes_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: a second look-up would give the inner network; there is none."""
    names = _Names(["93.184.216.34"], ["127.0.0.1"])
    went: list[str] = []

    async def connect(host: str, port: int, **_: Any) -> Any:
        went.append(host)
        raise OSError("the test goes no further")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names, raising=False)
    monkeypatch.setattr(asyncio, "open_connection", connect)
    with pytest.raises(Unavailable):
        await Outbound([ALLOWED]).get(f"{ALLOWED}/")
    assert (names.asked, went) == (1, ["93.184.216.34"])
