"""What a person says of a clause, target or money rule: forms read, what the reader found as a form says it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, get_args

from kangshu.base.faults import Invalid
from kangshu.plans import shape
from kangshu.plans.model import FindingKind
from kangshu.plans.reading import Anchor, MoneyFinding, TargetFinding
from kangshu.plans.reading.model import Comparator, Quantity

COMPARATORS: Final[tuple[Comparator, ...]] = get_args(Comparator)
_RANGE: Final = re.compile(r"(-?[\d.]+)(?:-|—|–|~|至|到)(-?[\d.]+)")
_BETWEEN_UNITS: Final = re.compile(r"[\n、；;]")


@dataclass(frozen=True, slots=True)
class ClauseWords:
    """What a clause says: its text and its units as written."""

    text: str
    lead: tuple[str, ...]
    cooperating: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetWords:
    """What a target says. `value` is a number, a range 3—5, or a ratio 1:1.6; `due` a year or "" for none."""

    indicator: str
    comparator: str
    value: str
    unit: str
    due: str


@dataclass(frozen=True, slots=True)
class MoneyWords:
    """What a money rule says: amounts in yuan, or shares and counts as written; "" for none."""

    amount: str
    cap: str = ""
    per: str = ""
    condition: str = ""


Words = ClauseWords | TargetWords | MoneyWords


def words_of(kind: FindingKind, said: Mapping[str, str]) -> Words:
    """Return what a form says of a finding; names of units are parted by line breaks, 、 or ；. Raises Invalid for no kind."""

    def part(name: str) -> str:
        return said.get(name, "").strip()

    match kind:
        case "clause":
            return ClauseWords(part("text"), _names(part("lead")), _names(part("cooperating")))
        case "target":
            return TargetWords(*map(part, ("indicator", "comparator", "value", "unit", "due")))
        case "money":
            return MoneyWords(*map(part, ("amount", "cap", "per", "condition")))
    raise Invalid(
        "a finding is a clause, a target or a money rule", zh="请选择要补充的类型", expression="kind"
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (one.strip() for one in _BETWEEN_UNITS.split(text)))))


def said_of_target(target: TargetFinding) -> dict[str, str]:
    """Return what a form says of a target that was read."""
    return {
        "indicator": target.indicator,
        "comparator": target.comparator,
        "value": shape.written(target.value),
        "unit": target.unit,
        "due": target.deadline or "",
    }


def said_of_money(rule: MoneyFinding) -> dict[str, str]:
    """Return what a form says of a money rule that was read."""
    cap = "" if rule.cap is None else shape.written(rule.cap)
    return {
        "amount": shape.written(rule.amount),
        "cap": cap,
        "per": rule.per or "",
        "condition": rule.condition or "",
    }


def quantity_of(written: str) -> Quantity:
    """Return a figure as a person writes it: number, range (3—5) or words such as 1:1.6. Raises Invalid for nothing."""
    plain = unicodedata.normalize("NFKC", written).replace(",", "").replace(" ", "")
    if not plain:
        raise Invalid("a target has a figure", zh="请填写目标值", expression="value")
    between = _RANGE.fullmatch(plain)
    if between and all(_is_number(one) for one in between.groups()):
        low, high = (float(one) for one in between.groups())
        return (int(low) if low.is_integer() else low, int(high) if high.is_integer() else high)
    return plain


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True


def target_finding(words: TargetWords, span: str, place: Anchor) -> TargetFinding:
    """Return a target as the reader would have found it. Raises Invalid for words that no target has."""
    comparator = next((one for one in COMPARATORS if one == words.comparator), None)
    if comparator is None:
        raise Invalid(
            "the comparator is none of the known ones", zh="请选择比较方式", expression="comparator"
        )
    indicator = words.indicator.strip()
    if not indicator:
        raise Invalid("a target has an indicator", zh="请填写指标名称", expression="indicator")
    due = words.due.strip()
    if due and not (re.fullmatch(r"20\d\d", due) or shape.is_masked(due)):
        raise Invalid("the year is a number such as 2027", zh="目标年份应为数字，如 2027", expression="due")
    return TargetFinding(
        span, indicator, comparator, quantity_of(words.value), words.unit.strip(), due or None, place
    )
