"""What changed in a record, field by field, from its versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kangshu.base.text import Text
from kangshu.registers.forms import read_values
from kangshu.registers.rows import display, masked
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


def changes(fields: Sequence[Field], versions: Sequence[Stored], *, unmask: bool) -> tuple[FieldChange, ...]:
    """Return the changes between `versions` (oldest first), newest first; the first version is the start."""
    found: list[FieldChange] = []
    before: dict[str, Any] = {}
    for stored in versions:
        after = {} if stored.deleted else read_values(fields, stored.resource)
        for field in fields:
            old, new = before.get(field.id), after.get(field.id)
            if old != new:
                texts = _shown(field, old, unmask), _shown(field, new, unmask)
                found.append(
                    FieldChange(
                        stored.version, stored.last_updated, field.id, field.title, texts[0], texts[1]
                    )
                )
        before = after
    return tuple(reversed(found))


def _shown(field: Field, value: Any, unmask: bool) -> Text:
    text = display(field, value, {})
    if field.masked and not unmask and value is not None:
        return Text(masked(text.zh), masked(text.en))
    return text
