"""An official document (公文) as data: what GB/T 9704-2012 lets it hold, without its looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

OfficialForm = Literal["document", "letter", "minutes"]
"""`document`: 文件格式 (clause 7); `letter`: 信函格式 (10.1), for replies; `minutes`: 纪要格式 (10.3)."""
Level = Literal[0, 1, 2, 3, 4]


@dataclass(frozen=True, slots=True)
class OfficialParagraph:
    """A paragraph of the body.

    With a `level` of 1 to 4 it begins with its number (一、 （一） 1. （1）, counted by the writer) and `heading` in the
    type of that level; `text` runs on after the heading. Level 0 is a paragraph of text.
    """

    text: str = ""
    level: Level = 0
    heading: str = ""


@dataclass(frozen=True, slots=True)
class OfficialTable:
    """A table of text in the body; the first row is its header."""

    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()
    """Shares of the columns; () makes them equal."""


OfficialBlock = OfficialParagraph | OfficialTable


@dataclass(frozen=True, slots=True)
class OfficialAnnex:
    """An annex that goes with the document (7.3.7): its title and its blocks, from a new page on."""

    title: str
    blocks: tuple[OfficialBlock, ...]


@dataclass(frozen=True, slots=True)
class OfficialDocument:
    """One official document. Everything but agency, title and body may be empty and then takes no room.

    The writer puts no seal: a signed document without one follows 7.3.5.2 (不加盖印章的公文).
    """

    agency: str
    """发文机关: its full or recognised short name."""
    title: str
    body: tuple[OfficialBlock, ...]
    form: OfficialForm = "document"
    label: str = ""
    """发文机关标志; "" takes the agency with 文件 (7.2.4), alone in a letter (10.1), with 纪要 in minutes (10.3)."""
    number: str = ""
    """发文字号, such as 云卫函〔2026〕12号: year in full in 〔〕, the sequence without leading zeros (7.2.5)."""
    urgency: str = ""
    """紧急程度: 特急 or 加急 (7.2.3)."""
    mark: str = ""
    """A word at the right above the title, such as the class of a proposal reply (A类)."""
    receivers: tuple[str, ...] = ()
    """主送机关 (7.3.2)."""
    annexes: tuple[str, ...] = ()
    """附件说明: the names of what is attached (7.3.4)."""
    annexed: tuple[OfficialAnnex, ...] = ()
    """Annexes that are part of this file (7.3.7)."""
    signers: tuple[str, ...] = ()
    """发文机关署名; () takes the agency. Several sign one below the other."""
    day: date | None = None
    """成文日期 (7.3.5.4); None for a draft."""
    notes: tuple[str, ...] = ()
    """附注, each in its own brackets below the date (7.3.6): who may know of it, contact and telephone."""
    copies: tuple[str, ...] = ()
    """抄送机关 (7.4.2)."""
    issuer: str = ""
    """印发机关 (7.4.3); a letter names none (10.1)."""
    issued: date | None = None
    """印发日期; None takes `day`."""
    present: tuple[str, ...] = ()
    """出席 (minutes, 10.3): who was there, each with the unit."""
    excused: tuple[str, ...] = ()
    """请假 (10.3)."""
    observers: tuple[str, ...] = ()
    """列席 (10.3)."""


def written_day(day: date) -> str:
    """Return a day as 7.3.5.4 writes it: 2026年1月5日, no leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def document_number(code: str, year: int, sequence: int) -> str:
    """Return 发文字号 of an agency's `code` (机关代字) as 7.2.5 writes it: 云卫函〔2026〕12号."""
    return f"{code}〔{year}〕{sequence}号"
