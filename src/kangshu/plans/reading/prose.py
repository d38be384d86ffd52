"""Assignments written as sentences: 由市民政局牵头,市财政局配合 / X由A、B等分工负责. Read only where nothing else is."""

from __future__ import annotations

import re
from functools import cache

from kangshu.plans.reading.brackets import Note
from kangshu.plans.reading.lexicon import words
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.units import like_organisation, read_units

Row = tuple[int, int, Note]


@cache
def _sentence() -> re.Pattern[str]:
    ends = "|".join(words("roles", key) for key in ("lead_word", "share_word"))
    return re.compile(
        rf"由(?P<units>[^。;:!?\n由]{{2,80}}?)(?P<role>{ends}|负责(?:落实|实施|组织实施)?)(?P<rest>,[^。;\n]{{2,120}}?(?:配合|参与|协助|负责|落实|参加))?(?=[。;,!?\n]|$)"
        rf"|由(?P<single>[^。;:!?\n由]{{2,30}}?)牵头,(?:分别)?是(?P<titles>[^。\n]{{4,200}})"
    )


def prose_tasks(lines: Lines) -> list[Row]:
    """Return clause, end and note of every sentence that assigns work to named units."""
    text = lines.text
    rows: list[Row] = []
    for found in _sentence().finditer(text):
        line = lines.at(found.start())
        begin = max(text.rfind(mark, line.start, found.start()) for mark in "。;!?") + 1
        begin = max(begin, line.body)
        if found.group("titles"):
            note = Note(
                found.start("single"), found.end("single") + 2, read_units(found.group("single") + "牵头")
            )
            if not _names_units(note):
                continue
            for title in re.compile(r"[^;。]+").finditer(text, *found.span("titles")):
                rows.append((title.start(), title.end(), note))
            continue
        note = Note(found.start() + 1, found.end(), read_units(text[found.start() + 1 : found.end()]))
        if not _names_units(note):
            continue
        while begin < found.start() and text[begin] in " 、,":
            begin += 1
        rows.append((begin if begin < found.start() else found.start(), max(found.start(), begin + 1), note))
    return rows


def _names_units(note: Note) -> bool:
    names = [unit for _, unit in note.assignment.units]
    return (
        bool(names)
        and all(map(like_organisation, names))
        and not any(re.fullmatch(words("notes", "nobody"), name) for name in names)
    )
