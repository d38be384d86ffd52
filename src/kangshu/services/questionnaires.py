"""The YAML of questionnaires → their declarations, and what must hold of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from decimal import Decimal, InvalidOperation
from typing import Any, cast, get_args

from kangshu.base.canonical import SENSITIVE
from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.questionnaires import expressions, parameters_asked
from kangshu.sdk import (
    ItemKind,
    LevelChange,
    LevelOption,
    MeasuredObservation,
    MeasuredPart,
    QuestionnaireDeclaration,
    QuestionnaireItem,
    QuestionnaireLevel,
    QuestionnaireResult,
    QuestionnaireScore,
    QuestionnaireSection,
    ScoreOption,
)
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

_KINDS = get_args(ItemKind)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")
_ITEM_ID = re.compile(r"[a-z][a-z0-9_]{0,40}\Z")
_Shared = Mapping[str, tuple[ScoreOption, ...]]


def read_questionnaire(entry: Entry, service: str, places: Places) -> QuestionnaireDeclaration:
    """Return the questionnaire that `entry` declares; what is wrong goes to the entry's findings."""
    shared: dict[str, tuple[ScoreOption, ...]] = {}
    if entry.has("answers"):
        answers = entry.entry("answers")
        shared = {str(name): _options(answers, str(name)) for name in entry.raw("answers")}
    sections = tuple(_section(one, shared, places) for one in entry.entries("sections"))
    found = QuestionnaireDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        source=entry.string("source", required=True),
        sections=sections,
        help=entry.text("help", required=False),
        note=entry.text("note", required=False),
        subject_type=entry.string("subject", default="Patient"),
        scores=tuple(_score(one, sections, places) for one in entry.entries("scores")),
        levels=tuple(_level(one, places) for one in entry.entries("levels")),
        changes=tuple(_change(one, places) for one in entry.entries("changes")),
        stacking=entry.string("stacking"),
        assessors=entry.string("assessors"),
        valid_months=entry.string("valid_months"),
        result=_result(entry.entry("result")) if entry.has("result") else None,
        observations=tuple(_measured(one, places) for one in entry.entries("observations")),
        order=entry.integer("order", 100),
    )
    places.note(found, entry)
    entry.close()
    return found


def _measured(entry: Entry, places: Places) -> MeasuredObservation:
    category = entry.one_of("category", ("vital-signs", "laboratory", "exam"), default="exam")
    found = MeasuredObservation(
        code=entry.string("code", required=True),
        title=entry.text("title"),
        category=cast("Any", category),
        of=entry.string("of"),
        unit=entry.string("unit"),
        parts=entry.each("parts", _part),
    )
    places.note(found, entry)
    entry.close()
    return found


def _part(entry: Entry) -> MeasuredPart:
    part = MeasuredPart(
        code=entry.string("code", required=True),
        title=entry.text("title"),
        of=entry.string("of", required=True),
        unit=entry.string("unit", required=True),
    )
    entry.close()
    return part


def _section(entry: Entry, shared: _Shared, places: Places) -> QuestionnaireSection:
    section = QuestionnaireSection(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        items=tuple(_item(one, shared, places) for one in entry.entries("items")),
        help=entry.text("help", required=False),
    )
    places.note(section, entry)
    entry.close()
    return section


def _item(entry: Entry, shared: _Shared, places: Places) -> QuestionnaireItem:
    options: tuple[ScoreOption, ...]
    if isinstance(name := entry.raw("options"), str):
        options = shared.get(name, ())
        if name not in shared:
            entry.find(
                entry.line_of("options"), f"no 'answers' are called '{name}'", f"没有名为“{name}”的答案组"
            )
    else:
        options = _options(entry, "options")
    scored = entry.boolean("scored", default=True)
    if not scored:
        options = tuple(ScoreOption(one.code, one.title) for one in options)
    item = QuestionnaireItem(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        kind=cast("ItemKind", entry.one_of("kind", _KINDS, default="choice")),
        number=entry.string("number"),
        options=options,
        required=entry.boolean("required", default=any(one.score is not None for one in options)),
        help=entry.text("help", required=False),
        unit=entry.string("unit"),
        least=_decimal(entry, "least"),
        most=_decimal(entry, "most"),
    )
    places.note(item, entry)
    entry.close()
    return item


def _options(entry: Entry, key: str) -> tuple[ScoreOption, ...]:
    """Return answers written `code: {zh, en, score}`; without a score a code that is a number is its own."""
    found = []
    for one in entry.entries(key):
        code, title = one.string("id"), one.own_text()
        score = _decimal(one, "score") if one.has("score") else Decimal(code) if _NUMBER.match(code) else None
        one.close()
        found.append(ScoreOption(code, title, score))
    return tuple(found)


def _decimal(entry: Entry, key: str) -> Decimal | None:
    value = entry.raw(key)
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        entry.find(entry.line_of(key), f"'{key}' must be a number", f"“{key}”应为数字")
        return None


def _score(entry: Entry, sections: tuple[QuestionnaireSection, ...], places: Places) -> QuestionnaireScore:
    """Return a score; `of` names sections whose scored items it sums up, `items` single ones."""
    items = list(entry.strings("items"))
    known = {one.id: one for one in sections}
    for name in entry.strings("of"):
        if name not in known:
            entry.find(entry.line_of("of"), f"there is no section '{name}'", f"没有部分“{name}”")
            continue
        items += [item.id for item in known[name].items if item.scored]
    score = QuestionnaireScore(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        items=tuple(items),
        reverse=entry.strings("reverse"),
        expression=entry.string("expression"),
        most=_decimal(entry, "most"),
        unit=entry.string("unit"),
    )
    places.note(score, entry)
    entry.close()
    return score


def _level(entry: Entry, places: Places) -> QuestionnaireLevel:
    options = []
    for one in entry.entries("options"):
        options.append(LevelOption(one.string("id"), one.own_text(), one.string("least")))
        one.close()
    level = QuestionnaireLevel(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        options=tuple(options),
        score=entry.string("score"),
        expression=entry.string("expression"),
    )
    places.note(level, entry)
    entry.close()
    return level


def _change(entry: Entry, places: Places) -> LevelChange:
    change = LevelChange(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        level=entry.string("level", required=True),
        when=entry.string("when", required=True),
        to=entry.string("to"),
        worsen=entry.integer("worsen", 0),
        improve=entry.integer("improve", 0),
        note=entry.text("note", required=False),
    )
    places.note(change, entry)
    entry.close()
    return change


def _result(entry: Entry) -> QuestionnaireResult:
    result = QuestionnaireResult(
        code=entry.string("code", required=True),
        score=entry.string("score"),
        level=entry.string("level"),
        level_system=entry.string("level_system"),
        labels=entry.strings("labels"),
    )
    entry.close()
    return result


def check_questionnaire(
    declared: QuestionnaireDeclaration, parameters: Set[str], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with a questionnaire; `parameters` are the ids that rules declare."""
    finding = places.finding
    items = {item.id: item for item in declared.items}
    scores, levels = {one.id for one in declared.scores}, {one.id: one for one in declared.levels}
    if not items:
        yield finding(declared, "a questionnaire has items", "量表至少应有一项")
    if len(items) < len(list(declared.items)):
        yield finding(declared, "an item is declared twice", "有条目重复声明")
    for item in items.values():
        yield from _check_item(item, places)
    for score in declared.scores:
        yield from _check_score(score, items, places)
    for level in declared.levels:
        yield from _check_level(level, scores, places)
    numbers = {*scores, *(name for name, item in items.items() if item.kind in ("integer", "decimal"))}
    for observation in declared.observations:
        yield from _check_observation(observation, numbers, places)
    for change in declared.changes:
        yield from _check_change(change, levels, places)
    for expression in expressions(declared):
        try:
            compile_expression(expression)
        except Fault as fault:
            yield finding(declared, f"'{expression[:60]}': {fault.text}", f"“{expression[:60]}”：{fault.zh}")
    for name in sorted(set(parameters_asked(declared)) - parameters):
        yield finding(declared, f"no rule declares the parameter '{name}'", f"没有声明参数“{name}”")
    result = declared.result
    for label in result.labels if result is not None else ():
        if label not in SENSITIVE:
            yield finding(declared, f"'{label}' is no sensitivity label", f"“{label}”不是敏感标签")
    if result is not None and (
        (result.score and result.score not in scores) or (result.level and result.level not in levels)
    ):
        yield finding(
            declared, "'result' names a score and a level that there are", "“result”应引用已有的分值和等级"
        )


def _check_item(item: QuestionnaireItem, places: Places) -> Iterator[Finding]:
    if not _ITEM_ID.match(item.id):
        yield places.finding(item, f"item id '{item.id}' is not lower case", f"条目标识“{item.id}”应为小写")
    if (item.kind in ("choice", "choices")) != bool(item.options):
        text = f"'{item.id}': a choice has options, and nothing else has"
        yield places.finding(item, text, f"条目“{item.title.zh}”：选择题须有选项，其他类型不能有")
    if len({one.code for one in item.options}) < len(item.options):
        yield places.finding(
            item, f"an option of '{item.id}' stands twice", f"条目“{item.title.zh}”的选项重复"
        )


def _check_score(
    score: QuestionnaireScore, items: Mapping[str, QuestionnaireItem], places: Places
) -> Iterator[Finding]:
    for name in (*score.items, *score.reverse):
        if name not in items or not items[name].scored:
            yield places.finding(score, f"'{name}' is no item with scores", f"“{name}”不是计分条目")
    if bool(score.items) == bool(score.expression):
        text = f"score '{score.id}' sums up items or has an expression"
        yield places.finding(score, text, f"分值“{score.title.zh}”应汇总条目或由表达式算出")
    elif score.most is not None and score.items and score.most != (most := _most(score, items)):
        text = f"the full mark of '{score.id}' is {most}, not {score.most}"
        yield places.finding(score, text, f"“{score.title.zh}”的满分应为 {most}，不是 {score.most}")


def _check_level(level: QuestionnaireLevel, scores: Set[str], places: Places) -> Iterator[Finding]:
    if bool(level.score) == bool(level.expression) or (level.score and level.score not in scores):
        text = f"level '{level.id}' is of a score that there is, or of an expression"
        yield places.finding(level, text, f"等级“{level.title.zh}”应依据已有分值或表达式")
    if level.score and [one.least for one in level.options].count("") != 1:
        text = f"of the options of '{level.id}' one has no 'least': it is that of all below"
        yield places.finding(level, text, f"等级“{level.title.zh}”须有且仅有一级不设下限")


def _check_observation(
    observation: MeasuredObservation, numbers: Set[str], places: Places
) -> Iterator[Finding]:
    parts = observation.parts
    for name in (part.of for part in parts) if parts else (observation.of,):
        if name not in numbers:
            text = f"observation '{observation.code}' is of '{name}', which is no number or score"
            zh = f"检查结果“{observation.title.zh}”的“{name}”不是数字条目或分值"
            yield places.finding(observation, text, zh)
    if bool(parts) == bool(observation.of and observation.unit):
        text = f"observation '{observation.code}' has a figure with its unit, or parts"
        yield places.finding(
            observation, text, f"检查结果“{observation.title.zh}”须有 of 和 unit，或有 parts"
        )


def _check_change(
    change: LevelChange, levels: Mapping[str, QuestionnaireLevel], places: Places
) -> Iterator[Finding]:
    known = levels.get(change.level)
    codes = {one.code for one in known.options} if known else set()
    if known is None or (change.to and change.to not in codes):
        text = f"'{change.id}' changes no level there is"
        yield places.finding(change, text, f"“{change.title.zh}”没有对应的等级")
    if sum((bool(change.to), bool(change.worsen), bool(change.improve))) != 1:
        text = f"'{change.id}' has one of to, worsen and improve"
        yield places.finding(change, text, f"“{change.title.zh}”应有 to、worsen、improve 之一")


def _most(score: QuestionnaireScore, items: Mapping[str, QuestionnaireItem]) -> Decimal:
    """Return the full mark: the highest option of each item, of one with several answers all of them."""
    total = Decimal(0)
    for name in score.items:
        marks = [one.score for one in items[name].options if one.score is not None]
        total += sum(marks, Decimal(0)) if items[name].kind == "choices" else max(marks)
    return total
