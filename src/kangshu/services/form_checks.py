"""What must hold of the fields of a form, of a register's as of a case's, and of the criteria that choose records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl

from kangshu.base.faults import Fault
from kangshu.fhir import definitions
from kangshu.registers import REFERENCE_TYPES, parse_path
from kangshu.sdk import Field
from kangshu.search import parse_query
from kangshu.services.draft import Draft
from kangshu.services.findings import Finding

_FIELD_ID = re.compile(r"[a-z][a-z0-9_]{0,40}\Z")
_NAME = re.compile(r"\$\{[^}]*\}")


def check_form(draft: Draft, form: Sequence[Field]) -> Iterator[Finding]:
    """Yield what is wrong with the fields of a form, columns of its tables included."""
    finding = draft.places.finding
    seen: set[str] = set()
    for field in form:
        if not _FIELD_ID.match(field.id):
            yield finding(
                field,
                f"field id '{field.id}' is not lower case",
                f"字段标识“{field.id}”应为小写字母、数字、下划线",
            )
        if field.id in seen:
            yield finding(field, f"field '{field.id}' is declared twice", f"字段“{field.id}”重复")
        seen.add(field.id)
        yield from _columns(draft, field)
        if field.kind == "choice" and not field.options:
            yield finding(field, f"choice '{field.id}' has no options", f"选项字段“{field.id}”没有选项")
        if field.kind == "reference" and not definitions().is_resource(field.reference_type):
            text = f"field '{field.id}' needs a reference_type"
            yield finding(field, text, f"引用字段“{field.id}”缺少有效的 reference_type")
        if field.pattern:
            try:
                re.compile(field.pattern)
            except re.error as error:
                yield finding(
                    field, f"pattern of '{field.id}': {error}", f"字段“{field.id}”的 pattern 有误：{error}"
                )
        if field.path:
            try:
                parse_path(field.path)
            except Fault as fault:
                yield finding(field, fault.text, fault.zh)
        kind = REFERENCE_TYPES.get(field.kind, field.reference_type)
        if field.criteria and definitions().is_resource(kind):
            yield from check_criteria(draft, field, kind, sample_of(field.criteria))


def _columns(draft: Draft, field: Field) -> Iterator[Finding]:
    finding = draft.places.finding
    if (field.kind == "table") != bool(field.columns):
        text = f"'{field.id}': a table has columns, and nothing else has"
        yield finding(field, text, f"字段“{field.id}”：表格须有 columns，其他类型不能有")
    for column in field.columns:
        if column.kind == "table" or bool(column.path) != bool(field.path) or column.prefill or column.grows:
            text = f"column '{column.id}' can be no table, takes no prefill or grows, and a path where the table has one"
            yield finding(column, text, f"列“{column.id}”不能是表格，也不能有 path、prefill 或 grows")
    if field.columns:
        yield from check_form(draft, field.columns)


def sample_of(criteria: str) -> str:
    """Return criteria with something in place of each ${name}, to parse."""
    return _NAME.sub("x", criteria.replace("${today}", "2026-01-01"))


def check_criteria(draft: Draft, place: object, kind: str, criteria: str) -> Iterator[Finding]:
    """Yield why `criteria` are no search of the resource type `kind`."""
    try:
        parse_query(kind, parse_qsl(criteria, keep_blank_values=True))
    except Fault as fault:
        yield draft.places.finding(place, f"'{criteria}': {fault.text}", f"“{criteria}”：{fault.zh}")
