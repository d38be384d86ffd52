"""执行中、到期、终期评估、废止: where a plan is in its life, over which days it holds, and on whose paper that rests. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, cast

from kangshu.base.canonical import structure
from kangshu.base.faults import Conflict, Invalid
from kangshu.base.text import Text
from kangshu.plans.elements import extension_value, extensions, replace_extension
from kangshu.plans.model import PlanState, PlanStep, Standing
from kangshu.plans.shape import ADOPTED_FROM
from kangshu.sdk import Resource

STATE: Final = structure("plan-state")
"""One per move: code, day, by, source (the approving document), approval, replaced-by. The last one stands."""
VALIDITY_SOURCE: Final = structure("plan-validity-source")

STEPS: Final[dict[PlanStep, tuple[frozenset[PlanState], PlanState]]] = {
    "evaluate": (frozenset({"in-force", "expired"}), "final-evaluation"),
    "conclude": (frozenset({"final-evaluation"}), "expired"),
    "repeal": (frozenset({"in-force", "expired", "final-evaluation"}), "repealed"),
    "reinstate": (frozenset({"repealed", "final-evaluation"}), "in-force"),
}
"""Which step leads from where to where. What is in force still expires by its last day."""

_RANGE: Final = re.compile(
    r"(?<!\d)(20\d\d)\s*年?\s*(?:[—–\-~～－]{1,2}|至|到)\s*(?:(20\d\d)|(\d\d))\s*年?(?!\d)"
)
_FIVE_YEARS: Final = {"十三五": 2016, "十四五": 2021, "十五五": 2026, "十六五": 2031}
_UNTIL: Final = re.compile(r"有效期(?:限)?(?:至|到|截至)\s*(20\d\d)年(\d{1,2})月(\d{1,2})日")
_FROM: Final = re.compile(r"自\s*(20\d\d)年(\d{1,2})月(\d{1,2})日起(?:施行|实施|执行)")
_YEARS: Final = re.compile(r"有效期(?:限)?(?:为)?\s*([1-9一二三四五])\s*年")
_NUMERALS: Final = {one: number for number, one in enumerate("一二三四五", 1)}


@dataclass(frozen=True, slots=True)
class Period:
    """The days from which and until which a plan holds; None where that is not known."""

    start: date | None
    end: date | None


def written_period(title: str, text: str) -> Period:
    """Return the days that a document itself gives: 有效期至…, 自…起施行 有效期…年, the years or 五年规划 of its title."""
    start, end = _day(_FROM.search(text)), _day(_UNTIL.search(text))
    years = _YEARS.search(text)
    if start and end is None and years:
        count = _NUMERALS.get(years.group(1)) or int(years.group(1))
        end = date.fromordinal(_in_years(start, count).toordinal() - 1)
    if end:
        return Period(start, end)
    named = _RANGE.search(title)
    if named:
        first, last = int(named.group(1)), int(named.group(2) or named.group(1)[:2] + named.group(3))
        if first <= last:
            return Period(start or date(first, 1, 1), date(last, 12, 31))
    first_year = next((year for words, year in _FIVE_YEARS.items() if words in title), None)
    if first_year:
        return Period(start or date(first_year, 1, 1), date(first_year + 4, 12, 31))
    return Period(start, None)


def last_due(dues: Iterable[str]) -> date | None:
    """Return the end of the last year that targets name; None where one of them is masked or none has a year."""
    named = [one for one in dues if one]
    if not named or not all(one.isdigit() for one in named):
        return None
    return date(max(map(int, named)), 12, 31)


def standing_of(plan: Resource, dues: Iterable[str], today: date) -> Standing:
    """Return where the plan is on `today`: as moved by a person, else by the last day on which it holds.

    `dues` are the years of its targets, asked where neither the document nor a person gives an end. What was
    adopted from another city's plan does not end with the years of that plan's title.
    """
    held = plan.get("effectivePeriod", {})
    start, end = _iso(held.get("start")), _iso(held.get("end"))
    entered = next(extensions(plan, VALIDITY_SOURCE), None)
    source = str(entered.get("valueString", "")) if entered else ""
    if start is None and end is None and not any(extensions(plan, ADOPTED_FROM)):
        written = written_period(str(plan.get("title", "")), "")
        start, end = written.start, written.end
    until = end or last_due(dues)
    moves = list(extensions(plan, STATE))
    moved = moves[-1] if moves else {"url": STATE}
    state = cast("PlanState", str(extension_value(moved, "code") or "in-force"))
    if state == "in-force" and until is not None and until < today:
        state = "expired"
    return Standing(
        state,
        start,
        until,
        source,
        by=str(extension_value(moved, "by") or ""),
        on=str(extension_value(moved, "day") or ""),
        basis=str(extension_value(moved, "source") or ""),
        replaced_by=str(extension_value(moved, "replaced-by") or ""),
        replaced_by_plan=str(
            (extension_value(moved, "replaced-by-plan") or {}).get("reference", "")
        ).removeprefix("PlanDefinition/"),
    )


def move(
    plan: Resource,
    step: PlanStep,
    now_in: PlanState,
    *,
    by: str,
    day: date,
    source: str,
    replaced_by: str = "",
    replaced_by_plan: str = "",
) -> None:
    """Take a step and note on whose paper.

    Raises:
        Conflict: the plan is not where the step begins.
        Invalid: no approving document, or a repeal that does not say what takes the plan's place.
    """
    begins, ends = STEPS[step]
    if now_in not in begins:
        raise Conflict(
            f"a plan that is {now_in} takes no step '{step}'", zh="规划当前状态不能做这项变更，请刷新"
        )
    if not source.strip():
        raise Invalid(
            "a change of state needs its approving document",
            zh="状态变更必须注明批准文件",
            expression="source",
        )
    if step == "repeal" and not (replaced_by.strip() or replaced_by_plan):
        raise Invalid(
            "say what takes the plan's place, or that nothing does",
            zh="请注明由哪份文件替代；没有替代文件的，请写“无”",
            expression="replaced_by",
        )
    parts: list[Resource] = [
        {"url": "code", "valueCode": ends},
        {"url": "day", "valueDate": day.isoformat()},
        {"url": "by", "valueString": by},
        {"url": "source", "valueString": source.strip()},
    ]
    if replaced_by.strip():
        parts.append({"url": "replaced-by", "valueString": replaced_by.strip()})
    if replaced_by_plan:
        parts.append(
            {"url": "replaced-by-plan", "valueReference": {"reference": f"PlanDefinition/{replaced_by_plan}"}}
        )
    plan.setdefault("extension", []).append({"url": STATE, "extension": parts})
    plan["status"] = "retired" if ends == "repealed" else "active"


def set_period(plan: Resource, period: Period, source: str) -> None:
    """Enter over which days the plan holds. Raises Invalid without a source, or where it ends before it begins."""
    if not source.strip():
        raise Invalid("a period needs its source", zh="有效期必须注明来源文件", expression="source")
    if period.start and period.end and period.end < period.start:
        raise Invalid("the period ends before it begins", zh="截止日期早于起始日期", expression="end")
    write_period(plan, period)
    replace_extension(plan, VALIDITY_SOURCE, {"url": VALIDITY_SOURCE, "valueString": source.strip()})


def write_period(plan: Resource, period: Period) -> None:
    """Put the days into `effectivePeriod`; nothing where neither is known."""
    days = {name: day.isoformat() for name, day in (("start", period.start), ("end", period.end)) if day}
    if days:
        plan["effectivePeriod"] = days
    else:
        plan.pop("effectivePeriod", None)


STEP_TITLES: Final[dict[PlanStep, Text]] = {
    "evaluate": Text("转入终期评估", "Begin the final evaluation"),
    "conclude": Text("评估完成", "Conclude the evaluation"),
    "repeal": Text("废止", "Repeal"),
    "reinstate": Text("恢复执行", "Put in force again"),
}


def _day(found: re.Match[str] | None) -> date | None:
    if found is None:
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError:
        return None


def _in_years(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)


def _iso(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:  # a year alone, from outside
        return None
