"""A version of a record made ready: its row, its index rows, and what the audit is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kangshu.access import Grant, Scope
from kangshu.base.clock import now
from kangshu.fhir import render
from kangshu.sdk import Resource
from kangshu.search import extract
from kangshu.store.auditing import told_with_write
from kangshu.store.bodies import stamped
from kangshu.store.indexing import Rows, rows_of, systems_in
from kangshu.store.records import Stored
from kangshu.store.relations import CARE_TYPES, SILENT, Told, told_by

if TYPE_CHECKING:
    from kangshu.store.store import Store

CREATE: Final = 0
UPDATE: Final = 1
DELETE: Final = 2


@dataclass(frozen=True, slots=True)
class Version:
    """What is to be written in place of `current` (None for a new record); `stored` has its key when it is."""

    stored: Stored
    current: Stored | None
    record: tuple[Any, ...]
    """In the order of `indexing.RECORD`."""
    change: int
    told: tuple[str | None, ...]
    """In the order of `indexing.TOLD`."""
    rows: Rows


async def prepared(
    store: Store,
    grant: Grant,
    type: str,
    id: str,
    body: Resource | None,
    current: Stored | None,
    scope: Scope,
    origin: int,
    action: str,
) -> Version:
    """Return the version that has `body`, or none where it is a deletion; `origin` tells from where its division is."""
    number = 1 if current is None else current.version + 1
    moment = now()
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    text, rows = b"", Rows()
    if body is not None:
        body = stamped(body, number, moment)
        text = render(body)
        entries = extract(body)
        await store.number_systems(systems_in(entries))
        rows = rows_of(type, entries, store.catalogue)
    fresh = current is None or current.deleted
    return Version(
        stored=Stored(type, id, number, moment, scope, body is None, text, 0, grant.account),
        current=current,
        record=(
            store.catalogue.type(type), id, number, body is None, moment, scope.district, origin,
            list(scope.organisations), scope.patient, list(scope.labels), store.codec.current,
            store.codec.pack(text) if text else b"",
        ),
        change=DELETE if body is None else CREATE if fresh else UPDATE,
        told=told_with_write(grant, action, type, id, (scope, current.scope) if current else (scope,)),
        rows=rows,
    )  # fmt: skip


def said_by(current: Stored | None) -> Told:
    """Return what the version that stands says of care."""
    if current is None or current.deleted or current.type not in CARE_TYPES:
        return SILENT
    return told_by(current.resource, current.type, current.scope.patient)
