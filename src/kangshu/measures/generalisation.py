"""Generalisation (泛化) of quasi-identifiers: each kind of column has levels, from the closest to `*` (all as one).

The bins of a level are unions of bins of the level below: tables of two levels never cut each other's bins, so that
laying one extract over another gives no class smaller than the smaller of the two.
Source: GB/T 37964-2019 annex A (generalisation, top coding); ICD-10 chapters, WHO 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

ALL: Final = "*"
"""What stands for any value."""
Step = Callable[[str], str]

_TOP_AGE: Final = 90
_ICD_CHAPTERS: Final = (
    ("A00", "B99"), ("C00", "D48"), ("D50", "D89"), ("E00", "E90"), ("F00", "F99"), ("G00", "G99"), ("H00", "H59"),
    ("H60", "H95"), ("I00", "I99"), ("J00", "J99"), ("K00", "K93"), ("L00", "L99"), ("M00", "M99"), ("N00", "N99"),
    ("O00", "O99"), ("P00", "P96"), ("Q00", "Q99"), ("R00", "R99"), ("S00", "T98"), ("U00", "U99"), ("V01", "Y98"),
    ("Z00", "Z99"),
)  # fmt: skip


def _whole(text: str) -> str:
    return text


def _all(_: str) -> str:
    return ALL


def _band(width: int) -> Step:
    def band(text: str) -> str:
        years = _number(text)
        if years is None:
            return ""
        if years >= _TOP_AGE:
            return f"{_TOP_AGE}+"
        low = years // width * width
        return f"{low}-{low + width - 1}"

    return band


def _older(text: str) -> str:
    years = _number(text)
    if years is None:
        return ""
    return "80+" if years >= 80 else "60-79" if years >= 60 else "0-59"


def _number(text: str) -> int | None:
    try:
        return int(float(text))
    except ValueError:
        return None


def _cut(digits: int) -> Step:
    return lambda text: text[:digits]


def _quarter(text: str) -> str:
    return (
        f"{text[:4]}-Q{(int(text[5:7]) + 2) // 3}" if len(text) >= 7 and text[5:7].isdecimal() else text[:4]
    )


def _chapter(text: str) -> str:
    code = text[:3].upper()
    return next((f"{low}-{high}" for low, high in _ICD_CHAPTERS if low <= code <= high), "")


LEVELS: Final[dict[str, dict[str, Step]]] = {
    "age": {"year": _whole, "5": _band(5), "10": _band(10), "older": _older, ALL: _all},
    "date": {"day": _cut(10), "month": _cut(7), "quarter": _quarter, "year": _cut(4), ALL: _all},
    "place": {"community": _cut(12), "town": _cut(9), "district": _cut(6), "city": _cut(4), ALL: _all},
    "code": {"code": _whole, "category": _cut(3), "chapter": _chapter, ALL: _all},
    "text": {"value": _whole, ALL: _all},
    "number": {"value": _whole, ALL: _all},
}
"""Levels by kind of column, the closest first."""


def levels(kind: str, finest: str = "") -> tuple[str, ...]:
    """Return the levels of a kind from `finest` (the closest that its declaration allows) up."""
    names = tuple(LEVELS[kind])
    return names[names.index(finest) :] if finest else names


def generalised(kind: str, level: str, value: Any) -> str:
    """Return `value` as it stands at a level; "" is unknown and stays a value of its own below `*`."""
    return LEVELS[kind][level](text_of(value))


def text_of(value: Any) -> str:
    """Return a value of a view as text; None is ""."""
    if value is None:
        return ""
    return value.isoformat()[:10] if isinstance(value, date) else str(value)
