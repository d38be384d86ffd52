"""The job queue: work that waits in the same database, claimed with SKIP LOCKED, kept until it is done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from kangshu.store.connections import Connection
from kangshu.store.records import Job

LEASE_SECONDS: Final = 300
"""A claim that is neither finished nor failed within this time is offered again: its worker died."""
MOST_ATTEMPTS: Final = 8


async def enqueue(
    connection: Connection, kind: str, payload: dict[str, Any], run_after: datetime | None, unique: str | None
) -> int | None:
    """Add a job and return its number; None when one of the same kind and `unique` waits already."""
    number: int | None = await connection.fetchval(
        """insert into job (kind, payload, run_after, unique_value) values ($1, $2, coalesce($3, now()), $4)
        on conflict do nothing returning job""",
        kind,
        msgspec.json.encode(payload).decode(),
        run_after,
        unique,
    )
    return number


async def claim(connection: Connection, kinds: Sequence[str]) -> Job | None:
    """Return the oldest job of `kinds` that is due, now claimed; None when there is none."""
    row = await connection.fetchrow(
        """update job set attempts = attempts + 1, claimed_until = now() + make_interval(secs => $2)
        where job = (
            select job from job where not failed and kind = any($1::text[]) and run_after <= now()
                and (claimed_until is null or claimed_until < now())
            order by run_after, job limit 1 for update skip locked
        ) returning job, kind, payload, attempts""",
        list(kinds),
        float(LEASE_SECONDS),
    )
    return (
        None
        if row is None
        else Job(row["job"], row["kind"], msgspec.json.decode(row["payload"]), row["attempts"])
    )


async def finish(connection: Connection, job: Job) -> None:
    """Remove a job that is done."""
    await connection.execute("delete from job where job = $1 and attempts = $2", job.id, job.attempts)


async def fail(connection: Connection, job: Job, fault: str) -> None:
    """Offer a job again after a growing pause; after eight attempts it stays as failed, with the reason."""
    await connection.execute(
        """update job set claimed_until = null, fault = $3, failed = attempts >= $4,
            run_after = now() + make_interval(secs => least(3600, power(2, attempts)))
        where job = $1 and attempts = $2""",
        job.id,
        job.attempts,
        fault[:500],
        MOST_ATTEMPTS,
    )
