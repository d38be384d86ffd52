"""Writes that reach for what is another's: records taken, moved, forged; marks that only the server sets."""

from __future__ import annotations

import asyncio
import json
import time
from copy import deepcopy
from typing import Any

import httpx
import pytest

from kangshu.sdk import code_system

from .cases import attack

BASE = "http://kangshu.org/fhir"
CASE_KIND = f"{BASE}/CodeSystem/case-kind"
DISTRICT = f"{BASE}/StructureDefinition/district"
RESPONSIBLE = f"{BASE}/StructureDefinition/responsible-organisation"


def body(resource: Any) -> str:
    return json.dumps(resource, ensure_ascii=False)


def encounter(patient: str, organisation: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"}, "serviceProvider": {"reference": f"Organization/{organisation}"},
        **more,
    }  # fmt: skip


def every_way(client: httpx.Client, resource: dict[str, Any]) -> list[httpx.Response]:
    """Return the answers to writing `resource` in every way there is; a batch gives its entry's status."""
    kind, own = resource["resourceType"], {**resource, "id": "forged-1"}
    entry = {"resource": resource, "request": {"method": "POST", "url": kind}}
    put = {"resource": own, "request": {"method": "PUT", "url": f"{kind}/forged-1"}}
    answers = [
        client.post(f"/{kind}", content=body(resource)),
        client.post(f"/{kind}", content=body(resource), headers={"if-none-exist": "_id=forged-1"}),
        client.put(f"/{kind}/forged-1", content=body(own)),
        client.put(f"/{kind}?_id=forged-1", content=body(own)),
        client.put(f"/{kind}/forged-1", content=body(own), headers={"if-none-match": "*"}),
        client.post("/", content=body({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})),
        client.post("/", content=body({"resourceType": "Bundle", "type": "transaction", "entry": [put]})),
    ]
    batch = client.post("/", content=body({"resourceType": "Bundle", "type": "batch", "entry": [entry, put]}))
    for one in batch.json()["entry"]:
        answers.append(httpx.Response(int(one["response"]["status"][:3]), text=json.dumps(one)))
    return answers


def refused(answers: list[httpx.Response], *statuses: int) -> None:
    for answer in answers:
        assert answer.status_code in statuses, (answer.status_code, answer.text[:400])


CARE = {
    "encounter": lambda patient, own: encounter(patient, own),
    "contract": lambda patient, own: {
        "resourceType": "Contract", "status": "executed", "subject": [{"reference": f"Patient/{patient}"}],
        "authority": [{"reference": f"Organization/{own}"}],
    },
    "residence": lambda patient, own: {
        "resourceType": "EpisodeOfCare", "status": "active", "patient": {"reference": f"Patient/{patient}"},
        "managingOrganization": {"reference": f"Organization/{own}"},
        "type": [{"coding": [{"system": code_system("episode-kind"), "code": "elder-residence"}]}],
    },
    "observation": lambda patient, own: {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"}, "performer": [{"reference": f"Organization/{own}"}],
    },
    "version of a resident": lambda patient, own: {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}/_history/1"}, "performer": [{"reference": f"Organization/{own}"}],
    },
    "second subject": lambda patient, own: {
        "resourceType": "Contract", "status": "executed", "authority": [{"reference": f"Organization/{own}"}],
        "subject": [{"reference": f"Organization/{own}"}, {"reference": f"Patient/{patient}"}],
    },
    "own task": lambda patient, own: {
        "resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": f"Patient/{patient}"},
        "owner": {"reference": f"Organization/{own}"}, "requester": {"reference": f"Organization/{own}"},
    },
}  # fmt: skip


@attack(11)
@pytest.mark.parametrize("way", CARE)
@pytest.mark.parametrize(
    "name", ["doctor", "doctor-b", "hospital", "hospital-b", "elder", "elder-b", "unit-b"]
)
def test_nobody_takes_a_resident_into_care_unseen(city: Any, name: str, way: str) -> None:
    """A record of care opens a resident's record: whoever could write one for anybody could read everybody."""
    _, hidden = city.seen_by(name, "Patient")
    if not hidden:
        return
    own, client = city.posts[name].organisation, city.fhir(name)
    with city.unchanged():
        for patient in (sorted(hidden)[0], "never-there"):
            refused(every_way(client, CARE[way](patient, own)), 403, 409, 422)


@attack(11)
@pytest.mark.parametrize("name", ["doctor", "hospital", "elder"])
def test_own_records_do_not_change_hands(city: Any, name: str) -> None:
    """A record stays where its writer may write: not given away, not turned to a hidden resident."""
    client, own = city.fhir(name), city.posts[name].organisation
    shown, hidden = city.seen_by(name, "Patient")
    other = "doctor-b" if name != "doctor-b" else "doctor"
    mine = CARE["observation"](sorted(shown)[0], own)
    made = client.post("/Observation", content=body(mine))
    assert made.status_code == 201, made.text[:300]
    place = f"/Observation/{made.json()['id']}"
    stored = client.get(place).json()
    foreign = {"reference": f"Organization/{city.posts[other].organisation}"}
    stranger = {"reference": f"Patient/{sorted(hidden)[0]}"}
    merge = {"content-type": "application/merge-patch+json"}
    given = {"content-type": "application/json-patch+json"}
    if name == "elder":  # it may write what its home answers for, and nothing else
        refused([client.put(place, content=body({**stored, "performer": [foreign]}))], 403)
    with city.unchanged():
        refused(
            [
                client.put(place, content=body({**stored, "subject": stranger})),
                client.patch(place, content=body({"subject": stranger}), headers=merge),
                client.patch(place, content=body([{"op": "replace", "path": "/subject", "value": stranger}]), headers=given),
                client.put(place, content=body({**stored, "subject": {"reference": "Patient/never-there"}})),
            ],
            422, 403,
        )  # fmt: skip
    assert client.delete(place).status_code == 204


@attack(13)
@pytest.mark.parametrize(
    "name", ["doctor-b", "hospital-b", "elder-b", "unit-b", "clerk-b", "calls", "resident-b"]
)
def test_foreign_records_are_not_written(city: Any, name: str) -> None:
    """PUT, PATCH, DELETE and Bundles over records that the account does not see leave them as they are."""
    client = city.fhir(name)
    claim = {
        "url": RESPONSIBLE,
        "valueReference": {"reference": f"Organization/{city.posts[name].organisation or 'x'}"},
    }
    with city.unchanged():
        for kind in ("Patient", "Observation", "Contract", "EpisodeOfCare", "Communication", "Task"):
            _, hidden = city.seen_by(name, kind)
            for foreign in sorted(hidden)[:2]:
                stored = city.fhir().get(f"/{kind}/{foreign}").json()
                mine = deepcopy(stored)
                mine.setdefault("extension", []).append(claim)
                patch = [{"op": "add", "path": "/language", "value": "zh"}]
                headers = {"content-type": "application/json-patch+json"}
                entries = [
                    {"resource": mine, "request": {"method": "PUT", "url": f"{kind}/{foreign}"}},
                    {"request": {"method": "DELETE", "url": f"{kind}/{foreign}"}},
                ]
                refused(
                    [
                        client.put(f"/{kind}/{foreign}", content=body(mine)),
                        client.put(f"/{kind}/{foreign}", content=body(mine), headers={"if-match": 'W/"1"'}),
                        client.patch(f"/{kind}/{foreign}", content=body(patch), headers=headers),
                        client.patch(f"/{kind}?_id={foreign}", content=body(patch), headers=headers),
                        client.delete(f"/{kind}/{foreign}"),
                        client.post("/", content=body({"resourceType": "Bundle", "type": "transaction", "entry": entries[:1]})),
                    ],
                    403, 404, 409, 412,
                )  # fmt: skip
                assert (
                    client.delete(f"/{kind}?_id={foreign}").status_code == 204
                )  # nothing matched, nothing went
                client.post("/", content=body({"resourceType": "Bundle", "type": "batch", "entry": entries}))


@attack(14)
def test_a_district_is_not_claimed(city: Any) -> None:
    """A record about a hidden resident is not drawn into one's own district by saying so."""
    _, hidden = city.seen_by("clerk-b", "Patient")
    resource = CARE["observation"](sorted(hidden)[0], "nowhere")
    resource["extension"] = [{"url": DISTRICT, "valueCode": "990103"}]
    with city.unchanged():
        refused(every_way(city.fhir("clerk-b"), resource), 422)


@attack(10)
def test_deleted_records_keep_their_history_to_themselves(city: Any) -> None:
    """Who writes under the id of a deleted record of another's would own its versions."""
    there, own = city.posts["doctor"].organisation, city.posts["unit-b"].organisation
    secret = {
        "resourceType": "Basic", "id": "gone-1", "code": {"text": "秘密内容"},
        "extension": [{"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{there}"}}],
    }  # fmt: skip
    assert city.fhir().put("/Basic/gone-1", content=body(secret)).status_code == 201
    assert city.fhir().delete("/Basic/gone-1").status_code == 204
    mine = {
        **secret,
        "code": {"text": "x"},
        "extension": [{"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{own}"}}],
    }
    client = city.fhir("unit-b")
    with city.unchanged():
        refused(
            [
                client.put("/Basic/gone-1", content=body(mine)),
                client.put("/Basic?_id=gone-1", content=body(mine)),
            ],
            404,
        )
    for address in (
        "/Basic/gone-1",
        "/Basic/gone-1/_history",
        "/Basic/gone-1/_history/1",
        "/Basic/gone-1/_history/2",
    ):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "秘密" not in answer.text


HIDING = {
    "contained": {"contained": [{"resourceType": "Patient", "id": "p", "name": [{"text": "隐藏者"}]}], "subject": {"reference": "#p"}},
    "identifier": {"subject": {"type": "Patient", "identifier": {"system": "urn:oid:2.16.156.10011.1.3", "value": "隐藏者"}}},
    "elsewhere": {"subject": {"reference": "https://other.example/fhir/Patient/1", "display": "隐藏者"}},
    "uuid": {"subject": {"reference": "urn:uuid:0b1e8f0a-6a52-4f0c-9f5c-3b8f0f6f9a11", "display": "隐藏者"}},
    "own base": {"subject": {"reference": "{base}/Patient/{patient}", "display": "隐藏者"}},
    "display alone": {"subject": {"type": "Patient", "display": "隐藏者"}},
    "related": {"context": {"related": [{"reference": "Patient/{patient}"}]}, "description": "隐藏者"},
    "source": {"context": {"sourcePatientInfo": {"reference": "Patient/{patient}"}}, "description": "隐藏者"},
}  # fmt: skip


@attack(11)
@pytest.mark.parametrize("way", HIDING)
def test_papers_about_a_resident_are_not_papers_of_nobody(city: Any, way: str) -> None:
    """Attack 11: however a document names its resident, roles that see papers of no resident do not see it."""
    patient = city.posts["resident-b"].patient
    text = body(HIDING[way]).replace("{patient}", patient).replace("{base}", f"{city.address}/fhir")
    paper = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"title": "x"}}],
        **json.loads(text),
    }
    made = city.fhir().post("/DocumentReference", content=body(paper))
    assert made.status_code == 201, made.text[:300]
    place = f"/DocumentReference/{made.json()['id']}"
    try:
        for name in ("leader", "plan", "unit-b", "civil", "resident"):
            assert city.fhir(name).get(place).status_code == 404, name
            assert "隐藏者" not in city.fhir(name).get("/DocumentReference?_count=1000").text
    finally:
        assert city.fhir().delete(place).status_code == 204


@attack(11)
def test_a_binary_is_as_secret_as_its_context(city: Any) -> None:
    patient = city.posts["resident-b"].patient
    binary = {
        "resourceType": "Binary",
        "contentType": "text/plain",
        "data": "5bCP5byg",
        "securityContext": {"reference": f"Patient/{patient}"},
    }
    place = f"/Binary/{city.fhir().post('/Binary', content=body(binary)).json()['id']}"
    try:
        for name in ("leader", "plan", "unit-b", "resident"):
            assert city.fhir(name).get(place).status_code == 404, name
        assert city.fhir("resident-b").get(place).status_code == 200
    finally:
        assert city.fhir().delete(place).status_code == 204


def task_of(city: Any) -> dict[str, Any]:
    found = city.fhir().get(f"/Task?code={CASE_KIND}|supervision/duty&_count=1").json()
    task: dict[str, Any] = found["entry"][0]["resource"]
    return task


@attack(14)
@pytest.mark.parametrize("name", ["plan", "clerk", "hospital", "leader", "unit-b"])
def test_cases_change_by_their_moves_alone(city: Any, name: str) -> None:
    task, client = task_of(city), city.fhir(name)
    own = city.posts[name].organisation
    forged = {
        "resourceType": "Task", "status": "completed", "intent": "order", "owner": {"reference": f"Organization/{own}"},
        "requester": {"reference": f"Organization/{own}"},
        "code": {"coding": [{"system": "http://other.example", "code": "x"}, {"system": CASE_KIND, "code": "supervision/duty"}]},
    }  # fmt: skip
    place = f"/Task/{task['id']}"
    given = {"content-type": "application/json-patch+json"}
    uncased = {**task, "code": {"text": "x"}}
    state = [{"op": "replace", "path": "/status", "value": "completed"}]
    with city.unchanged():
        refused(every_way(client, forged), 403, 409)
        refused(
            [
                client.put(place, content=body({**task, "status": "completed"})),
                client.put(place, content=body(uncased)),
                client.patch(place, content=body(state), headers=given),
                client.patch(f"/Task?_id={task['id']}", content=body(state), headers=given),
                client.patch(place, content=body([{"op": "remove", "path": "/code"}]), headers=given),
                client.patch(place, content=body({"note": None}), headers={"content-type": "application/merge-patch+json"}),
                client.delete(place),
            ],
            403, 404, 409,
        )  # fmt: skip
        client.delete(f"/Task?_id={task['id']}")
        client.post(
            "/",
            content=body({"resourceType": "Bundle", "type": "batch", "entry": [
                {"request": {"method": "DELETE", "url": f"Task/{task['id']}"}},
                {"request": {"method": "PATCH", "url": f"Task/{task['id']}"}, "resource": {
                    "resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
                        {"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Task.code"}]}]}},
            ]}),
        )  # fmt: skip


@attack(14)
@pytest.mark.parametrize("name", ["plan", "clerk", "unit-b", "civil"])
def test_reported_values_are_not_reviewed_by_hand(city: Any, name: str) -> None:
    own = city.posts[name].organisation
    report = {
        "resourceType": "MeasureReport", "status": "complete", "type": "summary", "measure": f"{BASE}/Measure/reported-plan-x-target-1",
        "period": {"start": "2026-01-01", "end": "2026-06-30"}, "reporter": {"reference": f"Organization/{own}"},
        "extension": [{"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{own}"}}, {"url": DISTRICT, "valueCode": "990100"}],
        "group": [{"measureScore": {"value": 99}}],
    }  # fmt: skip
    with city.unchanged():
        refused(every_way(city.fhir(name), report), 403, 409)


@attack(14)
@pytest.mark.parametrize("name", ["doctor", "hospital", "unit-b", "clerk", "plan"])
def test_provenance_and_audit_are_the_servers_own(city: Any, name: str) -> None:
    own = city.posts[name].organisation
    provenance = {
        "resourceType": "Provenance", "target": [{"reference": "PlanDefinition/x"}], "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"who": {"reference": f"Organization/{own}"}}],
        "extension": [{"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{own}"}}, {"url": DISTRICT, "valueCode": "990100"}],
    }  # fmt: skip
    event = {
        "resourceType": "AuditEvent", "type": {"code": "rest"}, "recorded": "2026-01-01T00:00:00Z",
        "agent": [{"requestor": True}], "source": {"observer": {"display": "x"}},
    }  # fmt: skip
    with city.unchanged():
        refused(every_way(city.fhir(name), provenance), 403)
        refused(every_way(city.fhir(name), event), 400)
        assert city.fhir(name).delete("/AuditEvent/1").status_code == 400
        assert city.fhir(name).patch("/AuditEvent/1", content="[]").status_code == 400


@attack(14)
def test_marks_of_the_server_are_its_own(city: Any) -> None:
    """Attack 14: versions, times and case numbers that a client sends are not taken."""
    client, own = city.fhir("doctor"), city.posts["doctor"].organisation
    patient = sorted(city.seen_by("doctor", "Patient")[0])[0]
    sent = CARE["observation"](patient, own) | {
        "id": "chosen",
        "meta": {"versionId": "99", "lastUpdated": "1999-01-01T00:00:00Z"},
    }
    made = client.post("/Observation", content=body(sent)).json()
    assert made["id"] != "chosen"
    assert made["meta"]["versionId"] == "1"
    assert made["meta"]["lastUpdated"] > "2020"
    again = client.put(
        f"/Observation/{made['id']}",
        content=body({**made, "meta": {"versionId": "7", "lastUpdated": "1999-01-01T00:00:00Z"}}),
    )
    assert again.json()["meta"]["versionId"] == "2"
    assert client.delete(f"/Observation/{made['id']}").status_code == 204


@attack(15)
def test_tokens(city: Any) -> None:
    """Attack 15: what is not a token of ours, or not any more, is nobody; a session is no bearer token."""
    cookie = city.browser("doctor").cookies["kangshu_session"]
    none_alg = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW0ifQ."
    for token in (
        "x",
        none_alg,
        cookie,
        city.tokens["doctor"][:-1],
        city.tokens["doctor"] + "x",
        "\xff",
        "A" * 5000,
    ):
        answer = httpx.get(
            f"{city.address}/fhir/Patient", headers={b"authorization": f"Bearer {token}".encode("latin-1")}
        )
        assert answer.status_code == 401, token[:20]
    for given in ("Basic ZG9jdG9yOng=", "Bearer", "bearer", "Digest x", city.tokens["doctor"]):
        assert httpx.get(f"{city.address}/fhir/Patient", headers={"authorization": given}).status_code == 401
    for field in ("access_token", "token", "Authorization"):
        assert (
            httpx.get(f"{city.address}/fhir/Patient", params={field: city.tokens["doctor"]}).status_code
            == 401
        )
    jar = {"kangshu_session": city.tokens["doctor"]}
    assert httpx.get(f"{city.address}/fhir/Patient", cookies=jar).status_code == 401
    assert city.fhir("doctor").get("/Patient?_count=1").status_code == 200


@attack(15)
def test_a_stopped_account_is_out_everywhere(city: Any) -> None:
    browser, client = city.signed_in("hospital-b"), city.fhir("hospital-b")
    assert client.get("/Patient?_count=1").status_code == 200
    city.sql("update account set active = false where name = 'hospital-b' returning 1 as n")
    try:
        time.sleep(3.5)
        assert client.get("/Patient?_count=1").status_code == 401
        assert browser.get("/worklist").status_code == 303
    finally:
        city.sql("update account set active = true where name = 'hospital-b' returning 1 as n")


@attack(24)
def test_writes_from_other_sites_with_the_cookie_are_refused(city: Any) -> None:
    """A browser sends the cookie by itself: another site's page may not use it on /fhir."""
    cookies = dict(city.browser("doctor").cookies)
    for headers in (
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}, {"origin": "null"},
    ):  # fmt: skip
        for type_ in ("application/fhir+json", "application/x-www-form-urlencoded", "text/plain"):
            with (
                city.unchanged(),
                httpx.Client(cookies=cookies, headers={**headers, "content-type": type_}) as client,
            ):
                for method, path in (
                    ("POST", "/Patient"),
                    ("POST", "/"),
                    ("POST", "/Task/x/$move?move=accept"),
                    ("DELETE", "/Patient/x"),
                ):
                    answer = client.request(method, f"{city.address}/fhir{path}", content=b"")
                    assert answer.status_code == 403, (headers, type_, path, answer.status_code)


def test_one_of_a_hundred_conditional_creates(city: Any) -> None:
    """Attack 26: 100 at once, over all web workers, make one record."""
    headers = {"Authorization": f"Bearer {city.tokens['system']}", "Content-Type": "application/fhir+json"}
    criteria = "identifier=http://x.example/once|race"
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": "http://x.example/once", "value": "race"}],
    }
    entry = {"resource": patient, "request": {"method": "POST", "url": "Patient", "ifNoneExist": criteria}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    async def race() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(
            base_url=f"{city.address}/fhir", headers=headers, timeout=120, limits=limits
        ) as client:
            posts = [
                client.post("/Patient", content=body(patient), headers={"if-none-exist": criteria})
                for _ in range(50)
            ]
            bundles = [client.post("/", content=body(bundle)) for _ in range(50)]
            return list(await asyncio.gather(*posts, *bundles))

    answers = asyncio.run(race())
    assert {one.status_code for one in answers} <= {200, 201}
    made = sum(one.status_code == 201 for one in answers[:50])
    made += sum(one.json()["entry"][0]["response"]["status"].startswith("201") for one in answers[50:])
    assert made == 1
    found = city.fhir().get(f"/Patient?{criteria}").json()
    assert found["total"] == 1
    assert city.fhir().delete(f"/Patient/{found['entry'][0]['resource']['id']}").status_code == 204


def test_one_of_two_hundred_versions(city: Any) -> None:
    """Attack 28: of many who change the same version of a record one wins; the others are told so."""
    made = city.fhir().post("/Basic", content=body({"resourceType": "Basic", "code": {"text": "0"}})).json()
    headers = {
        "Authorization": f"Bearer {city.tokens['system']}",
        "Content-Type": "application/fhir+json",
        "If-Match": 'W/"1"',
    }

    async def race() -> list[int]:
        async with httpx.AsyncClient(base_url=f"{city.address}/fhir", headers=headers, timeout=120) as client:
            puts = [
                client.put(f"/Basic/{made['id']}", content=body({**made, "code": {"text": str(n)}}))
                for n in range(100)
            ]
            return [one.status_code for one in await asyncio.gather(*puts)]

    statuses = asyncio.run(race())
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 412, 409}
    assert city.fhir().get(f"/Basic/{made['id']}").json()["meta"]["versionId"] == "2"


@attack(11)
def test_a_binary_follows_the_document_that_it_belongs_to(city: Any) -> None:
    patient = city.posts["resident-b"].patient
    paper = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"title": "x"}}],
    }
    document = city.fhir().post("/DocumentReference", content=body(paper)).json()["id"]
    binary = {
        "resourceType": "Binary",
        "contentType": "text/plain",
        "data": "5bCP5byg",
        "securityContext": {"reference": f"DocumentReference/{document}"},
    }
    place = f"/Binary/{city.fhir().post('/Binary', content=body(binary)).json()['id']}"
    for name in ("leader", "plan", "unit-b", "resident"):
        assert city.fhir(name).get(place).status_code == 404, name
    assert city.fhir("resident-b").get(place).status_code == 200
    assert (
        city.fhir().delete(place).status_code
        == city.fhir().delete(f"/DocumentReference/{document}").status_code
        == 204
    )
