"""A measure as an Excel workbook: its number, its split, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kangshu.documents import write_xlsx
from kangshu.sdk import MeasureDeclaration
from kangshu.web import figures
from kangshu.web.pages.measure_frame import source_text
from kangshu.web.visit import Visit


def measure_sheet(
    visit: Visit, measured: MeasureDeclaration, result: Any, rows: Sequence[tuple[str, Any]]
) -> bytes:
    """Return a workbook of a measure's result; the first line carries 演示数据 in the demo, who and when."""
    words = visit.words
    mark = words("演示数据") + " · " if visit.platform.settings.demo else ""
    head = f"{mark}{words.of(measured.title)} · {visit.grant.display} · {words.moment(visit.opened)}"
    table: list[list[Any]] = [
        [head],
        [words("口径"), words.of(measured.definition)],
        [words("来源"), source_text(measured.source)],
        [words("数据截至"), words.moment(result.instant)],
        [words("单位"), figures.unit_text(words, measured.unit)],
        [],
        [words("分组"), words("值"), words("分子"), words("分母")],
    ]
    table.extend([title, *_numbers(visit, measured, row)] for title, row in rows)
    table.append([words("合计"), *_numbers(visit, measured, result)])
    if result.withheld or result.suppressed or any(row.suppressed for _, row in rows):
        table += [[], [figures.rule_of_hiding(visit, measured)]]
    return write_xlsx({words.of(measured.title): table}, header=False)


def _numbers(visit: Visit, measured: MeasureDeclaration, shown: Any) -> list[Any]:
    hidden = visit.words("已抑制")
    known = visit.words("未知") if shown.value is None else round(shown.value, measured.decimals)
    value = hidden if shown.suppressed else known
    counts = (hidden if one is None else one for one in (shown.numerator, shown.denominator))
    return [value, *counts]
