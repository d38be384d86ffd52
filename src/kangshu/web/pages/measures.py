"""A measure with its number, by district and other dimensions, and the records behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response

from kangshu.api import name_of, tell, text_of
from kangshu.base.clock import quarter_ends, today
from kangshu.base.faults import Fault, Forbidden
from kangshu.sdk import MeasureDeclaration
from kangshu.web import charts, figures, maps
from kangshu.web.language import Words
from kangshu.web.lookup import divisions, kind_title, organisations, record_address
from kangshu.web.pages.awaited import awaited_of, awaited_page
from kangshu.web.pages.figures_text import target_text
from kangshu.web.pages.parameters import version_text
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.parts import Fact, Filter, Link, Paging, Tab
from kangshu.web.sheets import measure_sheet
from kangshu.web.visit import Visit

_PAGE = 25


@dataclass(frozen=True, slots=True)
class Split:
    """One line of a measure split by a dimension."""

    title: str
    value: str
    bar: Markup
    numerator: str
    denominator: str
    link: str


def _gap(words: Words, measured: MeasureDeclaration, result: figures.Result) -> str:
    """Return how many do not meet the measure; of a proportion alone."""
    if measured.kind != "proportion":
        return ""
    if result.numerator is None or result.denominator is None:
        return words("已抑制")
    return figures.count_text(words, max(result.denominator - result.numerator, 0))


async def measure(visit: Visit) -> Response:
    """Show one measure: its number, split by a dimension, its definition, source and linked targets."""
    words, grant = visit.words, visit.grant
    if (awaited := awaited_of(visit, visit.path("id"))) is not None:
        return awaited_page(visit, awaited)
    measured = figures.measure_of(visit, visit.path("id"))
    asked = visit.query("by", "district")
    dimensions = {"district": words("区域"), **{one.id: words.of(one.title) for one in measured.dimensions}}
    by = asked if asked in dimensions else "district"
    start, end = figures.period(measured)
    city = visit.platform.settings.jurisdiction
    place = visit.query("district") or city
    result = await figures.evaluated(visit, measured, by, place)
    names = await _names(visit)
    address, proportion = f"/measures/{measured.id}", measured.kind != "count"
    top = max([row.value or 0.0 for row in result.rows], default=1.0)
    if measured.unit == "%":
        top = max(top, 100.0) if top > 50 else max(top * 1.15, 1.0)
    rows = []
    for row in result.rows:
        key = str(row.keys[0])
        text = figures.shown_text(words, measured, row)
        rows.append(
            Split(
                _key_title(visit, measured, by, key, names),
                text,
                charts.bar(row.value, top, title=text),
                figures.count_text(words, row.numerator),
                figures.count_text(words, row.denominator),
                f"{address}/subjects?{urlencode({by: key})}" if key else "",
            )
        )
    tiles = Markup("")
    if by == "district" and len(result.rows) > 1:
        tiles = await _districts(visit, f"{address}?district={{code}}", place, result.rows, rows)
    return visit.render(
        "measure.html",
        title=words.of(measured.title),
        definition=words.of(measured.definition),
        address=address,
        query=f"?{urlencode({'by': by})}",
        may_subjects=grant.may("measure.subjects"),
        may_export=grant.may("export"),
        value=figures.shown_text(words, measured, result),
        unit="" if result.suppressed else figures.unit_text(words, measured.unit),
        suppressed=result.suppressed or any(row.suppressed for row in result.rows),
        withheld=result.withheld,
        threshold=_threshold(visit),
        numerator=figures.count_text(words, result.numerator),
        denominator=figures.count_text(words, result.denominator) if proportion else "",
        gap=_gap(words, measured, result),
        period=figures.period_text(words, measured, start, end),
        as_of=words.moment(result.instant),
        position=result.position,
        demo=visit.platform.settings.demo,
        dimension=dimensions[by],
        dimensions=[
            Link(title, f"{address}?by={one}", current=one == by) for one, title in dimensions.items()
        ],
        place=names.get(place, "") if place != city else "",
        rows=rows,
        tiles=tiles,
        trend=await _trend(visit, measured),
        yearly=measured.period == "year",
        linked=await linked_targets(visit, measured.id),
        source=measured.source,
        direction=figures.direction_text(words, measured),
        views="、".join(measured.views),
        parameters=[_parameter(visit, one, end) for one in measured.parameters],
    )


async def _districts(
    visit: Visit, links: str, place: str, found: Sequence[figures.Row], rows: Sequence[Split]
) -> Markup:
    """Return the districts on the map; as equal tiles where they have no outlines."""
    title = visit.words("区域示意图")
    split = [(str(one.keys[0]), one.value, row) for one, row in zip(found, rows, strict=True)]
    shades = {code: maps.Shade(value, row.value) for code, value, row in split}
    drawn = maps.drawn_map(await maps.lands(visit), place, title=title, shades=shades, links=links)
    return drawn or charts.tile_map(
        [charts.Tile(code, row.title, value, row.value) for code, value, row in split],
        title=title,
        links=links,
    )


async def _trend(visit: Visit, measured: MeasureDeclaration) -> Markup:
    """Return the chart of the last eight quarters; empty where fewer than two are known."""
    words, ends = visit.words, quarter_ends(today())
    try:
        past = await figures.past(visit, measured, ends)
    except Fault:
        return Markup()
    points = [charts.Point(day.strftime("%Y-%m"), one.value) for day, one in zip(ends, past, strict=True)]
    if sum(1 for point in points if point.value is not None) < 2:
        return Markup()
    title = words.of(measured.title)
    return charts.trend(points, title=title, unit=figures.unit_text(words, measured.unit))


def _parameter(visit: Visit, id_: str, day: Any) -> Fact:
    version = visit.platform.parameters.version(id_, visit.platform.settings.jurisdiction, day)
    said = visit.words("来源：{source}", source=version.source)
    return Fact(visit.words.of(version.title), f"{version_text(visit.words, version)}（{said}）")


async def _names(visit: Visit) -> dict[str, str]:
    """Return the names of divisions by code and of organisations by reference, for the keys of a split."""
    units = await organisations(visit)
    return {**await divisions(visit), **{f"Organization/{id_}": name for id_, name in units.items()}}


def _key_title(
    visit: Visit, measured: MeasureDeclaration, by: str, key: str, names: Mapping[str, str]
) -> str:
    if not key:
        return visit.words("未知")
    if by == "district":
        return names.get(key, names.get(key.ljust(6, "0"), key))
    dimension = next((one for one in measured.dimensions if one.id == by), None)
    label = dimension.labels.get(key) if dimension else None
    return visit.words.of(label) if label else names.get(key, key)


@dataclass(frozen=True, slots=True)
class Subject:
    """One record behind a number, as the visitor may see it."""

    title: str
    address: str
    kind: str
    note: str
    place: str


async def subjects(visit: Visit) -> Response:
    """Show the records behind a number; each is read again under the visitor's grant before it is shown."""
    words = visit.words
    measured = figures.measure_of(visit, visit.path("id"))
    parts = {"numerator": words("达到（分子）"), "denominator": words("全部（分母）")}
    if measured.kind == "proportion":
        parts["gap"] = words("尚未达到（差距）")
    if measured.kind == "count":
        parts.pop("denominator")
    part = visit.query("part", "gap" if "gap" in parts else "numerator")
    part = part if part in parts else "numerator"
    offset = visit.number("offset", 0)
    dimensions = ["district", *(one.id for one in measured.dimensions)]
    cell = {one: visit.query(one) for one in dimensions if visit.query(one)}
    denied, total = "", 0
    found: Sequence[str] = ()
    try:
        found, total = await figures.behind(visit, measured, part, cell, offset, _PAGE)
    except Forbidden as fault:
        denied = figures.refused(words, fault).text
    whole = await _whole(visit, measured, part) if not cell else total
    address = f"/measures/{measured.id}"
    names = await organisations(visit) if found else {}
    rows = await asyncio.gather(*(_subject(visit, one, names) for one in found))
    return visit.render(
        "subjects.html",
        title=words.of(measured.title),
        address=address,
        part=part,
        denied=denied,
        hidden=whole > total,
        whole=f"{whole:,}",
        seen=f"{total:,}",
        tabs=[
            Tab(
                title, visit.with_query(part=one, offset=""), one == part, f"{total:,}" if one == part else ""
            )
            for one, title in parts.items()
        ],
        filters=await _dimension_filters(visit, measured, cell),
        rows=[row for row in rows if row is not None],
        first=offset + 1 if found else 0,
        last=offset + len(found),
        total=total,
        page=Paging(
            visit.with_query(offset=max(offset - _PAGE, 0) or "") if offset else "",
            visit.with_query(offset=offset + _PAGE) if offset + len(found) < total else "",
        ),
    )


async def _whole(visit: Visit, measured: MeasureDeclaration, part: str) -> int:
    """Return of how many records the number says it is made, seen or not; 0 where that is not shown."""
    result = await figures.evaluated(visit, measured)
    if measured.kind != "proportion" or result.numerator is None or result.denominator is None:
        return 0
    counts = {"numerator": result.numerator, "denominator": result.denominator}
    return round(counts.get(part, result.denominator - result.numerator))


def _threshold(visit: Visit) -> int:
    """Return the least count that is shown to those who may not read who is counted."""
    found = visit.platform.parameters.find(
        "disclosure.small-cell", visit.platform.settings.jurisdiction, today()
    )
    return int(found.value) if found is not None else 0


async def _subject(visit: Visit, reference: str, names: Mapping[str, str]) -> Subject | None:
    kind, _, id_ = reference.partition("/")
    try:
        resource = (await visit.platform.store.read(visit.grant, kind, id_)).resource
    except Fault:
        return None
    address = record_address(visit, kind, id_)
    note = ""
    if kind == "Patient":
        genders = {"male": visit.words("男"), "female": visit.words("女")}
        note = " · ".join(
            filter(None, (genders.get(str(resource.get("gender"))), str(resource.get("birthDate", ""))))
        )
    else:
        note = text_of(resource.get("type")) or text_of(resource.get("code"))
    owner = (
        resource.get("managingOrganization")
        or resource.get("providedBy")
        or resource.get("organization")
        or {}
    )
    if isinstance(owner, list):  # a CareTeam may have several
        owner = owner[0]
    return Subject(name_of(resource), address, kind_title(visit, kind), note, _organisation(owner, names))


def _organisation(reference: Mapping[str, Any], names: Mapping[str, str]) -> str:
    id_ = str(reference.get("reference", "")).removeprefix("Organization/")
    return str(reference.get("display") or names.get(id_, ""))


async def _dimension_filters(
    visit: Visit, measured: MeasureDeclaration, cell: Mapping[str, str]
) -> list[Filter]:
    words = visit.words
    names = await divisions(visit)
    city = visit.platform.settings.jurisdiction
    places = tuple((code, name) for code, name in names.items() if len(code) == 6 and code != city)
    found = [Filter("district", words("区域"), cell.get("district", ""), places)]
    for one in measured.dimensions:
        if one.labels:
            options = tuple((code, words.of(text)) for code, text in one.labels.items())
            found.append(Filter(one.id, words.of(one.title), cell.get(one.id, ""), options))
    return found


async def export(visit: Visit) -> Response:
    """Return the measure split by a dimension as an Excel workbook."""
    words = visit.words
    visit.grant.require("measure.read")
    measured = figures.measure_of(visit, visit.path("id"))
    by = visit.query("by", "district")
    if by != "district" and by not in {one.id for one in measured.dimensions}:
        by = "district"
    result = await figures.evaluated(visit, measured, by)
    await tell(visit.platform, visit.grant, "export", "Measure", measured.id, by)
    names = await _names(visit)
    rows = [(_key_title(visit, measured, by, str(row.keys[0]), names), row) for row in result.rows]
    data = measure_sheet(visit, measured, result, rows)
    return visit.download(data, f"{words.of(measured.title)}.xlsx")


@dataclass(frozen=True, slots=True)
class Target:
    """A plan's target that a measure proves."""

    title: str
    plan: str
    address: str
    tone: str
    light: str
    target: str


async def linked_targets(visit: Visit, measure_id: str) -> list[Target]:
    """Return the targets of the city's own plans that a measure proves."""
    if not visit.grant.may("plan.read"):
        return []
    words = visit.words
    found: list[Target] = []
    for row in await visit.platform.plans.plans(visit.grant):
        if row.foreign:
            continue
        plan = await visit.platform.plans.plan(visit.grant, row.id)
        found.extend(
            Target(
                one.indicator,
                row.title,
                f"/plans/{row.id}/targets/{one.id}",
                one.light.light,
                words(LIGHT_WORDS[one.light.light]),
                target_text(one),
            )
            for one in plan.targets
            if one.measure == measure_id
        )
    return found
