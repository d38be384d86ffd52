"""The operations: capability statement, $validate, $everything, the moves of cases.

Source: FHIR R4 operations.html; the operations on Task are ours (docs/adr/0009-http.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kangshu.api import bookings
from kangshu.api.bundles import searchset
from kangshu.api.capability import capability_statement
from kangshu.api.checks import check_type
from kangshu.api.interactions import Call, shown
from kangshu.api.outcome import issues_outcome
from kangshu.api.parameters import parameters, part, read_inputs
from kangshu.api.response import Response
from kangshu.base.faults import Invalid, Issue
from kangshu.base.whole_numbers import whole_number
from kangshu.fhir import date_range, definitions
from kangshu.search import parse_query
from kangshu.store import Page, Stored
from kangshu.validate import validate

if TYPE_CHECKING:
    from kangshu.cases import Offer

_EVERYTHING_COUNT: Final = 1000


async def metadata(call: Call) -> Response:
    """Return the CapabilityStatement: made from the tables that the server itself works by."""
    mode = call.request.parameter("mode")
    if mode not in ("", "full", "normative"):
        raise Invalid("mode is full or normative", zh="mode须为full或normative")
    return Response(resource=capability_statement(call.platform.settings, call.request.base))


async def validate_body(call: Call) -> Response:
    """Return the findings about the resource in the body; the status is 200 whatever they are."""
    inputs = await read_inputs(call.request)
    mode, profile = inputs.text("mode"), inputs.text("profile")
    if mode not in ("", "create", "update", "delete"):
        raise Invalid("mode is create, update or delete", zh="mode须为create、update或delete")
    resource = inputs.value("resource", required=mode != "delete")
    inputs.end()
    if resource is None:
        return Response(resource=issues_outcome(()))
    if not isinstance(resource, dict) or resource.get("resourceType") != call.type:
        raise Invalid(
            f"the resource is not a {call.type}", zh=f"资源类型应为{call.type}", expression="resourceType"
        )
    check_type(str(resource["resourceType"]))
    return Response(resource=issues_outcome(tuple(validate(resource, profile or None))))


async def validate_stored(call: Call) -> Response:
    """Return the findings about a stored record."""
    stored = await call.platform.store.read(call.grant, call.type, call.id)
    profile = call.request.parameter("profile")
    return Response(resource=issues_outcome(tuple(validate(stored.resource, profile or None))))


async def everything(call: Call) -> Response:
    """Return a resident's record and all that is in their compartment, as far as the grant admits it.

    `_type` names the types wanted, `_since` an instant; `_count` bounds the answer (1000 entries by default).
    """
    inputs = await read_inputs(call.request)
    since, types, count = inputs.text("_since"), inputs.text("_type"), inputs.text("_count")
    inputs.end()
    wanted_count = whole_number(count)
    if count and not (wanted_count and wanted_count <= _EVERYTHING_COUNT):
        raise Invalid(
            f"_count is a number up to {_EVERYTHING_COUNT}", zh=f"_count须为不超过{_EVERYTHING_COUNT}的数"
        )
    limit = wanted_count or _EVERYTHING_COUNT
    store = call.platform.store
    entries: list[Stored] = [await store.read(call.grant, "Patient", call.id)]
    full = False
    wanted = [one for one in types.split(",") if one] or sorted(definitions().compartment("Patient"))
    moment = [("_lastUpdated", f"ge{since}")] if since and date_range(since) else []
    for kind in wanted:
        check_type(kind)
        for parameter in definitions().compartment("Patient").get(kind, ()):
            if kind == "Patient":
                break
            if len(entries) >= limit:
                full = True
                break
            pairs = [(parameter, f"Patient/{call.id}"), ("_count", str(limit)), *moment]
            page = await store.search(call.grant, parse_query(kind, pairs))
            full = full or page.next is not None
            known = {(one.type, one.id) for one in entries}
            entries += [one for one in page.entries if (one.type, one.id) not in known]
    return Response(resource=_everything_bundle(call, entries[:limit], cut=len(entries) > limit or full))


def _everything_bundle(call: Call, entries: list[Stored], *, cut: bool) -> dict[str, Any]:
    page = Page(entries, [], None if cut else len(entries), None)
    bundle = searchset(page, call.request.base, call.request.path.strip("/"), call.request.pairs)
    if cut:
        note = Issue(
            "warning",
            "too-costly",
            f"these {len(entries)} entries may not be all: narrow the answer with _type or _since",
            zh=f"此处列出{len(entries)}条，可能并非全部，请用_type或_since缩小范围",
        )
        bundle["entry"].append({"resource": issues_outcome((note,)), "search": {"mode": "outcome"}})
    return bundle


async def start_case(call: Call) -> Response:
    """Start a case. Input: `code` (service/case), `subject`, `receiver`, and a parameter per field of its form."""
    inputs = await read_inputs(call.request)
    code = inputs.text("code", required=True)
    subject, receiver = inputs.text("subject") or None, inputs.text("receiver") or None
    stored = await call.platform.cases.start(
        call.grant, code, inputs.rest(), subject=subject, receiver=receiver
    )
    response = shown(call, stored)
    response.status = 201
    return response.location(f"{call.request.base}/Task/{stored.id}/_history/{stored.version}")


async def move_record(call: Call) -> Response:
    """Move a case or an appointment. Input: `move`, and a parameter per field of its form; If-Match guards the version."""
    if call.type == "Appointment":
        return await bookings.move(call)
    inputs = await read_inputs(call.request)
    move = inputs.text("move", required=True)
    stored = await call.platform.cases.move(
        call.grant, call.id, move, inputs.rest(), if_match=call.request.version(b"if-match")
    )
    return shown(call, stored)


async def moves_now(call: Call) -> Response:
    """Return the moves that the account may make now, and what blocks those that it may not make yet."""
    if call.type == "Appointment":
        return await bookings.moves(call)
    offers = await call.platform.cases.offers(call.grant, call.id)
    return Response(resource=parameters([part("move", _offer(one)) for one in offers]))


def _offer(offer: Offer) -> list[dict[str, Any]]:
    parts = [
        part("id", offer.move.id),
        part("title", offer.move.title.zh),
        part("titleEn", offer.move.title.en),
    ]
    parts.append(part("target", offer.move.target))
    if offer.blocked is not None:
        parts.append(part("blocked", offer.blocked.zh or offer.blocked.en))
    for one in offer.move.form:
        parts.append(
            part(
                "field",
                [
                    part("id", one.id),
                    part("title", one.title.zh),
                    part("kind", one.kind),
                    part("required", one.required),
                ],
            )
        )
    return parts
