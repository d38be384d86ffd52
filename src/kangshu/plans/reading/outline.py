"""Headings: labels at the start of lines, and which of them are headings and which are plain items."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import compiled
from kangshu.plans.reading.lines import Line, Lines
from kangshu.plans.reading.model import Anchor, Heading
from kangshu.plans.reading.units import label_pattern

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
    listed = _attachment_lists(lines)
    candidates = [
        _candidate(lines, number, notes_at)
        for number, line in enumerate(lines.all)
        if line.kind and line.kind != "circle" and number not in listed
    ]
    found = [candidate for candidate in candidates if candidate is not None]
    _correct_levels(found)
    _set_parents(found)
    _accept_with_children(text, found)
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


def _attachment_lists(lines: Lines) -> set[int]:
    """Return the numbers of lines that go on with a list of attachments (附件:1.… / 2.…)."""
    listed: set[int] = set()
    before = ""
    for number, line in enumerate(lines.all):
        if line.empty:
            continue
        if before and line.kind == "digit" and line.end - line.start < 60:
            listed.add(number)
        else:
            opening = lines.text[line.start : line.start + 5]
            before = "附件" if re.match(r"附件[:\s]", opening) else ""
    return listed


# 一、总体要求……3: a line of a table of contents
_CONTENTS = re.compile(r"(?:[.…·-]\s?){3,}\s*\(?\d{0,3}\)?$|\t+\d{1,3}$")


def _candidate(lines: Lines, number: int, notes_at: set[int]) -> _Candidate | None:
    text, line = lines.text, lines.all[number]
    if line.body >= line.end or _CONTENTS.search(text, line.body, line.end):
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
    alone = stop < 0 or (not rest and len(title) <= 30 and _opens_a_section(lines, number))
    standard = compiled("outline_titles", "standard_titles").match(text, line.body, line.end)
    if standard and len(title) > 24 and text[standard.end()] not in "和与及、的":  # 指导思想以…为指导
        title_end, title, alone = standard.end(), standard.group(), True
    if _units_follow(lines, number) and (alone or len(title) > 20 or "," in title):
        return _Candidate(line, line.level, title_end, -1, alone, False)
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


def _units_follow(lines: Lines, number: int) -> bool:
    """Return whether the next line says who is responsible: what stands here is a task."""
    following = next((line for line in lines.all[number + 1 : number + 4] if not line.empty), None)
    return following is not None and bool(label_pattern().match(lines.text, following.start, following.end))


def _opens_a_section(lines: Lines, number: int) -> bool:
    """Return whether below a short sentence with a label there is deeper text of its own: no list of tasks."""
    line = lines.all[number]
    for following in lines.all[number + 1 : number + 4]:
        if following.empty:
            continue
        if following.kind:
            return following.level > line.level
        return following.end - following.start > 20 and not label_pattern().match(
            lines.text, following.start, following.end
        )
    return False


def _accept_with_children(text: str, found: list[_Candidate]) -> None:
    """Take a title with its units in brackets for a heading where labels of a deeper level follow it."""
    for here, following in pairwise(found):
        title = text[here.line.body : here.title_end]
        if (
            not here.like_heading
            and following.level > here.level
            and len(title) <= 30
            and title.count(",") <= 1
        ):
            here.like_heading = "。" not in title


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
