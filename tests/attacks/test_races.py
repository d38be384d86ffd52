"""Many at once over all web workers: one slot is booked once, one reviewer decides, a number is given once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import httpx

from kangshu.base.canonical import structure
from kangshu.base.clock import now

CASE_KIND = "http://kangshu.org/fhir/CodeSystem/case-kind"


def parameters(**values: Any) -> str:
    """Return the Parameters resource of an operation's input."""
    kinds = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}
    listed = [
        {"name": name, kinds[type(one)]: one}
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    return json.dumps({"resourceType": "Parameters", "parameter": listed})


def at_once(
    city: Any, name: str, asks: list[Callable[[httpx.AsyncClient], Coroutine[Any, Any, httpx.Response]]]
) -> list[httpx.Response]:
    """Return the answers to `asks`, all sent at the same time."""

    async def race() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {city.tokens[name]}", "Content-Type": "application/fhir+json"}
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(
            base_url=f"{city.address}/fhir", headers=headers, timeout=300, limits=limits
        ) as client:
            return list(await asyncio.gather(*(ask(client) for ask in asks)))

    return asyncio.run(race())


def done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text[:500]
    resource: dict[str, Any] = answer.json()
    return resource


def referral(city: Any, patient: str) -> str:
    """Return the id of a referral that the hospital has accepted."""
    doctor, hospital = city.fhir("doctor"), city.fhir("hospital")
    receiver = f"Organization/{city.posts['hospital'].organisation}"
    start = parameters(
        code="referral/referral", subject=f"Patient/{patient}", direction="up", receiver=receiver, urgency="routine",
        indication=["acute"], criterion="admit-treatment", diagnosis="x", summary="x", consent=True,
    )  # fmt: skip
    id_ = str(done(doctor.post("/Task/$start", content=start))["id"])
    done(doctor.post(f"/Task/{id_}/$move", content=parameters(move="send")))
    done(hospital.post(f"/Task/{id_}/$move", content=parameters(move="accept", department="x")))
    return id_


def slot(hospital: str, id_: str, places: int) -> dict[str, Any]:
    """Return a free slot of `hospital` with so many places, ten days ahead."""
    start = now().replace(minute=0, second=0, microsecond=0) + timedelta(days=10)
    owner = {"reference": f"Organization/{hospital}"}
    return {
        "resourceType": "Slot", "id": id_, "status": "free", "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(), "schedule": {"reference": "Schedule/schedule-yunxi-first-1"},
        "extension": [
            {"url": structure("responsible-organisation"), "valueReference": owner},
            {"url": structure("capacity"), "valuePositiveInt": places},
        ],
    }  # fmt: skip


def test_two_hundred_bookings_of_one_slot(city: Any) -> None:
    """Attack 27: 200 moves of cases at once for a slot of one place and one of six: no more come through than there are places."""
    # a person has one place of a clinic and day: there are as many people as cases
    patients = sorted(city.seen_by("doctor", "Patient")[0])[:20]
    cases = [referral(city, patient) for patient in patients]
    own, system = city.posts["hospital"].organisation, city.fhir()
    places = {"race-one": 1, "race-six": 6}
    for id_, many in places.items():
        done(system.put(f"/Slot/{id_}", content=json.dumps(slot(own, id_, many))))
    wanted = {case: ("race-one", "race-six")[at % 2] for at, case in enumerate(cases)}

    def book(case: str) -> Callable[[httpx.AsyncClient], Coroutine[Any, Any, httpx.Response]]:
        content = parameters(move="book", slot=f"Slot/{wanted[case]}")
        return lambda client: client.post(f"/Task/{case}/$move", content=content)

    asked = cases * 10
    answers = at_once(city, "hospital", [book(case) for case in asked])
    statuses = [one.status_code for one in answers]
    assert set(statuses) <= {200, 409, 422}, sorted(set(statuses))
    for id_, many in places.items():
        came = [
            case
            for case, status in zip(asked, statuses, strict=True)
            if status == 200 and wanted[case] == id_
        ]
        assert len(came) == many, f"{id_}: {len(came)} of {many}"
        assert done(system.get(f"/Slot/{id_}"))["status"] == "busy"
        assert done(system.get(f"/Appointment?slot=Slot/{id_}"))["total"] == many
    booked = [case for case in cases if done(system.get(f"/Task/{case}"))["status"] == "ready"]
    assert len(booked) == sum(places.values())


def test_two_reviewers_decide_once(city: Any) -> None:
    """Attack 28: a duty is approved or returned; of many who answer at the same moment one is first."""
    receiver = f"Organization/{city.posts['clerk'].organisation}"
    start = parameters(code="supervision/duty", receiver=receiver, content="x")
    id_ = str(done(city.fhir("plan").post("/Task/$start", content=start))["id"])
    clerk = city.fhir("clerk")
    done(clerk.post(f"/Task/{id_}/$move", content=parameters(move="accept")))
    done(clerk.post(f"/Task/{id_}/$move", content=parameters(move="begin")))
    task = done(clerk.post(f"/Task/{id_}/$move", content=parameters(move="report", result="x")))
    headers = {"if-match": f'W/"{task["meta"]["versionId"]}"'}

    def answer(number: int) -> Callable[[httpx.AsyncClient], Coroutine[Any, Any, httpx.Response]]:
        content = parameters(move=("approve", "return")[number % 2], comment="x")
        return lambda client: client.post(f"/Task/{id_}/$move", content=content, headers=headers)

    statuses = [one.status_code for one in at_once(city, "plan", [answer(number) for number in range(40)])]
    assert statuses.count(200) == 1, statuses
    assert set(statuses) <= {200, 409, 412}
    # without the version the state itself keeps them apart: nothing leads from a returned duty to an approval
    again = [
        one.status_code
        for one in at_once(
            city,
            "plan",
            [
                lambda client: client.post(
                    f"/Task/{id_}/$move", content=parameters(move="approve", comment="x")
                )
            ]
            * 20,
        )
    ]
    assert set(again) <= {409}, again


def test_numbers_are_given_once(city: Any) -> None:
    """文号: fifty duties started at once have fifty numbers without a gap."""
    receiver = f"Organization/{city.posts['clerk'].organisation}"
    content = parameters(code="supervision/duty", receiver=receiver, content="x")
    answers = at_once(city, "plan", [lambda client: client.post("/Task/$start", content=content)] * 50)
    numbers = sorted(done(one)["identifier"][0]["value"] for one in answers)
    assert len(set(numbers)) == 50
    figures = sorted(int(one[6:].strip("〕号")) for one in numbers)
    assert figures == list(range(figures[0], figures[0] + 50))
