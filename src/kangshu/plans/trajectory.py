"""The way of a target: from its baseline over milestones to its deadline, straight between two of them. Pure.

A milestone is entered by a person or read from the plan itself: the same indicator with an earlier year (2023 and 2025
goals of one indicator).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from kangshu.base.text import Text
from kangshu.plans.elements import extension_value, extensions
from kangshu.plans.model import Milestone, Observation, TargetView
from kangshu.plans.numbers import plain, rough
from kangshu.plans.phrases import SAYS_NOTHING
from kangshu.plans.shape import MILESTONE
from kangshu.sdk import Resource

_RELATIVE: Final = frozenset({"increase_by", "decrease_by", "double"})
_OPENING: Final = re.compile(
    r"^(?:其中|力争|确保|争取|实现|使|将|到|至|全市|全区|全县|全州|我市|我区|本市|(?:20\d\d|[xX]{4}|20[xX]{2})年?(?:底|末)?前?|[，,、\s])+"
)
_CLOSING: Final = re.compile(
    r"(?:分别|累计|力争|稳定|提高|提升|达|达到|保持|控制|到|在|至|以上|超过|突破|不低于|不少于)+$"
)


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A value asked for at the end of a day. `kind` says where it comes from."""

    day: date
    value: Decimal
    kind: str
    """baseline, milestone or final."""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """A target over time: its way, what is asked for at each year's end, and the values that are known."""

    points: tuple[Waypoint, ...]
    years: tuple[tuple[int, Decimal], ...]
    seen: tuple[Observation, ...]


def subject_key(indicator: str) -> str:
    """Return what an indicator is about, without the words around it: two targets with one key are of one indicator."""
    return _CLOSING.sub("", _OPENING.sub("", re.sub(r"\s", "", indicator)))


def year_end(year: int | str) -> date:
    """Return 31 December of a year."""
    return date(int(year), 12, 31)


def due_day(target: TargetView) -> date | None:
    """Return the last day of the due year, None where it is masked or not written."""
    return year_end(target.due) if target.due.isdigit() else None


def with_milestones(targets: Sequence[TargetView]) -> tuple[TargetView, ...]:
    """Return the targets with the milestones that the plan itself gives, beside those entered.

    A value entered for a year stands before one read. What is said relative to a base (增长…) is no milestone.
    """
    named: list[tuple[str, TargetView]] = []
    before: TargetView | None = None
    for one in targets:
        key = subject_key(one.indicator)
        if SAYS_NOTHING.fullmatch(one.indicator.strip()) and before is not None:
            near = 0 <= one.anchor.start - before.anchor.end < 40 and one.unit == before.unit
            key = named[-1][0] if near else ""
        named.append((key, one))
        before = one
    return tuple(replace(one, milestones=_milestones(key, one, named)) for key, one in named)


def _milestones(
    key: str, target: TargetView, named: Iterable[tuple[str, TargetView]]
) -> tuple[Milestone, ...]:
    entered = {one.year: one for one in target.milestones}
    if (
        key
        and target.due.isdigit()
        and target.comparator not in _RELATIVE
        and isinstance(target.value, Decimal)
    ):
        for other_key, other in named:
            if other_key != key or other.unit != target.unit or other.comparator in _RELATIVE:
                continue
            if other.due.isdigit() and int(other.due) < int(target.due) and isinstance(other.value, Decimal):
                entered.setdefault(
                    int(other.due), Milestone(int(other.due), other.value, "规划文件", other.id)
                )
    return tuple(entered[year] for year in sorted(entered))


def waypoints(target: TargetView, final: Decimal | None) -> tuple[Waypoint, ...]:
    """Return baseline, milestones and final value in the order of their days; nothing without a due year."""
    due = due_day(target)
    if due is None or final is None:
        return ()
    found = {due: Waypoint(due, final, "final")}
    for one in target.milestones:
        if year_end(one.year) < due:
            found[year_end(one.year)] = Waypoint(year_end(one.year), one.value, "milestone", one.source)
    base = target.baseline
    if base is not None and base.day < min(found):
        found[base.day] = Waypoint(base.day, base.value, "baseline", base.source)
    return tuple(found[day] for day in sorted(found))


def asked_on(points: Sequence[Waypoint], day: date) -> Decimal | None:
    """Return what the way asks for on `day`: straight between two points, level before the first and after the last."""
    if not points:
        return None
    if day <= points[0].day:
        return points[0].value
    for start, end in pairwise(points):
        if day <= end.day:
            share = Decimal((day - start.day).days) / (end.day - start.day).days
            return start.value + (end.value - start.value) * share
    return points[-1].value


def annual(points: Sequence[Waypoint]) -> tuple[tuple[int, Decimal], ...]:
    """Return what is asked for at the end of each year, from the first point's year to the last."""
    if not points:
        return ()
    years = range(points[0].day.year, points[-1].day.year + 1)
    return tuple((year, value) for year in years if (value := asked_on(points, year_end(year))) is not None)


def course_of(target: TargetView, last: date) -> Course:
    """Return a target over time; `last` is the day of its newest value."""
    light = target.light
    points = waypoints(target, light.final) if light.unit in ("", target.unit) else ()
    seen = list(light.history)
    if light.value is not None:
        seen.append(Observation(last, light.value))
    return Course(points, annual(points), tuple(seen))


def told(points: Sequence[Waypoint], day: date, value: Decimal, unit: str) -> Text:
    """Return in words how `value`, asked for on `day`, was reckoned."""
    asked = plain(rough(value))
    before = next((one for one in reversed(points) if one.day <= day), None)
    after = next((one for one in points if one.day > day), None)
    if before is None and after is not None:
        return Text(
            f"未录入基期值，按{after.day.year}年阶段目标{asked}{unit}比较",
            f"no baseline is entered; compared with the {after.day.year} milestone of {asked}{unit}",
        )
    assert before is not None  # noqa: S101 - the caller has points, and the last lies ahead
    start = Text(
        f"基期{before.day.isoformat()}为" if before.kind == "baseline" else f"{before.day.year}年阶段目标为",
        f"from {'' if before.kind == 'baseline' else 'the milestone '}",
    )
    return Text(
        f"{start.zh}{plain(before.value)}{unit}，按时序今日应为{asked}{unit}",
        f"{start.en}{plain(before.value)}{unit} on {before.day.isoformat()}, a straight line asks for {asked}{unit} today",
    )


def read_milestones(goal: Resource) -> tuple[Milestone, ...]:
    """Return the milestones that a person has entered for a goal."""
    return tuple(
        Milestone(
            int(extension_value(one, "year")),
            Decimal(str(extension_value(one, "value"))),
            str(extension_value(one, "source") or ""),
        )
        for one in extensions(goal, MILESTONE)
    )


def set_milestone(goal: Resource, year: int, value: Decimal | None, source: str, by: str) -> None:
    """Enter the value to be reached at the end of `year`; None takes it away."""
    kept = [
        one
        for one in goal.get("extension", ())
        if one.get("url") != MILESTONE or extension_value(one, "year") != year
    ]
    if value is not None:
        kept.append(
            {
                "url": MILESTONE,
                "extension": [
                    {"url": "year", "valueInteger": year},
                    {"url": "value", "valueDecimal": value},
                    {"url": "source", "valueString": source},
                    {"url": "by", "valueString": by},
                ],
            }
        )
    goal["extension"] = kept
