"""Task tables that came with one cell a line: header lines, then the cells of each row."""

from __future__ import annotations

import re

from kangshu.plans.reading.brackets import Note
from kangshu.plans.reading.lexicon import tables as grammar
from kangshu.plans.reading.lexicon import words
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.table_tasks import Row, column_role, content_column, role_columns
from kangshu.plans.reading.units import Assignment, Role, read_units, units_line

_LONGEST_ROW = 14  # lines of one row; more is prose behind the table
_WIDEST = 14  # columns of a table
_COUNTED = re.compile("序号|编号")
_NUMBER = re.compile(r"\(?(\d{1,3})\)?[.、]?")


def read_cell_lines(lines: Lines, number: int) -> tuple[list[Row], int]:
    """One cell a line: a run of header lines with a role column, then number, work, units, …"""
    names, following = _header(lines, number)
    roles = list(role_columns(names).values())
    if not _names_work(names) or not roles:
        return [], number
    text = lines.text
    if _COUNTED.fullmatch(re.sub(r"\s", "", names[0])):
        numbered = _numbered_rows(lines, following, roles)
        if numbered[0]:
            return numbered
    rows: list[Row] = []
    work: list[int] = []
    while following < len(lines.all):
        line = lines.all[following]
        if line.empty:
            following += 1
            continue
        if len(work) > _LONGEST_ROW or _is_signature(lines, following):
            break
        assignment = units_line(text[line.start : line.end])
        if assignment is None or not work:
            if line.kind in ("one", "section1") and line.level == 1 and rows and not work:
                break
            work.append(following)
            following += 1
            continue
        assignment.units = [(stated or roles[0], unit) for stated, unit in assignment.units]
        end = line.end
        following += 1
        for role in roles[1:]:
            while following < len(lines.all) and lines.all[following].empty:
                following += 1
            more = (
                units_line(text[lines.all[following].start : lines.all[following].end])
                if following < len(lines.all)
                else None
            )
            if more is None:
                break
            assignment.units.extend((stated or role, unit) for stated, unit in more.units)
            end = lines.all[following].end
            following += 1
        start = _work_start(lines, work)
        rows.append((start, lines.all[work[-1]].end, Note(line.start, end, assignment)))
        work = []
    return rows, following


def _header(lines: Lines, number: int) -> tuple[list[str], int]:
    """Return the names of the columns from line `number` on, up to the last that names units, and what follows."""
    text = lines.text
    names: list[str] = []
    following = number
    while following < len(lines.all) and len(names) < 10:
        line = lines.all[following]
        if not line.empty:
            content = text[line.start : line.end]
            if len(content) > 22 or re.search(r"[。;,:]", content) or _NUMBER.fullmatch(content):
                break
            names.append(text[line.start : line.end])
            if column_role(names[-1]) is not None and not _next_is_header(lines, following):
                return names, following + 1
        following += 1
    return names, following


def _names_work(names: list[str]) -> bool:
    """Return whether a header has a column of work beside those of units."""
    if len(names) < 2 or (column_role(names[0]) is not None and len(names) < 3):
        return False
    work = re.compile("|".join(grammar()["tables"]["content_column"]) + "|序号|工作|内容")
    return any(work.search(re.sub(r"\s", "", name)) for name in names if column_role(name) is None)


def _numbered_rows(lines: Lines, following: int, roles: list[Role]) -> tuple[list[Row], int]:
    """Rows that a line with their number opens; merged cells of units hold for the rows below."""
    text = lines.text
    starts: list[int] = []
    for at in range(following, len(lines.all)):
        found = _NUMBER.fullmatch(text, lines.all[at].start, lines.all[at].end)
        last = (
            _NUMBER.fullmatch(text, lines.all[starts[-1]].start, lines.all[starts[-1]].end)
            if starts
            else None
        )
        if found and (last is None or int(found.group(1)) == int(last.group(1)) + 1):
            starts.append(at)
    rows: list[Row] = []
    inherited: Note | None = None
    for place, at in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else min(at + _LONGEST_ROW, len(lines.all))
        filled = [line for line in lines.all[at + 1 : end] if not line.empty]
        note = None
        work = filled[:1]
        for number, line in enumerate(filled[1:], start=1):
            if units_line(text[line.start : line.end]) is not None:
                work = filled[:number]
                run = filled[number : number + len(roles)]
                note = _note(text, [(one.start, one.end) for one in run], roles)
                break
        note = note or inherited
        if note is None or not work:
            break
        inherited = note
        longest = max(work, key=lambda line: line.end - line.start)
        rows.append((longest.body, longest.end, note))
        following = end
    return rows, following


def _note(text: str, cells: list[tuple[int, int]], roles: list[Role]) -> Note:
    """Return what cells of units say, in the order of `roles`, up to the first that names none."""
    assignment = Assignment(marked=True)
    end = cells[0][0]
    for cell, role in zip(cells, roles, strict=False):
        read = units_line(text[slice(*cell)])
        if read is None:
            break
        assignment.states_rule = assignment.states_rule or read.states_rule
        assignment.units.extend((stated or role, unit) for stated, unit in read.units)
        end = cell[1]
    return Note(cells[0][0], end, assignment)


def read_barred_cells(lines: Lines, number: int) -> tuple[list[Row], int]:
    """One cell a line, each closed by a bar: 序号 | / 责任单位 | / 实施内容 | / 15 | / 民政局 | / …"""
    text = lines.text
    cells: list[tuple[int, int]] = []
    ends: list[int] = []
    start, following = -1, number
    counted = False
    while (
        following < len(lines.all)
        and (counted or len(cells) <= _WIDEST)
        and following - (ends[-1] if ends else number) <= 3
    ):
        line = lines.all[following]
        if not line.empty:
            start = line.start if start < 0 else start
            if text[line.end - 1] == "|" and line.end > line.start + 1:
                cells.append((start, line.end - 1 - (text[line.end - 2] == " ")))
                ends.append(following)
                counted = counted or bool(_NUMBER.fullmatch(text[slice(*cells[-1])].strip()))
                start = -1
        following += 1
    contents = [text[slice(*cell)] for cell in cells]
    width = next((place for place, content in enumerate(contents) if _NUMBER.fullmatch(content.strip())), 0)
    roles, content = role_columns(contents[:width]), content_column(contents[:width])
    if width < 3 or not roles or content is None:
        return [], number
    rows: list[Row] = []
    starts = [
        place for place, one in enumerate(contents) if place >= width and _NUMBER.fullmatch(one.strip())
    ]
    for first, behind in zip(starts, [*starts[1:], len(cells)], strict=True):
        row = cells[first : min(behind, first + width)]  # empty cells at its end may be missing
        assignment = Assignment(marked=True)
        named = [(row[column], role) for column, role in roles.items() if column < len(row)]
        for cell, role in named:
            read = read_units(text[slice(*cell)])
            assignment.units.extend((stated or role, unit) for stated, unit in read.units)
        if assignment.units and content < len(row):
            last = max(*(cell[1] for cell, _ in named), row[content][1])
            rows.append((*row[content], Note(named[0][0][0], last, assignment)))
    return rows, ends[-1] + 1 if rows else number


def _is_signature(lines: Lines, number: int) -> bool:
    """Return whether a line is a unit that signs: a date stands below it."""
    for line in lines.all[number + 1 : number + 4]:
        if not line.empty:
            return bool(re.fullmatch(r"20\d\d年\d{1,2}月\d{1,2}日", lines.text[line.start : line.end]))
    return False


def _next_is_header(lines: Lines, number: int) -> bool:
    for line in lines.all[number + 1 : number + 3]:
        if not line.empty:
            name = lines.text[line.start : line.end]
            return column_role(name) is not None or bool(
                re.fullmatch(words("tables", "other_column"), re.sub(r"\s", "", name))
            )
    return False


def _work_start(lines: Lines, work: list[int]) -> int:
    """Return where the row's own work starts: behind its row number, else at its longest line."""
    text = lines.text
    for place, number in enumerate(work):
        line = lines.all[number]
        if re.fullmatch(r"\(?\d{1,3}\)?[.、]?", text[line.start : line.end]) and place + 1 < len(work):
            return lines.all[work[place + 1]].body
    longest = max(work, key=lambda number: lines.all[number].end - lines.all[number].start)
    return lines.all[longest].body
