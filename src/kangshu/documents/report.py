"""A report as data: one model, written as docx, xlsx and pdf. The same report gives the same bytes, whoever writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from kangshu.documents.sheets import Value
from kangshu.documents.word_writer import HeadingBlock, ParagraphBlock

Tone = Literal["green", "amber", "red", "grey"]
INK: Final[Mapping[Tone, str]] = {"green": "1A6B34", "amber": "8A5300", "red": "B3261E", "grey": "5C6370"}
"""Colours of words, dark enough to read on white and grey when printed without colour."""
FILL: Final[Mapping[Tone, str]] = {"green": "2E8B57", "amber": "E0A030", "red": "C8372D", "grey": "9AA1AB"}
"""Colours of areas."""
HEAD_FILL: Final = "EEF1F4"
"""Behind a table's heading line."""


@dataclass(frozen=True, slots=True)
class Toned:
    """A word in a cell that has a colour too; the word alone must tell what is meant."""

    text: str
    tone: Tone


ReportCell = Value | Toned


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """A column: its heading, its share of the width, whether figures stand in it (at the right)."""

    title: str
    share: float = 1.0
    figures: bool = False


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table whose heading line is repeated on every page. `caption` names it, in a workbook its sheet."""

    caption: str
    columns: Sequence[ReportColumn]
    rows: Sequence[Sequence[ReportCell]]
    empty: str = "无。"
    """What is said instead of a table without rows."""


@dataclass(frozen=True, slots=True)
class ReportBar:
    """Parts of a whole as one bar: (word, how many, colour)."""

    caption: str
    parts: Sequence[tuple[str, int, Tone]]


ReportBlock = HeadingBlock | ParagraphBlock | ReportTable | ReportBar


@dataclass(frozen=True, slots=True)
class Report:
    """A report. `mark` stands on every page; `made` is the instant of what it reports, not of its writing."""

    title: str
    """One line or two."""
    facts: Sequence[tuple[str, str]]
    """What stands below the title: (快照编号, …), (数据截至, …), (制表单位, …)."""
    blocks: Sequence[ReportBlock]
    mark: str
    made: datetime
    author: str = ""
    landscape: bool = False

    @property
    def name(self) -> str:
        """Return the title on one line."""
        return self.title.replace("\n", "")


def cell_text(value: ReportCell) -> str:
    """Return a cell as it is printed; what is unknown is a dash."""
    if isinstance(value, Toned):
        return value.text
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)
