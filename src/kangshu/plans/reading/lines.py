"""Lines of the folded text with their list labels: what every pass walks over."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

from kangshu.plans.reading.lexicon import tables


@dataclass(frozen=True, slots=True)
class Line:
    """One line: offsets of its text without surrounding white space, its label, where its body starts."""

    start: int
    end: int
    kind: str  # the label's kind in the grammar, "" without a label
    level: int
    label: str
    body: int

    @property
    def empty(self) -> bool:
        return self.start == self.end


@cache
def _label() -> re.Pattern[str]:
    kinds = "|".join(f"(?P<{entry['kind']}>{entry['pattern']})" for entry in tables()["outline"])
    return re.compile(rf"(?:-\s+)?(?:\*\*|[|>◆●■☆★▲◎○·]\s*)?(?:{kinds})")


@cache
def _levels() -> dict[str, int]:
    return {entry["kind"]: entry["level"] for entry in tables()["outline"]}


def label_at(text: str, start: int, end: int) -> tuple[str, str, int]:
    """Return (kind, label, where the body starts) of the list label at `start`; kind "" for none."""
    found = _label().match(text, start, end)
    if found is None or found.lastgroup is None:
        return "", "", start
    kind = found.lastgroup
    body = found.end()
    while body < end and text[body] in " \t、":
        body += 1
    label = found.group(kind)
    gap = body > found.end() or body >= end or text[body] == ":"
    if kind in ("chapter", "section1", "section2") and not gap and end - body > 40:
        return "", "", start  # 第一章总则 is a heading; 第一部分人群… in a sentence is not
    if kind == "hash" and not label.strip("#"):
        inner = label_at(text, body, end)
        if inner[0]:
            return inner
    return kind, label, body


# Labels behind a sentence or a gap, where a page lost its line breaks: …。 二、重点任务 (一)发展养老。
_INLINE = re.compile(
    r"(?<=[。!)\]\s])(?<!\n)(?:(?P<one>[一二三四五六七八九十]{1,3})、|\((?P<paren>[一二三四五六七八九十]{1,3})\))(?=[^\s、,。;)])"
    r"|(?<=[。)\]])(?P<digit>\d{1,2})[.、](?=[一-龥“])"
)
_FIRST = re.compile(
    r"^[ \t]*(?:(?P<one>[一二三四五六七八九十]{1,3})、|\((?P<paren>[一二三四五六七八九十]{1,3})\)|(?P<digit>\d{1,2})[.、](?!\d))",
    re.MULTILINE,
)
_COUNT = {word: number for number, word in enumerate("一二三四五六七八九十", start=1)}


def chinese_ordinal(word: str) -> int | None:
    """Return 1…99 for 一…九十九, None for what is no such number."""
    if len(word) == 1:
        return _COUNT.get(word)
    tens, mark, ones = word.partition("十")
    if not mark or len(tens) > 1 or len(ones) > 1:
        return None
    return (_COUNT.get(tens, 0) if tens else 1) * 10 + (_COUNT.get(ones, 0) if ones else 0)


_HEADING_BEFORE = re.compile(r"[一二三四五六七八九十]{1,3}、[^。,;\n]{2,24}\s$")


def _ordinal(word: str) -> int | None:
    return int(word) if word.isdigit() else chinese_ordinal(word)


def _inline_labels(text: str) -> list[int]:
    """Return the offsets of labels within lines that continue a numbering (…(二) after (一))."""
    found = [(match.start(), True, match) for match in _INLINE.finditer(text)]
    if not found:
        return []
    found.extend((match.start(), False, match) for match in _FIRST.finditer(text))
    found.sort(key=lambda entry: entry[0])
    accepted: list[int] = []
    for kind in ("one", "paren", "digit"):
        run = [(at, inline, _ordinal(match.group(kind))) for at, inline, match in found if match.group(kind)]
        last = 0
        for place, (at, inline, number) in enumerate(run):
            following = run[place + 1][2] if place + 1 < len(run) else None
            under_heading = kind == "paren" and bool(_HEADING_BEFORE.search(text[max(0, at - 30) : at]))
            starts = number == 1 and (following == 2 or under_heading)
            if inline and (starts or (number is not None and number == last + 1 and number > 1)):
                accepted.append(at)
            if not inline or starts or number == last + 1:
                last = number or 0
    return sorted(accepted)


_BULLET = re.compile(r"(?:-{1,4}|[*•·●◆■▪○◎★☆▲△►>])\s*(?=[^\s\d-])")


def _line(text: str, position: int, end: int) -> Line:
    raw = text[position:end]
    start = position + len(raw) - len(raw.lstrip())
    stop = max(start, position + len(raw.rstrip()))
    kind, label, body = label_at(text, start, stop)
    if not kind:
        bullet = _BULLET.match(text, start, stop)
        body = bullet.end() if bullet else start
    return Line(start, stop, kind, _levels().get(kind, 0), label, body)


class Lines:
    """The lines of a text, found by offset; labels within a line begin a line of their own."""

    def __init__(self, text: str) -> None:
        self.text = text
        breaks = [match.end() for match in re.compile("\n").finditer(text)]
        self._starts = sorted({0, *breaks, *_inline_labels(text)})
        ends = [*(start - (text[start - 1] == "\n") for start in self._starts[1:]), len(text)]
        self.all = [_line(text, start, end) for start, end in zip(self._starts, ends, strict=True)]

    def index_at(self, position: int) -> int:
        """Return the number of the line in which offset `position` lies."""
        return max(0, bisect_right(self._starts, position) - 1)

    def at(self, position: int) -> Line:
        """Return the line in which offset `position` lies."""
        return self.all[self.index_at(position)]
