"""Figures as people read them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

_LARGE: Final = 100
_SMALL: Final = 10


def plain(number: Decimal) -> str:
    """Return `number` rounded to two places, without needless zeros."""
    text = f"{number:.2f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def rough(number: Decimal) -> Decimal:
    """Return a reckoned figure without a precision that it does not have: 501, 48.0, 2.35."""
    if abs(number) >= _LARGE:
        return round(number, 0)
    return round(number, 1 if abs(number) >= _SMALL else 2)
