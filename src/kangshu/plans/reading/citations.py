"""Documents that the text cites: 《…》 with number (国办发〔2016〕77号) and date, each once with every place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.model import Anchor, Citation

_TITLE: Final = re.compile(r"《(?P<title>[^《》\n]{2,120}(?:《[^《》\n]{2,80}》[^《》\n]{0,40})?)》")
_NUMBER: Final = re.compile(
    r"(?P<number>[\u4e00-\u9fff]{1,14}\s?\[(?:\d{4}|\d\dxx|xxxx)\]\s?(?:第)?\d{1,5}号)"
)
_LEAD: Final = re.compile(
    r"[\u4e00-\u9fff]*(?:按照|按|依据|根据|以及|执行|落实|贯彻|参照|见|和|与|及|的|以|由)"
)
"""What a bare number begins with and is no part of it: 按云政办发〔2019〕8号."""
_NUMBER_BEHIND: Final = re.compile(r"\s*[(,]?\s*" + _NUMBER.pattern)
_DAY: Final = r"20\d\d年(?:\d{1,2}月)?(?:\d{1,2}日)?"
_DATE_BEHIND: Final = re.compile(rf"\s*\((?P<date>{_DAY})[^()]{{0,12}}\)")
_DATE_BEFORE: Final = re.compile(
    rf"(?P<date>{_DAY})[^。;《》\n]{{0,40}}(?:印发|出台|发布|公布|通过|制定|编制|实施|下发|签署)[了的]?[^。;《》\n]{{0,8}}$"
)
_NOTICE: Final = re.compile(
    r"^(?:[^《<]{0,30})?关于(?:印发|转发|发布)[《<〈](?P<inner>[^《》<>〈〉]{4,100})[》>〉](?:等.{0,10})?的?通知$"
)
_ORDINARY: Final = frozenset(
    {
        "规划",
        "纲要",
        "方案",
        "意见",
        "办法",
        "通知",
        "计划",
        "目录",
        "标准",
        "条例",
        "行动计划",
        "实施意见",
        "实施方案",
    }
)
"""Short forms that the text has given a document itself (以下简称《规划》)."""
_MARKS: Final = re.compile(r"[“”\"'\s]")


@dataclass(slots=True)
class _Cited:
    title: str
    number: str
    date: str
    places: list[Anchor]


def read_citations(folded: Folded) -> list[Citation]:
    """Return the documents that a text cites, in the order in which they are first cited."""
    text = folded.text
    found: dict[str, _Cited] = {}
    taken: list[tuple[int, int]] = []
    for match in _TITLE.finditer(text):
        start, end = match.span("title")
        written = folded.written[start:end]
        title = _inner(match["title"], written)
        if _key(title) in _ORDINARY:
            continue
        behind = _NUMBER_BEHIND.match(text, match.end())
        after = behind.end() if behind else match.end()
        date = _DATE_BEHIND.match(text, after + (text[after : after + 1] == ")"))
        before = _DATE_BEFORE.search(text, max(0, match.start() - 70), match.start())
        number = folded.written[slice(*behind.span("number"))] if behind else ""
        if behind:
            taken.append(behind.span("number"))
        day = (date or before)["date"] if (date or before) else ""  # type: ignore[index]
        _add(found, title, number, day, Anchor(*folded.span(match.start(), match.end()), ""))
    for match in _NUMBER.finditer(text):
        if not any(start <= match.start() < end for start, end in taken):
            lead = _LEAD.match(match.group())
            start = match.start() + (lead.end() if lead else 0)
            place = Anchor(*folded.span(start, match.end()), "")
            _add(found, "", folded.written[start : match.end()], "", place)
    cited = (
        Citation(one.title, one.number, one.date, one.places[0], tuple(one.places)) for one in found.values()
    )
    return sorted(cited, key=lambda one: one.anchor.start)


def _inner(folded_title: str, written: str) -> str:
    """Return the title of what a notice issues: 关于印发《…》的通知 is about the document within."""
    notice = _NOTICE.match(folded_title)
    return written[slice(*notice.span("inner"))] if notice else written


def _key(title: str) -> str:
    return _MARKS.sub("", title).replace("（", "(").replace("）", ")")


def _add(found: dict[str, _Cited], title: str, number: str, date: str, place: Anchor) -> None:
    """Note one citation: the same title, or the same number, is the same document."""
    same = found.get(_key(title) or number) or next(
        (one for one in found.values() if number and one.number == number), None
    )
    if same is None:
        found[_key(title) or number] = _Cited(title, number, date, [place])
        return
    same.places.append(place)
    same.title, same.number, same.date = same.title or title, same.number or number, same.date or date
