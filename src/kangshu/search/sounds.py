"""What names sound like: how the search parameter `phonetic` finds 张伟 by 张伟, 伟, zhangwei and zw.

A name gives entries that all begin where somebody may begin to type: its characters from each one on, the full pinyin
and the initials; of a name of many characters (an institution's) also from each character on. They are found by their
beginning alone, so that a search walks a narrow range of the index however many names there are. A character that
people read in several ways gives an entry for each.
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

_SEVERAL: Final = {
    sign: tuple(readings)
    for sign, *readings in (
        line.split()
        for line in (
            "曾 zeng ceng", "单 dan shan chan", "解 jie xie", "查 cha zha", "仇 qiu chou", "盖 gai ge", "区 qu ou",
            "覃 qin tan", "朴 pu piao", "乐 le yue", "缪 miao mou", "种 zhong chong", "召 zhao shao", "洗 xi xian",
            "么 yao me", "会 hui gui kuai", "隗 wei kui", "郗 xi chi", "秘 mi bi", "祭 ji zhai", "牟 mou mu",
            "谌 chen shen", "句 ju gou", "莘 shen xin", "颉 xie jie", "郇 xun huan", "繁 fan po", "员 yuan yun",
            "黑 hei he", "翟 zhai di", "尉 wei yu", "柏 bai bo", "贾 jia gu", "沈 shen chen", "车 che ju", "折 zhe she",
            "那 na", "石 shi", "任 ren", "万 wan", "俟 si qi", "燕 yan", "钭 tou", "阚 kan", "宓 mi fu", "褚 chu",
            "重 chong zhong", "长 chang zhang", "行 xing hang", "朝 chao zhao", "都 du dou", "藏 cang zang",
            "茜 qian xi", "娜 na nuo", "传 chuan zhuan", "参 can shen", "校 xiao jiao", "率 lv shuai", "阿 a e",
            "泊 bo po", "莞 guan wan", "蔚 wei yu", "薄 bo bao", "盛 sheng cheng", "还 huan hai", "省 sheng xing",
            "调 diao tiao", "降 jiang xiang", "大 da dai", "血 xue xie", "便 bian pian", "厦 xia sha", "六 liu lu",
            "奇 qi ji", "屏 ping bing", "禅 chan shan", "蚌 bang beng", "浒 hu xu", "涡 wo guo", "圩 wei xu",
        )
    )
}  # fmt: skip
"""The characters of names that people read in several ways, the commonest first. The others have one reading here: the
rare ones of a dictionary (丁 zheng, 立 wei) would find people whom nobody meant."""
_SURNAMES: Final = {
    "万俟": ("mo", "qi"), "尉迟": ("yu", "chi"), "单于": ("chan", "yu"), "长孙": ("zhang", "sun"),
    "澹台": ("tan", "tai"), "宰父": ("zai", "fu"), "令狐": ("ling", "hu"), "呼延": ("hu", "yan"),
}  # fmt: skip
"""Surnames of two characters that are read otherwise than these alone."""


def sought(text: str) -> str:
    """Return `text` as entries of names are compared: without blanks, dots and case; `text` folded if nothing is left."""
    return "".join(_TOKEN.findall(fold(text))) or fold(text)


@lru_cache(maxsize=8192)
def person_sounds(name: str) -> tuple[str, ...]:
    """Return the entries of a person's name: characters from each one on, pinyin and initials of the whole."""
    tokens = _tokens(name)
    return tuple(dict.fromkeys((*_tails(tokens), *_spoken(tokens, _surname_first(tokens)))))


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
    surname = _SURNAMES.get("".join(tokens[:2]), ())
    for at, syllable in enumerate(surname):
        readings[at] = tuple(dict.fromkeys((syllable, *readings[at])))
    return readings


@lru_cache(maxsize=16384)
def _readings(token: str) -> tuple[str, ...]:
    """Return how a character is read, its commonest reading first, without tones; other letters as they are."""
    if len(token) > 1 or token.isascii():
        return (token,)
    found = _SEVERAL.get(token) or pinyin(token, style=Style.NORMAL, errors="default")[0]
    # ü is typed as v, and by some as u
    return tuple(dict.fromkeys(way for one in found for way in (one, one.replace("v", "u"))))
