"""Measure and Library of the declared measures, read and searched beside those that are stored.

Declared ones come first, by id; they have no versions, no history and no last change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from kangshu.access import Scope
from kangshu.api import interactions
from kangshu.api.bundles import counted, searchset
from kangshu.api.interactions import Call
from kangshu.api.request import refuse_unknown
from kangshu.api.response import Response
from kangshu.base.clock import now, today
from kangshu.base.faults import Invalid
from kangshu.base.whole_numbers import whole_number
from kangshu.fhir import render
from kangshu.measures import awaited_resource, library_resource, measure_resource, read_view
from kangshu.sdk import AwaitedMeasure, MeasureDeclaration, Resource
from kangshu.search import IdClause, Query, matches, parse_query
from kangshu.store import Page, Stored

DEFINED: Final = ("Measure", "Library")
_CURSOR: Final = "declared-"


def declared_measures(call: Call) -> dict[str, MeasureDeclaration]:
    """Return every declared measure by id."""
    return {one.id: one for service in call.platform.services for one in service.measures}


def _awaited(call: Call) -> dict[str, AwaitedMeasure]:
    """Return every measure without a number by id; what has no SQL has no Library."""
    if call.type != "Measure":
        return {}
    return {one.id: one for service in call.platform.services for one in service.awaited}


async def read(call: Call) -> Response:
    """Return the current version of a record, or the Measure or Library of a declared measure."""
    if _shown(call) and (awaited := _awaited(call).get(call.id)):
        refuse_unknown(call.request, frozenset())
        return Response(resource=awaited_resource(awaited))
    measure = declared_measures(call).get(call.id) if _shown(call) else None
    if measure is None:
        return await interactions.read(call)
    refuse_unknown(call.request, frozenset())
    return Response(resource=next(_resources(call, [measure])))


async def search(call: Call) -> Response:
    """Return a page of the records that meet the parameters; of measures and libraries, the declared ones first."""
    if not _shown(call):
        return await interactions.search(call)
    request = call.request
    pairs = [pair for pair in request.pairs if pair[0] not in ("_format", "_pretty", "_cursor")]
    query = parse_query(call.type, pairs, lenient=request.preference.lenient, base=request.base)
    declared = declared_measures(call)
    awaited = _awaited(call)
    made = [*_resources(call, list(declared.values())), *map(awaited_resource, awaited.values())]
    found = [one for one in sorted(made, key=lambda one: str(one["id"])) if matches(query, one)]
    # a stored one of the same id is not read: the declared one is
    stored = replace(query, where=(*query.where, IdClause((*declared, *awaited), negated=True)))
    if request.summary == "count":
        total = len(found) + await call.platform.store.count(call.grant, stored)
        return Response(resource=counted(total, request.base, call.type, request.pairs))
    cursor = request.parameter("_cursor") or f"{_CURSOR}0"
    page = await _page(call, found, stored, cursor)
    if page.total is not None:
        page = replace(page, total=page.total + len(found))
    kept = [pair for pair in request.pairs if pair[0] not in query.ignored]
    bundle = searchset(
        page, request.base, call.type, kept, summary=request.summary, elements=request.elements,
        ignored=query.ignored,
    )  # fmt: skip
    return Response(resource=bundle)


async def search_form(call: Call) -> Response:
    """Return what `search` does, with the parameters in a form, so that they are in no log."""
    await call.request.read_form()
    return await search(call)


async def _page(call: Call, found: list[Resource], query: Query, cursor: str) -> Page:
    """Return the page at `cursor`: of the declared ones while there are some, then of the store's."""
    store = call.platform.store
    if not cursor.startswith(_CURSOR):
        return await store.search(call.grant, query, cursor)
    offset = whole_number(cursor.removeprefix(_CURSOR), 6)
    if offset is None:
        raise Invalid("_cursor is what a next link says", zh="_cursor须取自next链接")
    if offset >= len(found):
        return await store.search(call.grant, query)
    shown = found[offset : offset + query.count]
    others = await store.count(call.grant, query)
    more = offset + len(shown) < len(found) or others
    entries = [_stored(one) for one in shown]
    total = others if query.total != "none" else None
    return Page(entries, [], total, f"{_CURSOR}{offset + len(shown)}" if more and shown else None)


def _stored(resource: Resource) -> Stored:
    body = render(resource)
    return Stored(str(resource["resourceType"]), str(resource["id"]), 1, now(), Scope(), False, body)


def _shown(call: Call) -> bool:
    """Return whether the call is about what is declared, and its caller may see it."""
    return call.type in DEFINED and call.grant.may("measure.read")


def _resources(call: Call, measures: list[MeasureDeclaration]) -> Iterator[Resource]:
    """Yield the Measure or Library of each measure, as the call asks for the one or the other."""
    views = {view.name: read_view(view.definition) for one in call.platform.services for view in one.views}
    place, table = call.platform.settings.jurisdiction, call.platform.parameters
    for measure in measures:
        if call.type == "Measure":
            yield measure_resource(measure, views)
        else:
            found = {name: table.find(name, place, today()) for name in measure.parameters}
            values = {name: version.value for name, version in found.items() if version is not None}
            yield library_resource(measure, views, values)
