"""Seconds that the check of the audit's chain takes, and the size of a row.

    python bench/audit_bench.py --db URL [--rows 1000000] [--batch 20] [--residents 0]

Fills the audit of the empty database at URL through the writer (`--batch` rows sealed at a time, `--residents` told in
each), checks the chain, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time

from kangshu.access import Grant
from kangshu.store import Store, audit_row


async def measure(url: str, rows: int, batch: int, residents: int) -> dict[str, float]:
    """Return the figures."""
    grant = Grant(account="doctor", display="")
    async with await Store.open(url, pool=2) as store:
        begun = time.perf_counter()
        for start in range(0, rows, batch):
            await store.write_audit(
                [
                    audit_row(
                        grant, "search-type" if residents else "read", "Patient", "" if residents else f"{at:026d}",
                        detail="name=x" if residents else "", residents=[f"{at + n:026d}" for n in range(residents)],
                    )
                    for at in range(start, min(start + batch, rows))
                ]
            )  # fmt: skip
        written = time.perf_counter() - begun
        begun = time.perf_counter()
        report = await store.check_audit()
        checked = time.perf_counter() - begun
        assert report.holds, report.breaks
        async with store.connection() as connection:
            heap, total = await connection.fetchrow(
                "select pg_table_size('audit'), pg_total_relation_size('audit')"
            )
    return {
        "rows": report.rows, "batches": report.batches, "residents": residents, "written_s": round(written, 1),
        "rows_per_s": round(rows / written), "check_s": round(checked, 2), "heap_bytes_per_row": round(heap / rows),
        "bytes_per_row_with_indexes": round(total / rows),
    }  # fmt: skip


def main() -> None:
    """Run the measurement."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--db", required=True)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--batch", type=int, default=20)
    options.add_argument("--residents", type=int, default=0)
    given = options.parse_args()
    print(json.dumps(asyncio.run(measure(given.db, given.rows, given.batch, given.residents))))


if __name__ == "__main__":
    main()
