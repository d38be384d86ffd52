"""What a write has changed in a record's form fields, as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kangshu.access import Grant
from kangshu.base.text import Text
from kangshu.registers.changes import changes, references_in
from kangshu.registers.names import name_of, names_of
from kangshu.registers.rows import display, value_of
from kangshu.registers.saving import Saved
from kangshu.sdk import RegisterDeclaration, Resource
from kangshu.store import Store


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what it said and what it says."""

    title: Text
    before: Text
    after: Text


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What a write does to one record. `row` is the sheet's row number as Excel shows it, 0 where there is no sheet."""

    row: int
    id: str
    kind: Literal["new", "changed", "same"]
    title: Text
    """What the list's first column says of it."""
    differences: tuple[Difference, ...]


async def record_changes(
    store: Store, grant: Grant, register: RegisterDeclaration, saved: Sequence[tuple[int, Saved]]
) -> tuple[RecordChange, ...]:
    """Return what each write changed; of a new record its fields have no `before`."""
    titles = await titles_of(store, grant, register, [each.after.resource for _, each in saved])
    versions = [one for _, each in saved for one in (each.before, each.after) if one is not None]
    names = await names_of(store, grant, references_in(register.form, versions))
    found = []
    for row, each in saved:
        pair = [each.after] if each.before is None else [each.before, each.after]
        # the changes come newest first: those of the second version, or of the only one
        told = [one for one in changes(register.form, pair, names) if one.version == each.after.version]
        found.append(
            RecordChange(
                row,
                each.after.id,
                "new" if each.before is None else "changed" if each.changed else "same",
                titles[each.after.id],
                tuple(Difference(one.title, one.before, one.after) for one in reversed(told))
                if each.changed
                else (),
            )
        )
    return tuple(found)


async def titles_of(
    store: Store, grant: Grant, register: RegisterDeclaration, resources: Sequence[Resource]
) -> dict[str, Text]:
    """Return what the list's first column says of each record, by id; its name where that is empty."""
    first = register.columns[0]
    heads = {one["id"]: value_of(first, one) for one in resources}
    names = await names_of(store, grant, {str(one) for one in heads.values() if one and "/" in str(one)})
    shown = {one["id"]: display(first, heads[one["id"]], names) for one in resources}
    return {
        one["id"]: shown[one["id"]] if shown[one["id"]].zh else Text(name_of(one), name_of(one))
        for one in resources
    }
