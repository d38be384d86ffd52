"""k-anonymity with l-diversity and t-closeness: how far columns must be generalised, and which rows are left out.

Terms of GB/T 37964-2019: 准标识符 quasi-identifier, 等价类 equivalence class, 抑制 suppression. Sources: Samarati and
Sweeney 1998 (k-anonymity), Machanavajjhala 2007 (l-diversity), Li 2007 (t-closeness; here the variational distance).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from kangshu.measures.generalisation import ALL, LEVELS

_MOST_WORK: Final = 4_000_000
"""Rows times lattice nodes up to which every node is tried; beyond, columns are coarsened one step at a time."""


@dataclass(frozen=True, slots=True)
class Quasi:
    """A quasi-identifier: its kind and the levels that are allowed, the closest first."""

    id: str
    kind: str
    levels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """What classes must meet: at least `k` people, `l` values of each sensitive column, at most distance `t` (0…1).

    `left_out` is the share (0…1) of rows that may be left out to get there.
    """

    k: int
    l: int  # noqa: E741 - the name of the model
    t: float
    left_out: float


@dataclass(frozen=True, slots=True)
class Person:
    """One row: its quasi-identifiers and its sensitive values, as text, in the order of the columns."""

    quasi: tuple[str, ...]
    sensitive: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The levels, which rows stay (in the order given), and their classes' sizes."""

    levels: tuple[str, ...]
    kept: tuple[bool, ...]
    classes: Mapping[tuple[str, ...], int]
    diversity: int
    """Least number of values of a sensitive column in a class; 0 without sensitive columns."""
    distance: float
    """Greatest distance of a class's sensitive values from all rows' (0…1)."""

    @property
    def k(self) -> int:
        """Return the size of the smallest class; 0 without rows."""
        return min(self.classes.values(), default=0)


@dataclass(frozen=True, slots=True)
class _Held:
    """The levels of an earlier extract in the columns of the new one, and whether it tells of a column that the new one has not."""

    levels: tuple[str, ...]
    tells_more: bool


class _Rows:
    """The rows, those alike counted once."""

    def __init__(self, people: Sequence[Person], columns: Sequence[Quasi]) -> None:
        self.columns = columns
        self.total = len(people)
        self.groups: dict[tuple[str, ...], Counter[tuple[str, ...]]] = {}
        for one in people:
            self.groups.setdefault(one.quasi, Counter())[one.sensitive] += 1
        width = len(people[0].sensitive) if people else 0
        self.whole = [Counter(one.sensitive[place] for one in people) for place in range(width)]
        self._steps: dict[tuple[int, str, str], str] = {}

    def at(self, raw: tuple[str, ...], node: Sequence[str]) -> tuple[str, ...]:
        """Return the class of a row at the levels `node`."""
        found = []
        for place, (text, level) in enumerate(zip(raw, node, strict=True)):
            key = (place, level, text)
            if key not in self._steps:
                self._steps[key] = LEVELS[self.columns[place].kind][level](text)
            found.append(self._steps[key])
        return tuple(found)

    def classes(self, node: Sequence[str]) -> dict[tuple[str, ...], Counter[tuple[str, ...]]]:
        found: dict[tuple[str, ...], Counter[tuple[str, ...]]] = {}
        for raw, counter in self.groups.items():
            found.setdefault(self.at(raw, node), Counter()).update(counter)
        return found

    def spread(self, counter: Counter[tuple[str, ...]]) -> tuple[int, float]:
        """Return the least diversity and the greatest distance of a class over the sensitive columns."""
        size, least, most = counter.total(), 0, 0.0
        for place, whole in enumerate(self.whole):
            own: Counter[str] = Counter()
            for values, count in counter.items():
                own[values[place]] += count
            least = len(own) if place == 0 else min(least, len(own))
            apart = sum(abs(own[value] / size - count / self.total) for value, count in whole.items()) / 2
            most = max(most, apart)
        return least, most

    def good(self, counter: Counter[tuple[str, ...]], demand: Demand) -> bool:
        if counter.total() < demand.k:
            return False
        if not self.whole:
            return True
        diversity, distance = self.spread(counter)
        return diversity >= demand.l and distance <= demand.t

    def lost(self, node: Sequence[str], demand: Demand) -> int:
        """Return how many rows stand in classes that do not meet the demand."""
        return sum(one.total() for one in self.classes(node).values() if not self.good(one, demand))


def anonymous(
    people: Sequence[Person],
    columns: Sequence[Quasi],
    demand: Demand,
    earlier: Iterable[Mapping[str, str]] = (),
) -> Chosen | None:
    """Return the least generalised form that meets the demand; None where there is none.

    `earlier` are the levels (by column) of what the same recipient holds of the same rows: the new levels are then
    all as close or closer, or all as far or farther, so that the two laid over each other give no smaller class than
    the closer one has. A column that one of the two has not counts as `*` there.
    """
    rows = _Rows(people, columns)
    ids = {one.id for one in columns}
    held = [
        _Held(
            tuple(one.get(column.id, ALL) for column in columns),
            any(level != ALL for id_, level in one.items() if id_ not in ids),
        )
        for one in earlier
    ]
    node = _best(rows, columns, demand, held)
    if node is None:
        return None
    good = {key: one for key, one in rows.classes(node).items() if rows.good(one, demand)}
    spreads = [rows.spread(one) for one in good.values()]
    return Chosen(
        node,
        tuple(rows.at(one.quasi, node) in good for one in people),
        {key: one.total() for key, one in good.items()},
        min((one for one, _ in spreads), default=0),
        max((one for _, one in spreads), default=0.0),
    )


def _best(
    rows: _Rows, columns: Sequence[Quasi], demand: Demand, held: Sequence[_Held]
) -> tuple[str, ...] | None:
    allowed = rows.total * demand.left_out
    nodes = prod(len(one.levels) for one in columns)
    if nodes * len(rows.groups) <= _MOST_WORK:
        every = sorted(
            product(*(one.levels for one in columns)), key=lambda node: (_loss(columns, node), node)
        )
        fitting = (node for node in every if _in_line(columns, node, held))
        return next((node for node in fitting if rows.lost(node, demand) <= allowed), None)
    node = tuple(one.levels[0] for one in columns)
    while not (rows.lost(node, demand) <= allowed and _in_line(columns, node, held)):
        further = [
            (*node[:place], one.levels[one.levels.index(node[place]) + 1], *node[place + 1 :])
            for place, one in enumerate(columns)
            if node[place] != one.levels[-1]
        ]
        if not further:
            return None
        node = min(further, key=lambda one: (rows.lost(one, demand), _loss(columns, one)))
    return node


def _loss(columns: Sequence[Quasi], node: Sequence[str]) -> float:
    """Return how much is lost: the share of steps taken on each column, added up; the last step (`*`) twice."""
    lost = 0.0
    for column, level in zip(columns, node, strict=True):
        steps = list(LEVELS[column.kind])
        lost += steps.index(level) / (len(steps) - 1) + (0.5 if level == ALL else 0.0)
    return lost


def _in_line(columns: Sequence[Quasi], node: Sequence[str], held: Sequence[_Held]) -> bool:
    for other in held:
        apart = [1] if other.tells_more else []
        for column, mine, theirs in zip(columns, node, other.levels, strict=True):
            steps = list(LEVELS[column.kind])
            apart.append(steps.index(mine) - steps.index(theirs))
        if any(one > 0 for one in apart) and any(one < 0 for one in apart):
            return False
    return True
