"""当日就诊名单: those who have come first, among them older people, within their hour or over the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from tests.city.appointments.conftest import SYSTEM, Town, at, inputs, resident, slot


def _order(town: Town, day: str) -> list[tuple[int, str, str]]:
    """Return (turn, resident, why first) of the day's list."""
    found = town.site.run(town.site.platform.bookings.day_list(SYSTEM, "hospital", day))
    return [
        (one.turn, one.appointment.patient, one.priority.zh if one.priority else "") for one in found.visits
    ]


def test_older_people_first(town: Town) -> None:
    day = at(2, 8).date().isoformat()
    town.put(
        resident("day-old", "1941-01-01"),
        resident("day-green", "1950-01-01"),
        slot("day-nine", at(2, 9), places=5, department="老年医学科"),
        slot("day-green", at(2, 9), places=5, pool="elder", department="中医科"),
        slot("day-ten", at(2, 10), places=5, department="全科医学科"),
    )
    doctor, clerk = town.client("community-doctor", "centre"), town.client("hospital-clerk", "hospital")
    made = {}
    for place, patient in (
        ("day-nine", "r1"),
        ("day-ten", "elder"),
        ("day-nine", "day-old"),
        ("day-green", "day-green"),
    ):
        answer = doctor.post(f"/Slot/{place}/$book", json=inputs(patient=patient))
        assert answer.status_code == 201, answer.text
        made[patient] = answer.json()["id"]

    assert _order(town, day) == [
        (1, "day-green", "绿色通道"),
        (2, "day-old", "老年优先"),
        (3, "r1", ""),
        (4, "elder", "老年优先"),
    ]

    for patient in ("r1", "elder"):
        answer = clerk.post(f"/Appointment/{made[patient]}/$move", json=inputs(move="check-in"))
        assert answer.status_code == 200, answer.text
    assert [one[1] for one in _order(town, day)] == ["r1", "elder", "day-green", "day-old"], "hour by hour"

    table = town.site.platform.parameters
    usual = table.versions("visit-priority-scope")[0]
    table.enter(replace(usual, value="day", jurisdiction="990100", valid_from=date(2021, 1, 1)))
    assert [one[1] for one in _order(town, day)] == ["elder", "r1", "day-green", "day-old"]

    clerk.post(f"/Appointment/{made['elder']}/$move", json=inputs(move="fulfil"))
    assert _order(town, day)[-1] == (0, "elder", "老年优先"), "who was seen waits no more"
