"""Create, read, update, patch, delete, versions, history: one record's life."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kangshu.access import Grant, OrganisationIn, system_grant
from kangshu.base.canonical import CASE_KIND, DISTRICT
from kangshu.base.faults import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    Malformed,
    MultipleMatches,
    NotFound,
    PreconditionFailed,
    Unsupported,
)
from kangshu.base.text import Text
from kangshu.search import parse_query
from kangshu.store import Store, UniqueRule

SYSTEM = system_grant("test")


def patient(**more: object) -> dict[str, object]:
    return {
        "resourceType": "Patient",
        "name": [{"text": "王小明", "family": "王", "given": ["小明"]}],
        **more,
    }


async def test_a_record_lives_and_its_versions_stay(store: Store) -> None:
    created = await store.create(SYSTEM, patient(gender="male"))
    assert created.created
    id = created.stored.id
    assert created.stored.resource["meta"]["versionId"] == "1"
    read = await store.read(SYSTEM, "Patient", id)
    assert read.resource == created.stored.resource
    assert read.body == created.stored.body
    updated = await store.update(SYSTEM, {**read.resource, "gender": "female"})
    assert not updated.created
    assert updated.stored.version == 2
    assert (await store.vread(SYSTEM, "Patient", id, 1)).resource["gender"] == "male"
    patched = await store.patch(
        SYSTEM, "Patient", id, [{"op": "add", "path": "/birthDate", "value": "1950-01-02"}]
    )
    assert patched.stored.resource["birthDate"] == "1950-01-02"
    deleted = await store.delete(SYSTEM, "Patient", id)
    assert deleted.stored.deleted
    assert not (await store.delete(SYSTEM, "Patient", id)).changed
    with pytest.raises(Gone):
        await store.read(SYSTEM, "Patient", id)
    with pytest.raises(Gone):
        await store.vread(SYSTEM, "Patient", id, 4)
    history = await store.history(SYSTEM, "Patient", id)
    assert [one.version for one in history.entries] == [4, 3, 2, 1]
    assert [one.deleted for one in history.entries] == [True, False, False, False]
    assert history.total == 4
    again = await store.update(SYSTEM, {**patient(), "id": id})
    assert again.created
    assert again.stored.version == 5


async def test_number_lexemes_are_kept(store: Store) -> None:
    sent = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "valueQuantity": {"value": Decimal("5.40"), "unit": "mmol/L"},
    }  # fmt: skip
    created = await store.create(SYSTEM, sent)
    assert b'"value":5.40,' in (await store.read(SYSTEM, "Observation", created.stored.id)).body


async def test_history_pages_by_cursors_of_one_account(store: Store) -> None:
    for number in range(5):
        await store.update(SYSTEM, {**patient(), "id": f"p{number}"})
    await store.delete(SYSTEM, "Patient", "p0")
    seen: list[tuple[str, int]] = []
    cursor = None
    while True:
        page = await store.history(SYSTEM, "Patient", count=2, cursor=cursor)
        seen += [(one.id, one.version) for one in page.entries]
        if page.next is None:
            break
        cursor = page.next
    assert sorted(seen) == sorted([(f"p{n}", 1) for n in range(5)] + [("p0", 2)])
    assert cursor is not None
    other = Grant(account="other", display="", read=SYSTEM.read)
    with pytest.raises(NotFound):
        await store.history(other, "Patient", count=2, cursor=cursor)


async def test_preconditions(store: Store) -> None:
    await store.update(SYSTEM, {**patient(), "id": "p"})
    await store.update(SYSTEM, {**patient(), "id": "p"}, if_match=1)
    with pytest.raises(PreconditionFailed):
        await store.update(SYSTEM, {**patient(), "id": "p"}, if_match=1)
    with pytest.raises(PreconditionFailed):
        await store.patch(SYSTEM, "Patient", "p", [], if_match=1)
    with pytest.raises(PreconditionFailed):
        await store.update(SYSTEM, {**patient(), "id": "new"}, if_match=1)


async def test_conditional_interactions(store: Store) -> None:
    identified = patient(identifier=[{"system": "urn:x", "value": "1"}])
    first = await store.create(SYSTEM, identified, if_none_exist="identifier=urn:x|1")
    second = await store.create(SYSTEM, identified, if_none_exist="identifier=urn:x|1")
    assert first.created
    assert not second.created
    assert second.stored.id == first.stored.id
    updated = await store.update_matching(
        SYSTEM, "Patient", "identifier=urn:x|1", {**identified, "gender": "male"}
    )
    assert (updated.stored.id, updated.stored.version) == (first.stored.id, 2)
    made = await store.update_matching(SYSTEM, "Patient", "identifier=urn:x|2", {**patient(), "id": "chosen"})
    assert made.created
    assert made.stored.id == "chosen"
    await store.create(SYSTEM, identified)
    with pytest.raises(MultipleMatches):
        await store.create(SYSTEM, identified, if_none_exist="identifier=urn:x|1")
    assert await store.delete_matching(SYSTEM, "Patient", "identifier=urn:x|none") is None
    with pytest.raises(PreconditionFailed):
        await store.create(SYSTEM, identified, if_none_exist="")


async def test_bad_input_changes_nothing(store: Store) -> None:
    with pytest.raises(Malformed):
        await store.create(SYSTEM, {"name": "x"})
    with pytest.raises(Unsupported):
        await store.create(SYSTEM, {"resourceType": "Nothing"})
    with pytest.raises(Invalid):
        await store.update(SYSTEM, {"resourceType": "Patient", "id": "a b"})
    with pytest.raises(Invalid):
        await store.update(SYSTEM, {"resourceType": "Patient"})
    with pytest.raises(NotFound):
        await store.read(SYSTEM, "Patient", "nobody")
    with pytest.raises(NotFound):
        await store.read(SYSTEM, "Nothing", "nobody")
    assert await store.feed_position() == 0


async def test_a_case_is_written_by_its_engine_alone(store: Store) -> None:
    clerk = Grant(account="clerk", display="", read=SYSTEM.read, write=SYSTEM.write)
    task = {
        "resourceType": "Task", "id": "t", "status": "requested", "intent": "order",
        "code": {"coding": [{"system": CASE_KIND, "code": "referral/referral"}]},
    }  # fmt: skip
    with pytest.raises(Conflict, match="move"):
        await store.update(clerk, task)
    await store.update(SYSTEM, task)
    with pytest.raises(Conflict):
        await store.update(clerk, {**task, "code": {"text": "mine now"}})
    with pytest.raises(Conflict):
        await store.delete(clerk, "Task", "t")


async def test_what_the_grant_does_not_admit_is_not_there(store: Store) -> None:
    place = {"url": DISTRICT, "valueCode": "990102001"}
    await store.update(SYSTEM, {"resourceType": "Organization", "id": "h1", "extension": [place]})
    await store.update(SYSTEM, {"resourceType": "Organization", "id": "h2"})
    await store.update(
        SYSTEM, {**patient(), "id": "p1", "managingOrganization": {"reference": "Organization/h1"}}
    )
    await store.update(
        SYSTEM, {**patient(), "id": "p2", "managingOrganization": {"reference": "Organization/h2"}}
    )
    own = {"*": OrganisationIn(frozenset({"h1"}))}
    staff = Grant(account="staff", display="", read=own, write=own)
    assert (await store.read(staff, "Patient", "p1")).scope.district == "990102001"
    for call in (
        store.read(staff, "Patient", "p2"),
        store.vread(staff, "Patient", "p2", 1),
        store.history(staff, "Patient", "p2"),
        store.delete(staff, "Patient", "p2"),
        store.patch(staff, "Patient", "p2", []),
        store.update(
            staff, {**patient(), "id": "p2", "managingOrganization": {"reference": "Organization/h1"}}
        ),
    ):
        with pytest.raises(NotFound):
            await call
    assert [one.id for one in (await store.history(staff, "Patient")).entries] == ["p1"]
    with pytest.raises(Forbidden):
        await store.create(staff, {**patient(), "managingOrganization": {"reference": "Organization/h2"}})
    with pytest.raises(Forbidden):
        await store.update(
            staff, {**patient(), "id": "p1", "managingOrganization": {"reference": "Organization/h2"}}
        )


async def test_records_move_with_their_resident_and_organisation(store: Store) -> None:
    def at(code: str) -> list[dict[str, str]]:
        return [{"url": DISTRICT, "valueCode": code}]

    observation = {
        "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
        "subject": {"reference": "Patient/p"},
    }  # fmt: skip
    await store.update(SYSTEM, observation)
    assert (await store.scope(SYSTEM, "Observation", "o")).district == ""
    await store.update(
        SYSTEM, {**patient(), "id": "p", "managingOrganization": {"reference": "Organization/h"}}
    )
    await store.update(SYSTEM, {"resourceType": "Organization", "id": "h", "extension": at("990103")})
    assert (await store.scope(SYSTEM, "Patient", "p")).district == "990103"
    assert (await store.scope(SYSTEM, "Observation", "o")).district == "990103"
    before = await store.feed_position()
    await store.update(SYSTEM, {**patient(), "id": "p", "extension": at("990102001")})
    assert (await store.scope(SYSTEM, "Observation", "o")).district == "990102001"
    changes = await store.feed(SYSTEM, before)
    assert [(one.type, one.kind) for one in changes] == [("Patient", "update"), ("Observation", "scope")]
    assert changes[1].scope.district == "990102001"
    assert changes[1].version == 1


async def test_unique_rules_hold(store: Store) -> None:
    store.register_unique(
        [
            UniqueRule(
                "residents/id",
                "Patient",
                ("identifier.where(system='urn:x').value",),
                Text("证件号已登记", "taken"),
            )
        ]
    )
    one = patient(identifier=[{"system": "urn:x", "value": "1"}])
    first = await store.create(SYSTEM, one)
    with pytest.raises(Conflict, match="taken"):
        await store.create(SYSTEM, one)
    await store.update(SYSTEM, {**one, "id": first.stored.id})
    await store.create(SYSTEM, patient())
    await store.create(SYSTEM, patient())
    await store.delete(SYSTEM, "Patient", first.stored.id)
    await store.create(SYSTEM, one)


async def test_values_that_the_database_does_not_take_are_refused(store: Store) -> None:
    for call in (
        store.search(SYSTEM, parse_query("Patient", [("name", "a\0b")])),
        store.vread(SYSTEM, "Patient", "p", 10**12),
        store.read(SYSTEM, "Patient", "a\0b"),
        store.create(SYSTEM, {"resourceType": "Patient", "name": [{"text": "a\0b"}]}),
        store.create(SYSTEM, {"resourceType": "Patient", "name": [{"text": "a\ud800b"}]}),
    ):
        with pytest.raises((Invalid, NotFound)):
            await call
    long = "长" * 100_000
    written = await store.create(SYSTEM, {
        "resourceType": "Basic", "code": {"coding": [{"system": long, "code": long, "display": long}]}, "id": "b",
        "subject": {"reference": f"Patient/{long}"}, "author": {"reference": f"Organization/{long}"},
        "meta": {"profile": [long], "tag": [{"code": long}]}, "identifier": [{"system": long, "value": long}],
    })  # fmt: skip
    found = await store.search(
        SYSTEM, parse_query("Basic", [("code", f"{long}|{long}"), ("code:text", long)])
    )
    assert [one.id for one in found.entries] == [written.stored.id]
