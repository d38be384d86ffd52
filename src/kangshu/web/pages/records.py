"""One record of a register: what it says, and the history of its fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.faults import Fault
from kangshu.sdk import Field
from kangshu.web.forms import shown_value
from kangshu.web.lookup import choices_of, name_of
from kangshu.web.pages.registers import declaration_of
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
    changes: list[Change]


async def record(visit: Visit) -> Response:
    """Show one record of a register."""
    declared, words, id_ = declaration_of(visit), visit.words, visit.path("id")
    found = await visit.platform.registers.record(visit.grant, declared.code, id_)
    choices = await choices_of(visit, [field for field in declared.form if field.kind == "district"])
    facts = []
    for field in declared.form:
        value = found.values.get(field.id)
        text = found.names.get(str(value)) or shown_value(words, field, value, choices)
        facts.append(Fact(words.of(field.title), text, _address(field, value), field.kind == "paragraph"))
    name = words.of(declared.title)
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
        versions=versions[:_SHOWN],
        older=len(versions) - _SHOWN,
    )


def _address(field: Field, value: object) -> str:
    if isinstance(value, str):
        if field.kind == "resident" and value.startswith("Patient/"):
            return f"/residents/{value[8:]}"
        if field.kind == "attachment" and value.startswith("DocumentReference/"):
            return f"/files/{value[18:]}/preview"
    return ""


async def versions_of(visit: Visit, code: str, id_: str) -> list[Version]:
    """Return the changes of a record's fields, the newest first; masked fields stay masked."""
    words = visit.words
    try:
        found = await visit.platform.registers.changes(visit.grant, code, id_)
    except Fault:
        return []
    by_version: dict[int, list[Any]] = {}
    for change in found:
        by_version.setdefault(change.version, []).append(change)
    return [
        Version(
            words("新建") if number == 1 else words("第 {number} 版", number=number),
            changes[0].when.isoformat(),
            [
                Change(
                    words.of(one.title),
                    words.of(one.before) or words("空"),
                    words.of(one.after) or words("空"),
                )
                for one in (changes if number > 1 else ())
            ],
        )
        for number, changes in by_version.items()
    ]
