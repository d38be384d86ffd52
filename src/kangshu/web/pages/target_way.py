"""A target over time: its chart, what each year's end asks for, its forecast, and its values with what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup

from kangshu.base.clock import today
from kangshu.web import way_chart
from kangshu.web.pages.figures_text import reckoned_text, value_text
from kangshu.web.parts import Fact
from kangshu.web.visit import Visit

SOURCES: Final = {"measure": "台账实时计算", "reported": "责任单位填报", "statistics": "统计部门发布"}
_KINDS: Final = {"baseline": "基期", "milestone": "阶段目标", "final": "目标"}


@dataclass(frozen=True, slots=True)
class YearLine:
    """What the end of a year asks for, and who says so."""

    year: int
    value: str
    source: str
    entered: bool
    """Whether it was entered by a person and may be taken away."""


@dataclass(frozen=True, slots=True)
class SeenLine:
    """One known value."""

    day: str
    value: str
    change: str


@dataclass(frozen=True, slots=True)
class Way:
    """A target over time, ready for the template."""

    chart: Markup
    years: Sequence[YearLine]
    seen: Sequence[SeenLine]
    source: str
    facts: Sequence[Fact]


def way_of(visit: Visit, target: Any) -> Way:
    """Return a target over time; nothing is drawn before there are two points of a way or two values."""
    words, light = visit.words, target.light
    course = visit.platform.plans.targets.course(target)
    unit = light.unit or target.unit
    marks = [
        way_chart.Mark(
            one.day,
            float(one.value),
            one.kind,
            f"{words(_KINDS.get(one.kind, one.kind))} {value_text(one.value)}{unit}",
        )
        for one in course.points
    ]
    found, ahead = light.forecast, None
    if found is not None and found.value is not None and found.at is not None:
        ahead = way_chart.Ahead(
            found.at, float(found.value), float(found.low), float(found.high), words.of(found.text)
        )
    chart = way_chart.way(
        marks,
        [(one.day, float(one.value)) for one in course.seen],
        ahead,
        today(),
        title=target.indicator,
        today_text=words("今日"),
        unit=unit,
    )
    return Way(
        chart,
        _years(visit, target, course, unit),
        _seen(course.seen, unit),
        words(SOURCES[light.source]) if light.source in SOURCES else "",
        _facts(visit, target, unit),
    )


def _years(visit: Visit, target: Any, course: Any, unit: str) -> list[YearLine]:
    words = visit.words
    said = {one.year: one for one in target.milestones}
    found = []
    for year, value in course.years:
        milestone = said.get(year)
        if milestone is not None:
            source = words("规划文件") if milestone.goal else milestone.source
        elif target.due == str(year):
            source = words("规划文件")
        elif target.baseline is not None and target.baseline.day == date(year, 12, 31):
            source = target.baseline.source
        else:
            source = words("按时序推算")
        found.append(
            YearLine(
                year, f"{reckoned_text(value)}{unit}", source, milestone is not None and not milestone.goal
            )
        )
    return found


def _seen(seen: Sequence[Any], unit: str) -> list[SeenLine]:
    found = []
    before: Decimal | None = None
    for one in seen:
        change = "" if before is None else f"{one.value - before:+.2f}".rstrip("0").rstrip(".")
        found.append(SeenLine(one.day.isoformat(), f"{value_text(one.value)}{unit}", change))
        before = one.value
    return found[::-1]


def _facts(visit: Visit, target: Any, unit: str) -> list[Fact]:
    """Return the forecast in words: its method and inputs, the value expected at the deadline, the day of reaching."""
    words, found = visit.words, target.light.forecast
    if found is None:
        return []
    if found.value is None:
        return [Fact(words("预测"), words.of(found.text))]
    reached = (
        words("按目前走势到不了目标值")
        if found.reaches is None
        else words("已达到")
        if found.reaches <= today() and target.light.value is not None and found.reaches == found.last
        else found.reaches.isoformat()
    )
    return [
        Fact(words("期末预计"), f"{reckoned_text(found.value)}{unit}"),
        Fact(words("预计达到目标的日期"), reached),
        Fact(words("年均变化"), f"{reckoned_text(found.per_year)}{unit}"),
        Fact(words("方法与依据"), words.of(found.text)),
    ]
