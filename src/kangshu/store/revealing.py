"""Protected values on purpose: one field of one record for a stated reason, and a resident by number and name.

Both ask for an operation of their own and are in the audit with the reason, so that the resident reads it too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kangshu.access import ANY_TYPE, Everything, Grant, protected_fields
from kangshu.base.canonical import RESIDENT_ID
from kangshu.base.faults import Invalid
from kangshu.sdk import Resource
from kangshu.search import parse_query
from kangshu.store.reading import Reader
from kangshu.store.records import Stored
from kangshu.store.searching import Search

REVEAL: Final = "field.reveal"
FIND: Final = "resident.find"
_SHORTEST_REASON: Final = 2
_LONGEST_REASON: Final = 200


def checked_reason(grant: Grant, field: str, reason: str) -> str:
    """Return the reason as it is kept.

    Raises:
        Forbidden: the account may not reveal anything.
        Invalid: no such field, or no reason.
    """
    grant.require(REVEAL)
    if field not in protected_fields():
        raise Invalid(f"there is no protected field {field[:40]!r}", zh=f"没有受保护的字段“{field[:40]}”")
    kept = reason.strip()
    if not _SHORTEST_REASON <= len(kept) <= _LONGEST_REASON:
        raise Invalid(
            f"say in {_SHORTEST_REASON} to {_LONGEST_REASON} characters why you need it",
            zh=f"请填写查看理由（{_SHORTEST_REASON} 至 {_LONGEST_REASON} 字）",
            expression="reason",
        )
    return kept


async def whole(reader: Reader, grant: Grant, type: str, id: str) -> Stored:
    """Return a record that the grant may read, with nothing masked; faults as in `Reader.read`."""
    return await reader.read(replace(grant, clear={ANY_TYPE: Everything()}), type, id)


async def resident_called(reader: Reader, grant: Grant, number: str, name: str) -> Stored | None:
    """Return the resident of exactly this identity number and name, of those the grant may read; masked as ever."""
    grant.require(FIND)
    every = replace(grant, clear={ANY_TYPE: Everything()})
    wanted = number.strip().upper().replace("\\", "").replace("|", "").replace(",", "").replace("$", "")
    if not wanted or not name.strip():
        # half of it would find whoever has the other half
        return None
    query = parse_query("Patient", [("identifier", f"{RESIDENT_ID}|{wanted}"), ("_count", "5")])
    page = await Search(reader, every, query).page(None)
    found = [one for one in page.entries if name.strip() in _names(one.resource)]
    return (await reader.shown(grant, found[:1]))[0] if len(found) == 1 else None


def _names(resource: Resource) -> set[str]:
    found: set[str] = set()
    for name in resource.get("name") or ():
        if isinstance(name, dict):
            found.add(str(name.get("text", "")))
            found.add(str(name.get("family", "")) + "".join(str(one) for one in name.get("given") or ()))
    return found - {""}
