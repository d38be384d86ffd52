"""Confidence limits: of a proportion by Wilson's score, of a rate or a count by Garwood's exact Poisson limits.

Source: Wilson 1927, J. Am. Stat. Assoc. 22:209; Garwood 1936, Biometrika 28:437. Both are what public health uses
(Association of Public Health Observatories, Technical Briefing 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Final

from kangshu.sdk import MeasureDeclaration

_NORMAL: Final = NormalDist()
_CLOSE: Final = 1e-11
_LARGE: Final = 100_000
_TERMS: Final = 10_000
_SMALL: Final = 1e-15


def confidence_limits(
    measure: MeasureDeclaration, numerator: float, denominator: float, level: float
) -> tuple[float, float] | None:
    """Return the lower and upper limit of the measure's value in its unit; None where there is no value.

    `level` is in percent, such as 95.
    """
    if measure.kind == "proportion":
        if denominator <= 0 or not 0 <= numerator <= denominator:
            return None
        low, high = wilson(numerator, denominator, level)
        return low * measure.scale, high * measure.scale
    if numerator < 0 or (measure.kind == "ratio" and denominator <= 0):
        return None
    low, high = poisson(numerator, level)
    whole = denominator if measure.kind == "ratio" else 1.0
    return low / whole * measure.scale, high / whole * measure.scale


def wilson(numerator: float, denominator: float, level: float) -> tuple[float, float]:
    """Return Wilson's limits of a share of `denominator` > 0."""
    z = _NORMAL.inv_cdf(0.5 + level / 200)
    share, square = numerator / denominator, z * z
    centre = share + square / (2 * denominator)
    spread = z * math.sqrt((share * (1 - share) + square / (4 * denominator)) / denominator)
    whole = 1 + square / denominator
    # at 0 and at 1 the limit is 0 and 1, whatever is lost to rounding
    low = 0.0 if numerator == 0 else max(0.0, (centre - spread) / whole)
    high = 1.0 if numerator == denominator else min(1.0, (centre + spread) / whole)
    return low, high


def poisson(count: float, level: float) -> tuple[float, float]:
    """Return the exact limits of the expectation of a Poisson count."""
    tail = (1 - level / 100) / 2
    z = _NORMAL.inv_cdf(1 - tail)
    if count > _LARGE:
        return _cubed(count, -z), _cubed(count + 1, z)
    low = 0.0 if count == 0 else _root(lambda mean: gamma_share(count, mean) - tail, _cubed(count, -z))
    return low, _root(lambda mean: gamma_share(count + 1, mean) - (1 - tail), _cubed(count + 1, z))


def _cubed(count: float, z: float) -> float:
    """Return the limit by Wilson and Hilferty's cube: closer than 10⁻⁸ of it above `_LARGE`, near it elsewhere."""
    return count * float(1 - 1 / (9 * count) + z / (3 * math.sqrt(count))) ** 3


def gamma_share(shape: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function: P(Poisson(x) ≥ shape) for a whole `shape`."""
    if x <= 0:
        return 0.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        term = total = 1 / shape
        for step in range(1, _TERMS):
            term *= x / (shape + step)
            total += term
            if term < total * _SMALL:
                break
        return front * total
    return 1 - front * _fraction(shape, x)


def _fraction(shape: float, x: float) -> float:
    """Return the continued fraction of the upper part, by Lentz."""
    tiny = 1e-300
    b = x + 1 - shape
    c, d = 1 / tiny, 1 / b
    found = d
    for step in range(1, _TERMS):
        a = -step * (step - shape)
        b += 2
        d = 1 / (a * d + b or tiny)
        c = b + a / c or tiny
        found *= c * d
        if abs(c * d - 1) < _SMALL:
            break
    return found


def _root(rising: Callable[[float], float], near: float) -> float:
    """Return where a rising function is 0, by halving from both sides of a value that is near it."""
    low, high = max(near, 0.1) * 0.5, max(near, 0.1) * 1.5
    while rising(low) > 0:
        low /= 2
    while rising(high) < 0:
        high *= 2
    while high - low > high * _CLOSE:
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
