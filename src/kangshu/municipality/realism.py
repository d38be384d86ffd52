"""How near a made city comes to what is published of a real one: figures, their tolerances, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from kangshu.municipality.ground import data_text
from kangshu.sdk import CityFigure

Sums = Mapping[str, tuple[float, float]]
"""Figure → numerator and denominator over the whole city."""
_ERRORS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what was made, what is published, and how far it may be off (`tolerance` with the error of the draw)."""

    id: str
    made: float
    published: float
    tolerance: float
    unit: str
    source: str
    certainty: str

    @property
    def holds(self) -> bool:
        """Whether what was made is near enough."""
        return abs(self.made - self.published) <= self.tolerance


@cache
def _published() -> tuple[dict[str, Any], ...]:
    return tuple(yaml.safe_load(data_text("figures.yaml")))


def figures(sums: Sums, counts: Mapping[str, tuple[CityFigure, int]]) -> tuple[Figure, ...]:
    """Return every figure that `sums` suffice for, in the order of the data, then those of the kinds of record.

    `counts` are what is expected of each person and year, and the number of records made, by the kind's name.
    """
    found = []
    for one in _published():
        value, error = _life_expectancy(sums) if one["id"] == "life-expectancy" else _value(one, sums)
        if value is not None:
            tolerance = float(one["tolerance"]) + _ERRORS * error
            found.append(
                Figure(
                    one["id"],
                    value,
                    float(one["value"]),
                    tolerance,
                    one["unit"],
                    one["source"],
                    one["certainty"],
                )
            )
    years, _ = sums.get("person-years", (0.0, 0.0))
    for name, (expected, count) in counts.items():
        if years:
            tolerance = float(expected.tolerance) + _ERRORS * math.sqrt(max(count, 1)) / years
            found.append(
                Figure(
                    name, count / years, float(expected.value), tolerance, "a year each", expected.source,
                    expected.certainty,
                )
            )  # fmt: skip
    return tuple(found)


def _value(one: Mapping[str, Any], sums: Sums) -> tuple[float | None, float]:
    """Return the figure and its standard error; None where nothing was counted."""
    numerator, denominator = sums.get(one["id"], (0.0, 0.0))
    if not denominator:
        return None, 0.0
    value = numerator / denominator
    if one["unit"] == "%":
        return value * 100, 100 * math.sqrt(max(value * (1 - value), 0) / denominator)
    return value, math.sqrt(max(numerator, 1)) / denominator


def _life_expectancy(sums: Sums) -> tuple[float | None, float]:
    """Return the life expectancy at birth of both sexes, from deaths and person-years by five years of age (Chiang)."""
    ages = sorted({int(name.rpartition("-")[2]) for name in sums if name.startswith("deaths-")})
    living, years, variance = 1.0, 0.0, 0.0
    if not ages or ages != list(range(0, 100, 5)):
        return None, 0.0
    for age in ages:
        both = [sums.get(f"deaths-{sex}-{age:02d}", (0.0, 0.0)) for sex in ("male", "female")]
        deaths, lived = sum(one[0] for one in both), sum(one[1] for one in both)
        rate = deaths / lived if lived else 0.0
        if age == ages[-1]:
            years += living / rate if rate else 0.0
            break
        dying = min(1.0, 5 * rate / (1 + 2.5 * rate))
        years += 5 * living * (1 - dying / 2)
        variance += (living * (80 - age)) ** 2 * dying * (1 - dying) * 5 / max(lived, 1) if age < 80 else 0.0
        living *= 1 - dying
    return years, math.sqrt(variance)
