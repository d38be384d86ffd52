"""The Makefile's first words to someone whose Python is too old or whose folder cannot be written."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_a_python_that_is_too_old_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements/runtime.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    for target in ("demo", "setup", "test"):
        done = subprocess.run(
            ["make", "--no-print-directory", target, f"PYTHON={old}"], cwd=tmp_path,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert "needs Python 3.11 or later; this is Python 3.9.2" in done.stdout
        assert len(done.stdout.strip().splitlines()) == 1
        assert not (tmp_path / ".venv").exists()
