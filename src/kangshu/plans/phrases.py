"""The words by which a target is known: its own phrase, its part of the sentence, its sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kangshu.plans.model import TargetView

_PART: Final = re.compile(r"[，,。；;！!\n\t]")
_SENTENCE: Final = re.compile(r"[。；;！!\n]")
_NEXT: Final = re.compile(r"[，,。；;！!、\n\t]|\d")
_JOINED: Final = re.compile(r"(?P<subjects>[^，,。；;\n]{3,60}?)(?:分别|均|各)")
_AND: Final = re.compile(r"[、和及与]")
SAYS_NOTHING: Final = re.compile(
    r"[\s，。；其中]*(?:到|在|至)?(?:[0-9xX]{4}年)?(?:底|末|前)*"
    r"(?:分别|累计|力争|确保|年均|总量|总数|比例|比重)*"
    r"(?:达到|提高到|不低于|不少于|突破|超过|形成|建立|建设|建成|培育|推广|拥有|完成|发展|打造|推进|培养|选择|全市|全区|全州|全县)*.{0,1}"
)
"""An indicator that names nothing by itself: what it is of stands elsewhere in the sentence."""
_REACH: Final = 160
_EVENTS: Final = frozenset({"次", "场", "期", "批"})
"""What is held 2次 is named in full behind the figure: 2次甲、乙和丙培训."""
_OPEN: Final = re.compile(r"[和及与、的]$")
"""An indicator that breaks off: what is counted follows the figure."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """The words of one target: `near` from its own to its part of the sentence, and the sentence around."""

    near: tuple[str, ...]
    sentence: str
    telling: bool
    """Whether its own words name something; if not, what it is of is looked for in the sentence."""

    @property
    def every(self) -> tuple[str, ...]:
        """Return all phrases, the nearest first."""
        return (*self.near, self.sentence)


def phrases_of(target: TargetView, text: str, fellows: Iterable[TargetView] = ()) -> Phrases:
    """Return the words that a target may be known by.

    Its own words with what follows the figure (5个康养小镇); its part of the sentence; the whole sentence. Of
    A和B分别达到x和y each figure gets its own subject, told by its place among `fellows`, the plan's targets.
    """
    start, end = target.anchor.start, target.anchor.end
    if not 0 <= start < end <= len(text):
        return Phrases((target.indicator,), target.indicator, True)
    before, after = text[max(0, start - _REACH) : start], text[end : end + 60]
    part = _PART.split(before)[-1]
    behind = _PART if target.unit in _EVENTS else _NEXT
    own = text[start:end] + behind.split(after)[0]
    whole = part + text[start:end] + _PART.split(after)[0]
    sentence = _SENTENCE.split(before)[-1] + text[start:end] + _SENTENCE.split(after)[0]
    subject = _respective(target, text, fellows)
    if subject:
        return Phrases((subject,), sentence, True)
    if SAYS_NOTHING.fullmatch(target.indicator.strip()) or _OPEN.search(target.indicator):
        return Phrases((own, whole), sentence, False)
    return Phrases((target.indicator, own, whole), sentence, True)


def _respective(target: TargetView, text: str, fellows: Iterable[TargetView]) -> str:
    """Return the subject that is this figure's of A和B分别达到x和y, "" where nothing is shared."""
    line = text.rfind("\n", 0, target.anchor.start) + 1
    clause = text[max(line, target.anchor.start - 60) : target.anchor.end]
    found = next((one for one in _JOINED.finditer(clause)), None)
    if found is None or "分别" not in clause:
        return ""
    subjects = [one for one in _AND.split(found.group("subjects").removeprefix("其中")) if one]
    same = sorted(
        (one for one in fellows if one.indicator == target.indicator and one.due == target.due),
        key=lambda one: one.anchor.start,
    )
    same = [one for one in same if abs(one.anchor.start - target.anchor.start) < 40]
    ids = [one.id for one in same]
    if len(subjects) != len(ids) or target.id not in ids or len(ids) < 2:
        return ""
    return subjects[ids.index(target.id)]
