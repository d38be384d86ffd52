"""The alias table: which organisation a person has said a printed name means, so that the next document knows it.

One ConceptMap: source code = the name as written, targets = ids of organisations; equivalence `unmatched` says that the
name is none of the city's organisations. Each answer keeps who gave it.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import BASE
from kangshu.base.faults import Gone, NotFound, PreconditionFailed
from kangshu.plans.units import ResolvedUnit
from kangshu.sdk import Resource
from kangshu.store import Store

TABLE: Final = "unit-aliases"
_TRIES: Final = 4


async def remembered(store: Store, grant: Grant) -> dict[str, ResolvedUnit]:
    """Return every remembered name with its meaning."""
    try:
        table = (await store.read(grant, "ConceptMap", TABLE)).resource
    except (NotFound, Gone):
        return {}
    return {str(one["code"]): _meant(one) for one in _elements(table)}


async def remember(
    store: Store, grant: Grant, written: str, organisations: Collection[str], outside: bool, by: str
) -> None:
    """Keep what a name means; without organisations and `outside` it is forgotten."""
    for _ in range(_TRIES):
        try:
            stored = await store.read(grant, "ConceptMap", TABLE)
            table, version = deepcopy(stored.resource), stored.version
        except (NotFound, Gone):
            table, version = _empty(), None
        kept = [one for one in _elements(table) if one.get("code") != written]
        if organisations or outside:
            kept.append(_element(written, organisations, by))
        if kept == _elements(table):
            return
        table["group"] = [{"element": sorted(kept, key=lambda one: str(one["code"]))}] if kept else []
        if not kept:
            del table["group"]
        try:
            await store.update(grant, table, if_match=version)
        except PreconditionFailed:
            continue
        return


def _empty() -> Resource:
    return {
        "resourceType": "ConceptMap",
        "id": TABLE,
        "url": f"{BASE}/ConceptMap/{TABLE}",
        "name": "UnitAliases",
        "title": "责任单位别名表",
        "status": "active",
    }


def _elements(table: Resource) -> list[dict[str, Any]]:
    return [one for group in table.get("group", ()) for one in group.get("element", ())]


def _element(written: str, organisations: Collection[str], by: str) -> dict[str, Any]:
    targets: list[dict[str, Any]] = [
        {"code": one, "equivalence": "equivalent", "comment": by} for one in dict.fromkeys(organisations)
    ]
    return {"code": written, "target": targets or [{"equivalence": "unmatched", "comment": by}]}


def _meant(element: dict[str, Any]) -> ResolvedUnit:
    targets = element.get("target", ())
    meant = tuple(str(one["code"]) for one in targets if one.get("equivalence") == "equivalent")
    by = next((str(one.get("comment", "")) for one in targets), "")
    return ResolvedUnit(str(element["code"]), meant, outside=not meant, by=by)
