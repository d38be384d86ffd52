"""Task tables of a document: columns of work and of units, merged cells inherited."""

from __future__ import annotations

import re
from functools import cache

from kangshu.documents import Table
from kangshu.plans.reading.brackets import Note
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import tables as grammar
from kangshu.plans.reading.lexicon import words
from kangshu.plans.reading.units import Assignment, Role, read_units

Row = tuple[int, int, Note]  # clause start, clause end, note


@cache
def _role_columns() -> tuple[tuple[re.Pattern[str], Role], ...]:
    # 配合单位 before 责任单位: 协同责任单位 is cooperating
    keys: tuple[tuple[str, Role], ...] = (
        ("cooperate_column", "cooperate"),
        ("lead_column", "lead"),
        ("answer_column", ""),
    )
    return tuple((re.compile(words("tables", key)), role) for key, role in keys)


def column_role(header: str) -> Role | None:
    """Return the role that a column's header gives its units, None for other columns."""
    header = re.sub(r"\s+", "", header)
    if len(header) > 24:
        return None
    for pattern, role in _role_columns():
        if pattern.search(header):
            return role
    return None


def role_columns(headers: list[str]) -> dict[int, Role]:
    """Return the columns that name units, with their roles; sections of a unit (责任科室) only where nothing else does."""
    found = {
        column: role for column, header in enumerate(headers) if (role := column_role(header)) is not None
    }
    units = {column: role for column, role in found.items() if "科室" not in headers[column]}
    return units or found


def content_column(headers: list[str]) -> int | None:
    """Return the column that holds the work itself, by its header."""
    compact = [re.sub(r"\s+", "", header) for header in headers]
    for names in grammar()["tables"]["content_column"]:
        for number, header in enumerate(compact):
            if header and len(header) < 16 and column_role(header) is None and re.search(names, header):
                return number
    return None


def table_tasks(folded: Folded, table: Table) -> list[Row]:
    """Return the task rows of a real table; merged cells are inherited by the rows they cover."""
    grid = table.grid()
    text = folded.text
    header_rows = 0
    for header_rows, row in enumerate(grid[:8], start=1):  # noqa: B007 - used behind the loop
        headers = [text[cell.start : cell.end] if cell else "" for cell in row]
        roles = role_columns(headers)
        content = content_column(headers)
        if roles and content is not None:
            break
    else:
        return []
    rows: list[Row] = []
    seen: set[tuple[int, int]] = set()
    for cells in grid[header_rows:]:
        work = cells[content]
        if work is None or not text[work.start : work.end].strip():
            continue
        assignment = Assignment(marked=True)
        units_at: list[tuple[int, int]] = []
        for column, role in roles.items():
            cell = cells[column]
            if cell is None or not text[cell.start : cell.end].strip():
                continue
            read = read_units(text[cell.start : cell.end])
            assignment.states_rule = assignment.states_rule or read.states_rule
            assignment.units.extend((stated or role, unit) for stated, unit in read.units)
            units_at.append((cell.start, cell.end))
        key = (work.start, units_at[0][0] if units_at else -1)
        if (
            not assignment.units
            or key in seen
            or column_role(text[units_at[0][0] : units_at[0][1]]) is not None
        ):
            continue
        seen.add(key)
        start = work.start + len(text[work.start : work.end]) - len(text[work.start : work.end].lstrip())
        labelled = re.compile(
            r"(?:\(?\d{1,2}\)?[.、)]|\([一二三四五六七八九十]{1,3}\)|[一二三四五六七八九十]{1,3}、)\s*"
        ).match(text, start)
        rows.append(
            (
                labelled.end() if labelled else start,
                work.end,
                Note(units_at[0][0], units_at[-1][1], assignment),
            )
        )
    return rows
