"""All that must hold of service folders before they are loaded. Each check yields findings; all are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from kangshu import accounts, cases
from kangshu.base.faults import Fault
from kangshu.fhir import definitions
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import (
    STAY,
    CaseDeclaration,
    Field,
    ListDeclaration,
    MeasureDeclaration,
    RegisterDeclaration,
    State,
    WarningRule,
)
from kangshu.services.awaited import check_awaited
from kangshu.services.bookings import check_booking
from kangshu.services.calculations import check_calculations
from kangshu.services.case_checks import CARRIED, check_kind
from kangshu.services.draft import Draft
from kangshu.services.entrance import check_entrance
from kangshu.services.exchanges import check_exchange, check_publication
from kangshu.services.findings import Finding
from kangshu.services.form_checks import check_criteria, check_form
from kangshu.services.home import check_section
from kangshu.services.lists import check_list
from kangshu.services.live import check_desk, check_roster, check_signal
from kangshu.services.measure_checks import compiled
from kangshu.services.papers import check_document
from kangshu.services.pictures import check_pictures
from kangshu.services.protected import check_masked
from kangshu.services.quality import check_returns, check_rule
from kangshu.services.questionnaires import check_questionnaire
from kangshu.services.related import check_listed, check_related, check_suggested
from kangshu.services.reminders import check_reminders
from kangshu.services.requirements import check_requirements, standing
from kangshu.services.scenario_checks import check_coverage, check_scenario
from kangshu.services.shared_names import declared_once
from kangshu.services.state_checks import check_states
from kangshu.services.warnings import check_warnings

_ID = re.compile(r"[a-z][a-z0-9_\-]{1,40}\Z")
_SYSTEM = re.compile(r"S[0-9]{2,3}\Z")
_RULE = re.compile(r"[A-Z][0-9]{1,3}\Z")


@dataclass(frozen=True, slots=True)
class Known:
    """What the drafts declare together: services meet through these names."""

    parameters: frozenset[str]
    homes: frozenset[str]
    """First screens that some role opens with."""
    roles: frozenset[str]
    cases: Mapping[str, CaseDeclaration]
    registers: Mapping[str, RegisterDeclaration]
    lists: Mapping[str, ListDeclaration]
    """Every role by id; every case kind, register and list by code."""
    measures: Mapping[str, MeasureDeclaration]
    dimensions: frozenset[str]
    """Ids of the dimensions that are declared once."""


Check = Callable[[Draft, Known], Iterator[Finding]]


def check(drafts: Sequence[Draft], *, thorough: bool = True) -> tuple[Finding, ...]:
    """Return every finding of these folders together, by file and line; none means that they may be loaded.

    Three quarters of the time go into compiling the SQL of views, measures and lists and into worked examples: without
    `thorough` that is left out, for processes of an installation whose folders were checked when it started.
    """
    drafts, left_out = standing(drafts)
    known = Known(
        frozenset(one.id for draft in drafts for one in draft.parameters)
        | {one.id for one in accounts.PARAMETERS},
        frozenset(one.home for one in accounts.ready_roles().values())
        | {home for draft in drafts for home in draft.roles.homes},
        frozenset(accounts.ready_roles()) | {role for draft in drafts for role in draft.roles.own},
        {one.code: one for draft in drafts for one in draft.cases},
        {one.code: one for draft in drafts for one in draft.registers},
        {one.code: one for draft in drafts for one in draft.lists},
        {one.id: one for draft in drafts for one in draft.measures},
        frozenset(one.id for draft in drafts for one in draft.dimensions),
    )
    found = [finding for draft in drafts for finding in draft.findings]
    found += [finding for draft in drafts for one in CHECKS for finding in one(draft, known)]
    if thorough:
        found += compiled(drafts)
    found += [*declared_once(drafts), *left_out, *check_requirements(drafts)]
    found += [*check_awaited(drafts), *check_returns(drafts)]
    return tuple(sorted(set(found)))


def _names(draft: Draft, known: Known) -> Iterator[Finding]:
    finding = draft.places.finding
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", draft.id):
        yield finding(
            draft, "a service id is lower case with underscores", "服务标识应为小写字母、数字和下划线"
        )
    for system in draft.systems:
        if not _SYSTEM.match(system):
            yield finding(draft, f"'{system}' is no system id such as S08", f"“{system}”不是系统编号，如 S08")
    for rule in draft.rules:
        if not _RULE.match(rule):
            yield finding(draft, f"'{rule}' is no rule id such as C28", f"“{rule}”不是规则编号，如 C28")
    for system in sorted({one.system for one in draft.lacks or ()} - set(draft.systems)):
        yield finding(
            draft,
            f"'lacks' names {system}, which is not among its systems",
            f"lacks 中的 {system} 不在 systems 内",
        )
    for role in sorted(set(draft.users) - known.roles):
        # a role of another folder goes with that folder
        text, zh = f"there is no role '{role}' that could use it", f"使用角色“{role}”不存在"
        yield replace(finding(draft, text, zh), severity="warning")
    named: list[RegisterDeclaration | CaseDeclaration | MeasureDeclaration | ListDeclaration | WarningRule]
    named = [*draft.registers, *draft.cases, *draft.measures, *draft.lists, *draft.warnings]
    for one in named:
        if not _ID.match(one.id):
            yield finding(
                one, f"id '{one.id}' is not lower case", f"标识“{one.id}”应为小写字母、数字、连字符"
            )


def _fields(draft: Draft, known: Known) -> Iterator[Finding]:
    for register in draft.registers:
        yield from check_form(draft, register.form)
        for field in register.form:
            if not field.path:
                yield draft.places.finding(
                    field, f"field '{field.id}' needs a path", f"字段“{field.id}”缺少 path"
                )
    for case in draft.cases:
        asked = cases.all_fields(case)
        for form in (case.kept, case.form, *(move.form for move in case.moves)):
            yield from check_form(draft, form)
            for field in form:
                child = field.prefill.removeprefix(cases.CHILDREN)
                if (
                    child != field.prefill
                    and field.kind == "table"
                    and child in {one.id for one in draft.cases}
                ):
                    continue
                if (field.kind == "table" or field.draws) and field.prefill in {
                    f"{cases.RECORDS}{one.id}" for one in case.records
                }:
                    continue
                if field.prefill and field.prefill not in asked:
                    text = f"no form of the case has the field '{field.prefill}' to prefill from"
                    yield draft.places.finding(field, text, f"没有可带入的字段“{field.prefill}”")
            for field in form:
                if (
                    field.path
                    and field.path.split(".")[0].split("[")[0].split("(")[0] in cases.OWNED_ELEMENTS
                ):
                    text = f"path '{field.path}' is the engine's own"
                    yield draft.places.finding(field, text, f"路径“{field.path}”由流程引擎维护")


def _registers(draft: Draft, known: Known) -> Iterator[Finding]:
    finding = draft.places.finding
    for register in draft.registers:
        if not definitions().is_resource(register.resource_type):
            yield finding(
                register,
                f"'{register.resource_type}' is no R4 resource type",
                f"“{register.resource_type}”不是 R4 资源类型",
            )
            continue
        if not register.columns:
            yield finding(register, "a register has columns", "台账至少应有一列")
        yield from check_criteria(draft, register, register.resource_type, register.criteria)
        for one in register.capacity:
            for part in (one.of, one.condition, one.places, one.open):
                yield from _expression(draft, register, part or "{}", "'capacity'", "“capacity”")
            yield from check_criteria(draft, register, register.resource_type, f"{one.search}={one.target}/x")
        for column in register.columns:
            yield from _expression(draft, column, column.value, f"column '{column.id}'", f"列“{column.id}”")
            if column.search:
                yield from check_criteria(
                    draft, column, register.resource_type, f"{column.search}={_example(column.kind)}"
                )
            if column.sort:
                yield from check_criteria(draft, column, register.resource_type, f"_sort={column.sort}")
        yield from check_masked(draft, register)
        yield from check_reminders(register, known.parameters, draft.places)
        if register.unique_while:
            yield from _expression(draft, register, register.unique_while, "'unique_while'", "“unique_while”")
        fields = {field.id for field in register.form}
        for name in (name for unique in register.unique for name in unique if name not in fields):
            yield finding(register, f"'unique' names no field '{name}'", f"“unique”中没有字段“{name}”")


def _example(kind: str) -> str:
    return {"date": "2026", "datetime": "2026", "integer": "1", "decimal": "1", "boolean": "true"}.get(
        kind, "x"
    )


def _expression(draft: Draft, place: object, expression: str, en: str, zh: str) -> Iterator[Finding]:
    try:
        compile_expression(expression)
    except Fault as fault:
        yield draft.places.finding(place, f"{en}: {fault.text}", f"{zh}：{fault.zh}")


def _machines(draft: Draft, known: Known) -> Iterator[Finding]:
    for case in draft.cases:
        yield from check_states(draft, case)
        yield from _moves(draft, case, known)


def _moves(draft: Draft, case: CaseDeclaration, known: Known) -> Iterator[Finding]:
    finding = draft.places.finding
    states = {state.id for state in case.states}
    seen: set[str] = set()
    for word in case.start_by:
        if not cases.is_word(word, start=True):
            yield finding(case, f"'{word}' is nobody who may start", f"start_by 中的“{word}”无效")
    yield from _guard(draft, case, case.start_guard, known, ("the start", "发起"))
    if case.carries not in CARRIED:
        yield finding(case, f"'carries: {case.carries}' is not known", f"“carries: {case.carries}”无效")
    if case.numbering and not _numbers(case.numbering):
        yield finding(case, "'numbering' holds {year} and {sequence}", "“numbering”须含 {year} 和 {sequence}")
    for en, zh in cases.check_effects(case, None):
        yield finding(case, en, zh)
    for move in case.moves:
        if move.id in seen:
            yield finding(move, f"move '{move.id}' is declared twice", f"操作“{move.id}”重复")
        seen.add(move.id)
        for name in (*move.sources, *move.targets):
            if name not in states and name != STAY:
                yield finding(
                    move,
                    f"move '{move.id}' names no state '{name}'",
                    f"操作“{move.title.zh}”引用了不存在的状态“{name}”",
                )
        for word in move.by:
            if not cases.is_word(word, start=False):
                yield finding(move, f"'{word}' is nobody who may move", f"by 中的“{word}”无效")
        for name in move.apart_from:
            if name != "start" and name not in {one.id for one in case.moves}:
                text = f"'apart_from' of '{move.id}' names no move '{name}'"
                yield finding(move, text, f"操作“{move.title.zh}”的 apart_from 引用了不存在的操作“{name}”")
        yield from _guard(draft, move, move.guard, known, (f"'{move.id}'", f"操作“{move.title.zh}”"))
        if move.instead is not None:
            place = (f"'instead' of '{move.id}'", f"操作“{move.title.zh}”的 instead")
            yield from _guard(draft, move, move.instead.when, known, place)
        for en, zh in cases.check_effects(case, move):
            yield finding(move, en, zh)
    yield from check_kind(draft, case, known.parameters)


def _guard(draft: Draft, at: object, guard: str, known: Known, what: tuple[str, str]) -> Iterator[Finding]:
    """Yield what is wrong with a guard; `what` it guards in English and Chinese."""
    if not guard:
        return
    en, zh = what
    yield from _expression(draft, at, guard, f"guard of {en}", f"{zh}的条件")
    for name in set(cases.parameters_in(guard)) - known.parameters:
        text = f"guard of {en}: no rule declares the parameter '{name}'"
        yield draft.places.finding(at, text, f"{zh}的条件引用了没有声明的参数“{name}”")


def _numbers(pattern: str) -> bool:
    try:
        return pattern.format(year=2026, sequence=1) != pattern.format(year=2027, sequence=2)
    except (KeyError, ValueError, IndexError):
        return False


def _deadlines(draft: Draft, known: Known) -> Iterator[Finding]:
    for case in draft.cases:
        fields = cases.all_fields(case)
        for state in case.states:
            yield from _deadline(draft, known, state, fields)


def _deadline(draft: Draft, known: Known, state: State, fields: dict[str, Field]) -> Iterator[Finding]:
    if state.deadline is None:
        return
    for name in (state.deadline.parameter, state.deadline.remind):
        if name and name not in known.parameters:
            yield draft.places.finding(
                state, f"no rule declares the parameter '{name}'", f"没有声明参数“{name}”"
            )
    name = state.deadline.field
    if name and (name not in fields or fields[name].kind != "date"):
        yield draft.places.finding(state, f"no form has a date field '{name}'", f"表单中没有日期字段“{name}”")


def _parameters(draft: Draft, known: Known) -> Iterator[Finding]:
    for one in draft.parameters:
        numeric = isinstance(one.value, int | Decimal) and not isinstance(one.value, bool)
        if numeric and not one.source.strip():
            yield draft.places.finding(
                one, f"rule '{one.id}' cites no clause", f"数值规则“{one.id}”没有注明来源条款"
            )
        if numeric and not one.unit:
            yield draft.places.finding(one, f"rule '{one.id}' has no unit", f"数值规则“{one.id}”没有单位")
        for name in filter(None, (one.at_least, one.at_most)):
            if name not in known.parameters:
                yield draft.places.finding(
                    one, f"no rule declares the parameter '{name}'", f"没有声明参数“{name}”"
                )
        if one.valid_to is not None and one.valid_to < one.valid_from:
            yield draft.places.finding(
                one, f"rule '{one.id}' ends before it starts", f"规则“{one.id}”的失效日期早于生效日期"
            )
        if not re.fullmatch(r"|[0-9]{2,6}|[0-9]{9}|[0-9]{12}", one.jurisdiction):
            yield draft.places.finding(
                one, f"'{one.jurisdiction}' is no division code", f"“{one.jurisdiction}”不是行政区划代码"
            )


def _processing(draft: Draft, known: Known) -> Iterator[Finding]:
    said = draft.processing
    if said is not None and said.retention and said.retention not in known.parameters:
        text = (
            f"no rule declares the parameter '{said.retention}': the record of processing tells no retention"
        )
        zh = f"没有声明参数“{said.retention}”，处理活动记录中将没有保存期限"
        # a folder may be taken away without those beside it failing
        yield replace(draft.places.finding(said, text, zh, part="retention"), severity="warning")


def _sections(draft: Draft, known: Known) -> Iterator[Finding]:
    for section in draft.home:
        yield from check_section(section, draft.registers, known.parameters, known.homes, draft.places)
    for entry in draft.entrance:
        yield from check_entrance(
            entry, draft.cases, draft.registers, [one.id for one in draft.bookings], draft.places
        )


def _documents(draft: Draft, known: Known) -> Iterator[Finding]:
    for document in draft.documents:
        yield from check_document(document, draft.cases, draft.places, draft.registers)
    made = {one.id for one in draft.documents}
    for case in draft.cases:
        for effect in (*case.effects, *(one for move in case.moves for one in move.effects)):
            if "document" in effect and effect["document"] not in made:
                text = f"there is no document '{effect['document']}' in this service"
                yield draft.places.finding(case, text, f"本服务没有公文“{effect['document']}”")
            if "term" in effect and effect["term"] not in known.parameters:
                text = f"no rule declares the parameter '{effect['term']}'"
                yield draft.places.finding(case, text, f"没有声明参数“{effect['term']}”")


def _bookings(draft: Draft, known: Known) -> Iterator[Finding]:
    for booking in draft.bookings:
        yield from check_booking(booking, known.parameters, draft.places)


def _calculations(draft: Draft, known: Known) -> Iterator[Finding]:
    yield from check_calculations(draft.calculations, draft.cases, known.parameters, draft.places)


def _exchanges(draft: Draft, known: Known) -> Iterator[Finding]:
    for one in draft.exchanges:
        yield from check_exchange(one, draft.cases, draft.places)
    for case in draft.cases:
        for state in case.states:
            for en, zh in check_publication(state, case, draft.cases, known.parameters):
                yield draft.places.finding(state, en, zh)


def _quality(draft: Draft, known: Known) -> Iterator[Finding]:
    for one in draft.quality:
        yield from check_rule(draft, one)


def _questionnaires(draft: Draft, known: Known) -> Iterator[Finding]:
    for one in draft.questionnaires:
        yield from check_questionnaire(one, known.parameters, draft.places)


def _lists(draft: Draft, known: Known) -> Iterator[Finding]:
    for one in draft.lists:
        yield from check_list(one, known.cases, known.registers, known.roles, known.measures, draft.places)
    for case in draft.cases:
        yield from check_listed(case, known.registers, draft.places)
        yield from check_suggested(case, known.lists, draft.places)
    for register in draft.registers:
        yield from check_related(register, known.registers, draft.places)
        for en, zh in check_pictures(register, known.registers):
            yield draft.places.finding(register, en, zh)


def _warnings(draft: Draft, known: Known) -> Iterator[Finding]:
    splits = (known.measures, known.dimensions)
    yield from check_warnings(draft.warnings, splits, known.lists, known.parameters, draft.places)


def _scenarios(draft: Draft, known: Known) -> Iterator[Finding]:
    for scenario in draft.scenarios:
        yield from check_scenario(draft, scenario)
    yield from check_coverage(draft)


def _live(draft: Draft, known: Known) -> Iterator[Finding]:
    kinds = {one.id: one for one in draft.cases}
    rosters = {one.id for one in draft.rosters}
    for signal in draft.signals:
        yield from check_signal(signal, kinds, known.parameters, draft.places)
    for desk in draft.desks:
        yield from check_desk(desk, kinds, rosters, draft.places)
    registers = {one.id: one.resource_type for one in draft.registers}
    for roster in draft.rosters:
        yield from check_roster(roster, registers, known.parameters, draft.places)
    for case in draft.cases:
        for effect in (*case.effects, *(one for move in case.moves for one in move.effects)):
            if "on_duty" in effect and effect["on_duty"] not in rosters:
                text = f"there is no roster '{effect['on_duty']}' in this service"
                yield draft.places.finding(case, text, f"本服务没有值班表“{effect['on_duty']}”")


CHECKS: Final[tuple[Check, ...]] = (
    _names,
    _fields,
    _registers,
    _machines,
    _deadlines,
    _documents,
    _questionnaires,
    _quality,
    _bookings,
    _calculations,
    _exchanges,
    _lists,
    _warnings,
    _live,
    _scenarios,
    _parameters,
    _sections,
    _processing,
)
