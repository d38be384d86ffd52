"""What a form's values point to, and which records may be chosen for a field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from kangshu.cases.records import names_of
from kangshu.cases.substitution import substitute
from kangshu.registers import points
from kangshu.sdk import Field, Resource


def pointers(fields: Iterable[Field], form: Mapping[str, Any]) -> Iterator[tuple[Field, str, str]]:
    """Yield what a form's values point to: the field or column, the reference, and its place in the form."""
    for field in fields:
        if field.kind == "table":
            for number, row in enumerate(form.get(field.id) or ()):
                for column, reference, _ in pointers(field.columns, row):
                    yield column, reference, f"{field.id}.{number}.{column.id}"
        elif points(field) and (value := form.get(field.id)) is not None:
            for reference in value if isinstance(value, list) else [value]:
                yield field, reference, field.id


def criteria_of(
    field: Field, task: Resource, form: Mapping[str, Any], carriers: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return the search criteria of a reference field with its ${names} filled; ${carries.duty} is the kind of duties."""
    return str(substitute(field.criteria, names_of(task, form, carriers)) or "")
