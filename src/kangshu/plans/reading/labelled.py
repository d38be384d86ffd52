"""Labelled lines without brackets: 牵头单位:A 配合单位:B, on lines of their own or behind a clause."""

from __future__ import annotations

import re
from bisect import bisect_right

from kangshu.plans.reading.brackets import Note
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.table_tasks import column_role
from kangshu.plans.reading.units import label_pattern, like_organisation, read_units, units_line

_LONGEST = 400
# Who publishes a page or holds an event: no statement of work where nothing else is labelled.
_PUBLISHER = re.compile("(?:主办|主管|承办|协办|支持|指导)(?:单位|部门|方)")


def labelled_notes(lines: Lines, taken: list[tuple[int, int]]) -> list[Note]:
    """Return notes of `label: units` outside the spans `taken`; labels that follow each other are one note."""
    text = lines.text
    taken = sorted(taken)
    starts = [start for start, _ in taken]
    notes: list[Note] = []
    position = 0
    for found in label_pattern().finditer(text):
        if found.start() < position or found.group("ignore"):
            continue
        inside = bisect_right(starts, found.start()) - 1
        if inside >= 0 and taken[inside][1] > found.start():
            continue
        line = lines.at(found.start())
        if not _stands_apart(text, max(line.start, found.start() - 8), found.start(), line.start):
            continue
        end = _end_of_run(lines, found.end())
        assignment = read_units(text[found.start() : end])
        names = [unit for _, unit in assignment.units]
        if names and sum(map(like_organisation, names)) * 2 >= len(names):
            notes.append(Note(found.start(), end, assignment))
            position = end
    if all(_PUBLISHER.match(text, note.start) for note in notes):
        notes = []
    notes.extend(_labels_on_lines(lines, [*taken, *((note.start, note.end) for note in notes)]))
    return sorted(notes, key=lambda note: note.start)


def _labels_on_lines(lines: Lines, taken: list[tuple[int, int]]) -> list[Note]:
    """Return notes of a label alone on its line with the units on the next: 责任单位 / 卫健局、文旅局."""
    text = lines.text
    filled = [line for line in lines.all if not line.empty]
    notes: list[Note] = []
    for number, line in enumerate(filled[:-1]):
        role = column_role(text[line.start : line.end]) if line.end - line.start <= 10 else None
        if role is None or any(start <= line.start < end for start, end in taken):
            continue
        value = filled[number + 1]
        if column_role(text[value.start : value.end]) is not None:
            continue
        read = units_line(text[value.start : value.end])
        if read is None:
            continue
        read.units = [(stated or role or "answer", unit) for stated, unit in read.units]
        read.marked = True
        before = notes[-1] if notes else None
        if before is not None and before.end == filled[number - 1].end:  # 配合单位 behind 责任单位: one note
            read.units = [*before.assignment.units, *read.units]
            notes[-1] = Note(before.start, value.end, read)
        else:
            notes.append(Note(line.start, value.end, read))
    return notes


def _stands_apart(text: str, window: int, start: int, line_start: int) -> bool:
    """Return whether a label begins its line or sentence; 强化各级责任单位:… within a sentence does not."""
    if start == line_start or text[start - 1] in "。;!)]:\t ":
        return True
    return window == line_start and bool(re.fullmatch(r"[*•·\-|>◆●■\s]+", text[window:start]))


def _end_of_run(lines: Lines, position: int) -> int:
    """Return where the run of labelled values ends: its sentence or line, and labelled lines that follow."""
    text = lines.text
    number = lines.index_at(position)
    end = lines.all[number].end
    if not text[position:end].strip():  # the value stands on the next line
        for following in range(number + 1, min(number + 3, len(lines.all))):
            if not lines.all[following].empty:
                number, end = following, lines.all[following].end
                break
    stop = text.find("。", position, min(end, position + _LONGEST))
    while stop >= 0 and label_pattern().match(text, stop + 1):
        stop = text.find("。", stop + 1, min(end, stop + _LONGEST))
    if 0 <= stop < end - 1:
        return stop
    if end - position > _LONGEST:
        return position + _LONGEST
    while True:
        following = number + 1
        while following < len(lines.all) and following <= number + 2 and lines.all[following].empty:
            following += 1
        if following >= len(lines.all) or lines.all[following].empty:
            return end
        line = lines.all[following]
        continued = text[end - 1] in "、," and following == number + 1
        if not continued and not label_pattern().match(text, line.start, line.end):
            return end
        number, end = following, line.end
