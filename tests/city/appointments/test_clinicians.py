"""S09: slots of clinicians' clinics: published, chosen, stopped (停诊), taken over by another (替诊)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kangshu.base.canonical import code_system, structure
from kangshu.sdk import Resource
from tests.city.appointments.conftest import SYSTEM, Town, at, department, inputs, notices, resident


def template(clinician: str, places: int, hour: int = 8) -> Resource:
    """Return a Monday template of the county hospital's clinic of a clinician; "" is the department's own."""
    extensions: list[Resource] = [
        {"url": structure("weekday"), "valueInteger": 1},
        {"url": structure("from"), "valueString": f"{hour:02d}:00"},
        {"url": structure("until"), "valueString": f"{hour + 2:02d}:00"},
        {"url": structure("minutes"), "valueInteger": 60},
        {"url": structure("capacity"), "valuePositiveInt": places},
        {"url": structure("reserved-for"), "valueCode": "referral" if clinician else "public"},
    ]
    if clinician:
        extensions.append(
            {"url": structure("clinician"), "valueReference": {"reference": f"Practitioner/{clinician}"}}
        )
    return {
        "resourceType": "Basic", "id": f"template-clinic-{clinician or 'all'}", "author": {"reference": "Organization/county"},
        "code": {"coding": [{"system": code_system("record-kind"), "code": "slot-template"}]},
        "subject": {"reference": "HealthcareService/service-clinic"}, "extension": extensions,
    }  # fmt: skip


def staff(id_: str, name: str, organisation: str) -> list[Resource]:
    """Return somebody who works at an institution."""
    return [
        {"resourceType": "Practitioner", "id": id_, "active": True, "name": [{"text": name}]},
        {
            "resourceType": "PractitionerRole", "id": f"role-{id_}", "active": True,
            "practitioner": {"reference": f"Practitioner/{id_}", "display": name},
            "organization": {"reference": f"Organization/{organisation}"},
        },
    ]  # fmt: skip


def seen_by(appointment: Resource) -> list[str]:
    return [
        one["actor"].get("display", "")
        for one in appointment["participant"]
        if one["actor"]["reference"].startswith("Practitioner/")
    ]


def test_clinics(town: Town) -> None:
    """Two clinicians' clinics and the department's are published beside each other; one is stopped, one is taken over."""
    town.put(
        department("service-clinic", "county"),
        *staff("chen", "陈医师", "county"),
        *staff("zhou", "周医师", "county"),
        *staff("strange", "外院医师", "hospital"),
        template("chen", 4),
        template("zhou", 3),
        template("", 3),
        *(resident(f"clinic-{number}") for number in range(4)),
    )
    run, bookings = town.site.run, town.site.platform.bookings
    desk, doctor = town.client("hospital-clerk", "county"), town.client("community-doctor", "centre")
    monday = (
        at(7, 8).date() - timedelta(days=at(7, 8).weekday() - 7) if at(7, 8).weekday() else at(7, 8).date()
    )
    first = last = monday.isoformat()
    days = {"first": first, "last": last}
    made = desk.post("/HealthcareService/service-clinic/$publish-slots", json=inputs(**days, holidays=True))
    assert made.status_code == 200, made.text
    slots = town.found(
        "Slot",
        f"organization=Organization/county&start=ge{monday}&start=lt{monday + timedelta(days=1)}&_sort=start",
    )
    assert len(slots) == 6, "two hours of each"
    by: dict[str, list[Resource]] = {}
    for one in slots:
        person = next(
            (
                each["valueReference"]["display"]
                for each in one["extension"]
                if each["url"].endswith("/clinician")
            ),
            "",
        )
        by.setdefault(person, []).append(one)
    assert {name: len(each) for name, each in by.items()} == {"陈医师": 2, "周医师": 2, "": 2}
    assert len({one["schedule"]["reference"] for one in slots}) == 3, "a clinic is a schedule of its own"
    actors = town.record("Schedule", by["陈医师"][0]["schedule"]["reference"].removeprefix("Schedule/"))[
        "actor"
    ]
    assert [one["reference"] for one in actors] == ["HealthcareService/service-clinic", "Practitioner/chen"]

    def book(slot: Resource, patient: str) -> Resource:
        answer = doctor.post(f"/Slot/{slot['id']}/$book", json=inputs(patient=patient))
        assert answer.status_code == 201, answer.text
        found: Resource = answer.json()
        return found

    chens, zhous = book(by["陈医师"][0], "clinic-0"), book(by["周医师"][1], "clinic-1")
    assert (seen_by(chens), seen_by(zhous)) == (["陈医师"], ["周医师"])
    # one may choose among the clinicians of the day
    seen = run(bookings.slot(SYSTEM, by["陈医师"][0]["id"]))
    assert seen.clinician == "陈医师"
    assert {name for _, _, name, _ in seen.beside} == {"陈医师", "周医师", ""}
    board = run(bookings.board(SYSTEM, "county", monday.isoformat(), clinician="zhou"))
    assert board.places == 6
    assert ("chen", "陈医师") in board.clinicians

    # whose slots they are arranges them, nobody else
    def refused(work: Any) -> str:
        try:
            run(work)
        except Exception as fault:  # noqa: BLE001  # its kind is what is asked
            return type(fault).__name__
        return ""

    town.client("hospital-clerk", "hospital")
    other = run(town.site.platform.accounts.open_grant("hospital-clerk-hospital"))
    own = run(town.site.platform.accounts.open_grant("hospital-clerk-county"))
    chen, zhou = by["陈医师"][0]["id"], by["周医师"][0]["id"]
    assert refused(bookings.stop_clinic(other, chen, first, last)) == "Forbidden"
    assert refused(bookings.substitute(other, chen, "zhou", **days)) == "Forbidden"
    assert refused(bookings.substitute(own, zhou, "strange", **days)) == "Unprocessable", "works elsewhere"
    assert refused(bookings.stop_clinic(own, chen, "x", "y")) == "Unprocessable"
    # 停诊: the whole clinic of that day; who has booked chooses again
    assert run(bookings.stop_clinic(own, chen, first, last)) == 2
    run(bookings.heed())
    assert town.record("Appointment", chens["id"])["status"] == "proposed"
    assert any("停诊" in one for one in notices(town, chens["id"]))
    assert doctor.post(f"/Slot/{chen}/$book", json=inputs(patient="clinic-2")).status_code == 409
    assert town.record("Slot", zhou)["status"] == "free", "the other clinic goes on"
    assert run(bookings.stop_clinic(own, chen, first, last, stopped=False)) == 2
    assert town.record("Slot", chen)["status"] == "free"
    # 替诊: bookings stay and are told, new ones are the other's
    assert run(bookings.substitute(own, zhou, "chen", **days)) == 2
    run(bookings.heed())
    run(bookings.heed())
    standing = town.record("Appointment", zhous["id"])
    assert (standing["status"], seen_by(standing)) == ("booked", ["陈医师"])
    assert len([one for one in notices(town, zhous["id"]) if "替诊" in one and "陈医师" in one]) == 2, (
        "resident and centre, once"
    )
    assert seen_by(book(by["周医师"][0], "clinic-3")) == ["陈医师"]
    again = desk.post("/HealthcareService/service-clinic/$publish-slots", json=inputs(**days, holidays=True))
    assert {one["name"]: one.get("valueInteger") for one in again.json()["parameter"]}["new"] == 0
