"""What must hold of what a case kind says beyond its machine: checklists, watched moves, cases it opens, its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Final
from urllib.parse import parse_qsl

from kangshu import cases
from kangshu.base.faults import Fault
from kangshu.fhir import definitions
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import CaseDeclaration, Move
from kangshu.search import parse_query
from kangshu.services.draft import Draft
from kangshu.services.findings import Finding

CARRIED: Final = (
    "",
    "duty",
    "slip",
    "internal-flow",
    "progress-return",
    "assessment",
    "instruction",
    "consent",
    "rights",
    "data-use",
    "quality-return",
    "proposal",
    "conference-issue",
    "review",
    "referral",
    "warning",
)
"""What a case kind may carry of the platform's own."""

_NAME = re.compile(r"[a-z][a-z_]{1,30}")


def check_kind(draft: Draft, case: CaseDeclaration, parameters: Set[str]) -> Iterator[Finding]:
    """Yield what is wrong with these declarations of a case kind; `parameters` are the ids that rules declare."""
    finding = draft.places.finding
    answers = {move.id: move for move in case.moves}
    if case.answer and (case.answer not in answers or "owner" not in answers[case.answer].by):
        text = f"'answer: {case.answer}' is no move of the owner"
        yield finding(case, text, f"“answer: {case.answer}”不是承办单位的操作")
    if case.internal and case.answer:
        text = "an internal case is answered to nobody: it takes no 'answer'"
        yield finding(case, text, "内部办件不对外答复，不能声明 answer")
    if case.secret and case.internal:
        text = "a statistical return is no internal case: it has two parties"
        yield finding(case, text, "统计报表（secret）不能同时声明为内部办件（internal）")
    yield from _records(draft, case, parameters)
    yield from _opened(draft, case, None, parameters)
    for move in case.moves:
        yield from _checklist(draft, move, parameters)
        yield from _opened(draft, case, move, parameters)
        if move.watched and (
            "system" not in move.by or not move.guard or any(field.required for field in move.form)
        ):
            text = (
                f"the system cannot watch '{move.id}': it needs `by: system`, a guard and no required field"
            )
            zh = f"系统不能自动执行“{move.title.zh}”：须允许 system、有条件且表单无必填项"
            yield finding(move, text, zh)
        if move.in_person and not _names_a_person(case, move.in_person):
            text = f"'in_person: {move.in_person}' is no field of the case that names a practitioner"
            yield finding(move, text, f"“in_person: {move.in_person}”不是办件中指明人员的字段")


def _names_a_person(case: CaseDeclaration, name: str) -> bool:
    field = cases.all_fields(case).get(name)
    return field is not None and (
        field.kind == "practitioner" or field.reference_type in ("Practitioner", "PractitionerRole")
    )


def _records(draft: Draft, case: CaseDeclaration, parameters: Set[str]) -> Iterator[Finding]:
    finding = draft.places.finding
    for one in case.records:
        for name in filter(None, (one.since, one.monthly.day if one.monthly else "")):
            if name not in parameters:
                text = f"records '{one.id}': no rule declares the parameter '{name}'"
                yield finding(one, text, f"查阅记录“{one.id}”：没有声明参数“{name}”")
        if not _NAME.fullmatch(one.id) or one.id in cases.GIVEN_NAMES:
            text = f"'{one.id}' is no name for records that a case looks up"
            yield finding(one, text, f"“{one.id}”不能作为查阅记录的名称")
        if not definitions().is_resource(one.resource_type):
            text = f"'{one.resource_type}' is no R4 resource type"
            yield finding(one, text, f"“{one.resource_type}”不是 R4 资源类型")
            continue
        try:
            parse_query(one.resource_type, parse_qsl(_sample(one.criteria, case), keep_blank_values=True))
            for expression in (*one.columns.values(), *filter(None, (one.newest, one.key))):
                compile_expression(expression)
        except Fault as fault:
            yield finding(one, f"records '{one.id}': {fault.text}", f"查阅记录“{one.id}”：{fault.zh}")
    known = {one.id for one in case.records}
    for effect in (*case.effects, *(one for move in case.moves for one in move.effects)):
        each = str(effect.get("each", ""))
        if each.startswith("%") and each.removeprefix("%") not in known:
            text = f"the case looks up no records '{each}'"
            yield finding(case, text, f"办件没有声明查阅记录“{each}”")


def _sample(criteria: str, case: CaseDeclaration) -> str:
    """Return criteria with something in place of each ${name}, to parse: a day for a date field."""
    days = {name for name, field in cases.all_fields(case).items() if field.kind == "date"} | {
        "today",
        "since",
        "day",
    }
    return str(
        cases.substitute(
            criteria, dict.fromkeys(cases.names_in(criteria), "x") | dict.fromkeys(days, "2026-01-01")
        )
    )


def _checklist(draft: Draft, move: Move, parameters: Set[str]) -> Iterator[Finding]:
    finding = draft.places.finding
    seen: set[str] = set()
    fields = {field.id for field in move.form}
    for item in move.checklist:
        if item.id in seen:
            yield finding(item, f"item '{item.id}' is declared twice", f"核对项“{item.id}”重复")
        seen.add(item.id)
        if item.reason and item.reason not in fields:
            text = f"item '{item.id}': the move's form has no field '{item.reason}'"
            yield finding(item, text, f"核对项“{item.title.zh}”：表单中没有字段“{item.reason}”")
        for expression in filter(None, (item.check, item.evidence)):
            try:
                compile_expression(expression)
            except Fault as fault:
                yield finding(item, f"item '{item.id}': {fault.text}", f"核对项“{item.title.zh}”：{fault.zh}")
            for name in set(cases.parameters_in(expression)) - parameters:
                text = f"item '{item.id}': no rule declares the parameter '{name}'"
                yield finding(item, text, f"核对项“{item.title.zh}”引用了没有声明的参数“{name}”")


def _opened(
    draft: Draft, case: CaseDeclaration, move: Move | None, parameters: Set[str]
) -> Iterator[Finding]:
    place = move or case
    for kind, parameter in cases.opened_kinds(case.effects if move is None else move.effects):
        if kind not in {one.id for one in draft.cases}:
            text = f"there is no case '{kind}' in this service"
            yield draft.places.finding(place, text, f"本服务没有办件“{kind}”")
        if parameter and parameter not in parameters:
            text = f"no rule declares the parameter '{parameter}'"
            yield draft.places.finding(place, text, f"没有声明参数“{parameter}”")
