"""Who may act for whom follows records and ages on the day: nothing has to be ended by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kangshu.access import Scope, admits, system_grant
from kangshu.accounts import Account, Accounts
from kangshu.accounts.representation import RELATION, REPRESENTATIVE, mandated, represented
from kangshu.base.canonical import structure
from kangshu.base.faults import Forbidden
from kangshu.sdk import Resource
from kangshu.store import Store

SYSTEM = system_grant("tests")
TODAY = date(2026, 3, 2)
PARENT = Account("parent", "家长", ("resident",), patient="parent")


def child(born: str, **more: Any) -> Resource:
    """Return the ward."""
    return {"resourceType": "Patient", "id": "child", "birthDate": born, **more}


def related(code: str = "guardian", proof: bool = True, **more: Any) -> Resource:
    """Return what says that the parent acts for the child."""
    extensions: list[Resource] = [
        {"url": REPRESENTATIVE, "valueReference": {"reference": "Patient/parent"}},
    ]
    if proof:
        paper = {"url": structure("proof"), "valueReference": {"reference": "DocumentReference/paper"}}
        extensions.append(paper)
    return {
        "resourceType": "RelatedPerson",
        "id": "related",
        "active": True,
        "patient": {"reference": "Patient/child"},
        "relationship": [{"coding": [{"system": RELATION, "code": code}]}],
        "extension": extensions,
        **more,
    }


@pytest.mark.parametrize(
    ("born", "acts"),
    [("2019-05-01", True), ("2008-03-03", True), ("2008-03-02", False), ("2008", False), ("2009", True)],
)
async def test_guardianship_ends_on_the_day_of_majority(store: Store, born: str, acts: bool) -> None:
    await store.update(SYSTEM, child(born))
    await store.update(SYSTEM, related())
    assert await represented(store, PARENT, TODAY, 18) == (frozenset({"child"}) if acts else frozenset())
    assert await represented(store, PARENT, TODAY, 5) == frozenset(), "the age of majority is a dated figure"


@pytest.mark.parametrize(
    ("record", "ward", "acts"),
    [
        (related(proof=False), child("2019"), False),
        (related(active=False), child("2019"), False),
        (related(period={"end": "2026-03-01"}), child("2019"), False),
        (related(period={"start": "2026-03-03"}), child("2019"), False),
        (related(period={"start": "2019-05-01", "end": "2026-03-02"}), child("2019"), True),
        (related("court-guardian"), child("1950"), True),
        (related("near-relative"), child("1950"), False),
        (related("near-relative"), child("1950", deceasedDateTime="2026-01-01"), True),
        (related("guardian"), child("2019", deceasedBoolean=True), False),
        (related("court-guardian"), child("1950", deceasedBoolean=True), False),
    ],
)
async def test_each_ground_has_its_time(store: Store, record: Resource, ward: Resource, acts: bool) -> None:
    await store.update(SYSTEM, ward)
    await store.update(SYSTEM, record)
    assert bool(await represented(store, PARENT, TODAY, 18)) == acts


async def test_the_grant_of_the_parent_reads_the_child_and_ends_with_the_record(store: Store) -> None:
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "parent", "birthDate": "1990-01-01"})
    await store.update(SYSTEM, child("2019-05-01"))
    await store.update(SYSTEM, related())
    accounts = Accounts(store)
    await accounts.create_account(SYSTEM, PARENT)
    grant = await accounts.open_grant("parent")
    assert grant.wards == frozenset({"child"})
    assert grant.acts_as("child")
    assert not grant.acts_as("stranger")
    assert (await store.read(grant, "Patient", "child")).id == "child"
    await store.delete(SYSTEM, "RelatedPerson", "related")
    accounts.forget()
    assert (await accounts.open_grant("parent")).wards == frozenset()


async def test_nobody_makes_themselves_a_guardian(store: Store) -> None:
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "parent", "birthDate": "1990-01-01"})
    await store.update(SYSTEM, child("2019-05-01"))
    accounts = Accounts(store)
    await accounts.create_account(SYSTEM, PARENT)
    grant = await accounts.open_grant("parent")
    with pytest.raises(Forbidden):
        await store.create(grant, related())
    assert not admits(grant.may_write("RelatedPerson"), Scope(patient="child"))


def mandate(person: str, **more: Any) -> Resource:
    """Return what says that an older resident has charged `person` with their affairs, for this year."""
    made = related("mandate", period={"start": "2026-01-01", "end": "2026-12-31"}, **more)
    made["patient"] = {"reference": "Patient/elder"}
    made["extension"][0]["valueReference"] = {"reference": person}
    return made


@pytest.mark.parametrize(
    ("record", "acts"),
    [
        ({}, True),
        ({"period": {"start": "2026-01-01"}}, False),
        ({"period": {"start": "2026-01-01", "end": "2026-03-01"}}, False),
        ({"period": {"start": "2026-03-03", "end": "2026-12-31"}}, False),
        ({"active": False}, False),
    ],
    ids=["in its term", "without a last day", "over", "not yet", "struck out"],
)
async def test_a_mandate_runs_for_its_term(store: Store, record: dict[str, Any], acts: bool) -> None:
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "elder", "birthDate": "1940-01-01"})
    await store.update(SYSTEM, {**mandate("Patient/parent"), **record})
    assert await mandated(store, PARENT, "", TODAY) == (frozenset({"elder"}) if acts else frozenset())
    assert await represented(store, PARENT, TODAY, 18) == frozenset(), "it is no guardianship"


async def test_a_mandate_to_an_agent_is_the_agents_and_ends_with_death(store: Store) -> None:
    agent = Account("agent", "代办员", ("community-agent",), practitioner="agent")
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "elder", "birthDate": "1940-01-01"})
    await store.update(SYSTEM, mandate("Practitioner/agent"))
    assert await mandated(store, agent, "agent", TODAY) == {"elder"}
    assert await mandated(store, PARENT, "", TODAY) == frozenset()
    dead = {
        "resourceType": "Patient",
        "id": "elder",
        "birthDate": "1940-01-01",
        "deceasedDateTime": "2026-03-01",
    }
    await store.update(SYSTEM, dead)
    assert await mandated(store, agent, "agent", TODAY) == frozenset()
