"""Which numbers can be targets at all: not ages, ordinals, conditions, asides, sums of a list, tax rates …"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from kangshu.plans.reading.figures import Figure, comparator_before
from kangshu.plans.reading.lexicon import compiled, tables, words


@dataclass(frozen=True, slots=True)
class _Rules:
    not_before: re.Pattern[str]
    not_after: re.Pattern[str]
    never: re.Pattern[str]
    only_when_stated: re.Pattern[str]
    stated: re.Pattern[str]
    bare_magnitude: re.Pattern[str]
    ratio: re.Pattern[str]
    condition_before: re.Pattern[str]
    condition_after: re.Pattern[str]
    modifier_after: re.Pattern[str]
    yuan: re.Pattern[str]
    appropriation: re.Pattern[str]
    existing: re.Pattern[str]
    baseline: re.Pattern[str]
    raised: re.Pattern[str]


@cache
def _rules() -> _Rules:
    table = tables()["targets"]
    return _Rules(
        not_before=re.compile(table["not_before"]),
        not_after=re.compile(table["not_after"]),
        never=re.compile(f"(?:{table['never_unit']})$"),
        only_when_stated=re.compile(f"(?:{table['only_when_stated']})$"),
        stated=re.compile(table["stated"]),
        bare_magnitude=re.compile(table["bare_magnitude_before"]),
        ratio=re.compile(table["ratio_before"]),
        condition_before=re.compile(table["condition_before"]),
        condition_after=re.compile(table["condition_after"]),
        modifier_after=re.compile(table["modifier_after"]),
        yuan=re.compile(table["yuan_target"]),
        appropriation=re.compile(table["appropriation"]),
        existing=re.compile(rf"(?:^|[,;。]){words('targets', 'existing_verb')}[^,;。]*$"),
        baseline=re.compile(table["baseline_before"]),
        raised=re.compile(table["baseline_after"]),
    )


def may_be_target(figure: Figure, before: str, after: str, stated: str | None, aside: bool) -> bool:
    """Return whether a number can be a target, by its unit and the words beside it.

    `stated` is its comparator in words, `aside` whether it stands in a bracket within a sentence.
    """
    rules = _rules()
    here = before.split("\n")[-1]
    if rules.not_before.search(here) or (figure.measure != "%" and rules.not_after.match(after)):
        return False
    if not _unit_fits(figure, here, stated):
        return False
    if aside and not stated and not re.search("其中|%", here[-12:] + figure.unit):
        return False
    if rules.condition_before.search(re.sub(r"\s", "", here)) and rules.condition_after.match(after):
        return False
    if compiled("targets", "eligible_before").search(here):
        return False
    if "元" in figure.measure and not _yuan_fits(here, after, stated):
        return False
    if rules.baseline.search(here) and rules.raised.match(after):
        return False
    return not _counts_its_list(figure, here) and not _uses_what_exists(here)


def _unit_fits(figure: Figure, here: str, stated: str | None) -> bool:
    rules = _rules()
    if figure.unit_start == figure.end:  # a ratio or 翻番, else a number without a unit
        return figure.measure == "倍" or (isinstance(figure.value, str) and bool(rules.ratio.search(here)))
    if figure.unit == "":
        return False
    if figure.measure == "岁":
        return bool(re.search(r"寿命[^,。;]{0,24}$", here))
    if rules.never.match(figure.measure):
        return False
    if rules.only_when_stated.match(figure.measure):
        return stated is not None or bool(rules.stated.search(here))
    if figure.measure == "" and not figure.unit.startswith("1/"):  # 200万以上: of what must be said before
        return bool(rules.bare_magnitude.search(here))
    return True


def _yuan_fits(here: str, after: str, stated: str | None) -> bool:
    """Return whether an amount is an economic goal: not an appropriation, not a size of firms."""
    rules = _rules()
    reached = stated or re.search("(?:达到?|实现|完成)$", here)
    named = (
        re.split("。" if stated else "[。;]", here)[-1] if reached else here[-16:]
    )  # 到2025年,突破500亿元: named before
    return (
        bool(rules.yuan.search(named))
        and not rules.appropriation.search(here)
        and not compiled("targets", "size_of_counted").search(here)
        and not rules.modifier_after.match(after)
        and not (
            compiled("targets", "rewarded_before").search(here)
            and compiled("targets", "rewarded_after").search(after)
        )
    )


def _counts_its_list(figure: Figure, before: str) -> bool:
    """A、B、C3个研究所: the number sums up the list before it and is no goal."""
    listed = re.split("[,;:。]", before)[-1]
    items = listed.count("、") + 1
    summed = items > 1 and figure.value in (items, items + 1) and bool(re.search(r"[一-龥]$", before))
    return summed and not comparator_before(before)


def _uses_what_exists(before: str) -> bool:
    """整合…2所医院、9所…: verbs of using name what is there already."""
    return bool(_rules().existing.search(before)) and not comparator_before(before)
