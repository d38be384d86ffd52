"""Names of what records point to, read with the caller's own grant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from kangshu.access import Grant
from kangshu.sdk import Resource
from kangshu.search import parse_query
from kangshu.store import Store

_BATCH = 100


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


def name_of(resource: Resource) -> str:
    """Return what people call a resource; its id where it has no name."""
    name = resource.get("name") or resource.get("title") or resource.get("description")
    if isinstance(name, list):
        first = name[0] if name else {}
        name = first.get("text") or first.get("family", "") + "".join(first.get("given", ()))
    if not name and resource.get("resourceType") == "Slot":
        return f"{resource.get('start', '')[:16].replace('T', ' ')} – {resource.get('end', '')[11:16]}"
    return str(name or resource.get("id", ""))
