"""A document's templates filled in: the names of a case as people read them, its rows, the blocks that come of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from kangshu.access import Everything, NoPatient, system_grant
from kangshu.base.faults import Fault
from kangshu.cases import all_fields, calculation_rows, inputs, number_of, state_of
from kangshu.documents import (
    OfficialAnnex,
    OfficialBlock,
    OfficialDocument,
    OfficialParagraph,
    OfficialTable,
    Report,
    written_day,
)
from kangshu.fhirpath import compile as compile_expression
from kangshu.plans.citing import Cited
from kangshu.registers import BLANK, Names, filled, item_names, sheet_blocks
from kangshu.registers import names_of as names_of_records
from kangshu.sdk import CALCULATED_ROWS, CaseDeclaration, DocumentBlock, DocumentDeclaration, Field, Resource
from kangshu.store import Store

_LOOKS: Final = replace(
    system_grant("names in official documents"),
    read=MappingProxyType(
        {
            **dict.fromkeys(("Organization", "Practitioner", "Location", "HealthcareService"), Everything()),
            "Task": NoPatient(),
        }
    ),
)
"""Names of units and staff are looked up for whoever sees the case: they are part of its words. Residents are not."""


async def names_of(store: Store, kind: CaseDeclaration, task: Resource, day: date) -> dict[str, Any]:
    """Return the names that templates may use of a case, each as people read it; tables as lists of such rows."""
    fields = all_fields(kind)
    held = {name: value for name, value in inputs(task).items() if name in fields}
    pointed = set(_references(held))
    called = await names_of_records(store, _LOOKS, pointed) if pointed else {}
    state = next((one.title.zh for one in kind.states if one.id == state_of(task)), "")
    names: dict[str, Any] = {name: _shown(fields[name], value, called) for name, value in held.items()}
    return {
        **names,
        "number": number_of(task),
        "title": str(task.get("description", "")),
        "state": state,
        "owner_name": str((task.get("owner") or {}).get("display", "")),
        "requester_name": str((task.get("requester") or {}).get("display", "")),
        "today": written_day(day),
        "year": str(day.year),
    }


def _references(values: Any) -> Iterator[str]:
    if isinstance(values, Mapping):
        for value in values.values():
            yield from _references(value)
    elif isinstance(values, list):
        for value in values:
            yield from _references(value)
    elif isinstance(values, str) and re.fullmatch(r"[A-Z][A-Za-z]+/[A-Za-z0-9.\-]+", values):
        yield values


def _shown(field: Field, value: Any, called: Mapping[str, str]) -> Any:
    if field.kind == "table":
        columns = {one.id: one for one in field.columns}
        return [
            {name: _shown(columns[name], cell, called) for name, cell in row.items() if name in columns}
            for row in value
        ]
    if isinstance(value, list):
        return [_shown(field, one, called) for one in value]
    match field.kind:
        case "choice":
            return next((one.title.zh for one in field.options if one.code == value), str(value))
        case "boolean":
            return "是" if value else "否"
        case "date" if len(str(value)) == 10:
            return written_day(date.fromisoformat(str(value)))
        case "decimal":
            return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
        case _:
            return called.get(str(value), value)


async def gathered(
    store: Store,
    document: DocumentDeclaration,
    kind: CaseDeclaration,
    kinds: Mapping[str, CaseDeclaration],
    task: Resource,
    children: Sequence[Resource],
    facts: Sequence[Cited],
    day: date,
) -> tuple[dict[str, Any], dict[str, list[Names]]]:
    """Return the names that a document's templates may use, and the rows of what `each` may name."""
    names = await names_of(store, kind, task, day)
    rows: dict[str, list[Names]] = {"cited": [one.row() for one in facts]}
    if any(block.each in CALCULATED_ROWS for block in document.body):
        rows |= {name: list(one) for name, one in (await calculation_rows(store, task)).items()}
    for name, value in names.items():
        if isinstance(value, list):
            rows[name] = [one if isinstance(one, Mapping) else {"value": one} for one in value]
    for child in children:
        code = next((str(one["code"]) for one in child["code"]["coding"]), "")
        if code in kinds and kinds[code].service == document.service:
            told = await names_of(store, kinds[code], child, day)
            rows.setdefault(f"children:{kinds[code].id}", []).append(told)
    return names, rows


def sheet(
    document: DocumentDeclaration,
    names: Names,
    rows: Mapping[str, Sequence[Names]],
    task: Resource,
    made: datetime,
) -> Report:
    """Return a case's print form filled in; where nothing is known it has a line to write on."""
    return Report(
        filled(document.heading, names, BLANK),
        [(one.title, filled(one.text, names, BLANK)) for one in document.facts],
        list(sheet_blocks(document.body, names, rows, lambda expression: _holds(expression, task))),
        "",
        made,
        filled(document.agency, names),
    )


def composed(
    document: DocumentDeclaration,
    given: Names,
    rows: Mapping[str, Sequence[Names]],
    task: Resource,
    facts: Sequence[Cited],
    day: date | None,
    number: str,
) -> OfficialDocument:
    """Return the document filled in. Without `day` it is a draft: what is missing says so, and it bears no date."""
    missing = "" if day else "〔待填〕"
    names = {**given, "document_number": number}

    def text(template: str) -> str:
        return filled(template, names, missing)

    def texts(templates: Sequence[str]) -> tuple[str, ...]:
        return tuple(one for template in templates for one in text(template).split("、") if one)

    annexed = (
        (OfficialAnnex(document.cited_annex, (_cited_table(facts),)),) if _annexed(document, facts) else ()
    )
    notes = tuple(one for one in (text(template) for template in document.notes) if one)
    return OfficialDocument(
        agency=text(document.agency),
        title=text(document.heading),
        body=tuple(_blocks(document.body, names, rows, task, missing)),
        form="document" if document.form == "sheet" else document.form,
        label=text(document.label),
        number=number or ("（草稿）" if day is None else ""),
        mark=text(document.mark),
        receivers=texts(document.receivers),
        annexes=(*texts(document.annexes), *(one.title for one in annexed)),
        annexed=annexed,
        day=day,
        notes=notes,
        copies=texts(document.copies),
        issuer=text(document.issuer),
        present=texts(document.present),
        excused=texts(document.excused),
        observers=texts(document.observers),
    )


def _annexed(document: DocumentDeclaration, facts: Sequence[Cited]) -> bool:
    return bool(document.cited_annex and facts)


def _cited_table(facts: Sequence[Cited]) -> OfficialTable:
    heads = ("任务或指标", "责任单位", "状态", "数值", "截至", "来源")
    rows = ((one.title, one.unit, one.state, one.value, one.as_of, one.source) for one in facts)
    return OfficialTable((heads, *rows), (5, 3, 2, 2, 3, 3))


def _blocks(
    blocks: Sequence[DocumentBlock],
    names: Names,
    rows: Mapping[str, Sequence[Names]],
    task: Resource,
    missing: str,
) -> Iterator[OfficialBlock]:
    for block in blocks:
        if block.when and not _holds(block.when, task):
            continue
        if block.columns:
            if listed := rows.get(block.each, ()):
                heads = tuple(one.title for one in block.columns)
                cells = (
                    tuple(filled(one.text, {**names, **item_names(row)}) for one in block.columns)
                    for row in listed
                )
                yield OfficialTable((heads, *cells))
            continue
        for row in rows.get(block.each, ()) if block.each else ({},):
            said = {**names, **item_names(row)}
            heading, body = filled(block.heading, said, missing), filled(block.text, said, missing)
            lines = [one.strip() for one in body.split("\n") if one.strip()]
            if not heading and not lines:
                continue
            # a text that begins with a line break stands below its heading, another runs on after it
            beside = [] if heading and body.startswith("\n") else lines[:1]
            yield OfficialParagraph("".join(beside), block.level, heading)
            yield from (OfficialParagraph(one) for one in lines[len(beside) :])


def _holds(expression: str, task: Resource) -> bool:
    try:
        return compile_expression(expression).holds(task, {}) is True
    except Fault:
        return False
