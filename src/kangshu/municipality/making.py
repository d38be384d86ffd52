"""Makes a city: block by block the people, then every kind of record, as view tables or as FHIR NDJSON."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, figures come from the package's data

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO, Any, Final

from kangshu.base.canonical import DEMO_TAG
from kangshu.base.faults import Conflict, Invalid
from kangshu.fhir import render
from kangshu.measures import DirectViews, Views
from kangshu.municipality.ground import BLOCK, Municipality, diseases, facts, macros, tables
from kangshu.municipality.realism import Figure, figures
from kangshu.municipality.tracing import Tracer
from kangshu.sdk import CityFigure, CityRecords, Resource, Service
from kangshu.services import read_city_folder

SOURCE: Final = "kangshu:municipality"
MEMORY: Final = "3GB"
_TAG: Final = {"system": DEMO_TAG, "code": "demo", "display": "演示数据"}
_NAME: Final = re.compile(r"\$([a-z_]+)")
_PROVED: Final = 40
"""Records of each kind that are made both ways in the first block, and compared."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run has come: records of `records` made in this step, `done` of `total` steps."""

    records: str
    rows: int
    done: int
    total: int


@dataclass(slots=True)
class Made:
    """What was made: residents at the census (with later births: `people`), records by kind, rows by view."""

    people: int = 0
    records: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    sums: dict[str, tuple[float, float]] = field(default_factory=dict)
    expected: dict[str, CityFigure] = field(default_factory=dict)

    def add(self, figure: str, numerator: float, denominator: float) -> None:
        """Add to the sums of a figure that is held against a published one."""
        before = self.sums.get(figure, (0.0, 0.0))
        self.sums[figure] = (before[0] + numerator, before[1] + denominator)

    def figures(self) -> tuple[Figure, ...]:
        """Return how near the city comes to what is published."""
        return figures(
            self.sums, {name: (one, self.records.get(name, 0)) for name, one in self.expected.items()}
        )


Report = Callable[[Step], None]


def city_records(services: Iterable[Service]) -> tuple[CityRecords, ...]:
    """Return the kinds of record of the platform, then those of the services in their order."""
    with as_file(files(__package__).joinpath("records")) as folder:
        own = read_city_folder(folder)
    return (*own, *(one for service in services for one in service.city))


def make_views(
    city: Municipality,
    folder: Path,
    services: Iterable[Service],
    *,
    blocks: Iterable[int] | None = None,
    block: int = BLOCK,
    memory: str = MEMORY,
    report: Report | None = None,
) -> Made:
    """Write the tables of all views of `services` for the city under `folder`, publish them and return the counts.

    `blocks` are the numbers of those to make (all by default), each of `block` neighbourhoods. The first records of
    every kind go through the views as well; raises Invalid where a row differs.
    """
    standing = tuple(services)
    views = Views(view for service in standing for view in service.views)
    session = DirectViews(folder, views, memory=memory)
    try:
        run = _Run(city, session, city_records(standing), block, report)
        made = run.views(blocks)
        session.publish(
            f"{SOURCE}:{city.residents}:{city.seed}",
            sum(made.records.values()),
            f"{city.last_day}T23:59:59+08:00",
        )
    finally:
        session.close()
    return made


def make_resources(
    city: Municipality,
    folder: Path,
    services: Iterable[Service],
    *,
    compress: bool = False,
    blocks: Iterable[int] | None = None,
    block: int = BLOCK,
    memory: str = MEMORY,
    report: Report | None = None,
) -> Made:
    """Write the city as FHIR NDJSON under `folder`, one file a type (`.ndjson`, or `.ndjson.gz` to `compress`)."""
    standing = tuple(services)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.ndjson*")):
        raise Conflict(f"{folder} has NDJSON files already", zh=f"目录 {folder} 中已有 NDJSON 文件")
    session = DirectViews(folder / ".work", Views(()), memory=memory)
    try:
        with ExitStack() as stack:
            opened: dict[str, Any] = {}

            def write(kind: str, lines: Iterable[bytes]) -> None:
                if kind not in opened:
                    path = folder / f"{kind}.ndjson{'.gz' if compress else ''}"
                    opened[kind] = stack.enter_context(_opened(path, compress))
                opened[kind].writelines(lines)

            return _Run(city, session, city_records(standing), block, report).resources(blocks, write)
    finally:
        session.close()
        for one in sorted((folder / ".work").rglob("*"), reverse=True):
            one.rmdir() if one.is_dir() else one.unlink()
        (folder / ".work").rmdir()


def _opened(path: Path, compress: bool) -> IO[bytes] | gzip.GzipFile:
    # without the time of writing: one seed gives the same bytes
    return gzip.GzipFile(path, "wb", compresslevel=3, mtime=0) if compress else path.open("wb")


class _Run:
    """One city under way in one session."""

    def __init__(
        self,
        city: Municipality,
        session: DirectViews,
        records: tuple[CityRecords, ...],
        block: int,
        report: Report | None,
    ) -> None:
        self._city, self._session, self._records, self._block = city, session, records, block
        self._report = report or (lambda _step: None)
        self._made = Made()
        self._tracers: dict[str, Tracer] = {}
        self._statements: dict[str, list[tuple[str, str]]] = {}
        self._shared: set[str] = set()
        self._ended = 0
        self._steps = 1
        for macro in macros(city):
            session.run(macro)
        for table in tables(city):
            session.fill(table.name, table.columns, table.rows)
        rates = facts()["staff_of_1000"]
        staff = {
            "physician": rates["physician"],
            "gp": rates["general-practitioner"],
            "nurse": rates["nurse"],
        }
        for statement in _statements("ground.sql", staff):
            session.run(statement)

    # ------------------------------------------------------------------ both forms

    def views(self, blocks: Iterable[int] | None) -> Made:
        """Write every view's rows of the city and of the asked blocks."""
        for records, part in self._passes(blocks):
            self._write_views(records, part)
        return self._made

    def resources(self, blocks: Iterable[int] | None, write: Callable[[str, Iterable[bytes]], None]) -> Made:
        """Give every record's line to `write`, by its resource type."""
        for records, _ in self._passes(blocks):
            count = 0
            for lines in _chunks(self._resources(records, records.sql)):
                write(records.resource["resourceType"], [render(one) + b"\n" for one in lines])
                count += len(lines)
            self._count(records, count)
        return self._made

    def _passes(self, blocks: Iterable[int] | None) -> Iterator[tuple[CityRecords, str]]:
        """Yield each kind of record as often as it is to be made, its tables ready, with the name of the part."""
        ranges = self._city.blocks(self._block)
        asked = tuple(range(len(ranges)) if blocks is None else blocks)
        by_per = {
            per: [one for one in self._records if one.per == per]
            for per in ("city", "resident", "resident-year")
        }
        in_block = len(by_per["resident"]) + len(by_per["resident-year"]) * self._city.years
        self._steps = len(by_per["city"]) + len(asked) * in_block
        # columns are asked of the first block: the queries name its tables
        self._people(range(0))
        self._year(self._city.first_year)
        if blocks is None or 0 in asked:
            for one in by_per["city"]:
                yield one, "city"
        for number in asked:
            if not 0 <= number < len(ranges):
                raise Invalid(
                    f"the city has the blocks 0 to {len(ranges) - 1}",
                    zh=f"分块编号应在0至{len(ranges) - 1}之间",
                )
            self._people(ranges[number])
            for one in by_per["resident"]:
                yield one, f"all-{number:03d}"
            for year in range(self._city.first_year, self._city.first_year + self._city.years):
                self._year(year)
                for one in by_per["resident-year"]:
                    yield one, f"{year}-{number:03d}"

    def _people(self, cells: range) -> None:
        for statement in _people_statements(cells):
            self._session.run(statement)
        if not cells:
            return
        self._session.know(
            "SELECT 'Patient/' || id FROM people UNION SELECT 'Organization/' || centre FROM towns "
            "UNION SELECT 'Organization/' || id FROM hospitals"
        )
        for (count,) in self._session.rows("SELECT count(*) FROM people"):
            self._made.people += count
        for figure, numerator, denominator in self._session.rows(next(_statements("figures.sql", {}))):
            self._made.add(figure, float(numerator or 0), float(denominator or 0))

    def _year(self, year: int) -> None:
        self._session.run(
            f"CREATE OR REPLACE TABLE this_year AS SELECT *, year - {self._city.first_year} AS place FROM years "
            f"WHERE year = {year}"
        )

    def _count(self, records: CityRecords, count: int) -> None:
        name = f"{records.service}/{records.id}" if records.service else records.id
        self._made.records[name] = self._made.records.get(name, 0) + count
        if records.a_year is not None:
            self._made.expected[name] = records.a_year
        self._ended += 1
        self._report(Step(name, count, self._ended, self._steps))

    # ------------------------------------------------------------------ views

    def _tracer(self, records: CityRecords) -> Tracer:
        key = f"{records.service}/{records.id}"
        if key not in self._tracers:
            self._tracers[key] = Tracer(records, self._session.columns(records.sql))
        return self._tracers[key]

    def _write_views(self, records: CityRecords, part: str) -> None:
        tracer, key = self._tracer(records), f"{records.service}/{records.id}"
        kind = records.resource["resourceType"]
        if key not in self._statements:
            views = [view for view in self._session.views if view.view.resource == kind]
            found = [(view.name, one) for view in views if (one := tracer.statement(view, records.sql))]
            self._statements[key] = found
            self._prove(records, tracer)
            if sum(one.count(records.sql) for _, one in found) > 1:
                # what is read more than once is reckoned once
                made = "SELECT * FROM made"
                self._statements[key] = [(name, one.replace(records.sql, made)) for name, one in found]
                self._shared.add(key)
        if key in self._shared:
            self._session.run(f"CREATE OR REPLACE TEMP TABLE made AS {records.sql}")
        most = 0
        for name, statement in self._statements[key]:
            label = f"{part}-{records.service}-{records.id}".replace("_", "-").replace("--", "-")
            rows = self._session.write(name, label, statement)
            self._made.rows[name] = self._made.rows.get(name, 0) + rows
            most = max(most, rows)
        self._count(records, most)

    def _prove(self, records: CityRecords, tracer: Tracer) -> None:
        """Make the first records both ways. Raises Invalid where what was traced is not what the view gives."""
        facts = f"SELECT * FROM ({records.sql}) LIMIT {_PROVED}"
        # kept as a table: two runs of a query with a limit need not find the same rows
        self._session.run(f"CREATE OR REPLACE TEMP TABLE proved AS {facts}")
        resources = list(self._resources(records, "SELECT * FROM proved"))
        for name, _ in self._statements[f"{records.service}/{records.id}"]:
            view = self._session.views[name]
            traced = tracer.statement(view, "SELECT * FROM proved")
            listed = ", ".join(f'"{column}"' for column in view.columns)
            found = sorted(map(_comparable, self._session.rows(f"SELECT {listed} FROM ({traced})")))
            wanted = sorted(
                _comparable(tuple(row[column] for column in view.columns))
                for one in resources
                for row in view.rows(one)
            )
            if found != wanted:
                raise Invalid(
                    f"the view '{name}' of records '{records.id}' was traced wrongly; list their `values`"
                )

    # ------------------------------------------------------------------ resources

    def _resources(self, records: CityRecords, sql: str) -> Iterator[Resource]:
        template = self._tracer(records).template
        listed = ", ".join(f'"{name}"' for name in template.columns)
        for row in self._session.rows(f"SELECT {listed} FROM ({sql})"):
            resource = template.fill(dict(zip(template.columns, row, strict=True)))
            resource.setdefault("meta", {}).setdefault("tag", []).append(_TAG)
            yield resource


def _chunks(found: Iterator[Resource]) -> Iterator[list[Resource]]:
    chunk: list[Resource] = []
    for one in found:
        chunk.append(one)
        if len(chunk) >= 5000:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _comparable(row: tuple[Any, ...]) -> str:
    """Return a row as text in which a number is the same whatever type carries it."""
    return repr([float(one) if type(one) in (int, Decimal) else one for one in row])


def _people_statements(cells: range) -> Iterator[str]:
    data = facts()
    death = data["death"]
    return _statements(
        "people.sql",
        {
            "first": cells.start,
            "last": cells.stop,
            "married": data["married"],
            "young": data["young_at_home"],
            "old": data["old_at_children"],
            "together": data["couples_with_parents"],
            "moving": data["moving_of_1000"] / 1000,
            "leaving": data["leaving_of_1000"] / 1000,
            "births": data["births_of_1000_women_20_42"] / 1000,
            "male_a": death["male"]["a"],
            "male_b": death["male"]["b"],
            "female_a": death["female"]["a"],
            "female_b": death["female"]["b"],
            "disease_columns": _disease_columns(),
        },
    )


def _statements(name: str, figures: Mapping[str, Any]) -> Iterator[str]:
    """Yield the statements of a file, its `$names` replaced by figures of the package's own data."""
    text = files(__package__).joinpath(name).read_text("utf-8")
    for statement in text.split("--------"):
        yield _NAME.sub(lambda found: str(figures[found[1]]) if found[1] in figures else found[0], statement)


def _disease_columns() -> str:
    """Return, for each disease, the days of onset, diagnosis, treatment and control; NULL where it does not come to that.

    Who is known is settled by one draw against a share that rises with the years and the district's vigour; treatment
    and control are parts of it.
    """
    parts = []
    for name, one in diseases().items():
        age = f"age_at_{name}(draw(n, 0, '{name}') / CASE sex WHEN 'male' THEN {one['male']} ELSE {one['female']} END)"
        onset = f"birth + CAST({age} * 365.2425 AS INTEGER)"
        parts.append(f"{onset} AS {name}_on")
        for state in ("known", "treated", "controlled"):
            share, growth = one[state], one["growth"][state]
            late = f"greatest(0, draw(n, 0, '{name}-known') - {share}) / ({growth} * (0.25 + vigour))"
            early = f"CAST(draw(n, 0, '{name}-delay') * 500 AS INTEGER)"
            day = (
                f"greatest({onset} + {early}, CASE WHEN draw(n, 0, '{name}-known') < {share} THEN {onset} "
                f"ELSE census + CAST(least({late}, 90) * 365.2425 AS INTEGER) END)"
            )
            parts.append(f"{day} AS {name}_{state}")
    return ",\n       ".join(parts)
