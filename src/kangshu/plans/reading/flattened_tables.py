"""Task tables that lost their cells: one cell a line, columns in a line, or all run together."""

from __future__ import annotations

import re

from kangshu.plans.reading.brackets import Note
from kangshu.plans.reading.cell_lines import read_barred_cells, read_cell_lines
from kangshu.plans.reading.lexicon import compiled, words
from kangshu.plans.reading.lexicon import tables as grammar
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.table_tasks import Row, content_column, role_columns
from kangshu.plans.reading.units import Assignment, Role, like_organisation, read_units, units_line


def flattened_tasks(lines: Lines, taken: list[Note]) -> tuple[list[Row], list[tuple[int, int]]]:
    """Return the task rows of tables that lost their cells on the way to plain text, and the spans
    of such tables that tell progress (进展情况), which holds no targets."""
    rows: list[Row] = []
    progress: list[tuple[int, int]] = []
    number = 0
    while number < len(lines.all):
        line = lines.all[number]
        if line.empty:
            number += 1
            continue
        for read in _READERS:
            found, following = read(lines, number)
            if found:
                rows.extend(
                    row for row in found if not any(note.start <= row[2].start < note.end for note in taken)
                )
                header = lines.text[line.start : found[0][0]]
                if read is _read_run_together or compiled("tables", "progress_column").search(header):
                    ends = [lines.all[following - 1].end, *(row[0] for row in found[::-1])]
                    behind = [
                        row[1] if read is _read_run_together else max(row[1], row[2].end)
                        for row in found[::-1]
                    ]
                    progress.extend(
                        (start, max(start, end)) for start, end in zip(behind, ends, strict=False)
                    )
                number = following - 1
                break
        number += 1
    return rows, progress


def cells_in_line(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the cells of a line that is divided by tabs, bars or wide gaps."""
    cells: list[tuple[int, int]] = []
    position = start
    for gap in re.compile(r"\s*\|\s*|\t+ *| {3,}").finditer(text, start, end):
        cells.append((position, gap.start()))
        position = gap.end()
    cells.append((position, end))
    if cells and cells[0][0] == cells[0][1]:
        cells = cells[1:]
    return [cell for number, cell in enumerate(cells) if cell[0] < cell[1] or number < len(cells) - 1]


def _read_columns(lines: Lines, number: int) -> tuple[list[Row], int]:
    text = lines.text
    line = lines.all[number]
    header = cells_in_line(text, line.start, line.end)
    names = [text[a:b] for a, b in header]
    roles = role_columns(names)
    content = content_column(names)
    if not roles or content is None or len(header) < 2:
        return [], number
    rows: list[Row] = []
    following = number + 1
    while following < len(lines.all):
        row = lines.all[following]
        cells = cells_in_line(text, row.start, row.end)
        if not row.empty and set(text[row.start : row.end]) <= set("|-: "):
            following += 1
            continue
        if not row.empty and len(cells) < 2:
            break
        shift = len(cells) - len(header)  # a merged first cell leaves a row short at its left
        columns = {column + min(shift, 0): role for column, role in roles.items()}
        if not row.empty and content + min(shift, 0) >= 0:
            assignment = Assignment(marked=True)
            places = []
            for column, role in columns.items():
                if 0 <= column < len(cells):
                    read = read_units(text[slice(*cells[column])])
                    assignment.states_rule = assignment.states_rule or read.states_rule
                    assignment.units.extend((stated or role, unit) for stated, unit in read.units)
                    places.append(cells[column])
            work = cells[content + min(shift, 0)]
            if (
                assignment.units
                and any(like_organisation(unit) for _, unit in assignment.units)
                and work[1] - work[0] > 3
            ):
                rows.append((work[0], work[1], Note(places[0][0], places[-1][1], assignment)))
        following += 1
    return rows, following


_LONGEST_ROW = 14  # lines of one row; more is prose behind the table
_ROW_NUMBER = re.compile(r"\d{1,3}[.、]?\s+(?=[一-龥“\"])")


def _read_numbered_rows(lines: Lines, number: int) -> tuple[list[Row], int]:
    """Rows that begin with their number, cells parted by single spaces: 85 新增托育机构2所。 吴某 县卫健委 各乡镇 已完成."""
    text = lines.text
    line = lines.all[number]
    header = re.sub(r"\s+", "", text[line.start : line.end])
    roles = _roles_in_order(header)
    if not header.startswith("序号") or not roles or len(header) > 120 or re.search("[。;]", header):
        return [], number
    starts = [
        at
        for at in range(number + 1, len(lines.all))
        if _ROW_NUMBER.match(text, lines.all[at].start, lines.all[at].end)
    ]
    rows: list[Row] = []
    following = number
    for place, at in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else min(len(lines.all), at + _LONGEST_ROW)
        row = _numbered_row(text, lines.all[at].start, lines.all[end - 1].end, roles)
        if row is None:
            break
        rows.append(row)
        following = end
    return rows, following


def _roles_in_order(header: str) -> list[Role]:
    kinds: dict[str, Role] = {
        "牵头": "lead",
        "主体": "answer",
        "责任": "answer",
        "配合": "cooperate",
        "协同": "cooperate",
        "参与": "cooperate",
        "协办": "cooperate",
        "协作": "cooperate",
    }
    named = re.findall(r"(牵头|主体|责任|配合|协同|参与|协办|协作)(?:责任)?(?:单位|部门)", header)
    return [kinds[name] for name in named]


def _numbered_row(text: str, start: int, end: int, roles: list[Role]) -> Row | None:
    """Return the work of a row and its units: the first run of cells that name units, in the order of `roles`."""
    cells = [found.span() for found in re.compile(r"\S+").finditer(text, start, end)][1:]
    units: list[tuple[int, int]] = []
    for cell in cells[1:]:
        if units_line(text[slice(*cell)]) is not None:
            units.append(cell)
        elif units:
            break
    if not cells or not units:
        return None
    assignment = Assignment(marked=True)
    for place, cell in enumerate(units):
        role = roles[min(place, len(roles) - 1)]
        assignment.units.extend(
            (stated or role, unit) for stated, unit in read_units(text[slice(*cell)]).units
        )
    return cells[0][0], units[0][0], Note(units[0][0], units[-1][1], assignment)


def _read_run_together(lines: Lines, number: int) -> tuple[list[Row], int]:
    """Header and rows without any seam: 实事内容工作任务责任单位… / 新增30家…。区民政局,相关镇街目前…"""
    text = lines.text
    line = lines.all[number]
    header = text[line.start : line.end]
    if len(header) > 60 or re.search(r"[,。;:、()\[\]]", header):
        return [], number
    if not re.search(words("tables", "answer_column") + "|" + words("tables", "lead_column"), header):
        return [], number
    if not re.match(
        rf"(?:{words('tables', 'other_column')}|{'|'.join(grammar()['tables']['content_column'])}|{words('tables', 'answer_column')}|{words('tables', 'lead_column')}|\s)+",
        header,
    ):
        return [], number
    if not re.search(
        "|".join(grammar()["tables"]["content_column"]), re.sub(words("tables", "answer_column"), "", header)
    ):
        return [], number
    if len(re.sub(r"\s", "", header)) < 8:
        return [], number
    rows: list[Row] = []
    suffix = words("organisations", "suffix")
    unit = rf"[^\s、,。;:\d()]{{1,14}}?{suffix}(?:\([^()]{{1,12}}\))?"
    units = re.compile(
        rf"(?:[。;]|(?<=[^\s、,。;]))(?P<units>(?<=[。;\s]){unit}(?:[、,]{unit})*)(?=[\d\s。目已正完]|$)"
    )
    following, last = number + 1, number + 1
    while following < len(lines.all) and following - last <= 6:
        row = lines.all[following]
        if row.level == 1:
            break
        found = units.search(text, row.body, row.end)
        if found and all(map(like_organisation, re.split("[、,]", found.group("units")))):
            start = row.body
            assignment = read_units(found.group("units"))
            rows.append((start, found.start("units"), Note(*found.span("units"), assignment)))
            last = following
        following += 1
    return rows, following


_READERS = (read_barred_cells, _read_columns, _read_numbered_rows, _read_run_together, read_cell_lines)
