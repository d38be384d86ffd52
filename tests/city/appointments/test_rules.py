"""S09: pools, limits, the waiting list, no-shows, closed slots, released slots, publishing under R14 and R15."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from kangshu.base.canonical import code_system, structure
from kangshu.base.clock import now
from kangshu.bookings import Figures, share_findings
from tests.city.appointments.conftest import Town, at, department, inputs, notices, resident, slot


def book(client: httpx.Client, slot_id: str, patient: str, **values: Any) -> httpx.Response:
    return client.post(f"/Slot/{slot_id}/$book", json=inputs(patient=patient, **values))


def move(client: httpx.Client, id_: str, name: str, **values: Any) -> httpx.Response:
    return client.post(f"/Appointment/{id_}/$move", json=inputs(move=name, **values))


@contextmanager
def later(town: Town, moment: datetime) -> Iterator[None]:
    """Let it be `moment` for bookings, and let the system do what is due."""
    bookings = town.site.platform.bookings
    kept = bookings.clock
    bookings.clock = lambda: moment
    try:
        yield
    finally:
        bookings.clock = kept


def test_pools(town: Town) -> None:
    """Reserved slots are the alliance's, the green channel is older people's; released ones are everybody's."""
    town.put(
        slot("reserved", at(4, 9), places=3, pool="referral"),
        slot("green", at(4, 10), places=3, pool="elder"),
    )
    member, stranger = town.client("community-doctor", "centre"), town.client("resident", patient="r1")
    assert book(stranger, "reserved", "r1").status_code == 403
    assert book(member, "reserved", "r1").status_code == 201
    assert book(member, "green", "r2").status_code == 403, "36 years old"
    assert book(member, "green", "elder").status_code == 201
    with later(town, at(3, 10)):
        done = town.site.run(town.site.platform.bookings.tick())
        assert done["released"] == 1, "the reserved one, a day before; the elders' half a day before"
        freed = town.client("resident", patient="r2")
        assert book(freed, "reserved", "r2").status_code == 201
    pools = {one["id"]: one for one in town.found("Slot", "reserved-for=referral")}
    assert any(one["url"].endswith("/released") for one in pools["reserved"]["extension"])


def test_limits_of_a_resident(town: Town) -> None:
    """One a day and department, no two at once, three open, not beyond the window, nobody for a stranger."""
    town.put(*(slot(f"limit-{day}", at(day, 15), places=9, department=f"科{day}") for day in range(6, 11)))
    town.put(slot("limit-same", at(6, 16), places=9, department="科6"), slot("limit-far", at(60, 9)))
    town.put(resident("busy"))
    client = town.client("community-doctor", "centre")
    assert book(client, "limit-6", "busy").status_code == 201
    assert "同一科室" in book(client, "limit-same", "busy").json()["issue"][0]["details"]["text"]
    for day in (7, 8):
        assert book(client, f"limit-{day}", "busy").status_code == 201
    assert book(client, "limit-9", "busy").status_code == 422, "three are open"
    assert book(client, "limit-far", "r3").status_code == 422, "beyond the window"
    assert book(town.client("community-doctor", "stranger"), "limit-9", "r3").status_code == 404
    assert client.post("/Appointment", json={
        "resourceType": "Appointment", "status": "booked", "slot": [{"reference": "Slot/limit-9"}], "start": at(9, 15).isoformat(), "end": at(9, 16).isoformat(),
        "participant": [{"actor": {"reference": "Patient/r3"}, "status": "accepted"}],
        "extension": [{"url": structure("responsible-organisation"), "valueReference": {"reference": "Organization/centre"}}],
    }).status_code == 409  # fmt: skip


def test_hold_lapses_and_no_shows_block(town: Town) -> None:
    town.put(
        resident("late"),
        slot("hold", at(3, 11)),
        *(slot(f"miss-{n}", at(n, 8), department=f"门{n}") for n in (1, 2, 3)),
    )
    town.put(slot("after", at(9, 9), department="另"))
    client, desk = town.client("community-doctor", "centre"), town.client("hospital-clerk", "hospital")
    held = book(client, "hold", "late", hold=True).json()["id"]
    with later(town, now() + timedelta(minutes=16)):
        assert town.site.run(town.site.platform.bookings.tick())["lapsed"] == 1
    assert town.record("Appointment", held)["status"] == "cancelled"
    assert town.record("Slot", "hold")["status"] == "free"
    missed = [book(client, f"miss-{number}", "late").json()["id"] for number in (1, 2, 3)]
    with later(town, at(3, 11)):
        assert town.site.run(town.site.platform.bookings.tick())["missed"] >= 3
        refused = book(client, "after", "late")
        assert refused.status_code == 422
        assert "爽约" in refused.json()["issue"][0]["details"]["text"]
        assert move(client, missed[0], "excuse", reason="住院").status_code == 403
        assert move(desk, missed[0], "excuse", reason="当时住院").json()["status"] == "cancelled"
        assert book(client, "after", "late").status_code == 201, "two are not three"


def test_waiting_list_is_served(town: Town) -> None:
    town.put(slot("full", at(12, 9), schedule={"reference": "Schedule/schedule-county"}, hospital="county"))
    town.put(resident("first"), resident("waits"))
    client = town.client("community-doctor", "centre")
    taken = book(client, "full", "first").json()["id"]
    waiting = client.post("/Schedule/schedule-county/$wait", json=inputs(patient="waits"))
    assert waiting.status_code == 201, waiting.text
    assert client.post("/Schedule/schedule-county/$wait", json=inputs(patient="waits")).status_code == 409
    assert move(client, taken, "cancel", reason="不去了").status_code == 200
    town.site.run(town.site.platform.bookings.heed())
    offered = town.record("Appointment", waiting.json()["id"])
    assert (offered["status"], offered["slot"][0]["reference"]) == ("pending", "Slot/full")
    assert town.record("Slot", "full")["status"] == "busy", "the place is held"
    assert any("候补" in one for one in notices(town, offered["id"]))
    assert move(client, offered["id"], "confirm").json()["status"] == "booked"


def test_closed_and_changed(town: Town) -> None:
    """停诊: those who have booked are told and choose another slot; a change gives the place back."""
    town.put(slot("shut", at(14, 9)), slot("other", at(14, 10)), slot("third", at(15, 10)))
    client, desk = town.client("community-doctor", "centre"), town.client("hospital-clerk", "hospital")
    id_ = book(client, "shut", "r4").json()["id"]
    shut = town.record("Slot", "shut")
    assert client.put("/Slot/shut", json={**shut, "status": "busy-unavailable"}).status_code == 403
    assert desk.put("/Slot/shut", json={**shut, "status": "busy-unavailable"}).status_code == 200
    town.site.run(town.site.platform.bookings.heed())
    assert town.record("Appointment", id_)["status"] == "proposed"
    assert any("停诊" in one for one in notices(town, id_))
    town.site.run(town.site.platform.bookings.heed())
    assert len([one for one in notices(town, id_) if "停诊" in one]) == 2, "the resident and the centre, once"
    assert book(client, "shut", "r5").status_code == 409
    assert move(client, id_, "rebook", slot="Slot/other").json()["status"] == "booked"
    assert move(client, id_, "change", slot="Slot/third").status_code == 200
    assert [town.record("Slot", one)["status"] for one in ("other", "third")] == ["free", "busy"]
    smaller = town.record("Slot", "third")
    smaller["extension"] = [
        {**one, "valuePositiveInt": 1} if one["url"].endswith("capacity") else one
        for one in smaller["extension"]
    ]
    assert desk.put("/Slot/third", json=smaller).status_code == 200


def test_fewer_places_than_taken_is_refused(town: Town) -> None:
    town.put(slot("wide", at(16, 9), places=3))
    client, desk = town.client("community-doctor", "centre"), town.client("hospital-clerk", "hospital")
    for number in (1, 2):
        assert book(client, "wide", f"r{number}").status_code == 201
    shrunk = town.record("Slot", "wide")
    shrunk["extension"][1]["valuePositiveInt"] = 1
    assert desk.put("/Slot/wide", json=shrunk).status_code == 409


def template(
    service: str, pool: str, places: int, minutes: int = 60, hospital: str = "hospital"
) -> dict[str, Any]:
    """Return a Monday's template, 8 to 10."""
    return {
        "resourceType": "Basic", "id": f"template-{service}-{pool}",
        "code": {"coding": [{"system": code_system("record-kind"), "code": "slot-template"}]},
        "subject": {"reference": f"HealthcareService/{service}"}, "author": {"reference": f"Organization/{hospital}"},
        "extension": [
            {"url": structure("responsible-organisation"), "valueReference": {"reference": f"Organization/{hospital}"}},
            {"url": structure("weekday"), "valueInteger": 1}, {"url": structure("from"), "valueString": "08:00"},
            {"url": structure("until"), "valueString": "10:00"}, {"url": structure("minutes"), "valueInteger": minutes},
            {"url": structure("capacity"), "valuePositiveInt": places}, {"url": structure("reserved-for"), "valueCode": pool},
        ],
    }  # fmt: skip


def test_publishing_guards_share_and_length(town: Town) -> None:
    """R14: 60 % of a tertiary hospital's places are kept; R15: no slot longer than an hour."""
    town.put(
        department("service-far"),
        template("service-far", "public", 5),
        template("service-far", "referral", 5),
    )
    desk = town.client("hospital-clerk", "hospital")
    monday = at(70, 8).date() - timedelta(days=at(70, 8).weekday())
    asked = inputs(first=monday.isoformat(), last=(monday + timedelta(days=6)).isoformat(), holidays=True)

    def publish(client: httpx.Client = desk) -> httpx.Response:
        return client.post("/HealthcareService/service-far/$publish-slots", json=asked)

    assert publish(town.client("hospital-clerk", "county")).status_code == 403
    refused = publish()
    assert refused.status_code == 422, refused.text
    assert refused.status_code == 422
    assert "还缺 2 个" in refused.text, "ceil(60 % of 20) - 10"
    town.put(template("service-far", "referral", 8))
    made = publish()
    assert made.status_code == 200, made.text
    assert (
        len(
            town.found(
                "Slot", f"start=ge{monday.isoformat()}&start=lt{(monday + timedelta(days=7)).isoformat()}"
            )
        )
        == 4
    )
    again = {one["name"]: one.get("valueInteger") for one in publish().json()["parameter"]}
    assert (again["new"], again["stand"]) == (0, 4)
    town.put(template("service-far", "public", 5, minutes=90))
    next_week = inputs(
        first=(monday + timedelta(days=7)).isoformat(),
        last=(monday + timedelta(days=13)).isoformat(),
        holidays=True,
    )
    long = desk.post("/HealthcareService/service-far/$publish-slots", json=next_week)
    assert long.status_code == 422
    assert "60 分钟" in long.text


def test_shares_by_each_ambiguity(town: Town) -> None:
    """R14's open questions are parameters: the period, the scope, experts, and released slots."""
    platform = town.site.platform
    kind = next(one for one in platform.bookings.declarations if one.usual)
    day = at(30, 8).date()
    kept, plain = slot("x", at(30, 8), places=6, pool="referral"), slot("y", at(30, 9), places=4)
    freed = {
        **kept,
        "id": "z",
        "extension": [
            *kept["extension"],
            {"url": structure("released"), "valueInstant": "2026-01-01T00:00:00Z"},
        ],
    }
    expert = {
        **plain,
        "id": "e",
        "extension": [*plain["extension"], {"url": structure("expert"), "valueBoolean": True}],
    }

    def short(
        slots: list[dict[str, Any]], kinds: set[str], **changed: str
    ) -> list[tuple[str, int, int, int]]:
        table = Table({**STANDARD, **changed})
        found = share_findings(kind, kinds, slots, Figures(table, "990100", day), [day])  # type: ignore[arg-type]
        return [(one.scope, one.offered, one.kept, one.short) for one in found]

    assert short([kept, plain], {"tertiary-hospital"}) == [("", 10, 6, 0)]
    assert short([kept, plain, plain], {"tertiary-hospital"}) == [("", 14, 6, 3)], "ceil(8.4) - 6"
    assert short([kept, plain, plain], {"secondary-hospital"}) == [("", 14, 6, 1)]
    assert short([kept, plain], {"elder-institution"}) == []
    assert short([freed, plain], {"tertiary-hospital"}) == [("", 10, 6, 0)]
    assert short([freed, plain], {"tertiary-hospital"}, **{"reserved-share-released": "no"}) == [
        ("", 10, 0, 6)
    ]
    assert short([kept, plain, expert], {"tertiary-hospital"}, **{"reserved-share-experts": "out"}) == [
        ("", 10, 6, 0)
    ]
    other = {**plain, "specialty": [{"text": "外科"}]}
    assert short([kept, other], {"tertiary-hospital"}, **{"reserved-share-scope": "department"}) == [
        ("外科", 4, 0, 3), ("心血管内科", 6, 6, 0),
    ]  # fmt: skip
    tomorrow = slot("t", at(31, 9), places=4)
    assert short([kept, tomorrow], {"tertiary-hospital"}, **{"reserved-share-period": "day"}) == [
        ("", 6, 6, 0)
    ]


STANDARD = {
    "reserved-share-tertiary": 60, "reserved-share-secondary": 50, "reserved-share-period": "week",
    "reserved-share-scope": "institution", "reserved-share-experts": "in", "reserved-share-released": "yes",
}  # fmt: skip


class Table:
    """Parameters as a test sets them."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def value(self, name: str, *_: object) -> Any:
        """Return the value in force."""
        return self._values[name]
