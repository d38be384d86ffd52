"""The city's own tables: places and organisations, ages, surnames, given names. Read once, checked by tests."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import Any, Generic, Literal, TypeVar

import yaml

Item = TypeVar("Item")
Sex = Literal["male", "female"]


class Weighted(Generic[Item]):
    """Items with weights, drawn in logarithmic time."""

    def __init__(self, items: Sequence[Item], weights: Sequence[float]) -> None:
        self._items = tuple(items)
        self._sums = list(accumulate(weights))

    def draw(self, rng: Random) -> Item:
        """Return one item."""
        place = bisect_right(self._sums, rng.random() * self._sums[-1])
        return self._items[min(place, len(self._items) - 1)]


@dataclass(frozen=True, slots=True)
class _Era:
    born_before: int
    whole: dict[str, list[str]]
    first: dict[str, str]
    second: dict[str, str]


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _rows(name: str) -> list[list[str]]:
    lines = [line for line in _text(name).splitlines() if line and not line.startswith("#")]
    return [line.split(",") for line in lines[1:]]


@cache
def layout() -> dict[str, Any]:
    """Return `city.yaml`."""
    read: dict[str, Any] = yaml.safe_load(_text("city.yaml"))
    return read


@cache
def ages() -> Weighted[tuple[int, Sex]]:
    """Return (first year of a five-year age group, sex) of the 2020 census, to be drawn from."""
    items: list[tuple[int, Sex]] = []
    weights: list[float] = []
    for age, male, female in _rows("pyramid.csv"):
        items += [(int(age), "male"), (int(age), "female")]
        weights += [float(male), float(female)]
    return Weighted(items, weights)


@cache
def surnames() -> Weighted[str]:
    """Return the surnames by their share of the population."""
    rows = _rows("surnames.csv")
    return Weighted([row[0] for row in rows], [float(row[1]) for row in rows])


@cache
def _eras() -> tuple[_Era, ...]:
    return tuple(
        _Era(
            era["born_before"],
            {sex: era[sex]["whole"] for sex in ("male", "female")},
            {sex: era[sex]["first"] for sex in ("male", "female")},
            {sex: era[sex]["second"] for sex in ("male", "female")},
        )
        for era in yaml.safe_load(_text("given_names.yaml"))
    )


def given_name(rng: Random, sex: Sex, born: int) -> str:
    """Return a given name that someone of this sex and year of birth may well bear."""
    era = next(one for one in _eras() if born < one.born_before)
    whole = era.whole[sex]
    if whole and rng.random() < 0.25:
        return rng.choice(whole)
    first, second = rng.choice(era.first[sex]), rng.choice(era.second[sex])
    return first + second if first != second else first + rng.choice(era.second[sex].replace(first, ""))
