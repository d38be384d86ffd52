"""Records with a sting: markup, formulas and odd shapes that are valid R4, on every page and in every export."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest

from .cases import attack
from .city import ROLES

EXT = "http://kangshu.org/fhir/StructureDefinition"
CS = "http://kangshu.org/fhir/CodeSystem"
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{81023*3}}${81023*3}</title></svg>"
FORMULA = '=HYPERLINK("http://evil.example","x")'
FORMULAS = [FORMULA, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1+1)", "\t=1+1", "\r=1"]


def put(city: Any, resource: dict[str, Any]) -> None:
    answer = city.fhir().put(f"/{resource['resourceType']}/{resource['id']}", content=json.dumps(resource))
    assert answer.status_code in (200, 201), answer.text[:400]


@pytest.fixture(scope="module")
def stung(city: Any) -> Iterator[Any]:
    """The city with such records in the doctor's, the hospital's and the home's care, and gone again afterwards."""
    with stinging(city):
        yield city


@contextmanager
def stinging(city: Any) -> Iterator[Any]:
    """Put the records there, and take them away again."""
    doctor, hospital, home = (city.posts[one].organisation for one in ("doctor", "hospital", "elder"))
    made: list[dict[str, Any]] = [
        {"resourceType": "Organization", "id": "sting-organisation", "name": MARKUP, "alias": [MARKUP, FORMULA],
         "type": [{"coding": [{"system": f"{CS}/organisation-kind", "code": "elder-institution", "display": MARKUP}], "text": MARKUP}],
         "extension": [{"url": f"{EXT}/district", "valueCode": "990102"}, {"url": f"{EXT}/ownership", "valueCode": "private"}],
         "identifier": [{"system": "http://kangshu.org/fhir/sid/uscc", "value": MARKUP}]},
        {"resourceType": "Practitioner", "id": "sting-practitioner", "name": [{"text": MARKUP}]},
        {"resourceType": "Location", "id": "sting-place", "name": MARKUP, "status": "active",
         "identifier": [{"system": "http://kangshu.org/fhir/sid/division", "value": "990199"}]},
        {"resourceType": "Location", "id": "sting-bed", "status": "active", "name": FORMULA, "operationalStatus": {"system": "http://terminology.hl7.org/CodeSystem/v2-0116", "code": "O"},
         "physicalType": {"coding": [{"code": "bd"}], "text": MARKUP}, "type": [{"coding": [{"system": f"{CS}/bed-kind", "code": "nursing"}]}],
         "managingOrganization": {"reference": f"Organization/{home}"}},
    ]  # fmt: skip
    for number, text in enumerate((MARKUP, *FORMULAS)):
        made.append(
            {"resourceType": "Patient", "id": f"sting-{number}", "name": [{"text": text.strip()}], "gender": "other", "birthDate": "1940",
             "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": f"STING{number}"}], "address": [{"text": text.strip()}],
             "telecom": [{"system": "phone", "value": text.strip()}],
             "extension": [{"url": f"{EXT}/district", "valueCode": "990102001"}, {"url": f"{EXT}/household", "valueString": text.strip()}],
             "managingOrganization": {"reference": f"Organization/{doctor}", "display": MARKUP}}
        )  # fmt: skip
    subject = {"reference": "Patient/sting-0", "display": MARKUP}
    made += [
        {"resourceType": "Patient", "id": "sting-bare", "extension": [{"url": f"{EXT}/district", "valueCode": "990102001"}],
         "managingOrganization": {"reference": f"Organization/{doctor}"}},
        {"resourceType": "Patient", "id": "sting-odd", "name": [{"use": "official"}], "birthDate": "1940-02", "identifier": [{"value": "x"}],
         "telecom": [{"system": "phone"}], "address": [{"city": "x"}], "extension": [{"url": f"{EXT}/district", "valueCode": "9"}],
         "managingOrganization": {"display": MARKUP, "reference": f"Organization/{doctor}"}},
        {"resourceType": "Observation", "id": "sting-huge", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}]},
         "subject": subject, "effectiveDateTime": "2026-01-01", "valueQuantity": {"value": 1}, "performer": [{"reference": f"Organization/{doctor}"}]},
        {"resourceType": "Observation", "id": "sting-pressure", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
         "subject": subject, "component": [{"code": {"text": MARKUP}}, {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
         "valueQuantity": {"unit": MARKUP}}], "effectiveDateTime": "2026"},
        {"resourceType": "Observation", "id": "sting-bare", "status": "final", "code": {"text": MARKUP}, "subject": subject, "valueString": MARKUP},
        {"resourceType": "Condition", "id": "sting-condition", "code": {"text": MARKUP}, "subject": subject, "onsetString": MARKUP},
        {"resourceType": "Encounter", "id": "sting-encounter", "status": "finished", "class": {"code": "AMB"}, "subject": subject,
         "type": [{"text": MARKUP}], "reasonCode": [{"text": MARKUP}], "serviceProvider": {"reference": f"Organization/{hospital}", "display": MARKUP}},
        {"resourceType": "Contract", "id": "sting-contract", "subject": [subject], "type": {"text": MARKUP}, "authority": [{"display": MARKUP}]},
        {"resourceType": "EpisodeOfCare", "id": "sting-episode", "status": "active", "patient": subject,
         "managingOrganization": {"reference": f"Organization/{home}"}, "type": [{"coding": [{"system": f"{CS}/episode-kind", "code": "elder-residence"}]}]},
        {"resourceType": "Slot", "id": "sting-slot", "status": "free", "start": "2026-12-01T08:00:00Z", "end": "2026-12-01T08:00:00Z",
         "schedule": {"display": MARKUP}, "extension": [{"url": f"{EXT}/responsible-organisation", "valueReference": {"reference": f"Organization/{hospital}"}}]},
        {"resourceType": "DocumentReference", "id": "sting-file", "status": "current", "subject": subject,
         "content": [{"attachment": {"title": MARKUP, "contentType": "text/html", "data": "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="}}]},
        {"resourceType": "DocumentReference", "id": "sting-header", "status": "current",
         "content": [{"attachment": {"title": "a\tb", "contentType": "image/svg+xml", "data": "eA=="}}]},
        {"resourceType": "Communication", "id": "sting-notice", "status": "completed", "recipient": [{"reference": f"Organization/{doctor}"}],
         "subject": subject, "payload": [{"contentString": MARKUP}]},
        {"resourceType": "Communication", "id": "sting-notice-2", "status": "completed", "recipient": [{"reference": f"Organization/{hospital}"}],
         "sent": "2026-05", "about": [{"display": MARKUP}], "payload": [{"contentReference": {"display": "x"}}]},
        {"resourceType": "MeasureReport", "id": "sting-report", "status": "complete", "type": "summary", "measure": "http://x.example",
         "period": {"start": "2026"}, "reporter": {"reference": "Organization/unit-health-commission"}},
        {"resourceType": "PlanDefinition", "id": "sting-plan", "status": "active", "title": MARKUP, "action": [{"title": MARKUP, "action": [{"title": "x"}]}],
         "goal": [{"description": {"text": MARKUP}}]},
        {"resourceType": "Task", "id": "sting-task", "status": "requested", "intent": "order", "for": subject, "description": MARKUP,
         "owner": {"reference": f"Organization/{doctor}", "display": MARKUP}},
    ]  # fmt: skip
    for one in made:
        put(city, one)
    try:
        yield city
    finally:
        gone = [
            city.fhir().delete(f"/{one['resourceType']}/{one['id']}").status_code for one in reversed(made)
        ]
    assert set(gone) == {204}


ADDRESSES = [
    "/", "/worklist?box=all", "/worklist?box=todo", "/notices", "/plans", "/plans/sting-plan", "/plans/sting-plan/document", "/reports",
    "/plans/sting-plan/targets/x", "/plans/sting-plan/review", "/plans/sting-plan/adopt", "/cases/sting-task", "/cases/start/referral/referral?subject=Patient/sting-0",
    "/measures", "/measures/nursing-bed-share?by=district", "/measures/family-doctor-coverage-60/subjects?part=denominator", "/measures/nursing-bed-share/subjects",
    *(f"/residents/sting-{one}" for one in (0, 1, 2, "bare", "odd")), "/registers/residents/residents/sting-0", "/registers/residents/residents/sting-0/edit",
    "/registers/residents/residents/sting-odd", "/registers/residents/residents/sting-odd/edit", "/registers/institutions/organisations/sting-organisation",
    "/registers/institutions/organisations/sting-organisation/edit", "/registers/institutions/beds/sting-bed/edit",
    "/registers/institutions/beds", "/registers/institutions/residences", "/registers/institutions/residences/sting-episode", "/registers/institutions/residences/sting-episode/edit",
    "/registers/elder_health/assessments/sting-bare", "/registers/elder_health/assessments/sting-pressure/edit", "/registers/elder_health/managements/sting-encounter/edit",
    "/registers/family_doctor/contracts/sting-contract", "/registers/family_doctor/contracts/sting-contract/edit", "/registers/appointments/slots/sting-slot",
    "/registers/appointments/slots/sting-slot/edit", "/registers/residents/residents", "/registers/residents/residents?sort=-name", "/registers/institutions/organisations",
    "/registers/institutions/homes", "/registers/appointments/slots", "/registers/workforce/posts", "/registers/family_doctor/contracts", "/files/sting-file",
    "/files/sting-header", "/admin/organisations", "/admin/divisions", "/admin/accounts/new", "/me/lookups", "/registers/residents/residents/new",
    f"/pokemon/{MARKUP}", f"/registers/residents/residents?name={MARKUP}", f"/sign-in?next=/{MARKUP}", f"/worklist?box={MARKUP}", f"/cases/start?subject={MARKUP}",
    f"/measures/nursing-bed-share?by={MARKUP}", f"/measures/nursing-bed-share?district={MARKUP}", f"/find/{MARKUP}", "/find/Patient?text=<script>", f"/plans/x/document?clause={MARKUP}",
]  # fmt: skip
"""Where such records, or such addresses, come to light."""


@attack(24)
@pytest.mark.parametrize("name", ROLES)
def test_markup_stays_text(stung: Any, name: str) -> None:
    """Attack 24: nothing that a record or an address says becomes markup, and no record breaks a page."""
    browser, broken = stung.browser(name), []
    for address in ADDRESSES:
        for language in ("zh", "en"):
            mark = "&" if "?" in address else "?"
            answer = browser.get(f"{address}{mark}lang={language}")
            if answer.status_code >= 500:
                broken.append(address)
            if "text/html" not in answer.headers.get("content-type", ""):
                assert "attachment" in answer.headers["content-disposition"], address
                assert answer.headers["content-type"] in ("application/octet-stream",), (
                    address,
                    answer.headers["content-type"],
                )
                continue
            for sign in (
                "<script>alert",
                "<img src=x",
                "</title></svg>",
                'onerror=alert(2)>"',
                "243069",
            ):
                assert sign not in answer.text, (address, sign)
            assert not re.search(r'(?:href|src|action)="\s*(?:javascript|data:text)', answer.text), address
    assert not broken


@attack(24)
@pytest.mark.parametrize("name", ["clerk", "doctor", "civil", "elder", "hospital"])
def test_exports_hold_no_formula(stung: Any, name: str) -> None:
    """Attack 24: text that begins as a formula does is text in the workbook, and marked as typed."""
    browser, seen = stung.browser(name), 0
    for register in (
        "residents/residents",
        "institutions/beds",
        "institutions/organisations",
        "family_doctor/contracts",
        "institutions/residences",
    ):
        for tail in ("export.xlsx", "template.xlsx"):
            answer = browser.get(f"/registers/{register}/{tail}")
            if answer.status_code != 200:
                assert answer.status_code in (403, 404)
                continue
            with zipfile.ZipFile(BytesIO(answer.content)) as archive:
                texts = {
                    one: archive.read(one).decode()
                    for one in archive.namelist()
                    if one.endswith((".xml", ".rels"))
                }
            for part, text in texts.items():
                assert "<f>" not in text, part
                assert "<f " not in text, part
                assert "evil.example" not in text or "hyperlink" not in text.lower().replace(
                    "=hyperlink(", ""
                ), part
            seen += sum(text.count("HYPERLINK(") for text in texts.values())
            if "HYPERLINK(" in "".join(texts.values()):
                assert "quotePrefix" in texts["xl/styles.xml"]
    assert seen or name in ("civil", "hospital")


def test_forged_notices_do_not_stop_a_desk(stung: Any) -> None:
    """A Communication to another organisation, without what notices have, leaves its first screens standing."""
    client = stung.fhir("unit-b")
    for number, more in enumerate(
        ({}, {"sent": "2026"}, {"sent": "2026-05-01T00:00:00Z", "payload": [{"contentString": ""}]})
    ):
        forged = {
            "resourceType": "Communication", "status": "completed", "sender": {"reference": f"Organization/{stung.posts['unit-b'].organisation}"},
            "recipient": [{"reference": f"Organization/{stung.posts['clerk'].organisation}"}], **more,
        }  # fmt: skip
        if "payload" in more:
            forged["payload"] = [{"contentString": MARKUP}]
        answer = client.post("/Communication", content=json.dumps(forged))
        assert answer.status_code in (201, 403), (number, answer.text[:300])
    for address in ("/", "/notices", "/worklist"):
        answer = stung.browser("clerk").get(address)
        assert answer.status_code == 200, (address, answer.text[:300])
        assert "<script>alert" not in answer.text


TEXT = f"""云汐市健康促进方案{MARKUP}

一、总体目标

到2027年，全市护理型床位占比达到60%{MARKUP}。

二、主要任务

（一）加强养老服务{MARKUP}。推进护理型床位建设，{FORMULA}。（责任单位：市民政局、市卫生健康委{MARKUP}）
（二）完善家庭医生签约。提高重点人群签约率。（责任单位：市卫生健康委）
"""


@attack(24)
def test_a_plan_with_markup_is_a_plan(city: Any) -> None:
    browser, token = city.browser("plan"), city.form_token("plan")
    file = ("<img src=x onerror=alert(2)>.txt", TEXT.encode())
    answer = browser.post("/plans/import", data={"_token": token, "own": "true"}, files={"file": file})
    assert answer.status_code == 303, answer.text[:300]
    plan = answer.headers["location"].split("/")[2]
    try:
        pages = [
            f"/plans/{plan}{tail}"
            for tail in ("", "/document", "/review", "/targets/target-1", "/document?clause=task-1")
        ]
        for address in (*pages, "/plans", "/reports", "/", "/measures/nursing-bed-share"):
            for name in ("plan", "leader", "clerk"):
                shown = city.browser(name).get(address)
                assert shown.status_code < 500, (address, shown.text[:200])
                assert "<script>alert" not in shown.text, address
                assert "<img src=x" not in shown.text, address
    finally:
        for kind, id_ in (
            ("PlanDefinition", plan),
            ("DocumentReference", plan.replace("plan-", "document-")),
        ):
            city.fhir().delete(f"/{kind}/{id_}")


@pytest.mark.parametrize(
    "value",
    [
        "nan",
        "inf",
        "-inf",
        "1e999",
        "9" * 5000,
        "",
        "x",
        "<script>alert(1)</script>",
        "²",
        "--1",
        "1,5",
        "0x10",
    ],
)
def test_parameters_take_figures(city: Any, value: str) -> None:
    """A parameter's value is a figure, its days are days, its source is text; anything else is refused in words."""
    browser, token = city.browser("admin"), city.form_token("admin")
    page = browser.get("/admin/parameters").text
    id_ = re.search(r'href="/admin/parameters/([^"?]+)"', page)
    assert id_ is not None
    for form in (
        {"value": value, "valid_from": "2026-01-01", "source": ""},
        {"value": "5", "valid_from": value, "source": "x"},
        {"value": "5", "valid_from": "2026-01-01", "valid_to": value or "x", "source": "x"},
    ):
        answer = browser.post(f"/admin/parameters/{id_[1]}", data={"_token": token, **form})
        assert answer.status_code in (400, 422), (form, answer.status_code, answer.text[:300])
        assert "<script>alert" not in answer.text
