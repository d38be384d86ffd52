"""The YAML of a service's official documents → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, cast

from kangshu import cases, registers
from kangshu.base.faults import Fault
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import (
    CALCULATED_ROWS,
    CITED_COLUMNS,
    DOCUMENT_NAMES,
    CaseDeclaration,
    DocumentBlock,
    DocumentColumn,
    DocumentDeclaration,
    RegisterDeclaration,
)
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

_FORMS: Final = ("document", "letter", "minutes", "sheet")


def read_document(entry: Entry, service: str, places: Places) -> DocumentDeclaration:
    """Return the document that `entry` declares; what is wrong goes to the entry's findings."""
    document = DocumentDeclaration(
        id=entry.string("id", required=True),
        service=service,
        case=entry.string("case"),
        register=entry.string("register"),
        title=entry.text("title"),
        form=cast("Any", entry.one_of("form", _FORMS, default="document")),
        agency=entry.string("agency"),
        heading=entry.string("heading", required=True),
        body=entry.each("body", _block),
        facts=entry.each("facts", _column),
        states=entry.strings("states"),
        label=entry.string("label"),
        numbering=entry.string("numbering"),
        mark=entry.string("mark"),
        receivers=entry.strings("receivers"),
        present=entry.strings("present"),
        excused=entry.strings("excused"),
        observers=entry.strings("observers"),
        annexes=entry.strings("annexes"),
        cited_annex=entry.string("cited_annex"),
        notes=entry.strings("notes"),
        copies=entry.strings("copies"),
        issuer=entry.string("issuer"),
    )
    places.note(document, entry)
    entry.close()
    return document


def _block(entry: Entry) -> DocumentBlock:
    level = entry.integer("level", 0)
    if not 0 <= level <= 4:
        entry.find(entry.line_of("level"), "levels are 0 to 4", "层次（level）应为 0 至 4")
        level = 0
    block = DocumentBlock(
        text=entry.string("text"),
        heading=entry.string("heading"),
        level=cast("Any", level),
        each=entry.string("each"),
        columns=entry.each("columns", _column),
        when=entry.string("when"),
    )
    entry.close()
    return block


def _column(entry: Entry) -> DocumentColumn:
    column = DocumentColumn(entry.string("title", required=True), entry.string("text", required=True))
    entry.close()
    return column


def check_document(
    document: DocumentDeclaration,
    kinds: Collection[CaseDeclaration],
    places: Places,
    listed: Collection[RegisterDeclaration] = (),
) -> Iterator[Finding]:
    """Yield what is wrong with a document, given its service's case kinds and registers."""

    def found(en: str, zh: str) -> Finding:
        return places.finding(document, en, zh)

    if bool(document.case) == bool(document.register):
        yield found(
            "a document is of a case or of a register", "文书须属于一种办件（case）或一个台账（register）"
        )
        return
    if document.form != "sheet" and (document.register or not document.agency):
        yield found("only a sheet has no agency or a register", "只有 sheet 可以没有发文机关，或用于台账")
    if document.register:
        yield from _check_print(document, listed, found)
        return
    kind = next((one for one in kinds if one.id == document.case), None)
    if kind is None:
        yield found(f"there is no case '{document.case}' in this service", f"本服务没有办件“{document.case}”")
        return
    for state in set(document.states) - {one.id for one in kind.states}:
        yield found(f"'states' names no state '{state}'", f"states 引用了不存在的状态“{state}”")
    if document.numbering and "{sequence}" not in document.numbering.replace("${", ""):
        yield found("'numbering' holds {sequence}", "“numbering”须含 {sequence}")
    for block in document.body:
        if block.when:
            try:
                compile_expression(block.when)
            except Fault as fault:
                yield found(f"'when': {fault.text}", f"“when”：{fault.zh}")
        if block.columns and not block.each:
            yield found("a table has 'each'", "表格须有 each")
        if block.each and _columns(kind, kinds, block.each) is None:
            yield found(
                f"'each: {block.each}' gives no rows here", f"“each: {block.each}”在此办件中没有可列出的内容"
            )
    for name, item in _asked(document):
        if item is None and name not in _names(kind):
            yield found(f"${{{name}}} is no field of the case", f"办件中没有 ${{{name}}}")
        elif item is not None and name not in (_columns(kind, kinds, item) or {}):
            yield found(f"${{item.{name}}} is no column of '{item}'", f"“{item}”中没有 ${{item.{name}}}")


def _check_print(
    document: DocumentDeclaration,
    listed: Collection[RegisterDeclaration],
    found: Callable[[str, str], Finding],
) -> Iterator[Finding]:
    """Yield what is wrong with a print form of a register."""
    register = next((one for one in listed if one.id == document.register), None)
    if register is None:
        yield found(
            f"there is no register '{document.register}' in this service",
            f"本服务没有台账“{document.register}”",
        )
        return
    known = {"today", "year", *(field.id for field in register.form)}
    known |= {
        f"{field.id}.{name}" for field in register.form for name in registers.DETAILS.get(field.kind, ())
    }
    rows = {field.id: {one.id for one in field.columns} for field in register.form if field.columns}
    for block in document.body:
        if block.when:
            try:
                compile_expression(block.when)
            except Fault as fault:
                yield found(f"'when': {fault.text}", f"“when”：{fault.zh}")
        if block.each.startswith(registers.OF_RECORDS):
            name, _, column = block.each.removeprefix(registers.OF_RECORDS).partition(":")
            other = next((one for one in listed if one.id == name), None)
            columns = {one.id: one for one in other.columns} if other is not None else {}
            rows[block.each] = set(columns)
            if column not in columns or not columns[column].search:
                yield found(
                    f"'each: {block.each}' names no column to filter by",
                    f"“each: {block.each}”没有可筛选的列",
                )
        elif block.each and block.each not in rows:
            yield found(f"'each: {block.each}' gives no rows here", f"“each: {block.each}”没有可列出的内容")
    for name, item in _asked(document):
        if item is None and name not in known:
            yield found(f"${{{name}}} is no field of the register", f"台账中没有 ${{{name}}}")
        elif item is not None and name not in rows.get(item, set()):
            yield found(f"${{item.{name}}} is no column of '{item}'", f"“{item}”中没有 ${{item.{name}}}")


def _asked(document: DocumentDeclaration) -> Iterator[tuple[str, str | None]]:
    """Yield every name that the templates ask for, with the `each` that it is a column of (None: of the case)."""
    plain = (
        document.agency, document.heading, document.label, document.numbering, document.mark, document.issuer,
        *document.receivers, *document.present, *document.excused, *document.observers, *document.annexes,
        *document.notes, *document.copies, *(one.text for one in document.facts),
    )  # fmt: skip
    for template in plain:
        yield from ((name, None) for name in cases.names_in(template))
    for block in document.body:
        for template in (block.text, block.heading, *(one.text for one in block.columns)):
            for name in cases.names_in(template):
                inner = name.removeprefix("item.")
                yield (inner, block.each) if inner != name else (name, None)


def _names(kind: CaseDeclaration) -> set[str]:
    of = {"Patient": "resident", "Organization": "organisation"}.get(kind.subject_type, "")
    subject = {f"subject.{name}" for name in registers.DETAILS.get(of, ())}
    return {*cases.all_fields(kind), *DOCUMENT_NAMES, *subject}


def _columns(
    kind: CaseDeclaration, kinds: Collection[CaseDeclaration], each: str
) -> Mapping[str, object] | set[str] | None:
    """Return the columns of the rows that `each` gives, None where it gives none."""
    if each == "cited":
        return set(CITED_COLUMNS)
    if each in CALCULATED_ROWS:
        return set(CALCULATED_ROWS[each])
    if each.startswith(cases.CHILDREN):
        child = next((one for one in kinds if one.id == each.removeprefix(cases.CHILDREN)), None)
        return None if child is None else _names(child)
    field = cases.all_fields(kind).get(each)
    if field is None:
        return None
    return {one.id for one in field.columns} if field.kind == "table" else {"value"}
