"""Figures to be reached: which numbers of the text are targets, and what each of them says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from kangshu.plans.reading.brackets import Bracket
from kangshu.plans.reading.deadlines import Deadlines
from kangshu.plans.reading.figures import Figure, comparator_after, comparator_before
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import tables, words
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
    told: list[TargetFinding] = []  # figures that no sentence plans
    for number, figure in enumerate(figures):
        if blocked[figure.start]:
            continue
        before = text[max(0, figure.start - 80) : figure.start]
        after = text[figure.end : figure.end + 40]
        stated = comparator_before(before[-24:].split("\n")[-1]) or comparator_after(after)
        aside = bool(in_bracket[figure.start]) and sentences.bracket_is_aside(figure.start)
        if not _may_be_target(figure, before, after, stated, aside):
            continue
        finding = _finding(folded, lines, figures, number, deadlines, stated)
        (findings if sentences.planned(figure.start, figure.end) else told).append(finding)
    repeated = {_subject(finding) for finding in findings}
    findings.extend(finding for finding in told if _subject(finding) in repeated)
    return sorted(findings, key=lambda finding: finding.anchor.start)


def _subject(finding: TargetFinding) -> tuple[str, str, str]:
    """Return what makes two statements the same one: a headline repeats a target of the text below it."""
    return finding.indicator[-3:], str(finding.value), finding.unit


def _finding(
    folded: Folded,
    lines: Lines,
    figures: list[Figure],
    number: int,
    deadlines: Deadlines,
    stated: str | None,
) -> TargetFinding:
    text, figure = lines.text, figures[number]
    start = _indicator_start(text, figure.start, lines.at(figure.start).start)
    tail = re.compile(r"(?:\([^()]{1,10}\))?(?:及?以上|及?以内|及?以下|左右)").match(text, figure.end)
    end = tail.end() if tail else figure.end
    unit = re.sub(r"\s|余|多", "", folded.written[figure.unit_start : figure.end])
    if len(figure.unit) != len(unit):  # 20.1/10万 → 1/10万, 6个学时 → 学时
        unit = figure.unit
    source_start, source_end = folded.span(start, end)
    return TargetFinding(
        span=folded.written[start:end],
        indicator=_indicator(folded, figure, start),
        comparator=_comparator(figure, figures, number, text, stated),
        value=figure.value,
        unit=unit,
        deadline=_deadline(text, figure, figures, number, deadlines),
        anchor=Anchor(source_start, source_end, ""),
    )


def _may_be_target(figure: Figure, before: str, after: str, stated: str | None, aside: bool) -> bool:
    """Return whether number, unit and the words beside them can be a target's at all."""
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
    if aside and not stated and not re.search(r"其中|%", here[-12:] + figure.unit):
        return False
    return not _counts_its_list(figure, here) and not _uses_what_exists(here)


def _counts_its_list(figure: Figure, before: str) -> bool:
    """A、B、C3个研究所: the number sums up the list before it and is no goal."""
    listed = re.split("[,;:。]", before)[-1]
    items = listed.count("、") + 1
    return (
        items > 1
        and figure.value in (items, items + 1)
        and bool(re.search(r"[一-龥]$", before))
        and not comparator_before(before)
    )


@cache
def _existing() -> re.Pattern[str]:
    return re.compile(rf"(?:^|[,;。]){words('targets', 'existing_verb')}[^,;。]*$")


def _uses_what_exists(before: str) -> bool:
    """整合…2所医院、9所…: verbs of using name what is there already."""
    return bool(_existing().search(before)) and not comparator_before(before)


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


@cache
def _around_name() -> re.Pattern[str]:
    words_behind = words("figures", "behind_name")
    return re.compile(
        rf"^(?:(?:到|至)?(?:20\d\d|20xx|xxxx)年(?:底|末)?(?:前)?)?(?P<name>.*?){words_behind}*$"
    )


def _indicator(folded: Folded, figure: Figure, start: int) -> str:
    """Return what is measured: the words before the number, else those behind it."""
    found = _around_name().match(folded.text[start : figure.start])
    if found and len(found.group("name").strip()) >= 2:
        first, last = found.span("name")
        return folded.written[start + first : start + last].strip()
    behind = re.compile(r"(?:以上|左右|以内)?的?([^,。;:、\n()]{2,24})").match(folded.text, figure.end)
    if behind:
        return folded.written[slice(*behind.span(1))].strip()
    return folded.written[start : figure.start].strip()
