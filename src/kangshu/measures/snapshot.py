"""A published snapshot of the views, and the measures evaluated on it."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb

from kangshu.access import Grant, Nothing, Predicate
from kangshu.base.faults import Fault, Invalid, NotFound, TooLarge
from kangshu.measures.answers import Published, declared_threshold
from kangshu.measures.dimensions import DISTRICT, place_dimension, views_of
from kangshu.measures.drill import (
    KEYS,
    Drilled,
    chosen_of,
    count_of_subjects,
    individual,
    page_by_key,
    page_of_subjects,
    records_of,
    slice_of,
    sliced,
)
from kangshu.measures.engine import WEB_MEMORY, bound
from kangshu.measures.guarded import family, table
from kangshu.measures.limits import CONFIDENCE, Secrecy
from kangshu.measures.manifest import read_manifest
from kangshu.measures.report import Individual
from kangshu.measures.result import MeasureResult, MeasureRow, SubjectPage
from kangshu.measures.results import Wanted
from kangshu.measures.statement import (
    Bound,
    dimension_sql,
    measured,
    place_condition,
)
from kangshu.measures.unit_secrecy import unit_family
from kangshu.measures.values import measure_value, parts_of, with_limits
from kangshu.measures.work_lists import (
    ListAsked,
    ListPage,
    ListSum,
    Tally,
    page_of,
    page_statement,
    tallies_statement,
    totals_statement,
)
from kangshu.sdk import ExtractDeclaration, ListDeclaration, MeasureDeclaration

_PAGE_LIMIT: Final = 1000
_KEPT_FAMILIES: Final = 64


class Snapshot(Published):
    """The views as they were published at one feed position. Safe to share between threads."""

    @classmethod
    def open(
        cls,
        folder: Path,
        source: str = "",
        *,
        memory: str = WEB_MEMORY,
        threshold: Callable[[], int] = declared_threshold,
        secrecy: Callable[[], Secrecy] = Secrecy,
    ) -> Snapshot:
        """Return the newest snapshot in `folder`; with `source` (`Store.identity`), only one of that database.

        `threshold` gives the least count that is shown to those who may not read who is counted, `secrecy` the rule for
        numbers over statistical returns. Raises NotFound before the first has been published.
        """
        manifest = read_manifest(folder, source)
        return cls(folder, manifest, memory=memory, threshold=threshold, secrecy=secrecy)

    def evaluate(
        self,
        grant: Grant,
        measure: MeasureDeclaration,
        parameters: Mapping[str, Any],
        period_start: date,
        period_end: date,
        by: tuple[str, ...] = (),
        district: str = "",
        *,
        level: float = 0.0,
    ) -> MeasureResult:
        """Return the measure's number over what `grant` may count, in all and by the dimensions `by`.

        `by` names declared dimensions or "district" (the divisions one level below `district`); `district` is a
        division code, "" for everything. `parameters` holds a value for each declared parameter id. Counts of people
        whom the grant may not read are shown from the threshold on; below it they are suppressed, and with them what
        would tell them. Raises Invalid for an unknown dimension or a missing parameter, Unavailable where a view is
        not published.
        """
        _check_period(period_start, period_end)
        level = level or (float(CONFIDENCE.value) if measure.sample else 0.0)
        period = (period_start, period_end)
        admitted = self._admitted(measure, grant, counting=True, by=by)
        query = measured(measure, self._relation, admitted, parameters, *period, by)
        if self._beyond_reading(measure, grant, by):
            guarded = self._guarded(measure, grant, query, parameters, period, by, district)
            return with_limits(measure, guarded, level)
        rolled = self.stored.query(grant, measure, parameters, period, by, district)
        found_excluded = self._excluded(measure, query, district, period_end if rolled else None)
        query = rolled or query
        values = dict(query.values)
        keys = [
            f'{dimension_sql(measure, one, district, values)} AS "key_{index}"'
            for index, one in enumerate(by)
        ]
        listed = ", ".join(f'"key_{index}"' for index in range(len(by)))
        inner = ", ".join(["numerator", "denominator", *keys])
        sets = f"GROUPING SETS ((), ({listed}))" if by else "GROUPING SETS (())"
        whole = f"grouping({listed})" if by else "1"
        sql = (
            f"{query.sql} SELECT {whole} AS level, {listed + ', ' if by else ''}"
            "coalesce(sum(numerator), 0) AS numerator, coalesce(sum(denominator), 0) AS denominator "
            f"FROM (SELECT {inner} FROM measured WHERE {place_condition(district, values)}) GROUP BY {sets}"
        )
        total, rows = (0.0, 0.0), []
        for found in self._fetch(measure, sql, values):
            numerator, denominator = float(found[-2]), float(found[-1])
            if found[0]:
                total = (numerator, denominator)
            else:
                value = measure_value(measure, numerator, denominator)
                rows.append(MeasureRow(tuple(found[1:-2]), value, numerator, denominator))
        made = MeasureResult(
            measure=measure.id,
            value=measure_value(measure, *total),
            numerator=total[0],
            denominator=total[1],
            period_start=period_start,
            period_end=period_end,
            position=self.position,
            instant=self.instant,
            district=district,
            by=by,
            rows=tuple(sorted(rows, key=lambda row: row.keys)),
            parameters={one: parameters[one] for one in measure.parameters},
            excluded=found_excluded,
        )
        return with_limits(measure, made, level)

    def answered(
        self,
        grant: Grant,
        wanted: Sequence[Wanted],
        district: str = "",
        seconds: float = float("inf"),
        *,
        as_kept: bool = False,
    ) -> dict[str, MeasureResult | Fault]:
        """Return the numbers of many measures, split by the divisions one level below `district`, by `Wanted.name`.

        What stands ready for this audience is not computed, `as_kept` also where records have changed since; each
        result says as of which position it was. In place of a number that cannot be computed stands the fault. What
        is not computed within `seconds` is left out.
        """
        until = time.monotonic() + seconds
        found: dict[str, MeasureResult | Fault] = {}
        at_hand = self._at_hand.of(grant, wanted, district, self.least_shown, self.secrecy, as_kept=as_kept)
        found.update(at_hand)
        for one in wanted:
            if one.name not in found and time.monotonic() < until:
                period = (one.start, one.end)
                try:
                    found[one.name] = self.evaluate(
                        grant, one.measure, one.parameters, *period, (DISTRICT,), district
                    )
                except Fault as fault:
                    found[one.name] = fault
        return found

    def subjects(
        self,
        grant: Grant,
        measure: MeasureDeclaration,
        parameters: Mapping[str, Any],
        period_start: date,
        period_end: date,
        *,
        part: str = "numerator",
        cell: Mapping[str, str] | None = None,
        district: str = "",
        offset: int = 0,
        limit: int = 50,
    ) -> SubjectPage:
        """Return the subjects behind a number, by id, as far as `grant` may read them.

        `part` is numerator, denominator, exclusion, or (of a proportion) gap: in the denominator and not in the
        numerator.
        `cell` narrows to one row of a result: dimension id → value; "district" takes a division code. Every view
        is narrowed to what the grant may read. Raises Forbidden when it may read none of a view that the number
        is made of: the list would be wrong.
        """
        _check_period(period_start, period_end)
        if part not in parts_of(measure):
            raise Invalid(
                f"'{part}' is no part of this measure; choose from {', '.join(parts_of(measure))}",
                zh="明细只能选择分子、分母、（比例类指标的）缺口或（有排除条件的指标的）排除",
            )
        if not 1 <= limit <= _PAGE_LIMIT or offset < 0:
            raise Invalid(f"a page has 1 to {_PAGE_LIMIT} subjects", zh=f"每页条数须在1至{_PAGE_LIMIT}之间")
        asked = tuple(cell or {})
        admitted = self._admitted(measure, grant, counting=False, by=asked)
        query = measured(measure, self._relation, admitted, parameters, period_start, period_end, asked)
        wanted = Drilled(part, cell or {}, district, offset, limit)
        period = (period_start, period_end)
        if measure.per == "person" and not self._beyond_reading(measure, grant, asked):
            total = self._stored_count(grant, measure, parameters, period, wanted)
            if total is not None and total >= self._sliced:
                return self._slice(measure, admitted, parameters, period, wanted, total)
        page = page_of_subjects(measure, query, wanted)
        found = self._fetch(measure, page.sql, page.values)
        if len(found) < limit and (found or not offset):
            return SubjectPage(tuple(row[0] for row in found), offset + len(found), offset)
        count = count_of_subjects(measure, query, wanted)
        total = self._fetch(measure, count.sql, count.values)[0][0]
        return SubjectPage(tuple(row[0] for row in found), total, offset)

    def _stored_count(
        self,
        grant: Grant,
        measure: MeasureDeclaration,
        parameters: Mapping[str, Any],
        period: tuple[date, date],
        asked: Drilled,
    ) -> int | None:
        """Return how many subjects there are, as the atoms tell; None where they do not."""
        by = tuple(asked.cell)
        query = self.stored.query(grant, measure, parameters, period, by, asked.district)
        if query is None or asked.part == "exclusion":
            return None
        chosen = chosen_of(measure, query, replace(asked, part="denominator"))
        column = {"gap": "denominator - numerator"}.get(asked.part, asked.part)
        sql = f"{query.sql} SELECT coalesce(sum({column}), 0) FROM {chosen.sql}"
        return int(self._fetch(measure, sql, chosen.values)[0][0])

    def _slice(
        self,
        measure: MeasureDeclaration,
        admitted: Callable[[str], Predicate],
        parameters: Mapping[str, Any],
        period: tuple[date, date],
        asked: Drilled,
        total: int,
    ) -> SubjectPage:
        """Return a page in the order of keys, computed among as many residents as it needs."""
        wanted = min(asked.offset + asked.limit, total)
        for tries in range(32):
            bound_of_keys = slice_of(wanted, total, tries)

            def relation_of(view: str, most: int = bound_of_keys) -> str:
                whole = self._relation(view)
                return sliced(whole, most) if self._of_people(view) else whole

            query = measured(measure, relation_of, admitted, parameters, *period, tuple(asked.cell))
            statement = page_by_key(measure, query, asked)
            found = self._fetch(measure, statement.sql, statement.values)
            if len(found) >= wanted or bound_of_keys >= KEYS:
                break
        return SubjectPage(tuple(row[0] for row in found[asked.offset :]), total, asked.offset)

    def individual(
        self,
        grant: Grant,
        measure: MeasureDeclaration,
        parameters: Mapping[str, Any],
        period_start: date,
        period_end: date,
        subject: str,
    ) -> Individual:
        """Return what one subject ("Type/id") adds to the measure, as far as `grant` may read.

        Raises NotFound where it is no subject of the measure, or not one of the grant's; else as `subjects`.
        """
        _check_period(period_start, period_end)
        admitted = self._admitted(measure, grant, counting=False)
        query = measured(measure, self._relation, admitted, parameters, period_start, period_end)
        statement = individual(measure, query, subject)
        rows, numerator, denominator, excluded = self._fetch(measure, statement.sql, statement.values)[0]
        if not rows:
            raise NotFound("the measure has no such subject", zh="该指标没有此对象")
        return Individual(subject, float(numerator), float(denominator), str(excluded))

    def records(self, grant: Grant, measure: MeasureDeclaration, patient: str) -> tuple[str, ...]:
        """Return the records ("Type/id") of a resident (an id) that the measure's views hold, as far as `grant` may read."""
        views = [self._manifest.views[name] for name in measure.views if name in self._manifest.views]
        if not views:
            return ()
        statement = records_of(
            [(self._relation(view.name), grant.may_read(view.resource)) for view in views], patient
        )
        found = self._fetch(measure, statement.sql, statement.values)
        return tuple(f"{kind}/{id_}" for kind, id_ in found)

    def listed(
        self,
        grant: Grant,
        declared: ListDeclaration,
        parameters: Mapping[str, Any],
        day: date,
        asked: ListAsked,
    ) -> ListPage:
        """Return some rows of a list of work on `day`, over what `grant` may read.

        Raises Forbidden when it may read none of a view that the list is made of: the list would be wrong; else as
        `evaluate`.
        """
        statement = page_statement(declared, self._work(grant, declared, parameters, day), asked)
        return page_of(declared, self._fetch(declared, statement.sql, statement.values), self.instant)

    def totals(
        self,
        grant: Grant,
        declared: ListDeclaration,
        parameters: Mapping[str, Any],
        day: date,
        asked: ListAsked,
    ) -> tuple[ListSum, ...]:
        """Return the sums of a list that declares totals, over the rows that `asked` keeps; raises as `listed`."""
        statement = totals_statement(declared, self._work(grant, declared, parameters, day), asked)
        return tuple(ListSum(*row) for row in self._fetch(declared, statement.sql, statement.values))

    def tallied(
        self,
        grant: Grant,
        declared: ListDeclaration,
        parameters: Mapping[str, Any],
        day: date,
        asked: ListAsked,
        by: str,
    ) -> tuple[Tally, ...]:
        """Return how many rows of a list have each value of the column `by` (`district`: the county); raises as `listed`."""
        statement = tallies_statement(declared, self._work(grant, declared, parameters, day), asked, by)
        people = any(self._of_people(view) for view in declared.views)
        found = self._fetch(declared, statement.sql, statement.values)
        return tuple(Tally(str(key), int(count), bool(persons), people) for key, count, persons in found)

    def counts_people(self, measure: MeasureDeclaration) -> bool:
        """Return whether a measure is computed from residents' records, as far as its views are published."""
        return any(self._of_people(view) for view in measure.views if view in self._manifest.views)

    def counts_units(self, measure: MeasureDeclaration) -> bool:
        """Return whether a measure adds up figures of single units that are statistical secrets; as `counts_people`."""
        return any(self._of_units(view) for view in measure.views if view in self._manifest.views)

    def _work(
        self, grant: Grant, declared: ListDeclaration, parameters: Mapping[str, Any], day: date
    ) -> Bound:
        admitted = self._admitted(declared, grant, counting=False)
        start = date(day.year, 1, 1)
        return measured(
            declared, self._relation, admitted, parameters, start, day, organisation=grant.organisation
        )

    def people(
        self,
        grant: Grant,
        extract: ExtractDeclaration,
        parameters: Mapping[str, Any],
        period_start: date,
        period_end: date,
        *,
        district: str = "",
        without: frozenset[str] = frozenset(),
        limit: int = 200_000,
    ) -> list[dict[str, Any]]:
        """Return an extract's rows by column name, over what `grant` may count, before anything is taken away.

        They name people: they are for `deidentified` and `aggregated`, and shown to nobody. `without` are ids of
        residents who have refused. Raises TooLarge beyond `limit`, else as `evaluate`.
        """
        _check_period(period_start, period_end)
        admitted = self._admitted(extract, grant, counting=True)
        query = measured(extract, self._relation, admitted, parameters, period_start, period_end)
        values = {**query.values, "without": sorted(f"Patient/{one}" for one in without)}
        place = place_condition(district, values)
        sql = (
            f"{query.sql} SELECT * FROM measured WHERE {place} "
            "AND subject NOT IN (SELECT unnest(CAST($without AS VARCHAR[])))"
        )
        try:
            with self._lock:
                answer = self._connection.execute(sql, bound(sql, values))
                names = [column[0] for column in answer.description or ()]
                found = answer.fetchmany(limit + 1)
        except duckdb.Error as error:
            why = str(error).splitlines()[0]
            raise Invalid(
                f"extract '{extract.id}' cannot be computed: {why}",
                zh=f"提取定义“{extract.title.zh}”无法计算",
            ) from error
        if len(found) > limit:
            raise TooLarge(
                f"extract '{extract.id}' has more than {limit} rows; narrow the group",
                zh=f"记录超过{limit}条，请缩小人群范围",
            )
        return [dict(zip(names, row, strict=True)) for row in found]

    # ------------------------------------------------------------------ inside

    def _guarded(
        self,
        measure: MeasureDeclaration,
        grant: Grant,
        counted: Bound,
        parameters: Mapping[str, Any],
        period: tuple[date, date],
        by: tuple[str, ...],
        district: str,
    ) -> MeasureResult:
        """Return the measure with its small counts suppressed, over the whole family of its tables."""
        read: Bound | None = None
        used = views_of(measure, by)
        of_units = any(self._of_units(name) for name in used)
        protects = self._of_units if of_units else self._of_people
        views = [self._manifest.views[name] for name in used if protects(name)]
        if not any(isinstance(grant.may_read(view.resource), Nothing) for view in views):
            reading = {name: grant.may_read(self._manifest.views[name].resource) for name in used}
            read = measured(measure, self._relation, reading.__getitem__, parameters, *period, by)
        # all levels of divisions are one tree: what one table hides, no other gives back
        others = tuple(one for one in by if one != place_dimension(by))
        rule = self.secrecy if of_units else self.least_shown
        key = (measure.id, others, rule, counted.sql, repr(counted.values), repr(read))
        found = self._families.get(key)
        if found is None:
            fetch = partial(self._fetch, measure)
            found = (
                unit_family(measure, others, counted, read, fetch, rule)
                if isinstance(rule, Secrecy)
                else family(measure, others, counted, read, fetch, rule)
            )
            with self._lock:
                self._families[key] = found
                if len(self._families) > _KEPT_FAMILIES:
                    self._families.popitem(last=False)
        blank = MeasureResult(
            measure=measure.id, value=None, numerator=None, denominator=None, period_start=period[0],
            period_end=period[1], position=self.position, instant=self.instant, district=district, by=by,
            parameters={one: parameters[one] for one in measure.parameters},
        )  # fmt: skip
        untold: dict[str, float | None] = {one.id: None for one in measure.exclusions}
        return replace(table(blank, measure, found, measure_value), excluded=untold)

    def _excluded(
        self, measure: MeasureDeclaration, query: Bound, district: str, stored: date | None
    ) -> dict[str, float | None]:
        """Return how many subjects were excluded for each declared reason; from what is stored for a day, if given."""
        if not measure.exclusions:
            return {}
        kept = self.stored.of(measure, stored) if stored else None
        if kept is not None:
            statement = self.stored.excluded(kept, district)
        else:
            values = dict(query.values)
            place = place_condition(district, values)
            sql = f"{query.sql} SELECT exclusion, count(DISTINCT subject) FROM excluded WHERE {place} GROUP BY 1"
            statement = Bound(sql, values)
        found = dict(self._fetch(measure, statement.sql, statement.values))
        return {one.id: float(found.get(one.id, 0)) for one in measure.exclusions}


def _check_period(period_start: date, period_end: date) -> None:
    if period_end < period_start:
        raise Invalid("the period ends before it starts", zh="统计期的结束日期早于开始日期")
