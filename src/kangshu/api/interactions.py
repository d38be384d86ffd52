"""The RESTful interactions of FHIR R4. Each takes a `Call` and returns a `Response`; faults are raised.

Source: FHIR R4 http.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from kangshu.access import Grant
from kangshu.api.audit_events import audit_event, search_audit
from kangshu.api.bundles import counted, history_bundle, searchset
from kangshu.api.checks import check_bundle, check_resource
from kangshu.api.outcome import issues_outcome, outcome, status_of
from kangshu.api.patching import apply_patch
from kangshu.api.platform import Platform
from kangshu.api.request import Request, refuse_unknown
from kangshu.api.response import Response
from kangshu.api.subset import subset
from kangshu.base.faults import Fault, Invalid, Issue, MultipleMatches, NotFound, PreconditionFailed
from kangshu.base.whole_numbers import whole_number
from kangshu.fhir import date_range
from kangshu.sdk import Resource
from kangshu.search import Query, parse_query

if TYPE_CHECKING:
    from kangshu.store import Stored, Transaction, Written

AUDIT = "AuditEvent"
_HISTORY = frozenset({"_count", "_since", "_cursor"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an endpoint: who asks what. `type`, `id` and `version` are parts of the address, "" without."""

    platform: Platform
    request: Request
    grant: Grant
    type: str = ""
    id: str = ""
    version: str = ""


async def read(call: Call) -> Response:
    """Return the current version of a record; 304 when the client has it."""
    refuse_unknown(call.request, frozenset())
    if call.type == AUDIT:
        return Response(resource=await audit_event(call.platform.store, call.grant, call.id))
    return shown(call, await call.platform.store.read(call.grant, call.type, call.id))


async def vread(call: Call) -> Response:
    """Return one version of a record."""
    refuse_unknown(call.request, frozenset())
    version = whole_number(call.version)
    if version is None:
        raise NotFound("there is no such version", zh="没有此版本")
    stored = await call.platform.store.vread(call.grant, call.type, call.id, version)
    return shown(call, stored)


def shown(call: Call, stored: Stored) -> Response:
    """Return the answer that shows a record; 304 when the client has it, a part when it asks for one."""
    request = call.request
    response = Response().entity(stored.version, stored.last_updated)
    tags = request.header(b"if-none-match")
    if tags and any(
        one.strip() in (f'W/"{stored.version}"', f'"{stored.version}"', "*") for one in tags.split(",")
    ):
        response.status = 304
        return response
    since = request.header(b"if-modified-since")
    if since and not tags and _http_moment(since) >= stored.last_updated.replace(microsecond=0):
        response.status = 304
        return response
    if request.summary == "count":
        raise Invalid("_summary=count is for searches", zh="_summary=count仅用于检索")
    if request.summary or request.elements:
        response.resource = subset(stored.resource, request.summary, request.elements)
    else:
        response.body = stored.body
    return response


def _http_moment(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except ValueError as error:
        raise Invalid("If-Modified-Since is no date of HTTP", zh="If-Modified-Since日期格式有误") from error


async def _check(call: Call, resource: dict[str, Any]) -> None:
    """Raise what `check_resource` does, and what the scan of its files does."""
    check_resource(resource)
    await call.platform.attachments.scan(resource)


async def create(call: Call) -> Response:
    """Store a new record under an id of ours; with If-None-Exist, only where nothing matches."""
    refuse_unknown(call.request, frozenset())
    resource = await call.request.resource(call.type)
    await _check(call, resource)
    criteria = call.request.header(b"if-none-exist") or None
    written = await call.platform.store.create(call.grant, resource, if_none_exist=criteria)
    return _written(call, written)


async def update(call: Call) -> Response:
    """Store the body as the next version of the record, or as its first."""
    refuse_unknown(call.request, frozenset())
    resource = await call.request.resource(call.type)
    if resource.get("id") != call.id:
        raise Invalid(
            f"the body's id must be '{call.id}', as in the address",
            zh="请求体的id须与地址中的id一致",
            expression="id",
        )
    await _check(call, resource)
    if call.request.header(b"if-none-match").strip() == "*":
        return _written(call, await call.platform.store.run(call.grant, lambda t: _first(t, resource)))
    match = call.request.version(b"if-match")
    return _written(call, await call.platform.store.update(call.grant, resource, if_match=match))


async def _first(transaction: Transaction, resource: Resource) -> Written:
    """Store the first version of a record. Raises PreconditionFailed when it is there (If-None-Match: *)."""
    await transaction.lock(resource["resourceType"], resource["id"])
    written = await transaction.update(resource)
    if not written.created:
        raise PreconditionFailed("there is such a record already", zh="记录已存在")
    return written


async def update_matching(call: Call) -> Response:
    """Update the one record that the criteria find; without any, create it."""
    criteria = _criteria(call)
    resource = await call.request.resource(call.type)
    await _check(call, resource)
    match = call.request.version(b"if-match")
    written = await call.platform.store.update_matching(
        call.grant, call.type, criteria, resource, if_match=match
    )
    return _written(call, written)


async def patch(call: Call) -> Response:
    """Apply a JSON Patch or a FHIRPath Patch."""
    refuse_unknown(call.request, frozenset())
    return await _patched(call, call.id)


async def patch_matching(call: Call) -> Response:
    """Patch the one record that the criteria find."""
    _criteria(call)
    page = await call.platform.store.search(
        call.grant, parse_query(call.type, [*call.request.criteria, ("_count", "2")])
    )
    if len(page.entries) > 1:
        raise MultipleMatches("the criteria find more than one record", zh="条件匹配到多条记录")
    if not page.entries:
        raise NotFound("the criteria find no record", zh="没有符合条件的记录")
    return await _patched(call, page.entries[0].id)


async def _patched(call: Call, id_: str) -> Response:
    change = await call.request.patch()
    match = call.request.version(b"if-match")

    async def work(transaction: Transaction) -> Written:
        await transaction.lock(call.type, id_)
        current = await transaction.read(call.type, id_)
        if match is not None and match != current.version:
            raise PreconditionFailed(
                "the record has changed since; read it again", zh="记录版本已变化，请重新读取后再修改"
            )
        changed = apply_patch(current.resource, change)
        if changed.get("resourceType") != call.type or changed.get("id") != id_:
            raise Invalid("a patch may not change resourceType or id", zh="补丁不得修改resourceType或id")
        await _check(call, changed)
        return await transaction.update(changed, if_match=current.version)

    written = await call.platform.store.run(call.grant, work)
    return _written(call, written)


async def delete(call: Call) -> Response:
    """Delete a record: it stays in its history."""
    refuse_unknown(call.request, frozenset())
    written = await call.platform.store.delete(call.grant, call.type, call.id)
    return _deleted(call, written)


async def delete_matching(call: Call) -> Response:
    """Delete the one record that the criteria find."""
    await call.platform.store.delete_matching(call.grant, call.type, _criteria(call))
    return _deleted(call, None)


def _deleted(call: Call, written: Written | None) -> Response:
    if call.request.preference.returned == "OperationOutcome":
        return Response(resource=_well("deleted", "已删除"))
    response = Response(204)
    if written is not None:
        response.headers.append((b"etag", b'W/"%d"' % written.stored.version))
    return response


def _criteria(call: Call) -> str:
    if not call.request.criteria:
        raise Invalid(
            "a conditional interaction needs criteria in the address, such as ?identifier=…",
            zh="条件操作须在地址中给出检索条件，例如?identifier=…",
        )
    return urlencode(call.request.criteria)


def _written(call: Call, written: Written) -> Response:
    stored = written.stored
    response = Response(201 if written.created else 200).entity(stored.version, stored.last_updated)
    response.location(f"{call.request.base}/{stored.type}/{stored.id}/_history/{stored.version}")
    match call.request.preference.returned:
        case "minimal":
            pass
        case "OperationOutcome":
            response.resource = _well("stored", "已保存")
        case _:
            response.body = stored.body
    return response


def _well(en: str, zh: str) -> dict[str, Any]:
    return issues_outcome((Issue("information", "informational", en, zh=zh),))


async def search(call: Call) -> Response:
    """Return a page of the records that meet the parameters."""
    request = call.request
    if call.type == AUDIT:
        found = await search_audit(call.platform.store, call.grant, request.base, request.pairs)
        return Response(resource=found)
    pairs = [pair for pair in request.pairs if pair[0] not in ("_format", "_pretty", "_cursor")]
    query: Query = parse_query(call.type, pairs, lenient=request.preference.lenient, base=request.base)
    if request.summary == "count":
        total = await call.platform.store.count(call.grant, query)
        return Response(resource=counted(total, request.base, call.type, request.pairs))
    page = await call.platform.store.search(call.grant, query, request.parameter("_cursor") or None)
    bundle = searchset(
        page,
        request.base,
        call.type,
        [pair for pair in request.pairs if pair[0] not in query.ignored],
        summary=request.summary,
        elements=request.elements,
        ignored=query.ignored,
    )
    return Response(resource=bundle)


async def search_form(call: Call) -> Response:
    """Return what `search` does, with the parameters in a form, so that they are in no log."""
    await call.request.read_form()
    return await search(call)


async def history(call: Call) -> Response:
    """Return the versions of a record, of a type or of everything, newest first."""
    request = call.request
    refuse_unknown(request, _HISTORY)
    since = request.parameter("_since")
    count = request.parameter("_count")
    if count and whole_number(count, 6) is None:
        raise Invalid("_count is a number of entries", zh="_count须为条数")
    page = await call.platform.store.history(
        call.grant,
        call.type or None,
        call.id or None,
        since=date_range(since)[0] if since else None,
        count=int(count) if count else 50,
        cursor=request.parameter("_cursor") or None,
    )
    return Response(resource=history_bundle(page, request.base, request.path.strip("/"), request.pairs))


async def bundle(call: Call) -> Response:
    """Carry out a batch or a transaction. Source: FHIR R4 http.html#transaction."""
    refuse_unknown(call.request, frozenset())
    resource = await call.request.resource("Bundle")
    refused = check_bundle(resource)
    await call.platform.attachments.scan(resource)
    store, whole = call.platform.store, call.request.preference.returned == "representation"
    if not refused:
        answered = await store.bundle(call.grant, resource, representation=whole, check=check_resource)
        return Response(resource=answered)
    kept = [one for number, one in enumerate(resource["entry"]) if number not in refused]
    answer = await store.bundle(
        call.grant, {**resource, "entry": kept}, representation=whole, check=check_resource
    )
    answers = iter(answer.get("entry", ()))
    entries = [
        _refused(refused[number], call) if number in refused else next(answers)
        for number in range(len(resource["entry"]))
    ]
    return Response(resource={**answer, "entry": entries})


def _refused(fault: Fault, call: Call) -> dict[str, Any]:
    said = outcome(fault, call.request.language)
    return {"response": {"status": str(status_of(fault)), "outcome": said}}
