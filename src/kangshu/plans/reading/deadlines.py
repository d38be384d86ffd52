"""Years by which figures are due: 到2025年底, “十四五”末, xxxx年, and how far each of them reaches."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache

from kangshu.documents import Table
from kangshu.plans.reading.lexicon import tables
from kangshu.plans.reading.lines import Lines

_TITLE = re.compile(
    r"(?P<year>20\d\d)年(?:度)?[^。;\n]{0,30}?(?:实事|工作要点|任务|重点工作|工作计划|工作安排|要点|清单|分解|目标|行动(?!计划)|项目)"
)


@cache
def _year() -> re.Pattern[str]:
    periods = "|".join(tables()["deadlines"]["plan_periods"])
    return re.compile(
        rf"(?P<dateless>{tables()['deadlines']['dateless']})"
        rf"|[\"“'‘]?(?P<period>{periods})[\"”'’]?(?!以来)"
        r"|(?P<range>(?:20\d\d|20xx|xxxx)年?-+)?(?P<year>20\d\d|20xx|xxxx|XXXX|20XX|20××|××××)(?=年|-+(?:20\d\d|xxxx))"
        r"|二[〇○零](?P<tens>[一二三四五])(?P<ones>[〇○零一二三四五六七八九])(?=年)"
        r"|\((?P<in_bracket>20\d\d)\)(?=年)"
    )


_BOTH = re.compile(r"年?(?:底|末)?前?[、和及,与]\s*(?:到)?")
_NOT_DUE = re.compile(
    r"年?(?:\d{1,2}月(?:\d{1,2}日)?)?(?:起|以来|开始|之后|以后|相比|的?基础上|基数|增长|同期|[一-龥]{0,6}(?:公报|数据))"
)
_NOT_DUE_BEFORE = re.compile(r"(?:截至|截止|自|从|比|较|与|相比|基于|以)\s*$")


def _row_years(text: str, tables_of_document: Sequence[Table]) -> list[tuple[int, str | None]]:
    """Return where each table cell starts, with the year of its row's 完成时限 column."""
    cells: list[tuple[int, str | None]] = []
    for table in tables_of_document:
        grid = table.grid()
        headers = [text[cell.start : cell.end] if cell else "" for cell in grid[0]] if grid else []
        due = next(
            (
                place
                for place, header in enumerate(headers)
                if re.search(r"时限|完成时间|期限|时间节点", header)
            ),
            None,
        )
        for row in grid:
            year = None
            if due is not None and (cell := row[due]):
                found = re.search(r"20\d\d|20xx|xxxx", text[cell.start : cell.end])
                year = found.group() if found else None
            cells.extend((cell.start, year) for cell in row if cell)
    return sorted(set(cells), key=lambda entry: entry[0])


def _digit(word: str) -> int:
    return max(0, "〇一二三四五六七八九".find(word))


class Deadlines:
    """The year that governs each offset of a text."""

    def __init__(self, lines: Lines, tables_of_document: Sequence[Table] = (), *, headed: bool) -> None:
        text = lines.text
        self._starts: list[int] = []
        self._events: list[tuple[str, str | None]] = []  # kind: year | reset | null
        quoted = [match.span() for match in re.compile(r"《[^《》\n]{1,80}》|〈[^〉\n]*〉").finditer(text)]
        quoted_starts = [start for start, _ in quoted]
        events: list[tuple[int, str, str | None]] = []
        for line in lines.all:
            if line.empty:
                continue
            if line.kind or not headed or text[line.start] == "[" or "\t" in text[line.start : line.end]:
                events.append((line.start, "reset", None))
        cells = _row_years(text, tables_of_document)
        events.extend((position, "year" if year else "reset", year) for position, year in cells)
        for found in _year().finditer(text):
            place = bisect_right(quoted_starts, found.start()) - 1
            if place >= 0 and quoted[place][1] > found.start():
                continue
            if found.group("dateless"):
                events.append((found.start(), "null", None))
                continue
            year = (
                tables()["deadlines"]["plan_periods"].get(found.group("period") or "")
                or found.group("year")
                or found.group("in_bracket")
            )
            if _NOT_DUE_BEFORE.search(text[max(0, found.start() - 4) : found.start()]) or _NOT_DUE.match(
                text, found.end()
            ):
                continue
            if found.group("tens"):
                year = f"20{_digit(found.group('tens'))}{_digit(found.group('ones'))}"
            masked = year.lower().replace("××××", "xxxx").replace("××", "xx")
            events.append((found.start(), "year", masked))
        self.default = self._title_year(lines)
        for start, kind, year in sorted(events, key=lambda event: event[0]):
            self._starts.append(start)
            self._events.append((kind, year))
        self._pairs = [self._pair_ends_at(text, number) for number in range(len(self._starts))]

    @staticmethod
    def _title_year(lines: Lines) -> str | None:
        """Return the year in the title of a yearly list (2024年十大民生实事), None for other documents."""
        seen = 0
        for line in lines.all:
            if line.empty:
                continue
            if line.kind:
                break
            found = _TITLE.search(lines.text, line.start, line.end)
            if (
                found
                and line.end - line.start <= 40
                and not re.search(r"[。;,:]", lines.text[line.start : line.end])
            ):
                return found.group("year")
            seen += 1
            if seen > 25:
                break
        return None

    def at(self, position: int) -> str | None:
        """Return the year (or xxxx, 20xx) that governs a figure at `position`, None for none."""
        place = bisect_right(self._starts, position) - 1
        if place < 0:
            return self.default
        kind, year = self._events[place]
        if kind == "reset":
            return self.default
        return year

    def _pair_ends_at(self, text: str, number: int) -> tuple[str, ...]:
        """Return (2022, 2030) where event `number` is the second year of 到2022年和2030年."""
        kind, year = self._events[number]
        if number == 0 or kind != "year" or self._events[number - 1][0] != "year":
            return ()
        gap = text[self._starts[number - 1] + 4 : self._starts[number]]
        before = self._events[number - 1][1]
        return (before, year) if before and year and _BOTH.fullmatch(gap) else ()

    def years_at(self, position: int) -> tuple[str, ...]:
        """Return both years where 到2022年和2030年 governs `position`, else nothing."""
        place = bisect_right(self._starts, position) - 1
        return self._pairs[place] if place >= 0 else ()
