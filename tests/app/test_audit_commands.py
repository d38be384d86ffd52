"""`kangshu audit`: anchors are written, the chain is checked, and the exit status says what came of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from .conftest import Start
from .product import kangshu, one_line

GUARDED = (
    "alter table audit disable trigger audit_stands; {}; alter table audit enable always trigger audit_stands"
)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def test_an_anchor_shows_what_the_chain_alone_does_not(start: Start, tmp_path: Path) -> None:
    folder, worm = tmp_path / "city", tmp_path / "worm"
    worm.mkdir()
    assert kangshu("init", "--data-dir", folder, "--city", "某市", "--jurisdiction", "990200").returncode == 0
    start(folder, "serve").serving()
    url = json.loads((folder / "running.json").read_text("utf-8"))["database"]

    placed = kangshu("audit", "places", worm, "--data-dir", folder)
    assert placed.stdout.splitlines()[-1] == str(worm)
    one_line(kangshu("audit", "places", tmp_path / "none", "--data-dir", folder), "no folder")
    written = kangshu("audit", "anchor", "--data-dir", folder)
    assert written.returncode == 0, written.stderr
    line = written.stdout.strip()
    assert line.startswith("KANGSHU-AUDIT-1 ")
    (kept,) = [path for path in worm.iterdir() if path.read_text("utf-8").strip() == line]

    holds = kangshu("audit", "verify", "--data-dir", folder)
    assert (holds.returncode, "the audit holds" in holds.stdout) == (0, True), holds.stdout + holds.stderr
    outside = tmp_path / "key.pem"
    outside.write_bytes((folder / "audit-public-key.pem").read_bytes())
    given = kangshu("audit", "verify", "--anchor", kept, "--public-key", outside, "--data-dir", folder)
    assert "1 of 1 anchors agree" in given.stdout

    with pytest.raises(asyncpg.RestrictViolationError):
        asyncio.run(_execute(url, "delete from audit"))
    asyncio.run(_execute(url, GUARDED.format("update audit set account = 'nobody' where position = 1")))
    broken = kangshu("audit", "verify", "--data-dir", folder, "--lang", "zh")
    assert broken.returncode == 1
    assert "第 1 批" in broken.stdout
    assert "有记录被改动" in broken.stdout
    doctor = kangshu("doctor", "--data-dir", folder)
    assert "!! the audit chain is broken: batch 1" in doctor.stdout

    # somebody with every right takes the history away and lets the product begin a new one
    wiped = "; ".join(
        (
            "alter table audit disable trigger audit_stands", "alter table audit_batch disable trigger audit_stands",
            "truncate audit, audit_batch", "alter table audit enable always trigger audit_stands",
            "alter table audit_batch enable always trigger audit_stands",
        )
    )  # fmt: skip
    asyncio.run(_execute(url, wiped))
    for _ in range(3):
        assert kangshu("token", "create", "--account", "system", "--data-dir", folder).returncode == 0
    alone = kangshu("audit", "verify", "--anchor", kept, "--data-dir", folder)
    assert alone.returncode == 1
    assert "the audit does not hold" in alone.stdout
    kept.chmod(0o644)
    kept.write_text(line.replace("KANGSHU-AUDIT-1 ", "KANGSHU-AUDIT-1 0"), "utf-8")
    forged = kangshu("audit", "verify", "--anchor", kept, "--data-dir", folder)
    assert forged.returncode == 1
    assert "signed with another key" in forged.stdout
    one_line(
        kangshu("audit", "verify", "--anchor", tmp_path / "none.txt", "--data-dir", folder), "cannot be read"
    )
