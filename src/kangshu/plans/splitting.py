"""Several plans in one file: where each begins and ends, and what it is called. Pure.

A file holds several plans when its own title comes again with a running number (…方案1, …方案2), or when a title
starts anew after a numbered text: another notice, another plan. An annex (附件) belongs to the plan it follows.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

from kangshu.documents import Block, Document, Table
from kangshu.plans.titles import is_reply, is_title, title_of

PlanKind = Literal["plan", "reply"]

_LINE: Final = re.compile(r"[^\n]+")
_RUNNING: Final = re.compile(
    r"^(?P<stem>.{4,80}?)\s*[(（]?(?P<number>\d{1,2}|[一二三四五六七八九十]{1,3})[)）]?$"
)
_CHAPTER: Final = re.compile(
    r"^(?P<stem>)(?:第(?P<number>[一二三四五六七八九十\d]{1,3})篇|【篇(?P<other>[一二三四五六七八九十\d]{1,3})】)"
)
_TOP: Final = re.compile(
    r"^(?:(?P<one>[一二三四五六七八九十]{1,3})、|第(?P<chapter>[一二三四五六七八九十]{1,3})[章部])"
)
_ANNEX: Final = re.compile(r"^附\s*[件表录录]")
_COLLECTED: Final = re.compile(
    r"(?:范文|模板|样本|汇编|合集|选编)|[(（][^()（）]{0,6}(?:精选|共|合集)?[^()（）]{0,4}篇[^()（）]{0,4}[)）]"
)
_GENERAL: Final = re.compile(
    r"^(?:总体|指导|基本|工作|主要|重点|发展|目标|任务|组织|保障|改革|实施|步骤|背景|现状)*(?:要求|思想|原则|目标|任务|思路|措施|内容|保障|领导|实施|步骤|现状|情况)$"
)
_CITY: Final = re.compile(r"[\u4e00-\u9fff]{2}(?<![城各全我两省本都个的区县市一三二县级])(?=[市州])")
_OFTEN: Final = 5
_SHARE: Final = 20
"""Of so many times that a word stands, a city's name stands once in front of 市 or 州; 发展 and 建设 do not."""
_NUMERALS: Final = {word: number for number, word in enumerate("一二三四五六七八九十", start=1)}
_SHORTEST: Final = 80
"""Characters of a part below which it is a line of a table of contents, not a plan."""


@dataclass(frozen=True, slots=True)
class PlanPart:
    """One plan within a document: offsets in its text, counted from 1 in the order of the file."""

    number: int
    title: str
    kind: PlanKind
    start: int
    end: int

    def document(self, whole: Document) -> Document:
        """Return the part as a document by itself; its offsets begin at 0, its hash stays that of the file."""
        return replace(
            whole,
            text=whole.text[self.start : self.end],
            blocks=tuple(
                _moved_block(one, -self.start) for one in whole.blocks if self._holds(one.start, one.end)
            ),
            tables=tuple(
                _moved_table(one, -self.start) for one in whole.tables if self._holds(one.start, one.end)
            ),
        )

    def _holds(self, start: int, end: int) -> bool:
        return self.start <= start and end <= self.end


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str


def parts_of(document: Document) -> tuple[PlanPart, ...]:
    """Return the plans that a document holds: one over the whole text, or several."""
    text = document.text
    lines = [
        _Line(match.start(), match.group().strip()) for match in _LINE.finditer(text) if match.group().strip()
    ]
    whole = title_of(text, document.name)
    numbered = _numbered_titles(lines)
    starts = numbered or _restarts(lines, document.tables)
    bounds = [*starts, len(text)]
    if len(starts) < 2 or any(end - start < _SHORTEST for start, end in pairwise(bounds)):
        return (whole_of(document),)
    found = []
    for number, (start, end) in enumerate(pairwise(bounds), 1):
        piece = text[start:end]
        title = _told_apart(whole, number, piece) if numbered else title_of(piece, whole)
        found.append(PlanPart(number, title, kind_of(piece), start, end))
    return tuple(found)


def whole_of(document: Document) -> PlanPart:
    """Return the whole document as one plan."""
    return PlanPart(1, title_of(document.text, document.name), kind_of(document.text), 0, len(document.text))


def kind_of(text: str) -> PlanKind:
    """Return what a document is: a plan, or the reply to a proposal."""
    return "reply" if is_reply(text) else "plan"


def _numbered_titles(lines: list[_Line]) -> list[int]:
    """Return where the document's own title, or 第…篇, stands with 1, 2, 3 …; nothing where it does not."""
    own = {line.text for line in lines[:6]}
    runs: dict[str, list[int]] = {}
    for line in lines:
        found = _CHAPTER.match(line.text) or _RUNNING.match(line.text)
        if found is None or (found["stem"] and found["stem"] not in own):
            continue
        run = runs.setdefault(found["stem"], [])
        if _number(found["number"] or found["other"]) == len(run) + 1:
            run.append(line.start)
    return max(runs.values(), key=len, default=[])


def _restarts(lines: list[_Line], tables: tuple[Table, ...]) -> list[int]:
    """Return where plans begin by a title of their own after the numbering of another has run and before it starts anew."""
    tops = [(place, _top(line.text)) for place, line in enumerate(lines) if _top(line.text)]
    starts = [0]
    reached = 0  # the highest top-level number since the part began
    following = 0
    for place, line in enumerate(lines):
        while following < len(tops) and tops[following][0] <= place:
            reached = max(reached, tops[following][1])
            following += 1
        if reached < 2 or not is_title(line.text) or _annexed(lines, place):
            continue
        if any(table.start <= line.start < table.end for table in tables):
            continue
        if following < len(tops) and tops[following][1] == 1:
            starts.append(line.start)
            reached = 0
    return starts if len(starts) > 1 else []


def _annexed(lines: list[_Line], place: int) -> bool:
    return any(_ANNEX.match(line.text) for line in lines[max(0, place - 2) : place + 1])


def _top(line: str) -> int:
    """Return the number of a heading of the highest level, 0 for another line."""
    found = _TOP.match(line)
    return _number(found["one"] or found["chapter"]) if found else 0


def _number(word: str) -> int:
    if word.isdigit():
        return int(word)
    tens, mark, ones = word.partition("十")
    if not mark:
        return _NUMERALS.get(word, 0)
    return (_NUMERALS.get(tens, 0) if tens else 1) * 10 + _NUMERALS.get(ones, 0)


def _told_apart(whole: str, number: int, piece: str) -> str:
    """Return a title for one plan of a collection: its number and the first heading that says what it is about."""
    lines = (match.group().strip() for match in _LINE.finditer(piece))
    headings = (line[match.end() :].strip() for line in lines if (match := _TOP.match(line)))
    theme = next((one for one in headings if 2 <= len(one) <= 30 and not _GENERAL.match(one)), "")
    about = " · ".join(filter(None, (_place(piece), theme)))
    return f"{_COLLECTED.sub('', whole).strip()}（之{number}）" + (f"：{about}" if about else "")


def _place(piece: str) -> str:
    """Return the city that a plan speaks of most often, "" where none stands out; the person who imports sees it."""
    named = Counter(match.group() for match in _CITY.finditer(piece))
    counted = ((piece.count(one), one) for one, times in named.items() if times * _SHARE >= piece.count(one))
    number, name = max(counted, default=(0, ""))
    return name if number >= _OFTEN else ""


def _moved_block(block: Block, by: int) -> Block:
    return replace(block, start=block.start + by, end=block.end + by)


def _moved_table(table: Table, by: int) -> Table:
    return replace(
        table,
        start=table.start + by,
        end=table.end + by,
        cells=tuple(replace(cell, start=cell.start + by, end=cell.end + by) for cell in table.cells),
    )
