"""What is masked, labelled, fixed, or closed by the resident: not read, not probed, not set, not kept open."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kangshu.access import admits

from .cases import attack

EXT = "http://kangshu.org/fhir/StructureDefinition"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
NUMBER = "urn:oid:2.16.156.10011.1.3"
MASKED = [
    ("calls", "identity-number", "identifier"), ("clerk", "telephone", "phone"), ("clerk-b", "telephone", "telecom"),
    ("calls", "address", "address"), ("hospital", "address", "address"),
]  # fmt: skip
"""Who sees residents and does not see a field of theirs in clear, and a search parameter that would tell it."""


def body(resource: Any) -> str:
    return json.dumps(resource, ensure_ascii=False)


def unclear(city: Any, name: str, field: str = "identity-number") -> list[dict[str, Any]]:
    """Return the residents whom `name` sees, and whose `field` it does not see in clear."""
    grant = city.grant(name)
    return [
        city.residents[one.id]
        for one in city.scopes()
        if one.type == "Patient" and one.id in city.residents
        and admits(grant.may_read("Patient"), one.scope) and not admits(grant.may_see(field), one.scope)
    ]  # fmt: skip


def value_of(resident: dict[str, Any], field: str) -> str:
    """Return what stands in a protected field of a resident."""
    match field:
        case "identity-number":
            return next(str(one["value"]) for one in resident["identifier"] if len(str(one["value"])) == 18)
        case "telephone":
            return str(resident["telecom"][0]["value"])
        case _:
            return str(resident["address"][0]["text"])


@contextmanager
def referred(city: Any) -> Iterator[dict[str, Any]]:
    """Give a resident of the doctor's whom the hospital sees by an open case alone, and close it again."""
    seen = city.seen_by("hospital", "Patient")[0] | city.seen_by("hospital-b", "Patient")[0]
    resident = city.residents[
        sorted((city.seen_by("doctor", "Patient")[0] - seen) & city.residents.keys())[0]
    ]
    own = city.posts["hospital"].organisation
    task = {
        "resourceType": "Task", "id": "attack-referral", "status": "accepted", "intent": "order",
        "code": {"coding": [{"system": "http://kangshu.org/fhir/CodeSystem/case-kind", "code": "referral/referral"}]},
        "for": {"reference": f"Patient/{resident['id']}"}, "owner": {"reference": f"Organization/{own}"},
        "requester": {"reference": f"Organization/{city.posts['doctor'].organisation}"},
    }  # fmt: skip
    answer = city.fhir().put("/Task/attack-referral", content=body(task))
    assert answer.status_code in (200, 201), answer.text[:300]
    try:
        yield resident
    finally:
        city.fhir().delete("/Task/attack-referral")


@attack(9)
@pytest.mark.parametrize(("name", "field", "parameter"), MASKED)
def test_what_is_masked_is_in_no_answer(city: Any, name: str, field: str, parameter: str) -> None:
    """Read, old version, search, history, include, whole record, Bundle, part: none shows a value that is not clear."""
    client, own, residents = city.fhir(name), city.posts[name].organisation, unclear(city, name, field)
    assert residents
    hidden = {value_of(one, field) for one in residents} & city.secrets_from(name)
    assert hidden
    part = {"identity-number": "identifier", "telephone": "telecom"}.get(field, "address")
    addresses = [
        "/Patient?_count=1000", f"/Patient?_elements={part}&_count=1000", "/Patient?_summary=true&_count=1000",
        "/Patient/_history?_count=1000", "/_history?_count=1000", "/Encounter?_count=500&_include=Encounter:subject",
        "/Task?_count=500&_include=Task:subject", f"/Organization?_id={own}&_revinclude=Patient:organization",
        "/Observation?_count=500&_include=Observation:*",
    ]  # fmt: skip
    for one in residents[:2]:
        at = f"/Patient/{one['id']}"
        addresses += [at, f"{at}/_history", f"{at}/_history/1", f"{at}/$everything", f"{at}?_elements={part}"]
        batch = {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [{"request": {"method": "GET", "url": at[1:]}}],
        }
        told = client.post("/", content=body(batch)).text
        assert not [value for value in hidden if value in told]
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code < 500, (address, answer.text[:300])
        assert not [value for value in hidden if value in answer.text], address


@attack(9)
@pytest.mark.parametrize(("name", "field", "parameter"), MASKED)
def test_a_masked_value_is_not_guessed(city: Any, name: str, field: str, parameter: str) -> None:
    """Search, chains, _has, counts, conditional writes: the right value answers as a wrong one does."""
    client, resident = city.fhir(name), unclear(city, name, field)[0]
    right, id_ = value_of(resident, field), resident["id"]
    wrong = "9" + right[:-1]
    keeper = resident["managingOrganization"]["reference"][13:]

    def asked(address: str, tried: str) -> tuple[int, str]:
        answer = client.get(address.replace("{}", tried))
        return answer.status_code, re.sub(r'"(url|lastUpdated)":"[^"]*"', "", answer.text).replace(tried, "*")

    for address in (
        f"/Patient?_id={id_}&{parameter}={{}}", f"/Patient?{parameter}={{}}&_summary=count", f"/Patient?{parameter}={{}}&_total=accurate",
        f"/Patient?_id={id_}&{parameter}:not={{}}", f"/Patient?_id={id_}&{parameter}:exact={{}}", f"/Patient?_id={id_}&{parameter}:contains={{}}",
        f"/Encounter?patient={id_}&patient.{parameter}={{}}", f"/Observation?subject:Patient.{parameter}={{}}&patient={id_}",
        f"/Organization?_id={keeper}&_has:Patient:organization:{parameter}={{}}", f"/Patient?_id={id_}&identifier={NUMBER}|{{}}",
        f"/Encounter?patient={id_}&subject:identifier={NUMBER}|{{}}", f"/Patient?_id={id_}&_content={{}}", f"/Patient?_id={id_}&_text={{}}",
        f"/Location?_has:Encounter:location:patient.{parameter}={{}}",
    ):  # fmt: skip
        assert asked(address, right) == asked(address, wrong), address
    headers = {"content-type": "application/json-patch+json"}
    part = {"identity-number": "identifier/0/value", "telephone": "telecom/0/value"}.get(
        field, "address/0/text"
    )
    with city.unchanged():
        answers = []
        for tried in (right, wrong):
            nothing = [
                {"op": "test", "path": "/resourceType", "value": "Patient"},
                {"op": "add", "path": "/multipleBirthInteger", "value": -1},
            ]
            test = [
                {"op": "test", "path": f"/{part}", "value": tried},
                {"op": "add", "path": "/multipleBirthInteger", "value": "x"},
            ]
            answers.append(
                (
                    client.patch(
                        f"/Patient?_id={id_}&{parameter}={tried}", content=body(nothing[:1]), headers=headers
                    ).status_code,
                    client.patch(f"/Patient/{id_}", content=body(test), headers=headers).status_code,
                    client.delete(f"/Patient?_id={id_}&{parameter}={tried}").status_code,
                )
            )
    assert answers[0] == answers[1]


@attack(9)
@pytest.mark.parametrize("name", ["unit-b"])
def test_an_identifier_of_another_record_is_not_compared(city: Any, name: str) -> None:
    """A paper that carries a hidden resident's number: its office sees the paper, and cannot ask whose it is."""
    resident, own = city.residents[sorted(city.residents)[3]], city.posts[name].organisation
    number = value_of(resident, "identity-number")
    made = city.fhir().post("/Communication", content=body({
        "resourceType": "Communication", "status": "completed", "sender": {"reference": f"Organization/{own}"},
        "recipient": [{"reference": f"Organization/{own}"}], "subject": {"reference": f"Patient/{resident['id']}"},
        "identifier": [{"system": NUMBER, "value": number}],
    })).json()["id"]  # fmt: skip
    try:
        client = city.fhir(name)
        assert client.get(f"/Communication/{made}").status_code == 200
        for address in ("identifier={}", f"identifier={NUMBER}|{{}}"):
            found = [
                client.get(f"/Communication?_id={made}&{address}".replace("{}", tried)).json().get("total")
                for tried in (number, "990102190001010000")
            ]
            assert found[0] == found[1], address
    finally:
        city.fhir().delete(f"/Communication/{made}")


@attack(9)
@pytest.mark.parametrize(("name", "field", "parameter"), MASKED)
def test_a_masked_field_gives_no_order(city: Any, name: str, field: str, parameter: str) -> None:
    """Where a field is masked in anything that is read, nothing is sorted by it, on no way."""
    assert unclear(city, name, field)
    for sign in ("", "-"):
        answer = city.fhir(name).get(f"/Patient?_sort={sign}{parameter}&_count=5")
        assert answer.status_code in (400, 403), (parameter, answer.status_code)


@attack(14)
def test_a_masked_value_is_not_written_over(city: Any) -> None:
    """Who does not see a telephone cannot set it, and sends the stars back without harm."""
    client, some = city.fhir("clerk"), unclear(city, "clerk", "telephone")[0]
    place = f"/Patient/{some['id']}"
    with city.undone():
        shown = client.get(place).json()
        stood = city.fhir().get(place).json()["telecom"]
        assert shown["telecom"] != stood
        answer = client.put(place, content=body({**shown, "maritalStatus": {"text": "x"}}))
        assert answer.status_code in (200, 403), answer.text[:300]
        assert city.fhir().get(place).json()["telecom"] == stood
        for value in ("13900000000", shown["telecom"][0]["value"][:-1] + "*", "***"):
            changed = {**shown, "telecom": [{**shown["telecom"][0], "value": value}]}
            assert client.put(place, content=body(changed)).status_code in (403, 422), value
        patch = [{"op": "replace", "path": "/telecom/0/value", "value": "13900000000"}]
        headers = {"content-type": "application/json-patch+json"}
        assert client.patch(place, content=body(patch), headers=headers).status_code == 403
        assert city.fhir().get(place).json()["telecom"] == stood


@attack(14)
@pytest.mark.parametrize("name", ["department", "hospital", "elder"])
def test_labels_are_not_the_clients(city: Any, name: str) -> None:
    """Who may not label neither sets a label nor takes one away, by whatever way it writes."""
    client, own = city.fhir(name), city.posts[name].organisation
    patient = sorted(city.seen_by(name, "Patient")[0] & city.residents.keys())[0]
    label = {"security": [{"system": CONFIDENTIALITY, "code": "R"}]}
    plain = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"}, "performer": [{"reference": f"Organization/{own}"}],
    }  # fmt: skip
    entry = [{"resource": {**plain, "meta": label}, "request": {"method": "POST", "url": "Observation"}}]
    with city.unchanged():
        assert client.post("/Observation", content=body({**plain, "meta": label})).status_code == 403
        whole = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
        assert client.post("/", content=body(whole)).status_code == 403
    made = city.fhir().post("/Observation", content=body({**plain, "meta": label})).json()
    place = f"/Observation/{made['id']}"
    try:
        stands = made["meta"]["security"]
        bare = {**made, "meta": {}}
        for answer in (
            client.put(place, content=body({**bare, "meta": {"security": []}})),
            client.patch(place, content=body([{"op": "remove", "path": "/meta/security"}]), headers={"content-type": "application/json-patch+json"}),
            client.patch(place, content=body({"meta": {"security": None}}), headers={"content-type": "application/merge-patch+json"}),
            client.put(place, content=body(bare)),
            client.put(place, content=body({**bare, "meta": {"security": [{"system": CONFIDENTIALITY, "code": "N"}]}})),
        ):  # fmt: skip
            assert answer.status_code in (200, 400, 403, 404, 422), answer.text[:300]
            # what is left out stays; what is changed is refused
            assert city.fhir().get(place).json()["meta"]["security"] == stands
    finally:
        city.fhir().delete(place)


@attack(13)
@pytest.mark.parametrize("name", ["doctor", "clerk", "hospital"])
def test_a_labelled_record_is_for_who_may_see_the_label(city: Any, name: str) -> None:
    """A record under V (nobody's day by day) is in no search, count, history or version of a role."""
    client, own = city.fhir(name), city.posts[name].organisation
    patient = sorted(city.seen_by(name, "Patient")[0] & city.residents.keys())[0]
    made = city.fhir().post("/Observation", content=body({
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"}, "performer": [{"reference": f"Organization/{own}"}],
        "meta": {"security": [{"system": CONFIDENTIALITY, "code": "V"}]},
    })).json()["id"]  # fmt: skip
    try:
        for address in (f"/{made}", f"/{made}/_history", f"/{made}/_history/1"):
            assert client.get(f"/Observation{address}").status_code == 404
        assert client.get(f"/Observation?_id={made}").json()["total"] == 0
        assert client.get(f"/Observation?_id={made}&_summary=count").json()["total"] == 0
        for address in (
            "/Observation/_history?_count=100",
            f"/Patient/{patient}/$everything",
            f"/Observation?patient={patient}&_count=500",
        ):
            assert made not in client.get(address).text, address
    finally:
        city.fhir().delete(f"/Observation/{made}")


@attack(14)
@pytest.mark.parametrize("name", ["elder"])
def test_a_fixed_element_stays(city: Any, name: str) -> None:
    """Who may write a record does not hand it to another resident, whom it sees as well."""
    client, own = city.fhir(name), city.posts[name].organisation
    assert "subject" in city.grant(name).fixed_in("Observation")
    here, there = sorted(city.seen_by(name, "Patient")[0] & city.residents.keys())[:2]
    made = client.post("/Observation", content=body({
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{here}"}, "performer": [{"reference": f"Organization/{own}"}],
    })).json()  # fmt: skip
    place, moved = f"/Observation/{made['id']}", {"reference": f"Patient/{there}"}
    try:
        with city.unchanged():
            assert client.put(place, content=body({**made, "subject": moved})).status_code == 403
            patch = [{"op": "replace", "path": "/subject", "value": moved}]
            headers = {"content-type": "application/json-patch+json"}
            assert client.patch(place, content=body(patch), headers=headers).status_code == 403
            entry = {"resource": {**made, "subject": moved}, "request": {"method": "PUT", "url": place[1:]}}
            whole = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
            assert client.post("/", content=body(whole)).status_code == 403
        assert client.put(place, content=body({**made, "status": "amended"})).status_code == 200
    finally:
        city.fhir().delete(place)


def _of_others(page: dict[str, Any], city: Any) -> list[str]:
    """Return the visits of a page that the hospital did not note down itself: its own work stays its own."""
    own = f"Organization/{city.posts['hospital'].organisation}"
    shown = [entry["resource"] for entry in page.get("entry", ())]
    return [one["id"] for one in shown if one.get("serviceProvider", {}).get("reference") != own]


@attack(10, 12)
def test_a_refusal_closes_at_once(city: Any) -> None:
    """The hospital sees a resident by an open case; the resident refuses: record, versions, search, page are gone at once."""
    client, browser = city.fhir("hospital"), city.browser("hospital")
    with referred(city) as resident:
        id_ = resident["id"]
        places = [
            f"/Patient/{id_}",
            f"/Patient/{id_}/_history",
            f"/Patient/{id_}/_history/1",
            f"/Patient/{id_}/$everything",
        ]
        assert {client.get(one).status_code for one in places} == {200}
        assert browser.get(f"/residents/{id_}").status_code == 200
        page = client.get(f"/Encounter?patient={id_}&_count=1").json()
        assert _of_others(client.get(f"/Encounter?patient={id_}&_count=500").json(), city)
        onward = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")
        refusal = {
            "resourceType": "Consent", "id": "attack-refusal", "status": "active",
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}], "patient": {"reference": f"Patient/{id_}"},
            "policyRule": {"text": "x"}, "provision": {"type": "deny"},
        }  # fmt: skip
        answer = city.fhir().put("/Consent/attack-refusal", content=body(refusal))
        assert answer.status_code in (200, 201), answer.text[:300]
        try:
            assert {client.get(one).status_code for one in places} == {404}
            assert client.get(f"/Patient?_id={id_}").json()["total"] == 0
            assert _of_others(client.get(f"/Encounter?patient={id_}&_count=500").json(), city) == []
            assert browser.get(f"/residents/{id_}").status_code == 404
            if onward:
                assert _of_others(client.get(onward).json(), city) == []
            # what rests on a statutory duty stays
            assert city.fhir("doctor").get(f"/Patient/{id_}").status_code == 200
        finally:
            city.fhir().delete("/Consent/attack-refusal")
        assert client.get(f"/Patient/{id_}").status_code == 200


@attack(10)
def test_a_case_that_ends_closes_at_once(city: Any) -> None:
    """What an open case opened is closed by the write that ends it, old versions of the case or not."""
    client = city.fhir("hospital")
    with referred(city) as resident:
        place = f"/Patient/{resident['id']}"
        assert client.get(place).status_code == 200
        task = city.fhir().get("/Task/attack-referral").json()
        ended = city.fhir().put("/Task/attack-referral", content=body({**task, "status": "completed"}))
        assert ended.status_code == 200, ended.text[:300]
        for address in (place, f"{place}/_history/1"):
            assert client.get(address).status_code == 404
        again = {**task, "status": "accepted"}
        assert city.fhir().put("/Task/attack-referral", content=body(again)).status_code == 200
        assert client.get(place).status_code == 200


@attack(12)
def test_an_office_without_relations_sees_nobody(city: Any) -> None:
    """No row in the table of care is no access: not "no restriction"."""
    client = city.fhir("lonely")
    for kind in ("Patient", "Observation", "Encounter", "Condition", "Contract"):
        assert client.get(f"/{kind}?_summary=count").json()["total"] == 0, kind
        assert client.get(f"/{kind}?_count=10").json().get("entry", []) == [], kind
        assert client.get(f"/{kind}/_history").json().get("entry", []) == [], kind
    some = sorted(city.residents)[0]
    assert client.get(f"/Patient/{some}").status_code == 404
    assert city.browser("lonely").get(f"/residents/{some}").status_code == 404


@attack(4)
def test_a_residents_token_without_a_resident_sees_nobody(city: Any) -> None:
    """Its wards are gone, it names no resident: nothing is widened."""
    time.sleep(3.5)  # what a process remembers of a token
    client = city.fhir("nobody")
    for kind in ("Patient", "Observation", "Encounter", "Condition", "Contract", "Task", "Communication"):
        assert client.get(f"/{kind}?_summary=count").json()["total"] == 0, kind
        assert client.get(f"/{kind}/_history").json().get("entry", []) == [], kind
