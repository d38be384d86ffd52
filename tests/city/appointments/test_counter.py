"""S09: bookings that come at the same time share a transaction; each keeps its own outcome, version, audit row and feed row."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import asyncpg
import httpx

from kangshu.base.faults import Conflict, Fault, Forbidden, NotFound, Unprocessable
from kangshu.store import Stored, create_all
from tests.city.appointments.conftest import SYSTEM, Town, at, inputs, resident, slot


def rows(town: Town, sql: str, *values: Any) -> list[Any]:
    """Return what a look into the database finds."""

    async def look() -> list[Any]:
        async with town.site.platform.store.connection() as connection:
            return list(await connection.fetch(sql, *values))

    return town.site.run(look())


def booked_and_counted(town: Town, ids: list[str]) -> dict[str, tuple[int, int]]:
    """Return of each slot how many appointments are in it, and how many places its counter says are taken."""
    counted = {
        row["id"]: row["taken"]
        for row in rows(
            town,
            "select r.id, c.taken from resource r join capacity c on c.key = r.key where r.id = any($1::text[])",
            ids,
        )
    }
    return {
        id_: (len(town.found("Appointment", f"slot=Slot/{id_}&status=booked,pending")), counted[id_])
        for id_ in ids
    }


def test_good_and_bad_at_once(town: Town) -> None:
    """Who is refused keeps nobody from a place: one over capacity, unknown, closed, twice, not visible, too late."""
    town.put(*(resident(f"mix-{number}") for number in range(40)))
    town.put(
        slot("mix-ten", at(3, 8), places=10, department="甲"),
        slot("mix-closed", at(3, 9), places=9, department="乙", status="busy-unavailable"),
        slot("mix-far", at(90, 9), places=9, department="丙"),
        slot("mix-elder", at(3, 10), places=9, pool="elder", department="丁"),
    )
    asks = [("mix-ten", f"mix-{number}") for number in range(15)]
    asks += [("mix-ten", "mix-0"), ("mix-ten", "nobody"), ("no-such-slot", "mix-20")]
    asks += [("mix-closed", "mix-21"), ("mix-far", "mix-22"), ("mix-elder", "mix-23"), ("mix-elder", "elder")]
    headers = town.client("community-doctor", "centre").headers
    stranger = town.client("community-doctor", "stranger").headers
    before = rows(town, "select coalesce(max(position), 0) as last from audit")[0]["last"]

    async def storm() -> list[tuple[str, str, int]]:
        async with httpx.AsyncClient(base_url=f"{town.site.address}/fhir", timeout=60) as client:

            async def one(where: str, who: str, as_: Any) -> tuple[str, str, int]:
                answer = await client.post(f"/Slot/{where}/$book", json=inputs(patient=who), headers=as_)
                return where, who, answer.status_code

            strange = [one("mix-ten", "mix-30", stranger)]
            return await asyncio.gather(*(one(where, who, headers) for where, who in asks), *strange)

    found = asyncio.run(storm())
    statuses = {(where, who): status for where, who, status in found if (where, who) != ("mix-ten", "mix-0")}
    ten = Counter(
        status for where, who, status in found if where == "mix-ten" and who != "nobody" and who != "mix-30"
    )
    assert ten[201] == 10, ten
    assert ten[409] + ten[422] == 6
    assert (
        statuses["mix-ten", "nobody"]
        == statuses["no-such-slot", "mix-20"]
        == statuses["mix-ten", "mix-30"]
        == 404
    )
    assert (statuses["mix-closed", "mix-21"], statuses["mix-far", "mix-22"]) == (409, 422)
    assert (statuses["mix-elder", "mix-23"], statuses["mix-elder", "elder"]) == (403, 201)
    assert booked_and_counted(town, ["mix-ten", "mix-elder"]) == {"mix-ten": (10, 10), "mix-elder": (1, 1)}
    town.site.run(town.site.platform.store.seal_audit())
    told = Counter(
        row["outcome"]
        for row in rows(
            town,
            "select outcome from audit where position > $1 and type = 'Appointment' and action = 'create'",
            before,
        )
    )
    assert told["ok"] == 11, "each that came through has its row"
    assert sum(told.values()) == len(found), "and each that was refused"
    accounts = {
        row["account"]
        for row in rows(
            town, "select account from resource where id = any($1::text[])", _ids(town, "mix-ten")
        )
    }
    assert accounts == {"community-doctor-centre"}
    fed = rows(
        town,
        "select r.id from resource r join (select key from feed union all select key from feed_pending) f on f.key = r.key "
        "where r.id = any($1::text[])",
        _ids(town, "mix-ten"),
    )
    assert len(fed) == 10, "one change of each in the feed"


def _ids(town: Town, slot_id: str) -> list[str]:
    return [one["id"] for one in town.found("Appointment", f"slot=Slot/{slot_id}")]


def test_any_mixture_keeps_the_rules(town: Town) -> None:
    """Random mixtures: no slot oversold, nobody refused for want of a place while one is left, counters agree."""
    chance = random.Random(20261122)  # the same mixtures in every run
    bookings = town.site.platform.bookings
    town.put(*(resident(f"any-{number}") for number in range(30)))
    for round_ in range(6):
        places = {f"any-{round_}-{number}": chance.choice((1, 2, 5)) for number in range(4)}
        town.put(
            *(
                slot(id_, at(5 + round_, 8 + number), places=many, department=id_)
                for number, (id_, many) in enumerate(places.items())
            )
        )
        if round_ % 2:  # slots that were loaded have no counter yet
            rows(
                town,
                "delete from capacity where key in (select key from resource where id = any($1))",
                list(places),
            )
        asks = [
            (chance.choice([*places, "none"]), f"any-{chance.randrange(30)}", chance.random() < 0.3)
            for _ in range(40)
        ]

        async def at_once(asks: list[tuple[str, str, bool]] = asks) -> list[Stored | BaseException]:
            made = (bookings.book(SYSTEM, where, who, hold=hold) for where, who, hold in asks)
            return await asyncio.gather(*made, return_exceptions=True)

        outcomes = town.site.run(at_once())
        assert {type(one) for one in outcomes} <= {Stored, Conflict, Unprocessable, NotFound, Forbidden}
        standing = booked_and_counted(town, list(places))
        for id_, many in places.items():
            came = [one for (where, _, _), one in zip(asks, outcomes, strict=True) if where == id_]
            through = sum(isinstance(one, Stored) for one in came)
            assert standing[id_] == (through, through)
            assert through <= many
            if any(isinstance(one, Conflict) for one in came):
                assert through == many, "refused for want of a place"
            assert town.record("Slot", id_)["status"] == ("busy" if through == many else "free")
        for (where, _, hold), one in zip(asks, outcomes, strict=True):
            if isinstance(one, Stored):
                assert one.resource["status"] == ("pending" if hold else "booked"), where


def test_one_whose_resident_is_held_keeps_nobody_waiting(town: Town) -> None:
    """A resident with whom somebody else is at work waits alone; the others of the batch come through meanwhile."""
    town.put(*(resident(f"wait-{number}") for number in range(6)), slot("wait", at(4, 8), places=6))
    bookings, store = town.site.platform.bookings, town.site.platform.store

    async def held() -> tuple[list[str], bool]:
        async with store.connection() as connection, connection.transaction():
            await connection.execute("select 1 from resource where type = $1 and id = 'wait-0' for update",
                                     store.catalogue.type("Patient"))  # fmt: skip
            asked = [
                asyncio.create_task(bookings.book(SYSTEM, "wait", f"wait-{number}")) for number in range(6)
            ]
            others = [(await one).id for one in asked[1:]]
            waits = not asked[0].done()
        await asked[0]
        return others, waits

    others, waited = town.site.run(held())
    assert len(others) == 5
    assert waited
    assert booked_and_counted(town, ["wait"]) == {"wait": (6, 6)}


def test_a_killed_worker_loses_nothing_acknowledged(town: Town) -> None:
    """Bookings by a process that is killed in the middle: what it was told is there; what it was not is whole or not there."""
    many, places = 150, 100
    town.put(*(resident(f"kill-{number}") for number in range(many)))
    town.put(
        *(
            slot(f"kill-{number}", at(6, 8 + number), places=places, department=str(number))
            for number in range(2)
        )
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.city.appointments.book_many", town.database, str(many)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    try:
        acknowledged = [worker.stdout.readline().strip() for _ in range(10)]
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(30)
    acknowledged += [line.strip() for line in worker.stdout if line.endswith("\n")]
    assert all(acknowledged)

    async def quiet() -> None:
        """Wait until the killed process's work has ended: what it had not committed is undone then."""
        connection = await asyncpg.connect(town.database)
        try:
            while await connection.fetchval(
                "select count(*) from pg_stat_activity where datname = current_database() and state <> 'idle' "
                "and pid <> pg_backend_pid()"
            ):
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    asyncio.run(quiet())
    kept = {one for number in range(2) for one in _ids(town, f"kill-{number}")}
    assert set(acknowledged) <= kept
    for id_, (booked, counted) in booked_and_counted(town, ["kill-0", "kill-1"]).items():
        assert booked == counted <= places, id_
    told = rows(
        town,
        "select id from (select id, action from audit union all select id, action from audit_pending) a "
        "where action = 'create' and id = any($1::text[])",
        list(kept),
    )
    assert {row["id"] for row in told} == kept, "no record without its audit row"


def test_a_fault_of_the_batch_is_nobodys(town: Town, monkeypatch: Any) -> None:
    """Where the one statement fails, each booking is done by itself."""
    town.put(*(resident(f"alone-{number}") for number in range(5)), slot("alone", at(4, 9), places=4))
    bookings = town.site.platform.bookings

    async def refuses_many(transaction: Any, entries: Any) -> Any:
        if len(entries) > 1:
            raise Conflict("not together", zh="不能一起")
        return await create_all(transaction, entries)

    monkeypatch.setattr("kangshu.bookings.counter.create_all", refuses_many)

    async def at_once() -> list[Stored | BaseException]:
        made = (bookings.book(SYSTEM, "alone", f"alone-{number}") for number in range(5))
        return await asyncio.gather(*made, return_exceptions=True)

    outcomes = town.site.run(at_once())
    assert sum(isinstance(one, Stored) for one in outcomes) == 4
    assert sum(isinstance(one, Fault) for one in outcomes) == 1
    assert booked_and_counted(town, ["alone"]) == {"alone": (4, 4)}
