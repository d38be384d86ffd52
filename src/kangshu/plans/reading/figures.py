"""Numbers with their units of measure: 3—5家, 23.33万张, 20.1/10万, 1:1.6, 翻番."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from kangshu.plans.reading.lexicon import tables, words
from kangshu.plans.reading.model import Number, Quantity


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its unit in folded offsets. `measure` is the unit without 万/亿."""

    start: int
    end: int
    value: Quantity
    unit: str
    measure: str
    unit_start: int


@cache
def _figure() -> re.Pattern[str]:
    number = r"\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,9})?(?!\d)|\d{1,15}(?:\.\d{1,9})?(?!\d)"
    magnitude, measure, base = (words("figures", key) for key in ("magnitude", "measure", "ratio_base"))
    return re.compile(
        rf"(?<![\d.:])(?P<ratio>\d{{1,6}}(?:\.\d{{1,4}})?:\d{{1,6}}(?:\.\d{{1,4}})?)(?![\d:])"
        rf"|(?<![\d.:/A-Za-z_+])(?P<a>{number}) *(?:(?P<m1>{magnitude})?(?P<u1>{measure})? *(?:-+|至|到) *(?P<b>{number}))?"
        rf" *(?P<unit>(?:余|多)?(?P<magnitude>{magnitude})?(?:余|多)? *(?P<measure>{measure})?(?P<base>{base})?)"
        rf"|(?P<double>翻了?一?番)"
    )


def number_of(text: str) -> Number:
    """Return the number that `text` writes, an int when it is whole."""
    value = float(text.replace(",", ""))
    return int(value) if value.is_integer() and "." not in text else value


def figures_in(text: str) -> Iterator[Figure]:
    """Return every number of folded `text` with its unit (which may be empty)."""
    for found in _figure().finditer(text):
        start = found.start()
        if found.group("double"):
            yield Figure(start, found.end(), 2, "倍", "倍", found.end())
            continue
        if found.group("ratio"):
            yield Figure(start, found.end(), found.group("ratio"), "", "", found.end())
            continue
        unit = re.sub(r"\s", "", found.group("unit") or "")
        plain = re.sub("[余多]", "", unit)
        base = found.group("base") or ""
        if base in ("/10万", "/万", "/千") and not found.group("measure"):
            plain = "1" + base
        measure = found.group("measure") or ""
        if re.fullmatch("个(?:学时|课时|工作日)", measure):
            plain = plain.replace("个", "", 1)
        first, second = found.group("a"), found.group("b")
        value: Quantity = number_of(first)
        if second is not None:
            if found.group("u1") and found.group("u1") != (found.group("measure") or ""):
                continue
            value = (number_of(first), number_of(second))
        end = found.start("unit") + len((found.group("unit") or "").rstrip())
        yield Figure(start, end, value, plain, found.group("measure") or "", found.start("unit"))


# 至少建立1所: a verb may stand between the word and the number
_AT_LEAST_VERB = re.compile(r"(?:至少|最少|不少于)[^,。;、\d]{1,6}$")


# 不超过全部医疗服务的10%: what the share is of may stand between
_OF_A_WHOLE = re.compile(r"(?:不超过|不低于|不少于|不高于|超过|低于|达到?|占)(?P<whole>[^,。;、\d]{2,14}的)$")


@cache
def _comparators() -> tuple[list[tuple[str, re.Pattern[str]]], list[tuple[str, re.Pattern[str]]]]:
    table = tables()["figures"]
    before = [
        (name, re.compile(rf"(?:{source})(?:的)?\s*$")) for name, source in table["comparators"].items()
    ]
    after = [
        (name, re.compile(rf"(?:\([^()]{{1,4}}\))?\s*(?:的)?(?:{source})"))
        for name, source in table["after"].items()
    ]
    return before, after


def comparator_before(clause: str) -> str | None:
    """Return the comparator that the words before a number state."""
    order = ("increase_to", "decrease_to", ">=", "<=", ">", "<", "about", "increase_by", "decrease_by")
    patterns = dict(_comparators()[0])
    if _AT_LEAST_VERB.search(clause):
        return ">="
    base = _OF_A_WHOLE.search(clause)
    if base:
        clause = clause[: base.start("whole")]
    clause = re.sub(
        r"(?:达到?|为|在|到|至|是)\s*$",
        lambda match: (
            match.group()
            if re.search(
                r"(?:提高|提升|增加|增长|上升|扩大|下降|降低|减少|缩短|压缩|控制|增|降|升)(?:到|至|在)\s*$",
                clause,
            )
            else ""
        ),
        clause,
    )
    for name in order:
        if patterns[name].search(clause):
            return name
    return None


def comparator_after(rest: str) -> str | None:
    """Return the comparator that the words behind a figure state."""
    for name, pattern in _comparators()[1]:
        if pattern.match(rest):
            return name
    return None


_JOINED = re.compile(
    r"\s*(?:(?:及|或)?以上|(?:及|或)?以下|以内|左右)?\s*[、和及与]\s*(?:不低于|不少于|达到)?\s*|\s*[、和及,与]\s*"
)


def chains(text: str, figures: list[Figure]) -> list[tuple[int, int]]:
    """Return for each figure the first and last number of the run A、B和C that it stands in."""
    first = list(range(len(figures)))
    for number in range(1, len(figures)):
        gap = text[figures[number - 1].end : figures[number].start]
        if len(gap) < 12 and _JOINED.fullmatch(gap):
            first[number] = first[number - 1]
    last = list(range(len(figures)))
    for number in range(len(figures) - 2, -1, -1):
        if first[number + 1] == first[number]:
            last[number] = last[number + 1]
    return list(zip(first, last, strict=True))
