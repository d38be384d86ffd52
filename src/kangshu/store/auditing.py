"""The audit: who did what to which record. Rows of reads are group-committed before the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from kangshu.access import Grant
from kangshu.base.clock import now
from kangshu.base.faults import Fault, Unavailable
from kangshu.store.connections import acquired

SYSTEM = "system"
_LONGEST_DETAIL = 2000
_LONGEST_NAME = 200
_MOST_ROWS = 5000


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act. `action` is a FHIR interaction; `outcome` "ok" or the code of the fault; `detail` the query."""

    at: datetime
    account: str
    action: str
    type: str
    id: str
    outcome: str
    purpose: str
    detail: str


def audit_row(
    grant: Grant, action: str, type: str = "", id: str = "", *, outcome: str = "ok", detail: str = ""
) -> AuditRow:
    """Return the row for an act of `grant` now. What no text can hold is replaced: a row must never be refused."""
    return AuditRow(
        now(), _clean(grant.account, _LONGEST_NAME), action, _clean(type, _LONGEST_NAME), _clean(id, _LONGEST_NAME),
        outcome, grant.purpose, _clean(detail, _LONGEST_DETAIL),
    )  # fmt: skip


def _clean(text: str, longest: int) -> str:
    return text[:longest].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class AuditWriter:
    """Appends rows; those that wait together are committed together, and sealed by one digest."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._waiting: list[tuple[Sequence[AuditRow], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, rows: Sequence[AuditRow]) -> None:
        """Return when `rows` are committed.

        Raises:
            Unavailable: they could not be written; the answer must not be given.
        """
        if not rows:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._drain())
        await done

    async def close(self) -> None:
        """Return when nothing waits any more."""
        while self._writing is not None and not self._writing.done():
            await asyncio.wait([self._writing])

    async def _drain(self) -> None:
        while self._waiting:
            batch: list[tuple[Sequence[AuditRow], asyncio.Future[None]]] = []
            size = 0
            while self._waiting and size < _MOST_ROWS:
                batch.append(self._waiting.pop(0))
                size += len(batch[-1][0])
            try:
                await self._append([row for rows, _ in batch for row in rows])
            except (Fault, OSError, asyncpg.PostgresError) as cause:
                fault = Unavailable(
                    f"the audit could not be written: {type(cause).__name__}",
                    zh="审计日志写入失败，请稍后重试",
                )
                for _, done in batch:
                    if not done.done():
                        done.set_exception(fault)
                continue
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    async def _append(self, rows: Sequence[AuditRow]) -> None:
        columns = [
            [row.at for row in rows], [row.account for row in rows], [row.action for row in rows],
            [row.type for row in rows], [row.id for row in rows], [row.outcome for row in rows],
            [row.purpose for row in rows], [row.detail for row in rows],
        ]  # fmt: skip
        async with acquired(self._pool) as connection:
            await connection.fetchval("select append_audit($1, $2, $3, $4, $5, $6, $7, $8)", *columns)

    async def seal(self) -> None:
        """Number and seal the rows that writes left; the background worker calls it now and then."""
        await self._append([])
