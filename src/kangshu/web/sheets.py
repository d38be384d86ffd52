"""A measure as an Excel workbook: its number, its split, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kangshu.documents import write_xlsx
from kangshu.sdk import MeasureDeclaration
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
        [words("来源"), measured.source],
        [words("数据截至"), words.moment(result.instant)],
        [words("单位"), measured.unit],
        [],
        [words("分组"), words("值"), words("分子"), words("分母")],
    ]
    table.extend([title, _round(measured, row.value), row.numerator, row.denominator] for title, row in rows)
    table.append([words("合计"), _round(measured, result.value), result.numerator, result.denominator])
    return write_xlsx({words.of(measured.title): table}, header=False)


def _round(measured: MeasureDeclaration, value: float | None) -> float | str:
    return "" if value is None else round(value, measured.decimals)
