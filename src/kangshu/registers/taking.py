"""Rows of a filled-in workbook are taken into a register: all or none, or only shown what they would do."""

from __future__ import annotations

from collections.abc import Sequence

from kangshu.access import Grant
from kangshu.base.faults import Conflict, Fault, Forbidden, NotFound, PreconditionFailed, Unprocessable
from kangshu.registers.differences import record_changes
from kangshu.registers.importing import ImportReport, Row, RowError, in_order, row_error, sort_rows
from kangshu.registers.saving import Saved, same_record, save_record
from kangshu.sdk import RegisterDeclaration
from kangshu.store import Store

_OF_A_ROW = (Unprocessable, Conflict, Forbidden, NotFound, PreconditionFailed)
"""Faults that speak of one row; others end the whole."""


class _Undone(Exception):
    """Rolls a transaction back in which nothing is to stay."""


async def take_rows(
    store: Store,
    grant: Grant,
    register: RegisterDeclaration,
    rows: Sequence[Row],
    *,
    partial: bool,
    preview: bool,
) -> ImportReport:
    """Write the rows and return what happened, row by row.

    A row whose unique fields are those of a record changes that record. With a wrong row nothing is written, unless
    `partial`: then the right rows are. With `preview` nothing is written in any case: the report says what would be.
    """
    right, errors = sort_rows(register, rows)
    if partial and not preview:
        _, wrong = await _write(store, grant, register, right, keep=False)
        errors.extend(wrong)
        refused = {one.row for one in wrong}
        right = [row for row in right if row[0] not in refused]
    keep = not preview and (partial or not errors)
    saved, wrong = await _write(store, grant, register, right, keep=keep)
    errors.extend(wrong)
    written = keep and not wrong
    told = await record_changes(store, grant, register, saved)
    return ImportReport(
        len(rows),
        sum(one.kind == "new" for one in told) if written or preview else 0,
        sum(one.kind == "changed" for one in told) if written or preview else 0,
        in_order(errors),
        told if written or preview else (),
        written,
    )


async def _write(
    store: Store, grant: Grant, register: RegisterDeclaration, rows: Sequence[Row], *, keep: bool
) -> tuple[list[tuple[int, Saved]], list[RowError]]:
    """Write rows in one transaction and return what was saved and what is wrong; with an error, or without `keep`, none."""
    saved: list[tuple[int, Saved]] = []
    errors: list[RowError] = []
    try:
        async with store.transaction(grant) as transaction:
            for number, values in rows:
                try:
                    async with transaction.attempt():
                        known = await same_record(transaction, grant, register, values)
                        done = await save_record(
                            transaction, register, values, known, partial=known is not None, skip_same=True
                        )
                        saved.append((number, done))
                except _OF_A_ROW as fault:
                    errors.extend(row_error(register, number, issue) for issue in fault.issues)
            if errors or not keep:
                await transaction.close()
                raise _Undone
    except _Undone:
        pass
    except Fault as fault:
        errors.extend(row_error(register, 0, issue) for issue in fault.issues)
    return saved, errors
