"""Where a document contradicts itself: two figures or two days for one thing, a lead that is also a co-unit, parts that exceed
their whole, a list that is not as long as it says. Each finding names both places."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from kangshu.base.text import Text
from kangshu.plans.reading.fold import Folded, fold
from kangshu.plans.reading.model import Anchor, Doubt, TargetFinding, TaskFinding
from kangshu.plans.reading.units import like_organisation

_LEVEL: Final = re.compile(r"率|比例|比重|占比|面积|床位数|床位|规模|增加值|产值|寿命|总量|总数")
"""Indicators that have one value at a time; of other things (新建5家 … 新建3家) there may well be two numbers."""
_WHERE: Final = re.compile(
    r"^(?:到|全市|我市|全区|我区|全县|我县|全州|我州|全省|我省|力争|确保|实现|使|将|其中|的)+"
)
_LIST_MARKS: Final = re.compile(r"[、,;:()\s]|单位")
_LEVEL_SIGN: Final = re.compile(r"^[市区县州](?=.{2})")
_SHORTEST: Final = 5
_MOST: Final = 100
_HEAD: Final = 6000
_ENUMERATED: Final = 8
"""Characters between two figures below which they are of one enumeration (分别达到50%、30%), not of two places."""
_WHOLE: Final = re.compile(
    r"(?P<total>(?<![\d.])\d{1,9}(?:\.\d{1,6})?)(?P<unit>万?[张家个所名人条项亩])(?P<thing>[^,。;:()\d]{0,12})[,(:]其中(?P<parts>[^。;)\n]{4,160})"
)
_PART: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>万?[张家个所名人条项亩])")
_ALLOTTED: Final = re.compile(r"不(?:少|低|小)于|以上|至少|每")
_COUNTED: Final = re.compile(
    r"(?P<list>(?:[^、,。;:()《》\n“”]{2,16}、){1,30}[^、,。;:()《》\n“”]{2,16}?)(?<!等)(?P<count>[二两三四五六七八九十])(?:个|大|类|家|所)(?P<thing>[\u4e00-\u9fff]{2,8})"
)
_NUMBERED: Final = re.compile(r"[二两三四五六七八九十\d](?:个|大|类|家|所|项)")
_NUMERALS: Final = {one: number for number, one in enumerate("一二三四五六七八九十", 1)} | {"两": 2}
_DEPARTMENTS: Final = re.compile(r"等(?P<count>\d{1,2})个?部门")
_SIGNED_LINE: Final = re.compile(r"^[\u4e00-\u9fff]{4,24}(?:[ \t]+[\u4e00-\u9fff]{4,24})*$")


def find_conflicts(
    folded: Folded, tasks: Iterable[TaskFinding], targets: Iterable[TargetFinding]
) -> list[Doubt]:
    """Return where the document contradicts itself."""
    listed = list(targets)
    return [
        *_differing(listed, "figure", _by_value, _figures_text),
        *_differing(listed, "deadline", _by_deadline, _deadlines_text),
        *(doubt for task in tasks for doubt in _both_roles(folded, task)),
        *_exceeded(folded),
        *_miscounted(folded),
        *_signatures(folded),
    ]


def hashed_others(text: str, doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Return the doubts with the hash of their other place."""
    return tuple(
        one if one.other is None else replace(one, other=Anchor.at(text, one.other.start, one.other.end))
        for one in doubts
    )


def indicator_key(indicator: str) -> str:
    """Return an indicator without what only says where and that it shall be: 到…全市养老床位总数 → 养老床位总数."""
    return _WHERE.sub("", fold(indicator, unwrap=False).text.replace(" ", ""))


Key = tuple[str, str, str]


def _by_value(target: TargetFinding) -> tuple[Key, str] | None:
    """Return (what must have one value, its value); None for a target that may stand beside another."""
    key = indicator_key(target.indicator)
    if len(key) < _SHORTEST or not _LEVEL.search(key):
        return None
    return (key, target.deadline or "", target.unit), str(target.value)


def _by_deadline(target: TargetFinding) -> tuple[Key, str] | None:
    key = indicator_key(target.indicator)
    if len(key) < _SHORTEST or not (target.deadline or "").isdigit():
        return None
    return (key, str(target.value), target.unit), target.deadline or ""


def _figures_text(key: Key, first: str, second: str) -> Text:
    name, year, unit = key
    when = f"（{year}年）" if year.isdigit() else ""
    return Text(
        f"同一指标有不同数值：{name}{when} {first}{unit}、{second}{unit}",
        f"One indicator, two figures: {name} {year} {first}{unit} and {second}{unit}",
    )


def _deadlines_text(key: Key, first: str, second: str) -> Text:
    name, value, unit = key
    return Text(
        f"同一目标有不同期限：{name}{value}{unit} {first}年、{second}年",
        f"One target, two deadlines: {name} {value}{unit} in {first} and in {second}",
    )


def _differing(
    targets: list[TargetFinding],
    kind: str,
    reading: Callable[[TargetFinding], tuple[Key, str] | None],
    text: Callable[[Key, str, str], Text],
) -> Iterator[Doubt]:
    """Yield, for each key of which the document gives several values, the places that differ from its first."""
    groups: dict[Key, list[tuple[str, TargetFinding]]] = defaultdict(list)
    for target in targets:
        found = reading(target)
        if found is not None:
            groups[found[0]].append((found[1], target))
    for key, group in groups.items():
        first, before = group[0]
        told = {first}
        for value, target in group[1:]:
            if value not in told and target.anchor.start - before.anchor.end > _ENUMERATED:
                told.add(value)
                yield Doubt(kind, text(key, first, value), target.anchor, before.anchor)  # type: ignore[arg-type]


def _both_roles(folded: Folded, task: TaskFinding) -> Iterator[Doubt]:
    """Yield the units that a clause prints as lead and again behind 配合单位; the reading keeps the lead alone."""
    _, mark, supporting = _written(folded, task.units_anchor).partition("配合")
    if not mark:
        return
    listed = {_bare(one) for one in _LIST_MARKS.split(supporting)}
    for unit in dict.fromkeys(task.lead):
        if _bare(unit) in listed:
            yield Doubt(
                "role",
                Text(f"同一单位既是牵头又是配合：{unit}", f"A unit leads and supports one clause: {unit}"),
                task.units_anchor,
                task.anchor,
            )


def _written(folded: Folded, anchor: Anchor) -> str:
    """Return the folded text of a place in the source."""
    if folded.offsets is None:
        return folded.text[anchor.start : anchor.end]
    return folded.text[bisect_left(folded.offsets, anchor.start) : bisect_left(folded.offsets, anchor.end)]


def _bare(unit: str) -> str:
    """Return a unit's name without its level: in a list only the first carries it."""
    return _LEVEL_SIGN.sub("", fold(unit.strip(), unwrap=False).text)


def _exceeded(folded: Folded) -> Iterator[Doubt]:
    """Yield totals whose parts (其中 …) are more than they."""
    for match in list(_WHOLE.finditer(folded.text))[:_MOST]:
        parts = [
            Decimal(one["number"])
            for one in _PART.finditer(match["parts"])
            if one["unit"] == match["unit"]
            and not _ALLOTTED.search(match["parts"][max(0, one.start() - 5) : one.start()])
        ]
        if len(parts) > 1 and sum(parts) > Decimal(match["total"]):
            whole, unit = match["total"], match["unit"]
            yield Doubt(
                "sum",
                Text(
                    f"分项之和大于总数：总数{whole}{unit}，分项合计{sum(parts)}{unit}",
                    f"The parts exceed the whole: {sum(parts)} of {whole}{unit}",
                ),
                Anchor(*folded.span(*match.span("parts")), ""),
                Anchor(*folded.span(match.start("total"), match.end("unit")), ""),
            )


def _miscounted(folded: Folded) -> Iterator[Doubt]:
    """Yield lists that are longer or shorter than the number behind them says: A、B、C四个基地."""
    for match in list(_COUNTED.finditer(folded.text))[:_MOST]:
        listed = match["list"].rpartition("等")[2]
        items = listed.split("、")
        number = len(items) + sum(items[-1].count(sign) for sign in "和与")
        said = _NUMERALS[match["count"]]
        if number != said and len(items) > 1 and not _NUMBERED.search(listed):
            yield Doubt(
                "sum",
                Text(
                    f"列出{number}项，写作“{match['count']}”：{match['thing']}",
                    f"{number} are listed where the text says {said}: {match['thing']}",
                ),
                Anchor(*folded.span(match.start("count"), match.end()), ""),
                Anchor(*folded.span(match.end("list") - len(listed), match.end("list")), ""),
            )


def _signatures(folded: Folded) -> Iterator[Doubt]:
    """Yield where so many departments are said to issue a document and another number signs it."""
    names = _signed(folded.text[:_HEAD])
    said = [one for one in _DEPARTMENTS.finditer(folded.text[:_HEAD]) if names and one.end() <= names[0][0]]
    if len(names) > 2 and said and int(said[-1]["count"]) != len(names):
        yield Doubt(
            "sum",
            Text(
                f"文中称{said[-1]['count']}个部门，落款为{len(names)}个单位",
                f"The text says {said[-1]['count']} departments, {len(names)} sign",
            ),
            Anchor(*folded.span(names[0][0], names[-1][1]), ""),
            Anchor(*folded.span(*said[-1].span()), ""),
        )


def _signed(head: str) -> list[tuple[int, int]]:
    """Return the first block of lines that hold organisations and nothing else: who signs, one by one."""
    names: list[tuple[int, int]] = []
    position = 0
    for line in head.split("\n"):
        plain = line.strip()
        if plain and _SIGNED_LINE.match(plain) and all(like_organisation(one) for one in plain.split()):
            names.extend((position + one.start(), position + one.end()) for one in re.finditer(r"\S+", line))
        elif plain and len(names) > 2:
            break
        elif plain:
            names.clear()
        position += len(line) + 1
    return names
