"""Records that are written together are what they would be one by one: rows, versions, index, feed and audit."""

from __future__ import annotations

from typing import Any

import pytest

from kangshu.access import system_grant
from kangshu.base.canonical import DISTRICT
from kangshu.base.faults import Conflict
from kangshu.base.text import Text
from kangshu.sdk import Resource
from kangshu.store import CapacityRule, Store, create_all

FIRST, SECOND = system_grant("first"), system_grant("second")
_INDEXES = ("token", "string", "date", "number", "quantity", "reference", "uri")


def records() -> list[Resource]:
    """Return records of every kind of index, with labels, several organisations, none, and signs of many scripts."""
    organisations = [
        {"actor": {"reference": f"Organization/o{number}"}, "status": "accepted"} for number in (1, 2)
    ]
    person = {"actor": {"reference": "Patient/p1", "display": "张三，O'Neil \\x1f {}"}, "status": "accepted"}
    return [
        {"resourceType": "Appointment", "status": "booked", "start": "2026-01-31T08:00:00+08:00", "participant": [person, *organisations]},
        {"resourceType": "Appointment", "status": "pending", "participant": [person], "meta": {"security": [{"code": "R"}, {"code": "PSY"}]}},
        {"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
         "subject": {"reference": "Patient/p1"}, "valueQuantity": {"value": 128.50, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}},
        {"resourceType": "Patient", "name": [{"text": "李四"}], "birthDate": "1950-05", "extension": [{"url": DISTRICT, "valueCode": "990102"}]},
        {"resourceType": "Questionnaire", "url": "http://example.org/q", "status": "active", "title": "问卷"},
        {"resourceType": "Basic", "code": {"text": ""}},
    ]  # fmt: skip


async def _told(store: Store, id: str) -> dict[str, Any]:
    """Return every row that a record has, without what differs between any two: key, id, moment."""
    async with store.connection() as connection:
        row = await connection.fetchrow("select * from resource where id = $1", id)
        body = store.codec.unpack(row["codec"], row["body"]).decode().replace(id, "ID")
        found: dict[str, Any] = {
            name: row[name]
            for name in (
                "type", "version", "deleted", "district", "district_from", "organisations", "patient", "labels", "account",
            )
        }  # fmt: skip
        found["body"] = body.partition('"lastUpdated":"')[0] + body.partition('"lastUpdated":"')[2][24:]
        for kind in _INDEXES:
            rows = await connection.fetch(f"select * from index_{kind} where key = $1", row["key"])
            told = [str({**one, "key": 0}).replace(id, "ID") for one in rows if one.get("param") is not None]
            found[kind] = sorted(one for one in told if "lastUpdated" not in one)
        # the time of change is among the dates of every record
        found["date"] = len(found["date"])
        feed = await connection.fetch(
            "select version, kind, recorded from feed_pending where key = $1", row["key"]
        )
        found["feed"] = [(one["version"], one["kind"], one["recorded"] == row["updated"]) for one in feed]
        audit = await connection.fetch("select * from audit_pending where id = $1", id)
        left_out = ("seq", "txid", "at", "id")
        found["audit"] = [
            {name: value for name, value in one.items() if name not in left_out} for one in audit
        ]
    found["patient"] = found["patient"].replace(id, "ID")
    return found


async def test_together_is_one_by_one(store: Store) -> None:
    await store.update(
        FIRST,
        {"resourceType": "Patient", "id": "p1", "extension": [{"url": DISTRICT, "valueCode": "990101"}]},
    )
    for number in (1, 2):
        await store.update(FIRST, {"resourceType": "Organization", "id": f"o{number}", "extension": [{"url": DISTRICT, "valueCode": "990102"}]})  # fmt: skip
    made = records()
    grants = [(FIRST, SECOND)[at % 2] for at in range(len(made))]
    alone = [(await store.create(grant, one)).stored for grant, one in zip(grants, made, strict=True)]
    together = await store.run(FIRST, lambda t: create_all(t, list(zip(grants, made, strict=True))))
    for one, other in zip(alone, together, strict=True):
        assert await _told(store, other.id) == await _told(store, one.id)
        assert (await store.read(SECOND, other.type, other.id)).body == other.body
        changed = await store.update(SECOND, {**other.resource, "language": "zh"})
        assert changed.stored.version == 2
    assert len({one.key for one in (*alone, *together)}) == 2 * len(made)


async def test_what_takes_too_much_is_not_written(store: Store) -> None:
    rule = CapacityRule(
        id="places", type="Appointment", path="slot.reference", search="slot", target="Slot",
        places="comment.toInteger()", text=Text("约满", "full"), open="status = 'free'",
        full={"status": "busy"}, free={"status": "free"},
    )  # fmt: skip
    store.register_capacity([rule])
    schedule = {"reference": "Schedule/x"}
    for id, places in (("two", "2"), ("five", "5")):
        slot = {"resourceType": "Slot", "id": id, "status": "free", "schedule": schedule, "comment": places}
        await store.update(FIRST, slot)

    def taking(*ids: str) -> list[tuple[Any, Resource]]:
        return [
            (FIRST, {"resourceType": "Appointment", "status": "booked", "slot": [{"reference": f"Slot/{id}"}], "participant": []})
            for id in ids
        ]  # fmt: skip

    with pytest.raises(Conflict):
        await store.run(FIRST, lambda t: create_all(t, taking("five", "two", "two", "two")))
    assert await store.search_all(FIRST, "Appointment", "") == []
    assert await store.left("Slot", ["two", "five"]) == {"two": 2, "five": 5}
    await store.run(FIRST, lambda t: create_all(t, taking("five", "two", "two")))
    assert await store.left("Slot", ["two", "five"]) == {"two": 0, "five": 4}
    full = await store.read(FIRST, "Slot", "two")
    assert (full.resource["status"], full.version) == ("busy", 2)
    assert [one["id"] for one in await store.search_all(FIRST, "Slot", "status=free")] == ["five"]
    assert (await store.vread(FIRST, "Slot", "two", 1)).resource["status"] == "free"
