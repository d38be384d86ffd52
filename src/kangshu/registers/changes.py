"""What changed in a record, field by field, from its versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kangshu.base.text import Text
from kangshu.registers.forms import pointed, read_values
from kangshu.registers.rows import display
from kangshu.sdk import Field
from kangshu.store import Stored


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that one version changed; `before` is empty for a new value, `after` for a cleared one."""

    version: int
    when: datetime
    field: str
    title: Text
    before: Text
    after: Text
    account: str = ""
    """Who changed it; "" for what was loaded in bulk."""


def references_in(fields: Sequence[Field], versions: Sequence[Stored]) -> set[str]:
    """Return every reference (`Type/id`) that the fields have held; a division stands for its Location."""
    found: set[str] = set()
    for stored in versions:
        values = {} if stored.deleted else read_values(fields, stored.resource)
        for field in fields:
            value = values.get(field.id)
            found.update(pointed(field, value))
            if value and field.kind == "district":
                found.update(
                    f"Location/division-{one}" for one in (value if isinstance(value, list) else [value])
                )
    return found


def changes(
    fields: Sequence[Field], versions: Sequence[Stored], names: Mapping[str, str]
) -> tuple[FieldChange, ...]:
    """Return the changes between `versions` (oldest first), newest first; the first version is the start.

    `names` are of what the fields point to, by reference.
    """
    found: list[FieldChange] = []
    before: dict[str, Any] = {}
    for stored in versions:
        after = {} if stored.deleted else read_values(fields, stored.resource)
        for field in fields:
            old, new = before.get(field.id), after.get(field.id)
            if old != new:
                texts = display(field, old, names), display(field, new, names)
                found.append(
                    FieldChange(
                        stored.version, stored.last_updated, field.id, field.title, *texts, stored.account
                    )
                )
        before = after
    return tuple(reversed(found))
