"""What a sentence is about: what shall be, or what was and is. Figures of the past are no targets."""

from __future__ import annotations

import re
from bisect import bisect_right

from kangshu.plans.reading.brackets import Bracket
from kangshu.plans.reading.fold import Folded, fold
from kangshu.plans.reading.lexicon import compiled, words
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.model import Heading

_QUOTED = re.compile(r"《[^《》\n]{1,80}》|[“\"][^“”\"\n]{1,14}[”\"]")
_PUBLISHED = re.compile(r"(20\d\d)(?:年|-|/|\.)\d{1,2}(?:月|-|/|\.)\d{1,2}|\[(20\d\d)\]\s*\d+号")
_STRONG = re.compile(r"(?:不低于|不少于|不小于|不得低于|不得少于|至少|不超过|不高于|控制在|≥|≤)[^,。;]{0,6}$")
_PARAGRAPH = 1_200  # characters of a paragraph that are looked back upon
_GOAL_YEAR = re.compile(
    r"今年(?!以来)|年内|到[“”]?十[四五]五|到(?:20[2-9]\d|20xx|xxxx)年|十[四五]五|(?:20[2-9]\d|xxxx|20xx)年(?:底|末)?前"
)
_PAST_YEAR = re.compile(
    r"(?<![到至前较比与\d-])(20\d\d)年(?!.{0,3}[底末]前|.{0,2}前|的?基础|相比)(?!起|建成)"
)
_PERIOD = re.compile(r"(?:规划|计划|实施)期?限?[为是]?:?(20\d\d)年?-+(?:20\d\d)")


class Sentences:
    """Answers for any offset whether a figure there is planned."""

    def __init__(
        self, folded: Folded, lines: Lines, pairs: list[Bracket], outline: list[Heading], *, plan: bool
    ) -> None:
        text = lines.text
        self._text = text
        self._lines = lines
        self._folded = folded
        self.quoted = [match.span() for match in _QUOTED.finditer(text)]
        self._past = re.compile(words("sentences", "past"))
        self._done = re.compile(words("sentences", "done"))
        self._forecast = re.compile(words("sentences", "forecast"))
        self._goal = re.compile(words("sentences", "goal"))
        self._brackets = [(pair.start, pair.end) for pair in pairs]
        self._bracket_starts = [start for start, _ in self._brackets]
        self._plan_verb = re.compile(words("sentences", "plan_verb"))
        self._plan = (plan or self._titled("plan_title")) and not self._titled("past_title")
        self._only_titled = not plan  # a page about a plan may bear its title, too
        self._headings = [heading.anchor.start for heading in outline]
        self._past_sections = _past_sections(outline)
        self._conditions = _condition_items(lines)
        self._condition_starts = [start for start, _ in self._conditions]
        found = [int(match.group(1) or match.group(2)) for match in _PUBLISHED.finditer(text[:3000])]
        period = _PERIOD.search(text[:3000])
        self._published = max(found) if found else int(period.group(1)) if period else None
        self._speaks_of_plans = self._plan or bool(re.search("规划|行动计划|方案", text[:2000]))

    def _titled(self, key: str) -> bool:
        """Return whether one of the first short lines is a title of the kind `key` of the grammar."""
        title = re.compile(words("sentences", key))
        shown = [line for line in self._lines.all[:60] if not line.empty][:20]
        return any(
            (number < 3 or line.end - line.start >= 10)
            and line.end - line.start < 45
            and not line.kind
            and not re.search("[。;,!?]", self._text[line.start : line.end])
            and title.search(self._text, line.start, line.end)
            for number, line in enumerate(shown)
        )

    def bounds(self, position: int) -> tuple[int, int]:
        """Return start and end of the sentence around `position`."""
        text = self._text
        first = max(0, position - 600)
        start = max(first, *(text.rfind(mark, first, position) + 1 for mark in "。!?\n"))
        ends = [end for mark in "。!?\n" if (end := text.find(mark, position, position + 600)) >= 0]
        return start, min(ends, default=min(len(text), position + 600))

    def planned(self, start: int, end: int) -> bool:
        """Return whether the figure at `start`…`end` tells what shall be."""
        first, last = self.bounds(start)
        before, after = self._text[first:start], self._text[end:last]
        clause = re.split("[;]", before)[-1]
        part = re.split("[,;]", before)[-1]
        if self._in_conditions(start) or not self._expected(clause, after) or self._of_people(before):
            return False
        goals = [match.start() for match in self._goal.finditer(before)]
        pasts = [match.start() for match in self._past.finditer(before)]
        strong = bool(_STRONG.search(part))
        if pasts and not strong and not (goals and goals[-1] > pasts[-1]):
            return False
        if self._done.search(part) or re.match(r"[^,。;]{0,8}(?:已完成|完成率|通过验收|的目标任务)", after):
            return False
        if re.search(r"已[^,。;]{0,12}$", part):
            return False
        years = _PAST_YEAR.findall(before)
        if years and self._published and int(years[-1]) < self._published and not strong:
            return False
        opening = max(self._lines.at(start).start, first - _PARAGRAPH)
        told = self._only_titled and self._past.search(self._text, opening, first)
        if self._plan and not told and not self._in_past_section(start):
            return True
        if goals or strong or re.match("[^,。;]{0,16}(?:目标|计划)", after):
            return True
        return self._continues_a_goal(part, self._text[opening:first])

    def _expected(self, clause: str, after: str) -> bool:
        """Return whether a figure is no mere forecast: 预计2025年达到… in a plan is a goal, 预计老年人口… is none."""
        found = self._forecast.search(clause[-30:])
        if found is None:
            return True
        here = clause[-30:][found.start() :] + after[:24]
        return bool(compiled("sentences", "planned_forecast").match(here)) and self._speaks_of_plans

    def _of_people(self, before: str) -> bool:
        """Return whether a sentence goes on from a forecast of the population: 预计老年人口达到…,占…,失能老人约…."""
        found = self._forecast.search(before)
        behind = before[found.start() :] if found else ""
        return bool(re.search("人口|老龄化", behind)) and not re.search("力争|确保|目标|争取", behind)

    def _continues_a_goal(self, part: str, paragraph: str) -> bool:
        """Return whether the sentences before, in the same paragraph, gave a year of goals and told nothing past."""
        years = list(_GOAL_YEAR.finditer(paragraph))
        if not years or self._past.search(paragraph, years[-1].end()):
            return False
        return years[-1].group().startswith("到") or bool(self._plan_verb.search(part))

    def _in_conditions(self, position: int) -> bool:
        place = bisect_right(self._condition_starts, position) - 1
        return place >= 0 and position < self._conditions[place][1]

    def _in_past_section(self, position: int) -> bool:
        place = bisect_right(self._headings, self._folded.source(position)) - 1
        return place >= 0 and self._past_sections[place]

    def bracket_is_aside(self, position: int) -> bool:
        """Return whether the bracket around `position` is an aside: neither a whole line nor sentences."""
        place = bisect_right(self._bracket_starts, position) - 1
        if place < 0:
            return False
        start, end = self._brackets[place]
        line = self._lines.at(start)
        whole_line = line.start == start and end >= line.end
        return not whole_line and not (end - start > 60 and "。" in self._text[start:end])


def _condition_items(lines: Lines) -> list[tuple[int, int]]:
    """Return the spans of lists of conditions: labelled items under a line that ends in …条件:."""
    opening = compiled("sentences", "condition_heading")
    spans: list[tuple[int, int]] = []
    start, level = -1, 0
    for line in lines.all:
        if line.empty:
            continue
        if start >= 0 and (line.level <= level if line.kind else line.end - line.start > 40):
            spans.append((start, line.start))
            start = -1
        text = lines.text[line.body : line.end]
        last = re.split("[。;]", text.rstrip(":。"))[-1]
        if start < 0 and text.endswith((":", "条件", "条件。")) and len(last) <= 40 and opening.search(last):
            start, level = line.end, line.level
    if start >= 0:
        spans.append((start, len(lines.text)))
    return spans


def _past_sections(outline: list[Heading]) -> list[bool]:
    """Return for each heading whether it, or a heading above it, opens an account of the past."""
    past = compiled("sentences", "past_heading")
    flags: list[bool] = []
    path: list[tuple[int, bool]] = []
    for heading in outline:
        while path and path[-1][0] >= heading.level:
            path.pop()
        inherited = bool(path) and path[-1][1]
        flag = inherited or (len(heading.title) <= 14 and bool(past.search(fold(heading.title).text)))
        flags.append(flag)
        path.append((heading.level, flag))
    return flags
