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
    kinds = "|".join(f"(?P<{entry['kind']}>{entry['label']})" for entry in tables()["outline"])
    return re.compile(rf"(?:\*\*|[|>◆●■☆★▲◎○]\s*)?(?:{kinds})")


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


def lines_of(text: str) -> list[Line]:
    """Return all lines of `text` in order, empty ones too."""
    lines: list[Line] = []
    position = 0
    for raw in text.split("\n"):
        end = position + len(raw)
        start = position + len(raw) - len(raw.lstrip())
        stop = max(start, position + len(raw.rstrip()))
        kind, label, body = label_at(text, start, stop)
        lines.append(Line(start, stop, kind, _levels().get(kind, 0), label, body))
        position = end + 1
    return lines


class Lines:
    """The lines of a text, found by offset."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.all = lines_of(text)
        starts: list[int] = []
        position = 0
        for raw in text.split("\n"):
            starts.append(position)
            position += len(raw) + 1
        self._starts = starts

    def index_at(self, position: int) -> int:
        """Return the number of the line in which offset `position` lies."""
        return max(0, bisect_right(self._starts, position) - 1)

    def at(self, position: int) -> Line:
        """Return the line in which offset `position` lies."""
        return self.all[self.index_at(position)]
