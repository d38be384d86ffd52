"""Doubts about amounts, units of measure, and texts that stop in the middle."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kangshu.base.text import Text
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import compiled, words
from kangshu.plans.reading.model import Anchor, Doubt, MoneyFinding, Number, Quantity, TargetFinding

_HUGE = 100_000_000  # yuan for one person, bed or place: rather a slip of 万 or 亿


def _largest(quantity: Quantity | None) -> Number | None:
    if isinstance(quantity, tuple):
        return max(quantity)
    return None if isinstance(quantity, str) else quantity


def doubtful_money(folded: Folded, rules: list[MoneyFinding]) -> Iterator[Doubt]:
    """Yield doubts about amounts: 元 left out, above their own cap, a range that falls, a share above all, too large."""
    for rule in rules:
        amount, cap = rule.amount, rule.cap
        behind = folded.text[folded.place(rule.anchor.start) : folded.place(rule.anchor.end)]
        largest, limit = _largest(amount), _largest(cap)
        if not re.search("元|人民币|%", behind):
            yield Doubt("money", Text("金额后缺少“元”，请核对", "The amount lacks its 元"), rule.anchor)
        elif isinstance(amount, tuple) and amount[0] > amount[-1]:
            yield Doubt(
                "money", Text("金额区间前大后小，请核对", "The range of the amount falls"), rule.anchor
            )
        elif largest is not None and limit is not None and largest > limit:
            yield Doubt(
                "money", Text("补助标准高于其上限，请核对", "The amount is above its own cap"), rule.anchor
            )
        elif isinstance(amount, str) and amount.endswith("%") and _share(amount) > 100:
            yield Doubt("money", Text("补助比例超过 100%，请核对", "The share is above 100 %"), rule.anchor)
        elif largest is not None and largest >= _HUGE and rule.per:
            yield Doubt(
                "money", Text("单项金额过大，请核对万、亿", "The amount is very large for one"), rule.anchor
            )


def _share(amount: str) -> float:
    found = re.match(r"\d+(?:\.\d+)?", amount)
    return float(found.group()) if found else 0.0


def doubtful_measures(folded: Folded, targets: list[TargetFinding]) -> Iterator[Doubt]:
    """Yield doubts about units of measure: none, only 万 or 亿, a share above 100 %; and goals without a unit."""
    share = compiled("figures", "share_of_a_whole")
    for target in targets:
        value = _largest(target.value)
        counted = re.search("人次|人数|户数|件数", target.indicator)  # 接待人次达200万: said before
        if not counted and re.fullmatch(words("figures", "magnitude"), target.unit):
            yield Doubt(
                "unit-of-measure",
                Text(f"“{target.unit}”后缺少计量单位", f"No unit of measure behind {target.unit}"),
                target.anchor,
            )
        elif not target.unit and not isinstance(target.value, str):
            yield Doubt("unit-of-measure", Text("缺少计量单位", "No unit of measure"), target.anchor)
        elif target.unit == "%" and value is not None and value > 100 and share.search(target.indicator):
            yield Doubt(
                "unit-of-measure", Text("比例超过 100%，请核对", "A share above 100 %"), target.anchor
            )
    for found in compiled("figures", "goal_without_unit").finditer(folded.text):
        start, end = folded.span(*found.span())
        yield Doubt(
            "unit-of-measure", Text("数字后缺少计量单位", "A figure without its unit"), Anchor(start, end, "")
        )


def cut_off(folded: Folded) -> Iterator[Doubt]:
    """Yield a doubt where the text stops in the middle of a sentence or of a bracket."""
    end = len(folded.text)
    while end > 0:
        start = folded.text.rfind("\n", 0, end) + 1
        last = folded.text[start:end].strip()
        if last and not compiled("sentences", "page_foot").search(last):
            break
        end = start - 1
    else:
        return
    if len(last) >= 20 and compiled("sentences", "stops_in_the_middle").search(last[-120:]):
        place = start + folded.text[start:end].rfind(last[-1]) + 1
        start, end = folded.span(max(start, place - 12), place)
        yield Doubt(
            "truncated",
            Text("文末句子不完整，原文可能被截断", "The text stops in the middle of a sentence"),
            Anchor(start, end, ""),
        )
