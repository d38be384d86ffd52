"""The processes that a supervisor starts, what they are told, and how they learn that it is gone.

Every process holds the reading end of a pipe whose writing end is the supervisor's alone: when the supervisor ends,
however it ends, the pipe does too.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from kangshu.base.faults import Unavailable

Kind = Literal["prepare", "background", "web"]

VARIABLE: Final = "KANGSHU_WORKER"
QUICK_SECONDS: Final = 5.0
LONGEST_PAUSE: Final = 30.0
LAST_SECONDS: Final = 15
"""So long a process may take to end when its supervisor is gone."""


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a process is told, by its environment: secrets do not stand in a command line."""

    data_dir: str
    database: str
    socket: int = -1
    address: str = ""
    language: str = "zh"
    pool: int = 8
    public_url: str = ""
    demo: Mapping[str, int] = field(default_factory=dict)
    """Of a process that prepares a demonstration: `residents` and `years`; else empty."""

    def environment(self) -> dict[str, str]:
        """Return the environment of the process."""
        kept = {name: value for name, value in os.environ.items() if name != "KANGSHU_DB"}
        return kept | {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def received(cls) -> WorkerOrder:
        """Return the order that this process was started with. Raises Unavailable without one."""
        text = os.environ.pop(VARIABLE, "")
        if not text:
            raise Unavailable(
                "a worker is started by 'kangshu serve', not by hand", zh="请使用 kangshu serve 启动"
            )
        return cls(**json.loads(text))


class Lifeline:
    """The supervisor's end of the pipe; processes are given `reading` as their standard input."""

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()

    def close(self) -> None:
        """Let go of both ends."""
        os.close(self.reading)
        os.close(self._writing)


def end_with_supervisor(*, at_once: bool = False) -> None:
    """In a process: stop when the supervisor is gone, by SIGTERM first; `at_once` with all of its own processes."""

    def watch() -> None:
        with contextlib.suppress(OSError):
            os.read(0, 1)
        if at_once:
            os.killpg(0, signal.SIGKILL)
        for _ in range(LAST_SECONDS):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


@dataclass
class Worker:
    """One process, started again when it ends."""

    kind: Kind
    order: WorkerOrder
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_ends: int = 0
    not_before: float = 0.0

    def start(self, lifeline: Lifeline, *, stdout: int | None = None) -> subprocess.Popen[bytes]:
        """Start the process in a session of its own, which Ctrl-C does not reach."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "kangshu.app.worker", self.kind],
            env=self.order.environment(),
            pass_fds=(self.order.socket,) if self.order.socket >= 0 else (),
            stdin=lifeline.reading,
            stdout=stdout,
            start_new_session=True,
        )
        return self.process

    def ended(self) -> bool:
        """Return whether the process ended and was not started again."""
        return self.process is not None and self.process.poll() is not None

    def restart_when_due(self, lifeline: Lifeline) -> None:
        """Start it again if it ended: at once, or, when it ends quickly each time, after a growing pause."""
        if not self.ended():
            return
        now = time.monotonic()
        if self.not_before == 0.0:
            quick = now - self.started < QUICK_SECONDS
            self.quick_ends = self.quick_ends + 1 if quick else 0
            pause = min(LONGEST_PAUSE, 0.5 * 2**self.quick_ends) if quick else 0.0
            self.not_before = now + pause
        if now >= self.not_before:
            self.not_before = 0.0
            self.start(lifeline)


def stop(processes: list[subprocess.Popen[bytes]], seconds: float) -> None:
    """Stop processes by SIGTERM; kill those that have not ended after `seconds`."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    end = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads its session, and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process in MB, 0 where it cannot be known."""
    try:
        with Path(f"/proc/{pid}/status").open(encoding="utf-8") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        pass
    return 0.0


def children_of(pid: int) -> list[int]:
    """Return the processes that `pid` started and that run; none where /proc is absent."""
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return []
    return [int(word) for word in words]


def kind_of(pid: int) -> str:
    """Return the kind of a worker process, "" where it is none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return words[3].decode("ascii", "replace") if words[1:3] == [b"-m", b"kangshu.app.worker"] else ""


def message(kind: str, content: Any) -> str:
    """Return one line that a preparing process tells its supervisor."""
    return json.dumps({kind: content}, ensure_ascii=False)
