"""Pictures of a register beside its list: on the map, along time, as a curve; each with the same in words below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response

from kangshu.base.clock import today
from kangshu.base.faults import NotFound
from kangshu.sdk import Column, CurvePicture, GanttPicture, MapPicture, RegisterDeclaration
from kangshu.web import charts, gantt, maps
from kangshu.web.pages.registers import (
    declaration_of,
    filter_fields,
    filters_of,
    picture_tabs,
    record_address,
)
from kangshu.web.visit import Visit

MOST: Final = 2000
_COLOURS: Final = 12


@dataclass(frozen=True, slots=True)
class Legend:
    """One colour of a picture: its number, what it means, how many records have it."""

    colour: int
    title: str
    count: int


@dataclass(frozen=True, slots=True)
class BarRow:
    """One row of a time picture."""

    name: str
    address: str
    state: str
    colour: int
    span: str
    progress: str
    late: bool
    stages: str
    bar: Markup


async def frame(
    visit: Visit, declared: RegisterDeclaration, current: str, shown: int, total: int
) -> dict[str, Any]:
    """Return what every picture's page shows besides the picture."""
    words, filters = visit.words, filters_of(visit)
    return {
        "title": words.of(declared.title),
        "help": words.of(declared.help),
        "address": f"/registers/{declared.code}/{current}",
        "tabs": picture_tabs(visit, declared, current),
        "filters": await filter_fields(visit, declared, filters),
        "filtered": bool(filters),
        "beyond": words("只画出前 {shown} 条，共 {total} 条；请用条件缩小范围。", shown=shown, total=total)
        if total > shown
        else "",
    }


async def on_map(visit: Visit) -> Response:
    """Show the records of a register on the outlines of the city's divisions."""
    declared, words = declaration_of(visit), visit.words
    picture = declared.pictures.map
    if picture is None:
        raise NotFound("this register has no map", zh="该台账没有地图")
    found = await visit.platform.registers.pictured(visit.grant, declared.code, filters_of(visit), most=MOST)
    places = await maps.lands(visit)
    code = visit.query("district") or visit.platform.settings.jurisdiction
    rows = list(zip(found.rows, found.places, strict=True))
    sizes = [_number(row.values.get(picture.size)) for row, _ in rows]
    largest = max((one for one in sizes if one is not None), default=0.0)
    colours = column_of(declared, picture.colour)
    marks, unplaced, lines = [], 0, []
    for (row, position), size in zip(rows, sizes, strict=True):
        said = _told(visit, declared, picture, row)
        name, address = words.of(row.texts[picture.label]), record_address(declared, row.id)
        colour = colour_of(colours, row.values.get(picture.colour))
        lines.append((name, address, said, colour, position is not None))
        if position is None:
            unplaced += 1
            continue
        weight = (size or 0.0) / largest if largest else 0.0
        marks.append(maps.Mark(*position, name, said, address, colour, weight))
    title = words("{title}分布图", title=words.of(declared.title))
    links = visit.with_query(district="{code}").replace("%7Bcode%7D", "{code}")
    return visit.render(
        "register_map.html",
        drawing=maps.drawn_map(places, code, title=title, marks=marks, links=links),
        legend=legend_of(visit, colours, [row.values.get(picture.colour) for row, _ in rows]),
        sized=words.of(sized.title) if (sized := column_of(declared, picture.size)) else "",
        lines=lines,
        unplaced=words("另有 {count} 条没有登记位置，未画在图上。", count=unplaced) if unplaced else "",
        up=visit.with_query(district="") if visit.query("district") else "",
        place=places[code].name if code in places else "",
        **await frame(visit, declared, "map", len(found.rows), found.total),
    )


def _told(visit: Visit, declared: RegisterDeclaration, picture: MapPicture, row: Any) -> str:
    """Return what a mark says besides its name: its colour's meaning, and what its size stands for."""
    words, sized = visit.words, column_of(declared, picture.size)
    colour = words.of(row.texts[picture.colour]) if picture.colour else ""
    size = words.of(row.texts[picture.size]) if picture.size else ""
    return " · ".join(filter(None, (colour, f"{words.of(sized.title)} {size}" if sized and size else "")))


async def along_time(visit: Visit) -> Response:
    """Show the records of a register as bars along time, with their milestones."""
    declared, words, day = declaration_of(visit), visit.words, today()
    picture = declared.pictures.gantt
    if picture is None:
        raise NotFound("this register has no time picture", zh="该台账没有甘特图")
    found = await visit.platform.registers.pictured(visit.grant, declared.code, filters_of(visit), most=MOST)
    stages = await _stages(visit, declared, picture)
    colours = column_of(declared, picture.colour)
    bars = [
        gantt.Bar(
            _day(row.values.get(picture.start)),
            _day(row.values.get(picture.end)),
            _number(row.values.get(picture.progress)),
            colour_of(colours, row.values.get(picture.colour)),
            row.values.get(picture.late) is True,
            stages.get(f"{declared.resource_type}/{row.id}", ()),
        )
        for row in found.rows
    ]
    axis = gantt.axis_of(bars, day)
    lines = [
        _bar_row(visit, declared, picture, row, bar, axis) for row, bar in zip(found.rows, bars, strict=True)
    ]
    order = sorted(range(len(bars)), key=lambda place: (bars[place].start or date.max, lines[place].name))
    return visit.render(
        "register_gantt.html",
        head=gantt.head(axis, day, words("今天 {day}", day=day.isoformat())),
        lines=[lines[place] for place in order],
        legend=legend_of(visit, colours, [row.values.get(picture.colour) for row in found.rows]),
        staged=picture.milestones is not None,
        **await frame(visit, declared, "gantt", len(found.rows), found.total),
    )


def _bar_row(
    visit: Visit,
    declared: RegisterDeclaration,
    picture: GanttPicture,
    row: Any,
    bar: gantt.Bar,
    axis: gantt.Axis,
) -> BarRow:
    words, day = visit.words, today()
    name = words.of(row.texts[picture.label])
    span = f"{bar.start or words('未定')} – {bar.end or words('未定')}"
    state = words.of(row.texts[picture.colour]) if picture.colour else ""
    progress = f"{bar.progress:g}%" if bar.progress is not None else ""
    late = sum(1 for one in bar.stages if one.done is None and one.day < day)
    done = sum(1 for one in bar.stages if one.done is not None)
    told = words("节点 {done}/{all}", done=done, all=len(bar.stages)) if bar.stages else ""
    if late:
        told += words("，滞后 {late}", late=late)
    said = "，".join(filter(None, (name, state, span, progress, told, words("预警") if bar.late else "")))
    return BarRow(
        name, record_address(declared, row.id), state, bar.colour, span, progress, bar.late or bool(late), told,
        gantt.row(axis, bar, day, said),
    )  # fmt: skip


async def _stages(
    visit: Visit, declared: RegisterDeclaration, picture: GanttPicture
) -> Mapping[str, tuple[gantt.Stage, ...]]:
    """Return the milestones of every row, by the reference of the record that they belong to."""
    marks = picture.milestones
    if marks is None:
        return {}
    found = await visit.platform.registers.pictured(visit.grant, marks.register, most=MOST * 10)
    by_row: dict[str, list[gantt.Stage]] = {}
    for row in found.rows:
        day = _day(row.values.get(marks.day))
        if day is not None:
            stage = gantt.Stage(visit.words.of(row.texts[marks.label]), day, _day(row.values.get(marks.done)))
            by_row.setdefault(str(row.values.get(marks.of)), []).append(stage)
    return {name: tuple(sorted(stages, key=lambda one: one.day)) for name, stages in by_row.items()}


async def as_curve(visit: Visit) -> Response:
    """Show a column of a register summed by month, as a curve and as a table."""
    declared, words = declaration_of(visit), visit.words
    picture = declared.pictures.curve
    if picture is None:
        raise NotFound("this register has no curve", zh="该台账没有曲线")
    found = await visit.platform.registers.pictured(
        visit.grant, declared.code, filters_of(visit), most=MOST * 10
    )
    months = curve_months([row.values for row in found.rows], picture)
    value, planned = column_of(declared, picture.value), column_of(declared, picture.planned)
    unit = picture.unit
    points = [charts.Point(one.month, one.value) for one in months]
    second = [charts.Point(one.month, one.planned) for one in months] if planned else []
    title = words("{title}曲线", title=words.of(declared.title))
    return visit.render(
        "register_curve.html",
        drawing=charts.trend(points, title=title, unit=words(unit), second=second, from_zero=True),
        months=[
            (one.month, words.figure(one.in_month), words.figure(one.value), words.figure(one.planned))
            for one in reversed(months)
        ],
        value=words.of(value.title) if value else "",
        planned=words.of(planned.title) if planned else "",
        unit=words(unit),
        added_up=picture.added_up,
        **await frame(visit, declared, "curve", len(found.rows), found.total),
    )


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a curve: what fell in it, and both lines as they are drawn."""

    month: str
    in_month: float
    value: float
    planned: float | None


def curve_months(rows: Sequence[Mapping[str, Any]], picture: CurvePicture) -> list[Month]:
    """Return every month from the first to the last that has a record, with its sum and what has been added up."""
    sums: dict[str, tuple[float, float]] = {}
    for row in rows:
        day = _day(row.get(picture.month))
        if day is not None:
            value, planned = sums.get(f"{day:%Y-%m}", (0.0, 0.0))
            more = _number(row.get(picture.value)) or 0.0, _number(row.get(picture.planned)) or 0.0
            sums[f"{day:%Y-%m}"] = value + more[0], planned + more[1]
    if not sums:
        return []
    found: list[Month] = []
    month, last, value, planned = min(sums), max(sums), 0.0, 0.0
    while month <= last:
        here = sums.get(month, (0.0, 0.0))
        anew = picture.added_up == "" or (picture.added_up == "year" and month.endswith("-01"))
        value, planned = (here[0], here[1]) if anew else (value + here[0], planned + here[1])
        found.append(Month(month, here[0], value, planned if picture.planned else None))
        month = _next(month)
    return found


def _next(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def legend_of(visit: Visit, column: Column | None, values: Sequence[Any]) -> list[Legend]:
    if column is None:
        return []
    counts = {one.code: sum(1 for value in values if value == one.code) for one in column.options}
    return [
        Legend(colour_of(column, one.code), visit.words.of(one.title), counts[one.code])
        for one in column.options
        if counts[one.code]
    ]


def column_of(declared: RegisterDeclaration, name: str) -> Column | None:
    return next((one for one in declared.columns if name and one.id == name), None)


def colour_of(column: Column | None, value: Any) -> int:
    """Return the number of the colour of a choice, from 1; 0 for none."""
    codes = [one.code for one in column.options] if column else []
    return codes.index(value) % _COLOURS + 1 if value in codes else 0


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(str(value))
    except ValueError:
        return None


def _day(value: Any) -> date | None:
    """Return the day of a FHIR date; of a partial one its first."""
    return None if not value else date.fromisoformat((str(value)[:10] + "-01-01")[:10])
