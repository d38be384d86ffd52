"""Measures for pages: evaluated off the event loop, their numbers as people read them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, Protocol

from kangshu.access import Grant, Nothing
from kangshu.api import answered, tell, tell_each
from kangshu.base.clock import quarter_ends, today
from kangshu.base.faults import Fault, NotFound
from kangshu.base.text import Text
from kangshu.sdk import AwaitedMeasure, MeasureDeclaration
from kangshu.web.kept import Kept, sight_of
from kangshu.web.language import Words
from kangshu.web.visit import Visit


class Counted(Protocol):
    """A value with what it is counted from."""

    @property
    def value(self) -> float | None: ...
    @property
    def numerator(self) -> float | None: ...
    @property
    def denominator(self) -> float | None: ...
    @property
    def suppressed(self) -> bool: ...


class Row(Counted, Protocol):
    """One cell of a measure's result."""

    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def limits(self) -> tuple[float, float] | None: ...


class Result(Counted, Protocol):
    """What an evaluation answers, as far as pages read it."""

    @property
    def position(self) -> int: ...
    @property
    def instant(self) -> str: ...
    @property
    def rows(self) -> Sequence[Row]: ...
    @property
    def withheld(self) -> bool: ...
    @property
    def excluded(self) -> Mapping[str, float | None]: ...


_MOST_KEPT: Final = 2000
_KEPT: dict[tuple[str, str, int, date, int], list[float | None]] = {}


@dataclass(frozen=True, slots=True)
class Refused:
    """A measure that could not be computed, and why."""

    text: str


def all_measures(visit: Visit) -> dict[str, MeasureDeclaration]:
    """Return every declared measure by id, in the services' order."""
    ordered = sorted(visit.platform.services, key=lambda one: (one.order, one.id))
    return {measure.id: measure for service in ordered for measure in service.measures}


def countable(visit: Visit) -> dict[str, MeasureDeclaration]:
    """Return the measures of whose records the visitor may count some: to others they would all be nothing."""
    kinds = {
        view.name: str(view.definition["resource"]) for one in visit.platform.services for view in one.views
    }
    closed = {name for name, kind in kinds.items() if isinstance(visit.grant.may_count(kind), Nothing)}
    return {id_: one for id_, one in all_measures(visit).items() if closed.isdisjoint(one.views)}


def measure_of(visit: Visit, id_: str) -> MeasureDeclaration:
    """Return measure `id_`. Raises NotFound."""
    found = all_measures(visit).get(id_)
    if found is None:
        raise NotFound(f"there is no measure '{id_[:60]}'", zh=f"没有指标“{id_[:60]}”")
    return found


def period(measure: MeasureDeclaration, end: date | None = None) -> tuple[date, date]:
    """Return the period that ends on `end` (today): from 1 January for a yearly measure, else the day itself."""
    last = end or today()
    return (date(last.year, 1, 1) if measure.period == "year" else last, last)


def parameters_of(visit: Visit, measure: MeasureDeclaration, day: date) -> dict[str, Any]:
    """Return the value in force of each parameter that the measure uses. Raises ParameterMissing."""
    place = visit.platform.settings.jurisdiction
    return {one: visit.platform.parameters.value(one, place, day) for one in measure.parameters}


async def counting(visit: Visit) -> Grant:
    """Return the visitor's grant with the residents in care now by their ids: looked up once for this page."""
    if visit.counting is None:
        visit.counting = await visit.platform.store.resolve_care(visit.grant)
    return visit.counting


async def evaluated(
    visit: Visit,
    measure: MeasureDeclaration,
    by: str | tuple[str, ...] = "district",
    district: str = "",
    *,
    level: float = 0.0,
) -> Result:
    """Return a measure's number today, split by dimensions, over what the visitor may count.

    With a `level` (percent) each number has its confidence limits. DuckDB computes in a thread, so that the loop serves
    others meanwhile.
    """
    city = visit.platform.settings.jurisdiction
    if by == "district" and district in ("", city) and not level:
        result = (await all_evaluated(visit, [measure]))[measure.id]
        if isinstance(result, Fault):
            raise result
        return result
    start, end = period(measure)
    snapshot, given = visit.platform.snapshot(), parameters_of(visit, measure, end)
    place, split = district or city, (by,) if isinstance(by, str) else by
    await tell(visit.platform, visit.grant, "measure", "Measure", measure.id, f"{' '.join(split)} {place}")
    grant = await counting(visit)
    return await asyncio.to_thread(
        partial(snapshot.evaluate, level=level), grant, measure, given, start, end, split, place
    )


async def all_evaluated(visit: Visit, measures: Sequence[MeasureDeclaration]) -> dict[str, Result | Fault]:
    """Return the numbers of measures today, by id, as `evaluated`; a fault in place of what has none."""
    day, city = today(), visit.platform.settings.jurisdiction
    ids = [one.id for one in measures]
    await tell_each(visit.platform, visit.grant, "measure", "Measure", ids, f"district {city}")
    found = await answered(visit.platform, await counting(visit), measures, [day])
    return {one: found[one, day] for one in ids}


async def ready(
    visit: Visit, measures: Sequence[MeasureDeclaration], seconds: float
) -> dict[str, Result | Fault]:
    """Return the numbers of measures today by id, as `all_evaluated`: as they were kept, and what `seconds` suffice for."""
    day, city = today(), visit.platform.settings.jurisdiction
    for some in batched(measures, _IN_A_ROW):
        ids = " ".join(one.id for one in some)
        await tell(visit.platform, visit.grant, "measure", "Measure", detail=f"district {city}: {ids}")
    grant = await counting(visit)
    found = await answered(visit.platform, grant, measures, [day], seconds, as_kept=True)
    return {id_: result for (id_, _), result in found.items()}


async def evaluated_on(
    visit: Visit, measure: MeasureDeclaration, ends: Sequence[date], district: str
) -> Sequence[Result]:
    """Return a measure's number on each of the days, split by the divisions below `district`, by today's parameters."""
    given, grant = parameters_of(visit, measure, today()), await counting(visit)
    snapshot = visit.platform.snapshot()

    def each() -> list[Result]:
        return [
            snapshot.evaluate(grant, measure, given, *period(measure, end), ("district",), district)
            for end in ends
        ]

    return await asyncio.to_thread(each)


async def past(visit: Visit, measure: MeasureDeclaration, ends: Sequence[date]) -> Sequence[Result]:
    """Return a measure's number at each of the days. Raises what keeps the first of them from being computed."""
    found = await answered(visit.platform, await counting(visit), [measure], ends)
    results: list[Result] = []
    for end in ends:
        result = found[measure.id, end]
        if isinstance(result, Fault):
            raise result
        results.append(result)
    return results


Past = Sequence[tuple[date, float | None]]
"""A measure's value on earlier days and today, None where it is unknown or must not be shown."""
STORED_QUARTERS: Final = 8
"""How many quarter ends (today the last) stand ready with the background worker."""
_PAST: Final[Kept[dict[str, list[float | None]]]] = Kept(120.0, 7200.0)


async def all_past(
    visit: Visit, measures: Sequence[MeasureDeclaration], seconds: float = 0.0
) -> dict[str, Past]:
    """Return the values of measures on the last quarter ends, by id: what stands ready, and what `seconds` suffice for.

    Days that are over change by late records alone: they are kept for some minutes. The last day is today. Nothing is
    told of measures that tell nothing of earlier days.
    """
    ends = quarter_ends(today(), STORED_QUARTERS)

    async def made() -> dict[str, list[float | None]]:
        grant = await counting(visit)
        dated = [one for one in measures if one.has_past]
        found = await answered(visit.platform, grant, dated, ends, seconds, as_kept=True)
        return {one.id: [_value_of(found.get((one.id, end))) for end in ends] for one in measures}

    key = (id(visit.platform), sight_of(visit.grant), ends[-1], tuple(one.id for one in measures))
    kept = await _PAST.of(key, made)
    return {id_: list(zip(ends, values, strict=True)) for id_, values in kept.items()}


def _value_of(result: Result | Fault | None) -> float | None:
    return None if result is None or isinstance(result, Fault) else result.value


_IN_A_ROW: Final = 40
"""Measures whose ids a row of the audit holds, when many are looked at together."""


def batched(measures: Sequence[MeasureDeclaration], size: int) -> Iterator[Sequence[MeasureDeclaration]]:
    """Yield the measures, `size` at a time."""
    return (measures[at : at + size] for at in range(0, len(measures), size))


QUARTERS: Final = 5
"""How many quarter ends a small trend shows."""


def same_days(last: date, years: int = 2) -> list[date]:
    """Return this day of the last `years` years and `last` itself; 29 February becomes the 28th."""
    day = last.day if (last.month, last.day) != (2, 29) else 28
    return [*(date(last.year - back, last.month, day) for back in range(years, 0, -1)), last]


async def trends(
    visit: Visit, measures: Iterable[str], days: Sequence[date] = ()
) -> dict[str, list[float | None]]:
    """Return these measures' values on `days` (the last quarter ends) by id; what cannot be computed or is not told is
    left out.

    They do not change while the snapshot stands, so they are kept per account.
    """
    declared, found = all_measures(visit), {}
    ends = list(days) or quarter_ends(today(), QUARTERS)
    for id_ in measures:
        if id_ not in declared or not declared[id_].has_past:
            continue
        try:
            position = visit.platform.snapshot().position
            key = (visit.grant.account, id_, position, ends[-1], len(ends))
            if key not in _KEPT:
                if len(_KEPT) > _MOST_KEPT:
                    _KEPT.clear()
                _KEPT[key] = [one.value for one in await past(visit, declared[id_], ends)]
        except Fault:
            continue
        found[id_] = _KEPT[key]
    return found


async def behind(
    visit: Visit, measure: MeasureDeclaration, part: str, cell: Mapping[str, str], offset: int, limit: int
) -> tuple[Sequence[str], int]:
    """Return some of the records ("Type/id") behind a number, and how many there are.

    Raises Forbidden when the visitor may read none of a kind that the number is made of.
    """
    start, end = period(measure)
    snapshot, given = visit.platform.snapshot(), parameters_of(visit, measure, end)
    place = visit.platform.settings.jurisdiction
    asked = " ".join([part, *(f"{name}={value}" for name, value in cell.items())])
    await tell(visit.platform, visit.grant, "measure-subjects", "Measure", measure.id, asked)
    page = await asyncio.to_thread(
        partial(snapshot.subjects, part=part, cell=cell, district=place, offset=offset, limit=limit),
        await counting(visit),
        measure,
        given,
        start,
        end,
    )
    return page.subjects, page.total


def refused(words: Words, fault: Fault) -> Refused:
    """Return why a measure has no number, as the page says it."""
    return Refused(Text(fault.zh, fault.text).in_language(words.language))


def value_text(words: Words, measure: MeasureDeclaration, value: float | None) -> str:
    """Return a value in the measure's decimals; an unknown one is said to be unknown."""
    return words("未知") if value is None else words.figure(value, measure.decimals)


def shown_text(words: Words, measure: MeasureDeclaration, shown: Row | Result) -> str:
    """Return the value of a row or a result; one that would tell a small count is said to be suppressed."""
    return words("已抑制") if shown.suppressed else value_text(words, measure, shown.value)


def why_hidden(visit: Visit, measure: MeasureDeclaration) -> str:
    """Return in short why a number of the measure is suppressed: people, or units of statistics, would be told."""
    if visit.platform.snapshot().counts_units(measure):
        return visit.words("调查对象过少，按统计保密不展示")
    return visit.words("人数过少，为保护个人信息不展示")


def rule_of_hiding(visit: Visit, measure: MeasureDeclaration) -> str:
    """Return what “suppressed” means below the tables of the measure, with the figures of the rule."""
    words, snapshot = visit.words, visit.platform.snapshot()
    if snapshot.counts_units(measure):
        return words(
            "“已抑制”：汇总的调查对象少于 {least} 个、或可推断出其中一个的数值的，以及可推算出它们的单元，按统计保密不展示；"
            "有权查看统计报表的账号可见原数",
            least=snapshot.secrecy.least_units,
        )
    return words(
        "“已抑制”：由居民记录得出、小于 {threshold} 的数，以及可推算出它们的单元，为保护个人信息不展示；"
        "有权查看相关居民的账号可见原数",
        threshold=snapshot.least_shown,
    )


def why_not_split(visit: Visit, measure: MeasureDeclaration) -> tuple[str, str]:
    """Return why a measure is not split here, and what to do instead."""
    words, snapshot = visit.words, visit.platform.snapshot()
    if snapshot.counts_units(measure):
        return (
            words("调查对象过少，不再细分展示"),
            words("按此维度细分会透露单个调查对象的数值，请改用其他维度或上级区划"),
        )
    return (
        words("人数过少，不再细分展示"),
        words(
            "按此维度细分会透露小于 {threshold} 的人数，请改用其他维度或上级区划",
            threshold=snapshot.least_shown,
        ),
    )


def count_text(words: Words, value: float | None) -> str:
    """Return a count of records; halves and shares keep one decimal, None is suppressed."""
    if value is None:
        return words("已抑制")
    return words.figure(value, 0 if value == int(value) else 1)


def unit_text(words: Words, unit: str) -> str:
    """Return a unit as people write it."""
    return {"%": "%", "1": ""}.get(unit, words(unit))


def direction_text(words: Words, measure: MeasureDeclaration | AwaitedMeasure) -> str:
    """Return which way the value should go."""
    return words("越高越好") if measure.direction == "increase" else words("越低越好")


def period_text(words: Words, measure: MeasureDeclaration, start: date, end: date) -> str:
    """Return the period as people say it."""
    if measure.period == "year":
        return words("{start} 至 {end}", start=start.isoformat(), end=end.isoformat())
    return words("截至 {end}", end=end.isoformat())


def by_district(rows: Sequence[Row], names: Mapping[str, str]) -> list[tuple[str, str, Row]]:
    """Return code, name and row of each district of a result split by district."""
    found = []
    for row in rows:
        code = str(row.keys[0])
        found.append((code, names.get(code, names.get(code.ljust(6, "0"), code)), row))
    return found
