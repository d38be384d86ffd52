"""Reads stored results: in place of a measure's views where they say the same."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from kangshu.access import Everything, Grant, division_prefix
from kangshu.measures.atoms import TOWN, as_measured, content_key, every_dimension
from kangshu.measures.dimensions import DISTRICT, views_of
from kangshu.measures.engine import quoted
from kangshu.measures.manifest import Manifest
from kangshu.measures.results import INDEX, RESULTS, StoredMeasure, StoredResults, read_results
from kangshu.measures.statement import Bound, child_level
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

    def _source(self, file: str) -> str:
        return f"read_parquet({quoted(str((self._folder / RESULTS / file).resolve()))})"
