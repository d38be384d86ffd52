"""S06: a consent is asked for, given, refused and withdrawn by the person, or by who acts for that person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kangshu.access import Grant
from kangshu.base.faults import Conflict, Forbidden, Unprocessable
from kangshu.cases import Cases, deadline_of, state_of
from kangshu.sdk import CaseDeclaration, Move, State, Text
from tests.cases.conftest import SYSTEM, City

NOTICE: dict[str, Any] = {
    "kind": "provision",
    "recipient": "other",
    "purpose": "TREAT",
    "purpose_text": "会诊时查看既往检查",
    "kinds": ["Patient", "Observation"],
    "method": "接诊医生在平台查看",
    "until": "2026-12-31",
    "retention": "到期关闭查看",
    "contact": "医务科 000-0000",
    "refusal": "不影响就诊",
    "notice_version": "2026-1",
}


def person(city: City, patient: str = "zhang", **more: Any) -> Grant:
    """Return the grant of a resident, who may be guardian of `wards`."""
    return city.account("resident", patient=patient, **more)


async def child(city: City, born: str) -> None:
    """Write a resident born on that day."""
    await city.store.update(
        SYSTEM,
        {
            "resourceType": "Patient",
            "id": "kid",
            "name": [{"text": "张小"}],
            "birthDate": born,
            "managingOrganization": {"reference": "Organization/centre"},
        },
    )


async def proposed(city: City, subject: str = "zhang", by: Grant | None = None, **values: Any) -> str:
    """Return a consent case that waits for the person."""
    doctor = by or replace(city.account("community-doctor", "centre"), read=SYSTEM.read, write=SYSTEM.write)
    started = await city.cases.start(
        doctor, "data_protection/consent", {**NOTICE, **values}, subject=f"Patient/{subject}"
    )
    return started.id


async def consent_of(city: City, task: str) -> dict[str, Any]:
    """Return the Consent that stands for the case."""
    case = (await city.store.read(SYSTEM, "Task", task)).resource
    return (await city.store.read(SYSTEM, "Consent", case["focus"]["reference"][8:])).resource


async def test_given_and_withdrawn(city: City) -> None:
    task = await proposed(city)
    case = (await city.store.read(SYSTEM, "Task", task)).resource
    assert state_of(case) == "proposed"
    assert case["owner"]["reference"] == "Patient/zhang", "it is the person's turn"
    assert case["intent"] == "proposal", "asking opens nothing"
    consent = await consent_of(city, task)
    assert consent["status"] == "proposed"
    assert "actor" not in consent["provision"]
    assert [one["code"] for one in consent["provision"]["class"]] == ["Patient", "Observation"]
    assert [one.code for one in await city.cases.worklist(person(city))] == ["data_protection/consent"]

    given = await city.cases.move(person(city), task, "accept", {})
    assert state_of(given.resource) == "active"
    assert deadline_of(given.resource) is not None
    consent = await consent_of(city, task)
    assert consent["status"] == "active"
    assert consent["provision"]["actor"][0]["reference"] == {"reference": "Organization/other"}
    assert consent["performer"] == [{"reference": "Patient/zhang"}]
    assert consent["policyRule"]["text"] == "告知书 2026-1"

    with pytest.raises(Forbidden):
        await city.cases.move(city.account("community-doctor", "centre"), task, "withdraw", {})
    taken = await city.cases.move(person(city), task, "withdraw", {})
    assert state_of(taken.resource) == "withdrawn"
    assert (await consent_of(city, task))["status"] == "inactive"
    with pytest.raises(Conflict):
        await city.cases.move(person(city), task, "accept", {})


async def test_refused_and_the_asker_is_told_that_nothing_else_may_be_refused(city: City) -> None:
    task = await proposed(city)
    refused = await city.cases.move(person(city), task, "reject", {})
    assert state_of(refused.resource) == "rejected"
    assert (await consent_of(city, task))["status"] == "rejected"
    told = await city.cases.notices(city.account("section-clerk", "centre"))
    assert any("不得因此拒绝" in one.text.zh for one in told)


async def test_a_person_asks_for_nothing_and_gives_it(city: City) -> None:
    task = await proposed(city, by=person(city))
    await city.cases.move(person(city), task, "accept", {})
    assert (await consent_of(city, task)).get("organization") is None


@pytest.mark.parametrize(
    ("born", "own"), [("2012-03-03", False), ("2012-03-02", True), ("2012", False), ("2008-03-03", True)]
)
async def test_under_fourteen_the_guardian_decides(city: City, born: str, own: bool) -> None:
    """2 March 2026: one lacks a day to fourteen, one turns fourteen, of one the year alone is known."""
    await child(city, born)
    task = await proposed(city, "kid")
    offer = {one.move.id: one for one in await city.cases.offers(person(city, "kid"), task)}["accept"]
    assert (offer.blocked is None) == own
    if not own:
        with pytest.raises(Unprocessable, match="guardian"):
            await city.cases.move(person(city, "kid"), task, "accept", {})
    parent = person(city, wards=frozenset({"kid"}))
    assert state_of((await city.cases.move(parent, task, "accept", {})).resource) == "active"
    assert (await consent_of(city, task))["performer"] == [{"reference": "Patient/zhang"}], (
        "who agreed stands there"
    )


async def test_from_what_age_a_city_lets_minors_decide_alone_is_its_own_figure(city: City) -> None:
    await child(city, "2009-01-01")
    declared = city.parameters.version("consent-representative-age", "990100", city.clock.at.date())
    city.parameters.enter(replace(declared, value=16, valid_from=city.clock.at.date()))
    task = await proposed(city, "kid")
    with pytest.raises(Unprocessable):
        await city.cases.move(person(city, wards=frozenset({"kid"})), task, "accept", {})
    await city.cases.move(person(city, "kid"), task, "accept", {})


async def test_on_paper_with_its_scan_alone(city: City) -> None:
    task = await proposed(city)
    clerk = city.account("community-doctor", "centre")
    with pytest.raises(Unprocessable):
        await city.cases.move(
            clerk, task, "accept-on-paper", {"signed_by": "self", "signed_on": "2026-03-01"}
        )
    scan = {
        "resourceType": "DocumentReference",
        "id": "scan",
        "status": "current",
        "subject": {"reference": "Patient/zhang"},
        "custodian": {"reference": "Organization/centre"},
        "content": [{"attachment": {"contentType": "image/png", "data": "aGk="}}],
    }
    values = {"signed_by": "self", "signed_on": "2026-03-01", "paper": "DocumentReference/scan"}
    given = await city.cases.move(clerk, task, "accept-on-paper", values, papers=[scan])
    assert state_of(given.resource) == "active"
    assert (await consent_of(city, task))["sourceReference"] == {"reference": "DocumentReference/scan"}
    assert any("不是您签的" in one.text.zh for one in await city.cases.notices(person(city)))


async def test_what_a_transfer_abroad_must_tell(city: City) -> None:
    task = await proposed(city, kind="abroad")
    with pytest.raises(Unprocessable, match="abroad"):
        await city.cases.move(person(city), task, "accept", {})
    task = await proposed(city, kind="abroad", place="macao", abroad_rights="发邮件到接收方")
    await city.cases.move(person(city), task, "accept", {})
    assert "actor" not in (await consent_of(city, task))["provision"], (
        "who is abroad has no way into the city"
    )


async def test_the_clock_ends_it(city: City) -> None:
    asked, given = await proposed(city), await proposed(city, until="2026-03-10")
    await city.cases.move(person(city), given, "accept", {})
    city.clock.at += timedelta(days=9)
    await city.cases.tick()
    assert (await consent_of(city, given))["status"] == "inactive"
    city.clock.at += timedelta(days=30)
    await city.cases.tick()
    assert state_of((await city.store.read(SYSTEM, "Task", asked)).resource) == "expired"


async def test_nobody_writes_a_consent_past_the_notice(city: City) -> None:
    consent = {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"code": "patient-privacy"}]},
        "category": [{"text": "x"}],
        "patient": {"reference": "Patient/zhang"},
        "organization": [{"reference": "Organization/centre"}],
        "policyRule": {"text": "x"},
        "provision": {"type": "permit", "actor": [{"reference": {"reference": "Organization/centre"}}]},
    }
    doctor = replace(city.account("community-doctor", "centre"), read=SYSTEM.read, write=SYSTEM.write)
    with pytest.raises(Conflict):
        await city.store.create(doctor, consent)
    with pytest.raises(Conflict):
        await city.store.create(person(city), consent)
    denied = {**consent, "provision": {"type": "deny"}}
    with pytest.raises(Conflict):
        await city.store.create(doctor, denied)
    written = await city.store.create(person(city), denied)
    assert written.created


PAID_VISIT = CaseDeclaration(
    id="visit",
    service="toy",
    title=Text("有偿上门服务", "Paid home visit"),
    systems=("S25",),
    initial="ordered",
    start_by=("organisation",),
    form=(),
    states=(
        State("ordered", Text("已下单", "Ordered"), "requested", box="requester"),
        State("done", Text("已服务", "Done"), "completed", final=True, box="none"),
    ),
    moves=(
        Move(
            "serve",
            Text("上门服务", "Serve"),
            ("ordered",),
            "done",
            ("requester",),
            guard="%consents.where(category.coding.where(code = 'paid-service').exists()"
            " and organization.reference = 'Organization/' + %organisation).exists()",
            guard_text=Text("须先取得居民知情同意。", "The resident's consent comes first."),
        ),
    ),
    subject_type="Patient",
)
"""A service of another folder: C13 asks for consent before a paid item."""


async def test_no_paid_home_service_without_consent(city: City) -> None:
    """C13: the guard of any service's case can ask for a consent that holds now; withdrawn, it does not."""
    clock, parameters = city.clock, city.parameters
    cases = Cases(
        city.store, [*city.cases.declarations, PAID_VISIT], parameters, jurisdiction="990100", clock=clock
    )
    doctor = replace(city.account("community-doctor", "centre"), read=SYSTEM.read, write=SYSTEM.write)
    visit = (await cases.start(doctor, "toy/visit", {}, subject="Patient/zhang")).id
    assert (await cases.offers(doctor, visit))[0].blocked is not None
    task = await proposed(city, kind="paid-service", recipient="centre")
    with pytest.raises(Unprocessable, match="consent comes first"):
        await cases.move(doctor, visit, "serve", {})
    await city.cases.move(person(city), task, "accept", {})
    assert (await cases.offers(doctor, visit))[0].blocked is None
    await city.cases.move(person(city), task, "withdraw", {})
    with pytest.raises(Unprocessable):
        await cases.move(doctor, visit, "serve", {})
    again = await proposed(city, kind="paid-service", recipient="centre")
    await city.cases.move(person(city), again, "accept", {})
    assert state_of((await cases.move(doctor, visit, "serve", {})).resource) == "done"
