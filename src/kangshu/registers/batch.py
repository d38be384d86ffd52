"""批量修改: one field of marked records is given one value; all of them change or none does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from kangshu.access import Grant, protected_at
from kangshu.base.faults import Conflict, Forbidden, NotFound, PreconditionFailed, Unprocessable
from kangshu.base.text import Text
from kangshu.registers.differences import RecordChange, record_changes, titles_of
from kangshu.registers.forms import check_values
from kangshu.registers.names import escaped
from kangshu.registers.saving import Saved, save_record
from kangshu.sdk import Field, RegisterDeclaration
from kangshu.search import parse_query
from kangshu.store import Store

_KINDS: Final = frozenset(
    {
        "text", "paragraph", "integer", "decimal", "date", "datetime", "choice", "boolean", "organisation",
        "practitioner", "district", "reference",
    }
)  # fmt: skip
_OF_A_RECORD = (Conflict, Forbidden, NotFound, PreconditionFailed, Unprocessable)


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One marked record. `change` is what becomes of it, None for a record that may not change; `refused` says why."""

    id: str
    version: int
    title: Text
    change: RecordChange | None
    refused: Text | None = None


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What a batch does. `done` tells whether it was written; without it nothing was."""

    field: Field
    rows: tuple[BatchRow, ...]
    done: bool

    @property
    def changing(self) -> tuple[BatchRow, ...]:
        """Return the rows that change."""
        return tuple(one for one in self.rows if one.change is not None and one.change.kind == "changed")


class _Undone(Exception):
    """Rolls a transaction back in which nothing is to stay."""


def batch_fields(register: RegisterDeclaration) -> tuple[Field, ...]:
    """Return the fields that several records may be given one value of: none that is unique, protected or a file."""
    single = {name for unique in register.unique for name in unique}
    return tuple(
        field
        for field in register.form
        if field.kind in _KINDS
        and not field.many
        and not field.check
        and field.id not in single
        and protected_at(register.resource_type, field.path) is None
    )


async def change_records(
    store: Store,
    grant: Grant,
    register: RegisterDeclaration,
    records: Mapping[str, int],
    field: Field,
    value: Any,
    *,
    write: bool,
) -> BatchReport:
    """Give `field` of the records (id → version, 0 for whichever stands) the value, or show what that would do.

    With `write`, one record that may not change leaves all as they are.

    Raises:
        Unprocessable: the value is none of this field.
    """
    _, issues = check_values([field], {field.id: value})
    if issues:
        raise Unprocessable("the value is not right", zh="填写的内容有误", issues=tuple(issues))
    saved: list[tuple[int, Saved]] = []
    refused: dict[str, Text] = {}
    try:
        async with store.transaction(grant) as transaction:
            for id_, version in records.items():
                try:
                    async with transaction.attempt():
                        done = await save_record(
                            transaction,
                            register,
                            {field.id: value},
                            id_,
                            version or None,
                            partial=True,
                            skip_same=True,
                        )
                        saved.append((0, done))
                except _OF_A_RECORD as fault:
                    issue = fault.issues[0]
                    refused[id_] = Text(issue.zh or issue.text, issue.text)
            if refused or not write:
                await transaction.close()
                raise _Undone
    except _Undone:
        pass
    told = {one.id: one for one in await record_changes(store, grant, register, saved)}
    before = {each.after.id: each.before.version for _, each in saved if each.before is not None}
    titles = {id_: one.title for id_, one in told.items()}
    if refused:
        pairs = [*parse_qsl(register.criteria), ("_id", ",".join(map(escaped, refused)))]
        query = parse_query(register.resource_type, pairs)
        standing = await store.search_all(grant, register.resource_type, query)
        titles |= await titles_of(store, grant, register, standing)
    rows = tuple(
        BatchRow(
            id_, before.get(id_, version), titles.get(id_, Text(id_, id_)), told.get(id_), refused.get(id_)
        )
        for id_, version in records.items()
    )
    return BatchReport(field, rows, write and not refused)
