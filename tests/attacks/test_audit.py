"""Every access has its row, the refused ones too; the chain holds; rows cannot be written or taken away over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Row = tuple[str, str, str, str]
"""Action, type, id, outcome."""


def rows_of(city: Any, account: str, after: int) -> list[Row]:
    """Return the rows of `account` written after position `after`, as the auditor's pages and FHIR read them."""
    city.fhir("audit").get("/AuditEvent?_count=1")  # numbers what waits
    found = city.sql(
        "select action, type, id, outcome from audit where account = $1 and position > $2 order by position",
        account,
        after,
    )
    return [(row["action"], row["type"], row["id"], row["outcome"]) for row in found]


def last(city: Any) -> int:
    city.fhir("audit").get("/AuditEvent?_count=1")
    return int(city.sql("select coalesce(max(position), 0) as p from audit")[0]["p"])


def patient_of(city: Any, name: str, *, hidden: bool) -> str:
    shown, unseen = city.seen_by(name, "Patient")
    return sorted(unseen if hidden else shown)[0]


def body(resource: Any) -> str:
    return json.dumps(resource)


ACTS: dict[str, tuple[str, Callable[[Any, str], Any], Row]] = {
    "read": ("doctor", lambda city, id_: city.fhir("doctor").get(f"/Patient/{id_}"), ("read", "Patient", "{shown}", "ok")),
    "hidden read": ("doctor", lambda city, id_: city.fhir("doctor").get(f"/Patient/{id_}"), ("read", "Patient", "{hidden}", "not-found")),
    "vread": ("doctor", lambda city, id_: city.fhir("doctor").get(f"/Patient/{id_}/_history/1"), ("vread", "Patient", "{shown}", "ok")),
    "history": ("doctor", lambda city, id_: city.fhir("doctor").get(f"/Patient/{id_}/_history"), ("history", "Patient", "{shown}", "ok")),
    "hidden history": ("doctor", lambda city, id_: city.fhir("doctor").get(f"/Patient/{id_}/_history"), ("history", "Patient", "{hidden}", "not-found")),
    "search": ("doctor", lambda city, _: city.fhir("doctor").get("/Patient?_count=1"), ("search-type", "Patient", "", "ok")),
    "count": ("doctor", lambda city, _: city.fhir("doctor").get("/Condition?_summary=count"), ("search-type", "Condition", "", "ok")),
    "batch": (
        "doctor",
        lambda city, id_: city.fhir("doctor").post("/", content=body({"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": f"Patient/{id_}"}}]})),
        ("read", "Patient", "{shown}", "ok"),
    ),
    "hidden batch": (
        "doctor",
        lambda city, id_: city.fhir("doctor").post("/", content=body({"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": f"Patient/{id_}"}}]})),
        ("get", "Patient", "{hidden}", "not-found"),
    ),
    "everything": ("doctor", lambda city, id_: city.fhir("doctor").get(f"/Patient/{id_}/$everything"), ("search-type", "Observation", "", "ok")),
    "hidden update": (
        "doctor", lambda city, id_: city.fhir("doctor").put(f"/Patient/{id_}", content=body({"resourceType": "Patient", "id": id_})),
        ("update", "Patient", "{hidden}", "not-found"),
    ),
    "hidden delete": ("doctor", lambda city, id_: city.fhir("doctor").delete(f"/Patient/{id_}"), ("delete", "Patient", "{hidden}", "not-found")),
    "hidden patch": (
        "doctor", lambda city, id_: city.fhir("doctor").patch(f"/Patient/{id_}", content="[]", headers={"content-type": "application/json-patch+json"}),
        ("patch", "Patient", "{hidden}", "not-found"),
    ),
    "forbidden create": (
        "resident", lambda city, _: city.fhir("resident").post("/Organization", content=body({"resourceType": "Organization", "name": "x"})),
        ("create", "Organization", "", "forbidden"),
    ),
    "hidden move": ("doctor-b", lambda city, _: city.fhir("doctor-b").post("/Task/never-there/$move?move=accept", content=""), ("update", "Task", "never-there", "not-found")),
    "measure": ("clerk", lambda city, _: city.fhir("clerk").get("/Measure/nursing-bed-share/$evaluate-measure"), ("measure", "Measure", "nursing-bed-share", "ok")),
    "forbidden measure": (
        "resident", lambda city, _: city.fhir("resident").get("/Measure/nursing-bed-share/$evaluate-measure"),
        ("evaluate-measure", "Measure", "nursing-bed-share", "forbidden"),
    ),
    "audit": ("audit", lambda city, _: city.fhir("audit").get("/AuditEvent?_count=1"), ("search-type", "AuditEvent", "", "ok")),
    "forbidden audit": ("doctor", lambda city, _: city.fhir("doctor").get("/AuditEvent"), ("search-type", "AuditEvent", "", "forbidden")),
    "page of a resident": ("doctor", lambda city, id_: city.browser("doctor").get(f"/residents/{id_}"), ("read", "Patient", "{shown}", "ok")),
    "page of a hidden resident": ("doctor", lambda city, id_: city.browser("doctor").get(f"/residents/{id_}"), ("read", "Patient", "{hidden}", "not-found")),
    "page of a register": ("clerk", lambda city, _: city.browser("clerk").get("/registers/residents/residents"), ("search-type", "Patient", "", "ok")),
    "export of a register": ("clerk", lambda city, _: city.browser("clerk").get("/registers/residents/residents/export.xlsx"), ("export", "Patient", "", "ok")),
    "page of a measure": ("clerk", lambda city, _: city.browser("clerk").get("/measures/nursing-bed-share"), ("measure", "Measure", "nursing-bed-share", "ok")),
    "drill-down": ("clerk", lambda city, _: city.browser("clerk").get("/measures/elder-management-rate-65/subjects"), ("measure-subjects", "Measure", "elder-management-rate-65", "ok")),
    "export of a measure": ("clerk", lambda city, _: city.browser("clerk").get("/measures/nursing-bed-share/export.xlsx"), ("export", "Measure", "nursing-bed-share", "ok")),
    "forbidden page": ("doctor", lambda city, _: city.browser("doctor").get("/admin/accounts"), ("open", "", "", "forbidden")),
    "form without token": ("doctor", lambda city, _: city.browser("doctor").post("/registers/residents/residents/new", data={}), ("submit", "", "", "forbidden")),
    "page of the audit": ("audit", lambda city, _: city.browser("audit").get("/admin/audit"), ("search-type", "AuditEvent", "", "ok")),
    "stopping an account": (
        "admin", lambda city, _: city.browser("admin").post("/admin/accounts/spare/stop", data={"_token": city.form_token("admin")}),
        ("account-stop spare", "", "", "ok"),
    ),
    "opening an account": (
        "admin", lambda city, _: city.browser("admin").post("/admin/accounts/spare/open", data={"_token": city.form_token("admin")}),
        ("account-open spare", "", "", "ok"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ACTS)
def test_every_access_has_its_row(city: Any, what: str) -> None:
    name, act, (action, kind, id_, outcome) = ACTS[what]
    ids = {"{shown}": "", "{hidden}": ""}
    if id_ in ids or what == "everything":
        ids[id_ or "{shown}"] = patient_of(city, name, hidden=id_ == "{hidden}")
    before = last(city)
    act(city, ids.get(id_, "") or ids["{shown}"])
    rows = rows_of(city, name, before)
    assert (action, kind, ids.get(id_, id_), outcome) in rows, rows


def test_no_row_is_told_twice(city: Any) -> None:
    """A refusal that the store has told of is not told again by the page or the face."""
    hidden = patient_of(city, "doctor", hidden=True)
    before = last(city)
    city.fhir("doctor").get(f"/Patient/{hidden}")
    assert [row for row in rows_of(city, "doctor", before) if row[2] == hidden] == [
        ("read", "Patient", hidden, "not-found")
    ]


def test_sign_ins_have_their_rows(city: Any) -> None:
    before = last(city)
    city.signed_in("calls").close()
    assert ("sign-in", "", "", "ok") in rows_of(city, "calls", before)


def test_the_chain_holds(city: Any) -> None:
    """After all attacks: every batch's digest is that of its rows."""
    report = city.behind.ask(lambda platform: platform.store.check_audit())
    assert report.holds, report.breaks
    assert city.sql("select count(*) as n from audit")[0]["n"] > 100


@pytest.mark.parametrize("name", ["system", "audit", "admin", "security"])
def test_the_audit_is_not_written(city: Any, name: str) -> None:
    client, rows = city.fhir(name), city.sql("select count(*) as n from audit")[0]["n"]
    event = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"requestor": True}],
        "source": {"observer": {"display": "x"}},
    }
    entries = [
        {"resource": event, "request": {"method": "POST", "url": "AuditEvent"}},
        {"request": {"method": "DELETE", "url": "AuditEvent/1"}},
    ]
    for answer in (
        client.post("/AuditEvent", content=body(event)), client.put("/AuditEvent/1", content=body({**event, "id": "1"})),
        client.delete("/AuditEvent/1"), client.patch("/AuditEvent/1", content="[]"), client.delete("/AuditEvent?date=ge2020-01-01"),
        client.get("/AuditEvent/1/_history"), client.post("/", content=body({"resourceType": "Bundle", "type": "transaction", "entry": entries[:1]})),
    ):  # fmt: skip
        assert 400 <= answer.status_code < 500, answer.text[:200]
    client.post("/", content=body({"resourceType": "Bundle", "type": "batch", "entry": entries}))
    assert city.sql("select count(*) as n from audit")[0]["n"] >= rows
    assert (
        city.sql(
            "select count(*) as n from resource r join resource_type t using (type) where t.name = 'AuditEvent'"
        )[0]["n"]
        == 0
    )
