"""One record of a register: what it says, and the history of its fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import name_of, tell
from kangshu.base.faults import Fault
from kangshu.sdk import Field
from kangshu.web.actors import Actor, actors
from kangshu.web.forms import shown_value
from kangshu.web.lookup import choices_of
from kangshu.web.pages.case_papers import DOCX, PDF
from kangshu.web.pages.registers import declaration_of, record_address
from kangshu.web.pages.related import cases_about, related_tables
from kangshu.web.parts import Fact
from kangshu.web.visit import Visit

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one change."""

    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Version:
    """One change of the record with the fields that it changed."""

    title: str
    at: str
    who: str
    place: str
    """Organisation and role of who made it."""
    changes: list[Change]


async def record(visit: Visit) -> Response:
    """Show one record of a register."""
    declared, words, id_ = declaration_of(visit), visit.words, visit.path("id")
    found = await visit.platform.registers.record(visit.grant, declared.code, id_)
    choices = await choices_of(visit, [field for field in declared.form if field.kind == "district"])
    facts = []
    for field in declared.form:
        value = found.values.get(field.id)
        if field.kind == "table":
            facts.append(_table(visit, field, value or (), found.names))
            continue
        text = found.names.get(str(value)) or shown_value(words, field, value, choices)
        facts.append(Fact(words.of(field.title), text, _address(field, value), field.kind == "paragraph"))
    name = words.of(declared.title)
    kept = [(one, words.of(found.kept[one.id])) for one in declared.columns if one.id in found.kept]
    facts[1:1] = [Fact(words.of(one.title), text) for one, text in kept if text]
    title = next((fact.value for fact in facts if fact.value), name_of(found.resource))
    address = f"/registers/{declared.code}"
    versions = await versions_of(visit, declared.code, id_)
    return visit.render(
        "record.html",
        title=title,
        kind=name,
        trail=[(words("工作台"), "/"), (name, address), (title, "")],
        edit=f"{address}/{id_}/edit" if visit.grant.may("register.write") and not declared.read_only else "",
        facts=facts,
        related=await related_tables(visit, declared, id_),
        cases=await cases_about(visit, declared, id_),
        versions=versions[:_SHOWN],
        older=len(versions) - _SHOWN,
        history=f"{address}/{id_}/history",
        prints=[
            (words.of(one.title), f"{address}/{id_}/prints/{one.id}")
            for one in visit.platform.prints.documents(declared.code)
        ],
    )


def _table(visit: Visit, field: Field, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Fact:
    words = visit.words
    columns = [one for one in field.columns if not one.hidden]
    cells = tuple(
        tuple(names.get(str(row.get(one.id))) or shown_value(words, one, row.get(one.id)) for one in columns)
        for row in rows
    )
    return Fact(words.of(field.title), "", heads=tuple(words.of(one.title) for one in columns), rows=cells)


def _address(field: Field, value: object) -> str:
    if isinstance(value, str):
        if field.kind == "resident" and value.startswith("Patient/"):
            return f"/residents/{value[8:]}"
        if field.kind == "attachment" and value.startswith("DocumentReference/"):
            return f"/files/{value[18:]}/preview"
    return ""


async def print_form(visit: Visit) -> Response:
    """Return a record in one of its print forms, as docx or pdf."""
    declared, id_, document = declaration_of(visit), visit.path("id"), visit.path("document")
    form = visit.path("form")
    name, data = await visit.platform.prints.printed(
        visit.grant,
        declared.code,
        id_,
        document,
        form,
        mark=visit.words("演示数据") if visit.platform.settings.demo else "",
    )
    await tell(
        visit.platform, visit.grant, "export", declared.resource_type, id_, f"print form {document}.{form}"
    )
    return visit.download(data, name, DOCX if form == "docx" else PDF)


async def history(visit: Visit) -> Response:
    """Show every change of a record's fields: which, who, when, from what to what; `field` narrows it to one."""
    declared, words, id_ = declaration_of(visit), visit.words, visit.path("id")
    found = await visit.platform.registers.record(visit.grant, declared.code, id_)
    versions = await versions_of(visit, declared.code, id_, visit.query("field"))
    name, address = words.of(declared.title), f"/registers/{declared.code}"
    title = next((one for field in declared.form if (one := str(found.values.get(field.id) or ""))), "")
    title = found.names.get(title, title) or name_of(found.resource)
    return visit.render(
        "record_history.html",
        title=title,
        trail=[
            (words("工作台"), "/"),
            (name, address),
            (title, record_address(declared, id_)),
            (words("变更记录"), ""),
        ],
        address=f"{address}/{id_}/history",
        back=record_address(declared, id_),
        fields=[(one.id, words.of(one.title)) for one in declared.form],
        field=visit.query("field"),
        versions=versions,
    )


async def versions_of(visit: Visit, code: str, id_: str, field: str = "") -> list[Version]:
    """Return the changes of a record's fields (of one of them), the newest first; masked fields stay masked."""
    words = visit.words
    try:
        found = await visit.platform.registers.changes(visit.grant, code, id_)
    except Fault:
        return []
    by_version: dict[int, list[Any]] = {}
    for change in found:
        if field in ("", change.field):
            by_version.setdefault(change.version, []).append(change)
    known = await actors(visit, {changes[0].account for changes in by_version.values()})
    nobody = Actor(words("系统自动处理"), "", "")
    return [
        Version(
            words("新建") if number == 1 else words("第 {number} 版", number=number),
            changes[0].when.isoformat(),
            known.get(changes[0].account, nobody).name,
            known.get(changes[0].account, nobody).place,
            [
                Change(
                    words.of(one.title),
                    words.of(one.before) or words("空"),
                    words.of(one.after) or words("空"),
                )
                for one in (changes if number > 1 or field else ())
            ],
        )
        for number, changes in by_version.items()
    ]
