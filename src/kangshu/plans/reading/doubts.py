"""What a person should look at: lone brackets, misnumbering, masked years, unknown units, contradictions."""

from __future__ import annotations

import re

from kangshu.base.text import Text
from kangshu.plans.reading.conflicts import find_conflicts
from kangshu.plans.reading.doubtful import cut_off, doubtful_measures, doubtful_money
from kangshu.plans.reading.fold import Folded, fold
from kangshu.plans.reading.model import Anchor, Doubt, Heading, MoneyFinding, TargetFinding, TaskFinding
from kangshu.plans.reading.units import like_organisation

_MOST = 200  # of one kind: a garbled page needs no longer list
_NUMERALS = "〇一二三四五六七八九"


def ordinal(label: str) -> int | None:
    """Return the number that a label counts: 二、 → 2, (十一) → 11, 3. → 3; None where it has none."""
    digits = re.search(r"\d+", label)
    if digits:
        return int(digits.group())
    found = re.search(r"[一二三四五六七八九十]+", label)
    if found is None:
        return None
    word = found.group()
    tens, _, ones = word.partition("十")
    if "十" not in word:
        return _NUMERALS.find(word) if len(word) == 1 else None
    if len(tens) > 1 or len(ones) > 1:
        return None
    return (_NUMERALS.find(tens) if tens else 1) * 10 + (_NUMERALS.find(ones) if ones else 0)


def find_doubts(
    folded: Folded,
    lonely: list[int],
    outline: list[Heading],
    tasks: list[TaskFinding],
    targets: list[TargetFinding],
    money: list[MoneyFinding],
) -> list[Doubt]:
    """Return the doubts of a reading, in reading order. Findings have source offsets."""
    doubts = [_lone_bracket(folded, position) for position in lonely[:_MOST]]
    doubts.extend(_misnumbered(outline))
    doubts.extend(
        Doubt(
            "masked-year",
            Text(
                f"年份被隐去（{target.deadline}），请补录",
                f"The year is masked ({target.deadline}); enter it",
            ),
            target.anchor,
        )
        for target in targets
        if target.deadline and not target.deadline.isdigit()
    )
    for task in tasks:
        for unit in (*task.lead, *task.cooperating):
            if not like_organisation(fold(unit).text):
                doubts.append(
                    Doubt(
                        "unit",
                        Text(f"无法识别的单位：{unit[:30]}", f"Not recognised as a unit: {unit[:30]}"),
                        task.units_anchor,
                    )
                )
    doubts.extend(find_conflicts(folded, tasks, targets))
    doubts.extend(doubtful_money(folded, money))
    doubts.extend(doubtful_measures(folded, targets))
    doubts.extend(cut_off(folded))
    for position in (match.start() for match in re.finditer("\ufffd+", folded.text)):
        start, end = folded.span(position, position + 1)
        doubts.append(
            Doubt("garbled", Text("此处有乱码", "Characters are garbled here"), Anchor(start, end, ""))
        )
    return sorted(doubts, key=lambda doubt: (doubt.anchor.start, doubt.kind))


def _lone_bracket(folded: Folded, position: int) -> Doubt:
    start, end = folded.span(position, position + 1)
    character = folded.written[position]
    return Doubt(
        "bracket",
        Text(f"括号不成对：{character}", f"A bracket has no partner: {character}"),
        Anchor(start, end, ""),
    )


def _misnumbered(outline: list[Heading]) -> list[Doubt]:
    doubts: list[Doubt] = []
    last: dict[int, int] = {}
    for heading in outline:
        number = ordinal(heading.label)
        for deeper in [level for level in last if level > heading.level]:
            del last[deeper]
        if number is None:
            continue
        before = last.get(heading.level)
        restarted = number == 1
        if before is not None and number != before + 1 and not restarted:
            zh = f"编号不连续：{heading.label} 前一个为第 {before} 项"
            doubts.append(
                Doubt(
                    "numbering",
                    Text(zh, f"Numbering is not continuous: {heading.label} follows item {before}"),
                    heading.anchor,
                )
            )
        last[heading.level] = number
    return doubts
