"""Labelled lines without brackets: 牵头单位:A 配合单位:B, on lines of their own or behind a clause."""

from __future__ import annotations

import re
from bisect import bisect_right

from kangshu.plans.reading.brackets import Note
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.units import label_pattern, like_organisation, read_units


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
        before = text[line.start : found.start()].rstrip()
        if (
            before
            and before[-1] not in "。;!)]:\t"
            and not re.search(r"\s$", text[line.start : found.start()])
            and not re.fullmatch(r"[*•·\-|>◆●■]+", before)
        ):
            continue
        end = _end_of_run(lines, found.end())
        assignment = read_units(text[found.start() : end])
        names = [unit for _, unit in assignment.units]
        if names and sum(map(like_organisation, names)) * 2 >= len(names):
            notes.append(Note(found.start(), end, assignment))
            position = end
    return notes


def _end_of_run(lines: Lines, position: int) -> int:
    """Return where the run of labelled values ends: its line, and labelled lines that follow."""
    text = lines.text
    number = lines.index_at(position)
    end = lines.all[number].end
    if not text[position:end].strip():  # the value stands on the next line
        for following in range(number + 1, min(number + 3, len(lines.all))):
            if not lines.all[following].empty:
                number, end = following, lines.all[following].end
                break
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
