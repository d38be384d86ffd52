"""Speed of searches by the care relation: a centre with most residents of a district, a home with a few.

    python bench/care_bench.py --db postgresql://… [--residents 60000]

Fills an empty database, then prints the median of nine calls per search and account, in ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator

from kangshu.access import (
    ANY_TYPE,
    AllOf,
    AnyOf,
    Everything,
    Grant,
    InCare,
    LabelsWithin,
    OrganisationIn,
    care_rules,
    system_grant,
)
from kangshu.base.canonical import CASE_KIND
from kangshu.sdk import Resource
from kangshu.search import parse_criteria
from kangshu.store import Store

SYSTEM = system_grant("bench")
SEARCHES = (
    "Patient?_count=50",
    "Patient?_count=50&_sort=name",
    "Patient?_summary=count",
    "Patient?name=赵&_count=50",
    "Patient?birthdate=lt1940&_count=50&_total=accurate",
    "Observation?subject=Patient/p1",
    "Observation?code=http://loinc.org|8480-6&_sort=-date&_count=50",
    "Observation?_sort=-date&_count=50",
    "Observation?_summary=count",
    "Observation?subject:Patient.name=赵&_count=20",
    "Patient?_has:Observation:subject:code=4548-4&_count=20",
    "Patient?_revinclude=Observation:subject&_count=20",
)


def records(residents: int) -> Iterator[Resource]:
    """Yield residents (five sixths of one centre, 200 of a home), observations, referrals and refusals."""
    pick = random.Random(1)
    centre = residents * 5 // 6
    for n in range(residents):
        of = "centre" if n < centre else "home" if n < centre + 200 else f"other{n % 20}"
        name = {"family": pick.choice("赵钱孙李周吴郑王"), "given": [str(n % 997)]}
        born = f"19{pick.randint(30, 99)}-0{pick.randint(1, 9)}-1{pick.randint(0, 9)}"
        yield {"resourceType": "Patient", "id": f"p{n}", "name": [name], "birthDate": born,
               "managingOrganization": {"reference": f"Organization/{of}"}}  # fmt: skip
    for n in range(residents * 5 // 2):
        code = {"system": "http://loinc.org", "code": pick.choice(("8480-6", "2339-0", "4548-4"))}
        day = f"20{pick.randint(18, 26)}-0{pick.randint(1, 9)}-1{pick.randint(0, 9)}"
        yield {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": {"coding": [code]},
               "effectiveDateTime": day, "subject": {"reference": f"Patient/p{pick.randrange(residents)}"}}  # fmt: skip
    for n in range(residents // 20):
        someone = {"reference": f"Patient/p{pick.randrange(residents)}"}
        yield {"resourceType": "Task", "id": f"t{n}", "status": "in-progress", "intent": "order", "for": someone,
               "code": {"coding": [{"system": CASE_KIND, "code": "referral/referral"}]},
               "owner": {"reference": "Organization/hospital"}}  # fmt: skip
        if n % 10 == 0:
            refused = {"type": "deny", "actor": [{"reference": {"reference": "Organization/hospital"}}]}
            yield {"resourceType": "Consent", "id": f"c{n}", "status": "active", "patient": someone,
                   "provision": refused}  # fmt: skip


def account(organisation: str) -> Grant:
    """Return the grant of a doctor: what the organisation answers for, and who is in its care."""
    ids = frozenset({organisation})
    seen = AnyOf((OrganisationIn(ids), InCare(ids, frozenset(care_rules()), "TREAT")))
    rules = {ANY_TYPE: AllOf((seen, LabelsWithin(frozenset())))}
    return Grant(account=organisation, display="", read=rules, clear={ANY_TYPE: Everything()})


async def main() -> None:
    """Fill, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", required=True)
    parser.add_argument("--residents", type=int, default=60_000)
    options = parser.parse_args()
    async with await Store.open(options.db, pool=4) as store:
        if not await store.count(SYSTEM, parse_criteria("Patient", "_count=0")):
            await store.bulk_load(SYSTEM, records(options.residents))
            async with store.connection() as connection:
                await connection.execute("analyze")
        for organisation in ("centre", "home", "hospital"):
            grant = account(organisation)
            begin = time.perf_counter()
            await store.resolve_care(grant)
            print(
                json.dumps(
                    {"account": organisation, "resolve_ms": round((time.perf_counter() - begin) * 1000, 1)}
                )
            )
            for search in SEARCHES:
                kind, _, criteria = search.partition("?")
                query, times = parse_criteria(kind, criteria), []
                for _ in range(9):
                    begin = time.perf_counter()
                    await store.search(grant, query)
                    times.append((time.perf_counter() - begin) * 1000)
                row = {"account": organisation, "case": search, "p50_ms": round(statistics.median(times), 2)}
                print(json.dumps(row, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
