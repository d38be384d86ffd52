"""What first screens are made of: key figures and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kangshu.web.parts import Link


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    tone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One card. `none` and `hint` are said when there are no rows."""

    title: str
    shape: Literal["work", "items", "lights", "table", "chart"]
    rows: Sequence[Any]
    none: str
    hint: str = ""
    icon: str = "tray"
    more: str = ""
    note: str = ""
    heads: Sequence[str] = ()


@dataclass(slots=True)
class Screen:
    """A first screen: a sentence, buttons, figures, and blocks in a wide and a narrow column.

    `doors` are the large buttons of the residents' entrance.
    """

    lead: str
    quick: list[Link] = field(default_factory=list)
    doors: Sequence[Any] = ()
    figures: list[Figure] = field(default_factory=list)
    wide: list[Block] = field(default_factory=list)
    narrow: list[Block] = field(default_factory=list)
