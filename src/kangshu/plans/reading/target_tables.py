"""Targets in tables of indicators: 指标 | 单位 | 2020年 | 2025年目标."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from kangshu.documents import Cell, Table
from kangshu.plans.reading.deadlines import Deadlines
from kangshu.plans.reading.figures import Figure, comparator_after, comparator_before, figures_in
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.lexicon import words
from kangshu.plans.reading.model import Anchor, TargetFinding
from kangshu.plans.reading.table_tasks import column_role

_YEAR = re.compile(r"(20\d\d|20xx|xxxx)")
_UNIT_IN_NAME = re.compile(r"\(([^()\d]{1,8})\)\s*$")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a table of indicators has its names, its units of measure and its goals."""

    indicator: int
    unit: int | None
    goals: dict[int, str | None]  # column → year of its header


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    keys = ("indicator_column", "unit_column", "goal_column", "base_column")
    return tuple(re.compile(words("tables", key)) for key in keys)


def table_targets(folded: Folded, table: Table, deadlines: Deadlines) -> list[TargetFinding]:
    """Return the targets of a table of indicators; none when its header names no indicators and goals."""
    grid = table.grid()
    text = folded.text
    for first in range(min(8, len(grid))):
        for height in range(1, min(4, len(grid) - first)):
            columns = goal_columns(_headers(text, grid[first : first + height]))
            if columns is not None:
                return _rows(folded, grid[first + height :], columns, deadlines)
    return []


def _headers(text: str, rows: list[list[Cell | None]]) -> list[str]:
    """Return the header of each column; cells above each other are joined, merged ones named once."""
    return [
        " ".join(dict.fromkeys(text[cell.start : cell.end].strip() for row in rows if (cell := row[column])))
        for column in range(len(rows[0]))
    ]


def goal_columns(headers: list[str]) -> Columns | None:
    """Return the columns of a table of indicators by its headers, None when it names no indicators and goals."""
    indicator_pattern, unit_pattern, goal_pattern, base_pattern = _patterns()
    compact = [re.sub(r"\s", "", header) for header in headers]
    named = [
        place
        for place, header in enumerate(compact)
        if indicator_pattern.search(header) and not _YEAR.search(header)
    ]
    indicator = next((place for place in named if "值" not in compact[place]), None)
    if indicator is None:
        return None
    unit = next((place for place, header in enumerate(compact) if unit_pattern.search(header)), None)
    goals = {
        place: found.group() if (found := _YEAR.search(header)) else None
        for place, header in enumerate(compact)
        if place not in (indicator, unit)
        and goal_pattern.search(header)
        and not base_pattern.search(header)
        and column_role(header) is None
        and len(header) <= 24
    }
    plain_years = [place for place in goals if re.fullmatch(r"20\d\d年?", compact[place])]
    if plain_years and len(plain_years) < len(goals) and any("标" in compact[place] for place in goals):
        goals = {
            place: year for place, year in goals.items() if place not in plain_years
        }  # 2022年 | 2025年目标值
    elif len(plain_years) > 1 and len(plain_years) == len(goals):
        del goals[min(plain_years, key=lambda place: goals[place] or "")]  # the earliest year is the base
    return Columns(indicator, unit, goals) if goals else None


def _rows(
    folded: Folded, rows: list[list[Cell | None]], columns: Columns, deadlines: Deadlines
) -> list[TargetFinding]:
    text = folded.text
    findings: list[TargetFinding] = []
    seen: set[int] = set()
    for row in rows:
        name_cell = row[columns.indicator]
        if name_cell is None or not text[name_cell.start : name_cell.end].strip():
            continue
        unit_cell = row[columns.unit] if columns.unit is not None else None
        column_unit = text[unit_cell.start : unit_cell.end].strip() if unit_cell else ""
        name = folded.written[name_cell.start : name_cell.end].strip()
        in_name = _UNIT_IN_NAME.search(text[name_cell.start : name_cell.end].strip())
        for column, year in columns.goals.items():
            cell = row[column]
            if cell is None or cell.start in seen:
                continue
            content = text[cell.start : cell.end]
            figure = figure_in_cell(content)
            if figure is None:
                continue
            seen.add(cell.start)
            findings.append(
                TargetFinding(
                    span=folded.written[cell.start : cell.end],
                    indicator=re.sub(r"^\d+[.、]\s*", "", name),
                    comparator=comparator_before(content[: figure.start])
                    or comparator_after(content[figure.end :])
                    or "=",  # type: ignore[arg-type]
                    value=figure.value,
                    unit=figure.unit or column_unit or (in_name.group(1) if in_name else ""),
                    deadline=year or deadlines.at(cell.start),
                    anchor=Anchor(*folded.span(cell.start, cell.end), ""),
                )
            )
    return findings


def figure_in_cell(content: str) -> Figure | None:
    """Return the one number of a cell (≥60, 60%以上, [20]); None for cells of words."""
    if len(content) > 24 or re.search(r"[。;]", content):
        return None
    found = [figure for figure in figures_in(content) if figure.measure not in ("年", "月")]
    return found[0] if len(found) == 1 else None
