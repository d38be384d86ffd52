"""What must hold of what a case kind says beyond its machine: checklists, watched moves, cases it opens, its answer."""

from __future__ import annotations

from collections.abc import Iterator, Set

from kangshu import cases
from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import CaseDeclaration, Move
from kangshu.services.draft import Draft
from kangshu.services.findings import Finding


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
