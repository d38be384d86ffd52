"""What strangers send to /fhir: a clear answer in the 400s, the data as they were, every process alive."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from .cases import attack

FHIR_JSON = "application/fhir+json"
PATIENT = {"resourceType": "Patient", "name": [{"text": "张三"}]}


def judged(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """Hold that the answer is an OperationOutcome in the 400s that shows nothing of the inside; return it."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:400])
    if statuses:
        assert answer.status_code in statuses, (answer.status_code, answer.text[:400])
    assert answer.headers["content-type"].startswith(FHIR_JSON), answer.headers
    outcome: dict[str, Any] = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    for issue in outcome["issue"]:
        assert issue["severity"] in ("error", "fatal")
        assert issue["details"]["text"]
    for word in ("Traceback", 'File "', "asyncpg", "psycopg", "msgspec", "select ", "index_token"):
        assert word not in answer.text, (word, answer.text[:400])
    return outcome


def nested(depth: int) -> bytes:
    inner = b'{"url":"http://x.example/e","valueString":"x"}'
    for _ in range(depth):
        inner = b'{"url":"http://x.example/e","extension":[' + inner + b"]}"
    return b'{"resourceType":"Patient","extension":[' + inner + b"]}"


BODIES: dict[str, bytes] = {
    "empty": b"",
    "white space": b"   \n",
    "no json": b"hello",
    "cut": b'{"resourceType":"Patient","name":[',
    "trailing": b'{"resourceType":"Patient"} x',
    "two": b'{"resourceType":"Patient"}{"resourceType":"Patient"}',
    "xml": b"<Patient xmlns='http://hl7.org/fhir'/>",
    "null": b"null",
    "number": b"5",
    "text": b'"Patient"',
    "list": b"[]",
    "object": b"{}",
    "no type": b'{"name":[{"text":"x"}]}',
    "type is a list": b'{"resourceType":["Patient"]}',
    "type is null": b'{"resourceType":null}',
    "unknown type": b'{"resourceType":"Pokemon"}',
    "other type": b'{"resourceType":"Observation","status":"final","code":{"text":"x"}}',
    "unknown element": b'{"resourceType":"Patient","pokemon":1}',
    "name is text": b'{"resourceType":"Patient","name":"x"}',
    "name is an object": b'{"resourceType":"Patient","name":{"text":"x"}}',
    "name holds numbers": b'{"resourceType":"Patient","name":[1,2]}',
    "name holds null": b'{"resourceType":"Patient","name":[null]}',
    "meta is a list": b'{"resourceType":"Patient","meta":[]}',
    "meta is text": b'{"resourceType":"Patient","meta":"x"}',
    "extension is text": b'{"resourceType":"Patient","extension":"x"}',
    "extension holds lists": b'{"resourceType":"Patient","extension":[[[]]]}',
    "reference is a number": b'{"resourceType":"Patient","managingOrganization":{"reference":5}}',
    "boolean as text": b'{"resourceType":"Patient","active":"yes"}',
    "code of none": b'{"resourceType":"Patient","gender":"dragon"}',
    "no such day": b'{"resourceType":"Patient","birthDate":"2023-02-30"}',
    "day as number": b'{"resourceType":"Patient","birthDate":20230230}',
    "doubled key": b'{"resourceType":"Patient","gender":"male","gender":"female"}',
    "doubled type": b'{"resourceType":"Patient","resourceType":"Observation"}',
    "doubled deep": b'{"resourceType":"Patient","name":[{"text":"a","text":"b"}]}',
    "nan": b'{"resourceType":"Patient","multipleBirthInteger":NaN}',
    "infinity": b'{"resourceType":"Patient","multipleBirthInteger":Infinity}',
    "huge integer": b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 5000 + b"}",
    "big integer": b'{"resourceType":"Patient","multipleBirthInteger":99999999999999999999}',
    "huge exponent": b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1e999999999}}',
    "nul in text": b'{"resourceType":"Patient","name":[{"text":"a\\u0000b"}]}',
    "nul in a key": b'{"resourceType":"Patient","na\\u0000me":1}',
    "raw nul": b'{"resourceType":"Patient","name":[{"text":"a\x00b"}]}',
    "lone surrogate": b'{"resourceType":"Patient","name":[{"text":"a\\ud800b"}]}',
    "lone low surrogate": b'{"resourceType":"Patient","name":[{"text":"\\udc00"}]}',
    "surrogate in utf-8": b'{"resourceType":"Patient","name":[{"text":"\xed\xa0\x80"}]}',
    "no utf-8": b'{"resourceType":"Patient","name":[{"text":"\xff\xfe"}]}',
    "overlong utf-8": b'{"resourceType":"Patient","name":[{"text":"\xc0\xaf"}]}',
    "utf-16": '{"resourceType":"Patient"}'.encode("utf-16"),
    "deep": nested(1000),
    "very deep": b"[" * 200_000,
    "very deep objects": b'{"a":' * 100_000,
    "empty text": b'{"resourceType":"Patient","name":[{"text":""}]}',
    "empty object": b'{"resourceType":"Patient","name":[{}]}',
    "own id too long": b'{"resourceType":"Patient","id":"' + b"x" * 100 + b'"}',
    "audit": b'{"resourceType":"AuditEvent"}',
}


@attack(20)
@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("way", ["create", "update", "transaction", "batch", "validate", "merge", "patch"])
def test_bodies(city: Any, name: str, way: str) -> None:
    client, body = city.fhir(), BODIES[name]
    with city.unchanged():
        match way:
            case "create":
                judged(client.post("/Patient", content=body))
            case "update":
                judged(client.put("/Patient/not-there", content=body))
            case "validate":
                answer = client.post("/Patient/$validate", content=body)
                assert answer.status_code < 500, answer.text[:400]
            case "merge" | "patch":
                kind = "merge-patch" if way == "merge" else "json-patch"
                headers = {"content-type": f"application/{kind}+json"}
                judged(client.patch("/Patient/not-there", content=body, headers=headers))
            case _:
                entry = b'{"request":{"method":"POST","url":"Patient"},"resource":' + (body or b'""') + b"}"
                whole = b'{"resourceType":"Bundle","type":"' + way.encode() + b'","entry":[' + entry + b"]}"
                answer = client.post("/", content=whole)
                if answer.status_code == 200 and way == "batch":
                    (one,) = answer.json()["entry"]
                    assert one["response"]["status"].startswith("4"), one
                else:
                    judged(answer)


ENTRIES: dict[str, Any] = {
    "entries are an object": {},
    "entry is text": ["x"],
    "entry is null": [None],
    "no request": [{"resource": PATIENT}],
    "no method": [{"request": {"url": "Patient"}, "resource": PATIENT}],
    "unknown method": [{"request": {"method": "TRACE", "url": "Patient"}, "resource": PATIENT}],
    "method is a list": [{"request": {"method": ["GET"], "url": "Patient"}}],
    "url is a number": [{"request": {"method": "GET", "url": 5}}],
    "no url": [{"request": {"method": "GET"}}],
    "unknown type": [{"request": {"method": "GET", "url": "Pokemon/1"}}],
    "operation": [{"request": {"method": "POST", "url": "Task/$start"}, "resource": {"resourceType": "Parameters"}}],
    "metadata": [{"request": {"method": "GET", "url": "metadata"}}],
    "absolute url": [{"request": {"method": "GET", "url": "http://evil.example/Patient/1"}}],
    "unknown parameter": [{"request": {"method": "GET", "url": "Patient?pokemon=1"}}],
    "bad version": [{"request": {"method": "GET", "url": "Patient/1/_history/²"}}],
    "huge version": [{"request": {"method": "GET", "url": f"Patient/1/_history/{'9' * 40}"}}],
    "endless version": [{"request": {"method": "GET", "url": f"Patient/1/_history/{'9' * 5000}"}}],
    "nul in the url": [{"request": {"method": "GET", "url": "Patient/%00"}}],
    "nul in criteria": [{"request": {"method": "GET", "url": "Patient?name=%00"}}],
    "surrogate in criteria": [{"request": {"method": "GET", "url": "Patient?name=%ED%A0%80"}}],
    "if-match is a list": [{"request": {"method": "PUT", "url": "Patient/x", "ifMatch": [1]}, "resource": {**PATIENT, "id": "x"}}],
    "if-match is ²": [{"request": {"method": "PUT", "url": "Patient/x", "ifMatch": 'W/"²"'}, "resource": {**PATIENT, "id": "x"}}],
    "if-match without end": [{"request": {"method": "PUT", "url": "Patient/x", "ifMatch": "9" * 5000}, "resource": {**PATIENT, "id": "x"}}],
    "if-none-exist is an object": [{"request": {"method": "POST", "url": "Patient", "ifNoneExist": {}}, "resource": PATIENT}],
    "if-none-exist is empty": [{"request": {"method": "POST", "url": "Patient", "ifNoneExist": ""}, "resource": PATIENT}],
    "full url is a list": [{"fullUrl": ["x"], "request": {"method": "POST", "url": "Patient", "ifNoneExist": "pokemon=1"}, "resource": PATIENT}],
    "patch of text": [{"request": {"method": "PATCH", "url": "Patient/x"}, "resource": "x"}],
    "patch without": [{"request": {"method": "PATCH", "url": "Patient/x"}}],
    "patch in a binary that is none": [{"request": {"method": "PATCH", "url": "Patient/x"}, "resource": {"resourceType": "Binary", "contentType": "x", "data": "!!"}}],
    "patch in a binary with a list": [{"request": {"method": "PATCH", "url": "Patient/x"}, "resource": {"resourceType": "Binary", "contentType": "x", "data": [1]}}],
    "id differs": [{"request": {"method": "PUT", "url": "Patient/x"}, "resource": {**PATIENT, "id": "y"}}],
    "id of a path": [{"request": {"method": "PUT", "url": "Patient/x%2F..%2Fy"}, "resource": {**PATIENT}}],
    "delete of everything": [{"request": {"method": "DELETE", "url": "Patient"}}],
    "delete by nothing": [{"request": {"method": "DELETE", "url": "Patient?"}}],
    "delete by page size": [{"request": {"method": "DELETE", "url": "Patient?_count=5"}}],
    "conditional reference": [{"request": {"method": "POST", "url": "Observation"}, "resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient?pokemon=1"}}}],
}  # fmt: skip


@attack(20)
@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("name", ENTRIES)
def test_bundles(city: Any, name: str, kind: str) -> None:
    client = city.fhir()
    if name == "conditional reference" and kind == "batch":
        return  # R4 resolves conditional references in transactions only
    with city.unchanged():
        bundle = {"resourceType": "Bundle", "type": kind, "entry": ENTRIES[name]}
        answer = client.post("/", content=json.dumps(bundle))
        if kind == "batch" and answer.status_code == 200:
            for one in answer.json()["entry"]:
                assert one["response"]["status"][0] in "24", one
                if one["response"]["status"][0] == "2":  # a search for what no record can hold finds nothing
                    assert name == "surrogate in criteria", one
        elif name == "surrogate in criteria":
            assert answer.status_code == 200
            assert answer.json()["entry"][0]["resource"]["total"] == 0
        else:
            judged(answer)


ADDRESSES = [
    "/Pokemon", "/Pokemon/1", "/patient", "/Patient/1/2/3/4/5", "/Patient/%00", "/Patient/%ff", "/Patient/..%2f..%2fetc",
    "/Patient/" + "x" * 65, "/Patient/" + "x" * 5000, "/Patient/a%20b", "/Patient/a'b", "/Patient/中文",
    "/Patient/x/_history/-1", "/Patient/x/_history/0", "/Patient/x/_history/abc", "/Patient/x/_history/%C2%B2",
    "/Patient/x/_history/" + "9" * 5000, "/Patient/x/_history/9999999999", "/Patient/x/_history/%D9%A1",
    "/Patient/x/$pokemon", "/$pokemon", "/_pokemon", "/Patient/x/_pokemon", "/metadata/x", "/Patient/_search",
    "/Patient?pokemon=1", "/Patient?name:pokemon=1", "/Patient?name", "/Patient?name=", "/Patient?birthdate=2023-02-30",
    "/Patient?birthdate=abc", "/Patient?birthdate=ge99999-01-01", "/Patient?birthdate=2023-13", "/Patient?birthdate=9999-99-99",
    "/Patient?_lastUpdated=2023-02-30", "/Patient?_lastUpdated=x", "/Patient?_id=", "/Patient?_count=-1", "/Patient?_count=x",
    "/Patient?_count=%C2%B2", "/Patient?_total=x", "/Patient?_summary=x", "/Patient?_sort=pokemon", "/Patient?_sort=name;drop",
    "/Patient?_include=x", "/Patient?_include=Patient:pokemon", "/Patient?_include=Pokemon:x", "/Patient?_revinclude=Pokemon:x",
    "/Patient?_include=Patient:organization:Pokemon", "/Patient?_include:pokemon=Patient:organization",
    "/Observation?_revinclude=Observation:subject:Pokemon", "/Patient?_has:x=1", "/Patient?_has:Pokemon:a:b=1",
    "/Patient?_has:Observation:pokemon:code=1", "/Patient?_has:Observation:patient:pokemon=1", "/Patient?_has:Observation:patient:=1",
    "/Patient?_has:Observation:patient:_has:Pokemon:a:b=1", "/Patient?organization.pokemon=1", "/Patient?organization:Pokemon.name=1",
    "/Patient?pokemon.name=1", "/Observation?subject:Pokemon=1", "/Observation?value-quantity=x", "/Observation?value-quantity=1|2|3|4",
    "/Observation?value-quantity=1e999999999", "/Observation?value-quantity=" + "9" * 4000, "/Observation?value-quantity=NaN",
    "/Observation?value-quantity=Infinity", "/Observation?code-value-quantity=1", "/Observation?code-value-quantity=$",
    "/Patient?_cursor=x", "/Patient?_cursor=AAAA", "/Patient?_cursor=" + "A" * 4000, "/Patient?_cursor=%00", "/Patient?_cursor=%C3%A9",
    "/Patient?_format=xml", "/Patient?name=%ff", "/Patient?name=%ED%A0%80", "/_history?_count=x", "/_history?_count=%C2%B2",
    "/_history?_since=x", "/_history?_since=2023-02-30", "/_history?pokemon=1", "/_history?_cursor=x", "/Patient/_history?_cursor=x",
    "/Patient/none/_history", "/Patient/none/$everything", "/Patient/none/$everything?_count=%C2%B2", "/Observation/x/$everything",
    "/Patient/none/$validate", "/Measure/pokemon/$evaluate-measure", "/Measure/nursing-bed-share/$evaluate-measure?by=pokemon",
    "/Measure/nursing-bed-share/$evaluate-measure?periodStart=2023-02-30", "/Measure/nursing-bed-share/$evaluate-measure?pokemon=1",
    "/Measure/nursing-bed-share/$evaluate-measure?periodStart=2026-01-02&periodEnd=2026-01-01", "/Task/none/$moves",
    "/AuditEvent/x", "/AuditEvent/" + "9" * 30, "/AuditEvent?pokemon=1", "/AuditEvent?_count=%C2%B2", "/AuditEvent?_cursor=%C2%B2",
    "/AuditEvent?_cursor=" + "9" * 30, "/AuditEvent?_cursor=" + "9" * 5000, "/AuditEvent?date=x", "/AuditEvent?date=gex",
    "/AuditEvent/1/_history", "/Patient?" + "&".join(f"name.x{n}=1" for n in range(10)),
    "/Patient?" + "general-practitioner.organization.partof." * 5 + "name=1",
    "/Patient?" + "_has:Observation:patient:" * 1 + "subject." * 8 + "name=1",
]  # fmt: skip


@attack(8)
@pytest.mark.parametrize("address", ADDRESSES, ids=lambda one: one[:60])
def test_addresses(city: Any, address: str) -> None:
    client = city.fhir()
    with city.unchanged():
        if address in ("/Patient?_id=", "/Patient?name="):
            judged(client.get(address), 400)
        else:
            judged(client.get(address))


@pytest.mark.parametrize(
    "address", ["/Patient?name=%00", "/Patient?identifier=%00|%00", "/Patient?_id=%00", "/Patient?gender=%00"]
)
def test_nul_in_a_search(city: Any, address: str) -> None:
    """PostgreSQL takes no NUL: no match, or a clear no."""
    answer = city.fhir().get(address)
    if answer.status_code == 200:
        assert answer.json().get("total") == 0
    else:
        judged(answer)


HEADERS: dict[str, dict[str, bytes]] = {
    "xml": {"content-type": b"application/fhir+xml"},
    "plain": {"content-type": b"text/plain"},
    "form": {"content-type": b"application/x-www-form-urlencoded"},
    "multipart": {"content-type": b"multipart/form-data; boundary=x"},
    "none": {"content-type": b""},
    "accept xml": {"accept": b"application/fhir+xml"},
    "accept r5": {"accept": b"application/fhir+json; fhirVersion=5.0"},
    "deflate": {"content-encoding": b"deflate"},
    "gzip that is none": {"content-encoding": b"gzip"},
    "prefer": {"prefer": b"return=pokemon"},
    "if-none-exist of nothing": {"if-none-exist": b"_count=1"},
    "if-none-exist unknown": {"if-none-exist": b"pokemon=1"},
    "if-none-exist nul": {"if-none-exist": b"identifier=%00"},
    "if-none-exist surrogate": {"if-none-exist": b"identifier=%ED%A0%80"},
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_a_create(city: Any, name: str) -> None:
    given = {"content-type": FHIR_JSON.encode(), **HEADERS[name]}
    if name.startswith("if-none-exist nul") or name.endswith("surrogate"):
        answer = city.fhir().post("/Patient", content=json.dumps(PATIENT), headers=given)
        if answer.status_code != 201:  # nothing matches what no record can hold
            judged(answer)
        return
    with city.unchanged():
        judged(city.fhir().post("/Patient", content=json.dumps(PATIENT), headers=given))


@pytest.mark.parametrize(
    "tag", [b'W/"x"', b"\xb2", b'W/"\xb2"', b"9" * 5000, b"-1", b'W/"-1"', b'"', b"*", b"W/", b"1, 2"]
)
def test_if_match(city: Any, tag: bytes) -> None:
    some = city.fhir().get("/Patient?_count=1").json()["entry"][0]["resource"]
    with city.unchanged():
        judged(
            city.fhir().put(f"/Patient/{some['id']}", content=json.dumps(some), headers={"if-match": tag}),
            400,
            412,
        )


@pytest.mark.parametrize("value", [b"x", b"\xff", b"Mon, 99 Foo 2020 00:00:00 GMT", b"9" * 5000])
def test_if_modified_since(city: Any, value: bytes) -> None:
    some = city.fhir().get("/Patient?_count=1").json()["entry"][0]["resource"]
    judged(city.fhir().get(f"/Patient/{some['id']}", headers={"if-modified-since": value}), 400)


@attack(22)
def test_pages_are_bounded(city: Any) -> None:
    kind, many = city.sql(
        "select t.name, count(*) as n from resource r join resource_type t using (type) where not r.deleted"
        " group by t.name order by n desc limit 1"
    )[0].values()
    assert many > 1000
    found = city.fhir().get(f"/{kind}?_count=999999999").json()
    assert len(found["entry"]) <= 1000
    for far in ("/_history?_count=999999", "/AuditEvent?_count=999999", "/AuditEvent?_count=" + "9" * 20):
        answer = city.fhir().get(far)
        assert answer.status_code == 200
        assert len(answer.json()["entry"]) <= 1000


@attack(22)
def test_search_with_too_many_parts(city: Any) -> None:
    """A form holds more than an address: values, clauses and chains are counted."""
    client = city.fhir()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    forms = {
        "ids": "_id=" + ",".join(f"x{n}" for n in range(200_000)),
        "names": "&".join(f"name=x{n}" for n in range(40_000)),
        "alternatives": "name=" + ",".join(f"x{n}" for n in range(60_000)),
        "sorts": "_sort=" + ",".join(["birthdate"] * 5_000),
        "includes": "&".join(["_include=Patient:*"] * 5_000),
        "chains": "&".join(
            f"_has:Observation:patient:performer:Organization.name=x{n}" for n in range(5_000)
        ),
    }
    for form in forms.values():
        judged(client.post("/Patient/_search", content=form, headers=headers), 400, 413)


@attack(22)
def test_fifty_alternatives_of_chains(city: Any) -> None:
    """50 ORs × chains: answered or refused, in bounded time, and others are served meanwhile."""
    names = ",".join(f"name{n}" for n in range(50))
    chain = f"/Observation?subject:Patient.organization.partof.name={names}&performer:Organization.name:contains={names}"
    assert city.fhir().get(chain).status_code == 200
    assert city.fhir().get("/Patient?_include:iterate=*:*&_revinclude:iterate=*:*").status_code in (200, 400)


@attack(22)
def test_includes_end(city: Any) -> None:
    address = "/Patient?_count=20&_revinclude=Observation:patient&_include:iterate=Observation:*&_include:iterate=Organization:partof"
    answer = city.fhir().get(address)
    assert answer.status_code in (200, 413), answer.text[:300]


@attack(20)
def test_large_bodies(city: Any) -> None:
    """200 MB is refused before it is read, said at once or found out on the way; so is gzip that unpacks to it."""
    before, most = city.memory(), 400
    client = city.fhir()

    def endless() -> Any:
        for _ in range(200):
            yield b" " * 1_048_576

    with city.unchanged():
        for ask in (
            lambda: client.post("/Patient", content=b" " * 200_000_000),
            lambda: client.post("/Patient", content=endless()),
        ):
            # the connection may be closed while the rest is still on its way
            with contextlib.suppress(httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
                judged(ask(), 413)
        bomb = gzip.compress(b" " * 300_000_000)
        judged(client.post("/Patient", content=bomb, headers={"content-encoding": "gzip"}), 413)
        text = b'{"resourceType":"Patient","name":[{"text":"' + b"x" * 30_000_000 + b'"}]}'
        judged(client.post("/Patient", content=text), 400, 413, 422)
    assert city.memory() - before < most
    assert client.get("/metadata").status_code == 200


MEGABYTES = 12
SWARMS: dict[str, bytes] = {
    "objects": b"{},", "lists": b"[],", "numbers": b"1.5,", "keys": b'{"a":1},', "nested": b"[[[[]]]],", "texts": b'"ab",',
}  # fmt: skip
"""A few bytes each that become some hundred once they are read."""


@attack(20, 22)
@pytest.mark.parametrize("what", SWARMS)
def test_swarms_of_values(city: Any, what: str) -> None:
    """A body within the limit that stands for gigabytes of values is refused before anything is made of it."""
    one, client, peak = SWARMS[what], city.fhir(), city.peak()
    swarm = one * (MEGABYTES * 1_048_576 // len(one))
    body = b'{"resourceType":"Bundle","type":"batch","entry":[' + swarm + b"{}]}"
    patch = {"content-type": "application/json-patch+json"}
    with city.unchanged():
        judged(client.post("/Patient", content=body), 413)
        judged(client.post("/", content=body), 413)
        judged(client.patch("/Patient/x", content=b"[" + swarm + b"{}]", headers=patch), 413)
        binary = base64.b64encode(b"[" + swarm[: len(swarm) // 2] + b"{}]").decode()
        resource = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": binary}
        entry = [{"request": {"method": "PATCH", "url": "Patient/x"}, "resource": resource}]
        answer = client.post(
            "/", content=json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entry})
        )
        judged(answer)
    assert city.peak() < max(peak, 600) + 200, "a worker took more than its share"


@attack(20, 22)
def test_swarms_of_fields(city: Any) -> None:
    """A form of millions of fields, from somebody who is not signed in, is refused before it is taken apart."""
    peak, form = city.peak(), b"a&" * (MEGABYTES * 262_144)
    media = {"content-type": "application/x-www-form-urlencoded"}
    with city.unchanged():
        for path in ("/sign-in", "/password", "/worklist/batch"):
            with contextlib.suppress(httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
                answer = httpx.post(f"{city.address}{path}", content=form, headers=media, timeout=60)
                assert answer.status_code == 413, (path, answer.status_code)
        with contextlib.suppress(httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
            judged(city.fhir().post("/Patient/_search", content=form, headers=media), 413)
    assert city.peak() < max(peak, 600) + 200, "a worker took more than its share"


PATCHES: dict[str, Any] = {
    "object": {"op": "add"},
    "unknown": [{"op": "pokemon", "path": "/a"}],
    "no path": [{"op": "remove"}],
    "root": [{"op": "remove", "path": ""}],
    "root replaced": [{"op": "replace", "path": "", "value": []}],
    "other type": [{"op": "replace", "path": "/resourceType", "value": "Observation"}],
    "other id": [{"op": "replace", "path": "/id", "value": "x"}],
    "negative": [{"op": "add", "path": "/name/-1", "value": {}}],
    "number of ²": [{"op": "add", "path": "/name/²", "value": {}}],
    "far": [{"op": "add", "path": "/name/99999999999999999999", "value": {}}],
    "wrong": [{"op": "add", "path": "/gender", "value": 5}],
    "list for an object": [{"op": "add", "path": "/maritalStatus", "value": []}],
    "into itself": [{"op": "move", "from": "/name", "path": "/name/0/x"}],
    "test": [{"op": "test", "path": "/gender", "value": "dragon"}],
    "doubling": [
        {"op": "add", "path": "/extension", "value": [{"url": "http://x.example", "valueString": "x" * 100}]}
    ]
    + [{"op": "copy", "from": "/extension", "path": "/extension/0/extension"}] * 40,
    "deepening": [{"op": "add", "path": "/contained", "value": []}]
    + [{"op": "copy", "from": "/contained", "path": "/contained/-"}] * 24,
    "many": [{"op": "test", "path": "/resourceType", "value": "Patient"}] * 200_000,
}


@attack(20)
@pytest.mark.parametrize("name", PATCHES)
@pytest.mark.parametrize("way", ["patch", "batch", "transaction"])
def test_patches(city: Any, name: str, way: str) -> None:
    client = city.fhir()
    some = client.get("/Patient?_count=1").json()["entry"][0]["resource"]
    before = city.memory()
    with city.unchanged():
        if way == "patch":
            headers = {"content-type": "application/json-patch+json"}
            answer = client.patch(
                f"/Patient/{some['id']}", content=json.dumps(PATCHES[name]), headers=headers
            )
            judged(answer)
        else:
            data = base64.b64encode(json.dumps(PATCHES[name]).encode()).decode()
            binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}
            entry = {"request": {"method": "PATCH", "url": f"Patient/{some['id']}"}, "resource": binary}
            answer = client.post(
                "/", content=json.dumps({"resourceType": "Bundle", "type": way, "entry": [entry]})
            )
            if way == "batch" and answer.status_code == 200:
                assert answer.json()["entry"][0]["response"]["status"].startswith("4"), answer.text[:300]
            else:
                judged(answer)
    assert city.memory() - before < 300


def test_what_is_no_http(city: Any) -> None:
    """Broken requests close one connection and nothing else."""
    place = urlsplit(city.address)
    workers = city.workers()
    for said in (
        b"\x00" * 1000, b"GET\r\n\r\n", b"GET /fhir/metadata HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
        b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /fhir/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b"GET http://evil.example/fhir/metadata HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
    ):  # fmt: skip
        with socket.create_connection((place.hostname, place.port), 10) as line:
            line.sendall(said)
            line.settimeout(3)
            try:
                answer = line.recv(65536)
            except (TimeoutError, ConnectionError):
                answer = b""
            assert not answer.startswith(b"HTTP/1.1 5"), answer[:300]
            assert b"Traceback" not in answer
    assert city.fhir().get("/metadata").status_code == 200
    assert city.workers() == workers


def test_nothing_has_fallen(city: Any) -> None:
    """Every process that started is still there, and none has told of a fault."""
    log = city.log()
    assert "fault" not in log, log[-3000:]
    assert "Traceback" not in log, log[-3000:]
