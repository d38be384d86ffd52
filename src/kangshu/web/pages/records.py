"""One record of a register: what it says and how it changed."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from kangshu.base.faults import Fault
from kangshu.sdk import Field
from kangshu.web.forms import shown_value
from kangshu.web.lookup import choices_of, name_of
from kangshu.web.pages.registers import declaration_of
from kangshu.web.parts import Fact
from kangshu.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Version:
    """One change of the record."""

    title: str
    at: str


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
    return visit.render(
        "record.html",
        title=title,
        kind=name,
        trail=[(words("工作台"), "/"), (name, address), (title, "")],
        edit=f"{address}/{id_}/edit" if visit.grant.may("register.write") else "",
        facts=facts,
        versions=await _versions(visit, declared.resource_type, id_),
    )


def _address(field: Field, value: object) -> str:
    if field.kind == "resident" and isinstance(value, str) and value.startswith("Patient/"):
        return f"/residents/{value[8:]}"
    return ""


async def _versions(visit: Visit, kind: str, id_: str) -> list[Version]:
    try:
        page = await visit.platform.store.history(visit.grant, kind, id_, count=20)
    except Fault:
        return []
    return [
        Version(
            visit.words("第 {number} 版", number=one.version)
            + (f" · {visit.words('已删除')}" if one.deleted else ""),
            str(one.last_updated.isoformat() if hasattr(one.last_updated, "isoformat") else one.last_updated),
        )
        for one in page.entries
    ]
