"""S09: places of slots are held, booked, changed and given back by the right parties, over HTTP."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx

from tests.city.appointments.conftest import Town, at, inputs, resident, slot


def book(town: Town, client: httpx.Client, slot_id: str, patient: str, **values: Any) -> httpx.Response:
    """Book a place."""
    return client.post(f"/Slot/{slot_id}/$book", json=inputs(patient=patient, **values))


def test_held_booked_checked_in_seen(town: Town) -> None:
    town.put(slot("way", at(3, 9)))
    doctor, desk = town.client("community-doctor", "centre"), town.client("hospital-clerk", "hospital")
    held = book(town, doctor, "way", "r1", hold=True)
    assert held.status_code == 201, held.text
    assert held.json()["status"] == "pending"
    id_ = held.json()["id"]
    assert town.record("Slot", "way")["status"] == "busy"
    assert book(town, doctor, "way", "r2").status_code == 409

    def move(client: httpx.Client, name: str, **values: Any) -> httpx.Response:
        return client.post(f"/Appointment/{id_}/$move", json=inputs(move=name, **values))

    stranger = town.client("community-doctor", "stranger")
    assert move(stranger, "confirm").status_code == 404
    assert move(doctor, "confirm").json()["status"] == "booked"
    assert move(doctor, "check-in").status_code == 403, "the desk of the hospital checks in"
    assert move(desk, "fulfil").status_code == 409, "nobody is seen who has not come"
    assert move(desk, "check-in").json()["status"] == "checked-in"
    assert move(desk, "fulfil").json()["status"] == "fulfilled"
    assert town.record("Slot", "way")["status"] == "busy", "a place that was used does not come back"


def test_never_oversold(town: Town) -> None:
    """200 at once for 7 places of one slot and for single places: exactly as many come through as there are places."""
    town.put(*(resident(f"many-{number}") for number in range(200)))
    town.put(
        slot("seven", at(5, 8), places=7),
        slot("one", at(5, 9)),
        slot("kept", at(5, 10), places=3, pool="referral"),
    )
    headers = town.client("community-doctor", "centre").headers

    async def storm() -> list[tuple[str, int]]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(
            base_url=f"{town.site.address}/fhir", headers=headers, timeout=120, limits=limits
        ) as client:

            async def one(number: int) -> tuple[str, int]:
                name = ("seven", "one", "kept")[number % 3]
                answer = await client.post(f"/Slot/{name}/$book", json=inputs(patient=f"many-{number}"))
                return name, answer.status_code

            return await asyncio.gather(*(one(number) for number in range(200)))

    outcomes = Counter(asyncio.run(storm()))
    for name, places in (("seven", 7), ("one", 1), ("kept", 3)):
        assert outcomes[name, 201] == places
        assert len(town.found("Appointment", f"slot=Slot/{name}&status=booked")) == places
        assert town.record("Slot", name)["status"] == "busy"
    assert sum(outcomes.values()) == 200
    assert {status for _, status in outcomes} == {201, 409}
    assert len(town.found("Appointment", "slot=Slot/seven")) == 7, "who was refused left nothing behind"
    # one gives up: one more comes in, and no other
    first = town.found("Appointment", "slot=Slot/one")[0]["id"]
    doctor = town.client("community-doctor", "centre")
    given_up = doctor.post(f"/Appointment/{first}/$move", json=inputs(move="cancel", reason="本人要求"))
    assert given_up.json()["status"] == "cancelled"
    assert town.record("Slot", "one")["status"] == "free"
    assert book(town, doctor, "one", "many-199").status_code == 201
    assert book(town, doctor, "one", "many-198").status_code == 409
