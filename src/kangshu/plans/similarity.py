"""How alike two texts are, by the pairs of characters that they share: quick enough to compare every clause with every other.

A pair that stands in many clauses says little (发展, 建设), one that stands in few says much: pairs are weighed so. Pure.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import log, sqrt
from typing import Final

_DROPPED: Final = re.compile(r"[^\w%]|[（(](?:牵头|责任|配合)单位[^()（）]*[)）]")


def plain(text: str) -> str:
    """Return a text without marks, spaces and the units in brackets: what is compared."""
    return _DROPPED.sub("", text)


def pairs(text: str) -> Counter[str]:
    """Return the pairs of neighbouring characters of `plain` text with their number."""
    return Counter(text[place : place + 2] for place in range(len(text) - 1))


def dice(first: str, second: str) -> float:
    """Return how alike two short texts are: 0…1, the share of pairs that both have."""
    one, other = pairs(plain(first)), pairs(plain(second))
    whole = one.total() + other.total()
    return 2 * (one & other).total() / whole if whole else float(plain(first) == plain(second))


class Likeness:
    """Finds, for a text, those of a collection that are alike. `texts` are by id."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        counted = {key: pairs(plain(text)) for key, text in texts.items()}
        held = Counter(pair for found in counted.values() for pair in found)
        self._weights = {pair: log(1 + len(texts) / number) for pair, number in held.items()}
        self._rare = log(1 + len(texts))
        self._lengths = {key: self._length(found) for key, found in counted.items()}
        self._holding: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for key, found in counted.items():
            for pair, number in found.items():
                self._holding[pair].append((key, number))

    def like(self, text: str, *, least: float = 0.0) -> Iterator[tuple[str, float]]:
        """Yield (id, likeness 0…1) of the texts that share something with `text`, the most alike first."""
        asked = pairs(plain(text))
        length = self._length(asked)
        shared: dict[str, float] = defaultdict(float)
        for pair, number in asked.items():
            weight = self._weights.get(pair, 0.0) ** 2
            for key, other in self._holding.get(pair, ()):
                shared[key] += weight * number * other
        scored = ((key, value / (length * self._lengths[key])) for key, value in shared.items() if value)
        yield from sorted((one for one in scored if one[1] >= least), key=lambda one: (-one[1], one[0]))

    def _length(self, found: Mapping[str, int]) -> float:
        return (
            sqrt(sum((self._weights.get(pair, self._rare) * number) ** 2 for pair, number in found.items()))
            or 1.0
        )


def matched(scores: Iterable[tuple[float, str, str]]) -> dict[str, str]:
    """Return the best pairing of two sides: each id stands in one pair, the most alike are paired first."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, first, second in sorted(scores, key=lambda one: (-one[0], one[1], one[2])):
        if first not in found and second not in taken:
            found[first] = second
            taken.add(second)
    return found
