"""Memory and processor seconds of a process and all that it has started, PostgreSQL's and Java's too, as the kernel counts."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from pathlib import Path

_EVERY_SECONDS = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")


class Watched:
    """Looks five times a second at the proportional shares (Pss), so that what is shared does not count twice."""

    def __init__(self, process: int) -> None:
        self._process = process
        self._seen: list[tuple[float, int, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def peak_mb(self, since: float = 0.0) -> int:
        """Return the most that was seen, `since` a moment of the monotonic clock."""
        return max((megabytes for at, megabytes, _ in self._seen if at >= since), default=0)

    def processor_seconds(self, start: float, end: float) -> float:
        """Return what all together used between two moments, to the nearest looks."""
        return self._used(end) - self._used(start)

    def _used(self, moment: float) -> float:
        return min(self._seen, key=lambda one: abs(one[0] - moment))[2] if self._seen else 0.0

    def _look(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            family = _family(self._process)
            memory = sum(map(_kilobytes, family)) // 1024
            self._seen.append((time.monotonic(), memory, sum(family.values())))


def _family(process: int) -> dict[int, float]:
    """Return the process and all below it, with the processor seconds of each and of its children that have ended."""
    children: dict[int, list[int]] = defaultdict(list)
    used: dict[int, float] = {}
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                fields = (one / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            children[int(fields[1])].append(int(one.name))
            used[int(one.name)] = sum(map(int, fields[11:15])) / _TICKS
    found, at = [process], 0
    while at < len(found):
        found += children[found[at]]
        at += 1
    return {one: used.get(one, 0.0) for one in found}


def _kilobytes(process: int) -> int:
    try:
        for line in Path("/proc", str(process), "smaps_rollup").read_text("ascii", "replace").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:  # it has just ended, or is another account's
        pass
    return 0
