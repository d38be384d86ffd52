"""What the face itself makes is valid R4: capability statement, outcomes, Bundles, AuditEvents, MeasureReports."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from kangshu.base.text import Text
from kangshu.fhir import parse
from kangshu.measures import MeasureResult, MeasureRow, measure_report
from kangshu.sdk import Dimension, MeasureDeclaration
from kangshu.validate import validate

JSON = {"Content-Type": "application/fhir+json"}


def errors(resource: dict[str, Any]) -> list[str]:
    return [
        f"{one.expression}: {one.text}" for one in validate(resource) if one.severity in ("error", "fatal")
    ]


async def test_the_capability_statement_is_valid(face: Any) -> None:
    assert errors(parse((await face.client.get("/metadata")).content)) == []


async def test_answers_are_valid(face: Any) -> None:
    client = face.client
    body = {"resourceType": "Patient", "id": "p1", "name": [{"text": "甲"}], "gender": "female"}
    await client.put("/Patient/p1", content=json.dumps(body), headers=JSON)
    await client.put("/Patient/p1", content=json.dumps({**body, "gender": "male"}), headers=JSON)
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": "Patient/p1"}},
            {"request": {"method": "GET", "url": "Patient/none"}},
            {"request": {"method": "GET", "url": "Patient?gender=male"}},
            {"request": {"method": "POST", "url": "Group"}, "resource": {"resourceType": "Group"}},
            {"request": {"method": "POST", "url": "Patient"}, "resource": body},
        ],
    }
    answers = [
        await client.get("/Patient"),
        await client.get("/Patient?_elements=gender"),
        await client.get("/Patient?_summary=count"),
        await client.get("/Patient/p1/_history"),
        await client.get("/Patient/none"),
        await client.get("/Patient?no=1"),
        await client.get("/Patient?no=1", headers={"Prefer": "handling=lenient"}),
        await client.get("/Patient/p1/$everything"),
        await client.post("/", content=json.dumps(batch), headers=JSON),
        await client.delete("/Patient/p1"),
        await client.get("/_history"),
        await client.get("/AuditEvent"),
    ]
    for answer in answers:
        if answer.content:
            assert errors(parse(answer.content)) == [], answer.text[:2000]


async def test_the_audit_is_read_as_audit_events(face: Any) -> None:
    client = face.client
    made = (await client.post("/Patient", content=b'{"resourceType":"Patient"}', headers=JSON)).json()
    await client.get(f"/Patient/{made['id']}")
    await client.get("/Patient/none")
    page = (await client.get(f"/AuditEvent?entity=Patient/{made['id']}")).json()
    events = [one["resource"] for one in page["entry"]]
    assert [one["subtype"][0]["code"] for one in events] == ["read", "create"]
    assert [one["action"] for one in events] == ["R", "C"]
    assert {one["agent"][0]["name"] for one in events} == {"system-token"}
    failed = (await client.get("/AuditEvent?entity=Patient/none")).json()["entry"][0]["resource"]
    assert (failed["outcome"], failed["outcomeDesc"]) == ("4", "not-found")
    assert (await client.get(f"/AuditEvent/{events[0]['id']}")).json() == events[0]
    paged = (await client.get("/AuditEvent?_count=1")).json()
    onward = next(one["url"] for one in paged["link"] if one["relation"] == "next")
    assert (await client.get(onward)).json()["entry"][0]["resource"]["id"] != paged["entry"][0]["resource"][
        "id"
    ]
    body = {"resourceType": "AuditEvent", "type": {"code": "x"}, "recorded": "2020-01-01T00:00:00Z"}
    for refused in (
        await client.post("/AuditEvent", content=json.dumps(body), headers=JSON),
        await client.delete(f"/AuditEvent/{events[0]['id']}"),
        await client.get("/AuditEvent?colour=red"),
    ):
        assert refused.status_code == 400


async def test_the_audit_needs_its_operation(face: Any) -> None:
    from kangshu.accounts import Account

    admin = await face.sign_in(Account("admin", "", ("system-administrator",)))
    auditor = await face.sign_in(Account("auditor", "", ("auditor",)))
    assert (await admin.get("/AuditEvent")).status_code == 403
    assert (await auditor.get("/AuditEvent")).status_code == 200
    assert (await auditor.get("/Patient")).json().get("entry", []) == []


def test_a_measure_report_is_valid() -> None:
    title = Text("覆盖率", "Coverage")
    measure = MeasureDeclaration(
        id="coverage", service="s", title=title, definition=title, systems=(), targets=(), kind="proportion", scale=100,
        unit="%", direction="increase", period="instant", views=(), parameters=(), sql="", source="",
        dimensions=(Dimension("gender", Text("性别", "Sex"), "gender"), Dimension("age", Text("年龄", "Age"), "age")),
    )  # fmt: skip
    rows = (MeasureRow(("male", "80+"), 50.0, 1, 2), MeasureRow(("", "80+"), None, 0, 0))
    for by in ((), ("gender",), ("gender", "age")):
        kept = (
            tuple(MeasureRow(one.keys[: len(by)], one.value, one.numerator, 0.5) for one in rows)
            if by
            else ()
        )
        result = MeasureResult(
            "coverage", 33.333333333, 1, 3, date(2026, 1, 1), date(2026, 1, 2), 7, "2026-01-02T00:00:00Z", by=by, rows=kept
        )  # fmt: skip
        assert errors(measure_report(measure, result)) == []
