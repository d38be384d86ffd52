"""Events of outside systems at once, what a card shows to whom, what a heartbeat writes: on a database, without pages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.access import Nothing, system_grant
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases
from kangshu.services import read_folder
from kangshu.store import Store

DRAFT = read_folder(Path(kangshu_services.__path__[0]) / "smart_elder_care")
SYSTEM = system_grant("test")
LINE = replace(SYSTEM, organisation="line", organisations=frozenset({"line"}))
"""An account of the call centre."""
ALARM, HEARTBEAT, DESK = "smart_elder_care/alarm", "smart_elder_care/heartbeat", "smart_elder_care/calls"
EXT = "http://kangshu.org/fhir/StructureDefinition"


def event(number: str, **more: Any) -> dict[str, Any]:
    return {
        "event_id": f"e-{number}", "type": "call", "call_id": f"c-{number}",
        "occurred_at": now().isoformat(), **more,
    }  # fmt: skip


class Line:
    """A call centre on a database of its own, with a clock that tests set ahead."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ahead = timedelta()
        self.cases = Cases(
            store, DRAFT.cases, ParameterTable(DRAFT.parameters), jurisdiction="990100",
            clock=lambda: datetime.now(UTC) + self.ahead,
            signals=DRAFT.signals, desks=DRAFT.desks, rosters=DRAFT.rosters,
        )  # fmt: skip

    async def put(self, *resources: Mapping[str, Any]) -> None:
        for one in resources:
            await self.store.update(SYSTEM, dict(one))

    async def send(self, body: Any, code: str = ALARM) -> Any:
        return await self.cases.signals.take(LINE, code, body)


def person(id_: str, latitude: float = 39.90) -> dict[str, Any]:
    parts = [{"url": "latitude", "valueDecimal": latitude}, {"url": "longitude", "valueDecimal": 101.90}]
    place = {"url": "http://hl7.org/fhir/StructureDefinition/geolocation", "extension": parts}
    return {
        "resourceType": "Patient", "id": id_, "active": True, "name": [{"text": "云大妈"}],
        "telecom": [{"system": "phone", "value": "0900-70000001"}], "address": [{"text": "晨光路", "extension": [place]}],
    }  # fmt: skip


def device(number: str, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Device", "id": f"device-{number.lower()}", "status": "active", "patient": {"reference": f"Patient/{patient}"},
        "identifier": [{"system": "http://kangshu.org/fhir/sid/device", "value": number}],
    }  # fmt: skip


def act(url: str, work: Any) -> None:
    async def run() -> None:
        store = await Store.open(url)
        try:
            await store.update(
                SYSTEM, {"resourceType": "Organization", "id": "line", "active": True, "name": "呼叫中心"}
            )
            await work(Line(store))
        finally:
            await store.close()

    asyncio.run(run())


def test_one_event_sent_many_times_at_once_is_taken_once(database_url: str) -> None:
    async def work(line: Line) -> None:
        same = event("1")
        taken = await asyncio.gather(*(line.send(same) for _ in range(12)))
        assert Counter(one.outcome for one in taken) == {"started": 1, "repeated": 11}
        assert len({one.case for one in taken}) == 1

    act(database_url, work)


def test_alarms_of_one_device_join_the_case_that_is_open(database_url: str) -> None:
    async def work(line: Line) -> None:
        await line.put(person("one"), device("D-1", "one"))
        taken = await asyncio.gather(*(line.send(event(f"d{n}", device={"number": "D-1"})) for n in range(6)))
        assert Counter(one.outcome for one in taken) == {"started": 1, "joined": 5}
        (case,) = {one.case for one in taken}
        task = (await line.store.read(SYSTEM, "Task", case)).resource
        assert (task["for"]["reference"], task["focus"]["reference"]) == ("Patient/one", "Device/device-d-1")
        assert task["priority"] == "stat"
        await line.cases.move(LINE, case, "answer", {})
        await line.cases.move(LINE, case, "mark-false", {"false_reason": "test", "confirmed_with": "本人"})
        assert (await line.send(event("later", device={"number": "D-1"}))).outcome == "started"

    act(database_url, work)


def test_what_does_not_fit_is_left_out_and_what_lacks_its_id_is_refused(database_url: str) -> None:
    async def work(line: Line) -> None:
        taken = await line.send(event("x", position={"latitude": "north", "longitude": 101.9}))
        assert (taken.outcome, [name for name, _, _ in taken.left_out]) == ("started", ["latitude"])
        for wrong in ({}, {**event("y"), "event_id": ""}, {**event("y"), "event_id": "a b"}, {**event("y"), "call_id": ""},
                      {**event("y"), "occurred_at": "2026-03-01"}, {**event("y"), "type": "unheard-of"}):  # fmt: skip
            with pytest.raises(Unprocessable):
                await line.send(wrong)
        with pytest.raises(Invalid):
            await line.send(["no object"])
        with pytest.raises(Conflict):
            await line.send({**event("z"), "type": "answered"})
        with pytest.raises(NotFound):
            await line.send(event("z"), "smart_elder_care/unknown")
        nobody = replace(SYSTEM, operations=frozenset())
        with pytest.raises(Forbidden):
            await line.cases.signals.take(nobody, ALARM, event("z"))

    act(database_url, work)


def test_heartbeats_that_repeat_are_acknowledged_and_not_written(database_url: str) -> None:
    async def work(line: Line) -> None:
        await line.put(person("one"), device("D-1", "one"))

        async def beat(minutes: int, battery: int) -> str:
            when = (now() - timedelta(hours=2) + timedelta(minutes=minutes)).isoformat()
            body = {
                "event_id": f"h{minutes}-{battery}",
                "occurred_at": when,
                "device": {"number": "D-1", "battery": battery},
            }
            return str((await line.send(body, HEARTBEAT)).outcome)

        assert [await beat(0, 80), await beat(5, 80), await beat(6, 79), await beat(3, 50), await beat(50, 79)] == [
            "changed", "kept", "changed", "kept", "changed",
        ]  # fmt: skip
        held = (await line.store.read(SYSTEM, "Device", "device-d-1")).resource
        assert {one.get("valueInteger") for one in held["extension"]} >= {79}
        with pytest.raises(NotFound):
            await line.send(
                {"event_id": "h", "occurred_at": now().isoformat(), "device": {"number": "NONE"}}, HEARTBEAT
            )

    act(database_url, work)


def test_a_desk_shows_the_most_urgent_first_and_escalates_by_minutes(database_url: str) -> None:
    async def work(line: Line) -> None:
        await line.send(event("1", request="living"))
        await line.send(event("2"))
        await line.send({**event("3"), "type": "alarm", "alarm": "fall"})
        await line.send(event("4", request="health"))
        urgencies = [one.case.priority for one in await line.cases.desks.rows(SYSTEM, DESK)]
        assert urgencies == ["stat", "asap", "urgent", "routine"]
        assert [one.case.priority for one in await line.cases.desks.rows(SYSTEM, DESK, 2)] == ["stat", "asap"]
        assert await line.cases.tick_minutes() == (0, 0)
        line.ahead = timedelta(minutes=2)
        assert (await line.cases.tick_minutes())[0] == 4
        rows = await line.cases.desks.rows(SYSTEM, DESK)
        assert {(one.case.state, one.case.priority, one.waits) for one in rows} == {
            ("escalated", "stat", True)
        }

    act(database_url, work)


def test_a_card_shows_what_the_grant_shows_and_the_nearest_help(database_url: str) -> None:
    async def work(line: Line) -> None:
        def unit(id_: str, latitude: float) -> dict[str, Any]:
            kind = {
                "coding": [
                    {
                        "system": "http://kangshu.org/fhir/CodeSystem/organisation-kind",
                        "code": "secondary-hospital",
                    }
                ]
            }
            return {**person(id_, latitude), "resourceType": "Organization", "name": id_, "type": [kind]}

        units = [
            {k: v for k, v in unit(*one).items() if k != "identifier"}
            for one in (("far", 39.99), ("near", 39.91))
        ]
        illness = {
            "resourceType": "Condition",
            "id": "ill",
            "code": {"text": "高血压"},
            "subject": {"reference": "Patient/one"},
        }
        await line.put(person("one"), device("D-1", "one"), illness, *units)
        case = (await line.send(event("1", device={"number": "D-1"}))).case
        card = await line.cases.desks.card(SYSTEM, DESK, case)
        shown = {one.section.id: one for one in card.sections}
        assert card.person is not None
        assert card.precise
        assert [line_.cells[0].zh for line_ in shown["illnesses"].lines] == ["高血压"]
        near = shown["near-units"].lines
        assert [one.cells[0].zh for one in near] == ["near", "far"]
        assert near[0].distance == pytest.approx(1.11, abs=0.02)
        blind = replace(SYSTEM, read={**SYSTEM.read, "Condition": Nothing()})
        closed = {one.section.id: one for one in (await line.cases.desks.card(blind, DESK, case)).sections}
        assert closed["illnesses"].closed
        assert not closed["illnesses"].lines

    act(database_url, work)
