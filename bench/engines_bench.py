"""The same measures on four engines over one made city, in one run: equal numbers, and what each engine takes.

    python bench/engines_bench.py [--residents 100000] [--every 10] [--spark-python PATH] [--fhirpath-python PATH]

Six measures of different kinds × town × sex × age band: on DuckDB (our measures as the product computes them), on Spark (the
same, `local-cluster` with two executors), on plain PostgreSQL (one table of JSONB, SQL by hand), by a FHIRPath library over
NDJSON (on every n-th resident, ten by default; extended along a straight line and said to be an estimate). Every engine runs in a process
of its own, one after the other. Those that are not installed are left out, and that is said. PySpark and fhirpathpy may stand in
environments of their own, whose interpreters are named.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engines import MEASURES, Asked, Skipped
from engines.watched import Watched

ROOT = Path(__file__).resolve().parents[1]
ENGINES = ("duckdb", "spark", "postgresql", "fhirpath")
FOUND = "found-{}.json"
_SECONDS = ("load_seconds", "measures_seconds", "load_processor", "measures_processor")
Found = dict[str, dict[str, list[list[Any]]]]


def alone(engine: str, asked: Asked, given: argparse.Namespace) -> None:
    """Run one engine (or make one part of the city) in this process and print what it took."""
    if engine.startswith("make-"):
        city = importlib.import_module("engines.city")
        city.make(asked, given.residents, given.seed, int(engine.removeprefix("make-")))
        sys.stdout.write("{}\n")
        return
    try:
        told = importlib.import_module(f"engines.on_{engine}").run(asked)
    except Skipped as fault:
        sys.stdout.write(json.dumps({"skipped": str(fault)}) + "\n")
        return
    found = {name: asdict(told)[name] for name in ("cells", "sampled")}
    (asked.city / FOUND.format(engine)).write_text(json.dumps(found), "utf-8")
    sys.stdout.write(json.dumps(told.as_row()) + "\n")


def started(engine: str, asked: Asked, given: argparse.Namespace) -> subprocess.Popen[str]:
    """Start an engine in a process of its own."""
    python = {"spark": given.spark_python, "fhirpath": given.fhirpath_python}.get(engine) or sys.executable
    command = [
        python, __file__, "--alone", engine, "--city", str(asked.city), "--residents", str(given.residents),
        "--seed", str(given.seed), "--years", str(asked.years), "--every", str(asked.every), "--memory", asked.memory,
    ]  # fmt: skip
    # so that the package is found where it is not installed
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def told_by(process: subprocess.Popen[str], what: str) -> dict[str, Any]:
    """Wait for a process and return the last line that it printed. Ends the run where it failed."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{what} failed, see above")
    row: dict[str, Any] = json.loads(said.splitlines()[-1])
    return row


def made(asked: Asked, given: argparse.Namespace) -> dict[str, Any]:
    """Make the city's parts at the same time; return people, resources, bytes and seconds."""
    began = time.perf_counter()
    if not asked.files():
        processes = [started(f"make-{part}", asked, given) for part in range(2)]
        for one in processes:
            told_by(one, "making the city")
    people = sum(file.read_bytes().count(b"\n") for file in asked.files("Patient"))
    resources = sum(file.read_bytes().count(b"\n") for file in asked.files())
    return {
        "people": people, "resources": resources, "ndjson_bytes": sum(one.stat().st_size for one in asked.files()),
        "made_seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def measured(engine: str, asked: Asked, given: argparse.Namespace, resources: int) -> dict[str, Any]:
    """Run one engine, watched, and return its row: sums, peak of memory, and for a sample the estimate."""
    load = round(os.getloadavg()[0], 1)
    began = time.perf_counter()
    process = started(engine, asked, given)
    with Watched(process.pid) as watched:
        row = told_by(process, engine)
    if "skipped" in row:
        return row
    row |= {"load_before": load, "process_seconds": round(time.perf_counter() - began, 1)}
    loading, loaded, first = (row.pop(name) for name in ("loading_at", "loaded_at", "first_at"))
    row |= {"peak_mb": watched.peak_mb(), "peak_mb_measures": watched.peak_mb(loaded)}
    row["load_processor"] = round(watched.processor_seconds(loading, loaded), 1)
    row["measures_processor"] = round(watched.processor_seconds(loaded, first), 1)
    row["measures_seconds"] = round(sum(row["seconds"].values()), 2)
    row["again_seconds"] = round(sum(row["again"].values()), 2)
    if "sample_resources" in row["more"]:
        factor = resources / row["more"]["sample_resources"]
        row["estimated"] = {"times": round(factor, 1)}
        row["estimated"] |= {name: round(row[name] * factor, 1) for name in _SECONDS}
    return row


def differences(asked: Asked, engine: str) -> list[str]:
    """Return what an engine's numbers have that DuckDB's have not, or the other way round, in words."""
    base, other = (_found(asked, one) for one in ("duckdb", engine))
    part = "cells" if other["cells"] else "sampled"
    told = []
    for name in MEASURES:
        ours, theirs = ({tuple(row) for row in one[part].get(name, [])} for one in (base, other))
        if not ours:
            told.append(f"{name}: DuckDB found nothing")
        told += [f"{name}: {row} is DuckDB's alone" for row in sorted(ours - theirs)]
        told += [f"{name}: {row} is {engine}'s alone" for row in sorted(theirs - ours)]
    return told


def _found(asked: Asked, engine: str) -> Found:
    read: Found = json.loads((asked.city / FOUND.format(engine)).read_text("utf-8"))
    return read


def with_ratios(rows: dict[str, dict[str, Any]]) -> None:
    """Add to each engine's row how many times what DuckDB took: the estimate where it ran on a sample."""
    base = rows["duckdb"]
    for row in rows.values():
        if "skipped" not in row:
            times = {**row, **row.get("estimated", {})}
            # the memory of a sample says nothing of the city's
            names = (*_SECONDS, "bytes", *(() if "estimated" in row else ("peak_mb",)))
            row["times_duckdb"] = {name: round(times[name] / base[name], 2) for name in names if base[name]}


def main() -> int:
    """Make the city, run the engines, compare, print, keep; return 1 where numbers differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--residents", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument(
        "--every", type=int, default=10, help="the FHIRPath library takes every n-th resident"
    )
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--engines", nargs="+", default=ENGINES, choices=ENGINES)
    parser.add_argument("--spark-python", default="", help="the interpreter that has PySpark")
    parser.add_argument("--fhirpath-python", default="", help="the interpreter that has fhirpathpy")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results/engines.jsonl")
    parser.add_argument(
        "--city", type=Path, help="the folder of a made city, which is kept; else one is made"
    )
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    given = parser.parse_args()
    city = given.city or Path(tempfile.mkdtemp(prefix="kangshu-engines-"))
    asked = Asked(city, given.years, given.every, given.memory)
    if given.alone:
        alone(given.alone, asked, given)
        return 0
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    about: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit, "cores": os.cpu_count(),
        "python": platform.python_version(), "load": round(os.getloadavg()[0], 1), "residents": given.residents,
        "years": given.years, "seed": given.seed,
    }  # fmt: skip
    began = time.perf_counter()
    try:
        about |= made(asked, given)
        rows, unequal = {}, 0
        for engine in dict.fromkeys(("duckdb", *given.engines)):
            row = rows[engine] = measured(engine, asked, given, about["resources"])
            if "skipped" in row:
                print(f"{engine}: left out, {row['skipped']}", flush=True)
                continue
            told = differences(asked, engine)
            row["differences"] = len(told)
            unequal += len(told)
            print(json.dumps(row, indent=1), *told[:5], sep="\n", flush=True)
        with_ratios(rows)
    finally:
        shutil.rmtree(asked.tables if given.city else city, ignore_errors=True)
    kept = {**about, "seconds": round(time.perf_counter() - began), "engines": rows}
    with given.out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(kept) + "\n")
    for engine, row in rows.items():
        print(engine, row.get("times_duckdb", row.get("skipped")))
    print(
        f"{about['people']} people, {about['resources']} resources, {kept['seconds']} s; {unequal} numbers differ"
    )
    return 1 if unequal else 0


if __name__ == "__main__":
    sys.exit(main())
