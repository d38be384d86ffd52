"""One form of the text for matching, with a way back to the offsets of the source.

Folding makes punctuation and digits half-width, brackets round or square, dashes `-`, and traditional
characters simplified, each character for one; pinyin glosses such as 發(fā) are dropped. Nothing that
is reported comes from the folded text: spans are always cut from the source.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kangshu.documents import Table
from kangshu.plans.reading.traditional import simplified_forms

_PUNCTUATION = dict(
    pair.split(" ")
    for pair in [
        "（ (",
        "） )",
        "〔 [",
        "〕 ]",
        "【 [",
        "】 ]",
        "［ [",
        "］ ]",
        "﹝ [",
        "﹞ ]",
        "｛ [",
        "｝ ]",
        "， ,",
        "： :",
        "； ;",
        "﹔ ;",
        "﹐ ,",
        "． .",
        "％ %",
        "﹪ %",
        "－ -",
        "— -",
        "– -",
        "― -",
        "～ -",
        "~ -",
        "〜 -",
        "？ ?",
        "！ !",
        "＋ +",
        "／ /",
        "＜ <",
        "＞ >",
        "＝ =",
        "• ·",
        "・ ·",
    ]
) | dict.fromkeys("\u3000\u00a0\u2002\u2003\u2009\u200b\ufeff", " ")
_DIGITS = {chr(0xFF10 + digit): str(digit) for digit in range(10)}
_LETTERS = {chr(0xFF21 + n): chr(0x41 + n) for n in range(26)} | {
    chr(0xFF41 + n): chr(0x61 + n) for n in range(26)
}
_TABLE = str.maketrans({**simplified_forms(), **_PUNCTUATION, **_DIGITS, **_LETTERS})
_ACCENTED = "āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹü"
_HAS_PINYIN = re.compile(rf"[(（][a-z]*[{_ACCENTED}][a-z]*[)）]")
_PINYIN = re.compile(rf"(?<=[\u4e00-\u9fff])[(（][a-z{_ACCENTED}]{{1,6}}[)）]")


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text; `source(i)` is the offset in the source of its character `i`."""

    text: str
    written: str  # the same characters as the source has them
    offsets: tuple[int, ...] | None = None  # None: the same offsets as the source

    def source(self, position: int) -> int:
        """Return the offset in the source of folded offset `position` (also of the end)."""
        return position if self.offsets is None else self.offsets[position]

    def place(self, position: int) -> int:
        """Return the folded offset of source offset `position`; that behind it where it was dropped."""
        return position if self.offsets is None else bisect_left(self.offsets, position)

    def table(self, table: Table) -> Table:
        """Return a table of the source with folded offsets."""
        if self.offsets is None:
            return table
        cells = tuple(
            replace(cell, start=self.place(cell.start), end=self.place(cell.end)) for cell in table.cells
        )
        return Table(self.place(table.start), self.place(table.end), cells)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return source offsets of a non-empty folded span."""
        return self.source(start), self.source(end - 1) + 1 if end > start else self.source(start)


def _width(line: str) -> int:
    return sum(2 if character > "\u2e7f" else 1 for character in line)


def _page_width(lines: list[str], widths: list[int], written: list[int]) -> int | None:
    """Return the width to which the lines of a text are filled, None when it was not broken so."""
    if len(written) < 8:
        return None
    common = written[int(len(written) * 0.9)]
    full = sum(common - 4 <= width <= common + 4 for width in written)
    if 36 <= common <= 130 and full >= 5 and full * 3 >= len(written):
        return common
    widest = written[-1]  # a page of short lines: three full ones, two of them in mid-sentence, none wider
    filled = [line for line, width in zip(lines, widths, strict=True) if width >= widest - 4]
    unfinished = sum(line.rstrip()[-1:] not in _SENTENCE_ENDS for line in filled)
    return widest if 48 <= widest <= 130 and len(filled) >= 3 and unfinished >= 2 else None


def soft_breaks(text: str) -> list[int]:
    """Return the offsets of line breaks that only fill the page's width, as in text taken from a pdf.

    A text is so broken when a good part of its lines has nearly the same width, that of a page. A break
    is soft when its line is full and does not end a sentence, and the next begins without label or indent.
    """
    lines = text.split("\n")
    widths = [_width(line.rstrip()) if len(line) <= 200 else 400 for line in lines]
    written = sorted(width for width in widths if width)
    page = _page_width(lines, widths, written)
    if page is None:
        return []
    breaks: list[int] = []
    position = 0
    for line, following, width in zip(lines, lines[1:], widths, strict=False):
        position += len(line)
        ends = line.rstrip()[-1:] in _SENTENCE_ENDS or not following.strip()
        if width * 20 >= page * 17 and not ends and not _NEW_PARAGRAPH.match(following):
            breaks.append(position)
        position += 1
    return breaks


_SENTENCE_ENDS = "。！？!?;；:："
# Spaces that recognised text has around years (到 2025 年), and between all characters (责 任 单 位).
_AROUND_YEARS = re.compile(r"(?<=[到至前]) +(?=20\d\d)|(?<=20\d\d) +(?=年)")
_BETWEEN_CHARACTERS = re.compile(
    r"(?<=[\u4e00-\u9fff，。、；：（）]) (?=[\u4e00-\u9fff，。、；：（）\d])|(?<=\d) (?=[\u4e00-\u9fff，。、；：（）])"
)
_CHARACTER = re.compile(r"[\u4e00-\u9fff]")


def _stray_spaces(text: str) -> list[tuple[int, int]]:
    """Return the spans of spaces that text recognition put where none belong."""
    between = [found.span() for found in _BETWEEN_CHARACTERS.finditer(text)]
    if len(between) > 20 and len(between) * 2 > len(_CHARACTER.findall(text)):
        return between
    return [found.span() for found in _AROUND_YEARS.finditer(text)]


_NEW_PARAGRAPH = re.compile(
    r"[\s　]|[一二三四五六七八九十]{1,3}[、.]|[(（][一二三四五六七八九十\d]{1,3}[)）]|\d{1,2}[.．、](?!\d)|第[一二三四五六七八九十]+[章节条]|[-—•●](?!\d)"
)


def fold(text: str, *, unwrap: bool = True, tables: Sequence[Table] = ()) -> Folded:
    """Return the folded form of `text`; `unwrap` drops line breaks that only fill a page's width, outside `tables`."""
    dropped = [match.span() for match in _PINYIN.finditer(text)] if _HAS_PINYIN.search(text) else []
    if unwrap:
        dropped.extend(
            (position, position + 1)
            for position in soft_breaks(text)
            if not any(table.start <= position <= table.end for table in tables)
        )
    dropped.extend(
        (start, end)
        for start, end in _stray_spaces(text)
        if not any(table.start <= start <= table.end for table in tables)
    )
    if not dropped:
        return Folded(text.translate(_TABLE), text)
    pieces: list[str] = []
    offsets: list[int] = []
    position = 0
    for start, end in sorted(dropped):
        pieces.append(text[position:start])
        offsets.extend(range(position, start))
        position = end
    pieces.append(text[position:])
    offsets.extend(range(position, len(text) + 1))
    written = "".join(pieces)
    return Folded(written.translate(_TABLE), written, tuple(offsets))
