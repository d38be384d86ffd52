"""What a sentence is about: what shall be, or what was and is. Figures of the past are no targets."""

from __future__ import annotations

import re
from bisect import bisect_right

from kangshu.plans.reading.brackets import Bracket
from kangshu.plans.reading.lexicon import words
from kangshu.plans.reading.lines import Lines

_QUOTED = re.compile(r"《[^《》\n]{1,80}》|[“\"][^“”\"\n]{1,14}[”\"]")


class Sentences:
    """Answers for any offset whether a figure there is planned."""

    def __init__(self, lines: Lines, pairs: list[Bracket], plan: bool) -> None:
        self._text = lines.text
        self._lines = lines
        self._plan = plan  # the document has the form of a plan
        self.quoted = [match.span() for match in _QUOTED.finditer(lines.text)]
        self._past = re.compile(words("figures", "past"))
        self._done = re.compile(words("figures", "done"))
        self._forecast = re.compile(words("figures", "forecast"))
        self._future = re.compile(words("figures", "future"))
        self._brackets = [(pair.start, pair.end) for pair in pairs]
        self._bracket_starts = [start for start, _ in self._brackets]

    def bounds(self, position: int) -> tuple[int, int]:
        """Return start and end of the sentence around `position`."""
        text = self._text
        start = max(text.rfind(mark, max(0, position - 600), position) for mark in "。!?\n") + 1
        ends = [end for mark in "。!?\n" if (end := text.find(mark, position, position + 600)) >= 0]
        return start, min(ends, default=min(len(text), position + 600))

    def planned(self, start: int, end: int, stated: bool) -> bool:
        """Return whether the figure at `start`…`end` tells what shall be. `stated`: it has a comparator."""
        first, last = self.bounds(start)
        before = self._text[first:start]
        after = self._text[end:last]
        clause = re.split(r"[;]", before)[-1]
        if self._forecast.search(clause[-30:]):
            return False
        goal = re.search(r"到(?:20\d\d|20xx|xxxx)|力争|确保|目标|争取|计划|底前|将|十[三四五]五", before)
        past = self._past.search(before)
        if past and not (goal and goal.start() > past.start()):
            return False
        if self._done.search(clause[-30:]) or re.match(r"[^,。;]{0,8}(?:已|完成率)", after):
            return False
        if re.search(r"已[^,。;]{0,12}$", clause) or re.search(r"了\s*$", clause):
            return False
        if self._plan:
            return stated or bool(self._future.search(before + after[:20])) or True
        return bool(goal) or stated or bool(self._future.search(clause))

    def bracket_is_clause(self, position: int) -> bool:
        """Return whether the bracket around `position` holds whole sentences (not an aside)."""
        place = bisect_right(self._bracket_starts, position) - 1
        if place < 0:
            return False
        start, end = self._brackets[place]
        return end - start > 60 and "。" in self._text[start:end]
