"""Where the pages of a test run are, and who can sign in."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import uvicorn
import uvloop

from kangshu.api import Platform
from kangshu.app.web_worker import application
from kangshu.app.wiring import Place, open_platform

T = TypeVar("T")
TOKEN = re.compile(r'name="_token" value="([0-9a-f]+)"')


@dataclass(frozen=True, slots=True)
class Site:
    """Where the pages are, who can sign in, and the ids that tests open."""

    address: str
    passwords: dict[str, str]
    loop: asyncio.AbstractEventLoop
    platform: Platform

    def visitor(self, name: str = "", **headers: str) -> httpx.Client:
        """Return a browser signed in as `name`; nobody where it is empty. Redirects are not followed."""
        client = httpx.Client(base_url=self.address, timeout=60, headers=headers)
        if name:
            token = token_of(client.get("/sign-in").text)
            form = {"name": name, "password": self.passwords[name], "_token": token, "next": "/"}
            answer = client.post("/sign-in", data=form)
            assert answer.status_code == 303, answer.text[:500]
        return client

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns, run where the pages run."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


@contextmanager
def served(url: str, place: Place, passwords: dict[str, str]) -> Iterator[Site]:
    """Serve the pages and the FHIR face of the installation at `place` on a free port for a while."""
    ready = threading.Event()
    made: dict[str, Any] = {}

    async def serve() -> None:
        async with open_platform(url, place) as platform:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
            config = uvicorn.Config(
                application(platform), log_level="error", access_log=False, lifespan="off"
            )
            server = uvicorn.Server(config)
            made.update(server=server, port=listener.getsockname()[1], platform=platform)
            made["loop"] = asyncio.get_running_loop()
            ready.set()
            await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: uvloop.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield Site(f"http://127.0.0.1:{made['port']}", passwords, made["loop"], made["platform"])
    made["server"].should_exit = True
    thread.join(20)


def token_of(page: str) -> str:
    """Return the form token of a page."""
    found = TOKEN.search(page)
    assert found, page[:800]
    return found[1]
