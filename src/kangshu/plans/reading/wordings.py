"""Goals said in words: 全覆盖 is 100 %, 七大基地 is seven, 一县一品 is one in each. What they mean is for a person to confirm.

They stand apart from the printed figures: a document's numbers are what it says, these are how it is understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, cast

import yaml

from kangshu.plans.reading.deadlines import Deadlines
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.model import Anchor, Comparator, TargetFinding
from kangshu.plans.reading.sentences import Sentences

_ONES: Final = {one: number for number, one in enumerate("一二三四五六七八九", 1)} | {"两": 2}
_TALE: Final = re.compile(r"(?:已经?|目前|现有|累计|共有|截至)[^,。;]{0,16}$")
"""What has been done already is no goal."""
_NEARLY: Final = re.compile(r"基本(?:实现|达到|做到|全?覆盖)")


@dataclass(frozen=True, slots=True)
class WordingRule:
    """One way of saying a goal without a printed figure."""

    id: str
    pattern: re.Pattern[str]
    value: int
    unit: str
    comparator: Comparator
    example: str


@cache
def wording_rules() -> tuple[WordingRule, ...]:
    """Return the rules of `wordings.yaml`."""
    text = resources.files("kangshu.plans.reading").joinpath("wordings.yaml").read_text(encoding="utf-8")
    listed: list[dict[str, Any]] = yaml.safe_load(text)["rules"]
    return tuple(
        WordingRule(
            one["id"],
            re.compile(one["pattern"]),
            int(one.get("value", 0)),
            one["unit"],
            cast("Comparator", one.get("comparator", "=")),
            one["example"],
        )
        for one in listed
    )


def numeral(written: str) -> int:
    """Return the number that a short numeral writes: 三, 两, 十, 十二, 24."""
    if written.isdigit():
        return int(written)
    if written.startswith("十"):
        return 10 + _ONES.get(written[1:], 0)
    return _ONES[written]


def read_wordings(
    folded: Folded,
    sentences: Sentences,
    deadlines: Deadlines,
    figures: Iterable[TargetFinding],
    taken: Iterable[tuple[int, int]],
) -> list[TargetFinding]:
    """Return the goals that the text says in words, in reading order; what a printed figure says already is left out."""
    said = bytearray(folded.source(len(folded.text)) + 1)  # 1 where a figure or a rule stands already
    spans = [(one.anchor.start, one.anchor.end) for one in figures]
    for first, last in (*spans, *((folded.source(start), folded.source(end)) for start, end in taken)):
        said[first:last] = b"\x01" * (last - first)
    found: list[TargetFinding] = []
    for rule in wording_rules():
        for match in rule.pattern.finditer(folded.text):
            finding = _finding(folded, deadlines, rule, match)
            start, end = finding.anchor.start, finding.anchor.end
            if any(said[start:end]):
                continue
            if _is_goal(folded.text, sentences, match):
                said[start:end] = b"\x01" * (end - start)
                found.append(finding)
    kept: dict[tuple[str, int, str], TargetFinding] = {}
    for one in sorted(found, key=lambda one: one.anchor.start):  # 十大板块 is said again and again
        kept.setdefault((one.indicator, cast("int", one.value), one.unit), one)
    return list(kept.values())


def _is_goal(text: str, sentences: Sentences, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 30) : match.start()].split("\n")[-1]
    told = _TALE.search(before) or _TALE.search(match.group()[:16])
    return not told and sentences.planned(match.start(), match.end())


def _finding(folded: Folded, deadlines: Deadlines, rule: WordingRule, match: re.Match[str]) -> TargetFinding:
    groups = match.groupdict()
    if groups.get("n"):
        value = numeral(groups["n"])
    elif groups.get("list"):
        value = len(re.split("[、和及]", groups["list"]))
    else:
        value = rule.value
    name = next(_names(folded, match), "")
    start, end = folded.span(match.start(), match.end())
    return TargetFinding(
        span=folded.written[match.start() : match.end()],
        indicator=name or folded.written[match.start() : match.end()],
        comparator="about" if _NEARLY.search(match.group()) else rule.comparator,
        value=value,
        unit=f"{rule.unit}/{groups['each']}" if groups.get("each") else rule.unit,
        deadline=deadlines.at(match.start()),
        anchor=Anchor(start, end, ""),
    )


def _names(folded: Folded, match: re.Match[str]) -> Iterator[str]:
    """Yield what is measured, as written; a slogan's one sign (品, 业) needs its slogan around it."""
    first, last = match.span("name")
    name = folded.written[first:last].strip(' "“”')
    if len(name) >= 2:
        yield name
