"""Figures as people read them."""

from __future__ import annotations

from decimal import Decimal


def plain(number: Decimal) -> str:
    """Return `number` rounded to two places, without needless zeros."""
    text = f"{number:.2f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
