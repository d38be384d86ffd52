"""How fast plans are read, and that time grows with the length only: `python bench/reading_bench.py`.

Texts are written by the tests' plan writer (no document of anyone else); raw rows go to bench/results/reading.jsonl.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from kangshu.documents import Document  # noqa: E402
from kangshu.plans import read_plan  # noqa: E402
from tests.plans.reading.plan_writer import write_plan  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "reading.jsonl"
SIZES = (50_000, 100_000, 200_000, 350_000, 700_000, 1_000_000)  # characters; 350,000 are about 1 MB of UTF-8
HARD = {
    "one line": "到2025年,新增床位100张,给予每张床位5000元补贴,",
    "open brackets": "(责任单位:市民政局",
    "shares": "10%、",
    "bars": "责任单位 |\n",
    "header lines": "序号\n责任单位\n",
    "digits": "11111 ",
}


def measured(name: str, text: str) -> dict[str, object]:
    """Return one row: seconds for `text`, and what was found in it."""
    document = Document.of_text(text)
    started, processor = time.perf_counter(), time.process_time()
    reading = read_plan(document)
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    return {
        "text": name,
        "characters": len(text),
        "bytes": len(text.encode()),
        "seconds": round(seconds, 3),
        "processor_seconds": round(processor, 3),
        "tasks": len(reading.tasks),
        "targets": len(reading.targets),
    }


def main() -> int:
    """Measure, print and keep."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    machine = {"commit": commit.stdout.strip(), "cores": os.cpu_count(), "python": platform.python_version()}
    plans = "\n".join(write_plan(seed).text for seed in range(2_000))
    read_plan(Document.of_text(plans[:10_000]))  # the grammar is compiled
    rows = [measured("plans", (plans * 3)[:size]) for size in SIZES]
    for name, piece in HARD.items():
        rows += [measured(name, (piece * size)[:size]) for size in (25_000, 50_000)]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as kept:
        for row in rows:
            print(row)
            kept.write(json.dumps({**machine, **row}, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
