"""The systems that a plan's targets lean on, and the one by whose words a target is recognised. Pure.

The catalogue is data of our own wording (`systems.yaml`). Whether a system's registers exist is told by the services
that are installed, never by this catalogue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from kangshu.base.text import Text


@dataclass(frozen=True, slots=True)
class PlanSystem:
    """One system: its id in the mission's list, its title, what its registers hold, the words that lead to it."""

    id: str
    title: Text
    registers: tuple[str, ...]
    words: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class WordRule:
    """Words that say where a value comes from, and why."""

    reason: Text
    words: tuple[re.Pattern[str], ...]
    around: bool = False
    """Whether the words stand in the sentence around and hold for every figure in it."""

    def found_in(self, phrase: str) -> str:
        """Return the words of the phrase that match, the longest; "" for none."""
        return max((one.group() for word in self.words if (one := word.search(phrase))), key=len, default="")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Systems by id, and the words that lead to statistics or to a report of the unit."""

    systems: dict[str, PlanSystem]
    statistics: tuple[WordRule, ...]
    reported: tuple[WordRule, ...]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A system that a target's words lead to, and those words."""

    system: PlanSystem
    matched: str


def _words(written: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(one) for one in written.split())


@cache
def catalogue() -> Catalogue:
    """Return the catalogue as shipped."""
    data: dict[str, list[dict[str, Any]]] = yaml.safe_load(
        files(__package__).joinpath("systems.yaml").read_text("utf-8")
    )
    systems = {
        one["id"]: PlanSystem(
            one["id"], Text(one["zh"], one["en"]), tuple(one["registers"]), _words(one["words"])
        )
        for one in data["systems"]
    }

    def rules(name: str) -> tuple[WordRule, ...]:
        return tuple(
            WordRule(Text(one["zh"], one["en"]), _words(one["words"]), bool(one.get("around")))
            for one in data[name]
        )

    return Catalogue(systems, rules("statistics"), rules("reported"))


@lru_cache(maxsize=4096)  # each view of a plan asks about each of its targets, and words seldom change
def recognise(phrases: tuple[str, ...]) -> tuple[Recognised, ...]:
    """Return the systems that the first telling phrase leads to, the likeliest first.

    In a Chinese noun phrase the head stands at the end (智慧养老服务企业 is an enterprise): the match that ends last
    comes first, of those the longer.
    """
    for phrase in phrases:
        found: list[tuple[int, int, str, str]] = []
        for system in catalogue().systems.values():
            matches = [one for word in system.words for one in word.finditer(phrase) if one.group()]
            if matches:
                best = max(matches, key=lambda one: (one.end(), len(one.group())))
                found.append((best.end(), len(best.group()), system.id, best.group()))
        if found:
            ranked = sorted(found, key=lambda one: (-one[0], -one[1], one[2]))
            return tuple(Recognised(catalogue().systems[one[2]], one[3]) for one in ranked)
    return ()
