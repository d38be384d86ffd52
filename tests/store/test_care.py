"""The care relation: what opens a resident's records to an organisation, and what closes them, at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from kangshu.access import (
    ANY_TYPE,
    AnyOf,
    Grant,
    InCare,
    LabelsWithin,
    OrganisationIn,
    all_of,
    care_rules,
    system_grant,
)
from kangshu.base.canonical import CASE_KIND, code_system, structure
from kangshu.base.clock import today
from kangshu.base.faults import Forbidden, NotFound, Unprocessable
from kangshu.sdk import Resource
from kangshu.search import parse_criteria
from kangshu.store import Store
from kangshu.store.relations import told_by

SYSTEM = system_grant("test")
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
RESTRICTED = {"system": CONFIDENTIALITY, "code": "R"}
TYPES = "http://hl7.org/fhir/resource-types"


def account(
    organisation: str, *relations: str, purpose: str = "TREAT", labels: tuple[str, ...] = (), own: bool = True
) -> Grant:
    """Return a grant over what the organisation answers for (`own`) and over residents in its care."""
    ids = frozenset({organisation})
    asked = frozenset(relations or care_rules())
    seen = AnyOf(((OrganisationIn(ids),) if own else ()) + (InCare(ids, asked, purpose),))
    rules = {ANY_TYPE: all_of([seen, LabelsWithin(frozenset(labels))])}
    return Grant(account=f"a@{organisation}", display="", organisation=organisation, purpose=purpose,
                 read=rules, write=rules, aggregate=rules)  # fmt: skip


def organisation(id: str, part_of: str = "") -> Resource:
    found: Resource = {"resourceType": "Organization", "id": id, "name": id}
    return {**found, "partOf": {"reference": f"Organization/{part_of}"}} if part_of else found


def episode_kind(code: str, system: str = code_system("episode-kind")) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


STAY = episode_kind("elder-residence")


def of(type: str, id: str, patient: str = "p1", /, **more: Any) -> Resource:
    link = {"Contract": "subject", "EpisodeOfCare": "patient", "Task": "for", "Consent": "patient"}
    name = link.get(type, "subject")
    target: Any = {"reference": f"Patient/{patient}"}
    kind = {"type": [STAY]} if type == "EpisodeOfCare" else {}
    return {"resourceType": type, "id": id, name: [target] if type == "Contract" else target, **kind, **more}


def ref(organisation: str) -> Resource:
    return {"reference": f"Organization/{organisation}"}


def case(id: str, owner: str, patient: str = "p1", **more: Any) -> Resource:
    code = {"coding": [{"system": CASE_KIND, "code": "referral/referral"}]}
    given = {"status": "in-progress", "intent": "order", "code": code, "owner": ref(owner), **more}
    return of("Task", id, patient, **given)


def consent(
    id: str, provision: Resource, patient: str = "p1", status: str = "active", **more: Any
) -> Resource:
    scope = {
        "coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
        ]
    }
    return of("Consent", id, patient, **{"status": status, "scope": scope, "provision": provision, **more})


def permit(*organisations: str, **more: Any) -> Resource:
    return {"type": "permit", **_actors(organisations), **more}


def deny(*organisations: str, **more: Any) -> Resource:
    return {"type": "deny", **_actors(organisations), **more}


def _actors(organisations: tuple[str, ...]) -> Resource:
    return {"actor": [{"reference": ref(one)} for one in organisations]} if organisations else {}


def purposes(*codes: str) -> list[Resource]:
    return [{"code": code} for code in codes]


@pytest.fixture
async def town(store: Store) -> Store:
    """Two residents of one centre, each with an observation; two hospitals, one with a department."""
    await store.bulk_load(
        SYSTEM,
        [
            *(organisation(one) for one in ("centre", "hospital", "other", "home")),
            organisation("ward", "hospital"),
            *(
                {"resourceType": "Patient", "id": p, "managingOrganization": ref("centre")}
                for p in ("p1", "p2")
            ),
            *(of("Observation", f"o-{p}", p, status="final") for p in ("p1", "p2")),
        ],
    )
    return store


async def sees(store: Store, grant: Grant, patient: str = "p1") -> bool:
    """Return whether the grant sees the observation of a resident, the same in every kind of read."""
    found = await store.find_all(grant, "Observation", f"subject=Patient/{patient}")
    try:
        read = (await store.read(grant, "Observation", f"o-{patient}")).id
    except NotFound:
        read = ""
    assert (await store.count(grant, parse_criteria("Observation", f"subject=Patient/{patient}"))) == len(
        found
    )
    past = [one.id for one in (await store.history(grant, "Observation", count=100)).entries]
    assert (f"o-{patient}" in past) == bool(found) == bool(read)
    told = [one.id for one in await store.feed(grant, 0) if one.type == "Observation"]
    assert (f"o-{patient}" in told) == bool(found)
    return bool(found)


async def test_an_empty_table_admits_nobody(store: Store) -> None:
    for one in ("managed", "contract", "residence", "encounter", "case", "consent"):
        await store.update(SYSTEM, of("Observation", f"o-{one}", one, status="final"))
        grant = account("hospital", one, own=False)
        assert not await sees(store, grant, one)
        assert await store.find_all(grant, "Observation", "") == []


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("open_", "closed"),
    [
        (of("Contract", "k", status="executed", authority=[ref("hospital")]), {"status": "terminated"}),
        (of("Contract", "k", status="executed", authority=[ref("hospital")], applies={"start": "2020", "end": today().isoformat()}),
         {"applies": {"end": (today() - DAY).isoformat()}}),
        (of("Contract", "k", status="executed", authority=[ref("hospital")]), {"applies": {"start": (today() + DAY).isoformat()}}),
        (of("Contract", "k", status="executed", authority=[ref("hospital")]), {"applies": {"end": "soon"}}),
        (of("Contract", "k", status="executed", authority=[ref("hospital")]), {"authority": [ref("other")]}),
        (of("EpisodeOfCare", "e", status="active", managingOrganization=ref("hospital")), {"status": "finished"}),
        (of("EpisodeOfCare", "e", status="active", managingOrganization=ref("hospital")), {"period": {"end": "2020-01-01"}}),
        (of("EpisodeOfCare", "e", status="active", managingOrganization=ref("hospital")), {"type": []}),
        (of("EpisodeOfCare", "e", status="active", managingOrganization=ref("hospital"), type=[episode_kind("chronic-care")]),
         {"type": [episode_kind("something-new")]}),
        (of("Encounter", "v", status="in-progress", serviceProvider=ref("hospital")), {"status": "finished"}),
        (case("t", "hospital"), {"status": "completed"}),
        (case("t", "centre", requester=ref("hospital")), {"status": "draft"}),
        (case("t", "hospital"), {"intent": "proposal"}),
        (case("t", "hospital"), {"code": {"text": "x"}}),
        (case("t", "hospital"), {"for": {"reference": "Patient/p2"}}),
        (consent("c", permit("hospital")), {"status": "inactive"}),
        (consent("c", permit("hospital")), {"provision": permit("other")}),
        (consent("c", permit("hospital")), {"provision": deny("hospital")}),
        (consent("c", permit("hospital")), {"provision": permit("hospital", period={"end": "2021"})}),
        (consent("c", permit("hospital")), {"provision": permit("hospital", period={"start": "2999"})}),
        (consent("c", permit("hospital")), {"provision": permit("hospital", code=[{"text": "x"}])}),
        (consent("c", permit("hospital")), {"provision": permit()}),
        (consent("c", permit("hospital")), {"scope": {"coding": [{"code": "research"}]}}),
        (consent("c", permit("hospital", purpose=purposes("TREAT"))), {"provision": permit("hospital", purpose=purposes("HMARKT"))}),
    ],
)  # fmt: skip
async def test_it_opens_and_closes_at_once(town: Store, open_: Resource, closed: Resource) -> None:
    """The grant is opened once, before: nothing of what it may see is kept in it."""
    grant = account("hospital")
    assert not await sees(town, grant)
    await town.update(SYSTEM, open_)
    assert await sees(town, grant)
    assert not await sees(town, grant, "p2")
    assert not await sees(town, account("other"))
    await town.update(SYSTEM, {**open_, **closed})
    assert not await sees(town, grant)
    await town.update(SYSTEM, open_)
    assert await sees(town, grant)
    await town.delete(SYSTEM, open_["resourceType"], open_["id"])
    assert not await sees(town, grant)


async def test_a_managing_organisation_that_changes(town: Store) -> None:
    centre, other = account("centre"), account("other")
    assert await sees(town, centre)
    assert not await sees(town, other)
    await town.update(SYSTEM, {"resourceType": "Patient", "id": "p1", "managingOrganization": ref("other")})
    assert await sees(town, other)
    assert not await sees(town, centre)
    assert await sees(town, centre, "p2")


async def test_loaded_in_bulk_it_is_the_same(store: Store) -> None:
    await store.bulk_load(
        SYSTEM,
        [
            of("Observation", "o-p1", "p1", status="final"),
            of("Observation", "o-p2", "p2", status="final"),
            case("t", "hospital"),
            consent("c", permit("home", purpose=purposes("TREAT"))),
            consent("d", deny("hospital"), "p2"),
            case("u", "hospital", "p2"),
            *({"resourceType": "Patient", "id": p} for p in ("p1", "p2")),
        ],
    )
    assert await sees(store, account("hospital"))
    assert not await sees(store, account("hospital"), "p2")
    assert await sees(store, account("home"))
    assert not await sees(store, account("home", purpose="HMARKT"))


# Consent


async def test_a_refusal_closes_what_rests_on_consent_and_nothing_else(town: Store) -> None:
    hospital, centre = account("hospital"), account("centre")
    await town.update(SYSTEM, case("t", "hospital"))
    assert await sees(town, hospital)
    refusal = consent("d", deny("hospital"))
    await town.update(SYSTEM, refusal)
    assert not await sees(town, hospital)
    await town.update(SYSTEM, consent("d", deny("centre", "hospital")))
    assert await sees(town, centre), "the centre's care rests on statute"
    await town.update(SYSTEM, of("Encounter", "v", status="in-progress", serviceProvider=ref("hospital")))
    assert await sees(town, hospital), "who is being treated there cannot be treated unseen"
    await town.update(SYSTEM, of("Encounter", "v", status="finished", serviceProvider=ref("hospital")))
    assert not await sees(town, hospital)
    await town.update(SYSTEM, {**refusal, "status": "inactive"})
    assert await sees(town, hospital), "a refusal taken back"


@pytest.mark.parametrize(
    ("provision", "closed"),
    [
        (deny(), {("hospital", "TREAT"), ("hospital", "HMARKT"), ("ward", "TREAT"), ("other", "TREAT")}),
        (deny("hospital"), {("hospital", "TREAT"), ("hospital", "HMARKT"), ("ward", "TREAT")}),
        (deny("ward"), {("ward", "TREAT")}),
        (deny(purpose=purposes("HMARKT")), {("hospital", "HMARKT")}),
        (deny("hospital", purpose=purposes("HMARKT")), {("hospital", "HMARKT")}),
        (deny("hospital", period={"end": "2020"}), set()),
        (deny("hospital", period={"start": "2999"}), set()),
        (deny("hospital", period={"end": "sometime"}), {("hospital", "TREAT"), ("hospital", "HMARKT"), ("ward", "TREAT")}),
        (deny(**{"class": [{"system": TYPES, "code": "Condition"}]}), {("hospital", "TREAT"), ("hospital", "HMARKT"), ("ward", "TREAT"), ("other", "TREAT")}),
        (deny(provision=[permit("hospital")]), {("other", "TREAT")}),
        (deny(provision=[permit("hospital", purpose=purposes("TREAT"))]), {("other", "TREAT"), ("hospital", "HMARKT")}),
        (deny(provision=[permit("hospital", period={"end": "2999"})]), {("hospital", "TREAT"), ("hospital", "HMARKT"), ("ward", "TREAT"), ("other", "TREAT")}),
        (permit("home", provision=[deny("hospital", purpose=purposes("HMARKT"))]), {("hospital", "HMARKT")}),
        ({"provision": [deny("other")]}, {("other", "TREAT")}),
        ({"type": "deny", "actor": [{"reference": {"reference": "Practitioner/x"}}]}, {("hospital", "TREAT"), ("hospital", "HMARKT"), ("ward", "TREAT"), ("other", "TREAT")}),
    ],
)  # fmt: skip
async def test_what_a_refusal_covers(town: Store, provision: Resource, closed: set[tuple[str, str]]) -> None:
    every = {("hospital", "TREAT"), ("hospital", "HMARKT"), ("ward", "TREAT"), ("other", "TREAT")}
    for one in ("hospital", "ward", "other"):
        await town.update(SYSTEM, case(f"t-{one}", one))
    await town.update(SYSTEM, consent("d", provision))
    found = {(one, purpose) for one, purpose in every if not await sees(town, account(one, purpose=purpose))}
    assert found == closed


async def test_per_recipient_purpose_and_kind(town: Store) -> None:
    await town.update(SYSTEM, of("Condition", "c1"))
    kinds = [{"system": TYPES, "code": "Condition"}, {"system": TYPES, "code": "Patient"}]
    await town.update(
        SYSTEM,
        consent("c", permit("hospital", "home", purpose=purposes("TREAT", "HPAYMT"), **{"class": kinds})),
    )
    for one in ("hospital", "home"):
        for purpose, opened in (("TREAT", True), ("HPAYMT", True), ("HMARKT", False)):
            grant = account(one, purpose=purpose)
            assert bool(await town.find_all(grant, "Condition", "")) == opened
            assert not await sees(town, grant), "observations were not consented to"
            listed = await town.find_all(grant, "Patient", "_revinclude=Observation:subject")
            assert [one.id for one in listed] == (["p1"] if opened else [])
            counted = await town.resolve_care(grant)
            assert (counted.may_count("Condition") != counted.may_count("Observation")) == opened
    assert not await town.find_all(account("other"), "Condition", "")


def test_what_cannot_be_kept_as_it_is_meant_opens_nothing() -> None:
    for provision in (
        permit("hospital", securityLabel=[{"code": "R"}]),
        permit("hospital", dataPeriod={"start": "2020"}),
        permit("hospital", data=[{}]),
        permit("hospital", action=[{"coding": [{"code": "correct"}]}]),
        permit("hospital", purpose=[{"display": "x"}]),
        permit("hospital", **{"class": [{"system": "urn:other", "code": "Condition"}]}),
        permit("hospital", **{"class": []}),
        permit("hospital", purpose=purposes(*(f"p{n}" for n in range(1001)))),
        {"actor": [{"reference": ref("hospital")}]},
        {"type": "permit", "actor": [{"reference": {"identifier": {"value": "x"}}}]},
        {"type": ["permit"], "actor": "hospital"},
        "permit",
    ):
        told = told_by(consent("c", provision), "Consent", "p1")  # type: ignore[arg-type]
        assert told.relations == ()


# Kinds of episodes of care


@pytest.mark.parametrize(
    ("code", "relation"),
    [
        ("elder-residence", "residence"),
        ("family-care-bed", "bed-at-home"),
        ("home-hospital-bed", "bed-at-home"),
        ("chronic-care", "enrolment"),
        ("mental-care", "enrolment"),
        ("pregnancy", "maternal-care"),
    ],
)
def test_an_episode_opens_what_its_kind_stands_for(code: str, relation: str) -> None:
    """One relation each, to whoever keeps it, while it lasts: as much as before the kinds were told apart."""
    lasting = {"start": "2025-01-01", "end": "2025-12-31"}
    made = of("EpisodeOfCare", "e", status="active", managingOrganization=ref("home"), period=lasting, type=[episode_kind(code)])  # fmt: skip
    (opened,) = told_by(made, "EpisodeOfCare", "p1").relations
    assert (opened.organisation, opened.relation, opened.refusable) == ("home", relation, False)
    assert (opened.since.year, opened.until.year) == (2024, 2025)  # midnight in Shanghai
    assert care_rules()[relation].word == "own-patients"
    assert told_by({**made, "status": "finished"}, "EpisodeOfCare", "p1").relations == ()


@pytest.mark.parametrize(
    "kinds",
    [
        [],
        [{"text": "入住养老机构"}],
        [episode_kind("another")],
        [episode_kind("elder-residence", "http://example.org/kinds")],
        {"coding": "elder-residence"},
    ],
)
def test_an_episode_of_no_known_kind_opens_nothing(kinds: Any) -> None:
    made = of("EpisodeOfCare", "e", status="active", managingOrganization=ref("home"), type=kinds)
    assert told_by(made, "EpisodeOfCare", "p1").relations == ()


# Who may open


@pytest.mark.parametrize(
    "record",
    [
        of("Encounter", "x", "p1", status="in-progress", serviceProvider=ref("other")),
        of("Contract", "x", "p1", status="executed", authority=[ref("other")]),
        of("EpisodeOfCare", "x", "p1", status="active", managingOrganization=ref("other")),
        of("Observation", "x", "p1", status="final", performer=[ref("other")]),
    ],
    ids=lambda one: one["resourceType"],
)
async def test_who_does_not_see_a_resident_opens_nothing(town: Store, record: Resource) -> None:
    other = account("other")
    with pytest.raises(Unprocessable) as there:
        await town.update(other, record)
    # a resident that is not there looks the same
    text = {
        **record,
        **{k: v for k, v in of(record["resourceType"], "x", "nobody").items() if k not in ("status",)},
    }
    with pytest.raises(Unprocessable) as not_there:
        await town.update(other, text)
    assert there.value.text == not_there.value.text
    with pytest.raises(Unprocessable):
        await town.bulk_load(other, [record])
    # nor by way of its own record, in which it puts another resident, or which it opens anew
    bundle: Resource = {
        "resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": record, "request": {"method": "PUT", "url": f"{record['resourceType']}/x"}},
            {"request": {"method": "GET", "url": "Observation/o-p1"}},
        ],
    }  # fmt: skip
    with pytest.raises((Unprocessable, NotFound)) as seen:
        await town.bundle(other, bundle)
    bundle["entry"][1]["request"]["url"] = "Observation/o-none"
    with pytest.raises((Unprocessable, NotFound)) as unseen:
        await town.bundle(other, bundle)
    assert type(seen.value) is type(unseen.value)
    assert not await sees(town, other)


@pytest.mark.parametrize(
    ("record", "ended"),
    [
        (of("Encounter", "x", status="in-progress", serviceProvider=ref("other")), {"status": "finished"}),
        (of("Contract", "x", status="executed", authority=[ref("other")]), {"status": "terminated"}),
        (
            of("Contract", "x", status="executed", authority=[ref("other")]),
            {"applies": {"end": "2021-01-01"}},
        ),
        (
            of("EpisodeOfCare", "x", status="active", managingOrganization=ref("other")),
            {"status": "finished"},
        ),
    ],
    ids=lambda one: str(one.get("resourceType", one)),
)
async def test_what_has_ended_is_not_opened_again_by_its_own_record(
    town: Store, record: Resource, ended: Resource
) -> None:
    """The organisation still answers for its record of the visit, and may correct it; the resident has left."""
    other = account("other")
    await town.update(SYSTEM, record)
    assert await sees(town, other)
    await town.update(other, {**record, **ended})
    assert not await sees(town, other)
    with pytest.raises(Unprocessable):
        await town.update(other, record)
    with pytest.raises(Unprocessable):
        await town.patch(other, record["resourceType"], "x", [{"op": "replace", "path": "/status", "value": record["status"]},
                                                              {"op": "remove", "path": "/applies"}]
                         if "applies" in ended else [{"op": "replace", "path": "/status", "value": record["status"]}])  # fmt: skip
    assert not await sees(town, other)
    corrected = {**record, **ended, "language": "zh-CN"}
    await town.update(other, corrected)


@pytest.mark.parametrize("way", [case("t", "other"), consent("c", permit("other"))], ids=["case", "consent"])
async def test_what_ends_does_not_become_what_lasts(town: Store, way: Resource) -> None:
    """A hospital with a referral of the resident, or a consent, registers a visit, and neither a contract nor a stay."""
    other = account("other")
    await town.update(SYSTEM, way)
    assert await sees(town, other)
    for lasting in (
        of("Contract", "k", status="executed", authority=[ref("other")]),
        of("EpisodeOfCare", "e", status="active", managingOrganization=ref("other")),
    ):
        with pytest.raises(Unprocessable):
            await town.update(other, lasting)
        with pytest.raises(Unprocessable):
            await town.bulk_load(other, [lasting])
        draft = "negotiable" if lasting["resourceType"] == "Contract" else "planned"
        await town.update(other, {**lasting, "status": draft})
        with pytest.raises(Unprocessable):
            await town.update(other, lasting)
    await town.update(other, of("Observation", "o-new", status="final", performer=[ref("other")]))
    await town.update(other, of("Encounter", "v", status="in-progress", serviceProvider=ref("other")))
    await town.update(SYSTEM, of("Contract", "signed", status="executed", authority=[ref("other")]))
    await town.delete(SYSTEM, way["resourceType"], way["id"])
    assert await sees(town, other)
    await town.update(other, of("Contract", "k", status="executed", authority=[ref("other")]))


async def test_a_resident_and_the_relation_in_one_transaction(town: Store) -> None:
    other = account("other")
    new = {"resourceType": "Patient", "id": "new", "managingOrganization": ref("other")}
    entries = [
        of("Encounter", "e1", "new", status="in-progress", serviceProvider=ref("other")),
        new,
        of("Observation", "o-new", "new", status="final"),
    ]
    bundle = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in entries],
    }  # fmt: skip
    await town.bundle(other, bundle)
    assert await sees(town, other, "new")
    encounters = account("other", "encounter", own=False)
    assert await sees(town, encounters, "new"), "what waited for the check has been entered"


async def test_a_refusal_and_a_case_written_at_the_same_time(town: Store) -> None:
    """Neither waits for the other, and neither misses it: a refusal is looked for when the relation is read."""
    hospital = account("hospital")
    for turn in range(8):
        await asyncio.gather(
            town.update(SYSTEM, consent(f"d{turn}", deny("hospital"))),
            town.update(SYSTEM, case(f"t{turn}", "hospital")),
        )
        assert not await sees(town, hospital)
        await asyncio.gather(
            town.update(SYSTEM, consent(f"d{turn}", deny("hospital"), status="inactive")),
            town.update(SYSTEM, case(f"t{turn}", "hospital", status="on-hold")),
        )
        assert await sees(town, hospital)


async def test_a_transaction_that_fails_opens_nothing(town: Store) -> None:
    hospital = account("hospital")

    async def broken(record: Resource) -> None:
        async with town.transaction(SYSTEM) as transaction:
            await transaction.update(record)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken(case("t", "hospital"))
    assert not await sees(town, hospital)
    await town.update(SYSTEM, case("t", "hospital"))
    with pytest.raises(RuntimeError):
        await broken(case("t", "hospital", status="completed"))
    assert await sees(town, hospital)


# Labels


async def labelled(store: Store, *codes: str) -> None:
    body = of("Observation", "o-p1", "p1", status="final")
    await store.update(
        SYSTEM, {**body, "meta": {"security": [{"system": CONFIDENTIALITY, "code": one} for one in codes]}}
    )


async def test_labels_of_now_and_of_then(town: Store) -> None:
    plain, cleared = account("centre"), account("centre", labels=("R",))
    await labelled(town, "N")
    assert await sees(town, plain)
    await labelled(town, "R")
    assert not await sees(town, plain)
    assert await sees(town, cleared)
    for version in (1, 2, 3):
        with pytest.raises(NotFound):
            await town.vread(plain, "Observation", "o-p1", version)
        assert (await town.vread(cleared, "Observation", "o-p1", version)).version == version
    await labelled(town, "R", "V")
    assert not await sees(town, cleared)
    # the label is lifted: what was written while it stood stays behind it
    await labelled(town)
    assert await sees(town, plain)
    seen = [one.version for one in (await town.history(plain, "Observation", "o-p1")).entries]
    assert seen == [5, 2, 1]
    assert (await town.history(plain, "Observation", "o-p1")).total == 3
    assert [one.version for one in (await town.history(cleared, "Observation", "o-p1")).entries] == [
        5,
        3,
        2,
        1,
    ]
    for version in (3, 4):
        with pytest.raises(NotFound):
            await town.vread(plain, "Observation", "o-p1", version)
    told = [one.version for one in await town.feed(plain, 0) if one.id == "o-p1"]
    assert told == [1, 2, 5]


async def test_labels_change_with_the_operation_alone(town: Store) -> None:
    doctor = account("centre", labels=("R",))
    body = of("Observation", "o-p1", "p1", status="final")
    await labelled(town, "R")
    # left out, they stay
    kept = await town.update(doctor, {**body, "status": "amended"})
    assert kept.stored.resource["meta"]["security"] == [RESTRICTED]
    assert kept.stored.scope.labels == ("R",)
    await town.update(doctor, {**body, "meta": {"security": [{**RESTRICTED, "display": "restricted"}]}})
    meta: Resource
    for meta in (
        {"security": []},
        {"security": [RESTRICTED, {"system": CONFIDENTIALITY, "code": "V"}]},
        {"security": [{"system": CONFIDENTIALITY, "code": "N"}]},
        {"security": [{"system": "urn:other", "code": "R"}]},
        {"security": [RESTRICTED, {"display": "?"}]},
        {"security": None},
    ):
        with pytest.raises(Forbidden):
            await town.update(doctor, {**body, "meta": meta})
    for patch in (
        [{"op": "remove", "path": "/meta/security"}],
        [{"op": "replace", "path": "/meta/security/0/code", "value": "N"}],
        [{"op": "remove", "path": "/meta"}],
    ):
        with pytest.raises(Forbidden):
            await town.patch(doctor, "Observation", "o-p1", patch)
    for method in (town.update, town.create):
        with pytest.raises(Forbidden):
            await method(doctor, {**body, "id": "o-new", "meta": {"security": [RESTRICTED]}})
    with pytest.raises(Forbidden):
        await town.bulk_load(doctor, [{**body, "id": "o-new", "meta": {"security": [RESTRICTED]}}])
    normal = await town.create(
        doctor, {**body, "meta": {"security": [{"system": CONFIDENTIALITY, "code": "N"}]}}
    )
    assert normal.stored.scope.labels == ()
    # a deletion keeps them, and who makes the record anew does not lift them
    await town.delete(doctor, "Observation", "o-p1")
    with pytest.raises(NotFound):
        await town.update(account("centre"), body)
    anew = await town.update(doctor, body)
    assert anew.stored.scope.labels == ("R",)
    lifted = await town.patch(SYSTEM, "Observation", "o-p1", [{"op": "remove", "path": "/meta/security"}])
    assert lifted.stored.scope.labels == ()


async def test_an_attachment_bears_the_labels_of_what_it_belongs_to(town: Store) -> None:
    report = of("DiagnosticReport", "r1", status="final", meta={"security": [RESTRICTED]})
    await town.update(SYSTEM, report)
    binary = {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": "eA=="}
    await town.update(SYSTEM, {**binary, "securityContext": {"reference": "DiagnosticReport/r1"}})
    with pytest.raises(NotFound):
        await town.read(account("centre"), "Binary", "b1")
    assert (await town.read(account("centre", labels=("R",)), "Binary", "b1")).id == "b1"


async def test_an_attachment_follows_its_record(town: Store) -> None:
    binary: Resource = {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": "eA=="}
    binary["securityContext"] = {"reference": "DiagnosticReport/r1"}
    report = of("DiagnosticReport", "r1", status="final")
    entries = [binary, report]
    await town.bundle(
        SYSTEM,
        {"resourceType": "Bundle", "type": "transaction",
         "entry": [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in entries]},
    )  # fmt: skip
    centre, other = account("centre"), account("other")

    async def shown(grant: Grant) -> bool:
        return bool(await town.find_all(grant, "Binary", ""))

    assert await shown(centre)
    assert not await shown(other)
    await town.update(SYSTEM, {**report, "meta": {"security": [RESTRICTED]}})
    assert not await shown(centre)
    assert await shown(account("centre", labels=("R",)))
    await town.patch(SYSTEM, "DiagnosticReport", "r1", [{"op": "remove", "path": "/meta/security"}])
    assert await shown(centre)
    await town.update(SYSTEM, {"resourceType": "Patient", "id": "p3", "managingOrganization": ref("other")})
    await town.update(SYSTEM, of("DiagnosticReport", "r1", "p3", status="final"))
    assert await shown(other)
    assert not await shown(centre)


async def test_an_attachment_loaded_before_its_record(store: Store, database_url: str) -> None:
    binary = {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": "eA=="}
    await store.bulk_load(SYSTEM, [{**binary, "securityContext": {"reference": "DiagnosticReport/r1"}}])
    await store.bulk_load(
        SYSTEM, [of("DiagnosticReport", "r1", status="final", meta={"security": [RESTRICTED]})]
    )
    (found,) = await store.find_all(SYSTEM, "Binary", "")
    assert (found.scope.patient, found.scope.labels) == ("p1", ("R",))
    # as an earlier program left it
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "delete from attached; update resource set patient = '', labels = '{}' where id = 'b1'"
    )
    await connection.execute("delete from setting where name = 'care-signatures'")
    await connection.close()
    await store.derive()
    (found,) = await store.find_all(SYSTEM, "Binary", "")
    assert (found.scope.patient, found.scope.labels) == ("p1", ("R",))


# Data from before


async def test_data_of_before_is_closed_until_it_has_been_read(town: Store, database_url: str) -> None:
    """As the migration leaves an old database: no relations, labels by index rows, old versions not read yet."""
    await labelled(town, "R")
    await labelled(town)
    for record in (case("t", "hospital"), case("u", "hospital", "p2"), consent("d", deny("hospital"), "p2")):
        await town.update(SYSTEM, record)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "delete from care; delete from dissent; delete from setting where name = 'care-signatures'"
    )
    await connection.execute("update version set labels = '{?}'")
    await connection.close()
    hospital, centre = account("hospital"), account("centre")
    async with await Store.open(database_url, pool=2) as opened:
        assert not await sees(opened, hospital)
        assert not await sees(opened, centre)
        assert await opened.derive() > 0
        assert await sees(opened, hospital)
        assert await sees(opened, centre)
        assert not await sees(opened, hospital, "p2")
        past = [one.version for one in (await opened.history(centre, "Observation", "o-p1")).entries]
        assert past == [3, 1]
        assert await opened.derive() == 0


async def test_the_migration_tells_labels_by_their_index_rows(town: Store, database_url: str) -> None:
    await labelled(town, "R", "N")
    await town.update(SYSTEM, {"resourceType": "Basic", "id": "gone", "code": {"text": "x"}})
    await town.delete(SYSTEM, "Basic", "gone")
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """drop table care, dissent; drop function dissent_covers, organisations_above;
        alter table resource drop column labels; alter table version drop column labels;
        delete from schema_version where step = 12; delete from setting where name = 'care-signatures'"""
    )
    await connection.close()
    async with await Store.open(database_url, pool=2) as opened:
        assert (await opened.find_all(SYSTEM, "Observation", "_id=o-p1"))[0].scope.labels == ("R",)
        assert (await opened.find_all(SYSTEM, "Observation", "_id=o-p2"))[0].scope.labels == ()
        assert (await opened.history(SYSTEM, "Basic", "gone")).entries[0].scope.labels == ("?",)
        await opened.derive()
        assert (await opened.history(SYSTEM, "Basic", "gone")).entries[0].scope.labels == ()
        assert await sees(opened, account("centre", labels=("R",)))
        assert not await sees(opened, account("centre"))


async def test_the_responsible_organisation_opens_its_own_record_and_no_others(town: Store) -> None:
    extension = [{"url": structure("responsible-organisation"), "valueReference": ref("other")}]
    await town.update(SYSTEM, of("Condition", "c1", extension=extension))
    assert [one.id for one in await town.find_all(account("other"), "Condition", "")] == ["c1"]
    assert not await sees(town, account("other"))
