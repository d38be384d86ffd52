"""Policy instruments: whether a clause supports, encourages, allows, requires, prohibits, abolishes, or has work done.

A clause's instrument is what its first sentence, its heading, says. Where that says nothing of the kind it is soft
(鼓励, 支持 …) only if every sentence is: one that also has something built is work to be done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from kangshu.base.text import Text
from kangshu.plans.reading.fold import Folded, fold
from kangshu.plans.reading.lexicon import compiled, rules

Instrument = Literal[
    "support",
    "encourage",
    "allow",
    "explore",
    "subsidise",
    "exempt",
    "relax",
    "cancel",
    "prohibit",
    "oblige",
    "carry-out",
]
INSTRUMENTS: Final[tuple[Instrument, ...]] = (
    "prohibit", "cancel", "relax", "exempt", "subsidise", "oblige", "encourage", "support", "allow", "explore", "carry-out",
)  # fmt: skip
"""In the order in which a sentence is asked for them."""
SOFT: Final[frozenset[Instrument]] = frozenset({"support", "encourage", "allow", "explore"})
"""Instruments that ask nobody for a result: without a completion standard such a clause is 待明确."""
_SENTENCE: Final = re.compile(r"[^。;!?\n]+")
_LABEL: Final = re.compile(
    r"^\s*(?:[(（]?[一二三四五六七八九十\d]{1,3}[)）.、]|第[一二三四五六七八九十]+条)\s*"
)
_FIGURE: Final = re.compile(r"\d+(?:\.\d+)?\s*(?:%|[个家所张名人次项万亿吨亩])")
"""A result that can be counted makes work of what is only supported."""
_UNITS: Final = re.compile(r"[(\[](?:牵头|责任|配合|主办|落实)[^()\[\]]*[)\]]")


@dataclass(frozen=True, slots=True)
class InstrumentFinding:
    """One sentence of a clause and its instrument: offsets in the clause's text, and the word that says so."""

    instrument: Instrument
    word: str
    start: int
    end: int


@cache
def instrument_titles() -> dict[Instrument, Text]:
    """Return the instruments' names as the grammar has them."""
    named = {
        rule.path.removeprefix("instruments."): Text(rule.zh, rule.en)
        for file, rule in rules()
        if file == "instruments.yaml"
    }
    return {one: named[one.replace("-", "_")] for one in INSTRUMENTS}


def instruments_in(text: str) -> tuple[InstrumentFinding, ...]:
    """Return the instrument of each sentence of a clause that has one, in reading order."""
    folded = fold(text, unwrap=False)
    plain = _plain(folded)
    found = []
    for sentence in _SENTENCE.finditer(plain):
        hit = _asked(plain, *sentence.span())
        if hit is not None:
            found.append(InstrumentFinding(hit[0], hit[1], *folded.span(*sentence.span())))
    return tuple(found)


def instrument_of(text: str) -> Instrument:
    """Return the instrument of a clause as a whole."""
    plain = _plain(fold(text, unwrap=False))
    sentences = [
        (sentence.group(), hit[0] if (hit := _asked(plain, *sentence.span())) else "carry-out")
        for sentence in _SENTENCE.finditer(plain)
        if sentence.group().strip()
    ]
    if not sentences:
        return "carry-out"
    first, heading = sentences[0]
    if heading != "carry-out" and _rule(heading).match(_LABEL.sub("", first)):
        return heading
    soft = all(one in SOFT and not _FIGURE.search(sentence) for sentence, one in sentences)
    return heading if soft or len(sentences) == 1 else "carry-out"


def _plain(folded: Folded) -> str:
    """Return the folded text with the units in brackets blanked out."""
    return _UNITS.sub(lambda match: " " * len(match.group()), folded.text)


def _rule(instrument: Instrument) -> re.Pattern[str]:
    return compiled("instruments", instrument.replace("-", "_"))


def _asked(plain: str, start: int, end: int) -> tuple[Instrument, str] | None:
    for one in INSTRUMENTS:
        match = _rule(one).search(plain, start, end)
        if match is not None:
            return one, match.group().strip(" ,")
    return None
