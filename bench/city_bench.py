"""How long a municipality takes and how much memory, and what that says of 13,866,009 residents.

    python bench/city_bench.py [--residents 20000 50000] [--memory 2GB] [--out bench/results/city.jsonl]

Makes the view tables of two cities of different size (each in a process of its own), and puts one straight line through
their processor seconds and bytes; a fixed part is the proof of the first block. The line is extended to the whole city and
said to be an estimate; `--whole` makes it. Seconds on the clock depend on what else the machine does and are not extended.
Memory does not grow with the city but with the block: it is extended to one block of 600,000 residents, above which the
engine's limit holds and the rest is spilled.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

WHOLE = 13_866_009
ROOT = Path(__file__).resolve().parents[1]


def run(residents: int, memory: str, block: int) -> dict[str, Any]:
    """Make a city in this process and return what it took."""
    from kangshu.app.wiring import city_services
    from kangshu.municipality import Municipality, make_views

    services = city_services()
    with tempfile.TemporaryDirectory(prefix="kangshu-city-") as folder:
        began, used = time.perf_counter(), time.process_time()
        made = make_views(Municipality(residents), Path(folder), services, memory=memory, block=block)
        seconds, processor = time.perf_counter() - began, time.process_time() - used
        size = sum(one.stat().st_size for one in Path(folder).rglob("*.parquet"))
        files = len(list(Path(folder).rglob("*.parquet")))
    observations = sum(made.rows.get(name, 0) for name in ("blood_pressures", "measurements"))
    return {
        "residents": residents,
        "people": made.people,
        "rows": sum(made.rows.values()),
        "observations": observations,
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "bytes": size,
        "files": files,
        "figures_off": [one.id for one in made.figures() if not one.holds],
    }


def whole(small: dict[str, Any], large: dict[str, Any]) -> dict[str, Any]:
    """Return the straight line through two runs at the whole city; an estimate."""

    def at(key: str, residents: int = WHOLE) -> float:
        slope = (large[key] - small[key]) / (large["residents"] - small["residents"])
        return float(large[key] + slope * (residents - large["residents"]))

    return {
        "estimate_for": WHOLE,
        "rows": round(at("rows")),
        "observations": round(at("observations")),
        "processor_minutes": round(at("processor_seconds") / 60, 1),
        "peak_mb_of_a_block_without_limit": round(at("peak_mb", 600_000)),
        "gigabytes": round(at("bytes") / 1e9, 2),
    }


def main() -> None:
    """Run the sizes one after the other, each in a fresh process, and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, nargs=2, default=(20_000, 50_000))
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--block", type=int, default=5_000)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results/city.jsonl")
    asked = parser.parse_args()
    if asked.alone:
        sys.stdout.write(json.dumps(run(asked.alone, asked.memory, asked.block)) + "\n")
        return
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "memory_limit": asked.memory,
    }
    rows = []
    for residents in (WHOLE,) if asked.whole else asked.residents:
        told = subprocess.run(
            [sys.executable, __file__, "--alone", str(residents), "--memory", asked.memory, "--block", str(asked.block)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        rows.append({**about, **json.loads(told.stdout)})
    if len(rows) == 2:
        rows.append({**about, **whole(*rows)})
    with asked.out.open("a") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
            print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
