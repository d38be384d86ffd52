"""Rows of a register list: values by FHIRPath, and how they are shown in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kangshu.base.text import Text
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import Column, Field, Option, Resource

POINTERS = frozenset({"organisation", "resident", "practitioner", "reference"})
_YES, _NO = Text("是", "yes"), Text("否", "no")
_HIDDEN = Text("无权查看", "not visible")
"""What stands for a resident whom the grant does not see: an id would tell nothing and be one more trace."""


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One record of a list. `values` are as the grant sees them (None: absent), `texts` as shown; both by column id."""

    id: str
    version: int
    values: Mapping[str, Any]
    texts: Mapping[str, Text]


def value_of(column: Column, resource: Resource) -> Any:
    """Return the column's value: the first of its FHIRPath, references as `Type/id`; None where absent."""
    found = compile_expression(column.value).evaluate(resource)
    if not found:
        return None
    value = found[0]
    if isinstance(value, dict):
        return value.get("reference") or value.get("code") or value.get("text")
    return value


def row_of(
    columns: Sequence[Column],
    resource: Resource,
    values: Mapping[str, Any],
    names: Mapping[str, str],
) -> RegisterRow:
    """Return the row of `resource` whose column `values` are known already."""
    texts = {column.id: display(column, values[column.id], names) for column in columns}
    version = int(resource.get("meta", {}).get("versionId", 0) or 0)
    return RegisterRow(resource["id"], version, values, texts)


def display(column: Column | Field, value: Any, names: Mapping[str, str]) -> Text:
    """Return how a value is shown: titles of choices, names of references, 是/否; empty for None."""
    if value is None:
        return Text("", "")
    if isinstance(column, Field) and column.kind == "table":
        return _rows(column, value, names)
    if isinstance(value, list):
        parts = [display(column, item, names) for item in value]
        return Text("、".join(part.zh for part in parts), ", ".join(part.en for part in parts))
    if isinstance(value, bool):
        return _YES if value else _NO
    if column.options:
        title = _title(column.options, str(value))
        if title is not None:
            return title
    text = str(value)
    if column.kind == "district":
        text = names.get(f"Location/division-{text}", text)
    elif column.kind == "resident" and text not in names:
        return _HIDDEN
    elif column.kind in POINTERS:
        text = names.get(text, text.partition("/")[2] or text)
    elif column.kind == "datetime":
        text = text[:16].replace("T", " ")
    elif column.kind == "date":
        text = text[:10]
    return Text(text, text)


def _rows(field: Field, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Text:
    """Return the rows of a table as one text: the cells of a row with blanks between, the rows with semicolons."""
    told = [[display(one, row.get(one.id), names) for one in field.columns if not one.hidden] for row in rows]
    return Text(
        "；".join(" ".join(cell.zh for cell in row if cell.zh) for row in told),
        "; ".join(" ".join(cell.en for cell in row if cell.en) for row in told),
    )


def _title(options: Sequence[Option], code: str) -> Text | None:
    return next((option.title for option in options if option.code == code), None)
