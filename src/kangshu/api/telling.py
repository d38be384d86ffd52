"""Acts that are no call of the store, and refusals before one: their rows in the audit."""

from __future__ import annotations

from collections.abc import Iterable

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.base.faults import Conflict, Fault, Forbidden, NotFound, PreconditionFailed
from kangshu.store import audit_row

_REFUSALS = (Forbidden, NotFound, Conflict, PreconditionFailed)


async def tell(
    platform: Platform, grant: Grant, action: str, type: str = "", id: str = "", detail: str = ""
) -> None:
    """Write to the audit, before it is answered, that `grant` did `action`: a measure computed, a file exported."""
    await platform.store.write_audit([audit_row(grant, action, type, id, detail=detail)])


async def tell_each(
    platform: Platform, grant: Grant, action: str, type: str, ids: Iterable[str], detail: str = ""
) -> None:
    """Write to the audit, before it is answered, that `grant` did `action` to each of `ids`: a row for each."""
    await platform.store.write_audit([audit_row(grant, action, type, id, detail=detail) for id in ids])


async def tell_refused(
    platform: Platform,
    grant: Grant,
    fault: Fault,
    action: str,
    type: str = "",
    id: str = "",
    detail: str = "",
) -> None:
    """Write to the audit that `grant` was refused `action`, unless `fault` stands there already or is no refusal."""
    if isinstance(fault, _REFUSALS) and not fault.audited:
        row = audit_row(grant, action, type, id, outcome=fault.code, detail=detail)
        await platform.store.write_audit([row])
        fault.audited = True
