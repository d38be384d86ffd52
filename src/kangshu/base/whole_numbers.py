"""Whole numbers as strangers write them. `str.isdigit` lets ² and ١ through, and `int` minds thousands of digits."""

from __future__ import annotations


def whole_number(text: str, digits: int = 9) -> int | None:
    """Return the number that `text` writes in at most `digits` ASCII digits; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
