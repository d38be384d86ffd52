"""The YAML of signals, desks and rosters → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any, cast
from urllib.parse import parse_qsl

from kangshu import cases
from kangshu.base.faults import Fault
from kangshu.fhir import definitions
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers import parse_path
from kangshu.sdk import (
    CardColumn,
    CardSection,
    CaseDeclaration,
    DeskDeclaration,
    RosterDeclaration,
    SignalDeclaration,
    SignalExample,
    SignalFind,
    SignalRule,
)
from kangshu.search import parse_query
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

_DOES = ("start", "move", "change")
_CARD_NAMES = ("subject", "focus", "district", "today")


def read_signal(entry: Entry, service: str, places: Places) -> SignalDeclaration:
    """Return the signal that `entry` declares; what is wrong goes to the entry's findings."""
    signal = SignalDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        help=entry.text("help", required=False),
        case=entry.string("case"),
        event=entry.string("event", required=True),
        time=entry.string("time", required=True),
        key=entry.string("key"),
        reads=_expressions(entry, "reads"),
        finds=entry.each("finds", _find),
        subject=entry.string("subject"),
        focus=entry.string("focus"),
        rules=tuple(_rule(one, places) for one in entry.entries("rules")),
        examples=entry.each("examples", _example),
    )
    places.note(signal, entry)
    entry.close()
    return signal


def _find(entry: Entry) -> SignalFind:
    find = SignalFind(
        entry.string("id", required=True),
        entry.string("type", required=True),
        entry.string("criteria", required=True),
    )
    entry.close()
    return find


def _rule(entry: Entry, places: Places) -> SignalRule:
    rule = SignalRule(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        does=cast("Any", entry.one_of("does", _DOES, required=True)),
        when=entry.string("when"),
        move=entry.string("move"),
        values=_expressions(entry, "values"),
        again=entry.string("again"),
        record=entry.string("record"),
        change=_expressions(entry, "change"),
        not_within=entry.string("not_within"),
        at=entry.string("at"),
    )
    places.note(rule, entry)
    entry.close()
    return rule


def _example(entry: Entry) -> SignalExample:
    example = SignalExample(entry.string("id", required=True), entry.text("title"), entry.raw("event") or {})
    entry.close()
    return example


def _expressions(entry: Entry, key: str) -> Mapping[str, str]:
    value = entry.raw(key) or {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        entry.find(
            entry.line_of(key), f"'{key}' maps names to FHIRPath", f"“{key}”应为名称到 FHIRPath 的映射"
        )
        return {}
    return value


def read_desk(entry: Entry, service: str, places: Places) -> DeskDeclaration:
    """Return the desk that `entry` declares; what is wrong goes to the entry's findings."""
    position = entry.strings("position")
    if position and len(position) != 2:
        entry.find(
            entry.line_of("position"), "'position' is [latitude, longitude]", "position 应为 [纬度, 经度]"
        )
        position = ()
    desk = DeskDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        help=entry.text("help", required=False),
        case=entry.string("case", required=True),
        columns=entry.each("columns", _card_column),
        sections=tuple(_section(one, places) for one in entry.entries("sections")),
        first=entry.strings("first"),
        take=entry.string("take"),
        position=(position[0], position[1]) if position else ("", ""),
        roster=entry.string("roster"),
        roles=entry.strings("roles", required=True),
    )
    places.note(desk, entry)
    entry.close()
    return desk


def _section(entry: Entry, places: Places) -> CardSection:
    section = CardSection(
        id=entry.string("id", required=True),
        title=entry.text("title"),
        type=entry.string("type", required=True),
        criteria=entry.string("criteria", required=True),
        columns=entry.each("columns", _card_column),
        none=entry.text("none"),
        nearest=entry.integer("nearest", 0),
        place=entry.string("place"),
        tone=entry.string("tone"),
    )
    places.note(section, entry)
    entry.close()
    return section


def _card_column(entry: Entry) -> CardColumn:
    column = CardColumn(entry.text("title"), entry.string("value", required=True), entry.titles("labels"))
    entry.close()
    return column


def read_roster(entry: Entry, service: str, places: Places) -> RosterDeclaration:
    """Return the roster that `entry` declares; what is wrong goes to the entry's findings."""
    roster = RosterDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        help=entry.text("help", required=False),
        post=entry.string("post", required=True),
        register=entry.string("register", required=True),
        least=entry.string("least", required=True),
        roles=entry.strings("roles", required=True),
    )
    places.note(roster, entry)
    entry.close()
    return roster


Found = tuple[object, str, str]
"""What is wrong: the declaration, English, Chinese."""


def check_signal(
    signal: SignalDeclaration, kinds: Mapping[str, CaseDeclaration], parameters: Set[str], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with a signal; `kinds` are the service's case kinds by id."""
    for place, en, zh in _signal_faults(signal, kinds.get(signal.case), parameters):
        yield places.finding(place, en, zh)


def _signal_faults(
    signal: SignalDeclaration, kind: CaseDeclaration | None, parameters: Set[str]
) -> Iterator[Found]:
    if signal.case and kind is None:
        yield signal, f"there is no case '{signal.case}' in this service", f"本服务没有办件“{signal.case}”"
    if not signal.rules:
        yield signal, "a signal has rules", "信号至少应有一条规则"
    if not signal.examples:
        yield signal, "a signal has examples: its documentation and its test", "信号至少应有一个示例"
    texts = [signal.event, signal.time, signal.key, signal.subject, signal.focus, *signal.reads.values()]
    for text in filter(None, texts):
        yield from _expression_faults(signal, text)
    for find in signal.finds:
        if not definitions().is_resource(find.type):
            yield signal, f"'{find.type}' is no R4 resource type", f"“{find.type}”不是 R4 资源类型"
        else:
            yield from _criteria_faults(signal, find.type, find.criteria, set(signal.reads))
    for rule in signal.rules:
        yield from _rule_faults(signal, rule, kind, parameters)


def _rule_faults(
    signal: SignalDeclaration, rule: SignalRule, kind: CaseDeclaration | None, parameters: Set[str]
) -> Iterator[Found]:
    for text in filter(None, (rule.when, *rule.values.values(), *rule.change.values())):
        yield from _expression_faults(rule, text)
    moves = {} if kind is None else {move.id: move for move in kind.moves}
    if rule.does in ("start", "move") and (kind is None or not signal.key):
        yield rule, f"rule '{rule.id}' needs 'case' and 'key'", f"规则“{rule.id}”须声明 case 与 key"
    if rule.does == "start" and kind is not None:
        if cases.SIGNAL not in kind.start_by:
            yield rule, f"'{kind.id}' is not started by 'signal'", f"办件“{kind.id}”的 start_by 中没有 signal"
        again = moves[rule.again].form if rule.again in moves else ()
        yield from _value_faults(rule, {one.id for one in (*kind.form, *again)})
    for name in filter(None, (rule.move, rule.again)):
        move = moves.get(name)
        if move is None or cases.SIGNAL not in move.by:
            yield rule, f"'{name}' is no move by 'signal'", f"“{name}”不是 signal 可执行的操作"
        elif rule.does == "move":
            yield from _value_faults(rule, {one.id for one in move.form})
    if rule.does == "move" and not rule.move:
        yield rule, f"rule '{rule.id}' names no move", f"规则“{rule.id}”缺少 move"
    if rule.does == "change":
        if rule.record not in {one.id for one in signal.finds} or not rule.change:
            yield (
                rule,
                f"rule '{rule.id}' needs a found 'record' and 'change'",
                f"规则“{rule.id}”须有 record 与 change",
            )
        for path in (*rule.change, *filter(None, (rule.at,))):
            try:
                parse_path(path)
            except Fault as fault:
                yield rule, fault.text, fault.zh
        if rule.not_within and (rule.not_within not in parameters or not rule.at):
            yield rule, "'not_within' names a parameter and needs 'at'", "not_within 须指明参数并同时声明 at"


def _value_faults(rule: SignalRule, fields: Set[str]) -> Iterator[Found]:
    for name in sorted(rule.values.keys() - fields):
        yield rule, f"no form has the field '{name}'", f"表单中没有字段“{name}”"


def check_desk(
    desk: DeskDeclaration, kinds: Mapping[str, CaseDeclaration], rosters: Set[str], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with a desk; `rosters` are the ids of the service's rosters."""
    for place, en, zh in _desk_faults(desk, kinds.get(desk.case), rosters):
        yield places.finding(place, en, zh)


def _desk_faults(desk: DeskDeclaration, kind: CaseDeclaration | None, rosters: Set[str]) -> Iterator[Found]:
    if kind is None:
        yield desk, f"there is no case '{desk.case}' in this service", f"本服务没有办件“{desk.case}”"
        return
    for state in set(desk.first) - {one.id for one in kind.states}:
        yield desk, f"'{kind.id}' has no state '{state}'", f"办件“{kind.id}”没有状态“{state}”"
    take = next((one for one in kind.moves if one.id == desk.take), None)
    if desk.take and (take is None or any(field.required for field in take.form)):
        yield (
            desk,
            f"'take: {desk.take}' is no move that asks for nothing",
            f"“take: {desk.take}”应为无必填项的操作",
        )
    if desk.roster and desk.roster not in rosters:
        yield desk, f"there is no roster '{desk.roster}' in this service", f"本服务没有值班表“{desk.roster}”"
    for column in desk.columns:
        yield from _expression_faults(desk, column.value)
    for text in filter(None, desk.position):
        yield from _expression_faults(desk, text)
    for section in desk.sections:
        if not definitions().is_resource(section.type):
            yield section, f"'{section.type}' is no R4 resource type", f"“{section.type}”不是 R4 资源类型"
            continue
        yield from _criteria_faults(section, section.type, section.criteria, set(_CARD_NAMES))
        for column in section.columns:
            yield from _expression_faults(section, column.value)


def check_roster(
    roster: RosterDeclaration, registers: Mapping[str, str], parameters: Set[str], places: Places
) -> Iterator[Finding]:
    """Yield what is wrong with a roster; `registers` maps the service's registers to their resource types."""
    if registers.get(roster.register) != "Schedule":
        text = f"'{roster.register}' is no register of Schedule in this service"
        yield places.finding(roster, text, f"“{roster.register}”不是本服务的班次（Schedule）台账")
    if roster.least not in parameters:
        text = f"no rule declares the parameter '{roster.least}'"
        yield places.finding(roster, text, f"没有声明参数“{roster.least}”")


def _expression_faults(place: object, text: str) -> Iterator[Found]:
    try:
        compile_expression(text)
    except Fault as fault:
        yield place, f"'{text}': {fault.text}", f"“{text}”：{fault.zh}"


def _criteria_faults(place: object, kind: str, criteria: str, known: Set[str]) -> Iterator[Found]:
    for name in sorted(set(cases.names_in(criteria)) - known):
        yield (
            place,
            f"'{criteria}' asks for ${{{name}}}, which nothing gives",
            f"“{criteria}”引用了不存在的 ${{{name}}}",
        )
    sample = cases.substitute(criteria, {name: "2026-01-01" if name == "today" else "x" for name in known})
    try:
        parse_query(kind, parse_qsl(str(sample), keep_blank_values=True))
    except Fault as fault:
        yield place, f"'{criteria}': {fault.text}", f"“{criteria}”：{fault.zh}"
