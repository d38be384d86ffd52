"""All measurements of the project, one after the other: `make bench`. Raw rows go to bench/results/.

Each needs the public suites in ../shared; without them it says so and ends. Nothing here asserts a time: figures are
kept with commit and machine, and compared as ratios between runs on the same machine.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
KANGSHU = Path(sys.executable).with_name("kangshu")
RESULTS = ROOT / "bench" / "results"


def load_rate(folder: Path) -> dict[str, object]:
    """Return resources/s of `kangshu load` on the 92,114 synthetic resources of another project."""
    with tempfile.TemporaryDirectory() as data:
        command = [str(KANGSHU), "load", str(folder), "--data-dir", data]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+) resources in ([\d.]+) s: (\d+)", said)
    if not found:
        raise SystemExit(f"unexpected answer of load: {said[:200]}")
    return {
        "measure": "load synthea-r4-blaze",
        "resources": int(found[1]),
        "seconds": float(found[2]),
        "per_second": int(found[3]),
    }


def reading_rate(folder: Path) -> dict[str, object]:
    """Return characters/s of reading policy documents, all texts joined to about 1 MB."""
    from kangshu.documents import Document
    from kangshu.plans import read_plan

    texts = [one.read_text("utf-8") for one in sorted(folder.glob("*.txt"))]
    while sum(map(len, texts)) < 1_000_000:
        texts += texts
    text = "\n".join(texts)[:1_000_000]
    started = time.perf_counter()
    reading = read_plan(Document.of_text(text))
    seconds = time.perf_counter() - started
    return {"measure": "plan reading, 1 MB", "seconds": round(seconds, 2), "tasks": len(reading.tasks)}


def main() -> int:
    """Measure, print and keep; return the exit status."""
    if not SHARED.is_dir():
        print("../shared is not there: nothing to measure with")
        return 0
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    about = {
        "commit": commit.stdout.strip(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "at": time.strftime("%Y-%m-%d"),
    }
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "run.jsonl").open("a", encoding="utf-8") as file:
        for row in (load_rate(SHARED / "suites" / "synthea-r4-blaze"), reading_rate(SHARED / "documents")):
            print(row)
            file.write(json.dumps(about | row, ensure_ascii=False) + "\n")
    return subprocess.run([sys.executable, str(ROOT / "bench" / "http_bench.py")], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
