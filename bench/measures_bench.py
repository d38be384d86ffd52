"""Measures over many residents: tables adopted, results stored, refreshed after changes, pages read.

The tables are plain ones, written by SQL with the shape that the measures need (not a city: `city make` draws those).
`python bench/measures_bench.py --residents 2000000` prints one JSON object per figure: what, seconds, and how much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from kangshu.access import Grant, Scope, system_grant
from kangshu.app.wiring import all_measures, all_views, city_services
from kangshu.measures import ResultKeeper, Snapshot, ViewKeeper, Wanted, adopt, period_of, read_manifest

END = date(2025, 12, 31)
PER_PERSON = (
    "elder-management-rate-60", "elder-management-rate-65", "elder-assessment-65", "family-doctor-coverage-60",
)  # fmt: skip
EVERYTHING = system_grant("bench")


@dataclass(frozen=True)
class Change:
    """A change of the feed."""

    position: int
    type: str
    id: str
    version: int
    kind: str
    resource: Any
    scope: Scope


class Feed:
    """A feed that begins after what was adopted."""

    identity = "bench"

    def __init__(self, start: int) -> None:
        self.start, self.changes = start, list[Change]()

    async def feed(self, grant: Grant, after: int, limit: int = 1000) -> Sequence[Change]:
        """Return the changes after a position."""
        first = after - self.start
        return self.changes[max(first, 0) : max(first, 0) + limit]

    async def feed_position(self) -> int:
        """Return the last position."""
        return self.start + len(self.changes)


@contextmanager
def timed(what: str, **more: Any) -> Iterator[dict[str, Any]]:
    """Print how long a block took; the block may add to what is printed."""
    found: dict[str, Any] = {}
    began = time.perf_counter()
    yield found
    seconds = round(time.perf_counter() - began, 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"what": what, "seconds": seconds, "peak_mb": peak, **more, **found}), flush=True)


def tables(folder: Path, residents: int) -> dict[str, list[Path]]:
    """Write residents, their contracts, managements and assessments as Parquet; return the files by view."""
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET memory_limit = '4GB'; SET preserve_insertion_order = false")
    scope = (
        "'{type}' AS resource_type, '{letter}' || n AS resource_id, "
        "'99' || lpad(CAST(n % 16 + 101 AS VARCHAR), 4, '0') || lpad(CAST(n // 16 % 20 + 1 AS VARCHAR), 3, '0') "
        "AS scope_district, ['centre-' || (n // 16 % 300)] AS scope_organisations, 'p' || n AS scope_patient, "
        "CAST([] AS VARCHAR[]) AS scope_labels"
    )
    made = {
        "residents": (
            "Patient", "p", residents,
            ("'Patient/p' || n AS resident, CASE n % 2 WHEN 0 THEN 'female' ELSE 'male' END AS gender, "
            "CAST(DATE '1930-01-01' + CAST(hash(n) % 34000 AS INTEGER) AS VARCHAR) AS birth_date, "
            "CAST(true AS BOOLEAN) AS active, CAST(NULL AS BOOLEAN) AS deceased, "
            "CAST(NULL AS VARCHAR) AS deceased_time, 'Organization/centre-' || (n // 16 % 300) AS centre, "
            "CAST(NULL AS VARCHAR) AS household"),
        ),
        "elder_health_managements": (
            "Encounter", "e", residents // 4,
            ("'Encounter/e' || n AS encounter, 'finished' AS status, 'Patient/p' || n AS resident, "
            "CAST(DATE '2021-01-01' + CAST(hash(n) % 1826 AS INTEGER) AS VARCHAR) AS starts, true AS complete, "
            "true AS assessed, 'Organization/centre-' || (n // 16 % 300) AS provider"),
        ),
        "family_doctor_contracts": (
            "Contract", "c", residents // 2,
            ("'Contract/c' || n AS contract, 'executed' AS status, 'Patient/p' || n AS resident, "
            "'Organization/centre-' || (n // 16 % 300) AS centre, '2025-01-01' AS starts, '2026-12-31' AS ends, "
            "'2025-01-01' AS issued, CAST(NULL AS VARCHAR) AS team, CAST(NULL AS VARCHAR) AS package, "
            "CAST(NULL AS VARCHAR) AS hospital"),
        ),
        "ability_assessments": (
            "Observation", "a", residents // 8,
            ("'Observation/a' || n AS observation, 'final' AS status, 'Patient/p' || n AS resident, "
            "CAST(DATE '2021-01-01' + CAST(hash(n) % 1826 AS INTEGER) AS VARCHAR) AS assessed, 80 AS score, "
            "CAST(NULL AS VARCHAR) AS valid_until, CAST(NULL AS VARCHAR) AS assessor, '1' AS level"),
        ),
    }  # fmt: skip
    files = {}
    for view, (kind, letter, count, columns) in made.items():
        path = folder / f"{view}.parquet"
        scoped = scope.format(type=kind, letter=letter)
        connection.execute(f"COPY (SELECT {columns}, {scoped} FROM range({count}) AS t(n)) TO '{path}'")
        files[view] = [path]
    return files


def main() -> None:
    """Run it all and print the figures."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--residents", type=int, default=200_000)
    asked.add_argument("--memory", default="4GB")
    asked.add_argument("--folder", type=Path, default=None)
    given = asked.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="kangshu-bench-"))
    services = city_services()
    views, count = all_views(services), given.residents
    chosen = [one for one in all_measures(services) if one.id in PER_PERSON]
    values = {one.id: one.value for service in services for one in service.parameters}
    wanted = [Wanted(one, *period_of(one, END), values) for one in chosen]
    try:
        (folder / "raw").mkdir(parents=True)
        with timed("tables written", residents=count):
            files = tables(folder / "raw", count)
        with timed("tables adopted"):
            adopt(folder, views, files, source="bench", position=1, memory=given.memory)
        feed = Feed(1)
        keeper, results = ViewKeeper(feed, folder, views), ResultKeeper(folder, memory=given.memory)
        asyncio.run(keeper.refresh())
        with timed("results stored", measures=len(wanted)) as told:
            told["whole"] = results.refresh(read_manifest(folder), wanted).whole
        pages(folder, chosen, values)
        for number in (1, 100):
            for n in range(number):
                person = f"p{(n * 7919) % count}"
                resident = {
                    "resourceType": "Patient", "id": person, "birthDate": "1950-01-01", "gender": "female", "active": True,
                }  # fmt: skip
                position = 2 + len(feed.changes)
                scope = Scope("990101001", (), person)
                feed.changes.append(Change(position, "Patient", person, 2, "update", resident, scope))
            with timed("views refreshed", changes=number):
                refreshed = asyncio.run(keeper.refresh())
            results.note(refreshed)
            with timed("results refreshed", changes=number) as told:
                told["by_changes"] = results.refresh(read_manifest(folder), wanted).changed
        pages(folder, chosen, values)
    finally:
        keeper.close()
        shutil.rmtree(folder, ignore_errors=True)


def pages(folder: Path, chosen: Sequence[Any], values: dict[str, Any]) -> None:
    """Read what pages read: many measures at once, one measure split, the first people behind it."""
    snapshot = Snapshot.open(folder)
    for name in ("all measures by district", "again"):
        with timed(f"page: {name}") as told:
            wanted = [Wanted(one, *period_of(one, END), values) for one in chosen]
            told["measures"] = len(snapshot.answered(EVERYTHING, wanted, "99"))
    measure = next(one for one in chosen if one.id == "family-doctor-coverage-60")
    period = period_of(measure, END)
    splits: tuple[tuple[str, ...], ...] = (("district",), ("town", "gender", "age-band"), ("health-centre",))
    for by in splits:
        with timed(f"page: split by {' × '.join(by)}") as told:
            told["rows"] = len(snapshot.evaluate(EVERYTHING, measure, values, *period, by=by).rows)
    for part, offset in (("denominator", 0), ("gap", 0), ("gap", 500)):
        with timed(f"page: people, {part} from {offset}") as told:
            page = snapshot.subjects(EVERYTHING, measure, values, *period, part=part, offset=offset)
            told.update(listed=len(page.subjects), of=page.total)
    snapshot.close()


if __name__ == "__main__":
    main()
