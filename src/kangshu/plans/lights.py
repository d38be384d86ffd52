"""The light of a target: the worst of value against trajectory, forecast, overdue duties and age of data. Pure.

Value: the way from the baseline over the milestones to the final value on 31 December of the due year says what is
asked for today. Without a baseline, without a year (or a masked one) or past the due day, the final value is asked for.
At or beyond it is green; within the amber band (a parameter, share of what is asked for) amber; else red.
A forecast that misses the final value warns: amber, never red. What is not known is grey and never green: no measure,
no value, a masked figure. A plan that is no longer in force leaves its targets grey, with the word of its state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from kangshu.base.text import Text
from kangshu.plans.forecast import ForecastRule, forecast, on_course
from kangshu.plans.model import (
    PLAN_STATE_TITLES,
    DutyView,
    Forecast,
    Light,
    LightPart,
    Observation,
    PlanState,
    TargetLight,
    TargetView,
    worst,
)
from kangshu.plans.numbers import plain
from kangshu.plans.trajectory import asked_on, due_day, told, waypoints

_LOWER = frozenset({"<=", "<", "decrease_to", "decrease_by"})
_FROM_BASELINE = frozenset({"increase_by", "decrease_by", "double"})


@dataclass(frozen=True, slots=True)
class LightRule:
    """The dated parameters of the rule.

    `band` is the share of what is asked for that is still amber; `age_days` is how old data may be before the light is
    amber; `overdue_days` is after how many civil days an overdue duty is red.
    """

    band: Decimal
    age_days: int
    overdue_days: int
    forecast: ForecastRule = field(default_factory=lambda: ForecastRule(8, 4))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a target's value."""

    value: Decimal
    day: date
    as_of: str
    source: Literal["measure", "reported", "statistics"]
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    unit: str = ""
    """The measure's unit, "" where the value was reported in the target's own."""
    history: tuple[Observation, ...] = ()
    """Earlier values by day, for the forecast."""
    partial: bool = False
    """Whether the value is still being added up (a year to date) and cannot be held against full periods."""


def final_value(target: TargetView) -> Decimal | None:
    """Return the value to be reached, in the target's unit; None where it cannot be told."""
    value = target.value
    if isinstance(value, tuple):
        return value[0]
    if not isinstance(value, Decimal):
        return None
    if target.comparator not in _FROM_BASELINE:
        return value
    if target.baseline is None:
        return None
    start = target.baseline.value
    if target.comparator == "double":
        return start * 2
    share = start * value / 100 if target.unit == "%" else value
    return start + share if target.comparator == "increase_by" else start - share


def is_upper(target: TargetView) -> bool:
    """Return whether the target is a bound from above: less is better."""
    return target.comparator in _LOWER


def compared(target: TargetView, known: Known | None) -> tuple[Decimal | None, str]:
    """Return the value to be reached and its unit, as the known value is held against them.

    A share that is known of a standard (每个中心2名以上) is held against 100 %.
    """
    if known is not None and known.unit == "%" and target.standard:
        return Decimal(100), "%"
    return final_value(target), target.unit


def expected_value(target: TargetView, final: Decimal, today: date, unit: str) -> tuple[Decimal, Text]:
    """Return what is asked for today, and how that was reckoned."""
    due = due_day(target)
    if due is None:
        why = (
            Text("年份未公布（xxxx），按最终目标值比较", "the year is masked; compared with the final value")
            if target.masked
            else Text("未写明年份，按最终目标值比较", "no year is written; compared with the final value")
        )
        return final, why
    if today >= due:
        return final, Text(f"已到{target.due}年底", f"the end of {target.due} has come")
    points = waypoints(target, final)
    asked = asked_on(points, today)
    if len(points) < 2 or asked is None:
        return final, Text(
            "未录入基期值，按最终目标值比较", "no baseline is entered; compared with the final value"
        )
    return asked, told(points, today, asked, unit)


def value_part(
    target: TargetView, known: Known | None, rule: LightRule, today: date
) -> tuple[LightPart, Decimal | None, Decimal | None]:
    """Return the light of the value, what is asked for today and the final value."""
    final, unit = compared(target, known)
    if known is None:
        return LightPart("value", "grey", without_value(target)), None, final
    if final is None:
        reason = Text(
            "目标值无法换算，需人工确认", "the figure cannot be compared; a person must say what it means"
        )
        return LightPart("value", "grey", reason), None, None
    if known.unit and (known.unit == "%") != (unit == "%"):
        reason = Text(
            f"单位不一致（指标为{known.unit}，目标为{target.unit or '无单位'}），不能比较",
            f"the units differ (measure {known.unit}, target {target.unit or 'none'}) and cannot be compared",
        )
        return LightPart("value", "grey", reason), None, final
    expected, how = (
        (final, Text("按达标率比较，应全部达标", "compared as the share that meets it: all should"))
        if unit != target.unit
        else expected_value(target, final, today, unit)
    )
    lower = is_upper(target) and unit == target.unit
    light = _against(known.value, expected, rule.band, lower=lower)
    verdict = {
        "green": Text("达到", "reached"),
        "amber": Text("接近（预警带内）", "close (within the amber band)"),
        "red": Text("未达到", "not reached"),
    }[light]
    text = Text(
        f"实际值{plain(known.value)}{unit}，目标{plain(final)}{unit}；{how.zh}，{verdict.zh}",
        f"value {plain(known.value)}{unit}, target {plain(final)}{unit}; {how.en}: {verdict.en}",
    )
    return LightPart("value", light, text), expected, final


def without_value(target: TargetView) -> Text:
    """Return why a target has no value yet."""
    if target.measure and target.confirmed:
        return Text("指标暂无数值", "the measure has no value yet")
    match target.evidence.kind:
        case "register-missing":
            return target.evidence.reason
        case "statistics":
            return Text("等待统计部门发布", "awaiting released statistics")
        case "reported":
            return Text("尚无实际值：等待责任单位填报", "no value yet: awaiting the unit's report")
        case _:
            return Text(
                "尚无实际值（未关联指标，也无填报）", "no value yet (no measure linked, nothing reported)"
            )


def _against(
    value: Decimal, expected: Decimal, band: Decimal, *, lower: bool
) -> Literal["green", "amber", "red"]:
    if value <= expected if lower else value >= expected:
        return "green"
    return "amber" if (value * band <= expected if lower else value >= expected * band) else "red"


def forecast_part(
    target: TargetView, known: Known | None, final: Decimal | None, rule: LightRule, today: date
) -> tuple[LightPart | None, Forecast | None]:
    """Return where the values lead and what that says; no part where they are too few or the deadline has come."""
    due = due_day(target)
    if known is None or due is None or today >= due:
        return None, None
    _, unit = compared(target, known)
    lower = is_upper(target) and unit == target.unit
    seen = known.history if known.partial else (*known.history, Observation(known.day, known.value))
    found = forecast(seen, due, final, lower=lower, rule=rule.forecast, unit=unit)
    met = on_course(found, final, lower=lower)
    if found is None or met is None:
        return None, found
    if met:
        return LightPart("forecast", "green", found.brief), found
    warning = Text(f"{found.brief.zh}，达不到目标", f"{found.brief.en}: the target would be missed")
    return LightPart("forecast", "amber", warning), found


def duties_part(duties: Sequence[DutyView], rule: LightRule) -> LightPart | None:
    """Return the light of the duties that carry the target's clause; None where there are none."""
    if not duties:
        return None
    own = [duty for duty in duties if not duty.parent]
    late = [duty for duty in duties if duty.overdue_days > 0 and not duty.final]
    if not late:
        done = sum(1 for duty in duties if duty.final)
        return LightPart(
            "duties",
            "green",
            Text(
                f"交办{len(duties)}项，办结{done}项，无超期",
                f"{len(duties)} duties, {done} finished, none overdue",
            ),
        )
    longest = max(duty.overdue_days for duty in late)
    # a co-unit that is late warns; only the lead's own lateness turns the light red
    severe = any(duty in own and duty.overdue_days > rule.overdue_days for duty in late)
    light: Light = "red" if severe else "amber"
    return LightPart(
        "duties",
        light,
        Text(
            f"交办{len(duties)}项，超期{len(late)}项，最长超期{longest}天",
            f"{len(duties)} duties, {len(late)} overdue, by {longest} days at most",
        ),
    )


def age_part(known: Known | None, rule: LightRule, today: date) -> LightPart | None:
    """Return the light of the data's age; None where there is no value."""
    if known is None:
        return None
    age = (today - known.day).days
    light: Light = "amber" if age > rule.age_days else "green"
    return LightPart(
        "age",
        light,
        Text(
            f"数据截至{known.day.isoformat()}（{max(0, age)}天前）",
            f"data as of {known.day.isoformat()} ({max(0, age)} days ago)",
        ),
    )


def light_of(
    target: TargetView,
    known: Known | None,
    duties: Sequence[DutyView],
    rule: LightRule,
    today: date,
    state: PlanState = "in-force",
) -> TargetLight:
    """Return the target's light with its reasons and inputs; `state` is its plan's."""
    value, expected, final = value_part(target, known, rule, today)
    ahead, found = forecast_part(target, known, final, rule, today)
    parts = [
        part
        for part in (value, ahead, duties_part(duties, rule), age_part(known, rule, today))
        if part is not None
    ]
    light = worst([part.light for part in parts])
    closed = None if state == "in-force" else state
    if closed:
        title = PLAN_STATE_TITLES[closed]
        parts.insert(
            0,
            LightPart(
                "period", "grey", Text(f"规划{title.zh}，不再亮灯", f"plan: {title.en}; no light any more")
            ),
        )
        light = "grey"
    return TargetLight(
        light,
        tuple(parts),
        known.value if known else None,
        expected,
        final,
        known.as_of if known else "",
        known.numerator if known else None,
        known.denominator if known else None,
        known.source if known else "",
        forecast=found,
        unit=compared(target, known)[1],
        history=known.history if known else (),
        closed=closed,
    )
