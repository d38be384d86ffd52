"""Named things: projects, enterprises, parks, places, institutions and events that the text calls by name.

A name is found by how it ends (…产业园) or by its list (…、…、…等项目), and kept when it says which one it is: 泰达大健康
产业园 does, 大健康产业园 does not. The figures that stand behind a name in its sentence are its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Final

from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import compiled, tables, words
from kangshu.plans.reading.model import Anchor, NamedFigure, NamedThing, ThingKind

_KINDS: Final[tuple[ThingKind, ...]] = ("enterprise", "project", "park", "place", "institution", "event")
_LISTS: Final[tuple[tuple[str, ThingKind], ...]] = (
    ("project_list", "project"),
    ("enterprise_list", "enterprise"),
    ("place_list", "place"),
)
_LONGEST: Final = 36
_DISTINCT: Final = 2
"""Characters that must remain of a name without its common words."""


def read_named_things(folded: Folded) -> list[NamedThing]:
    """Return the named things of a text, each once, with every place where it stands, in reading order."""
    text = folded.text
    found = _without_inner([*_listed(text), *_ended(text, _stems(text))])
    things: dict[tuple[ThingKind, str], list[tuple[int, int]]] = {}
    for start, end, kind in found:
        things.setdefault((kind, text[start:end]), []).append((start, end))
    starts = sorted(start for start, _, _ in found)
    made = []
    for (kind, _), places in things.items():
        anchors = tuple(Anchor(*folded.span(start, end), "") for start, end in places)
        figures = tuple(dict.fromkeys(one for place in places for one in _figures(text, place[1], starts)))
        made.append(
            NamedThing(
                kind, _plain(folded.written[places[0][0] : places[0][1]]), anchors[0], anchors, figures
            )
        )
    return sorted(made, key=lambda one: one.anchor.start)


Found = tuple[int, int, ThingKind]


@cache
def _endings() -> re.Pattern[str]:
    """Return one pattern of all endings, each of which begins with a character: so a text is searched at once."""
    return re.compile("|".join(tables()["named_things"][f"{kind}_end"] for kind in _KINDS))


def _kind_at(text: str, start: int) -> ThingKind:
    """Return the kind of the ending that was found at `start`: the first that matches there, as in `_endings`."""
    return next(kind for kind in _KINDS if compiled("named_things", f"{kind}_end").match(text, start))


_STOP: Final = re.compile(r"[。;:,、\n()《》!?|]|等(?![级候温])|(?<=[山园区寺塘田湾])-")
"""Where a name ends at the latest; a route (…山-…园-…景区) is cut at its dashes."""
_SENTENCE_START: Final = re.compile(r"[。;:,\n(《!?|]")
_QUOTES: Final = str.maketrans("", "", " \t")


def _ended(text: str, stems: re.Pattern[str]) -> Iterator[Found]:
    """Yield what ends as a name ends."""
    stops = [0, *(match.end() for match in _STOP.finditer(text))]
    border = compiled("named_things", "border")
    joined = 0  # behind a 和 that joins two names
    for start, end, kind in _longest(text):
        left = max(joined, stops[bisect_right(stops, start) - 1])
        for match in border.finditer(text, left, start):
            left = match.end()
        left = _stripped(text, left, end)
        if text[end : end + 1] in "和与":
            joined = end + 1
        if _is_name(text[left:end], kind, stems):
            yield left, end, kind


def _longest(text: str) -> Iterator[Found]:
    """Yield the endings of a text; of two that touch or overlap only the one that ends last."""
    search = _endings().search
    last: re.Match[str] | None = None
    match = search(text)
    while match is not None:
        if last is not None and match.start() > last.end():
            yield last.start(), last.end(), _kind_at(text, last.start())
        last = match
        match = search(text, match.start() + 1)
    if last is not None:
        yield last.start(), last.end(), _kind_at(text, last.start())


def _stripped(text: str, start: int, end: int) -> int:
    """Return where a name begins, without the verbs in front of it."""
    lead = compiled("named_things", "list_lead")
    while start < end:
        match = lead.match(text, start, end) or _MARKS.match(text, start, end)
        if match is None:
            break
        start = match.end()
    return start


_MARKS: Final = re.compile(r"[ \t和与及的·”-]+|\d{1,2}[.、](?!\d)|[一二三四五六七八九十]+[是、]")


def _is_name(name: str, kind: ThingKind, stems: re.Pattern[str]) -> bool:
    """Return whether a text of this kind says which one it is."""
    if not 3 <= len(name) <= _LONGEST or compiled("named_things", "division").match(name) or _torn(name):
        return False
    if kind == "institution" and _OWN.match(name):
        return True
    ending = words("named_things", f"{kind}_end")
    rest = re.sub(f"{ending}$", "", name)
    if len(_distinct(rest)) < _DISTINCT:
        return False
    if not re.search(f"{words('named_things', 'weak_end')}$", name):
        return True
    plain = _common().sub("", rest)
    return bool(compiled("named_things", "cue").search(plain) or stems.search(plain) or _QUOTED.search(name))


_OWN: Final = re.compile(
    "[市州区县省](?:第?[一二三四五六七八九十]+)?(?:人民|中|中西医结合|妇幼|中心|骨科|老年|福利).{1,8}$"
)
"""市人民医院: the city's own, and only one."""
_QUOTED: Final = re.compile("“[^”]{2,}”")


def _torn(name: str) -> bool:
    return name.count("“") != name.count("”") or name.count("(") != name.count(")")


@cache
def _common() -> re.Pattern[str]:
    listed = words("named_things", "common").removeprefix("(?:").removesuffix(")").split("|")
    return re.compile("|".join(sorted(listed, key=len, reverse=True)))


def _distinct(name: str) -> str:
    """Return the characters of a name that say which one it is."""
    rest = re.sub(r"[^\w]|\d", " ", _common().sub(" ", name))
    signs = compiled("named_things", "common_sign")
    return "".join(piece for piece in rest.split() if signs.sub("", piece))


_STEM: Final = re.compile(r"[\u4e00-\u9fff]{2}(?=[市县州区])")
_NO_STEM: Final = re.compile("[城各全我两省本都个的市县区州园社地景片院辖校级]")


def _stems(text: str) -> re.Pattern[str]:
    """Return a pattern of the places that the text names again and again: 云汐 of 云汐市."""
    counted = Counter(match.group() for match in _STEM.finditer(text))
    found = sorted(
        one for one, times in counted.items() if times > 1 and not _NO_STEM.search(one) and _distinct(one)
    )
    return re.compile("|".join(found) or r"(?!)")


def _listed(text: str) -> Iterator[Found]:
    """Yield what a list names: the items in front of 等…项目."""
    for key, kind in _LISTS:
        for match in compiled("named_things", key).finditer(text):
            first = max(match.start() - 400, 0)
            starts = [one.end() for one in _SENTENCE_START.finditer(text, first, match.start())]
            left = starts[-1] if starts else first
            borders = compiled("named_things", "border")
            item = left
            for number, piece in enumerate(text[left : match.start()].split("、")):
                start, end = item, item + len(piece)
                item = end + 1
                if number == 0:
                    start = max([start, *(one.end() for one in borders.finditer(text, start, end))])
                start = _stripped(text, start, end)
                if _is_item(text[start:end]):
                    yield start, end, kind


def _is_item(name: str) -> bool:
    return (
        3 <= len(name) <= _LONGEST
        and not name[0].isdigit()
        and not _torn(name)
        and not compiled("named_things", "division").match(name)
        and len(_distinct(name)) >= _DISTINCT
    )


def _without_inner(found: list[Found]) -> list[Found]:
    """Return the findings in reading order; of those with one place the first kind, of one kind within another the outer."""
    kept: dict[tuple[int, int], Found] = {}
    for one in found:
        kept.setdefault((one[0], one[1]), one)
    ordered = sorted(kept.values(), key=lambda one: (one[0], -one[1]))
    outer: list[Found] = []
    for one in ordered:
        if not any(other[2] == one[2] and other[0] <= one[0] and one[1] <= other[1] for other in outer[-4:]):
            outer.append(one)
    return outer


def _plain(written: str) -> str:
    return written.translate(_QUOTES)


def _figures(text: str, position: int, starts: list[int]) -> Iterator[NamedFigure]:
    """Yield the figures that stand behind a name, up to the next name or the end of its sentence."""
    end = min(
        [
            position + 120,
            *(stop for mark in "。;\n" if (stop := text.find(mark, position, position + 120)) >= 0),
        ]
    )
    place = bisect_right(starts, position)
    if place < len(starts):
        end = min(end, starts[place])
    for match in compiled("named_things", "figure").finditer(text, position, end):
        for kind in ("investment", "beds", "beds_before", "area"):
            if match[kind]:
                yield NamedFigure(kind.removesuffix("_before"), match[kind], match[f"{kind}_unit"])  # type: ignore[arg-type]
