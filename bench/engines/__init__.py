"""Engines that compute the same numbers from one made city: `engines_bench.py` runs them one after the other.

What they share imports nothing but the standard library: some engines live in environments of their own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

MEASURES = (
    "elder-management-rate-65", "family-doctor-coverage-60", "hypertension-control-rate", "last-blood-pressure",
    "managed-hypertension", "record-use-rate",
)  # fmt: skip
VALUES: Mapping[str, Any] = {
    "elder-health-service-age": 65, "elder-health-complete-only": 1, "elder-health-registered-only": 0,
    "elder-health-age-date": "year-end", "older-resident-age": 60, "contract-coverage-served": 0,
    "contract-refusals-counted": 1, "hypertension-systolic-below": 140, "hypertension-diastolic-below": 90,
    "hypertension-older-age": 65, "hypertension-systolic-below-older": 150, "hypertension-age-date": "visit-day",
    "chronic-control-value": "uncontrolled", "chronic-control-any-way": 1, "chronic-face-to-face-ways": "clinic,home",
    "chronic-left-in-year": "exclude", "record-use-findings": 0,
}  # fmt: skip
"""The parameters' values that every engine counts by: what the SQL and the Python written by hand are written for."""
Cell = tuple[str, str, str, float, float]
"""Town (9 digits), sex, first year of the age band, numerator, denominator."""


class Skipped(Exception):
    """The engine is not installed here; the text says what it needs."""


@dataclass
class Told:
    """What one engine took, and what it found: `cells` by measure; `sampled`, those of the sample's residents."""

    engine: str
    version: str = ""
    start_seconds: float = 0.0
    load_seconds: float = 0.0
    loading_at: float = 0.0
    loaded_at: float = 0.0
    first_at: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    again: dict[str, float] = field(default_factory=dict)
    bytes: int = 0
    more: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, list[Cell]] = field(default_factory=dict)
    sampled: dict[str, list[Cell]] = field(default_factory=dict)

    def loading(self) -> None:
        """Note that loading begins; the watcher reads the same clock."""
        self.loading_at = time.monotonic()

    def loaded(self) -> None:
        """Note that loading has ended."""
        self.loaded_at = time.monotonic()
        self.load_seconds = self.loaded_at - self.loading_at

    def passed(self) -> None:
        """Note that every measure has been computed; the first time counts."""
        self.first_at = self.first_at or time.monotonic()

    def as_row(self) -> dict[str, Any]:
        """Return what is printed: everything but what was found, seconds rounded."""
        row = {name: value for name, value in asdict(self).items() if name not in ("cells", "sampled")}
        for name in ("seconds", "again"):
            row[name] = {key: round(value, 3) for key, value in row[name].items()}
        return row | {name: round(row[name], 2) for name in ("start_seconds", "load_seconds")}


@dataclass(frozen=True)
class Asked:
    """Where the city lies, how many years it has, and every how many-th resident a sample holds."""

    city: Path
    years: int
    every: int
    memory: str

    @property
    def end(self) -> date:
        """Return the last day of the city, and of the measures' period."""
        return date(2020 + self.years, 12, 31)

    def files(self, kind: str = "*") -> list[Path]:
        """Return the NDJSON files of a resource type."""
        return sorted(self.city.glob(f"ndjson/*/{kind}.ndjson"))

    @property
    def tables(self) -> Path:
        """Return the folder of the published view tables."""
        return self.city / "tables"


@contextmanager
def timed(into: dict[str, float], name: str) -> Iterator[None]:
    """Keep the seconds of a block under `name`."""
    began = time.perf_counter()
    yield
    into[name] = time.perf_counter() - began


def cells(rows: Iterable[tuple[str, str, str, float, float]]) -> list[Cell]:
    """Return the rows added up by town, sex and age band, in order, without those that are nothing."""
    sums: dict[tuple[str, str, str], tuple[float, float]] = {}
    for town, gender, band, numerator, denominator in rows:
        before = sums.get((town, gender, band), (0.0, 0.0))
        sums[town, gender, band] = (before[0] + float(numerator), before[1] + float(denominator))
    return [(*key, *sums[key]) for key in sorted(sums) if any(sums[key])]
