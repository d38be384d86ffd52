"""The interactions of FHIR R4 over HTTP, on a real database."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

FHIR_JSON = "application/fhir+json"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:test:mrn", "value": "m-1"}],
    "name": [{"family": "李", "given": ["云汐"], "text": "李云汐"}],
    "gender": "female",
    "birthDate": "1950-02-03",
}


def patient(**changes: Any) -> dict[str, Any]:
    return {**PATIENT, **changes}


async def post(client: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    return await client.post(path, content=json.dumps(body), headers={"Content-Type": FHIR_JSON, **headers})


async def put(client: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    return await client.put(path, content=json.dumps(body), headers={"Content-Type": FHIR_JSON, **headers})


def issue(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    found: dict[str, Any] = body["issue"][0]
    assert found["details"]["text"]
    return found


async def test_create_read_update_history_delete(face: Any) -> None:
    client = face.client
    made = await post(client, "/Patient", patient())
    assert made.status_code == 201
    id_ = made.json()["id"]
    assert made.headers["location"] == f"http://test/fhir/Patient/{id_}/_history/1"
    assert made.headers["etag"] == 'W/"1"'
    assert made.headers["content-type"].startswith(FHIR_JSON)

    read = await client.get(f"/Patient/{id_}")
    assert read.status_code == 200
    assert read.json()["meta"]["versionId"] == "1"
    assert "last-modified" in read.headers

    changed = await put(client, f"/Patient/{id_}", patient(id=id_, gender="male"), **{"If-Match": 'W/"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    late = await put(client, f"/Patient/{id_}", patient(id=id_), **{"If-Match": 'W/"1"'})
    assert late.status_code == 412

    first = await client.get(f"/Patient/{id_}/_history/1")
    assert first.json()["gender"] == "female"
    assert (await client.get(f"/Patient/{id_}/_history/9")).status_code == 404

    gone = await client.delete(f"/Patient/{id_}")
    assert gone.status_code == 204
    assert (await client.get(f"/Patient/{id_}")).status_code == 410
    versions = (await client.get(f"/Patient/{id_}/_history")).json()
    assert versions["type"] == "history"
    assert [one["request"]["method"] for one in versions["entry"]] == ["DELETE", "PUT", "PUT"]


async def test_a_client_that_has_the_version_gets_304(face: Any) -> None:
    made = await post(face.client, "/Patient", patient())
    path = f"/Patient/{made.json()['id']}"
    same = await face.client.get(path, headers={"If-None-Match": made.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    since = await face.client.get(path, headers={"If-Modified-Since": made.headers["last-modified"]})
    assert since.status_code == 304


async def test_update_makes_a_record_under_the_clients_id(face: Any) -> None:
    made = await put(face.client, "/Patient/li-1", patient(id="li-1"))
    assert made.status_code == 201
    again = await put(face.client, "/Patient/li-1", patient(id="li-1"), **{"If-None-Match": "*"})
    assert again.status_code == 412
    assert (await face.client.get("/Patient/li-1")).headers["etag"] == 'W/"1"'
    fresh = await put(face.client, "/Patient/li-9", patient(id="li-9"), **{"If-None-Match": "*"})
    assert fresh.status_code == 201
    other = await put(face.client, "/Patient/li-1", patient(id="li-2"))
    assert (other.status_code, issue(other)["code"]) == (400, "invalid")
    wrong = await put(face.client, "/Patient/li-1", {"resourceType": "Group", "id": "li-1"})
    assert wrong.status_code == 400


async def test_conditional_create_update_delete(face: Any) -> None:
    client, criteria = face.client, "identifier=urn:test:mrn|m-7"
    body = patient(identifier=[{"system": "urn:test:mrn", "value": "m-7"}])
    first = await post(client, "/Patient", body, **{"If-None-Exist": criteria})
    second = await post(client, "/Patient", body, **{"If-None-Exist": criteria})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    changed = await client.put(
        "/Patient", params={"identifier": "urn:test:mrn|m-7"}, content=json.dumps({**body, "gender": "male"}),
        headers={"Content-Type": FHIR_JSON},
    )  # fmt: skip
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')
    assert (await put(client, "/Patient", body)).status_code == 400
    assert (await client.delete("/Patient", params={"identifier": "urn:test:mrn|m-7"})).status_code == 204
    assert (await client.get(f"/Patient/{first.json()['id']}")).status_code == 410


async def test_both_kinds_of_patch(face: Any) -> None:
    client = face.client
    path = f"/Patient/{(await post(client, '/Patient', patient())).json()['id']}"
    changed = await client.patch(
        path,
        content=json.dumps([{"op": "replace", "path": "/gender", "value": "other"}]),
        headers={"Content-Type": "application/json-patch+json"},
    )
    assert (changed.status_code, changed.json()["gender"]) == (200, "other")
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.birthDate"},
        {"name": "value", "valueDate": "1951-01-01"},
    ]
    body = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    changed = await client.patch(path, content=json.dumps(body), headers={"Content-Type": FHIR_JSON})
    assert (changed.status_code, changed.json()["birthDate"]) == (200, "1951-01-01")
    odd = await client.patch(path, content=b"[]", headers={"Content-Type": "text/plain"})
    assert odd.status_code == 415


async def test_search_pages_by_link_and_tells_the_total(face: Any) -> None:
    for number in range(5):
        await post(face.client, "/Patient", patient(birthDate=f"1950-01-0{number + 1}"))
    found: list[str] = []
    url = "/Patient?_sort=birthdate&_count=2&_total=accurate"
    while url:
        page = (await face.client.get(url)).json()
        assert (page["type"], page["total"]) == ("searchset", 5)
        found += [one["resource"]["birthDate"] for one in page["entry"]]
        assert all(one["search"]["mode"] == "match" for one in page["entry"])
        links = {one["relation"]: one["url"] for one in page["link"]}
        assert "_count=2" in links["self"]
        url = links.get("next", "")
    assert found == [f"1950-01-0{number}" for number in range(1, 6)]


async def test_search_by_form_includes_and_counts(face: Any) -> None:
    client = face.client
    await put(client, "/Organization/chc", {"resourceType": "Organization", "id": "chc", "name": "中心"})
    await post(client, "/Patient", patient(managingOrganization={"reference": "Organization/chc"}))
    page = (await client.post("/Patient/_search", data={"_include": "Patient:organization"})).json()
    assert [one["search"]["mode"] for one in page["entry"]] == ["match", "include"]
    counted = (await client.get("/Patient?_summary=count")).json()
    assert (counted["total"], "entry" in counted) == (1, False)


async def test_an_unknown_parameter_is_an_error_unless_lenient(face: Any) -> None:
    strict = await face.client.get("/Patient?shoe-size=43")
    assert (strict.status_code, issue(strict)["code"]) == (400, "not-supported")
    lenient = await face.client.get("/Patient?shoe-size=43", headers={"Prefer": "handling=lenient"})
    assert lenient.status_code == 200
    assert lenient.json()["entry"][-1]["search"]["mode"] == "outcome"
    assert "shoe-size" not in lenient.json()["link"][0]["url"]


async def test_prefer_return(face: Any) -> None:
    minimal = await post(face.client, "/Patient", patient(), Prefer="return=minimal")
    assert (minimal.status_code, minimal.content) == (201, b"")
    told = await post(face.client, "/Patient", patient(), Prefer="return=OperationOutcome")
    assert told.json()["resourceType"] == "OperationOutcome"
    assert (await post(face.client, "/Patient", patient(), Prefer="return=all")).status_code == 400


async def test_elements_and_summary_are_marked(face: Any) -> None:
    id_ = (await post(face.client, "/Patient", patient(maritalStatus={"text": "已婚"}))).json()["id"]
    part = (await face.client.get(f"/Patient/{id_}?_elements=gender")).json()
    assert set(part) == {"resourceType", "id", "meta", "gender"}
    assert part["meta"]["tag"][-1]["code"] == "SUBSETTED"
    short = (await face.client.get(f"/Patient/{id_}?_summary=true")).json()
    assert "maritalStatus" not in short
    assert short["gender"] == "female"


@pytest.mark.parametrize(
    ("accept", "status"),
    [("application/fhir+xml", 406), ("text/html,*/*;q=0.8", 200), ("application/json", 200),
     ("application/fhir+json; fhirVersion=5.0", 406)],
)  # fmt: skip
async def test_what_is_offered_is_json_of_r4(face: Any, accept: str, status: int) -> None:
    answer = await face.client.get("/metadata", headers={"Accept": accept})
    assert answer.status_code == status
    if status == 406:
        assert issue(answer)["code"] == "not-supported"
    assert (await face.client.get("/metadata?_format=xml")).status_code == 406
    assert (
        await face.client.get("/metadata?_format=json", headers={"Accept": "text/xml"})
    ).status_code == 200


async def test_head_gzip_and_pretty(face: Any) -> None:
    head = await face.client.head("/metadata")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 1000
    packed = await face.client.get("/metadata", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    id_ = (await post(face.client, "/Patient", patient())).json()["id"]
    assert b"\n  " in (await face.client.get(f"/Patient/{id_}?_pretty=true")).content
    body = gzip.compress(json.dumps(patient()).encode())
    sent = await face.client.post(
        "/Patient", content=body, headers={"Content-Type": FHIR_JSON, "Content-Encoding": "gzip"}
    )
    assert sent.status_code == 201


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", FHIR_JSON, 400),
        (b"", FHIR_JSON, 400),
        (b"[]", FHIR_JSON, 400),
        (b'{"resourceType":"Patient","gender":"female","gender":"male"}', FHIR_JSON, 400),
        (b'{"resourceType":"Group"}', FHIR_JSON, 400),
        (b'{"resourceType":"Patient","x":NaN}', FHIR_JSON, 400),
        (b"<Patient/>", "application/fhir+xml", 415),
        (b'{"resourceType":"Patient"}', "text/plain", 415),
        (b"[" * 100_000, FHIR_JSON, 400),
        (b'{"resourceType":"Patient","name":[{"text":"' + b"a" * 2_000_000 + b'"}]}', FHIR_JSON, 413),
    ],
)
async def test_bad_bodies_get_a_clear_answer_and_store_nothing(
    face: Any, body: bytes, content_type: str, status: int
) -> None:
    answer = await face.client.post("/Patient", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert issue(answer)["severity"] in ("error", "fatal")
    assert (await face.client.get("/Patient?_summary=count")).json()["total"] == 0


async def test_a_body_over_the_limit_is_not_read(face: Any) -> None:
    read = 0

    async def stream() -> Any:
        nonlocal read
        for _ in range(200):
            read += 1
            yield b" " * 1_000_000

    sized = await face.client.post(
        "/Patient", content=b"", headers={"Content-Type": FHIR_JSON, "Content-Length": "200000000"}
    )
    assert sized.status_code == 413
    assert "2 MB" in issue(sized)["diagnostics"]
    unsized = await face.client.post("/Patient", content=stream(), headers={"Content-Type": FHIR_JSON})
    assert unsized.status_code == 413


async def test_a_gzip_bomb_is_stopped(face: Any) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    answer = await face.client.post(
        "/Patient", content=bomb, headers={"Content-Type": FHIR_JSON, "Content-Encoding": "gzip"}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/Nonsense", 404), ("GET", "/Patient/a/b/c/d", 404), ("GET", "/Patient/none", 404), ("GET", "/Patient/a b", 400),
     ("POST", "/Patient/$nonsense", 400), ("DELETE", "/metadata", 405), ("GET", "/Group/g/$everything", 400)],
)  # fmt: skip
async def test_wrong_addresses(face: Any, method: str, path: str, status: int) -> None:
    answer = await face.client.request(method, path)
    assert answer.status_code == status
    assert issue(answer)


async def test_a_transaction_is_whole_or_nothing_and_a_batch_entry_by_entry(face: Any) -> None:
    good = {"resource": patient(), "request": {"method": "POST", "url": "Patient"}}
    bad = {"resource": {"resourceType": "Nonsense"}, "request": {"method": "POST", "url": "Nonsense"}}
    refused = await post(
        face.client, "/", {"resourceType": "Bundle", "type": "transaction", "entry": [good, bad]}
    )
    assert refused.status_code in (400, 422)
    assert (await face.client.get("/Patient?_summary=count")).json()["total"] == 0
    batch = await post(face.client, "/", {"resourceType": "Bundle", "type": "batch", "entry": [good, bad]})
    assert batch.status_code == 200
    body = batch.json()
    assert body["type"] == "batch-response"
    assert body["entry"][0]["response"]["status"].startswith("201")
    assert body["entry"][1]["response"]["status"].startswith("4")
    assert body["entry"][1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    other = await post(face.client, "/", {"resourceType": "Bundle", "type": "collection"})
    assert other.status_code == 400


async def test_everything_about_a_resident(face: Any) -> None:
    client = face.client
    await put(client, "/Patient/p1", patient(id="p1"))
    await put(client, "/Patient/p2", patient(id="p2"))
    for number, who in enumerate(("p1", "p1", "p2")):
        await put(
            client,
            f"/Condition/c{number}",
            {"resourceType": "Condition", "id": f"c{number}", "subject": {"reference": f"Patient/{who}"}},
        )
    whole = (await client.get("/Patient/p1/$everything")).json()
    ids = {f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in whole["entry"]}
    assert ids == {"Patient/p1", "Condition/c0", "Condition/c1"}
    assert whole["total"] == 3
    part = (await client.get("/Patient/p1/$everything?_count=2")).json()
    assert "total" not in part
    assert [one["search"]["mode"] for one in part["entry"]] == ["match", "match", "outcome"]


async def test_validate_tells_its_findings_with_200(face: Any) -> None:
    good = await post(face.client, "/Patient/$validate", patient())
    assert good.status_code == 200
    assert all(one["severity"] != "error" for one in good.json()["issue"])
    bad = await post(face.client, "/Patient/$validate", patient(gender="seldom"))
    assert bad.status_code == 200
    assert any(one["severity"] == "error" for one in bad.json()["issue"])
    stored = await post(face.client, "/Patient", patient(gender="seldom"))
    assert stored.status_code in (400, 422)
