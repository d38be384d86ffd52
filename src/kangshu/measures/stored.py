"""Reads stored results: in place of a measure's views where they say the same, and for pages of many measures."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from kangshu.access import Everything, Grant, division_prefix
from kangshu.measures.atoms import TOWN, as_measured, content_key, every_dimension
from kangshu.measures.dimensions import DISTRICT, views_of
from kangshu.measures.engine import quoted
from kangshu.measures.manifest import Manifest
from kangshu.measures.result import MeasureResult, MeasureRow
from kangshu.measures.results import INDEX, RESULTS, StoredMeasure, StoredResults, read_results
from kangshu.measures.statement import Bound, child_level
from kangshu.measures.totals import LEVELS
from kangshu.sdk import MeasureDeclaration


class Stored:
    """The stored results beside a publication of the views; read anew when they are replaced."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder, self._manifest = folder, manifest
        self._stamp, self._index = -1, StoredResults()

    @property
    def index(self) -> StoredResults:
        """What is stored now, of the database of the views."""
        try:
            stamp = (self._folder / INDEX).stat().st_mtime_ns
        except FileNotFoundError:
            return StoredResults()
        if stamp != self._stamp:
            self._stamp, self._index = stamp, read_results(self._folder)
        return self._index if self._index.source == self._manifest.source else StoredResults()

    def of(self, measure: MeasureDeclaration, end: date) -> StoredMeasure | None:
        """Return what is stored of a measure for the period that ends on `end`, as of its own position."""
        return self.index.measures.get(f"{measure.id}@{end}")

    def admits(self, grant: Grant, measure: MeasureDeclaration) -> bool:
        """Return whether what is stored is what `grant` may count: everything."""
        views = self._manifest.views
        return all(
            name in views and grant.may_count(views[name].resource) == Everything()
            for name in views_of(measure, every_dimension(measure))
        )

    def query(
        self,
        grant: Grant,
        measure: MeasureDeclaration,
        parameters: Mapping[str, Any],
        period: tuple[date, date],
        by: tuple[str, ...],
        district: str,
    ) -> Bound | None:
        """Return WITH clauses that give what the measure's own would give; None where what is stored does not tell.

        It must follow from the very rows that are published, under the same parameters.
        """
        found = self.of(measure, period[1])
        deepest = child_level(district) if DISTRICT in by else len(division_prefix(district))
        if found is None or deepest > TOWN or not self.admits(grant, measure):
            return None
        if found.content != content_key(
            measure, self._manifest.views, self._manifest.source, parameters, period
        ):
            return None
        return as_measured(measure, self._source(found.file), by)

    def excluded(self, found: StoredMeasure, district: str) -> Bound:
        """Return the statement of how many were excluded for each reason."""
        sql = (
            f"SELECT substr(kept, 2) AS exclusion, sum(numerator) FROM {self._source(found.file)} "
            "WHERE starts_with(kept, '!') AND starts_with(place, CAST($place AS VARCHAR)) GROUP BY ALL"
        )
        return Bound(sql, {"place": division_prefix(district)})

    def totals(
        self, measures: Iterable[MeasureDeclaration], ends: Sequence[date], district: str
    ) -> Bound | None:
        """Return the statement of the totals of measures at the period ends in a division and in those one level below.

        Its rows are name, place, numerator and denominator. None where nothing is stored, or the place is too close.
        """
        prefix, level = division_prefix(district), child_level(district)
        if not self.index.totals or len(prefix) not in LEVELS or level not in LEVELS:
            return None
        names = [f"{one.id}@{end}" for one in measures for end in ends]
        sql = (
            f"SELECT name, place, numerator, denominator FROM {self._source(self.index.totals)} "
            "WHERE name IN (SELECT unnest(CAST($names AS VARCHAR[]))) AND dimension = '' "
            f"AND starts_with(place, CAST($place AS VARCHAR)) AND level IN ({len(prefix)}, {level})"
        )
        return Bound(sql, {"names": names, "place": prefix})

    def _source(self, file: str) -> str:
        return f"read_parquet({quoted(str((self._folder / RESULTS / file).resolve()))})"


def overview_of(
    stored: Stored,
    measures: Iterable[MeasureDeclaration],
    ends: Sequence[date],
    district: str,
    found: Iterable[tuple[Any, ...]],
    value: Callable[[MeasureDeclaration, float, float], float | None],
) -> dict[tuple[str, date], MeasureResult]:
    """Return the results that the rows of `Stored.totals` tell, by measure id and period end."""
    prefix = division_prefix(district)
    sums: dict[str, dict[str, tuple[float, float]]] = {}
    for name, place, numerator, denominator in found:
        sums.setdefault(str(name), {})[str(place)] = (float(numerator), float(denominator))
    made: dict[tuple[str, date], MeasureResult] = {}
    for measure in measures:
        for end in ends:
            kept = stored.of(measure, end)
            if kept is None:
                continue
            places = dict(sums.get(f"{measure.id}@{end}", {}))
            total = places.pop(prefix, (0.0, 0.0))
            told = [sum(one[part] for one in places.values()) for part in (0, 1)]
            rest = (total[0] - told[0], total[1] - told[1])
            if any(rest):  # of what no closer division is known
                places[""] = rest
            rows = [MeasureRow((place,), value(measure, *two), *two) for place, two in sorted(places.items())]
            made[measure.id, end] = MeasureResult(
                measure=measure.id, value=value(measure, *total), numerator=total[0], denominator=total[1],
                period_start=kept.start, period_end=kept.end, position=kept.position, instant=kept.instant,
                district=district, by=(DISTRICT,), rows=tuple(rows), parameters=kept.parameters,
            )  # fmt: skip
    return made
