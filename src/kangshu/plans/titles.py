"""What a document is called: its title among the first lines, cleaned of notices and of what web pages leave there. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_QUOTED: Final = re.compile(r"《([^》]{4,80}(?:计划|规划|方案|意见|纲要|措施|办法|要点)[^》]{0,20})》")
_HEADING: Final = re.compile(
    r"[一二三四五六七八九十]+、|[(（][一二三四五六七八九十]+[)）]|第[一二三四五六七八九十]+[章条]"
)
_CONTACT: Final = re.compile(r"\d{3}[*＊×xX]{2,}|1[3-9]\d{9}|https?:|www\.|来源[:：]|QQ|微信号")
"""Of a telephone number, an address on the web: a title that holds one was written over by somebody's advertisement."""
_ASKED: Final = re.compile(
    r"您(?:们)?提出的(?P<about>(?:《[^》]{4,80}》|[^，。；\n]{4,60}|[^。；\n]{4,80}?))的?(?P<kind>提案|建议|议案)"
)
_REPLY: Final = re.compile(
    r"复\s{0,2}函|(?:提案|建议|议案)的?(?:答复|复函)|您(?:们)?提出的.{4,120}?(?:提案|建议|议案).{0,120}?答复如下|"
    r"(?:提案|建议|议案).{0,40}?收悉.{0,120}?答复如下",
    re.DOTALL,
)
_NOTICE: Final = re.compile(r"关于(?:印发|转发|发布)|的通知$")
_ENDS: Final = re.compile(
    r"(?:计\s?划|规\s?划|方\s?案|意\s?见|办\s?法|纲\s?要|措\s?施|通\s?知|答\s?复|复\s?函|清\s?单|规\s?定|要\s?点|分\s?解)[》”]?(?:的通知)?"
    r"(?:\s*[(（〔][^()（）〔〕]{1,40}[)）〕])*\d{0,2}$"
)
"""How a title ends: by its genre, then perhaps the years in brackets and a number."""
_SENTENCE: Final = re.compile(r"[，。；：:|]")
_HEAD: Final = 2000
_LONGEST: Final = 100
_SPACED: Final = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")


def is_reply(text: str) -> bool:
    """Return whether the document answers a proposal (提案、建议的复函) rather than plans."""
    return bool(_REPLY.search(text[:_HEAD]))


def title_of(text: str, name: str) -> str:
    """Return the document's title: what it is called at its beginning, else the name of the file."""
    lines = _lines(text[:_HEAD])
    found = list(_candidates(lines))
    for title in found:
        quoted = _QUOTED.search(title)
        if quoted:
            return quoted.group(1)
        if not _NOTICE.search(title):
            return title
    if found:
        return re.sub(r"^关于(?:印发|转发|发布)|的通知$", "", found[0]).strip("《》 ")
    asked = _ASKED.search(text[:_HEAD])
    if asked and is_reply(text):
        about = asked["about"].strip("《》").removesuffix("的")
        return f"对{'' if about.startswith('关于') else '关于'}{about}的{asked['kind']}的答复"
    heading = next(
        (one for one in lines if 8 <= len(one) <= 60 and not re.search(r"[，。；：:|\s]", one)), ""
    )
    return heading or name.rsplit("/", 1)[-1].rsplit(".", 1)[0] or "未命名文件"


def is_title(line: str) -> bool:
    """Return whether a line reads as a document's title by itself: it ends by a genre and is no sentence."""
    plain = line.strip()
    return (
        4 <= len(plain) <= _LONGEST
        and bool(_ENDS.search(plain))
        and not _SENTENCE.search(plain)
        and not _CONTACT.search(plain)
        and not _HEADING.match(plain)
        and _closed(plain)
    )


def _lines(head: str) -> list[str]:
    """Return the lines in front of the first heading that nobody's advertisement has written over."""
    found: list[str] = []
    for line in (one.strip() for one in head.splitlines()):
        if _HEADING.match(line):
            break
        if line and not _CONTACT.search(line):
            found.append(line)
    return found


def _candidates(lines: list[str]) -> Iterator[str]:
    """Yield the titles among `lines`; one that runs over two lines is put together."""
    before = ""
    for line in lines:
        torn = before and (
            len(line) < 6 or not _closed(line) or (before.startswith("关于") and not _ENDS.search(before))
        )
        title = before + line if torn else line
        if is_title(title):
            yield _SPACED.sub("", title).strip("《》 ")
        before = line


def _closed(title: str) -> bool:
    """Return whether every bracket of `title` has its half: a title cut off by a page's width has not."""
    plain = title.translate(str.maketrans("（）〔〕", "()()"))
    return plain.count("(") == plain.count(")") and title.count("《") == title.count("》")
