"""A consent opens what it names to whom it names, on every way; its withdrawal closes all of them at once."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from kangshu.access import Grant, system_grant
from kangshu.api import fhir_app, processing_activities
from kangshu.base.clock import today

from .site import Site, token_of

SYSTEM = system_grant("tests")
RECIPIENT = "hospital-yunxi-first"
"""The organisation of the account `hospital`."""


@pytest.fixture
def stranger(site: Site) -> dict[str, Any]:
    """A living resident with results whom the hospital does not see, with the id of one result and one visit."""
    platform = site.platform
    grant = site.run(platform.accounts.open_grant("hospital"))
    seen = {one["id"] for one in site.run(platform.store.search_all(grant, "Patient", ""))}
    for patient in sorted(
        site.run(platform.store.search_all(SYSTEM, "Patient", "")),
        key=lambda one: str(one["id"]),
        reverse=True,
    ):
        if (
            patient["id"] in seen
            or patient.get("deceasedDateTime")
            or str(patient.get("birthDate", "9")) > "1958"
        ):
            continue
        found = site.run(platform.store.search_all(SYSTEM, "Observation", f"subject=Patient/{patient['id']}"))
        visits = site.run(platform.store.search_all(SYSTEM, "Encounter", f"subject=Patient/{patient['id']}"))
        others = [one for one in visits if RECIPIENT not in str(one.get("serviceProvider"))]
        mine = [one for one in found if RECIPIENT not in str(one.get("performer"))]
        if mine and others:
            return {"patient": patient, "result": mine[0]["id"], "visit": others[0]["id"]}
    raise AssertionError("the demo city has nobody whom the hospital does not see")


def as_person(patient: str) -> Grant:
    """Return the grant of a resident's own account."""
    return Grant(
        account="tests-person", display="本人", roles=("resident",), patient=patient, read=SYSTEM.read,
        write=SYSTEM.write, operations=frozenset({"case.start:*"}),
    )  # fmt: skip


def asked(site: Site, patient: str, kinds: list[str]) -> str:
    """Return the consent case that the resident has given to the hospital."""
    cases = site.platform.cases
    values = {
        "kind": "provision", "recipient": RECIPIENT, "purpose": "TREAT", "purpose_text": "测试", "kinds": kinds,
        "method": "查看", "until": (today() + timedelta(days=30)).isoformat(), "retention": "关闭", "contact": "窗口",
        "refusal": "无影响", "notice_version": "1",
    }  # fmt: skip
    started = site.run(
        cases.start(as_person(patient), "data_protection/consent", values, subject=f"Patient/{patient}")
    )
    site.run(cases.move(as_person(patient), started.id, "accept", {}))
    return str(started.id)


class Ways:
    """Every way by which the hospital could come to the resident's records; each says whether it shows them."""

    def __init__(self, site: Site, stranger: dict[str, Any]) -> None:
        self.site = site
        self.patient = str(stranger["patient"]["id"])
        self.name = str(stranger["patient"]["name"][0]["text"])
        self.result, self.visit = str(stranger["result"]), str(stranger["visit"])
        self.browser = site.visitor("hospital")
        self.token = site.run(site.platform.accounts.create_token("hospital", timedelta(hours=1)))

    def get(self, address: str) -> httpx.Response:
        """Return the answer of the FHIR face to the hospital."""

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(fhir_app(self.site.platform)), base_url="http://test/fhir"
            ) as client:
                return await client.get(address, headers={"Authorization": f"Bearer {self.token}"})

        return self.site.run(ask())

    def holds(self, address: str, id_: str) -> bool:
        """Return whether a bundle that is found at `address` has the record."""
        answer = self.get(address)
        assert answer.status_code in (200, 404), answer.text[:300]
        entries = answer.json().get("entry", ()) if answer.status_code == 200 else ()
        return any(one["resource"].get("id") == id_ for one in entries if "resource" in one)

    def page(self, address: str, text: str) -> bool:
        """Return whether a page says `text`."""
        answer = self.browser.get(address)
        assert answer.status_code in (200, 404), (address, answer.status_code)
        return answer.status_code == 200 and text in answer.text

    def sheet(self, address: str, text: str) -> bool:
        """Return whether a workbook says `text`."""
        answer = self.browser.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        book = load_workbook(io.BytesIO(answer.content), read_only=True)
        rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
        return any(text in str(cell) for row in rows for cell in row)

    def drilled(self) -> bool:
        """Return whether the people behind a number of the hospital's include the resident."""
        places = ("numerator", "denominator", "gap")
        return any(
            f"/residents/{self.patient}"
            in self.browser.get(f"/measures/family-doctor-coverage-60/subjects?part={one}").text
            for one in places
        )

    def all(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """Yield every way with its name."""
        patient, result, visit = self.patient, self.result, self.visit
        yield "read", lambda: self.get(f"/Patient/{patient}").status_code == 200
        yield "read of a result", lambda: self.get(f"/Observation/{result}").status_code == 200
        yield "version", lambda: self.get(f"/Observation/{result}/_history/1").status_code == 200
        yield "history", lambda: self.holds(f"/Observation/{result}/_history", result)
        yield "search by id", lambda: self.holds(f"/Patient?_id={patient}", patient)
        yield (
            "search by subject",
            lambda: self.holds(f"/Observation?subject=Patient/{patient}&_count=500", result),
        )
        yield (
            "include",
            lambda: self.holds(f"/Observation?_id={result}&_include=Observation:subject", patient),
        )
        yield (
            "revinclude",
            lambda: self.holds(f"/Patient?_id={patient}&_revinclude=Observation:subject", result),
        )
        yield "chain", lambda: self.holds(f"/Observation?subject:Patient._id={patient}&_count=500", result)
        yield (
            "has",
            lambda: self.holds(f"/Patient?_id={patient}&_has:Observation:subject:_id={result}", patient),
        )
        yield "everything", lambda: self.holds(f"/Patient/{patient}/$everything", result)
        yield "record page", lambda: self.page(f"/residents/{patient}", self.name)
        yield "visit", lambda: self.get(f"/Encounter/{visit}").status_code == 200


def test_on_every_way_at_once(site: Site, stranger: dict[str, Any]) -> None:
    ways = Ways(site, stranger)
    listed = dict(ways.all())
    before = {name for name, way in listed.items() if way()}
    assert before == set(), "the hospital is a stranger"

    task = asked(site, ways.patient, ["Patient", "Observation"])
    opened = {name for name, way in listed.items() if way()}
    assert opened == listed.keys() - {"visit"}, "what was not consented to stays closed"

    site.run(site.platform.cases.move(as_person(ways.patient), task, "withdraw", {}))
    assert {name for name, way in listed.items() if way()} == set(), "no cache, no delay"


def test_lists_workbooks_and_drill_downs_too(site: Site, stranger: dict[str, Any]) -> None:
    ways, name = Ways(site, stranger), str(stranger["patient"]["name"][0]["text"])
    patient, find = ways.patient, f"/find/resident?text={name}"
    listed: dict[str, Callable[[], bool]] = {
        "register": lambda: ways.page(f"/registers/residents/residents?name={name}", f"/residents/{patient}"),
        "workbook": lambda: ways.sheet("/registers/residents/residents/export.xlsx", name),
        "found by name": lambda: ways.page(find, patient),
        "drill-down": ways.drilled,
    }
    before = {one for one, way in listed.items() if way()}
    task = asked(site, patient, ["Patient", "Observation", "Encounter", "Condition"])
    opened = {one for one, way in listed.items() if way()}
    assert opened - before == listed.keys()
    site.run(site.platform.cases.move(as_person(patient), task, "withdraw", {}))
    after = {one for one, way in listed.items() if way()}
    assert after == before == set()


def test_a_refusal_closes_at_once_too(site: Site, stranger: dict[str, Any]) -> None:
    ways = Ways(site, stranger)
    task = asked(site, ways.patient, ["Patient", "Observation"])
    assert ways.get(f"/Patient/{ways.patient}").status_code == 200
    refusal = {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
            ]
        },
        "category": [{"text": "拒绝"}],
        "patient": {"reference": f"Patient/{ways.patient}"},
        "policyRule": {"text": "拒绝"},
        "provision": {
            "type": "deny",
            "actor": [{"role": {"text": "x"}, "reference": {"reference": f"Organization/{RECIPIENT}"}}],
        },
    }
    written = site.run(site.platform.store.create(as_person(ways.patient), refusal))
    try:
        assert {name for name, way in dict(ways.all()).items() if way()} == set()
    finally:
        site.run(site.platform.store.delete(SYSTEM, "Consent", written.stored.id))
        site.run(site.platform.cases.move(as_person(ways.patient), task, "withdraw", {}))


def test_the_portal_two_taps(site: Site) -> None:
    """The demo's resident sees what waits and what holds, agrees in one form and withdraws with one button."""
    person = site.visitor("resident")
    page = person.get("/me/consents").text
    assert "等您决定（" in page
    assert "正在生效（" in page
    address = next(
        part.partition('"')[0]
        for part in page.split('href="')
        if part.startswith("/me/consents/") and "/new" not in part
    )
    notice = person.get(address).text
    assert "个人信息处理告知书" in notice
    assert "不同意不影响" in notice
    token = token_of(notice)
    assert person.post(f"{address}/accept", data={"_token": token}).status_code == 303
    assert "撤回同意" in person.get(address).text
    assert person.post(f"{address}/withdraw", data={"_token": token}).status_code == 303
    assert "已撤回" in person.get(address).text
    again = person.post(f"{address}/accept", data={"_token": token})
    assert again.status_code == 422
    assert "没有保存" in again.text


def test_a_parent_decides_for_the_child(site: Site) -> None:
    parent = site.visitor("parent")
    page = parent.get("/me/consents").text
    assert "被监护人：" in page
    given = parent.get("/me/consents/new").text
    assert "为谁授权" in given


def test_another_persons_consent_is_not_there(site: Site) -> None:
    person, parent = site.visitor("resident"), site.visitor("parent")
    page = parent.get("/me/consents").text
    address = next(
        part.partition('"')[0]
        for part in page.split('href="')
        if part.startswith("/me/consents/") and "/new" not in part
    )
    assert person.get(address).status_code == 404
    assert site.visitor("doctor").get("/me/consents").status_code == 404
    token = token_of(person.get("/me/consents").text)
    assert person.post(f"{address}/withdraw", data={"_token": token}).status_code == 404


def test_a_resident_gives_a_consent_unasked_and_takes_a_copy(site: Site) -> None:
    person = site.visitor("resident")
    form = person.get("/me/consents/new").text
    sent = {
        "_token": token_of(form), "recipient": "Organization/hospital-qinglan", "purpose": "TREAT",
        "kinds": "Patient", "until": (today() + timedelta(days=20)).isoformat(),
    }  # fmt: skip
    made = person.post("/me/consents/new", data=sent)
    assert made.status_code == 303, made.text[:2000]
    assert "已同意（生效中）" in person.get(made.headers["location"]).text
    bad = person.post("/me/consents/new", data={**sent, "until": "never"})
    assert bad.status_code == 422
    copy = person.get("/me/copy")
    assert copy.headers["content-type"].startswith("application/fhir+json")
    kinds = {one["resource"]["resourceType"] for one in copy.json()["entry"]}
    assert {"Patient", "Encounter", "Consent", "Task"} <= kinds
    assert person.get("/me/copy?of=resident-000001").status_code == 404


def test_the_record_of_processing_is_whole(site: Site) -> None:
    found = processing_activities(site.platform)
    assert [one.title.zh for one in found if not one.basis] == [], "every activity has its ground"
    assert {"exchange", "register", "case", "measure", "extract"} == {one.kind for one in found}
    consents = next(one for one in found if one.title.zh == "授权同意台账")
    assert "居民" in {one.zh for one in consents.recipients}
    assert "统计监测员" not in {one.zh for one in consents.recipients}
    page = site.visitor("privacy").get("/processing").text
    assert "未登记依据" not in page
    assert all(one.clause.partition("；")[0] in page for one in found)
    for name in ("doctor", "resident", "data", "admin"):
        assert site.visitor(name).get("/processing").status_code == 403
