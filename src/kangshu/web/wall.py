"""What stands on the wall display: chosen measures, districts against their targets, what is off course, cases of today.

Which measures stand there an office chooses; until then the folders say it (`cockpit:` of a measure). The platform names
none. Numbers are those that stand ready; each part is left out for whom it is not open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from markupsafe import Markup

from kangshu.access import Nothing
from kangshu.api import CaseFigures, WarningLine, case_figures, warnings_seen
from kangshu.base.clock import now
from kangshu.base.faults import Fault
from kangshu.sdk import MeasureDeclaration
from kangshu.web import charts, figures, geography, maps, shaded_map
from kangshu.web.kept import Kept, sight_of
from kangshu.web.linked import LIGHT_NAMES, Boards, Linked, worst_first
from kangshu.web.lookup import divisions, organisations
from kangshu.web.pages.figures_text import due_text, target_text, unit_text, value_text
from kangshu.web.pages.measure_list import gap_of, trend_of
from kangshu.web.visit import Visit

KIND: Final = "cockpit"
"""Under which what an office chooses for the wall is kept; its name there:"""
MEASURES: Final = "measures"
OPERATION: Final = "cockpit.arrange"
MOST: Final = 16
ON_FIRST: Final = 8
"""Measures on the first page of the wall; the others stand on the next."""
_OFF_COURSE: Final = 12
_UNITS: Final = 8
_TREND: Final = (240, 88)
_LANDS: Final[Kept[Mapping[str, maps.Land]]] = Kept(300.0, 7200.0)
_NAMES: Final[Kept[Mapping[str, str]]] = Kept(300.0, 7200.0)
_WARNINGS: Final[Kept[Sequence[WarningLine]]] = Kept(30.0, 300.0)
_CASES: Final[Kept[tuple[datetime, CaseFigures | None]]] = Kept(30.0, 300.0)


@dataclass(frozen=True, slots=True)
class WallTile:
    """One measure as a tile."""

    id: str
    title: str
    address: str
    value: str
    unit: str
    light: str
    word: str
    target: str
    gap: str
    trend: Markup
    on_map: bool


@dataclass(frozen=True, slots=True)
class DistrictCell:
    """One district's value of one measure; `tone` green or red where the city's figure is asked of each district."""

    value: str
    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class DistrictLine:
    """One district: how many of the targets that are asked of each it meets, and its value of each measure."""

    code: str
    name: str
    met: int
    asked: int
    bar: Markup
    cells: Sequence[DistrictCell]


@dataclass(frozen=True, slots=True)
class OffCourse:
    """One target that is behind or at risk."""

    title: str
    address: str
    light: str
    word: str
    value: str
    target: str
    due: str
    gap: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """One district in the ranking beside the map."""

    name: str
    value: str
    bar: Markup


@dataclass(frozen=True, slots=True)
class WallMap:
    """The map of one measure; `ranking` says the same as a table, the best first."""

    title: str
    address: str
    drawing: Markup
    ranking: Sequence[Ranked]
    choices: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class WallWork:
    """Cases in figures; the late ones by unit and by kind, the most first."""

    figures: CaseFigures
    units: Sequence[tuple[str, int, Markup]]
    kinds: Sequence[tuple[str, int, Markup]]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class WallWarnings:
    """The warnings that wait for somebody to act: how many, how many of them urgent, and by rule, the most first."""

    open: int
    urgent: int
    rules: Sequence[tuple[str, int, Markup]]


Results = Mapping[str, figures.Result | Fault]


async def chosen(visit: Visit) -> list[MeasureDeclaration]:
    """Return the measures that stand on the wall, as far as the visitor may count what they count."""
    open_to = figures.countable(visit)
    kept = (await visit.platform.accounts.choices.of_all(KIND)).get(MEASURES, "")
    return [open_to[one] for one in kept.split() if one in open_to] if kept else declared(open_to.values())


def declared(measures: Iterable[MeasureDeclaration]) -> list[MeasureDeclaration]:
    """Return those that the folders put on the wall, in their order."""
    return sorted((one for one in measures if one.cockpit > 0), key=lambda one: (one.cockpit, one.id))[:MOST]


def tiles(
    visit: Visit,
    measures: Sequence[MeasureDeclaration],
    results: Results,
    past: Mapping[str, figures.Past],
    boards: Boards,
    mapped: str,
) -> list[WallTile]:
    """Return the tiles of the measures."""
    linked = boards.by_measure()
    return [
        _tile(visit, one, results.get(one.id), past.get(one.id, ()), linked.get(one.id, ()), one.id == mapped)
        for one in measures
    ]


def _tile(
    visit: Visit,
    measure: MeasureDeclaration,
    result: figures.Result | Fault | None,
    past: figures.Past,
    linked: Sequence[Linked],
    on_map: bool,
) -> WallTile:
    words = visit.words
    target = linked[0].target if linked else None
    known = result is not None and not isinstance(result, Fault)
    gap = ""
    if target is not None and target.light.value is not None and target.light.final is not None:
        gap = gap_of(visit, target)[0]
    return WallTile(
        measure.id,
        words.of(measure.title),
        f"/measures/{measure.id}",
        figures.shown_text(words, measure, result) if known else words("未知"),  # type: ignore[arg-type]
        figures.unit_text(words, measure.unit) if known and result.value is not None else "",  # type: ignore[union-attr]
        target.light.light if target is not None else "",
        words.of(target.light.title) if target is not None else "",
        " ".join(filter(None, (target_text(target), due_text(visit, target)))) if target is not None else "",
        gap,
        trend_of(visit, measure, past, linked, _TREND) or _columns(visit, measure, result),
        on_map,
    )


def _columns(visit: Visit, measure: MeasureDeclaration, result: figures.Result | Fault | None) -> Markup:
    """Return the districts as small columns, for a measure whose past is not known."""
    if result is None or isinstance(result, Fault):
        return Markup()
    rows = [(str(row.keys[0]), row.value) for row in result.rows if row.keys[0]]
    title = visit.words("{title}：各区对比", title=visit.words.of(measure.title))
    return charts.columns(rows, title=title) if len(rows) > 1 else Markup()


def off_course(visit: Visit, boards: Boards) -> list[OffCourse]:
    """Return the targets that are behind or at risk, the worst first and of those the furthest from its figure."""
    words = visit.words
    late = [one for one in boards.targets if one.light in ("red", "amber")]
    late.sort(key=_distance, reverse=True)
    found = []
    for one in worst_first(late)[:_OFF_COURSE]:
        target = one.target
        gap = ""
        if target.light.value is not None and target.light.final is not None:
            gap = gap_of(visit, target)[0]
        value = (
            f"{value_text(target.light.value)}{unit_text(target)}" if target.light.value is not None else "—"
        )
        found.append(
            OffCourse(
                target.indicator, one.address, one.light, words.of(target.light.title), value,
                target_text(target), due_text(visit, target), gap,
            )
        )  # fmt: skip
    return found


def _distance(one: Linked) -> Decimal:
    """Return how far a target is from its final figure, as a share of it."""
    light = one.target.light
    if light.value is None or not light.final:
        return Decimal(0)
    return abs(Decimal(light.final) - Decimal(light.value)) / abs(Decimal(light.final))


async def district_lines(
    visit: Visit, measures: Sequence[MeasureDeclaration], results: Results, boards: Boards
) -> list[DistrictLine]:
    """Return the districts by the share of targets that they meet, the worst first; none where nothing is split."""
    names, linked = await names_of_divisions(visit), boards.by_measure()
    values: dict[str, dict[str, figures.Row]] = {}
    for one in measures:
        result = results.get(one.id)
        if result is None or isinstance(result, Fault):
            continue
        for code, _, row in figures.by_district(result.rows, names):
            if code:
                values.setdefault(code, {})[one.id] = row
    lines = []
    for code, rows in values.items():
        cells = [_cell(visit, one, rows.get(one.id), linked.get(one.id, ())) for one in measures]
        asked = sum(1 for one in cells if one.tone)
        met = sum(1 for one in cells if one.tone == "green")
        said = visit.words("{met}/{asked} 项达标", met=met, asked=asked)
        name = names.get(code, names.get(code.ljust(6, "0"), code))
        lines.append(DistrictLine(code, name, met, asked, charts.bar(met, asked, title=said), cells))
    return sorted(lines, key=lambda one: (one.met / one.asked if one.asked else 2.0, one.code))


def _cell(
    visit: Visit, measure: MeasureDeclaration, row: figures.Row | None, linked: Sequence[Linked]
) -> DistrictCell:
    words = visit.words
    if row is None:
        return DistrictCell("—", "", "")
    text = figures.shown_text(words, measure, row)
    if row.value is None:
        return DistrictCell(text, "", "")
    for one in linked:
        target = one.target
        if target.light.final is not None and visit.platform.plans.targets.holds_for_each(target):
            lower = target.comparator in ("<=", "<", "decrease_to", "decrease_by")
            value, final = round(Decimal(str(row.value)), 4), Decimal(target.light.final)
            met = value <= final if lower else value >= final
            return DistrictCell(text, "green" if met else "red", words("达标") if met else words("未达标"))
    return DistrictCell(text, "", "")


async def wall_map(
    visit: Visit, measures: Sequence[MeasureDeclaration], results: Results, mapped: str
) -> WallMap | None:
    """Return the map of the districts by one measure of the wall; None where none is split by district."""
    words, names = visit.words, await names_of_divisions(visit)
    measure = next((one for one in measures if one.id == mapped), None)
    result = results.get(mapped)
    if measure is None or result is None or isinstance(result, Fault):
        return None
    rows = [(code, name, row) for code, name, row in figures.by_district(result.rows, names) if code]
    if len(rows) < 2:
        return None
    title = words.of(measure.title)
    texts = {code: figures.shown_text(words, measure, row) for code, _, row in rows}
    links = f"/measures/{measure.id}?district={{code}}"
    lands = await _LANDS.of((id(visit.platform), sight_of(visit.grant)), lambda: maps.lands(visit))
    places = [
        geography.Place(code, name, row.value, texts[code], hidden=row.suppressed) for code, name, row in rows
    ]
    drawing = shaded_map.shaded_map(
        geography.features(lands, places), title=title, links=links
    ) or charts.tile_map(
        [charts.Tile(code, name, row.value, texts[code]) for code, name, row in rows],
        title=title,
        links=links,
    )
    sign = -1 if measure.direction == "increase" else 1
    ordered = sorted(rows, key=lambda one: (one[2].value is None, sign * (one[2].value or 0.0)))
    top = max((row.value or 0.0 for _, _, row in rows), default=1.0)
    return WallMap(
        title,
        f"/measures/{measure.id}",
        drawing,
        [
            Ranked(name, texts[code], charts.bar(row.value, top, title=texts[code]))
            for code, name, row in ordered
        ],
        [(one.id, words.of(one.title), one.id == mapped) for one in measures],
    )


async def work(visit: Visit) -> WallWork | None:
    """Return the cases in figures; None for who may read none."""
    at, found = await _CASES.of((id(visit.platform), sight_of(visit.grant)), lambda: _read_cases(visit))
    if found is None:
        return None
    words, units = visit.words, await organisations(visit)
    kinds = {one.code: words.of(one.title) for one in visit.platform.cases.declarations}
    return WallWork(
        found,
        _most(found.late_by_unit, units, words("未列责任单位")),
        _most(found.late_by_kind, kinds, words("其他")),
        at,
    )


async def _read_cases(visit: Visit) -> tuple[datetime, CaseFigures | None]:
    at = now()
    return at, await case_figures(visit.platform, visit.grant, at)


async def warnings(visit: Visit) -> WallWarnings | None:
    """Return the warnings; None where no service has any, or the visitor may not see them."""
    if visit.platform.warnings.kind is None or isinstance(visit.grant.may_read("Task"), Nothing):
        return None
    found = await _WARNINGS.of((id(visit.platform), sight_of(visit.grant)), lambda: _read_warnings(visit))
    waiting = [one for one in found if one.row.state != "acted"]
    rules = Counter(one.rule.code for one in waiting if one.rule)
    titles = {one.rule.code: visit.words.of(one.rule.title) for one in waiting if one.rule}
    urgent = sum(one.level == "urgent" for one in waiting)
    return WallWarnings(len(waiting), urgent, _most(rules, titles, visit.words("其他")))


async def _read_warnings(visit: Visit) -> Sequence[WarningLine]:
    return await warnings_seen(visit.platform, visit.grant)


def _most(counts: Mapping[str, int], names: Mapping[str, str], other: str) -> list[tuple[str, int, Markup]]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_UNITS]
    top = max((count for _, count in ordered), default=1)
    return [
        (names.get(code, other), count, charts.bar(count, top, "red", title=str(count)))
        for code, count in ordered
    ]


async def names_of_divisions(visit: Visit) -> Mapping[str, str]:
    """Return the names of the divisions by code, kept for some minutes."""
    return await _NAMES.of((id(visit.platform), sight_of(visit.grant)), lambda: divisions(visit))


def light_bar(counts: Mapping[str, int], title: str) -> Markup:
    """Return the targets by light as one bar of parts, in the order of the lights; "" without any."""
    return charts.parts_bar([(light, counts.get(light, 0)) for light in LIGHT_NAMES], title=title)
