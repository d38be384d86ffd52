"""What names sound like: how the search parameter `phonetic` finds 张伟 by 张伟, 伟, zhangwei and zw.

A name gives entries that all begin where somebody may begin to type: its characters from each one on, the full pinyin
and the initials; of a name of many characters (an institution's) also from each character on. They are found by their
beginning alone, so that a search walks a narrow range of the index however many names there are. A character with
several readings gives an entry for each; of a person's first characters the reading as a surname comes first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Final

# phrases cost each process 45 MB; a name is found by every reading of its characters without them
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")

from pypinyin import Style, pinyin

from kangshu.search.folding import fold

PHONETIC: Final = "phonetic"
"""R4's search parameter of names as they sound; ours on the types where R4 has none."""

_TOKEN: Final = re.compile(r"[㐀-鿿豈-﫿𠀀-𲎯]|[^\W_㐀-鿿豈-﫿𠀀-𲎯]+")
"""One Chinese character, or a run of other letters and digits."""
_LONGEST: Final = 40
"""Characters of a name that are read aloud; what follows is found by the characters before it."""
_VARYING: Final = 2
"""Of how many characters with several readings each reading is tried; of the later ones the first reading."""
_READINGS: Final = 2

_SURNAMES: Final = {
    "万俟": ("mo", "qi"), "尉迟": ("yu", "chi"), "单于": ("chan", "yu"), "长孙": ("zhang", "sun"),
    "澹台": ("tan", "tai"), "宰父": ("zai", "fu"), "令狐": ("ling", "hu"), "呼延": ("hu", "yan"),
    "单": ("shan",), "曾": ("zeng",), "解": ("xie",), "查": ("zha",), "仇": ("qiu",), "盖": ("ge",), "区": ("ou",),
    "覃": ("qin",), "朴": ("piao",), "乐": ("yue",), "缪": ("miao",), "种": ("chong",), "召": ("shao",),
    "洗": ("xian",), "么": ("yao",), "会": ("gui",), "钭": ("tou",), "阚": ("kan",), "隗": ("wei",), "郗": ("xi",),
    "秘": ("bi",), "祭": ("zhai",), "牟": ("mou",), "宓": ("mi",), "谌": ("chen",), "褚": ("chu",), "句": ("gou",),
    "莘": ("shen",), "眭": ("sui",), "颉": ("xie",), "郇": ("xun",), "繁": ("po",), "员": ("yun",), "黑": ("he",),
    "翟": ("zhai",), "尉": ("wei",), "柏": ("bai",), "贾": ("jia",), "叶": ("ye",), "任": ("ren",), "冼": ("xian",),
    "瞿": ("qu",), "訾": ("zi",), "逯": ("lu",), "佴": ("nai",), "於": ("yu",), "那": ("na",), "折": ("she",),
    "车": ("che",), "石": ("shi",), "陆": ("lu",), "沈": ("shen",), "葛": ("ge",), "燕": ("yan",), "华": ("hua",),
}  # fmt: skip
"""How a surname is read that is also, or rather, read otherwise."""


def sought(text: str) -> str:
    """Return `text` as entries of names are compared: without blanks, dots and case; `text` folded if nothing is left."""
    return "".join(_TOKEN.findall(fold(text))) or fold(text)


def person_sounds(name: str) -> Iterator[str]:
    """Yield the entries of a person's name: characters from each one on, pinyin and initials of the whole."""
    tokens = _tokens(name)
    yield from _tails(tokens)
    yield from _spoken(tokens, _surname_first(tokens))


def name_sounds(name: str) -> Iterator[str]:
    """Yield the entries of the name of an institution or thing: characters, pinyin and initials from each one on."""
    tokens = _tokens(name)
    yield from _tails(tokens)
    readings = [_readings(token) for token in tokens]
    for start in range(len(tokens)):
        yield from _spoken(tokens[start:], readings[start:])


def _tokens(name: str) -> list[str]:
    return _TOKEN.findall(fold(name))[:_LONGEST]


def _tails(tokens: Sequence[str]) -> Iterator[str]:
    return ("".join(tokens[start:]) for start in range(len(tokens)))


def _spoken(tokens: Sequence[str], readings: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield pinyin and initials of each way to read these characters; runs of letters and digits stay whole."""
    if not tokens:
        return
    varying = [at for at, one in enumerate(readings) if len(one) > 1][:_VARYING]
    tried = [one if at in varying else one[:1] for at, one in enumerate(readings)]
    for syllables in product(*tried):
        yield "".join(syllables)
        yield "".join(one if one == token else one[0] for token, one in zip(tokens, syllables, strict=True))


def _surname_first(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the readings of a person's name, its surname's first."""
    readings = [_readings(token) for token in tokens]
    surname = _SURNAMES.get("".join(tokens[:2])) or _SURNAMES.get("".join(tokens[:1])) or ()
    for at, syllable in enumerate(surname):
        readings[at] = tuple(dict.fromkeys((syllable, *readings[at])))
    return readings


@lru_cache(maxsize=16384)
def _readings(token: str) -> tuple[str, ...]:
    """Return how a character is read, its commonest reading first, without tones; other letters as they are."""
    if len(token) > 1 or token.isascii():
        return (token,)
    found = pinyin(token, heteronym=True, style=Style.NORMAL, errors="default")[0][:_READINGS]
    # ü is typed as v, and by some as u
    return tuple(dict.fromkeys(way for one in found for way in (one, one.replace("v", "u"))))
