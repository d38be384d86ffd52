"""Over HTTP: what is masked shows in no answer, a search for it is one for nobody, what is written back loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kangshu.accounts import Account
from kangshu.base.canonical import DISTRICT, RESIDENT_ID
from kangshu.sdk import Resource

from .conftest import FHIR_JSON, Face

NUMBER, PHONE, STREET = "990102195001010035", "13812345678", "康枢市东湖区云台路20弄8号301室"


def resident(id: str, district: str = "990102") -> Resource:
    """Return a resident with all that is protected."""
    return {
        "resourceType": "Patient",
        "id": id,
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{NUMBER} {PHONE} {STREET}</div>',
        },
        "extension": [{"url": DISTRICT, "valueCode": district}],
        "identifier": [{"system": RESIDENT_ID, "value": NUMBER}],
        "name": [{"text": "王小明"}],
        "telecom": [{"system": "phone", "value": PHONE}],
        "gender": "male",
        "birthDate": "1950-01-01",
        "address": [{"text": STREET, "line": ["云台路20弄8号301室"]}],
    }


def plain(text: str) -> Iterator[str]:
    """Yield the protected values that stand in an answer, however it is written."""
    read = json.dumps(json.loads(text), ensure_ascii=False) if text else ""
    for secret in (NUMBER, PHONE, STREET, "云台路20弄8号301室"):
        if secret in read or secret in text:
            yield secret


@pytest.fixture
async def agent(face: Face) -> httpx.AsyncClient:
    """Give a call centre agent of the division: sees residents and their telephones, no number and no address."""
    post = Account("agent", "坐席", roles=("call-centre",), district="990102", organisation="desk")
    await face.platform.store.update(
        face.system, {"resourceType": "Organization", "id": "desk", "name": "热线"}
    )
    for body in (
        resident("p1"),
        {"resourceType": "Appointment", "id": "a1", "status": "proposed", "contained": [{**resident("in"), "id": "in"}],
         "participant": [{"status": "accepted", "actor": {"reference": "Patient/p1",
          "identifier": {"system": RESIDENT_ID, "value": NUMBER}}}, {"status": "accepted", "actor": {"reference": "#in"}}], "extension": [{"url": DISTRICT, "valueCode": "990102"}]},
    ):  # fmt: skip
        await face.platform.store.update(face.system, body)
    return await face.sign_in(post)


WAYS = (
    "Patient/p1", "Patient/p1/_history/1", "Patient/p1/_history", "Patient/_history", "_history", "Patient",
    "Patient?_elements=identifier,address", "Patient?_summary=text", "Patient?_summary=true", "Patient?_summary=data",
    "Patient?_revinclude=Appointment:patient", "Appointment?_include=Appointment:patient", "Appointment/a1",
    "Patient?name=王", "Patient/p1?_pretty=true", "Patient/$everything", "Patient/p1/$everything",
    "Patient/p1/Appointment", "Patient/p1?_format=xml",
)  # fmt: skip


async def test_no_answer_shows_what_is_masked(agent: httpx.AsyncClient) -> None:
    shown = 0
    for way in WAYS:
        answer = await agent.get(way)
        assert set(plain(answer.text)) <= {PHONE}, way
        shown += "990102************" in answer.text
        if answer.status_code == 200 and "text" not in way and "Patient" in way and "Appointment" not in way:
            assert NUMBER[:6] in answer.text
    assert shown >= 8
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": one}} for one in ("Patient/p1", "Patient", "Appointment")
        ],
    }
    answer = await agent.post("", json=batch, headers={"Content-Type": FHIR_JSON})
    assert answer.status_code == 200
    assert set(plain(answer.text)) == {PHONE}
    searched = await agent.post("Patient/_search", data={"name": "王"})
    assert set(plain(searched.text)) == {PHONE}


async def test_a_search_for_what_is_masked_is_one_for_nobody(agent: httpx.AsyncClient) -> None:
    pairs = (
        (f"Patient?identifier={NUMBER}", "Patient?identifier=990102195001019999"),
        (f"Patient?identifier={RESIDENT_ID}|{NUMBER}", f"Patient?identifier={RESIDENT_ID}|1"),
        (f"Patient?address:contains={STREET[8:12]}", "Patient?address:contains=没有的路"),
        (f"Patient?name=王&address={STREET[:4]}", "Patient?name=王&address=没有"),
        (f"Appointment?patient.identifier={NUMBER}", "Appointment?patient.identifier=1"),
        (
            f"Appointment?actor:identifier={RESIDENT_ID}|{NUMBER}",
            f"Appointment?actor:identifier={RESIDENT_ID}|1",
        ),
    )
    for known, nobody in pairs:
        for more in ("", "&_total=accurate", "&_summary=count"):
            one, other = await agent.get(known + more), await agent.get(nobody + more)
            assert one.status_code == other.status_code == 200
            assert _without_links(one.json()) == _without_links(other.json()), known + more
            assert one.json().get("total", 0) == 0
    assert (await agent.get(f"Patient?phone={PHONE}")).json()["total"] == 1
    for key in ("identifier", "address", "-address-city"):
        refused = await agent.get(f"Patient?_sort={key}")
        assert refused.status_code == 403
        assert "受保护" in refused.text
    assert (await agent.get("Patient?_sort=phone")).status_code == 200


def _without_links(bundle: Any) -> Any:
    return {name: value for name, value in bundle.items() if name not in ("link", "id", "meta", "timestamp")}


async def test_what_was_read_masked_is_written_back_whole(face: Face, agent: httpx.AsyncClient) -> None:
    before = (await face.platform.store.read(face.system, "Appointment", "a1")).resource
    seen = (await agent.get("Appointment/a1")).json()
    seen["description"] = "复诊"
    written = await agent.put(
        "Appointment/a1", json=seen, headers={"Content-Type": FHIR_JSON, "Prefer": "return=representation"}
    )
    assert written.status_code == 200, written.text
    assert set(plain(written.text)) <= {PHONE}
    patch = [{"op": "replace", "path": "/description", "value": "改期"}]
    patched = await agent.patch(
        "Appointment/a1", json=patch, headers={"Content-Type": "application/json-patch+json"}
    )
    assert patched.status_code == 200, patched.text
    probes = []
    for guess in (NUMBER, "990102195001019999"):
        test = [{"op": "test", "path": "/participant/0/actor/identifier/value", "value": guess}]
        probes.append(
            await agent.patch(
                "Appointment/a1", json=test, headers={"Content-Type": "application/json-patch+json"}
            )
        )
    assert probes[0].status_code == probes[1].status_code == 409
    assert probes[0].text == probes[1].text
    after = (await face.platform.store.read(face.system, "Appointment", "a1")).resource
    assert {**after, "meta": None} == {**before, "meta": None, "description": "改期"}
    seen["participant"][0]["actor"]["identifier"]["value"] = NUMBER
    refused = await agent.put("Appointment/a1", json=seen, headers={"Content-Type": FHIR_JSON})
    assert refused.status_code == 403
    assert "身份证件号" in refused.text
    assert NUMBER not in refused.text
