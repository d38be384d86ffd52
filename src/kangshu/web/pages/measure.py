"""One measure: its number, where it stands on the map and in the ranking, how it came here, what it proves."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response

from kangshu.access import division_prefix
from kangshu.api import confidence_limits
from kangshu.base.clock import quarter_ends, today
from kangshu.base.faults import Fault, TooLarge
from kangshu.sdk import MeasureDeclaration
from kangshu.web import charts, figures, geography, maps, shaded_map
from kangshu.web.language import Words
from kangshu.web.linked import boards
from kangshu.web.measure_trend import Change, Goal, Moment, trend_chart
from kangshu.web.pages.awaited import awaited_of, awaited_page
from kangshu.web.pages.figures_text import target_text
from kangshu.web.pages.measure_frame import (
    Frame,
    change_text,
    change_unit,
    frame_of,
    levels_of,
    ranked,
    shell,
    source_text,
)
from kangshu.web.pages.parameters import version_text
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.parts import Link
from kangshu.web.visit import Visit

_QUICK: Final = 0.15
"""Seconds: where a place's number took no longer, its past is computed with it; else when it is asked for."""


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """One division in the ranking."""

    code: str
    title: str
    address: str
    rank: str
    value: str
    limits: str
    bar: Markup
    quarter: tuple[str, str]
    year: tuple[str, str]
    numerator: str
    denominator: str
    subjects: str


@dataclass(frozen=True, slots=True)
class Past:
    """The number on earlier days for a place: its total and its parts by day. Empty where it was not computed."""

    days: tuple[date, ...] = ()
    totals: Mapping[date, float | None] = field(default_factory=dict)
    rows: Mapping[date, Mapping[str, float | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """The days that the changes are between: now against the last quarter end, and that against a year before it."""

    quarter: date
    year: date

    @classmethod
    def on(cls, ends: Sequence[date]) -> Compared:
        """Return the days among quarter ends, of which the last is today."""
        return cls(ends[-2], ends[-6])


async def measure(visit: Visit) -> Response:
    """Show one measure for a place: map, ranking, trend, and the targets that it proves."""
    if (awaited := awaited_of(visit, visit.path("id"))) is not None:
        return awaited_page(visit, awaited)
    frame = await frame_of(visit)
    measured, words = frame.measure, visit.words
    level = (
        visit.query("level")
        if visit.query("level") == "town" and len(division_prefix(frame.place)) < 6
        else ""
    )
    began = time.monotonic()
    result = await below(frame)
    past = await _past(frame, wanted=bool(visit.query("past")) or time.monotonic() - began < _QUICK)
    split = await figures.evaluated(visit, measured, level, frame.place) if level else result
    ends = Compared.on(quarter_ends(today()))
    # what is added up from 1 January on has nothing before it to be held against
    comparable = measured.period != "year" or ends.quarter.year == today().year
    goals = await goals_of(visit, measured.id)
    shown_days = [*past.days, today()] if past.days else []
    lines = place_lines(
        frame, split, result.value, past if not level else Past(), ends, comparable=comparable
    )
    found = place_features(frame, await maps.lands(visit), split)
    drawing = shaded_map.shaded_map(
        found,
        title=words("{title}：各地数值地图", title=words.of(measured.title)),
        links=frame.address(district="{code}").replace("%7Bcode%7D", "{code}"),
    )
    if not drawing and len(split.rows) > 1:
        drawing = _tiles(frame, split)
    return visit.render(
        "measure.html",
        lines=lines,
        drawing=drawing,
        legend=shaded_map.legend(
            found, lambda one: figures.value_text(words, measured, one), words("未知或已抑制")
        ),
        levels=_levels(frame, level),
        spread=spread_text(
            frame, [(frame.place_name(str(row.keys[0])), row.value) for row in split.rows if row.keys[0]]
        ),
        changes=(
            change_text(words, measured, result.value, past.totals.get(ends.quarter) if comparable else None),
            change_text(words, measured, past.totals.get(ends.quarter), past.totals.get(ends.year)),
        ),
        change_unit=change_unit(words, measured).strip(),
        compared=ends,
        changes_by_place=bool(past.days) and not level,
        past_address=frame.address(past="1")
        if measured.has_past and not past.days and levels_of(frame.place)
        else "",
        has_past=measured.has_past,
        trend=trend_of(frame, past, result.value, goals),
        changed=parameter_changes(frame, past.days[0]) if past.days else [],
        moments=[
            (day.isoformat(), figures.value_text(words, measured, past.totals.get(day, result.value)))
            for day in shown_days
        ],
        gap_address=frame.subjects(part="gap"),
        limits_text=limits_text(frame, result),
        interval_level=interval_level(visit),
        gap=gap_text(words, measured, result),
        yearly=measured.period == "year",
        linked=goals,
        source=source_text(measured.source),
        direction=figures.direction_text(words, measured),
        report=f"/fhir/Measure/{measured.id}/$evaluate-measure?by=district&district={frame.place}",
        geojson=frame.address("/map.geojson", level=level),
        sheet=frame.address("/export.xlsx", by=level),
        csv=frame.address("/export.csv", by=level),
        **shell(frame, split, ""),
    )


async def below(frame: Frame) -> figures.Result:
    """Return the number of the place by the divisions below it; by none where it has none, or may not be split there."""
    if levels_of(frame.place):
        try:
            return await figures.evaluated(frame.visit, frame.measure, "district", frame.place)
        except TooLarge:
            pass
    return await figures.evaluated(frame.visit, frame.measure, (), frame.place)


def gap_text(words: Words, measured: MeasureDeclaration, result: figures.Result) -> str:
    """Return how many do not meet the measure; of a proportion alone."""
    if measured.kind != "proportion":
        return ""
    if result.numerator is None or result.denominator is None:
        return words("已抑制")
    return figures.count_text(words, max(result.denominator - result.numerator, 0))


def interval_level(visit: Visit) -> float:
    """Return the level of confidence limits in percent."""
    found = visit.platform.parameters.find(
        "measures.confidence", visit.platform.settings.jurisdiction, today()
    )
    return float(found.value) if found is not None else 0.0


def limits_text(frame: Frame, shown: Any) -> str:
    """Return the confidence limits of a number, "" where it has none: a proportion of counted things alone has."""
    level = interval_level(frame.visit)
    if frame.measure.kind != "proportion" or not level or shown.suppressed or shown.value is None:
        return ""
    found = confidence_limits(frame.measure, shown.numerator, shown.denominator, level)
    if found is None:
        return ""
    low, high = (figures.value_text(frame.visit.words, frame.measure, one) for one in found)
    return f"{low}–{high}"


# ---------------------------------------------------------------------- places


def place_lines(
    frame: Frame,
    result: figures.Result,
    whole: float | None,
    past: Past,
    ends: Compared,
    *,
    comparable: bool = True,
) -> list[PlaceLine]:
    """Return the divisions of a result, the best first; those without a value stand last."""
    words, measured = frame.visit.words, frame.measure
    ranks = ranked(measured, [row.value for row in result.rows])
    known = [row.value for row in result.rows if row.value is not None]
    top = max([*known, whole or 0.0], default=1.0)
    if measured.unit == "%":
        top = max(top, 100.0) if top > 50 else max(top * 1.15, 1.0)
    lines = []
    for row, rank in zip(result.rows, ranks, strict=True):
        code = str(row.keys[0])
        text = figures.shown_text(words, measured, row)
        earlier = past.rows.get(ends.quarter, {}).get(code)
        before = past.rows.get(ends.year, {}).get(code)
        lines.append(
            PlaceLine(
                code,
                frame.place_name(code) if code else words("未登记到这一级"),
                frame.address(district=code) if code and levels_of(code) else "",
                "" if rank is None else str(rank),
                text,
                limits_text(frame, row),
                charts.bar(row.value, top, target=whole, title=text),
                change_text(words, measured, row.value, earlier if comparable else None),
                change_text(words, measured, earlier, before),
                figures.count_text(words, row.numerator),
                figures.count_text(words, row.denominator),
                frame.subjects(district=code) if code else "",
            )
        )
    return sorted(lines, key=lambda one: (not one.rank, int(one.rank or 0), one.code))


def place_features(
    frame: Frame, lands: Mapping[str, maps.Land], result: figures.Result
) -> list[geography.Feature]:
    """Return the divisions of a result as GeoJSON Features; what is suppressed has no number here either."""
    words, measured = frame.visit.words, frame.measure
    ranks = ranked(measured, [row.value for row in result.rows])
    return geography.features(
        lands,
        (
            geography.Place(
                str(row.keys[0]),
                frame.place_name(str(row.keys[0])),
                None if row.value is None else round(row.value, 6),
                figures.shown_text(words, measured, row),
                row.suppressed,
                {"numerator": row.numerator, "denominator": row.denominator, "rank": rank},
            )
            for row, rank in zip(result.rows, ranks, strict=True)
            if row.keys[0]
        ),
    )


def _tiles(frame: Frame, result: figures.Result) -> Markup:
    """Return the divisions as equal tiles, where they have no outlines."""
    words = frame.visit.words
    tiles = [
        charts.Tile(
            str(row.keys[0]),
            frame.place_name(str(row.keys[0])),
            row.value,
            figures.shown_text(words, frame.measure, row),
        )
        for row in result.rows
        if row.keys[0]
    ]
    links = frame.address(district="{code}").replace("%7Bcode%7D", "{code}")
    return charts.tile_map(tiles, title=words("区域示意图"), links=links)


def _levels(frame: Frame, level: str) -> list[Link]:
    """Return the choice between the divisions next below and all towns; nothing to choose below the city."""
    if len(division_prefix(frame.place)) >= 6:
        return []
    words = frame.visit.words
    return [
        Link(words("按县（市、区）"), frame.address(), current=not level),
        Link(words("按乡镇（街道）"), frame.address(level="town"), current=level == "town"),
    ]


def spread_text(frame: Frame, values: Iterable[tuple[str, float | None]]) -> str:
    """Return how far the best and the worst are apart: the equity line. "" with fewer than two known values."""
    words, measured = frame.visit.words, frame.measure
    known = [(value, name) for name, value in values if value is not None]
    if len(known) < 2 or measured.kind == "count":
        return ""
    low, high = min(known), max(known)
    best, worst = (high, low) if measured.direction == "increase" else (low, high)
    unit = figures.unit_text(words, measured.unit)
    said = words(
        "最好 {best}（{best_value}{unit}），最差 {worst}（{worst_value}{unit}）",
        best=best[1],
        worst=worst[1],
        best_value=figures.value_text(words, measured, best[0]),
        worst_value=figures.value_text(words, measured, worst[0]),
        unit=unit,
    )
    apart = words.figure(high[0] - low[0], measured.decimals)
    gap = change_unit(words, measured)
    if low[0] <= 0:
        return said + words("，相差 {apart}{gap}", apart=apart, gap=gap)
    return said + words(
        "，相差 {apart}{gap}，高低之比 {ratio} 倍",
        apart=apart,
        gap=gap,
        ratio=words.figure(high[0] / low[0], 2),
    )


# ---------------------------------------------------------------------- the past


async def _past(frame: Frame, *, wanted: bool) -> Past:
    """Return the numbers at the last quarter ends: for the whole city those that stand ready, below it where `wanted`."""
    ends = quarter_ends(today())
    days = ends[:-1]
    if not frame.measure.has_past:
        return Past()
    try:
        if frame.whole:
            results = await figures.past(frame.visit, frame.measure, days)
        elif wanted and levels_of(frame.place):
            results = await figures.evaluated_on(frame.visit, frame.measure, days, frame.place)
        else:
            return Past()
    except Fault:
        return Past()
    return Past(
        tuple(days),
        {day: one.value for day, one in zip(days, results, strict=True)},
        {
            day: {str(row.keys[0]): row.value for row in one.rows}
            for day, one in zip(days, results, strict=True)
        },
    )


def trend_of(frame: Frame, past: Past, now: float | None, goals: Sequence[LinkedTarget]) -> Markup:
    """Return the chart of the last quarters with targets and changes of parameters; empty with fewer than two values."""
    words, measured = frame.visit.words, frame.measure
    moments = [Moment(day, past.totals[day]) for day in past.days]
    moments.append(Moment(today(), now))
    if sum(1 for one in moments if one.value is not None) < 2:
        return Markup("")
    return trend_chart(
        moments,
        title=words("{title}走势", title=words.of(measured.title)),
        unit=figures.unit_text(words, measured.unit),
        decimals=measured.decimals,
        yearly=measured.period == "year",
        goals=goal_lines(goals) if frame.whole else [],
        changes=parameter_changes(frame, moments[0].day),
    )


def goal_lines(goals: Sequence[LinkedTarget]) -> list[Goal]:
    """Return the values that targets ask for, each once, with the years in which they are due."""
    years: dict[float, list[str]] = {}
    texts: dict[float, str] = {}
    for one in goals:
        if one.asked is not None:
            texts.setdefault(one.asked, one.target)
            years.setdefault(one.asked, []).extend([one.due] if one.due else [])
    return [
        Goal(value, " ".join([text, *sorted(set(years[value]))])) for value, text in list(texts.items())[:4]
    ]


def parameter_changes(frame: Frame, since: date) -> list[Change]:
    """Return the days after `since` from which another value of a parameter of the measure holds, with its words."""
    found, table, city = [], frame.visit.platform.parameters, frame.city
    for id_ in frame.measure.parameters:
        for version in table.versions(id_):
            if not since < version.valid_from <= today():
                continue
            if not division_prefix(city).startswith(version.jurisdiction):
                continue
            found.append(
                Change(
                    version.valid_from,
                    f"{frame.visit.words.of(version.title)} → {version_text(frame.visit.words, version)}",
                )
            )
    return sorted(found, key=lambda one: one.day)


# ---------------------------------------------------------------------- targets


@dataclass(frozen=True, slots=True)
class LinkedTarget:
    """A plan's target that a measure proves; `asked` is the value to be reached, as far as it is a number."""

    title: str
    plan: str
    address: str
    tone: str
    light: str
    target: str
    due: str
    asked: float | None


async def goals_of(visit: Visit, measure_id: str) -> list[LinkedTarget]:
    """Return the targets of the city's own plans that a measure proves, the worst light first."""
    found = (await boards(visit)).by_measure().get(measure_id, ())
    return [
        LinkedTarget(
            one.target.indicator,
            one.plan_title,
            one.address,
            one.light,
            visit.words(LIGHT_WORDS[one.light]),
            target_text(one.target),
            str(one.target.due or ""),
            None if one.target.light.final is None else float(one.target.light.final),
        )
        for one in found
    ]
