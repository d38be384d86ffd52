"""Headings: labels at the start of lines, and which of them are headings and which are plain items."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lines import Line, Lines
from kangshu.plans.reading.model import Anchor, Heading

# 一、总体目标 到2025年,…: a gap behind a short title where the page lost its line break
_LOST_BREAK = re.compile(r"(?P<title>[一-龥、]{2,16})\s+(?=[一-龥“\"])")
_LONGEST_TITLE = 60


@dataclass(slots=True)
class _Candidate:
    line: Line
    level: int
    title_end: int
    parent: int
    alone: bool  # nothing else on the line
    like_heading: bool


def read_outline(folded: Folded, lines: Lines, notes_at: set[int]) -> list[Heading]:
    """Return the headings of a document; `notes_at` are the starts of brackets that name units."""
    text = lines.text
    candidates = [
        _candidate(text, line, notes_at) for line in lines.all if line.kind and line.kind != "circle"
    ]
    found = [candidate for candidate in candidates if candidate is not None]
    _correct_levels(found)
    _set_parents(found)
    groups: dict[tuple[int, str], list[_Candidate]] = {}
    for candidate in found:
        groups.setdefault((candidate.parent, candidate.line.kind), []).append(candidate)
    headings = _parallel_headings(folded, lines, found)
    for candidate in found:
        siblings = groups[(candidate.parent, candidate.line.kind)]
        if candidate.level > 1 or candidate.line.kind == "one":
            votes = sum(sibling.like_heading for sibling in siblings)
            if votes * 2 <= len(siblings):
                continue
        start, end = folded.span(candidate.line.body, max(candidate.title_end, candidate.line.body + 1))
        title = folded.written[candidate.line.body : candidate.title_end].strip().rstrip("。.:：;；,，")
        at = text.find(candidate.line.label, candidate.line.start)
        label = folded.written[at : at + len(candidate.line.label)].strip()
        headings.append(Heading(candidate.level, label, title, Anchor(start, end, "")))
    return sorted(headings, key=lambda heading: heading.anchor.start)


def _parallel_headings(folded: Folded, lines: Lines, found: list[_Candidate]) -> list[Heading]:
    """Return lines without a label that are built like the labelled headings above them: 强化…,推动….

    Two labelled headings of the first level, alone on their lines, must begin with the same word.
    """
    text = lines.text
    alone = [entry for entry in found if entry.line.kind == "one" and entry.alone and entry.like_heading]
    openings = Counter(text[entry.line.body : entry.line.body + 2] for entry in alone)
    parallel = {opening for opening, count in openings.items() if count > 1}
    if not parallel:
        return []
    first = alone[0].line.start
    commas = {text[entry.line.body : entry.title_end].count(",") for entry in alone} - {0}
    headings: list[Heading] = []
    for line in lines.all:
        title = text[line.start : line.end]
        if line.kind or line.start < first or not 6 <= len(title) <= 40 or title[:2] not in parallel:
            continue
        if title.count(",") in commas and not re.search(r"[。;:!?()\d]", title):
            start, end = folded.span(line.start, line.end)
            headings.append(Heading(1, "", folded.written[line.start : line.end], Anchor(start, end, "")))
    return headings


def _candidate(text: str, line: Line, notes_at: set[int]) -> _Candidate | None:
    if line.body >= line.end:
        return None
    stop = text.find("。", line.body, line.end)
    title_end = stop if stop >= 0 else line.end
    lost_break = _LOST_BREAK.match(text, line.body, title_end)
    if (
        lost_break
        and title_end - lost_break.end() > 8
        and re.search("[,:]", text[lost_break.end() : title_end])
    ):
        stop = title_end = lost_break.end("title")
    bracket = next((position for position in range(line.body, title_end) if position in notes_at), -1)
    rest_start = title_end + 1
    if bracket >= 0:
        title_end = bracket
    rest = text[rest_start : line.end].strip() if stop >= 0 else ""
    behind_note = (
        bool(rest)
        and any(rest_start <= position <= rest_start + 2 for position in notes_at)
        and len(rest) < 120
    )
    title = text[line.body : title_end]
    alone = stop < 0
    like = (
        len(title) <= _LONGEST_TITLE
        and (not alone or title[-1:] not in ";,、")
        and not behind_note
        and bracket < 0
        and (alone or bool(rest))
        and (len(title) <= 34 or (alone and title.count(",") <= 2))
        and title.count(",") <= 3
    )
    return _Candidate(line, line.level, title_end, -1, alone, like)


def _correct_levels(found: list[_Candidate]) -> None:
    """A (1) directly before a (二) of the same list is a misprint of (一)."""
    for here, following in pairwise(found):
        if here.line.kind == "digitp" and here.line.label == "(1)" and following.line.label == "(二)":
            here.level = 2


def _set_parents(found: list[_Candidate]) -> None:
    """Give each candidate the number of the nearest one above it with a lower level."""
    path: list[int] = []
    for number, candidate in enumerate(found):
        while path and found[path[-1]].level >= candidate.level:
            path.pop()
        candidate.parent = path[-1] if path else -1
        path.append(number)
