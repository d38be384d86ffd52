"""Whether a value warns, and in which words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Final

from kangshu.base.text import Text
from kangshu.sdk import MeasureDeclaration, WarningRule

LEAST_PEERS: Final = 3
"""Fewer others than this have no middle."""
_SINCE: Final = {
    "quarter": Text("上季度末", "the end of the last quarter"),
    "year": Text("去年同日", "the same day last year"),
}


@dataclass(frozen=True, slots=True)
class Value:
    """What a measure says of one place: the value, its parts, and its confidence limits where they were asked for."""

    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    limits: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """That a value warns: by how much it differs, what it is held against, and the words, without a name of the place.

    `quiet` are the words that tell no number of the place, for where it would tell of few people.
    """

    difference: float
    compared: float | None
    text: Text
    quiet: Text


def judge(
    rule: WarningRule, measure: MeasureDeclaration, one: Value, limit: float | None, compared: float | None
) -> Judged | None:
    """Return how `one` warns under `rule` with the parameter's value `limit`; None where it does not.

    `compared` is what the rule holds it against: the earlier value, the median of the peers, the city's value, what
    the plan of the year asks for today.
    """
    if one.value is None:
        return None
    if rule.test in ("above", "below"):
        return _against_limit(rule, measure, one.value, limit)
    if compared is None:
        return None
    if rule.test == "beyond":
        return _against_city(measure, one, compared)
    if limit is None or (rule.relative and not compared):
        return None
    difference = one.value - compared
    by = 100 * difference / abs(compared) if rule.relative else difference
    if by <= limit if rule.test == "rise" else -by <= limit:
        return None
    return Judged(abs(by), compared, *_changed(rule, measure, one.value, compared, (by, limit)))


def _against_limit(
    rule: WarningRule, measure: MeasureDeclaration, value: float, limit: float | None
) -> Judged | None:
    if limit is None or (value <= limit if rule.test == "above" else value >= limit):
        return None
    way = Text("高于", "above") if rule.test == "above" else Text("低于", "below")
    shown, bound, title = figure(measure, value), figure(measure, limit), measure.title
    return Judged(
        abs(value - limit),
        None,
        Text(
            f"{title.zh}为{shown.zh}，{way.zh}限值{bound.zh}",
            f"{title.en} is {shown.en}, {way.en} the limit of {bound.en}",
        ),
        Text(f"{title.zh}{way.zh}限值{bound.zh}", f"{title.en} is {way.en} the limit of {bound.en}"),
    )


def _against_city(measure: MeasureDeclaration, one: Value, city: float) -> Judged | None:
    if one.limits is None or one.value is None:
        return None
    low, high = one.limits
    if high >= city if measure.direction == "increase" else low <= city:
        return None
    shown, against, title = figure(measure, one.value), figure(measure, city), measure.title
    ends = figure(measure, low), figure(measure, high)
    return Judged(
        abs(one.value - city),
        city,
        Text(
            f"{title.zh}为{shown.zh}（控制限{ends[0].zh}—{ends[1].zh}），全市为{against.zh}，差距不是偶然波动",
            f"{title.en} is {shown.en} (limits {ends[0].en} to {ends[1].en}), the city's {against.en}: more than chance",
        ),
        Text(
            f"{title.zh}与全市{against.zh}的差距不是偶然波动",
            f"{title.en} differs from the city's {against.en} by more than chance",
        ),
    )


def _changed(
    rule: WarningRule, measure: MeasureDeclaration, value: float, compared: float, sizes: tuple[float, float]
) -> tuple[Text, Text]:
    """Return the words of a change with and without its numbers; `sizes` are the change and what is allowed."""
    shown, against, title = figure(measure, value), figure(measure, compared), measure.title
    size, most = (change(measure, one, relative=rule.relative) for one in sizes)
    allowed = Text(f"（允许{most.zh}）", f" ({most.en} allowed)")
    if rule.test == "pace":
        return (
            Text(
                f"{title.zh}为{shown.zh}，按时间进度应达{against.zh}，落后{size.zh}{allowed.zh}",
                f"{title.en} is {shown.en}, by now it should be {against.en}: {size.en} behind{allowed.en}",
            ),
            Text(f"{title.zh}落后于时间进度超过{most.zh}", f"{title.en} is behind by more than {most.en}"),
        )
    up = rule.test == "rise"
    if rule.against == "peers":
        way = Text("高", "above") if up else Text("低", "below")
        return (
            Text(
                f"{title.zh}为{shown.zh}，比同类的中位数{against.zh}{way.zh}{size.zh}{allowed.zh}",
                f"{title.en} is {shown.en}, {size.en} {way.en} the peers' median of {against.en}{allowed.en}",
            ),
            Text(
                f"{title.zh}比同类的中位数{way.zh}超过{most.zh}",
                f"{title.en} is {way.en} its peers by more than {most.en}",
            ),
        )
    since = _SINCE[rule.against]
    way = Text("上升", "risen") if up else Text("下降", "fallen")
    return (
        Text(
            f"{title.zh}由{since.zh}的{against.zh}变为{shown.zh}，{way.zh}{size.zh}{allowed.zh}",
            f"{title.en} has {way.en} from {against.en} at {since.en} to {shown.en}, by {size.en}{allowed.en}",
        ),
        Text(
            f"{title.zh}比{since.zh}{way.zh}超过{most.zh}",
            f"{title.en} has {way.en} since {since.en} by more than {most.en}",
        ),
    )


def peers_median(values: Sequence[float | None], own: int) -> float | None:
    """Return the median of the values of the others; None where there are too few."""
    others = [one for place, one in enumerate(values) if place != own and one is not None]
    return median(others) if len(others) >= LEAST_PEERS else None


def pace_of(measure: MeasureDeclaration, day: date) -> float:
    """Return what a plan of the year asks for at the end of `day`: the share of the year that is over, of the whole."""
    first, last = date(day.year, 1, 1), date(day.year, 12, 31)
    return measure.scale * ((day - first).days + 1) / ((last - first).days + 1)


def figure(measure: MeasureDeclaration, value: float) -> Text:
    """Return a value of a measure as people write it. Units other than % are Chinese words, which English leaves out."""
    text = f"{value:,.{measure.decimals}f}"
    if measure.unit == "%":
        return Text(f"{text}%", f"{text}%")
    return Text(text + ("" if measure.unit == "1" else measure.unit), text)


def change(measure: MeasureDeclaration, value: float, *, relative: bool) -> Text:
    """Return a difference as people write it: of a share in percentage points, of anything else in its unit."""
    size = f"{abs(value):,.{max(measure.decimals, 1)}f}".rstrip("0").rstrip(".")
    if relative:
        return Text(f"{size}%", f"{size}%")
    if measure.unit == "%":
        return Text(f"{size}个百分点", f"{size} percentage points")
    return Text(size + ("" if measure.unit == "1" else measure.unit), size)
