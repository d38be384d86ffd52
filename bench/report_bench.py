"""Seconds to freeze a plan and to write each report of it: the demo city's plan and one of 400 clauses.

    python bench/report_bench.py

Starts a database of its own, makes a small demo city in it and measures there; rows go to bench/results/reports.jsonl.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform as machine
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kangshu.access import system_grant
from kangshu.app.demo import demo_identity, make_demo
from kangshu.app.installation import Installation
from kangshu.app.wiring import Place, open_platform
from kangshu.plans import FrozenSnapshot
from kangshu.plans.reporting import MEDIA_TYPES, REPORT_KINDS, write_report_apart
from kangshu.store import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "reports.jsonl"
CLAUSES = 400
UNIT = "unit-civil-affairs"
TIMES = 3


def long_plan(clauses: int) -> str:
    """Return a plan of our own with so many clauses, each with a target."""
    units = (
        "市卫生健康委",
        "市民政局",
        "市发展改革委",
        "市财政局",
        "市医疗保障局",
        "市教育局",
        "市体育局",
        "市商务局",
    )
    lines = ["云汐市健康服务提升长期规划", ""]
    for number in range(1, clauses + 1):
        if number % 40 == 1:
            lines += [f"第{number // 40 + 1}章 健康服务工程", ""]
        lead, other = units[number % len(units)], units[(number + 3) % len(units)]
        lines += [
            f"{number}.推进健康服务事项。到2027年，第{number}类服务机构达到{number + 20}家，完善制度，加强培训。（牵头单位：{lead}；配合单位：{other}）",
            "",
        ]
    return "\n".join(lines)


def best(seconds: list[float]) -> float:
    """Return the least of some measurements."""
    return round(min(seconds), 3)


async def write_all(frozen: FrozenSnapshot) -> dict[str, float]:
    """Return the seconds of each report in each form, as a page hands it out: a pdf by a process of its own."""
    found = {}
    for kind in REPORT_KINDS:
        for form in MEDIA_TYPES:
            started = time.perf_counter()
            await write_report_apart(frozen, kind.id, form, UNIT)
            found[f"{kind.id}.{form}"] = round(time.perf_counter() - started, 3)
    return found


async def measure(url: str, folder: Path) -> list[dict[str, object]]:
    """Return the rows of both plans."""
    installation = Installation(folder)
    installation.found(demo_identity())
    await make_demo(installation, url, residents=2000, years=2, progress=lambda *_: None)
    rows: list[dict[str, object]] = []
    async with open_platform(url, Place(folder, installation.views, demo_identity())) as platform:
        office = system_grant("bench")
        text = long_plan(CLAUSES).encode()
        long = await platform.plans.import_plan(office, text, "长.txt", "990100", demo=True)
        own = next(one for one in await platform.plans.plans(office) if one.id != long.plan)
        for name, plan, clauses in (
            ("demo city's plan", own.id, own.clauses),
            ("long plan", long.plan, long.clauses),
        ):
            taken = []
            for _ in range(TIMES):
                started = time.perf_counter()
                frozen = await platform.snapshots.freeze(office, [plan])
                taken.append(time.perf_counter() - started)
            row: dict[str, object] = {
                "measure": name,
                "clauses": clauses,
                "bytes": len(frozen.data),
                "freeze": best(taken),
            }
            rows.append({**row, **await write_all(frozen)})
    return rows


def main() -> int:
    """Measure, print and keep; return the exit status."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()  # fmt: skip
    with tempfile.TemporaryDirectory() as data:
        folder = Path(data)
        database = EmbeddedPostgres(folder)
        database.start()
        try:
            rows = asyncio.run(measure(database.url(), folder))
        finally:
            database.stop()
    with RESULTS.open("a", encoding="utf-8") as kept:
        for row in rows:
            row.update(commit=commit, cores=os.cpu_count(), machine=machine.machine())
            kept.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(json.dumps(row, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
