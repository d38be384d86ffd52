"""Databases that are not ours: an external one serves the same, and each refusal is one clear line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from kangshu.store import EmbeddedPostgres

from .conftest import Start
from .product import free_port, kangshu, one_line, processes, remove

SECRET = "geheim-4711"


def _execute(url: str, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[str]:
    """The server of the tests with a role and databases for this module."""
    drop = [f"drop database if exists {name} with (force)" for name in ("kangshu_own", "kangshu_latin")]
    _execute(
        postgres_url, *drop, "drop role if exists kangshu_weak", f"create role kangshu_weak login password '{SECRET}'",
        "create database kangshu_own", "create database kangshu_latin encoding 'LATIN1' template template0 locale 'C'",
    )  # fmt: skip
    yield postgres_url
    _execute(postgres_url, *drop, "drop role if exists kangshu_weak")


def _url(server: str, database: str, user: str = "kangshu", port: int | None = None) -> str:
    parts = urlsplit(server)
    where = f"{user}:{SECRET}@{parts.hostname}:{port or parts.port}"
    return urlunsplit(parts._replace(netloc=where, path=f"/{database}"))


def test_refusals_are_one_line(server: str, tmp_path: Path) -> None:
    folder = tmp_path / "city"
    for url, words in (
        (_url(server, "kangshu_own", port=free_port()), "nothing answers there"),
        (_url(server, "kangshu_absent"), "no such database"),
        (_url(server, "kangshu_own", user="kangshu_weak"), "make it the database's owner"),
        (_url(server, "kangshu_latin"), "encoding UTF8"),
        (f"postgresql://kangshu:{SECRET}@nowhere.invalid/x", "host is not known"),
        (f"postgresql://kangshu:{SECRET}@127.0.0.1:notaport/x", "no database address"),
    ):
        done = kangshu("serve", "--port", str(free_port()), "--data-dir", folder, "--db", url)
        one_line(done, words)
        assert SECRET not in done.stdout + done.stderr
    assert not (folder / "installation.json").exists()
    assert not (folder / "secrets").exists()
    for command in (("token", "create", "--account", "system"), ("init",), ("doctor",)):
        done = kangshu(
            *command,
            "--data-dir",
            folder,
            "--lang",
            "zh",
            env={"KANGSHU_DB": _url(server, "x", port=free_port())},
        )
        assert "没有数据库应答" in done.stdout + done.stderr


def test_a_wrong_password_and_another_version_are_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    assert kangshu("token", "create", "--account", "system", "--data-dir", folder).returncode == 0
    database = EmbeddedPostgres(folder)
    try:
        database.start()
        url = database.url().replace((folder / "secrets" / "database").read_text("ascii").strip(), SECRET)
        done = kangshu("serve", "--data-dir", tmp_path / "other", "--db", url)
        one_line(done, "refuses the account")
        assert SECRET not in done.stderr
        database.stop()
        (database.cluster / "PG_VERSION").write_text("9\n", "ascii")
        one_line(kangshu("serve", "--data-dir", folder), "made by PostgreSQL 9")
        one_line(kangshu("serve", "--data-dir", folder, "--lang", "zh"), "PostgreSQL 9 创建")
    finally:
        database.stop()
        remove(folder)


def test_an_external_database_is_served_and_remembered(start: Start, server: str, tmp_path: Path) -> None:
    folder, url = tmp_path / "city", _url(server, "kangshu_own")
    product = start(folder, "serve", "--db", url)
    seen: list[str] = []
    while product.status("/health") != 200:
        assert product.process.poll() is None, product.said()
        seen += [words for _, words in processes().values() if SECRET in words and "--db" not in words]
    assert not seen, "a password stands in a command line"
    assert not [words for _, words in processes().values() if SECRET in words]
    made = kangshu("token", "create", "--account", "system", "--data-dir", folder)
    token = made.stdout.strip().splitlines()[-1]
    assert product.status("/fhir/Patient?_count=1", token) == 200
    assert not (folder / "postgres").exists()
    assert product.stop() == 0
    assert SECRET not in product.said()
    # stopped, and found again without its address; a demonstration does not go into another's records
    assert kangshu("token", "create", "--account", "system", "--data-dir", folder).returncode == 0
    assert not (folder / "postgres").exists()
    assert (folder / "secrets" / "external-database").stat().st_mode & 0o077 == 0
    one_line(kangshu("demo", "--data-dir", folder, "--reset"), "no demonstration")
