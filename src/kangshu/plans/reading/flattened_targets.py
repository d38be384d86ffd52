"""Tables of indicators that lost their cells: columns in a line, or one cell a line."""

from __future__ import annotations

import re
from collections.abc import Callable

from kangshu.documents import Cell, Table
from kangshu.plans.reading.flattened_tables import cells_in_line
from kangshu.plans.reading.lexicon import compiled
from kangshu.plans.reading.lines import Line, Lines
from kangshu.plans.reading.target_tables import figure_in_cell, goal_columns

Span = tuple[int, int]
_WIDEST = 9  # columns of a table of indicators


def flattened_target_tables(lines: Lines) -> list[Table]:
    """Return the tables of indicators of a plain text, with cells in folded offsets."""
    tables: list[Table] = []
    number = 0
    while number < len(lines.all):
        for read in (_columns_in_lines, _cells_in_lines):
            rows, following = read(lines, number)
            if len(rows) > 1:
                tables.append(_table(rows))
                number = following - 1
                break
        number += 1
    return tables


def _table(rows: list[list[Span]]) -> Table:
    cells = tuple(
        Cell(row, column, *span) for row, spans in enumerate(rows) for column, span in enumerate(spans)
    )
    return Table(rows[0][0][0], rows[-1][-1][1], cells)


def _words_in_line(text: str, line: Line) -> list[Span]:
    return [found.span() for found in re.compile(r"\S+").finditer(text, line.start, line.end)]


def _wide_gaps_in_line(text: str, line: Line) -> list[Span]:
    return cells_in_line(text, line.start, line.end)


def _columns_in_lines(lines: Lines, number: int) -> tuple[list[list[Span]], int]:
    """指标 单位 2020年 2025年 / 护理型床位占比 % 42 ≥55: divided by tabs or gaps, else by single spaces."""
    text = lines.text
    line = lines.all[number]
    if not _may_be_header(text[line.start : line.end]):
        return [], number
    splitters: tuple[Callable[[str, Line], list[Span]], ...] = (_wide_gaps_in_line, _words_in_line)
    for split in splitters:
        header = split(text, line)
        columns = (
            goal_columns([text[slice(*span)] for span in header]) if 3 <= len(header) <= _WIDEST else None
        )
        if columns is None:
            continue
        rows = [header]
        following, last = number + 1, number + 1
        while following < len(lines.all) and following - last <= 2:
            cells = split(text, lines.all[following])
            if len(cells) == len(header) - 1 and columns.indicator > 0:
                cells = [(cells[0][0], cells[0][0]), *cells]  # a merged first cell, such as the class
            if len(cells) == len(header):
                rows.append(cells)
                last = following + 1
            following += 1
        return rows, last
    return [], number


def _cells_in_lines(lines: Lines, number: int) -> tuple[list[list[Span]], int]:
    """One cell a line: a run of header lines, then rows of as many lines, whose goals are figures."""
    text = lines.text
    header: list[Span] = []
    following = number
    while following < len(lines.all) and len(header) < _WIDEST:
        line = lines.all[following]
        if not line.empty:
            if not compiled("tables", "indicator_header").fullmatch(text, line.start, line.end):
                break
            header.append((line.start, line.end))
        following += 1
    columns = goal_columns([text[slice(*span)] for span in header]) if len(header) >= 3 else None
    if columns is None:
        return [], number
    rows = [header]
    cells = [
        (line.start, line.end, at)
        for at, line in enumerate(lines.all[following:], following)
        if not line.empty
    ]
    for first in range(0, min(len(cells), 200 * len(header)), len(header)):
        row = cells[first : first + len(header)]
        spans = [(start, end) for start, end, _ in row]
        if len(row) < len(header) or not any(
            figure_in_cell(text[slice(*spans[goal])]) for goal in columns.goals
        ):
            break
        rows.append(spans)
        following = row[-1][2] + 1
    return rows, following


def _may_be_header(header: str) -> bool:
    return 6 <= len(header) <= 100 and not re.search(r"[。;,:]", header) and "标" in header
