"""The light of a target: the worst of value against trajectory, overdue duties and age of data. Pure.

Value: a straight line from the baseline to the final value on 31 December of the due year says what is asked
for today. Without a baseline, without a year (or a masked one) or past the due day, the final value is asked for.
At or beyond it is green; within the amber band (a parameter, share of what is asked for) amber; else red.
What is not known is grey and never green: no measure, no value, a masked figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kangshu.base.text import Text
from kangshu.plans.model import DutyView, Light, LightPart, TargetLight, TargetView, worst

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


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a target's value."""

    value: Decimal
    day: date
    as_of: str
    source: str
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    unit: str = ""
    """The measure's unit, "" where the value was reported in the target's own."""


def plain(number: Decimal) -> str:
    """Return `number` rounded to two places, without needless zeros."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


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


def expected_value(target: TargetView, final: Decimal, today: date) -> tuple[Decimal, Text]:
    """Return what is asked for today, and how that was reckoned."""
    unit = target.unit
    if not target.due.isdigit():
        why = (
            Text("年份未公布（xxxx），按最终目标值比较", "the year is masked; compared with the final value")
            if target.masked
            else Text("未写明年份，按最终目标值比较", "no year is written; compared with the final value")
        )
        return final, why
    due = date(int(target.due), 12, 31)
    if today >= due:
        return final, Text(f"已到{target.due}年底", f"the end of {target.due} has come")
    if target.baseline is None:
        return final, Text(
            "未录入基期值，按最终目标值比较", "no baseline is entered; compared with the final value"
        )
    start, begun = target.baseline.value, target.baseline.day
    span = (due - begun).days
    share = Decimal(max(0, min(span, (today - begun).days))) / span if span > 0 else Decimal(1)
    expected = start + (final - start) * share
    return expected, Text(
        f"基期{begun.isoformat()}为{plain(start)}{unit}，按时序今日应为{plain(expected)}{unit}",
        f"from {plain(start)}{unit} on {begun.isoformat()}, a straight line asks for {plain(expected)}{unit} today",
    )


def value_part(
    target: TargetView, known: Known | None, rule: LightRule, today: date
) -> tuple[LightPart, Decimal | None, Decimal | None]:
    """Return the light of the value, what is asked for today and the final value."""
    final = final_value(target)
    if known is None:
        reason = (
            Text("尚无实际值（未关联指标，也无填报）", "no value yet (no measure linked, nothing reported)")
            if not target.confirmed
            else Text("指标暂无数值", "the measure has no value yet")
        )
        return LightPart("value", "grey", reason), None, final
    if final is None:
        reason = Text(
            "目标值无法换算，需人工确认", "the figure cannot be compared; a person must say what it means"
        )
        return LightPart("value", "grey", reason), None, None
    if known.unit and (known.unit == "%") != (target.unit == "%"):
        reason = Text(
            f"单位不一致（指标为{known.unit}，目标为{target.unit or '无单位'}），不能比较",
            f"the units differ (measure {known.unit}, target {target.unit or 'none'}) and cannot be compared",
        )
        return LightPart("value", "grey", reason), None, final
    expected, how = expected_value(target, final, today)
    lower = target.comparator in _LOWER
    value = known.value
    light: Light
    if value <= expected if lower else value >= expected:
        light = "green"
    elif (value * rule.band <= expected) if lower else (value >= expected * rule.band):
        light = "amber"
    else:
        light = "red"
    verdict = {
        "green": Text("达到", "reached"),
        "amber": Text("接近（预警带内）", "close (within the amber band)"),
        "red": Text("未达到", "not reached"),
    }[light]
    text = Text(
        f"实际值{plain(value)}{target.unit}，目标{plain(final)}{target.unit}；{how.zh}，{verdict.zh}",
        f"value {plain(value)}{target.unit}, target {plain(final)}{target.unit}; {how.en}: {verdict.en}",
    )
    return LightPart("value", light, text), expected, final


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
    target: TargetView, known: Known | None, duties: Sequence[DutyView], rule: LightRule, today: date
) -> TargetLight:
    """Return the target's light with its reasons and inputs."""
    value, expected, final = value_part(target, known, rule, today)
    parts = [
        part for part in (value, duties_part(duties, rule), age_part(known, rule, today)) if part is not None
    ]
    return TargetLight(
        worst([part.light for part in parts]),
        tuple(parts),
        known.value if known else None,
        expected,
        final,
        known.as_of if known else "",
        known.numerator if known else None,
        known.denominator if known else None,
        "" if known is None else ("reported" if known.source == "reported" else "measure"),
    )
