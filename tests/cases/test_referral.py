"""S08: a referral goes through every state of the declared machine, by the right parties only."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from kangshu.access import narrowed
from kangshu.base.faults import Conflict, Forbidden, NotFound, PreconditionFailed, Unprocessable
from kangshu.cases import deadline_of, inputs, number_of, organisation_of, state_of
from tests.cases.conftest import MONDAY, REFERRAL, SYSTEM, VISIT, City


async def test_up_and_down_again(city: City) -> None:
    doctor, clerk = city.account("community-doctor", "centre"), city.account("hospital-clerk", "hospital")
    move = city.cases.move
    task = await city.start_referral()
    stored = await city.store.read(doctor, "Task", task)
    assert state_of(stored.resource) == "draft"
    assert number_of(stored.resource) == "转〔2026〕00001号"
    assert stored.resource["priority"] == "urgent"
    assert stored.resource["for"] == {"reference": "Patient/zhang"}
    assert stored.scope.patient == "zhang"
    assert {"centre", "hospital"} <= set(stored.scope.organisations)
    request = stored.resource["focus"]["reference"].removeprefix("ServiceRequest/")
    assert (await city.store.read(SYSTEM, "ServiceRequest", request)).resource["status"] == "draft"

    sent = await move(doctor, task, "send", {})
    assert deadline_of(sent.resource) == MONDAY + timedelta(hours=24)
    assert (await city.store.read(SYSTEM, "ServiceRequest", request)).resource["status"] == "active"
    notice = (await city.cases.notices(clerk))[0]
    assert notice.task == task
    assert "转〔2026〕00001号" in notice.text.zh

    await move(clerk, task, "accept", {"department": "心血管内科"})
    booked = await move(clerk, task, "book", {"slot": "Slot/slot-1"})
    assert state_of(booked.resource) == "booked"
    assert (await city.store.read(SYSTEM, "Slot", "slot-1")).resource["status"] == "busy"
    appointment = (await city.store.search_all(SYSTEM, "Appointment", "patient=Patient/zhang"))[0]
    assert (appointment["status"], appointment["start"]) == ("booked", VISIT.isoformat())

    await move(clerk, task, "admit", {"admission": "住院"})
    assert (await city.store.search_all(SYSTEM, "Appointment", "patient=Patient/zhang"))[0][
        "status"
    ] == "fulfilled"
    encounter = (await city.store.search_all(SYSTEM, "Encounter", "subject=Patient/zhang"))[0]
    assert encounter["class"]["code"] == "IMP"
    feedback = {"final_diagnosis": "高血压3级", "feedback": "调整用药", "follow_up_plan": "两周后复测"}
    await move(clerk, task, "complete", feedback)
    assert (await city.store.search_all(SYSTEM, "Encounter", "subject=Patient/zhang"))[0][
        "status"
    ] == "finished"

    why = {"down_indication": ["chronic-follow-up"], "down_criterion": "discharge-control"}
    with pytest.raises(Unprocessable, match="your own institution"):
        await move(clerk, task, "refer-down", {"down_to": "hospital", **why})
    down = await move(clerk, task, "refer-down", {"down_to": "centre", "follow_up_by": "2026-03-16", **why})
    assert organisation_of(down.resource, "owner") == "centre"
    received = await move(doctor, task, "accept-down", {"care_team": "第三家庭医生团队"})
    assert deadline_of(received.resource) == datetime(2026, 3, 16, 15, 59, 59, tzinfo=UTC)
    assert (await city.store.read(clerk, "Task", task)).id == task, "the hospital still sees its case"
    done = await move(
        doctor, task, "follow-up", {"follow_up_date": "2026-03-10", "follow_up_result": "血压达标"}
    )
    assert (state_of(done.resource), done.resource["status"]) == ("followed-up", "completed")
    assert deadline_of(done.resource) is None

    history = await city.cases.history(doctor, task)
    assert [one.move for one in history] == [
        "start", "send", "accept", "book", "admit", "complete", "refer-down", "accept-down", "follow-up",
    ]  # fmt: skip
    booked_event = history[3]
    assert (booked_event.source, booked_event.target) == ("accepted", "booked")
    assert (booked_event.organisation, booked_event.organisation_name) == ("hospital", "云汐市第一人民医院")
    assert booked_event.values == {"slot": "Slot/slot-1"}
    assert booked_event.account == "hospital-clerk@hospital"


async def test_questions_refusal_redirection(city: City) -> None:
    doctor, clerk = city.account("community-doctor", "centre"), city.account("hospital-clerk", "hospital")
    other = city.account("hospital-clerk", "other")
    task = await city.start_referral()
    await city.cases.move(doctor, task, "send", {})
    await city.cases.move(clerk, task, "ask", {"question": "请补充心电图"})
    asked = await city.cases.row(doctor, task)
    assert (asked.state, asked.state_title.zh) == ("more-information", "待补充资料")
    await city.cases.move(doctor, task, "answer", {"answer": "已附"})
    await city.cases.move(clerk, task, "decline", {"decline_reason": "no-bed", "comment": "床位已满"})
    with pytest.raises(Unprocessable):
        await city.cases.move(doctor, task, "redirect", {"receiver": "hospital"})
    moved = await city.cases.move(doctor, task, "redirect", {"receiver": "other", "department": "心内科"})
    assert organisation_of(moved.resource, "owner") == "other"
    with pytest.raises(NotFound):
        await city.store.read(
            city.account(
                "hospital-clerk",
                "hospital",
            ),
            "Task",
            "nothing",
        )
    # who is asked no more sees the case no more
    with pytest.raises(NotFound):
        await city.cases.move(clerk, task, "accept", {"department": "x"})
    assert [one.id for one in await city.cases.worklist(other, "todo")] == [task]


async def test_no_show_frees_the_slot_and_is_booked_again(city: City) -> None:
    clerk = city.account("hospital-clerk", "hospital")
    task = await city.start_referral()
    await city.cases.move(city.account("community-doctor", "centre"), task, "send", {})
    await city.cases.move(clerk, task, "accept", {"department": "心血管内科"})
    await city.cases.move(clerk, task, "book", {"slot": "slot-1"})
    await city.cases.move(clerk, task, "miss", {})
    assert (await city.store.read(SYSTEM, "Slot", "slot-1")).resource["status"] == "free"
    await city.cases.move(clerk, task, "book", {"slot": "Slot/slot-2"})
    doctor = city.account("community-doctor", "centre")
    cancelled = await city.cases.move(doctor, task, "cancel", {"comment": "居民自愿放弃"})
    assert cancelled.resource["status"] == "cancelled"
    assert (await city.store.read(SYSTEM, "Slot", "slot-2")).resource["status"] == "free"
    statuses = sorted(one["status"] for one in await city.store.search_all(SYSTEM, "Appointment", ""))
    assert statuses == ["cancelled", "noshow"]


@pytest.mark.parametrize("slot", ["Slot/slot-taken", "Slot/slot-elsewhere", "Slot/none"])
async def test_only_a_free_slot_of_this_hospital_is_booked(city: City, slot: str) -> None:
    clerk = city.account("hospital-clerk", "hospital")
    task = await city.start_referral()
    await city.cases.move(city.account("community-doctor", "centre"), task, "send", {})
    await city.cases.move(clerk, task, "accept", {"department": "心血管内科"})
    with pytest.raises(Unprocessable) as caught:
        await city.cases.move(clerk, task, "book", {"slot": slot})
    assert caught.value.issues[0].expression == ("slot",)
    chosen = await city.cases.candidates(clerk, task, "book", "slot")
    assert {one["id"] for one in chosen} == {"slot-1", "slot-2"}


async def test_who_may_and_in_which_state(city: City) -> None:
    doctor, clerk = city.account("community-doctor", "centre"), city.account("hospital-clerk", "hospital")
    task = await city.start_referral()
    assert [one.id for one in await city.cases.moves(doctor, task)] == ["edit", "send", "cancel"]
    assert await city.cases.moves(clerk, task) == ()
    with pytest.raises(Forbidden):
        await city.cases.move(clerk, task, "send", {})
    with pytest.raises(Conflict):
        await city.cases.move(clerk, task, "accept", {"department": "心血管内科"})
    with pytest.raises(NotFound):
        await city.cases.move(doctor, task, "fly", {})
    stranger = city.account("hospital-clerk", "other")
    strange = city.account("elder-care-director", "other")
    with pytest.raises(NotFound):
        await city.cases.move(strange, task, "accept", {})
    assert await city.cases.worklist(stranger, "todo") == []


async def test_no_consent_no_sending(city: City) -> None:
    doctor = city.account("community-doctor", "centre")
    task = await city.start_referral(consent=False)
    offers = {one.move.id: one.blocked for one in await city.cases.offers(doctor, task)}
    assert offers["send"] is not None
    assert offers["edit"] is None
    with pytest.raises(Unprocessable) as caught:
        await city.cases.move(doctor, task, "send", {})
    assert [one.zh for one in caught.value.issues] == ["居民已知情同意（紧急和特急可先转后补）"]
    edited = await city.cases.move(doctor, task, "edit", {**REFERRAL, "receiver": "other"})
    assert inputs(edited.resource)["consent"] is True
    assert organisation_of(edited.resource, "owner") == "other"
    await city.cases.move(doctor, task, "send", {})


async def test_a_form_says_every_wrong_field(city: City) -> None:
    doctor = city.account("community-doctor", "centre")
    wrong = {"direction": "sideways", "receiver": "hospital", "urgency": "", "colour": "red"}
    with pytest.raises(Unprocessable) as caught:
        await city.cases.start(doctor, "referral/referral", wrong, subject="zhang")
    fields = {issue.expression[0] for issue in caught.value.issues}
    assert fields == {"direction", "urgency", "indication", "diagnosis", "summary", "consent", "colour"}
    assert all(issue.zh and issue.text for issue in caught.value.issues)
    with pytest.raises(NotFound):
        await city.cases.start(doctor, "referral/referral", REFERRAL, subject="Patient/nobody")
    unit = city.account("unit-clerk", "civil")
    with pytest.raises(Forbidden):
        await city.cases.start(unit, "referral/referral", REFERRAL, subject="Patient/zhang")
    assert await city.store.search_all(SYSTEM, "ServiceRequest", "") == [], "nothing was written"


async def test_if_match_and_direct_writes(city: City) -> None:
    doctor = city.account("community-doctor", "centre")
    task = await city.start_referral()
    stored = await city.store.read(doctor, "Task", task)
    await city.cases.move(doctor, task, "send", {}, if_match=stored.version)
    with pytest.raises(PreconditionFailed):
        await city.cases.move(doctor, task, "cancel", {"comment": "误发"}, if_match=stored.version)
    with pytest.raises(Conflict):
        await city.store.update(doctor, {**stored.resource, "status": "completed"})
    with pytest.raises(Conflict):
        await city.store.create(doctor, {key: value for key, value in stored.resource.items() if key != "id"})


async def test_overdue_is_a_flag(city: City) -> None:
    clerk = city.account("hospital-clerk", "hospital")
    task = await city.start_referral()
    await city.cases.move(city.account("community-doctor", "centre"), task, "send", {})
    assert (await city.cases.row(clerk, task)).urgency == "normal"
    city.clock.at = MONDAY + timedelta(hours=21)
    row = (await city.cases.worklist(clerk, "todo"))[0]
    assert (row.urgency, row.days_left) == ("soon", 0) or row.urgency == "today"
    assert await city.cases.worklist(clerk, "overdue") == []
    city.clock.at = MONDAY + timedelta(hours=30)
    row = (await city.cases.worklist(clerk, "overdue"))[0]
    assert (row.urgency, row.state) == ("overdue", "sent")
    assert (await city.cases.counts(clerk))["overdue"] == 1


async def test_the_system_records_a_no_show_and_tells_of_a_passed_deadline(city: City) -> None:
    doctor, clerk = city.account("community-doctor", "centre"), city.account("hospital-clerk", "hospital")
    booked, waiting = await city.start_referral(), await city.start_referral()
    for task in (booked, waiting):
        await city.cases.move(doctor, task, "send", {})
    await city.cases.move(clerk, booked, "accept", {"department": "心血管内科"})
    stored = await city.cases.move(clerk, booked, "book", {"slot": "slot-1"})
    assert deadline_of(stored.resource) == VISIT.replace(hour=23, minute=59, second=59)
    assert await city.cases.tick() == (0, 0)
    city.clock.at = VISIT + timedelta(days=1)
    unread = len(await city.cases.notices(clerk))
    assert await city.cases.tick() == (1, 1)
    assert (await city.cases.row(clerk, booked)).state == "no-show"
    assert (await city.cases.history(clerk, booked))[-1].account == "system"
    assert (await city.cases.row(clerk, waiting)).state == "sent", "overdue is a flag, not a state"
    told = (await city.cases.notices(clerk))[0]
    assert (told.task, len(await city.cases.notices(clerk))) == (waiting, unread + 1)
    assert await city.cases.tick() == (0, 0)


async def test_one_slot_two_bookings(city: City) -> None:
    doctor, clerk = city.account("community-doctor", "centre"), city.account("hospital-clerk", "hospital")
    tasks = [await city.start_referral() for _ in range(4)]
    for task in tasks:
        await city.cases.move(doctor, task, "send", {})
        await city.cases.move(clerk, task, "accept", {"department": "心血管内科"})
    outcomes = await asyncio.gather(
        *(city.cases.move(clerk, task, "book", {"slot": "slot-1"}) for task in tasks), return_exceptions=True
    )
    lost = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(lost) == 3
    assert all(isinstance(one, Conflict | Unprocessable) for one in lost)
    assert len(await city.store.search_all(SYSTEM, "Appointment", "")) == 1
    states = sorted([(await city.cases.row(clerk, task)).state for task in tasks])
    assert states == ["accepted", "accepted", "accepted", "booked"]


async def test_an_application_that_only_reads_cases_moves_none(city: City) -> None:
    doctor = city.account("community-doctor", "centre")
    task = await city.start_referral()
    reader = narrowed(doctor, read=["*"], operations=["*"], app="lis")
    with pytest.raises(Forbidden, match=r"system/Task\.cud"):
        await city.cases.move(reader, task, "send", {})
    writer = narrowed(doctor, read=["*"], write=["Task"], operations=["*"], app="lis")
    await city.cases.move(writer, task, "send", {})


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"indication": ["stable"]}, "indication"),
        ({"direction": "down", "receiver": "other", "indication": ["acute"], "criterion": "discharge-stable"}, "indication"),
        ({"criterion": "discharge-stable"}, "criterion"),
        ({"criterion": None}, "criterion"),
        ({"consent": False, "papers_later": True, "urgency": "routine"}, "consent"),
    ],
)  # fmt: skip
async def test_indication_and_criterion_before_sending(
    city: City, values: dict[str, object], missing: str
) -> None:
    """C10: an indication of the direction's list and its criterion; papers follow later for urgent ones alone."""
    doctor = city.account("community-doctor", "centre")
    task = await city.start_referral(**values)
    with pytest.raises(Unprocessable) as caught:
        await city.cases.move(doctor, task, "send", {})
    words = {"indication": "指征", "criterion": "出入院标准", "consent": "知情同意"}
    assert [words[missing] in str(one.zh) for one in caught.value.issues] == [True]
    urgent = await city.start_referral(consent=False, criterion=None, papers_later=True, urgency="stat")
    sent = await city.cases.move(doctor, urgent, "send", {})
    assert inputs(sent.resource)["papers_by"] == "2026-03-05", "three working days"
