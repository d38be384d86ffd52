"""A measure to take along: its split as a workbook or as csv, its map as GeoJSON. What is suppressed stays so."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from kangshu.access import division_prefix
from kangshu.api import tell
from kangshu.documents import write_csv
from kangshu.web import figures, geography, maps
from kangshu.web.pages.measure import place_features
from kangshu.web.pages.measure_frame import Frame, frame_of, source_text
from kangshu.web.sheets import measure_sheet
from kangshu.web.visit import Visit

_DIVISIONS = ("district", "county", "town", "village")


async def workbook(visit: Visit) -> Response:
    """Return the measure split by dimensions as an Excel workbook."""
    frame, result, rows = await _split(visit)
    data = measure_sheet(visit, frame.measure, result, rows)
    return visit.download(data, f"{visit.words.of(frame.measure.title)}.xlsx")


async def table(visit: Visit) -> Response:
    """Return the same as csv."""
    frame, result, rows = await _split(visit)
    words, measured = visit.words, frame.measure
    lines: list[tuple[Any, ...]] = [
        (
            words("分组"),
            words("值"),
            words("单位"),
            words("分子"),
            words("分母"),
            words("统计期"),
            words("数据截至"),
        )
    ]
    period = figures.period_text(words, measured, *figures.period(measured))
    unit = figures.unit_text(words, measured.unit)
    for title, one in [*rows, (words("合计"), result)]:
        numbers = (words("已抑制") if value is None else value for value in (one.numerator, one.denominator))
        value = (
            words("已抑制")
            if one.suppressed
            else words("未知")
            if one.value is None
            else round(one.value, measured.decimals)
        )
        lines.append((title, value, unit, *numbers, period, words.moment(result.instant)))
    return visit.download(
        write_csv([[str(cell) for cell in line] for line in lines]),
        f"{words.of(measured.title)}.csv",
        "text/csv; charset=utf-8",
    )


async def geojson(visit: Visit) -> Response:
    """Return the divisions with their values as GeoJSON."""
    visit.grant.require("measure.read")
    frame = await frame_of(visit)
    words, measured = visit.words, frame.measure
    level = "town" if visit.query("level") == "town" and len(division_prefix(frame.place)) < 6 else "district"
    result = await figures.evaluated(visit, measured, level, frame.place)
    await tell(
        visit.platform, visit.grant, "export", "Measure", measured.id, f"geojson {level} {frame.place}"
    )
    found = place_features(frame, await maps.lands(visit), result)
    about = {
        "name": words.of(measured.title),
        "definition": words.of(measured.definition),
        "unit": measured.unit,
        "place": frame.place,
        "period": figures.period_text(words, measured, *figures.period(measured)),
        "asOf": result.instant,
        "source": source_text(measured.source),
        "demo": visit.platform.settings.demo,
    }
    data = json.dumps(geography.collection(found, about), ensure_ascii=False).encode()
    return visit.download(data, f"{words.of(measured.title)}.geojson", "application/geo+json")


async def _split(visit: Visit) -> tuple[Frame, figures.Result, list[tuple[str, Any]]]:
    """Return the result for a file, with what people call each of its rows."""
    visit.grant.require("measure.read")
    frame = await frame_of(visit)
    known = {*_DIVISIONS, *(one.id for one in frame.measure.dimensions)}
    by = tuple(one for one in dict.fromkeys(visit.query("by", "district").split(",")) if one in known)[:2]
    by = by or ("district",)
    result = await figures.evaluated(visit, frame.measure, by, frame.place)
    await tell(
        visit.platform, visit.grant, "export", "Measure", frame.measure.id, f"{' '.join(by)} {frame.place}"
    )
    rows = [
        (
            " · ".join(frame.key_title(one, str(key)) for one, key in zip(by, row.keys, strict=True)),
            row,
        )
        for row in result.rows
    ]
    return frame, result, rows
