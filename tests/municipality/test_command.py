"""`kangshu city make` of a municipality as a user types it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from kangshu.measures import Snapshot

COMMAND = [sys.executable, "-c", "from kangshu.app.main import main; main()", "--lang", "en", "city", "make"]


def make(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command and return what it says."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, check=False, timeout=240
    )


def test_a_municipality_is_made_with_progress_and_a_verdict(tmp_path: Path) -> None:
    done = make("--out", tmp_path, "--residents", "240", "--years", "1", "--as", "views")
    assert done.returncode == 0, done.stderr
    assert "figures are within their tolerance" in done.stdout
    assert "100 %" in done.stderr
    assert Snapshot.open(tmp_path).position > 240


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    done = make("--out", tmp_path, "--as", "tables")
    assert done.returncode != 0
    assert "choose demo, ndjson or views" in done.stderr
    done = make("--out", tmp_path, "--as", "views", "--blocks", "1..2")
    assert done.returncode != 0
    assert "names no blocks" in done.stderr
