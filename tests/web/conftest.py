"""A small demo city served as pages on a free port: one for the whole run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from kangshu.app.demo import demo_identity, make_demo
from kangshu.app.installation import Installation
from kangshu.app.wiring import Place

from .site import Site, served

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
    with serving(postgres_url, tmp_path_factory, "web") as made:
        yield made


@pytest.fixture(scope="module")
def own_site(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served city for a module whose tests change accounts and records at will."""
    with serving(postgres_url, tmp_path_factory, "own") as made:
        yield made


@contextmanager
def serving(postgres_url: str, places: pytest.TempPathFactory, word: str) -> Iterator[Site]:
    """Give a demo city of its own database, served on a free port."""
    name = f"kangshu_{word}_{places.getbasetemp().name.replace('-', '_')}"
    asyncio.run(_execute(postgres_url, f"create database {name}"))
    url = postgres_url.rsplit("/", 1)[0] + f"/{name}"
    folder: Path = places.mktemp(word)
    installation = Installation(folder)
    asyncio.run(make_demo(installation, url, residents=RESIDENTS, years=2, progress=lambda *_: None))
    kept = json.loads((folder / "secrets" / "demo-accounts.json").read_text("utf-8"))
    passwords = {one["name"]: one["password"] for one in kept}
    with served(url, Place(folder, installation.views, demo_identity()), passwords) as made:
        yield made
    asyncio.run(_execute(postgres_url, f"drop database if exists {name} with (force)"))
