"""A small demo city served as pages on a free port: one for the whole run."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import uvicorn

from kangshu.app.demo import demo_identity, make_demo
from kangshu.app.installation import Installation
from kangshu.app.wiring import Place, open_platform
from kangshu.web import web_app

from .site import Site

RESIDENTS = 300


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def site(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The served city."""
    name = f"kangshu_web_{tmp_path_factory.getbasetemp().name.replace('-', '_')}"
    asyncio.run(_execute(postgres_url, f"create database {name}"))
    url = postgres_url.rsplit("/", 1)[0] + f"/{name}"
    folder: Path = tmp_path_factory.mktemp("web")
    installation = Installation(folder)
    asyncio.run(make_demo(installation, url, residents=RESIDENTS, years=2, progress=lambda *_: None))
    kept = json.loads((folder / "secrets" / "demo-accounts.json").read_text("utf-8"))
    passwords = {one["name"]: one["password"] for one in kept}

    ready: threading.Event = threading.Event()
    made: dict[str, object] = {}

    async def serve() -> None:
        place = Place(folder, installation.views, demo_identity())
        async with open_platform(url, place) as platform:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
            config = uvicorn.Config(web_app(platform), log_level="error", access_log=False, lifespan="off")
            server = uvicorn.Server(config)
            made.update(server=server, port=listener.getsockname()[1], platform=platform)
            made["loop"] = asyncio.get_running_loop()
            ready.set()
            await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield Site(f"http://127.0.0.1:{made['port']}", passwords, made["loop"], made["platform"])  # type: ignore[arg-type]
    made["server"].should_exit = True  # type: ignore[attr-defined]
    thread.join(20)
    asyncio.run(_execute(postgres_url, f"drop database if exists {name} with (force)"))
