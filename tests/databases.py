"""Databases of a test's own on the server of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg


async def execute(url: str, sql: str) -> None:
    """Carry out one statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def beside(postgres_url: str, name: str) -> str:
    """Return the address of the database `name` on the same server."""
    return urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))


@contextmanager
def database(postgres_url: str, name: str, template: str = "") -> Iterator[str]:
    """Make the database `name`, a copy of `template` where one is named, give its address, and drop it."""
    copy = f" template {template}" if template else ""
    asyncio.run(execute(postgres_url, f"create database {name}{copy}"))
    try:
        yield beside(postgres_url, name)
    finally:
        asyncio.run(execute(postgres_url, f"drop database if exists {name} with (force)"))
