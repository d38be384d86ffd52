"""自助分析: measures × dimensions × period × place, as the address asks for them, into tables with their charts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from kangshu.api import tell
from kangshu.base.clock import quarter_ends, today
from kangshu.base.faults import Fault
from kangshu.sdk import MeasureDeclaration
from kangshu.web import figures, geography, maps, series_charts, shaded_map
from kangshu.web.lookup import divisions, organisations
from kangshu.web.pages.measure_frame import home_of, name_of_place
from kangshu.web.series_charts import Series
from kangshu.web.visit import Visit

MOST_MEASURES: Final = 4
MOST_COLUMNS: Final = 30
MOST_ROWS: Final = 300
"""Rows of a table on the page; the workbook has all of them."""
_IN_A_CHART: Final = 25
PLACES: Final = ("district", "county", "town")
PERIODS: Final = ("day", "quarters", "range")
SHOWS: Final = ("bar", "line", "map", "table")
NAMES: Final = ("m", "by", "and", "period", "day", "from", "to", "place", "show", "limits")
"""The parameters of the address that say what is asked; what is kept or shared has these alone."""
_FIRST: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: up to two dimensions, one or several period ends, a place. `faults` say what was put right."""

    measures: tuple[MeasureDeclaration, ...]
    by: str
    also: str
    period: str
    day: date
    start: date
    end: date
    place: str
    show: str
    limits: bool
    faults: tuple[str, ...]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions asked for."""
        return tuple(one for one in (self.by, self.also) if one)

    @property
    def last(self) -> date:
        """The last day that is asked about."""
        return {"day": self.day, "range": self.end}.get(self.period, today())

    def query(self, **changes: str) -> str:
        """Return it as the query of an address, with some parts changed; "" leaves a part out."""
        said: dict[str, str] = {
            "by": self.by, "and": self.also, "period": self.period if self.period != "day" else "",
            "day": self.day.isoformat() if self.period == "day" and self.day != today() else "",
            "from": self.start.isoformat() if self.period == "range" else "",
            "to": self.end.isoformat() if self.period == "range" else "",
            "place": self.place, "show": self.show, "limits": "1" if self.limits else "",
        }  # fmt: skip
        said |= changes
        chosen = [("m", one.id) for one in self.measures if one.id != changes.get("without")]
        said.pop("without", None)
        return urlencode([*chosen, *((name, value) for name, value in said.items() if value)])


@dataclass(frozen=True, slots=True)
class Cell:
    """One number: as people read it, its confidence limits or counts below it, and the value for workbooks."""

    text: str
    sub: str = ""
    value: float | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table with its chart; `notes` say what a reader must know."""

    title: str
    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    total: Sequence[Cell]
    unit: str
    chart: Markup
    notes: Sequence[str]
    as_of: str
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """What keys of a split are called."""

    places: Mapping[str, str]
    units: Mapping[str, str]


async def names_of(visit: Visit) -> Names:
    """Return the names of divisions and organisations."""
    places, units = await asyncio.gather(divisions(visit), organisations(visit))
    return Names(places, {f"Organization/{id_}": name for id_, name in units.items()})


def dimensions_of(visit: Visit, measures: Sequence[MeasureDeclaration], place: str) -> dict[str, str]:
    """Return the dimensions that all the measures have, by id; places first."""
    words = visit.words
    whole = place == visit.platform.settings.jurisdiction
    found = {"district": words("下一级区划")} | ({"town": words("街道乡镇")} if whole else {})
    if measures:
        common = set.intersection(*({one.id for one in each.dimensions} for each in measures))
        found |= {
            one.id: words.of(one.title)
            for one in measures[0].dimensions
            if one.id in common and one.id not in PLACES
        }
    return found


def read(visit: Visit, names: Names) -> Asked:
    """Return what the address asks; what cannot be asked is put right, and said."""
    words, query, now = visit.words, visit.request.query_params, today()
    faults: list[str] = []
    open_to = figures.countable(visit)
    wanted = [one for one in dict.fromkeys(query.getlist("m")) if one in open_to]
    if len(wanted) > MOST_MEASURES:
        faults.append(words("一次最多比较 {most} 项指标，已取前 {most} 项", most=MOST_MEASURES))
    measures = tuple(open_to[one] for one in wanted[:MOST_MEASURES])
    home = home_of(visit, names.places)
    place = visit.query("place")
    if place and place not in names.places and place != visit.platform.settings.jurisdiction:
        faults.append(words("没有这个区划，已改为默认范围"))
        place = ""
    place = place or home
    offered = dimensions_of(visit, measures, place)
    by = visit.query("by", "district")
    also = visit.query("and")
    if measures and any(one and one not in offered for one in (by, also)):
        faults.append(words("所选指标没有共同的这一维度，已去掉"))
    by = by if by in offered else "district"
    also = also if also in offered and also != by else ""
    if by in PLACES and also in PLACES:
        faults.append(words("两个维度不能都是区划，已去掉第二个"))
        also = ""
    period = visit.query("period", "day")
    period = period if period in PERIODS else "day"
    if period == "quarters" and also:
        faults.append(words("按季度看时只用一个维度，已去掉第二个"))
        also = ""
    day, start, end = (_day(visit, name, faults) for name in ("day", "from", "to"))
    end = end or now
    start = start or date(end.year, 1, 1)
    if start > end:
        faults.append(words("开始日期晚于结束日期，已对调"))
        start, end = end, start
    show = visit.query("show", "bar")
    return Asked(
        measures, by, also, period, day or now, start, end, place,
        show if show in SHOWS else "bar", visit.query("limits") == "1", tuple(faults),
    )  # fmt: skip


def _day(visit: Visit, name: str, faults: list[str]) -> date | None:
    text = visit.query(name)
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not _FIRST <= found <= today():
        faults.append(visit.words("日期应在 {first} 至今天之间，写作 2026-03-01", first=_FIRST.isoformat()))
        return None
    return found


async def tables(visit: Visit, asked: Asked, names: Names) -> list[Table]:
    """Return the tables: one for all measures by one dimension on one day, else one a measure."""
    computed = await _computed(visit, asked)
    lands = await maps.lands(visit) if asked.show == "map" and asked.by in PLACES else {}
    if asked.also or asked.period == "quarters":
        return [_crossed(visit, asked, names, one, computed[one.id]) for one in asked.measures]
    return _side_by_side(visit, asked, names, computed, lands)


Answers = Mapping[date, figures.Result | Fault]


async def _computed(visit: Visit, asked: Asked) -> dict[str, Answers]:
    """Return the numbers of each measure by period end; small counts are suppressed as everywhere."""
    snapshot, grant = visit.platform.snapshot(), await figures.counting(visit)
    level = confidence(visit) if asked.limits else 0.0
    found: dict[str, Answers] = {}
    for measure in asked.measures:
        detail = f"{' '.join(asked.dimensions)} {asked.place} {asked.period}"
        await tell(visit.platform, visit.grant, "measure", "Measure", measure.id, detail)
        answers: dict[date, figures.Result | Fault] = {}
        found[measure.id] = answers
        for start, end in _periods(measure, asked):
            try:
                given = figures.parameters_of(visit, measure, today() if asked.period == "quarters" else end)
                answers[end] = await asyncio.to_thread(
                    snapshot.evaluate,
                    grant,
                    measure,
                    given,
                    start,
                    end,
                    asked.dimensions,
                    asked.place,
                    level=level,
                )
            except Fault as fault:
                answers[end] = fault
    return found


def _periods(measure: MeasureDeclaration, asked: Asked) -> list[tuple[date, date]]:
    match asked.period:
        case "quarters":
            return [figures.period(measure, end) for end in quarter_ends(today(), figures.STORED_QUARTERS)]
        case "range":
            return [(asked.start if measure.period == "year" else asked.end, asked.end)]
        case _:
            return [figures.period(measure, asked.day)]


def confidence(visit: Visit) -> float:
    """Return the level of confidence limits in percent."""
    found = visit.platform.parameters.find(
        "measures.confidence", visit.platform.settings.jurisdiction, today()
    )
    return float(found.value) if found is not None else 95.0


def _side_by_side(
    visit: Visit, asked: Asked, names: Names, computed: Mapping[str, Answers], lands: Mapping[str, maps.Land]
) -> list[Table]:
    """Return one table, a column a measure; a chart for each of them, for their units differ."""
    words = visit.words
    results = {one.id: next(iter(computed[one.id].values())) for one in asked.measures}
    keys: dict[str, str] = {}
    cells: dict[str, dict[str, Cell]] = {}
    notes, charts, totals, instants = [], [], [], []
    for one in asked.measures:
        result = results[one.id]
        if isinstance(result, Fault):
            notes.append(f"{words.of(one.title)}{words('：')}{figures.refused(words, result).text}")
            totals.append(Cell("—"))
            continue
        notes += _notes(visit, asked, one, result)
        instants.append(result.instant)
        totals.append(_cell(visit, one, result))
        for row in result.rows:
            key = str(row.keys[0])
            keys[key] = key_title(visit, asked.measures, asked.by, key, names)
            cells.setdefault(key, {})[one.id] = _cell(visit, one, row)
        charts.append(_chart(visit, asked, one, result, names, lands))
    ordered = sorted(keys, key=lambda key: (key == "", _rank(asked, key)))
    rows = [(keys[key], [cells[key].get(one.id, Cell("—")) for one in asked.measures]) for key in ordered]
    titles = [f"{words.of(one.title)}{_in_unit(visit, one)}" for one in asked.measures]
    corner = dimensions_of(visit, asked.measures, asked.place)[asked.by]
    title = "、".join(words.of(one.title) for one in asked.measures)
    as_of = words.moment(min(instants)) if instants else "—"
    chart = Markup().join(charts)
    return [Table(title, corner, titles, rows, totals, "", chart, tuple(dict.fromkeys(notes)), as_of)]


def _rank(asked: Asked, key: str) -> tuple[int, str]:
    """Return the order of a key: labels of a dimension as declared, numbers as numbers, else as text."""
    declared = next((one for one in asked.measures[0].dimensions if one.id == asked.by), None)
    listed = list(declared.labels) if declared else []
    return (listed.index(key) if key in listed else len(listed), key.zfill(12) if key.isdigit() else key)


def _chart(
    visit: Visit,
    asked: Asked,
    measure: MeasureDeclaration,
    result: figures.Result,
    names: Names,
    lands: Mapping[str, maps.Land],
) -> Markup:
    words, title = visit.words, visit.words.of(measure.title)
    rows = [row for row in result.rows if row.keys[0]]
    if asked.show == "table" or not rows:
        return Markup()
    if asked.show == "map" and lands:
        places = [
            geography.Place(
                code, name_of_place(names.places, code), row.value, figures.shown_text(words, measure, row),
                hidden=row.suppressed,
            )
            for row in rows
            for code in (str(row.keys[0]),)
        ]  # fmt: skip
        drawing = shaded_map.shaded_map(geography.features(lands, places), title=title)
        if drawing:
            return _figure(title, drawing)
    listed = sorted(rows, key=lambda row: _rank(asked, str(row.keys[0])))[:_IN_A_CHART]
    series = Series(
        title, [row.value for row in listed], [figures.shown_text(words, measure, row) for row in listed]
    )
    groups = [key_title(visit, asked.measures, asked.by, str(row.keys[0]), names) for row in listed]
    return _figure(f"{title}{_in_unit(visit, measure)}", series_charts.bars(groups, [series], title=title))


def _figure(caption: str, drawing: Markup) -> Markup:
    if not drawing:
        return Markup()
    return Markup('<figure class="analysis-chart"><figcaption>{}</figcaption>{}</figure>').format(
        caption, drawing
    )


def _crossed(
    visit: Visit, asked: Asked, names: Names, measure: MeasureDeclaration, answers: Answers
) -> Table:
    """Return the table of one measure by two dimensions, or by one over the quarter ends."""
    words, title = visit.words, visit.words.of(measure.title)
    offered = dimensions_of(visit, asked.measures, asked.place)
    known = {end: one for end, one in answers.items() if not isinstance(one, Fault)}
    notes = [figures.refused(words, one).text for one in answers.values() if isinstance(one, Fault)]
    for result in known.values():
        notes += _notes(visit, asked, measure, result)
    cells: dict[tuple[str, str], Cell] = {}
    for end, result in known.items():
        for row in result.rows:
            column = str(row.keys[1]) if asked.also else end.isoformat()
            cells[str(row.keys[0]), column] = _cell(visit, measure, row, brief=True)
    rows = sorted({one for one, _ in cells}, key=lambda key: (key == "", _rank(asked, key)))
    if asked.also:
        other = Asked(
            **{name: getattr(asked, name) for name in Asked.__slots__} | {"by": asked.also, "also": ""}
        )
        columns = sorted({one for _, one in cells}, key=lambda key: (key == "", _rank(other, key)))
        heads = [key_title(visit, asked.measures, asked.also, key, names) for key in columns]
        total: list[Cell] = []
    else:
        columns = [end.isoformat() for end in answers]
        heads = [f"{end:%Y-%m}" for end in answers]
        total = [
            _cell(visit, measure, known[end], brief=True) if end in known else Cell("—") for end in answers
        ]
    if len(columns) > MOST_COLUMNS:
        notes.append(
            words(
                "第二个维度有 {count} 个取值，只列出前 {most} 个；请交换两个维度",
                count=len(columns),
                most=MOST_COLUMNS,
            )
        )
        columns, heads = columns[:MOST_COLUMNS], heads[:MOST_COLUMNS]
    table = [
        (
            key_title(visit, asked.measures, asked.by, key, names),
            [cells.get((key, column), Cell("—")) for column in columns],
        )
        for key in rows
    ]
    chart = _series_chart(visit, asked, measure, heads, table, total)
    instants = [one.instant for one in known.values()]
    return Table(
        f"{title}{_in_unit(visit, measure)}", offered[asked.by], heads, table, total,
        figures.unit_text(words, measure.unit), _figure(title, chart), tuple(dict.fromkeys(notes)),
        words.moment(min(instants)) if instants else "—", words.of(measure.definition),
    )  # fmt: skip


def _series_chart(
    visit: Visit,
    asked: Asked,
    measure: MeasureDeclaration,
    heads: Sequence[str],
    table: Sequence[tuple[str, Sequence[Cell]]],
    total: Sequence[Cell],
) -> Markup:
    words, title = visit.words, visit.words.of(measure.title)
    if asked.show == "table" or not table:
        return Markup()
    if asked.period == "quarters":
        listed = [(words("合计"), total), *table[: series_charts.MOST - 1]]
        series = [Series(name, [one.value for one in row], [one.text for one in row]) for name, row in listed]
        return series_charts.lines(heads, series, title=title, unit=figures.unit_text(words, measure.unit))
    if len(heads) > series_charts.MOST:
        return Markup()
    shown = table[:_IN_A_CHART]
    series = [
        Series(head, [row[at].value for _, row in shown], [row[at].text for _, row in shown])
        for at, head in enumerate(heads)
    ]
    drawing = series_charts.bars([name for name, _ in shown], series, title=title)
    return drawing and series_charts.legend(heads) + drawing


def _cell(
    visit: Visit, measure: MeasureDeclaration, shown: figures.Row | figures.Result, brief: bool = False
) -> Cell:
    words = visit.words
    limits = getattr(shown, "limits", None)
    sub = ""
    if limits is not None:
        low, high = (words.figure(one, measure.decimals) for one in limits)
        sub = words("{low} 至 {high}", low=low, high=high)
    elif not brief and measure.kind != "count":
        sub = f"{figures.count_text(words, shown.numerator)} / {figures.count_text(words, shown.denominator)}"
    return Cell(figures.shown_text(words, measure, shown), sub, shown.value, shown.suppressed)


def _notes(visit: Visit, asked: Asked, measure: MeasureDeclaration, result: figures.Result) -> list[str]:
    words, notes = visit.words, []
    if not measure.has_past and (asked.period == "quarters" or asked.last != today()):
        notes.append(words("{title}：按台账现状计数，选哪一天都是现在的数值", title=words.of(measure.title)))
    if result.withheld:
        notes.append(f"{words.of(measure.title)}{words('：')}{figures.why_not_split(visit, measure)[1]}")
    if result.suppressed or any(row.suppressed for row in result.rows):
        notes.append(figures.rule_of_hiding(visit, measure))
    return notes


def _in_unit(visit: Visit, measure: MeasureDeclaration) -> str:
    unit = figures.unit_text(visit.words, measure.unit)
    return visit.words("（{unit}）", unit=unit) if unit else ""


def key_title(
    visit: Visit, measures: Sequence[MeasureDeclaration], dimension: str, key: str, names: Names
) -> str:
    """Return what people call a value of a dimension."""
    words = visit.words
    if not key:
        return words("未知")
    if dimension in PLACES:
        return name_of_place(names.places, key)
    declared = next((one for one in measures[0].dimensions if one.id == dimension), None)
    label = declared.labels.get(key) if declared else None
    if label:
        return words.of(label)
    return names.units.get(key, words("未登记名称") if key.startswith("Organization/") else key)
