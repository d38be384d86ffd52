"""The hospital's own system owns its slots: it confirms or declines, answers later, and is compared day by day."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from kangshu.base.canonical import BASE, structure
from kangshu.outbound import Outbound
from tests.city.appointments.conftest import SYSTEM, Town, at, inputs

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))

from hospital_simulator import Hospital, serving, slots_of  # tools are no package


@pytest.fixture
def hospital(town: Town) -> Any:
    """The simulated system, which the platform may call."""
    system = Hospital()
    with serving(system) as address:
        bookings = town.site.platform.bookings
        bookings.outbound = Outbound([address], private=["127.0.0.1"])
        town.put(
            {
                "resourceType": "Endpoint", "id": "his", "status": "active", "address": address,
                "managingOrganization": {"reference": "Organization/hospital"},
                "connectionType": {"code": "hl7-fhir-rest"}, "payloadType": [{"text": "booking"}],
            }
        )  # fmt: skip
        yield system


def test_confirmed_declined_answered_later_and_reconciled(town: Town, hospital: Hospital) -> None:
    run, bookings = town.site.run, town.site.platform.bookings
    day = at(2, 8).date().isoformat()
    account = town.client("hospital-clerk", "hospital")
    made = slots_of("hospital", "schedule-hospital", day)
    for one in made:
        written = account.put(f"/Slot/{one['id']}", json=one)
        assert written.status_code == 201, written.text
    doctor = town.client("community-doctor", "centre")

    def book(number: int, patient: str) -> str:
        answer = doctor.post(f"/Slot/{made[number]['id']}/$book", json=inputs(patient=patient))
        assert answer.status_code == 201, answer.text
        assert answer.json()["status"] == "pending", "the hospital has the last word"
        return str(answer.json()["id"])

    def status(id_: str) -> str:
        return str(town.record("Appointment", id_)["status"])

    first = book(0, "r1")
    run(bookings.heed())
    assert status(first) == "booked"
    told = hospital.bookings[first]
    assert told["participant"][0]["actor"]["reference"] == "Patient/r1"
    assert "reasonCode" not in told

    hospital.full.add(f"Slot/{made[1]['id']}")
    second = book(1, "r2")
    run(bookings.heed())
    assert status(second) == "cancelled"

    hospital.later = True
    third = book(2, "r3")
    run(bookings.heed())
    assert status(third) == "pending"

    def answer(organisation: str) -> int:
        return account.post("/AppointmentResponse", json={
            "resourceType": "AppointmentResponse", "appointment": {"reference": f"Appointment/{third}"},
            "actor": {"reference": "Location/none"}, "participantStatus": "accepted",
            "extension": [{"url": structure("responsible-organisation"), "valueReference": {"reference": f"Organization/{organisation}"}}],
        }).status_code  # fmt: skip

    assert answer("county") == 403, "another hospital's answer"
    assert answer("hospital") == 201
    run(bookings.heed())
    assert status(third) == "booked"

    agreed = account.post("/Organization/hospital/$reconcile-bookings", json=inputs(day=day)).json()
    assert [one["part"][1]["valueString"] for one in agreed["parameter"]] == ["status"], "there it is pending"
    hospital.bookings[third]["status"] = "booked"
    del hospital.bookings[first]
    hospital.bookings["theirs"] = {
        "resourceType": "Appointment", "status": "booked", "start": f"{day}T11:00:00+08:00",
        "identifier": [{"system": f"{BASE}/sid/booking", "value": "theirs"}],
    }  # fmt: skip
    found = run(bookings.reconcile(SYSTEM, "hospital", day))
    assert sorted((one.appointment, one.kind) for one in found) == sorted(
        [(first, "missing-there"), ("theirs", "missing-here")]
    )
    kept = town.found("Basic", f"code={BASE}/CodeSystem/record-kind|booking-difference")
    states = {
        (values["booking"], values["difference-state"])
        for one in kept
        for values in [
            {
                part["url"].rpartition("/")[2]: part.get("valueString", part.get("valueCode"))
                for part in one["extension"]
            }
        ]
    }
    assert states == {(third, "settled"), (first, "open"), ("theirs", "open")}
    assert doctor.post("/Organization/hospital/$reconcile-bookings", json=inputs(day=day)).status_code == 403


def test_compared_once_a_day(town: Town, hospital: Hospital) -> None:
    """From the parameter's hour on each connected hospital's list of yesterday and today is asked for, once."""
    run, bookings = town.site.run, town.site.platform.bookings
    day = at(1, 8).date().isoformat()
    hospital.bookings["only-theirs"] = {
        "resourceType": "Appointment", "status": "booked", "start": f"{day}T11:00:00+08:00",
        "identifier": [{"system": f"{BASE}/sid/booking", "value": "only-theirs"}],
    }  # fmt: skip
    kept = bookings.clock

    def tick(hour: int, minute: int = 0) -> int:
        bookings.clock = lambda: at(1, hour, minute)
        try:
            return int(run(bookings.tick())["compared"])
        finally:
            bookings.clock = kept

    assert tick(5, 59) == 0, "not before the hour"
    assert tick(6) == 2, "yesterday's and today's, of the one hospital that has an address"
    assert tick(6, 1) == 0, "once a day"
    run(bookings.heed())
    found = [
        one
        for one in town.found("Basic", f"code={BASE}/CodeSystem/record-kind|booking-difference&created={day}")
        if {"url": structure("booking"), "valueString": "only-theirs"} in one["extension"]
    ]
    assert len(found) == 1
    assert {"url": structure("difference-state"), "valueCode": "open"} in found[0]["extension"]
