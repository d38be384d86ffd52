"""Computes the atoms of measures on Spark: the same statements over the same files, for cities that outgrow one machine.

What comes out has the rows that `ResultKeeper` stores. The session is the program's own where it has one (a cluster's),
else a local one.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kangshu.access import Everything
from kangshu.base.faults import Unsupported
from kangshu.measures.atoms import atoms_sql, every_dimension
from kangshu.measures.dimensions import views_of
from kangshu.measures.engine import placeholders
from kangshu.measures.layout import RESOURCE_KEY
from kangshu.measures.manifest import PARTS, Manifest, PublishedView
from kangshu.measures.results import Wanted
from kangshu.measures.spark import spark_errors, spark_session
from kangshu.measures.spark_measure import SPARK_FUNCTIONS, transpiled
from kangshu.measures.statement import measured


@dataclass(frozen=True, slots=True)
class SparkAtoms:
    """The atoms of one measure: a row (as a dictionary) per town and values of its dimensions.

    `refused` says in words why the measure cannot be said on Spark; then there are no rows.
    """

    wanted: Wanted
    rows: tuple[dict[str, Any], ...] = ()
    refused: str = ""


class SparkResults:
    """The published views of a folder as tables of Spark, and the measures over them."""

    def __init__(self, folder: Path, manifest: Manifest, *, session: Any = None) -> None:
        """Raises Unavailable without PySpark or Java."""
        self._manifest = manifest
        self._session = session or spark_session()
        # as DuckDB: nothing comes of a division by zero
        self._session.conf.set("spark.sql.ansi.enabled", "false")
        with spark_errors():
            for function in SPARK_FUNCTIONS:
                self._session.sql(function)
            for view in manifest.views.values():
                self._rows_of(folder / PARTS, view).createOrReplaceTempView(_table(view.name))

    def atoms(self, wanted: Iterable[Wanted]) -> Iterator[SparkAtoms]:
        """Yield the atoms of each measure whose views are published. Raises Invalid where Spark refuses a statement."""
        for one in wanted:
            if all(
                name in self._manifest.views for name in views_of(one.measure, every_dimension(one.measure))
            ):
                yield self._atoms(one)

    def _atoms(self, one: Wanted) -> SparkAtoms:
        query = measured(
            one.measure, lambda name: f"SELECT * FROM {_table(name)}", lambda _: Everything(), one.parameters,
            one.start, one.end, every_dimension(one.measure),
        )  # fmt: skip
        duckdb_sql = atoms_sql(one.measure, query)
        try:
            sql = transpiled(duckdb_sql)
        except Unsupported as fault:
            return SparkAtoms(one, refused=str(fault))
        values = {name: query.values[name] for name in placeholders(duckdb_sql)}
        with spark_errors():
            found = self._session.sql(sql, args=values).collect()
        return SparkAtoms(one, tuple(row.asDict() for row in found))

    def _rows_of(self, parts: Path, view: PublishedView) -> Any:
        """Return the rows that count in a view: of a segment those whose resource no later segment touches."""
        session, found = self._session, None
        later: list[str] = []
        for segment in reversed(view.segments):
            if segment.parts:
                rows = session.read.parquet(*(str((parts / one.name).resolve()) for one in segment.parts))
                if later:
                    rows = rows.join(
                        session.read.parquet(*later).select(RESOURCE_KEY), RESOURCE_KEY, "left_anti"
                    )
                rows = rows.select(*view.columns)
                found = rows if found is None else found.unionByName(rows)
            if segment.touched:
                later.append(str((parts / segment.touched).resolve()))
        if found is not None:
            # Spark 4.3 loses columns when it plans such a union several times over; a base alone is read as it is
            return found.localCheckpoint() if later else found
        columns = ", ".join(f"CAST(NULL AS {_type(kind)}) AS `{name}`" for name, kind in view.columns.items())
        return session.sql(f"SELECT {columns} WHERE false")


def _table(name: str) -> str:
    return f"published_{name}"


def _type(kind: str) -> str:
    """Return a DuckDB column's type in Spark's words."""
    if kind.endswith("[]"):
        return f"ARRAY<{_type(kind[:-2])}>"
    return {"VARCHAR": "STRING", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "HUGEINT": "DECIMAL(38,0)"}.get(
        kind, kind
    )
