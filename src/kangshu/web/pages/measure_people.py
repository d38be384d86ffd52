"""A measure among people: by sex and age as a pyramid, and by its other fixed groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from kangshu.base.faults import NotFound
from kangshu.sdk import Dimension
from kangshu.web import charts, figures
from kangshu.web.pages.measure import limits_text
from kangshu.web.pages.measure_frame import Frame, frame_of, sex_and_age, shell
from kangshu.web.parts import Link
from kangshu.web.pyramid import Band, Half, pyramid
from kangshu.web.visit import Visit

_SEXES: Final = ("male", "female")


@dataclass(frozen=True, slots=True)
class Side:
    """One sex of a band in the table."""

    value: str
    numerator: str
    denominator: str
    subjects: str


@dataclass(frozen=True, slots=True)
class BandLine:
    """One age band in the table."""

    title: str
    sides: tuple[Side, Side]


async def people(visit: Visit) -> Response:
    """Show a measure by sex and age."""
    frame = await frame_of(visit)
    words, measured, by = visit.words, frame.measure, sex_and_age(frame.measure)
    if by is None:
        raise NotFound("this measure is not told by sex and age", zh="该指标没有性别和年龄维度")
    result = await figures.evaluated(visit, measured, by, frame.place)
    cells = {(str(row.keys[0]), str(row.keys[1])): row for row in result.rows}
    declared = next(one for one in measured.dimensions if one.id == by[1])
    seen = {age for _, age in cells}
    # bands are declared from the youngest on; the oldest stand at the top
    ages = [one for one in reversed(list(declared.labels)) if one in seen]
    bands = [
        Band(
            words.of(declared.labels[age]),
            _half(frame, by, cells, "male", age),
            _half(frame, by, cells, "female", age),
        )
        for age in ages
    ]
    other = [row for (sex, age), row in cells.items() if sex not in _SEXES or age not in declared.labels]
    return visit.render(
        "measure_people.html",
        drawing=pyramid(
            bands,
            title=words("{title}：按性别和年龄", title=words.of(measured.title)),
            left=words("男"),
            right=words("女"),
        ),
        lines=[
            BandLine(
                words.of(declared.labels[age]),
                (
                    _side(frame, by, cells.get(("male", age)), age),
                    _side(frame, by, cells.get(("female", age)), age),
                ),
            )
            for age in ages
        ],
        other=len(other),
        counted=measured.kind == "count",
        sheet=frame.address("/export.xlsx", by=",".join(by)),
        csv=frame.address("/export.csv", by=",".join(by)),
        **shell(frame, result, "/people"),
    )


def _half(
    frame: Frame, by: tuple[str, str], cells: dict[tuple[str, str], figures.Row], sex: str, age: str
) -> Half:
    row, words, measured = cells.get((sex, age)), frame.visit.words, frame.measure
    if row is None:
        return Half(None, None, "", words("没有"))
    text = figures.shown_text(words, measured, row)
    unit = "" if row.value is None else figures.unit_text(words, measured.unit)
    said = f"{frame.key_title(by[0], sex)} {frame.key_title(by[1], age)}：{text}{unit}"
    if measured.kind == "count":
        return Half(row.numerator, None, text, said, frame.subjects(**{by[0]: sex, by[1]: age}))
    said += f" ({figures.count_text(words, row.numerator)}/{figures.count_text(words, row.denominator)})"
    return Half(
        row.denominator, row.numerator, f"{text}{unit}", said, frame.subjects(**{by[0]: sex, by[1]: age})
    )


def _side(frame: Frame, by: tuple[str, str], row: figures.Row | None, age: str) -> Side:
    words = frame.visit.words
    if row is None:
        return Side("—", "—", "—", "")
    return Side(
        figures.shown_text(words, frame.measure, row),
        figures.count_text(words, row.numerator),
        figures.count_text(words, row.denominator),
        frame.subjects(**{by[0]: str(row.keys[0]), by[1]: age}),
    )


# ---------------------------------------------------------------------- other groups


@dataclass(frozen=True, slots=True)
class Split:
    """One line of a measure split by a dimension."""

    title: str
    value: str
    limits: str
    bar: Markup
    numerator: str
    denominator: str
    link: str


async def splits(visit: Visit) -> Response:
    """Show a measure split by one of its fixed groups: ownership, level, kind …"""
    frame = await frame_of(visit)
    offered = [one for one in frame.measure.dimensions if one.labels]
    if not offered:
        raise NotFound("this measure has no further groups", zh="该指标没有其他分组")
    words, measured = visit.words, frame.measure
    by = next((one for one in offered if one.id == visit.query("by")), offered[0])
    result = await figures.evaluated(visit, measured, by.id, frame.place)
    return visit.render(
        "measure_splits.html",
        dimension=words.of(by.title),
        dimensions=[
            Link(words.of(one.title), frame.address("/splits", by=one.id), current=one.id == by.id)
            for one in offered
        ],
        rows=_rows(frame, by, result),
        sheet=frame.address("/export.xlsx", by=by.id),
        csv=frame.address("/export.csv", by=by.id),
        **shell(frame, result, "/splits"),
    )


def _rows(frame: Frame, by: Dimension, result: figures.Result) -> list[Split]:
    words, measured = frame.visit.words, frame.measure
    order = {key: place for place, key in enumerate(by.labels)}
    top = max([row.value or 0.0 for row in result.rows], default=1.0) or 1.0
    top = max(top, 100.0) if measured.unit == "%" and top > 50 else top
    rows = []
    for row in sorted(result.rows, key=lambda one: order.get(str(one.keys[0]), len(order))):
        key, text = str(row.keys[0]), figures.shown_text(words, measured, row)
        rows.append(
            Split(
                frame.key_title(by.id, key),
                text,
                limits_text(frame, row),
                charts.bar(row.value, top, target=result.value, title=text),
                figures.count_text(words, row.numerator),
                figures.count_text(words, row.denominator),
                frame.subjects(**{by.id: key}) if key else "",
            )
        )
    return rows
