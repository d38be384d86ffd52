"""Figures to be reached: which numbers of the text are targets, and what each of them says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from kangshu.plans.reading.brackets import Bracket
from kangshu.plans.reading.deadlines import Deadlines
from kangshu.plans.reading.figures import Figure, comparator_after, comparator_before
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import tables
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.model import Anchor, Comparator, TargetFinding
from kangshu.plans.reading.sentences import Sentences

_CLAUSE_MARKS = ",。;:!?\n、()[]"


@dataclass(frozen=True, slots=True)
class _Rules:
    not_before: re.Pattern[str]
    not_after: re.Pattern[str]
    never: re.Pattern[str]
    stated: re.Pattern[str]
    condition_before: re.Pattern[str]
    condition_after: re.Pattern[str]
    yuan: re.Pattern[str]


@cache
def _rules() -> _Rules:
    table = tables()["targets"]
    return _Rules(
        re.compile("|".join(f"(?:{entry})" for entry in table["not_before"])),
        re.compile("|".join(f"(?:{entry})" for entry in table["not_after"])),
        re.compile(f"(?:{table['never_unit']})$"),
        re.compile(f"(?:{table['only_when_stated']})$"),
        re.compile(table["condition_before"]),
        re.compile(table["condition_after"]),
        re.compile(table["yuan_target"]),
    )


def read_targets(
    folded: Folded,
    lines: Lines,
    figures: list[Figure],
    sentences: Sentences,
    deadlines: Deadlines,
    pairs: list[Bracket],
    taken: list[tuple[int, int]],
) -> list[TargetFinding]:
    """Return the targets in reading order. Figures inside the spans `taken` (money rules, notes) are none."""
    text = lines.text
    blocked = bytearray(len(text) + 1)
    for start, end in [*taken, *sentences.quoted]:
        blocked[start:end] = b"\x01" * (end - start)
    in_bracket = bytearray(len(text) + 1)
    for pair in pairs:
        in_bracket[pair.start : pair.end] = b"\x01" * (pair.end - pair.start)
    findings: list[TargetFinding] = []
    for number, figure in enumerate(figures):
        if blocked[figure.start]:
            continue
        before = text[max(0, figure.start - 40) : figure.start]
        after = text[figure.end : figure.end + 40]
        stated = comparator_before(before[-24:].split("\n")[-1]) or comparator_after(after)
        if not _is_target(figure, before, after, stated, bool(in_bracket[figure.start]), sentences):
            continue
        comparator = _comparator(figure, figures, number, text, stated)
        start = _indicator_start(text, figure.start, lines.at(figure.start).start)
        end = figure.end
        tail = re.compile(r"(?:\([^()]{1,10}\))?(?:及?以上|及?以内|及?以下|左右)").match(text, end)
        end = tail.end() if tail else end
        source_start, source_end = folded.span(start, end)
        findings.append(
            TargetFinding(
                span=folded.written[start:end],
                indicator=_indicator(text, folded, figure, start),
                comparator=comparator,
                value=figure.value,
                unit=re.sub(r"\s|余|多", "", folded.written[figure.unit_start : figure.end])
                if figure.measure or (figure.unit and not figure.unit.startswith("1/"))
                else figure.unit,
                deadline=_deadline(text, figure, figures, number, deadlines),
                anchor=Anchor(source_start, source_end, ""),
            )
        )
    return findings


def _is_target(
    figure: Figure, before: str, after: str, stated: str | None, bracketed: bool, sentences: Sentences
) -> bool:
    rules = _rules()
    here = before.split("\n")[-1]
    if rules.not_before.search(here) or (rules.not_after.match(after) and figure.measure not in ("%",)):
        return False
    if figure.unit == "" and not isinstance(figure.value, str):
        return False
    if isinstance(figure.value, str) and not re.search(
        r"(?:比|比例|配比|不低于|达到?|为)[^。;,]{0,8}$", here
    ):
        return False
    if figure.measure == "岁":
        if not re.search(r"寿命[^,。;]{0,10}$", here):
            return False
    elif rules.never.match(figure.measure) or (
        rules.stated.match(figure.measure)
        and not (
            stated or re.search(r"(?:到|达|至|精确|缩短|开展|组织|举办|每[年月季]|不少于)[^,。;]{0,6}$", here)
        )
    ):
        return False
    if (
        figure.measure == ""
        and figure.unit
        and not re.search(r"(?:人次|人数|数|量|人口|率|年)[^,。;]{0,8}$", here)
        and not figure.unit.startswith("1/")
    ):
        return False
    if rules.condition_before.search(re.sub(r"\s", "", here)) and rules.condition_after.match(after):
        return False
    if "元" in figure.measure and not rules.yuan.search(here[-16:]):
        return False
    if "元" in figure.measure and re.match(
        r"(?:以上|以下)?的?(?:[一-龥]{0,6})?(?:企业|项目|龙头|机构|产业集群|园区)", after
    ):
        return False
    if (
        bracketed
        and not stated
        and not re.search(r"其中|%", here[-12:] + figure.unit)
        and not sentences.bracket_is_clause(figure.start)
    ):
        return False
    return sentences.planned(figure.start, figure.end, stated is not None)


def _comparator(
    figure: Figure, figures: list[Figure], number: int, text: str, stated: str | None
) -> Comparator:
    if figure.unit == "倍" and figure.value == 2 and figure.unit_start == figure.end:
        return "double"
    after = comparator_after(text[figure.end : figure.end + 10])
    # 分别达到50%和30%以上: what is said behind the last holds for all
    chain = number
    while (
        chain + 1 < len(figures)
        and after is None
        and re.fullmatch(r"[、和及,与]", text[figures[chain].end : figures[chain + 1].start])
    ):
        chain += 1
        if "分别" in text[max(0, figure.start - 20) : figure.start]:
            after = comparator_after(text[figures[chain].end : figures[chain].end + 10])
    before = comparator_before(text[max(0, figure.start - 24) : figure.start].split("\n")[-1])
    if before is None:
        back = number
        while back > 0 and re.fullmatch(r"[、和及与]", text[figures[back - 1].end : figures[back].start]):
            back -= 1
        if back != number:
            before = comparator_before(
                text[max(0, figures[back].start - 24) : figures[back].start].split("\n")[-1]
            )
    if after in (">=", "<=", "about") and before in (
        None,
        "increase_to",
        "decrease_to",
        "about",
        "increase_by",
        ">",
    ):
        return after  # type: ignore[return-value]
    return before or after or "="  # type: ignore[return-value]


def _deadline(
    text: str, figure: Figure, figures: list[Figure], number: int, deadlines: Deadlines
) -> str | None:
    """Return the governing year; 到2022年和2030年…分别22%和30% gives the years in order."""
    first = number
    while first > 0 and re.fullmatch(
        r"\s*[、和及,与以]+\s*", text[figures[first - 1].end : figures[first].start]
    ):
        first -= 1
    sentence = max(text.rfind(mark, 0, figure.start) for mark in "。;\n") + 1
    opening = text[sentence : figures[first].start]
    if (
        re.search(r"(?:20\d\d|20xx|xxxx)年?(?:底|末)?[、和及与,]\s*(?:到)?(?:20\d\d|20xx|xxxx)年", opening)
        and "分别" in opening
    ):
        years = deadlines.years_between(sentence, figures[first].start)
        place = number - first
        if place < len(years):
            return years[place]
    return deadlines.at(figure.start)


def _indicator_start(text: str, start: int, line_start: int) -> int:
    """Return where the clause of a figure begins: behind the last punctuation before it."""
    position = start
    while position > line_start and start - position < 24 and text[position - 1] not in _CLAUSE_MARKS:
        position -= 1
    while position < start and text[position] in ' "”“':
        position += 1
    return position


def _indicator(text: str, folded: Folded, figure: Figure, start: int) -> str:
    """Return what is measured: the words before the number, else those behind it."""
    before = folded.written[start : figure.start]
    name = re.sub(
        r"(?:达到?|达|为|至|到|不低于|不少于|不小于|不超过|超过|突破|至少|提高|提升|增加|增长|建成|建设|培育|新增|新建|打造|创建|约|以上|保持在|控制在|實現|实现|力争|要|将)+$",
        "",
        before.strip(),
    )
    name = re.sub(r"^(?:到|至)?(?:20\d\d|20xx|xxxx)年(?:底|末)?(?:前)?", "", name)
    if len(name) >= 2:
        return name
    behind = re.compile(r"(?:以上|左右|以内)?的?([^,。;:、\n()]{2,24})").match(folded.written, figure.end)
    return behind.group(1) if behind else before.strip()
