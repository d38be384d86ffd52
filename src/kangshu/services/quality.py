"""Rules of data quality (`quality/*.yaml`): read, and made into measures, lists and the relation of all of them.

    id: resident-identity-check
    title: {zh: 身份证号校验位正确, en: …}       # what holds of a good record
    fault: {zh: 身份证号校验位不符, en: …}       # what is wrong with the others
    kind: consistency                            # completeness | timeliness | consistency | uniqueness
    records: {id: residents, zh: 居民档案, en: Residents}
    element: {zh: 身份证号, en: Identity number}
    advice: {zh: 核对身份证件后更正, en: …}
    systems: [S02]
    subject: Patient
    views: [record_residents]
    sql: SELECT … AS subject, … AS institution, … AS district, … AS fault
    columns: []                                  # of the SQL, that the list of faulty records shows
    source: …
    examples: […]                                # as a measure's; numerator: the records that hold

Of each rule come a measure (the share of records that hold, by institution) and a list (those that do not), whose rows
start the case that carries `quality-return`. What says `over: quality` reads the rows of all rules.
"""

# ruff: noqa: S608 - SQL is that of declarations, names are ours

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from kangshu.sdk import (
    QUALITY,
    QUALITY_KINDS,
    Dimension,
    ListColumn,
    ListDeclaration,
    ListStart,
    MeasureDeclaration,
    QualityRule,
    Text,
)
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.lists import read_list_columns
from kangshu.services.measured import read_examples, read_sql
from kangshu.services.places import Places

if TYPE_CHECKING:
    from kangshu.services.draft import Draft

RETURN: Final = "quality-return"
"""What the kind of case carries by which records are returned to who sent them."""
RETURN_FIELDS: Final = ("rule", "record", "problem", "element", "advice", "found")
"""Fields of that kind's start form which a row of a rule's list gives; `receiver` is who sent the record."""
WHOLE: Final = "*"
"""`record` of a return of all faulty records of an institution under a rule."""
_GIVEN: Final = frozenset({"subject", "institution", "district", "fault"})
_Over = TypeVar("_Over", MeasureDeclaration, ListDeclaration)


def read_rule(entry: Entry, service: str, places: Places) -> QualityRule:
    """Return the rule that `entry` declares; what is wrong goes to the entry's findings."""
    sql, file, line = read_sql(entry)
    records = entry.entry("records")
    rule = QualityRule(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        fault=entry.text("fault"),
        kind=cast("Any", entry.one_of("kind", tuple(QUALITY_KINDS), required=True)),
        records=records.string("id", required=True),
        record_title=records.own_text(),
        element=entry.text("element"),
        advice=entry.text("advice"),
        systems=entry.strings("systems"),
        subject=entry.string("subject", required=True),
        period=cast("Any", entry.one_of("period", ("instant", "year"), default="instant")),
        views=entry.strings("views", required=True),
        parameters=entry.strings("parameters"),
        sql=sql,
        columns=read_list_columns(entry),
        source=entry.string("source", required=True),
        examples=read_examples(entry),
    )
    records.close()
    places.note(rule, entry)
    places.note_text(rule, "sql", file, line)
    entry.close()
    return rule


def with_quality(drafts: Sequence[Draft]) -> None:
    """Add to each draft the measures and lists of its rules, and fill in what is declared over all rules.

    A rule that counts with views of a folder that is not there feeds nothing; `standing` tells so of its measure.
    """
    views = {view.name for one in drafts for view in one.views}
    start = next((case.code for one in drafts for case in one.cases if case.carries == RETURN), "")
    every = [rule for one in drafts for rule in one.quality if not set(rule.views) - views]
    for draft in drafts:
        for rule in draft.quality:
            measure, listed = rule_measure(rule), rule_list(rule, start)
            for made in (measure, listed):
                draft.places.note_like(made, rule, "sql")
            draft.measures = (*draft.measures, measure)
            draft.lists = (*draft.lists, listed)
        draft.measures = tuple(_filled(draft, one, every) for one in draft.measures)
        draft.lists = tuple(_filled(draft, one, every) for one in draft.lists)


def rule_measure(rule: QualityRule) -> MeasureDeclaration:
    """Return the measure of a rule: of the records that can be checked, the share that holds."""
    zh, en = rule.title.zh, rule.title.en
    return MeasureDeclaration(
        id=rule.measure,
        service=rule.service,
        title=Text(f"{zh}（{rule.record_title.zh}合格率）", f"{en} (share of {rule.record_title.en})"),
        definition=Text(
            f"{rule.record_title.zh}中“{zh}”的记录占可以核对的记录的比例；无法判断的不计。",
            f"Of the {rule.record_title.en} that can be checked, the share with: {en}.",
        ),
        systems=rule.systems,
        targets=(),
        kind="proportion",
        scale=100,
        unit="%",
        direction="increase",
        period=rule.period,
        views=rule.views,
        parameters=rule.parameters,
        # the rule's text stands on the first line, so that a fault in it keeps its line
        sql=f"SELECT subject, 1 - CAST(fault AS INTEGER) AS numerator, 1 AS denominator, district, institution FROM ({_text(rule)}\n) AS checked\nWHERE fault IS NOT NULL",
        dimensions=(Dimension("institution", Text("报送机构", "Institution"), "institution", wide=True),),
        source=rule.source,
        subject=rule.subject,
        examples=rule.examples,
    )


def rule_list(rule: QualityRule, start: str) -> ListDeclaration:
    """Return the list of a rule's faulty records; `start` is the kind of case that returns them, "" for none."""
    columns = (
        ListColumn("institution", Text("报送机构", "Institution"), "institution", "name"),
        *rule.columns,
    )
    shown = ", ".join(one.column for one in columns)
    return ListDeclaration(
        id=rule.measure,
        service=rule.service,
        title=rule.fault,
        help=rule.advice,
        views=rule.views,
        parameters=rule.parameters,
        sql=f"SELECT subject, district, {shown} FROM ({_text(rule)}\n) AS checked\nWHERE fault",
        columns=columns,
        none=Text("没有这样的记录。", "No such record."),
        start=_start(rule, start) if start else None,
        tone="",
        measures=(rule.measure,),
    )


def _start(rule: QualityRule, case: str) -> ListStart:
    values = {
        "rule": rule.id,
        "record": "${subject}",
        "problem": rule.fault.zh,
        "element": rule.element.zh,
        "advice": rule.advice.zh,
        "found": 1,
    }
    label = Text("退回报送机构", "Return to the sender")
    return ListStart(case, label, values, receiver="${institution}", focus=True)


def _filled(draft: Draft, one: _Over, rules: Sequence[QualityRule]) -> _Over:
    """Return a measure or list over all rules with their rows, views, parameters and titles; any other as it is."""
    if one.over != QUALITY:
        return one
    titles = {
        "rule": {each.id: each.fault for each in rules},
        "kind": QUALITY_KINDS,
        "records": {each.records: each.record_title for each in rules},
    }
    made = replace(
        one,
        sql=f"WITH {QUALITY} AS ({rows_of(rules)}),\n{QUALITY}_rules AS ({texts_of(rules)})\n{one.sql}",
        views=_once(one.views, *(each.views for each in rules)),
        parameters=_once(one.parameters, *(each.parameters for each in rules)),
    )
    if isinstance(made, MeasureDeclaration):
        made = replace(made, dimensions=tuple(_labelled(each, titles) for each in made.dimensions))
    else:
        made = replace(made, columns=tuple(_labelled(each, titles) for each in made.columns))
        if made.counted:
            made = replace(made, counted=tuple(name for name in made.views if name not in one.views))
    draft.places.note_like(made, one)
    return made


_Labelled = TypeVar("_Labelled", Dimension, ListColumn)


def _labelled(one: _Labelled, titles: Mapping[str, Mapping[str, Text]]) -> _Labelled:
    return replace(one, labels=titles[one.column]) if one.column in titles and not one.labels else one


def _once(*names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(names)))


def rows_of(rules: Sequence[QualityRule]) -> str:
    """Return the SELECT of the rows of all rules: subject, institution, district, fault (0 or 1), rule, kind, records."""
    selects = [
        f"SELECT CAST(subject AS VARCHAR) AS subject, institution, district, CAST(fault AS INTEGER) AS fault, "
        f"'{one.id}' AS rule, '{one.kind}' AS kind, '{one.records}' AS records "
        f"FROM ({_text(one)}) AS checked_{place} WHERE fault IS NOT NULL"
        for place, one in enumerate(rules)
    ]
    nothing = (
        "SELECT '' AS subject, '' AS institution, '' AS district, 0 AS fault, '' AS rule, '' AS kind, "
        "'' AS records WHERE false"
    )
    return "\nUNION ALL ".join(selects) or nothing


def texts_of(rules: Sequence[QualityRule]) -> str:
    """Return the SELECT of what each rule says to whoever sent a faulty record: rule, problem, element, advice."""
    selects = [
        f"SELECT '{one.id}' AS rule, {_quoted(one.fault.zh)} AS problem, {_quoted(one.element.zh)} AS element, "
        f"{_quoted(one.advice.zh)} AS advice"
        for one in rules
    ]
    nothing = "SELECT '' AS rule, '' AS problem, '' AS element, '' AS advice WHERE false"
    return " UNION ALL ".join(selects) or nothing


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _text(rule: QualityRule) -> str:
    return rule.sql.strip().rstrip(";")


def check_rule(draft: Draft, rule: QualityRule) -> Iterator[Finding]:
    """Yield what is wrong with a rule beyond what its measure and its list tell."""
    taken = _GIVEN & {one.id for one in rule.columns}
    if taken:
        text = f"columns of a rule are not {', '.join(sorted(taken))}: those stand in every list"
        yield draft.places.finding(rule, text, f"列“{'、'.join(sorted(taken))}”由系统列出，不能再声明")


def check_returns(drafts: Sequence[Draft]) -> Iterator[Finding]:
    """Yield what is wrong with the kind of case by which records are returned: its fields, and its moves of a recheck."""
    for draft in drafts:
        for case in draft.cases:
            rechecks = [one for one in case.moves if one.recheck]
            if case.carries != RETURN:
                for move in rechecks:
                    text = f"'recheck' is for a kind that carries '{RETURN}'"
                    yield draft.places.finding(move, text, f"recheck 只用于 carries: {RETURN} 的办件")
                continue
            lacking = set(RETURN_FIELDS) - {one.id for one in case.form}
            if lacking:
                text = f"a kind that carries '{RETURN}' asks for {', '.join(sorted(lacking))}"
                yield draft.places.finding(
                    case, text, f"退回办件的发起表单缺少字段：{'、'.join(sorted(lacking))}"
                )
            if {one.recheck for one in rechecks} != {"holds", "fails"}:
                text = f"a kind that carries '{RETURN}' has moves 'recheck: holds' and 'recheck: fails'"
                yield draft.places.finding(
                    case, text, "退回办件须有 recheck: holds 与 recheck: fails 两个操作"
                )
            for move in rechecks:
                if "system" not in move.by or any(one.required and one.id != "left" for one in move.form):
                    text = f"the system makes '{move.id}': it needs `by: system` and no required field but 'left'"
                    yield draft.places.finding(
                        move, text, f"“{move.title.zh}”由系统执行：须 by: system 且无其他必填项"
                    )
