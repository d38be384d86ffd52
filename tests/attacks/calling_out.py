"""Calls out of the installation, tried on servers of this machine; run by `test_door.py` in a process of its own.

Prints as JSON what each attempt came to. Names are resolved here, each time to what the attempt wants: a name that
leads outside at first and to this machine afterwards is DNS rebinding.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from kangshu.base.faults import Fault
from kangshu.outbound import Outbound

REAL = socket.getaddrinfo
NAMES: dict[str, Iterator[str]] = {}
SEEN: list[str] = []


def resolved(host: Any, *given: Any, **named: Any) -> Any:
    """Return where a name of an attempt leads now; other names as ever."""
    text = host.decode() if isinstance(host, bytes) else host
    if text in NAMES:
        return REAL(next(NAMES[text]), *given, **named)
    return REAL(host, *given, **named)


class Server(BaseHTTPRequestHandler):
    """Notes who came, and leads on where a path asks for it."""

    def do_GET(self) -> None:
        SEEN.append(f"{self.headers['host']}{self.path} {self.headers.get('authorization', '')}")
        if self.path == "/away":
            self.send_response(302)
            self.send_header("location", "/secret")
        else:
            self.send_response(200)
            self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[int]:
    """Give the port of a server."""
    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


async def tried(outbound: Outbound, url: str) -> dict[str, Any]:
    """Return what became of a call: the fault, or `answered`; and which of our servers it reached."""
    SEEN.clear()
    try:
        await outbound.get(url)
        came = "answered"
    except Fault as fault:
        came = type(fault).__name__
    await asyncio.sleep(0.05)
    return {"came": came, "reached": list(SEEN)}


def repeat(*addresses: str) -> Iterator[str]:
    yield from addresses
    while True:
        yield addresses[-1]


async def main() -> None:
    socket.getaddrinfo = resolved
    found: dict[str, Any] = {}
    with listening() as port:
        own = f"http://inner.example:{port}"
        NAMES["inner.example"] = repeat("127.0.0.1")
        listed = Outbound([own], ["inner.example"], seconds=5)
        found["listed"] = await tried(listed, f"{own}/keys")
        found["redirect"] = await tried(listed, f"{own}/away")
        for name, url in {
            "other port": f"http://inner.example:{port + 1}/", "other scheme": f"https://inner.example:{port}/",
            "longer host": f"{own.replace('.example', '.example.evil.example')}/", "user name": f"http://inner.example:{port}@evil.example/",
            "user": f"http://x@inner.example:{port}/", "dot": f"http://inner.example.:{port}/", "capitals": f"http://INNER.example:{port}/",
            "loopback": f"http://127.0.0.1:{port}/", "short": f"http://127.1:{port}/", "decimal": f"http://2130706433:{port}/",
            "hex": f"http://0x7f000001:{port}/", "v6": f"http://[::1]:{port}/", "mapped": f"http://[::ffff:127.0.0.1]:{port}/",
            "metadata": "http://169.254.169.254/latest/meta-data", "file": "file:///etc/passwd", "ftp": f"ftp://inner.example:{port}/",
            "backslash": f"http://inner.example:{port}\\@evil.example/", "tab": f"http://inner.example:{port}/\t", "fragment": f"{own}/#x",
            "prefix": f"{own}0.evil.example/",
        }.items():  # fmt: skip
            NAMES.update(
                {
                    one: repeat("127.0.0.1")
                    for one in ("inner.example.evil.example", "evil.example", "inner.example.")
                }
            )
            found[name] = await tried(listed, url)
        # a listed name that is not named as private and stands, or comes to stand, in the inner network
        public = Outbound([f"https://outer.example:{port}"], seconds=5)
        for name, addresses in {
            "inner address": ["127.0.0.1"], "one of two": ["93.184.215.14", "127.0.0.1"], "link-local": ["169.254.169.254"],
            "private": ["10.0.0.1"], "v6 loopback": ["::1"], "v6 mapped": ["::ffff:127.0.0.1"], "unspecified": ["0.0.0.0"],
        }.items():  # fmt: skip
            every = [REAL(one, port, type=socket.SOCK_STREAM)[0] for one in addresses]
            looked = asyncio.get_running_loop()

            async def answer(*_: Any, every: Any = every, **__: Any) -> Any:
                return every

            kept, looked.getaddrinfo = looked.getaddrinfo, answer  # type: ignore[method-assign]
            found[name] = await tried(public, f"https://outer.example:{port}/")
            looked.getaddrinfo = kept  # type: ignore[method-assign]
        # DNS rebinding: the first look-up leads to a listed place, every later one elsewhere
        with listening() as other:
            NAMES["turning.example"] = repeat("127.0.0.2", "127.0.0.1")
            turning = Outbound([f"http://turning.example:{other}"], ["turning.example"], seconds=2)
            found["rebinding"] = await tried(turning, f"http://turning.example:{other}/")
            NAMES.pop("turning.example")
    print(json.dumps(found))


asyncio.run(main())
