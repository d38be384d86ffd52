"""Figures to be reached: which numbers of the text are targets, and what each of them says."""

from __future__ import annotations

import re
from functools import cache

from kangshu.plans.reading.brackets import Bracket
from kangshu.plans.reading.deadlines import Deadlines
from kangshu.plans.reading.figures import Figure, chains, comparator_after, comparator_before
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import words
from kangshu.plans.reading.lines import Line, Lines
from kangshu.plans.reading.model import Anchor, Comparator, TargetFinding
from kangshu.plans.reading.sentences import Sentences
from kangshu.plans.reading.target_filters import may_be_target

_CLAUSE_MARKS = ",。;:!?\n\t|、()[]"


def read_targets(
    folded: Folded,
    lines: Lines,
    figures: list[Figure],
    sentences: Sentences,
    deadlines: Deadlines,
    pairs: list[Bracket],
    taken: list[tuple[int, int]],
) -> list[TargetFinding]:
    """Return the targets in reading order. Figures inside the spans `taken` (money rules, notes) are none."""
    text = lines.text
    blocked = bytearray(len(text) + 1)
    for start, end in [*taken, *sentences.quoted]:
        blocked[start:end] = b"\x01" * (end - start)
    in_bracket = bytearray(len(text) + 1)
    for pair in pairs:
        in_bracket[pair.start : pair.end] = b"\x01" * (pair.end - pair.start)
    findings: list[TargetFinding] = []
    runs = chains(text, figures)
    previous = (-1, "")  # end and indicator of the figure before
    told: list[TargetFinding] = []  # figures that no sentence plans
    for number, figure in enumerate(figures):
        if blocked[figure.start]:
            continue
        before = text[max(0, figure.start - 80) : figure.start]
        after = text[figure.end : figure.end + 40]
        stated = comparator_before(before[-24:].split("\n")[-1]) or comparator_after(after)
        aside = bool(in_bracket[figure.start]) and sentences.bracket_is_aside(figure.start)
        if not may_be_target(figure, before, after, stated, aside):
            continue
        finding = _finding(folded, lines, figures, number, runs[number], deadlines, previous)
        previous = (figure.end, finding.indicator)
        (findings if sentences.planned(figure.start, figure.end) else told).append(finding)
    repeated = {_subject(finding) for finding in findings}
    findings.extend(finding for finding in told if _subject(finding) in repeated)
    return sorted(findings, key=lambda finding: finding.anchor.start)


def _subject(finding: TargetFinding) -> tuple[str, str, str]:
    """Return what makes two statements the same one: a headline repeats a target of the text below it."""
    return finding.indicator[-3:], str(finding.value), finding.unit


def _finding(
    folded: Folded,
    lines: Lines,
    figures: list[Figure],
    number: int,
    chain: tuple[int, int],
    deadlines: Deadlines,
    previous: tuple[int, str],
) -> TargetFinding:
    text, figure = lines.text, figures[number]
    start = _indicator_start(text, figure.start, lines.at(figure.start))
    in_run = chain[0] < number and bool(previous[1]) and _shares(text, figures[chain[0]], figure)
    if in_run:  # 50%和30%: the second span starts behind the first and measures the same
        start = figure.start
    tail = re.compile(r"(?:\([^()]{1,10}\))?(?:及?以上|及?以内|及?以下|左右)").match(text, figure.end)
    end = tail.end() if tail else figure.end
    unit = re.sub(r"\s|余|多", "", folded.written[figure.unit_start : figure.end])
    if len(figure.unit) != len(unit):  # 20.1/10万 → 1/10万, 6个学时 → 学时
        unit = figure.unit
    source_start, source_end = folded.span(start, end)
    return TargetFinding(
        span=folded.written[start:end],
        indicator=previous[1] if in_run else _indicator(folded, figure, start, previous),
        comparator=_comparator(figures, number, chain, text),
        value=figure.value,
        unit=unit,
        deadline=_deadline(figure, number - chain[0], chain[1] - chain[0] + 1, deadlines),
        anchor=Anchor(source_start, source_end, ""),
    )


def _shares(text: str, first: Figure, figure: Figure) -> bool:
    """Return whether a figure in a run A、B和C says the same of what its first one measures."""
    return first.unit == figure.unit or "分别" in text[max(0, first.start - 24) : first.start]


def _comparator(figures: list[Figure], number: int, chain: tuple[int, int], text: str) -> Comparator:
    figure = figures[number]
    if figure.measure == "倍" and figure.unit_start == figure.end:
        return "double"
    after = comparator_after(text[figure.end : figure.end + 10])
    opening = text[max(0, figures[chain[0]].start - 24) : figures[chain[0]].start].split("\n")[-1]
    if after is None and "分别" in opening:  # 分别达到50%和30%以上: said behind the last, it holds for all
        last = figures[chain[1]].end
        after = comparator_after(text[last : last + 10])
    before = comparator_before(text[max(0, figure.start - 24) : figure.start].split("\n")[-1])
    if _shares(text, figures[chain[0]], figure):
        before = before or comparator_before(opening)
    if after in (">=", "<=", "about") and before in (None, *_GIVE_WAY):
        return after  # type: ignore[return-value]
    return before or after or "="  # type: ignore[return-value]


# 提高到80%以上 is >=, 下降到12%以下 is <=
_GIVE_WAY = ("increase_to", "decrease_to", "about", "increase_by", "decrease_by", ">")


def _deadline(figure: Figure, place: int, length: int, deadlines: Deadlines) -> str | None:
    """Return the governing year; 到2022年和2030年…22%和30% gives the years in order."""
    years = deadlines.years_at(figure.start)
    return years[place] if len(years) == length else deadlines.at(figure.start)


def _indicator_start(text: str, start: int, line: Line) -> int:
    """Return where the clause of a figure begins: behind the last punctuation before it."""
    floor = line.body if line.body <= start else line.start
    position = start
    while position > floor and start - position < 28:
        if text[position - 1] == ")":  # 示范区(县、市)20个: a short bracket belongs to the name
            opening = text.rfind("(", max(floor, position - 14), position)
            if opening > floor:
                position = opening
                continue
        if text[position - 1] in _CLAUSE_MARKS:
            break
        position -= 1
    while position < start and text[position] in ' "”“':
        position += 1
    return position


@cache
def _around_name() -> re.Pattern[str]:
    words_behind = words("figures", "behind_name")
    return re.compile(
        rf"^(?:力争|确保|争取|计划)?(?:(?:到|至)?(?:20\d\d|20xx|xxxx)年(?:底|末)?(?:前)?)?(?P<name>.*?){words_behind}*$"
    )


def _indicator(folded: Folded, figure: Figure, start: int, previous: tuple[int, str]) -> str:
    """Return what is measured: the words before the number, those behind it, or the clause before."""
    found = _around_name().match(folded.text[start : figure.start])
    if found and len(found.group("name").strip()) >= 2:
        first, last = found.span("name")
        return folded.written[start + first : start + last].strip()
    if figure.measure not in ("%", "元", "倍", "‰", "岁"):
        behind = re.compile(r"(?:以上|左右|以内|及以上)?的?(?P<name>[^,。;:、\n()\d]{2,24})").match(
            folded.text, figure.end
        )
        if behind:
            return folded.written[slice(*behind.span("name"))].strip()
    end, indicator = previous
    if (
        indicator
        and 0 <= end < figure.start
        and re.fullmatch(r"[^。;\n]{1,12}", folded.text[end : figure.start])
    ):
        return indicator
    return folded.written[start : figure.start].strip()
