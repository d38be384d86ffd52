"""档案调阅: residents, staff and organisations found by name or number. Forms fetch the same page to let one choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.access import Nothing
from kangshu.api import name_of
from kangshu.base.faults import NotFound
from kangshu.base.text import Text
from kangshu.sdk import Field, FieldKind
from kangshu.web.lookup import candidate_note, organisations
from kangshu.web.visit import Visit, texts

FOUND: Final[dict[FieldKind, tuple[str, Text]]] = {
    "resident": ("Patient", Text("居民档案调阅", "Find a resident")),
    "practitioner": ("Practitioner", Text("查找人员", "Find a member of staff")),
    "organisation": ("Organization", Text("查找机构", "Find an organisation")),
}
_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """One record that was found: its reference, what it is called, and what tells it from others of the same name."""

    reference: str
    name: str
    note: str
    address: str


async def find(visit: Visit) -> Response:
    """Show what the visitor may see under a name; nothing before something is asked for."""
    return await _found(visit, visit.query("text"))


async def look(visit: Visit) -> Response:
    """Show what the visitor may see under a name or number, which stands in no address."""
    return await _found(visit, texts(await visit.form()).get("text", ""))


async def _found(visit: Visit, asked_for: str) -> Response:
    asked = visit.path("kind")
    kind: FieldKind | None = next((one for one in FOUND if one == asked), None)
    if kind is None:
        raise NotFound("there is no such list", zh="没有这个列表")
    type_, title = FOUND[kind]
    text, found = asked_for.strip()[:60], []
    if text:
        field = Field(kind, title, kind)
        records = await visit.platform.registers.choosable(visit.grant, field, text=text, limit=_MOST + 1)
        names = await organisations(visit) if records else {}
        found = [
            Candidate(
                f"{type_}/{one['id']}",
                name_of(one),
                candidate_note(visit, one, names),
                f"/residents/{one['id']}" if type_ == "Patient" else "",
            )
            for one in records
        ]
    return visit.render(
        "find.html",
        title=visit.words.of(title),
        kind=kind,
        text=text,
        found=found[:_MOST],
        more=len(found) > _MOST,
        both=visit.grant.may("resident.find"),
        denied=isinstance(visit.grant.may_read(type_), Nothing),
    )
