"""Every endpoint of the FHIR face that answers leaves a row in the audit. New endpoints fail until they stand here."""

from __future__ import annotations

from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.accounts import Account
from kangshu.api import ENDPOINTS
from kangshu.store import AuditQuery

SYSTEM = system_grant("test")
PATIENT = {"resourceType": "Patient", "gender": "female", "birthDate": "1950-01-01"}
BUNDLE = {
    "resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Patient/one"}}],
}  # fmt: skip
PATCH = [{"op": "replace", "path": "/gender", "value": "male"}]


def given(**values: str) -> dict[str, Any]:
    """Return the Parameters of an operation."""
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, "valueString": value} for name, value in values.items()],
    }


CALLS: dict[tuple[str, str], tuple[str, Any, str]] = {
    ("POST", "/"): ("/", BUNDLE, "read"),
    ("GET", "/_history"): ("/_history", None, "history"),
    ("GET", "/{type}"): ("/Patient?_count=1", None, "search-type"),
    ("POST", "/{type}/_search"): ("/Patient/_search", "_count=1", "search-type"),
    ("GET", "/{type}/_history"): ("/Patient/_history", None, "history"),
    ("POST", "/{type}"): ("/Patient", PATIENT, "create"),
    ("PUT", "/{type}"): ("/Patient?_id=one", PATIENT, "update"),
    ("PATCH", "/{type}"): ("/Patient?_id=one", PATCH, "update"),
    ("DELETE", "/{type}"): ("/Basic?_id=gone", None, "delete"),
    ("GET", "/{type}/{id}"): ("/Patient/one", None, "read"),
    ("GET", "/{type}/{id}/_history"): ("/Patient/one/_history", None, "history"),
    ("GET", "/{type}/{id}/_history/{version}"): ("/Patient/one/_history/1", None, "vread"),
    ("PUT", "/{type}/{id}"): ("/Patient/one", {**PATIENT, "id": "one"}, "update"),
    ("PATCH", "/{type}/{id}"): ("/Patient/one", PATCH, "update"),
    ("DELETE", "/{type}/{id}"): ("/Patient/two", None, "delete"),
    ("GET", "/{type}/{id}/$validate"): ("/Patient/one/$validate", None, "read"),
    ("GET", "/{type}/{id}/$everything"): ("/Patient/one/$everything", None, "read"),
    # what cannot be answered in a city without services: the refusal has its row
    ("POST", "/{type}/$start"): ("/Task/$start", {"resourceType": "Parameters"}, ""),
    ("POST", "/{type}/{id}/$move"): ("/Task/none/$move?move=x", {"resourceType": "Parameters"}, "update"),
    ("GET", "/{type}/{id}/$moves"): ("/Task/none/$moves", None, "read"),
    ("POST", "/$signal"): ("/$signal?code=none/none", {"event": "1"}, ""),
    ("POST", "/{type}/{id}/$book"): ("/Slot/none/$book", given(patient="Patient/one"), ""),
    ("POST", "/{type}/{id}/$wait"): ("/Schedule/none/$wait", given(patient="Patient/one"), ""),
    ("POST", "/{type}/{id}/$publish-slots"): (
        "/HealthcareService/none/$publish-slots",
        given(first="2026-01-05", last="2026-01-11"),
        "",
    ),
    ("POST", "/{type}/{id}/$reconcile-bookings"): (
        "/Organization/none/$reconcile-bookings",
        given(day="2026-01-05"),
        "",
    ),
    ("GET", "/{type}/{id}/$evaluate-measure"): ("/Measure/none/$evaluate-measure", None, "evaluate-measure"),
    ("GET", "/{type}/{id}/$collect-data"): ("/Measure/none/$collect-data?subject=Patient/none", None, ""),
}
"""Endpoint → an address, a body, and the action of one of the rows ("" for any)."""
SILENT = {
    ("GET", "/metadata"): "says what the product offers, to everybody",
    ("POST", "/{type}/$validate"): "looks at what was sent, and at no record",
    ("POST", "/{type}/{id}/$validate"): "looks at what was sent, and at no record",
}
"""Endpoints that may answer without a row, and why."""


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
async def test_an_endpoint_that_answers_leaves_a_row(face: Any, endpoint: Any) -> None:
    where = (endpoint.method, endpoint.path)
    if where in SILENT:
        return
    assert where in CALLS, "a new endpoint: give it a call here, or a reason to be silent"
    address, body, action = CALLS[where]
    for id_ in ("one", "two"):
        await face.platform.store.update(SYSTEM, {**PATIENT, "id": id_})
    await face.platform.store.update(SYSTEM, {"resourceType": "Basic", "id": "gone", "code": {"text": "x"}})
    caller = await face.sign_in(Account("caller", "", ("auditor",)))
    who = "caller"
    headers = {"content-type": "application/fhir+json"}
    if isinstance(body, str):
        headers["content-type"] = "application/x-www-form-urlencoded"
    elif endpoint.method == "PATCH":
        headers["content-type"] = "application/json-patch+json"
    sent: dict[str, Any] = {"content": body} if isinstance(body, str) else {"json": body} if body else {}
    # the account `system` may do everything, and by its token its reads are told too
    for client, who in ((face.client, ""), (caller, "caller")):
        before = await _last(face)
        answer = await client.request(endpoint.method, address, headers=headers, **sent)
        rows = [
            row for at, row in await face.platform.store.audit_rows(SYSTEM, AuditQuery(account=who, people=True))
            if at > before
        ]  # fmt: skip
        writes = await face.platform.store.audit_rows(SYSTEM, AuditQuery(account="system"))
        rows += [row for at, row in writes if at > before and not who]
        told = {row.action.partition(" ")[0] for row in rows}
        if answer.status_code < 400 or answer.status_code in (403, 404):
            assert told, (who, answer.status_code, answer.text[:300])
        if answer.status_code < 400 and action and not who:
            assert action in told, told


async def _last(face: Any) -> int:
    rows = await face.platform.store.audit_rows(SYSTEM, count=1)
    return rows[0][0] if rows else 0


async def test_without_the_audit_the_answer_is_503(face: Any) -> None:
    await face.platform.store.update(SYSTEM, {**PATIENT, "id": "one"})
    assert (await face.client.get("/Patient/one")).status_code == 200
    async with face.platform.store.connection() as connection:
        await connection.execute("alter table audit rename to audit_gone")
    for address in ("/Patient/one", "/Patient", "/Patient/none", "/Patient/one/_history"):
        answer = await face.client.get(address)
        assert answer.status_code == 503, answer.text
        assert "1950-01-01" not in answer.text
    async with face.platform.store.connection() as connection:
        await connection.execute("alter table audit_pending rename to pending_gone")
    answer = await face.client.put("/Patient/one", json={**PATIENT, "id": "one"})
    assert answer.status_code == 503, answer.text


async def test_rows_tell_where_they_come_from(face: Any) -> None:
    await face.platform.store.update(SYSTEM, {**PATIENT, "id": "one"})
    before = await _last(face)
    await face.client.get("/Patient/one")
    ((_, row), *_) = [one for one in await face.platform.store.audit_rows(SYSTEM) if one[0] > before]
    assert row.address == "127.0.0.1"
    found = (await face.client.get("/AuditEvent?entity=Patient/one&subtype=read")).json()["entry"][0][
        "resource"
    ]
    assert found["agent"][0]["network"] == {"address": "127.0.0.1", "type": "2"}
