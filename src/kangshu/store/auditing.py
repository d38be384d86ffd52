"""The audit: who did what to which record. Rows of reads are group-committed before the answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import asyncpg

from kangshu.access import Grant, Scope
from kangshu.base.clock import now
from kangshu.base.faults import Fault, Unavailable
from kangshu.base.origin import address
from kangshu.store.connections import acquired
from kangshu.store.records import Stored

SYSTEM = "system"
_LONGEST_DETAIL = 2000
_LONGEST_NAME = 200
_LONGEST_REASON = 500
_MOST_ROWS = 5000
EMERGENCY: Final = "BTG"
"""The purpose (v3-PurposeOfUse) of what an emergency has opened: break the glass."""
_ID: Final = re.compile(r"[A-Za-z0-9\-.]+")
_SEPARATORS: Final = str.maketrans({"\0": "\ufffd", "\x1e": " ", "\x1f": " "})
"""Signs that no row holds: NUL cannot be stored, the others part rows and columns in the text that is sealed."""


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
    on_behalf_of: str = ""
    """The account for which a deputy acted."""
    app: str = ""
    """Client id of the application; "" for the product's own pages."""
    address: str = field(default_factory=address)
    """Network address of the client."""
    reason: str = ""
    """What the account gave as its reason."""
    residents: tuple[str, ...] = ()
    """Ids of the residents whose records were shown or written, where type and id do not tell it."""


def audit_row(
    grant: Grant, action: str, type: str = "", id: str = "", *, outcome: str = "ok", detail: str = "",
    reason: str = "", residents: Iterable[str] = (),
) -> AuditRow:  # fmt: skip
    """Return the row for an act of `grant` now. What no text can hold the writer replaces: no row is refused."""
    shown = tuple(_cut(one, _LONGEST_NAME).replace(",", " ") for one in residents)
    return AuditRow(
        now(), _cut(grant.account, _LONGEST_NAME), action, _cut(type, _LONGEST_NAME), _cut(id, _LONGEST_NAME),
        outcome, purpose_of(grant, type, id, shown), _cut(detail, _LONGEST_DETAIL),
        _cut(grant.on_behalf_of, _LONGEST_NAME), _cut(grant.app, _LONGEST_NAME),
        reason=_cut(reason, _LONGEST_REASON), residents=shown,
    )  # fmt: skip


def purpose_of(grant: Grant, type: str, id: str, residents: Iterable[str]) -> str:
    """Return the purpose that the audit tells: an emergency for the residents whom it has opened, else the grant's."""
    if grant.emergency and ((type == "Patient" and id in grant.emergency) or grant.emergency & {*residents}):
        return EMERGENCY
    return grant.purpose


def told_with_write(
    grant: Grant, action: str, type: str, id: str, scopes: Iterable[Scope]
) -> tuple[str | None, ...]:
    """Return what the row of a write tells besides type and id, in the order that `indexing.write_sql` takes it."""
    shown = Shown()
    shown.note_ids(scope.patient for scope in scopes)
    residents = shown.beside(type, id)
    return (
        grant.account, action, purpose_of(grant, type, id, residents), "", grant.on_behalf_of, grant.app, address(),
        ",".join(residents) or None,
    )  # fmt: skip


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest]


def _safe(text: str) -> str:
    if text.isprintable():
        return text
    return text.translate(_SEPARATORS).encode("utf-8", "replace").decode()


class Shown:
    """Collects whose records one call shows, for its row."""

    def __init__(self) -> None:
        self._residents: dict[str, None] = {}

    def note(self, records: Iterable[Stored]) -> None:
        """Take up the residents of `records`."""
        self.note_ids(record.scope.patient for record in records)

    def note_ids(self, residents: Iterable[str]) -> None:
        """Take up these residents; "" and what is no id (a resident elsewhere) are passed over."""
        self._residents.update((one, None) for one in residents if one and _ID.fullmatch(one))

    def beside(self, type: str, id: str) -> tuple[str, ...]:
        """Return the residents that `type` and `id` do not tell already."""
        return tuple(one for one in self._residents if type != "Patient" or one != id)


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
            fault: Unavailable | None = _unwritten("stopped")
            try:
                await self._append([row for rows, _ in batch for row in rows])
                fault = None
            except (
                Fault,
                OSError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,
            ) as cause:
                fault = _unwritten(type(cause).__name__)
            finally:
                # whatever happened, nobody waits for ever, and nobody is answered without a row
                for _, done in batch:
                    if done.done():
                        continue
                    if fault is None:
                        done.set_result(None)
                    else:
                        done.set_exception(fault)

    async def _append(self, rows: Sequence[AuditRow]) -> None:
        columns: list[list[Any]] = [[row.at for row in rows]]
        columns.extend([_safe(getattr(row, name)) for row in rows] for name in _TEXTS)
        columns.append([_safe(",".join(row.residents)) for row in rows])
        async with acquired(self._pool) as connection:
            await connection.fetchval(_APPEND, *columns)

    async def seal(self) -> None:
        """Number and seal the rows that writes left; the background worker calls it now and then."""
        await self._append([])


_TEXTS: Final = (
    "account", "action", "type", "id", "outcome", "purpose", "detail", "on_behalf_of", "app", "address", "reason",
)  # fmt: skip
_APPEND: Final = f"select append_audit({', '.join(f'${at}' for at in range(1, 14))})"


def _unwritten(why: str) -> Unavailable:
    return Unavailable(f"the audit could not be written: {why}", zh="审计日志写入失败，请稍后重试")
