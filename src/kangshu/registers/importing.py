"""What an Excel import says: which rows are wrong, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kangshu.base.faults import Issue
from kangshu.base.text import Text
from kangshu.registers.differences import RecordChange
from kangshu.registers.forms import check_values
from kangshu.sdk import RegisterDeclaration

Row = tuple[int, dict[str, Any]]
"""(Row number as Excel shows it, values by field id)."""


@dataclass(frozen=True, slots=True)
class RowError:
    """One wrong cell. `row` is the sheet's row number as Excel shows it; `column` the header, "" for the whole row."""

    row: int
    column: str
    text: Text


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of an import. With errors and without `partial`, nothing was written."""

    rows: int
    created: int
    updated: int
    errors: tuple[RowError, ...]
    changes: tuple[RecordChange, ...] = ()
    """What the rows did, or in a preview would do, to which records."""
    written: bool = False

    @property
    def accepted(self) -> bool:
        """Return whether every row was written."""
        return not self.errors


def sort_rows(register: RegisterDeclaration, rows: Sequence[Row]) -> tuple[list[Row], list[RowError]]:
    """Return the rows that are right and what is wrong with the others."""
    errors: list[RowError] = []
    right: list[Row] = []
    for number, values in rows:
        _, issues = check_values(register.form, values)
        errors.extend(row_error(register, number, issue) for issue in issues)
        if not issues:
            right.append((number, values))
    errors.extend(_repeated(register, right))
    wrong = {error.row for error in errors}
    return [row for row in right if row[0] not in wrong], errors


def row_error(register: RegisterDeclaration, number: int, issue: Issue) -> RowError:
    """Return an issue of a form as the error of a cell."""
    name = issue.expression[0] if issue.expression else ""
    field = next((one for one in register.form if one.id == name), None)
    return RowError(number, field.title.zh if field else "", Text(issue.zh or issue.text, issue.text))


def in_order(errors: Iterable[RowError]) -> tuple[RowError, ...]:
    """Return the errors from the first row on."""
    return tuple(sorted(errors, key=lambda one: one.row))


def _repeated(register: RegisterDeclaration, rows: Sequence[Row]) -> Iterator[RowError]:
    for unique in register.unique:
        seen: dict[tuple[Any, ...], int] = {}
        for number, values in rows:
            cleaned, _ = check_values(register.form, values)
            key = tuple(cleaned.get(name) for name in unique)
            if None in key:
                continue
            if key in seen:
                field = next(one for one in register.form if one.id == unique[0])
                zh = f"“{field.title.zh}”与第{seen[key]}行重复"
                yield RowError(
                    number, field.title.zh, Text(zh, f"'{field.title.en}' repeats row {seen[key]}")
                )
            seen.setdefault(key, number)
