"""Control limits: how far a share may lie from a standard by chance alone, for a unit of a given size.

Source: Spiegelhalter 2005, Stat. Med. 24:1185 (funnel plots; exact binomial limits made continuous, appendix A.1.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()
_EXACT: Final = 400.0
"""Up to this variance of the count limits are exact; beyond it the normal curve is within a tenth of a person."""
_CURVE: Final = 48
_TERMS: Final = 500
_SMALL: Final = 1e-14
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Funnel:
    """The curves of a funnel plot: at each size the lower and upper limits (shares of 1), inner and outer."""

    standard: float
    sizes: tuple[float, ...]
    inner: tuple[tuple[float, float], ...]
    outer: tuple[tuple[float, float], ...]


def funnel(standard: float, largest: float, inner: float, outer: float) -> Funnel:
    """Return the curves around `standard` (a share of 1) for sizes up to `largest`, at two levels in percent."""
    step = max(largest, 2.0) ** (1 / (_CURVE - 1))
    sizes = sorted({1.0, float(largest), *(float(round(step**one)) for one in range(_CURVE))})
    kept = tuple(one for one in sizes if one <= largest) or (1.0,)
    return Funnel(
        standard,
        kept,
        tuple(control_limits(standard, one, inner) for one in kept),
        tuple(control_limits(standard, one, outer) for one in kept),
    )


def place_in_funnel(standard: float, numerator: float, denominator: float, inner: float, outer: float) -> int:
    """Return where a unit lies: 0 within the inner limits, ±1 beyond them, ±2 beyond the outer ones; the sign is the side."""
    share = numerator / denominator
    for size, level in ((2, outer), (1, inner)):
        low, high = control_limits(standard, denominator, level)
        if share < low:
            return -size
        if share > high:
            return size
    return 0


def dispersion(standard: float, units: Sequence[tuple[float, float]]) -> float | None:
    """Return how much more units (numerator, denominator) differ than by chance: 1 is chance alone, None is unknown.

    The mean square of their z-scores, the tenth at each end drawn in (winsorised). Source: Spiegelhalter 2005, section 3.3.
    """
    if not 0 < standard < 1 or len(units) < 5:
        return None
    variance = standard * (1 - standard)
    scores = sorted((x / n - standard) / math.sqrt(variance / n) for x, n in units if n > 0)
    cut = len(scores) // 10
    if cut:
        scores = [min(max(one, scores[cut]), scores[-cut - 1]) for one in scores]
    return sum(one * one for one in scores) / len(scores)


@lru_cache(maxsize=8192)
def control_limits(standard: float, size: float, level: float) -> tuple[float, float]:
    """Return the limits within which a share of `size` lies with `level` percent, if it is `standard` in truth.

    `standard` is a share of 1. Where nobody or everybody is the standard, chance tells nothing: both limits are it.
    """
    if not 0 < standard < 1 or size <= 0:
        return standard, standard
    tail = (1 - level / 100) / 2
    variance = size * standard * (1 - standard)
    if variance > _EXACT:
        spread = _NORMAL.inv_cdf(1 - tail) * math.sqrt(variance) / size
        return max(0.0, standard - spread), min(1.0, standard + spread)
    return _low(standard, size, tail), 1 - _low(1 - standard, size, tail)


def _low(standard: float, size: float, share: float) -> float:
    """Return the lower limit: a count lies below it just where P(X ≤ count) < `share`. The upper one is its mirror."""
    low, high = -1, math.ceil(size)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if binomial_share(middle, size, standard) < share else (low, middle)
    above, below = binomial_share(high, size, standard), binomial_share(high - 1, size, standard)
    part = (above - share) / (above - below) if above > below else 0.0
    return min(1.0, max(0.0, (high - part) / size))


def binomial_share(count: float, size: float, share: float) -> float:
    """Return P(X ≤ count) of a binomial count of `size` draws."""
    if count < 0:
        return 0.0
    if count >= size:
        return 1.0
    return _beta_share(size - count, count + 1, 1 - share)


def _beta_share(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function."""
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    found = d
    for step in range(1, _TERMS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d or _TINY)
            c = 1 + term / c or _TINY
            found *= c * d
        if abs(c * d - 1) < _SMALL:
            break
    return found
