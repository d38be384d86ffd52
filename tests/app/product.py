"""The command `kangshu` as its users run it: a process of its own, with what it says and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

KANGSHU = Path(sys.executable).parent / "kangshu"
PATIENCE = 300.0
"""Seconds until a test gives up waiting; nothing is measured by it."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def kangshu(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [KANGSHU, *arguments], capture_output=True, text=True, timeout=PATIENCE,
        env=_environment() | dict(env or {}), check=False,
    )  # fmt: skip


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that a command failed as it should: status 2, one line on standard error that holds `words`."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stdout
    for word in words:
        assert word in done.stderr


def processes() -> dict[int, tuple[int, str]]:
    """Return the parent and the command line of every process that runs; the dead that nobody buried do not."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if fields[0] != "Z":
            found[int(entry.name)] = (int(fields[1]), words)
    return found


def family(pid: int) -> set[int]:
    """Return `pid` and every process below it."""
    known = processes()
    found = {pid}
    while more := {one for one, (parent, _) in known.items() if parent in found} - found:
        found |= more
    return found


def gone(pids: set[int]) -> bool:
    """Return whether all of `pids` end soon."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not pids & processes().keys():
            return True
        time.sleep(0.05)
    return False


class Product:
    """`kangshu demo` or `kangshu serve` in the background; everything that it said is in `said()`."""

    def __init__(
        self,
        folder: Path,
        command: str,
        *options: str,
        env: Mapping[str, str] | None = None,
        port: int = 0,
        workers: int = 1,
    ) -> None:
        self.folder, self.port = folder, port or free_port()
        self._log = folder.with_suffix(".log")
        self._file = self._log.open("ab")
        self.process = subprocess.Popen(
            [KANGSHU, command, "--data-dir", folder, "--port", str(self.port), "--workers", str(workers), *options],
            stdout=self._file, stderr=self._file, env=_environment() | dict(env or {}),
        )  # fmt: skip

    def said(self) -> str:
        """Return what it has written so far."""
        return self._log.read_text("utf-8", "replace")

    def await_said(self, word: str, times: int = 1) -> None:
        """Wait until it has written `word` so many times."""
        self._await(lambda: self.said().count(word) >= times, word)

    def serving(self) -> Product:
        """Wait until it answers; return itself."""
        self._await(lambda: self.status("/health") == 200, "an answer")
        return self

    def status(self, path: str, token: str = "") -> int:
        """Return the HTTP status of `path`, 0 where nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def await_file(self, name: str) -> None:
        """Wait until the folder holds a file."""
        self._await((self.folder / name).exists, name)

    def await_status(self, path: str, token: str, status: int = 200) -> None:
        """Wait until `path` answers with `status`."""
        self._await(lambda: self.status(path, token) == status, f"{status} of {path}")

    def workers(self, kind: str) -> list[int]:
        """Return the workers of a kind."""
        known = processes()
        return [
            one
            for one in family(self.process.pid)
            if known.get(one, (0, ""))[1].rstrip().endswith(f"worker {kind}")
        ]

    def postgres(self) -> int:
        """Return the database server."""
        return next(
            one for one, (parent, words) in processes().items()
            if parent == self.process.pid and re.match(r"\S*/postgres -D", words)
        )  # fmt: skip

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to stop and return its status; assert that it leaves no process behind."""
        everyone = family(self.process.pid)
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self._file.close()
        assert gone(everyone), [words for pid, (_, words) in processes().items() if pid in everyone]
        return status

    def clean(self) -> None:
        """Kill what a failed test left, and remove the cluster that lies outside the folder."""
        for one in family(self.process.pid):
            if self.process.poll() is None or one != self.process.pid:
                kill(one)
        self.process.wait(PATIENCE)
        self._file.close()

    def _await(self, holds: object, what: str) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if holds():  # type: ignore[operator]
                return
            assert self.process.poll() is None, f"it ended while {what} was awaited:\n{self.said()}"
            time.sleep(0.05)
        raise AssertionError(f"{what} never came:\n{self.said()}")


def kill(pid: int) -> None:
    """Kill a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def remove(folder: Path) -> None:
    """Remove an installation: servers left on it, its folder, and the cluster that a root's launcher put elsewhere."""
    location = folder / "postgres.location"
    homes = [folder]
    if location.exists():
        homes.append(Path(location.read_text("utf-8").strip()))
    for pid, (_, words) in processes().items():
        if any(f"{home}/" in words or words.rstrip().endswith(str(home)) for home in homes):
            kill(pid)
    for home in homes:
        shutil.rmtree(home, ignore_errors=True)


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("KANGSHU_", "PYTEST_"))
    } | {"COLUMNS": "200"}
