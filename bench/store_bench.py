"""Speed of the store, with audit, feed and grant on.

    python bench/store_bench.py --db postgresql://… [--load FOLDER] [--seconds 5] [--clients 16]

Loads the folder when the database is empty, then measures single reads, creates and searches, and prints one line each.
The account is an ordinary one: each call is in the audit, committed, before it answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from kangshu.access import ANY_TYPE, Everything, Grant, NoPatient, PatientIn, system_grant
from kangshu.search import extract, parse_criteria
from kangshu.store import Store

SYSTEM = system_grant("bench")
CLERK = Grant(account="clerk", display="", read={ANY_TYPE: Everything()}, write={ANY_TYPE: Everything()})

Work = Callable[[], Awaitable[Any]]


async def rate(name: str, seconds: float, clients: int, work: Work) -> None:
    """Run `work` from `clients` tasks for `seconds`, print calls per second and latencies."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        while (begin := time.perf_counter()) < end:
            await work()
            times.append(time.perf_counter() - begin)

    await asyncio.gather(*(client() for _ in range(clients)))
    times.sort()
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    figures = {"case": name, "clients": clients, "per_second": round(len(times) / seconds)}
    print(json.dumps({**figures, "p50_ms": round(p50 * 1000, 2), "p99_ms": round(p99 * 1000, 2)}), flush=True)


async def main() -> None:
    """Run every case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", required=True)
    parser.add_argument("--load", type=Path)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    async with await Store.open(options.db, pool=8) as store:
        if options.load and not await store.count(SYSTEM, parse_criteria("Patient", "_count=0")):
            report = await store.load_files(SYSTEM, [options.load])
            print(
                json.dumps(
                    {"case": "load", "resources": report.resources, "per_second": round(report.per_second)}
                )
            )
        await measure(store, options.seconds, options.clients)


async def measure(store: Store, seconds: float, clients: int) -> None:
    """Measure one loaded store."""
    async with store.connection() as connection:
        await connection.execute("analyze")
    patients = [one.id for one in await store.find_all(SYSTEM, "Patient", "")]
    page = await store.search(SYSTEM, parse_criteria("Observation", "_count=1000"))
    observations = [one.resource for one in page.entries]
    ids = [one["id"] for one in observations]
    begin = time.perf_counter()
    for one in observations * 5:
        extract(one)
    print(
        json.dumps({"case": "extract Observation", "per_second": round(5000 / (time.perf_counter() - begin))})
    )
    pick = random.Random(1)

    def asks(text: str, grant: Grant = CLERK) -> Work:
        async def work() -> None:
            kind, _, criteria = text.format(patient=pick.choice(patients)).partition("?")
            await store.search(grant, parse_criteria(kind, criteria))

        return work

    some = frozenset(pick.sample(patients, 20))
    ward = Grant(account="ward", display="", read={ANY_TYPE: PatientIn(some), "Organization": NoPatient()})
    for count in (1, clients):
        await rate("read", seconds, count, lambda: store.read(CLERK, "Observation", pick.choice(ids)))
        await rate(
            "create Observation", seconds, count, lambda: store.create(CLERK, pick.choice(observations))
        )
    for text in (
        "Observation?patient={patient}&code=http://loinc.org|8302-2&_sort=-date&_count=20",
        "Observation?code=http://loinc.org|8302-2&_count=20",
        "Observation?code=http://loinc.org|8302-2&_sort=-date&_count=20",
        "Observation?combo-code-value-quantity=http://loinc.org|8480-6$gt150&_count=20&_include=Observation:subject",
        "Observation?date=ge2020&_summary=count",
        "Patient?name=a&_count=20",
        "Patient?_has:Condition:patient:code=44054006&_count=20",
        "Encounter?subject:Patient.birthdate=lt1950&_count=20&_total=accurate",
        "Observation?_count=50",
    ):
        await rate(text, seconds / 2, clients, asks(text))
    await rate("ward: Observation?code&_sort=-date", seconds / 2, clients,
               asks("Observation?code=http://loinc.org|8302-2&_sort=-date&_count=20", ward))  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
