"""The launcher: starts, recovers from kill -9 of everything, and clears only what is stale."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from kangshu.base.faults import Conflict, Unavailable
from kangshu.store.embedded import EmbeddedPostgres


async def _value(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_a_cluster_has_checksums_scram_and_a_builtin_locale(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "city")
    url = server.start()
    try:
        assert await _value(url, "show data_checksums") == "on"
        assert (
            await _value(
                url,
                "select datlocprovider::text || ' ' || datlocale from pg_database where datname = 'kangshu'",
            )
            == "b C.UTF-8"
        )
        assert await _value(url, "show password_encryption") == "scram-sha-256"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url.replace(server._password(), "wrong"))
    finally:
        server.stop()
    assert not server.alive()


async def test_what_was_committed_survives_kill_9_of_every_process(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    server = EmbeddedPostgres(folder)
    url = server.start()
    await _value(url, "create table t as select g from generate_series(1, 1000) g")
    pid = server.pid()
    assert pid is not None
    subprocess.run(["pkill", "-9", "-P", str(pid)], check=False)
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    again = EmbeddedPostgres(folder)
    try:
        assert await _value(again.start(), "select count(*) from t") == 1000
    finally:
        again.stop()
        server.stop()


async def test_a_stale_pid_file_that_names_a_living_stranger_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    server = EmbeddedPostgres(folder)
    server.start()
    server.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (server.cluster / "postmaster.pid").write_text(
            f"{stranger.pid}\n{server.cluster}\n0\n5432\n", "utf-8"
        )
        assert await _value(server.start(), "select 1") == 1
    finally:
        server.stop()
        stranger.kill()
        stranger.wait()


async def test_a_server_left_behind_by_a_killed_supervisor_is_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "city"
    orphan = EmbeddedPostgres(folder)
    orphan.start()
    server = EmbeddedPostgres(folder)
    try:
        assert await _value(server.start(), "select 1") == 1
        assert not orphan.alive()
    finally:
        server.stop()


def test_data_of_another_major_version_is_refused(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "city")
    server.start()
    server.stop()
    (server.cluster / "PG_VERSION").write_text("9\n", "ascii")
    with pytest.raises(Conflict, match="made by PostgreSQL 9"):
        server.start()


def test_a_folder_without_programs_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="--pg-bin"):
        EmbeddedPostgres(tmp_path / "city", bin_dir=tmp_path)
