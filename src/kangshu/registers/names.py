"""Names of what records point to, read with the caller's own grant."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from kangshu.access import Grant
from kangshu.base.canonical import RESIDENT_ID
from kangshu.registers.forms import REFERENCE_TYPES
from kangshu.sdk import Field, Resource
from kangshu.search import parameters_of, parse_query
from kangshu.store import Store

_BATCH = 100
_NUMBER = re.compile(r"[0-9]{17}[0-9Xx]", re.ASCII)


async def names_of(store: Store, grant: Grant, references: Iterable[str]) -> dict[str, str]:
    """Return reference (`Type/id`) → display name; what the grant does not see has no entry."""
    by_type: dict[str, set[str]] = defaultdict(set)
    for reference in references:
        kind, _, id_ = reference.partition("/")
        if kind and id_ and "/" not in id_:
            by_type[kind].add(id_)
    found: dict[str, str] = {}
    for kind, ids in by_type.items():
        listed = sorted(ids)
        for start in range(0, len(listed), _BATCH):
            batch = listed[start : start + _BATCH]
            query = parse_query(kind, [("_id", ",".join(batch)), ("_count", str(_BATCH))])
            page = await store.search(grant, query)
            found.update({f"{kind}/{one.id}": name_of(one.resource) for one in page.entries})
    return found


async def candidates(
    store: Store, grant: Grant, field: Field, criteria: str = "", text: str = "", limit: int = 50
) -> list[Resource]:
    """Return records that may be chosen for a reference `field`, of those the grant sees, at most `limit`.

    `criteria` are the field's, filled in; `text` is part of a name (characters, pinyin, initials), or a resident's
    identity number. A number that the grant does not see finds nobody; with the whole name beside it, it does.
    """
    kind = REFERENCE_TYPES.get(field.kind, field.reference_type)
    number = _NUMBER.search(text) if kind == "Patient" and grant.may("resident.find") else None
    if number is not None and (name := text.replace(number[0], "").strip(" ,，、/·")):
        found = await store.find_resident(grant, number[0], name)
        return [] if found is None else [found.resource]
    pairs = [*parse_qsl(criteria), ("_count", str(limit))]
    if text and kind == "Patient" and text[:6].isdigit():
        pairs.append(("identifier", f"{RESIDENT_ID}|{escaped(text.upper())}"))
    elif text and (asked := name_search(kind)):
        pairs.append((asked, escaped(text)))
    page = await store.search(grant, parse_query(kind, pairs))
    return [one.resource for one in page.entries]


async def by_name(store: Store, grant: Grant, field: Field, text: str) -> str:
    """Return the one record (`Type/id`) that people call `text`; "" for none or several.

    A resident is also found by identity number. Used for Excel, where people write names.
    """
    kind = REFERENCE_TYPES.get(field.kind, field.reference_type)
    asked = [("name:exact", escaped(text))] if "name" in parameters_of(kind).simple else []
    if kind == "Patient" and text[:6].isdigit():
        asked = [("identifier", f"{RESIDENT_ID}|{text}")]
    if not asked:
        return ""
    page = await store.search(grant, parse_query(kind, [*asked, ("_count", "2")]))
    return f"{kind}/{page.entries[0].id}" if len(page.entries) == 1 else ""


def name_search(kind: str) -> str:
    """Return the search parameter by which people find records of a type by name, "" for none.

    Where names sound it is `phonetic`: characters, pinyin or initials, from any character of the name on.
    """
    declared = parameters_of(kind).simple
    return "phonetic" if "phonetic" in declared else "name:contains" if "name" in declared else ""


def escaped(value: str) -> str:
    """Return `value` with the signs that a search value gives a meaning escaped."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")


def name_of(resource: Resource) -> str:
    """Return what people call a resource: its title, name, holder, text or words for what it is; its id where none."""
    kind, id_ = str(resource.get("resourceType", "")), str(resource.get("id", ""))
    # a definition's name is for programs, its title for people
    name = resource.get("title") or resource.get("name")
    if isinstance(name, list):
        first = name[0] if name else {}
        name = first.get("text") or first.get("family", "") + "".join(first.get("given", ()))
    if name:
        return str(name)
    if kind == "DocumentReference":
        titles = [str(one.get("attachment", {}).get("title", "")) for one in resource.get("content", ())]
        return next(filter(None, titles), str(resource.get("description", "") or id_))
    if isinstance(resource.get("description"), str):
        return str(resource["description"])
    if kind == "Slot" and resource.get("start"):
        return f"{resource['start'][:16].replace('T', ' ')} – {resource.get('end', '')[11:16]}"
    if kind == "PractitionerRole" and (holder := resource.get("practitioner", {}).get("display")):
        return str(holder)
    code = resource.get("code") or (resource.get("type") if isinstance(resource.get("type"), dict) else None)
    if kind == "Observation":
        day, said = str(resource.get("effectiveDateTime", ""))[:10], text_of(resource.get("interpretation"))
        return " · ".join(filter(None, (text_of(code), day, said)))
    if kind == "EpisodeOfCare" and (said := text_of(resource.get("type"))):
        return f"{said} · {str(resource.get('period', {}).get('start', ''))[:10]}".rstrip(" ·")
    return text_of(code) or id_


def text_of(concept: Any) -> str:
    """Return the words of a CodeableConcept or a list of them: text, display, else code."""
    if isinstance(concept, list):
        return "、".join(filter(None, (text_of(one) for one in concept)))
    if not isinstance(concept, dict):
        return ""
    if concept.get("text"):
        return str(concept["text"])
    codings = concept.get("coding") or ([concept] if concept.get("code") else [])
    return next((str(one.get("display") or one.get("code") or "") for one in codings), "")
