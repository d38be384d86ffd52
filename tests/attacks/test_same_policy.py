"""One policy on every way to a record: what an account must not see is nowhere, and is told apart from nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from .cases import attack
from .city import ROLES

TYPES = (
    "Patient", "Encounter", "Observation", "Condition", "Contract", "EpisodeOfCare", "Task", "ServiceRequest",
    "Communication", "DocumentReference", "Binary", "MeasureReport",
)  # fmt: skip
NOBODY = "never-there"


def ids_of(client: Any, address: str, kind: str) -> set[str]:
    """Return the ids of all pages of a search."""
    found: set[str] = set()
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text[:300]
        bundle = answer.json()
        for entry in bundle.get("entry", ()):
            if entry["resource"]["resourceType"] == kind:
                found.add(entry["resource"]["id"])
        address = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), "")
    return found


@attack(5, 7)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", ROLES)
def test_searches_and_histories_show_what_the_policy_shows(city: Any, name: str, kind: str) -> None:
    shown, hidden = city.seen_by(name, kind)
    client = city.fhir(name)
    assert ids_of(client, f"/{kind}?_count=500", kind) == shown
    assert ids_of(client, f"/{kind}?_count=500&_sort=-_lastUpdated", kind) == shown
    assert client.get(f"/{kind}?_summary=count").json()["total"] == len(shown)
    assert client.get(f"/{kind}?_total=accurate&_count=1").json()["total"] == len(shown)
    history = client.get(f"/{kind}/_history?_count=1000")
    assert history.status_code == 200
    told = {entry["fullUrl"].rpartition("/")[2] for entry in history.json().get("entry", ())}
    # what other attacks made and deleted again was admitted while it lived, and is in no set of living records
    gone = {one for one in told - shown if client.get(f"/{kind}/{one}").status_code == 410}
    assert told - gone <= shown
    some = sorted(hidden)[:50]
    if some:
        assert ids_of(client, f"/{kind}?_id={','.join(some)}", kind) == set()
        assert client.get(f"/{kind}?_id={some[0]}").json()["total"] == 0


@attack(5)
@pytest.mark.parametrize("name", ROLES)
def test_the_history_of_everything(city: Any, name: str) -> None:
    client, seen = city.fhir(name), {}
    for entry in client.get("/_history?_count=1000").json().get("entry", ()):
        kind, _, id_ = entry["request"]["url"].partition("/")
        if kind not in seen:
            seen[kind] = city.seen_by(name, kind)
        assert id_ in seen[kind][0] or id_ not in seen[kind][1], (kind, id_)


@attack(3, 10, 13)
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", ROLES)
def test_what_is_hidden_looks_like_what_never_was(city: Any, name: str, kind: str) -> None:
    """Attack 3: the same status and the same words for a hidden id and one that nobody has."""
    _, hidden = city.seen_by(name, kind)
    if not hidden:
        return
    client, foreign = city.fhir(name), sorted(hidden)[0]
    body = json.dumps([{"op": "test", "path": "/resourceType", "value": kind}])
    patch = {"content-type": "application/json-patch+json"}
    asks: dict[str, Any] = {
        "read": lambda one: client.get(f"/{kind}/{one}"),
        "vread": lambda one: client.get(f"/{kind}/{one}/_history/1"),
        "history": lambda one: client.get(f"/{kind}/{one}/_history"),
        "validate": lambda one: client.get(f"/{kind}/{one}/$validate"),
        "patch": lambda one: client.patch(f"/{kind}/{one}", content=body, headers=patch),
        "delete": lambda one: client.delete(f"/{kind}/{one}"),
        "put with a version": lambda one: client.put(
            f"/{kind}/{one}", content=city.fhir().get(f"/{kind}/{foreign}").text.replace(foreign, one), headers={"if-match": 'W/"77"'}
        ),
    }  # fmt: skip
    if kind == "Patient":
        asks["everything"] = lambda one: client.get(f"/Patient/{one}/$everything")
    if kind == "Task":
        asks["moves"] = lambda one: client.get(f"/Task/{one}/$moves")
        asks["move"] = lambda one: client.post(
            f"/Task/{one}/$move?move=accept", content="", headers={"content-length": "0"}
        )
    with city.unchanged():
        for act, ask in asks.items():
            there, never = ask(foreign), ask(NOBODY)
            assert there.status_code == never.status_code in (404, 412), (
                act,
                there.status_code,
                never.status_code,
                there.text[:300],
            )
            assert there.text.replace(foreign, "*") == never.text.replace(NOBODY, "*"), act
        for type_ in ("batch", "transaction"):
            answers = []
            for one in (foreign, NOBODY):
                entry = [
                    {"request": {"method": "GET", "url": f"{kind}/{one}{tail}"}}
                    for tail in ("", "/_history/1")
                ]
                whole = {"resourceType": "Bundle", "type": type_, "entry": entry}
                answer = client.post("/", content=json.dumps(whole))
                answers.append((answer.status_code, answer.text.replace(one, "*")))
            assert answers[0] == answers[1]
            assert (
                "resource" not in answers[0][1].replace("resourceType", "")
                or '"OperationOutcome"' in answers[0][1]
            )


LIMITED = [one for one in ROLES if one not in ("clerk",)]


@attack(1)
@pytest.mark.parametrize("name", LIMITED)
def test_references_do_not_carry_over(city: Any, name: str) -> None:
    """Attack 1: includes, reverse includes and chains stop at what the account may see."""
    client = city.fhir(name)
    addresses = [
        "/Encounter?_count=200&_include=Encounter:*", "/Observation?_count=200&_include=Observation:subject",
        "/Task?_count=200&_include=Task:*&_include:iterate=ServiceRequest:*&_include:iterate=Encounter:*",
        "/Organization?_count=200&_revinclude=Patient:organization&_revinclude=Encounter:service-provider",
        "/Organization?_count=200&_revinclude=Contract:authority&_revinclude:iterate=Patient:organization",
        "/Patient?_count=200&_revinclude=Observation:subject&_revinclude=Condition:subject&_revinclude=Task:subject",
        "/Slot?_count=50&_revinclude=Appointment:slot", "/Location?_count=200&_revinclude:iterate=Encounter:location",
    ]  # fmt: skip
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for address in addresses:
        for entry in client.get(address).json().get("entry", ()):
            kind, id_ = entry["resource"]["resourceType"], entry["resource"].get("id", "")
            if kind == "OperationOutcome":
                continue
            if kind not in seen:
                seen[kind] = city.seen_by(name, kind)
            assert id_ in seen[kind][0], (address, kind, id_)


@attack(2)
@pytest.mark.parametrize("name", LIMITED)
def test_chains_answer_nothing_about_hidden_residents(city: Any, name: str) -> None:
    """Attack 2: a chain through a hidden record answers the same for a hit and for a miss."""
    hidden = (
        city.seen_by(name, "Patient")[1] & city.residents.keys()
    )  # other tests add residents of their own
    if not hidden:
        return
    client, foreign = city.fhir(name), city.residents[sorted(hidden)[0]]
    number, keeper = foreign["identifier"][0]["value"], foreign["managingOrganization"]["reference"]
    pairs = [
        (f"/Organization?_has:Patient:organization:identifier={number}", "/Organization?_has:Patient:organization:identifier=1"),
        (f"/Organization?_has:Patient:organization:_id={foreign['id']}", f"/Organization?_has:Patient:organization:_id={NOBODY}"),
        (f"/Organization?_id={keeper[13:]}&_has:Patient:organization:birthdate={foreign['birthDate']}",
         f"/Organization?_id={keeper[13:]}&_has:Patient:organization:birthdate=1801-01-01"),
        (f"/Encounter?subject:Patient.identifier={number}", "/Encounter?subject:Patient.identifier=1"),
        (f"/Observation?patient.name={foreign['name'][0]['text']}&patient.identifier={number}", "/Observation?patient.name=x&patient.identifier=1"),
        (f"/Location?_has:Encounter:location:patient.identifier={number}", "/Location?_has:Encounter:location:patient.identifier=1"),
    ]  # fmt: skip
    for hit, miss in pairs:
        there, never = client.get(hit), client.get(miss)
        assert there.status_code == never.status_code == 200
        assert there.json()["total"] == never.json()["total"] == 0, hit
        assert "entry" not in there.json()


POINTING = ["doctor", "hospital", "unit-b"]


@attack(2)
@pytest.mark.parametrize("name", POINTING)
def test_a_record_of_ones_own_tells_nothing_of_a_hidden_resident(city: Any, name: str) -> None:
    """Attack 2: one's own record may point to a hidden resident; a chain through it is no question about them."""
    client, own = city.fhir(name), city.posts[name].organisation
    foreign = city.residents[sorted(city.seen_by(name, "Patient")[1] & city.residents.keys())[0]]
    made = (
        city.fhir()
        .post(
            "/Communication",
            content=json.dumps(
                {
                    "resourceType": "Communication",
                    "status": "completed",
                    "sender": {"reference": f"Organization/{own}"},
                    "recipient": [{"reference": f"Organization/{own}"}],
                    "about": [{"reference": f"Patient/{foreign['id']}"}],
                    "subject": {"reference": f"Patient/{foreign['id']}"},
                }
            ),
        )
        .json()["id"]
    )
    try:
        assert client.get(f"/Communication/{made}").status_code == 200, "the record itself is to be seen"
        named, number = foreign["name"][0]["text"], foreign["identifier"][0]["value"]
        for hit, miss in (
            (f"subject:Patient.name={named}", "subject:Patient.name=x"),
            (f"patient.identifier={number}", "patient.identifier=1"),
            (f"subject:Patient.birthdate={foreign['birthDate']}", "subject:Patient.birthdate=1801-01-01"),
            (f"subject:Patient.organization.name:contains=中心&patient.name={named}", "patient.name=x"),
            (f"patient._id={foreign['id']}", f"patient._id={NOBODY}"),
        ):
            there = client.get(f"/Communication?_id={made}&{hit}").json()
            never = client.get(f"/Communication?_id={made}&{miss}").json()
            assert there["total"] == never["total"] == 0, hit
        with_it = client.get(f"/Communication?_id={made}&_include=Communication:subject").json()
        assert [one["resource"]["id"] for one in with_it["entry"]] == [made]
    finally:
        city.fhir().delete(f"/Communication/{made}")


@attack(6)
@pytest.mark.parametrize(
    "pair", [("doctor", "doctor-b"), ("hospital", "clerk"), ("resident", "resident-b"), ("clerk", "clerk-b")]
)
def test_page_links_belong_to_one_account(city: Any, pair: tuple[str, str]) -> None:
    """Attack 6: the next page of A is not there for B, nor for another search, nor when it was written by hand."""
    mine, other = city.fhir(pair[0]), city.fhir(pair[1])
    for address in (
        "/Organization?_count=2&_sort=name",
        "/Location?_count=2",
        "/Organization/_history?_count=2",
    ):
        links = mine.get(address).json()["link"]
        onward = next(one["url"] for one in links if one["relation"] == "next")
        assert mine.get(onward).status_code == 200
        assert other.get(onward).status_code == 404
        assert mine.get(
            onward.replace("/Organization", "/Practitioner").replace("/Location", "/Practitioner")
        ).status_code in (400, 404)
        head, _, cursor = onward.rpartition("_cursor=")
        turned = ("B" if cursor[0] == "A" else "A") + cursor[1:]
        for changed in (cursor[:-1], cursor[::-1], turned, cursor + "AAAA", cursor[:20]):
            assert mine.get(f"{head}_cursor={changed}").status_code == 404


@attack(5)
@pytest.mark.parametrize(
    "name", ["doctor", "doctor-b", "hospital", "elder", "resident", "resident-b", "guardian", "calls"]
)
def test_everything_is_what_searches_find(city: Any, name: str) -> None:
    """Attack 5: a resident's whole record holds the records that the account finds by searching, and no other."""
    client = city.fhir(name)
    shown = sorted(city.seen_by(name, "Patient")[0])[:3]
    seen: dict[str, set[str]] = {}
    for patient in shown:
        for entry in client.get(f"/Patient/{patient}/$everything?_count=1000").json()["entry"]:
            kind, id_ = entry["resource"]["resourceType"], entry["resource"].get("id")
            if kind == "OperationOutcome":
                continue
            if kind not in seen:
                seen[kind] = city.seen_by(name, kind)[0]
            assert id_ in seen[kind], (kind, id_)


@attack(4, 12)
def test_who_is_nobody_sees_nothing(city: Any) -> None:
    """Attacks 4 and 12: a resident's account that has lost its resident sees no resident, rather than all."""
    client = city.fhir("guardian")
    assert client.get("/Patient?_summary=count").json()["total"] == 1
    kept = city.posts["guardian"].wards
    city.sql("update account set wards = '{}', patient = '' where name = 'guardian' returning 1 as n")
    try:
        time.sleep(3.5)  # what a process remembers of a token
        for kind in ("Patient", "Observation", "Encounter", "Task"):
            assert client.get(f"/{kind}?_summary=count").json()["total"] == 0
    finally:
        city.sql("update account set wards = $1 where name = 'guardian' returning 1 as n", list(kept))


@attack(10)
def test_an_old_version_is_under_the_policy_of_today(city: Any) -> None:
    """What a doctor read yesterday is gone with the resident's move: the versions of that time too."""
    doctor, other = city.fhir("doctor"), city.posts["doctor-b"].organisation
    here = sorted(city.seen_by("doctor", "Patient")[0] - city.seen_by("doctor-b", "Patient")[0])[0]
    away = sorted(city.seen_by("doctor-b", "Patient")[0] - city.seen_by("doctor", "Patient")[0])[0]
    made = (
        city.fhir()
        .post(
            "/Observation",
            content=json.dumps(
                {
                    "resourceType": "Observation",
                    "status": "final",
                    "code": {"text": "x"},
                    "subject": {"reference": f"Patient/{away}"},
                    "performer": [{"reference": f"Organization/{other}"}],
                }
            ),
        )
        .json()
    )
    place = f"/Observation/{made['id']}"
    try:
        for address in (place, f"{place}/_history", f"{place}/_history/1"):
            assert doctor.get(address).status_code == 404
            assert city.fhir("doctor-b").get(address).status_code == 200
        own = {
            **made,
            "subject": {"reference": f"Patient/{here}"},
            "performer": [{"reference": f"Organization/{city.posts['doctor'].organisation}"}],
        }
        assert city.fhir().put(place, content=json.dumps(own)).status_code == 200
        # the record is the doctor's now; what it said of another's resident is not
        assert doctor.get(f"{place}/_history/2").status_code == 200
        assert doctor.get(f"{place}/_history/1").status_code == 404
        assert len(doctor.get(f"{place}/_history").json()["entry"]) == 1
        for address in (place, f"{place}/_history", f"{place}/_history/1", f"{place}/_history/2"):
            assert city.fhir("doctor-b").get(address).status_code == 404, address
    finally:
        assert city.fhir().delete(place).status_code == 204
