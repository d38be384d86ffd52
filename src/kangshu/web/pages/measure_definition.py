"""What a measure counts, in plain words: in, out and why, over which period, by which figures, checked how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.base.clock import today
from kangshu.sdk import MeasureDeclaration, WorkedExample
from kangshu.web import figures
from kangshu.web.pages.measure import below
from kangshu.web.pages.measure_frame import Frame, frame_of, shell, source_text
from kangshu.web.pages.parameters import version_text
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One reason for which records count in neither part, and how many there are."""

    title: str
    count: str
    subjects: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One dated parameter that the measure uses."""

    title: str
    value: str
    since: str
    source: str
    verified: bool
    address: str


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: the rows that are given, by what they are of, and what they add up to."""

    title: str
    tables: list[tuple[str, list[str], list[list[str]]]]
    outcome: str


async def definition(visit: Visit) -> Response:
    """Show the definition of a measure with the numbers of what it leaves out."""
    frame = await frame_of(visit)
    words, measured = visit.words, frame.measure
    result = await below(frame)
    service = next(one for one in visit.platform.services if one.id == measured.service)
    titles = _view_titles(visit)
    return visit.render(
        "measure_definition.html",
        formula=_formula(frame),
        left_out=[
            LeftOut(
                words.of(one.title),
                figures.count_text(words, result.excluded.get(one.id)),
                frame.subjects(part="exclusion"),
            )
            for one in measured.exclusions
        ],
        parameters=[_figure(visit, one) for one in measured.parameters],
        unverified=any(not _figure(visit, one).verified for one in measured.parameters),
        direction=figures.direction_text(words, measured),
        source=source_text(measured.source) or "—",
        checked=bool({measured.id, measured.family} & set(service.checks)),
        views=words("、").join(titles.get(one, one) for one in measured.views),
        per_person=measured.per == "person",
        sample=measured.sample,
        examples=[_example(frame, one, titles) for one in measured.examples],
        fhir=f"/fhir/Measure/{measured.id}",
        library=f"/fhir/Library/{measured.id}",
        **shell(frame, result, "/definition"),
    )


def _formula(frame: Frame) -> str:
    words, measured = frame.visit.words, frame.measure
    unit = figures.unit_text(words, measured.unit)
    if measured.kind == "count":
        return words("把符合条件的逐条相加（单位：{unit}）", unit=unit or words("个"))
    if measured.kind == "proportion":
        return words("分子 ÷ 分母 × {scale}；分子是分母中符合要求的那一部分", scale=measured.scale)
    return words("分子 ÷ 分母 × {scale}；分子和分母是两类不同的事物", scale=measured.scale)


def _figure(visit: Visit, id_: str) -> Figure:
    version = visit.platform.parameters.version(id_, visit.platform.settings.jurisdiction, today())
    return Figure(
        visit.words.of(version.title),
        version_text(visit.words, version),
        version.valid_from.isoformat(),
        source_text(version.source),
        version.verified,
        f"/admin/parameters/{id_}" if visit.grant.may("parameter.read") else "",
    )


def _view_titles(visit: Visit) -> dict[str, str]:
    """Return what people call the views, by name; a ViewDefinition's title has both languages."""
    found = {}
    for service in visit.platform.services:
        for view in service.views:
            zh, _, en = str(view.definition.get("title", view.name)).partition(" / ")
            found[view.name] = (en or zh) if visit.words.english else zh
    return found


def _example(frame: Frame, one: WorkedExample, titles: Mapping[str, str]) -> Example:
    words, measured = frame.visit.words, frame.measure
    tables = []
    for view, rows in one.given.items():
        heads = list(dict.fromkeys(name for row in rows for name in row))
        tables.append(
            (titles.get(view, view), heads, [[_cell(row.get(name)) for name in heads] for row in rows])
        )
    return Example(words.of(one.title), tables, _outcome(frame, measured, one))


def _outcome(frame: Frame, measured: MeasureDeclaration, one: WorkedExample) -> str:
    words, numerator = frame.visit.words, float(one.numerator)
    unit = figures.unit_text(words, measured.unit)
    if measured.kind == "count":
        return words(
            "合计 {value}{unit}", value=words.figure(numerator * measured.scale, measured.decimals), unit=unit
        )
    denominator = float(one.denominator)
    value = numerator / denominator * measured.scale if denominator else None
    return words(
        "分子 {numerator}，分母 {denominator}，得 {value}{unit}",
        numerator=figures.count_text(words, numerator),
        denominator=figures.count_text(words, denominator),
        value=figures.value_text(words, measured, value),
        unit="" if value is None else unit,
    )


def _cell(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    return str(value)
