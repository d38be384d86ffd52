"""Figures over rows: a mean, a weighted mean, the spread. Exact decimals, rounded once at the end. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

HOW: Final = ("weighted-mean", "mean", "spread")
_PLACES: Final = Decimal("0.01")


def reckoned(how: str, rows: Iterable[Mapping[str, Any]], value: str, weight: str = "") -> Decimal | None:
    """Return the figure over the rows that have a value, to two places; None where none has, or no weight counts.

    `spread` is the greatest less the least. A row without a weight weighs nothing.
    """
    pairs = [
        (Decimal(str(row[value])), Decimal(str(row.get(weight) or 0)) if weight else Decimal(1))
        for row in rows
        if row.get(value) is not None
    ]
    if not pairs:
        return None
    if how == "spread":
        listed = [one for one, _ in pairs]
        found = max(listed) - min(listed)
    else:
        whole = (
            sum((weighs for _, weighs in pairs), Decimal(0))
            if how == "weighted-mean"
            else Decimal(len(pairs))
        )
        if not whole:
            return None
        found = (
            sum((one * (weighs if how == "weighted-mean" else 1) for one, weighs in pairs), Decimal(0))
            / whole
        )
    return found.quantize(_PLACES, ROUND_HALF_UP)
