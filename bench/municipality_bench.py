"""All measures over a made municipality: by town × sex × age band, one by one, as a dashboard, and down to people.

    kangshu city make --out /data/city --residents 13866009 --as views --memory 4GB
    python bench/municipality_bench.py --folder /data/city [--memory 8GB] [--out bench/results/municipality.jsonl]

What is stored of a measure is one row per town × the values of its dimensions (for people: sex and age band among them); a
measure of places has only those that places have. Each set begins from nothing. Every row printed says what, seconds, and
peak megabytes of this process.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from kangshu.access import system_grant
from kangshu.app.wiring import all_measures, city_services
from kangshu.base.faults import Fault
from kangshu.measures import ResultKeeper, Snapshot, Wanted, period_of, read_manifest
from kangshu.measures.results import read_results

EVERYTHING = system_grant("bench")
NORMS = ("residents", "elder_health", "chronic_care", "maternal_child", "tcm_service")
"""Folders of the national public-health norms."""
ROOT = Path(__file__).resolve().parents[1]


class Told:
    """Prints rows and appends them to a file."""

    def __init__(self, out: Path | None, **shared: Any) -> None:
        self._out, self._shared = out, shared

    def row(self, what: str, seconds: float, **more: Any) -> None:
        """Tell one figure."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        line = json.dumps(
            {**self._shared, "what": what, "seconds": round(seconds, 4), "peak_mb": peak, **more},
            ensure_ascii=False,
        )
        print(line, flush=True)
        if self._out:
            with self._out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


def timed(act: Callable[..., Any], *given: Any, **named: Any) -> tuple[float, Any]:
    """Return how long `act` took and what it returned."""
    began = time.perf_counter()
    found = act(*given, **named)
    return time.perf_counter() - began, found


def main() -> None:
    """Run it all and print the figures."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--folder", type=Path, required=True)
    asked.add_argument("--memory", default="8GB")
    asked.add_argument("--end", type=date.fromisoformat, default=date(2025, 12, 31))
    asked.add_argument("--one-by-one", action="store_true", help="each measure by itself too, from nothing")
    asked.add_argument("--out", type=Path, default=None)
    given = asked.parse_args()
    logging.basicConfig(level=logging.WARNING)
    services = city_services()
    values = {one.id: one.value for service in services for one in service.parameters}
    wanted = [Wanted(one, *period_of(one, given.end), values) for one in all_measures(services)]
    folder, manifest = given.folder, read_manifest(given.folder)
    rows = {
        name: sum(one.rows for part in view.segments for one in part.parts)
        for name, view in manifest.views.items()
    }
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()  # fmt: skip
    told = Told(
        given.out, at=datetime.now(UTC).isoformat(timespec="seconds"), commit=commit, cores=os.cpu_count(),
        load=round(os.getloadavg()[0], 1), memory=given.memory, residents=rows["residents"],
    )  # fmt: skip
    size = sum(one.stat().st_size for one in folder.rglob("*.parquet"))
    told.row("tables", 0, rows=sum(rows.values()), views=len(rows), gigabytes=round(size / 1e9, 2))
    norms = {one.id for service in services if service.id in NORMS for one in service.measures}
    chosen_ones = [one for one in wanted if one.measure.targets or one.measure.id in norms]
    quick = [one for one in wanted if one.measure.id not in whole_record(services)]
    if given.one_by_one:
        one_by_one(told, folder, given.memory, quick)
    for name, chosen in (("targets and health norms", chosen_ones), ("all but data quality", quick)):
        shutil.rmtree(folder / "results", ignore_errors=True)
        keeper = ResultKeeper(folder, memory=given.memory, grace=0)
        seconds, done = timed(keeper.refresh, manifest, chosen)
        told.row(f"stored from nothing: {name}", seconds, asked=len(chosen), stored=done.whole)
    seconds, done = timed(keeper.refresh, manifest, quick)
    told.row("stored again, nothing changed", seconds, kept=done.kept)
    pages(told, folder, quick)


def whole_record(services: Iterable[Any]) -> set[str]:
    """Return the measures of data quality: each holds every record of the city against rules, by night."""
    return {one.id for service in services if service.id == "data_quality" for one in service.measures}


def one_by_one(told: Told, folder: Path, memory: str, wanted: Sequence[Wanted]) -> None:
    """Store every measure by itself from nothing, and tell the spread and the slowest."""
    manifest, took = read_manifest(folder), dict[str, float]()
    for one in wanted:
        shutil.rmtree(folder / "results", ignore_errors=True)
        keeper = ResultKeeper(folder, memory=memory, grace=0)
        seconds, done = timed(keeper.refresh, manifest, [one])
        if done.whole:
            took[one.measure.id] = seconds
        else:
            print(json.dumps({"not stored": one.measure.id}), flush=True)
    spread = sorted(took.values())
    told.row(
        "one by one", sum(spread), measures=len(spread), middle=round(statistics.median(spread), 3),
        of_20_one_beyond=round(spread[int(len(spread) * 0.95)], 3), over_5_seconds=sum(one > 5 for one in spread),
        slowest={name: round(one, 2) for name, one in sorted(took.items(), key=lambda pair: -pair[1])[:12]},
    )  # fmt: skip


def pages(told: Told, folder: Path, wanted: Sequence[Wanted]) -> None:
    """Read what pages read: all numbers by district, one split, the first people behind each."""
    snapshot = Snapshot.open(folder)
    stored = read_results(folder).measures
    held = [one for one in wanted if one.name in stored]
    for name in ("first", "again"):
        seconds, found = timed(snapshot.answered, EVERYTHING, held, "99")
        faults = sum(isinstance(one, Fault) for one in found.values())
        told.row(
            f"dashboard of all measures by district, {name}", seconds, measures=len(found), faults=faults
        )
    splits, drills = dict[str, float](), dict[str, float]()
    for one in (one for one in held if one.measure.per == "person"):
        names = {each.id for each in one.measure.dimensions}
        by = tuple(name for name in ("town", "gender", "age-band") if name in names) or ("district",)
        try:
            asked = (EVERYTHING, one.measure, one.parameters, one.start, one.end)
            splits[one.measure.id] = timed(snapshot.evaluate, *asked, by=by)[0]
            drills[one.measure.id] = timed(snapshot.subjects, *asked, part="denominator")[0]
        except Fault as fault:
            print(json.dumps({"fault": one.measure.id, "why": str(fault)[:200]}), flush=True)
    for what, took in (
        ("one measure by town × sex × age band", splits),
        ("first page of people behind it", drills),
    ):
        spread = sorted(took.values())
        told.row(
            what, statistics.median(spread), measures=len(spread), of_20_one_beyond=round(spread[int(len(spread) * 0.95)], 4),
            slowest={name: round(one, 3) for name, one in sorted(took.items(), key=lambda pair: -pair[1])[:6]},
        )  # fmt: skip
    snapshot.close()


if __name__ == "__main__":
    main()
