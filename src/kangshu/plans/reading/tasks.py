"""Clauses of work with the units that answer for them, from all sources a document may use."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from kangshu.documents import Table
from kangshu.plans.reading.brackets import Bracket, Note, responsibility_notes
from kangshu.plans.reading.flattened_tables import flattened_tasks
from kangshu.plans.reading.fold import Folded
from kangshu.plans.reading.labelled import labelled_notes
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.model import Anchor, Heading, TaskFinding
from kangshu.plans.reading.prose import prose_tasks
from kangshu.plans.reading.table_tasks import table_tasks
from kangshu.plans.reading.units import Assignment, decide, label_pattern

_SKIP = " \t\n。;,.、:)]"


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and who answers for it, in folded offsets; `end` is where its text stops."""

    start: int
    end: int
    note: Note


def read_tasks(
    tables: Sequence[Table], folded: Folded, lines: Lines, pairs: list[Bracket], outline: list[Heading]
) -> tuple[list[TaskFinding], list[tuple[int, int]]]:
    """Return the tasks of a document in reading order, and the spans that tell progress only."""
    clauses: list[Clause] = []
    covered: list[tuple[int, int]] = []
    for table in tables:
        found = table_tasks(folded, table)
        if found:
            clauses.extend(Clause(*row) for row in found)
            covered.append((table.start, table.end))
    if tables:
        pairs = [pair for pair in pairs if not any(a <= pair.start < b for a, b in covered)]
    notes = responsibility_notes(lines, pairs)
    labelled = labelled_notes(lines, [(note.start, note.end) for note in notes] + covered)
    progress: list[tuple[int, int]] = []
    if not covered:
        rows, progress = flattened_tasks(lines, notes + labelled)
        clauses.extend(Clause(*row) for row in rows)
    taken = {clause.note.start for clause in clauses}
    both = sorted([note for note in notes + labelled if note.start not in taken], key=lambda note: note.start)
    clauses.extend(_clauses_of_notes(lines, both))
    if not clauses:
        clauses.extend(Clause(*row) for row in prose_tasks(lines))
    clauses.sort(key=lambda clause: (clause.start, clause.note.start))
    return _findings(folded, clauses, outline), progress


def _clauses_of_notes(lines: Lines, notes: list[Note]) -> list[Clause]:
    """Join notes to the clause before them; a note with cooperating units only goes to the tasks before it."""
    text = lines.text
    clauses: list[Clause] = []
    fresh: list[int] = []  # clauses of the running item, for a shared 配合单位
    last_end, last_line = 0, -1
    for note in notes:
        line_number = lines.index_at(note.start)
        line = lines.all[line_number]
        start = line.body if line.body <= note.start else line.start
        shared = line_number == last_line
        if shared:
            start = last_end
        while start < note.start and text[start] in _SKIP:
            start += 1
        if not shared:
            fresh = []
        cooperating_only = all(role == "cooperate" for role, _ in note.assignment.units)
        adjacent = not text[last_end : note.start].strip(_SKIP) and bool(clauses)
        if clauses and (
            (adjacent and (cooperating_only or shared)) or (shared and cooperating_only and fresh)
        ):
            for number in fresh or [len(clauses) - 1]:
                _add(clauses, number, note)
        else:
            if start >= note.start:
                start = _paragraph_before(lines, line_number, last_end)
            else:
                start = _wrapped_start(lines, line_number, start, shared)
            if fresh and len(fresh) == 1:
                first = clauses[fresh[0]]
                clauses[fresh[0]] = Clause(
                    _behind_heading(text, first.start, first.end), first.end, first.note
                )
            if start < note.start:
                clauses.append(Clause(start, note.start, note))
                fresh.append(len(clauses) - 1)
        last_end, last_line = note.end, lines.index_at(max(note.start, note.end - 1))
    return clauses


def _add(clauses: list[Clause], number: int, note: Note) -> None:
    clause = clauses[number]
    joined = Assignment(
        clause.note.assignment.units + note.assignment.units,
        clause.note.assignment.states_rule or note.assignment.states_rule,
        True,
    )
    clauses[number] = Clause(clause.start, clause.end, Note(clause.note.start, note.end, joined))


def _behind_heading(text: str, start: int, end: int) -> int:
    """Return where the clause starts behind its heading sentence (…建设。推进… → 推进…)."""
    found = re.compile(r"[^。\n]{2,30}。\s*(?=\S)").match(text, start, end)
    return found.end() if found else start


def _paragraph_before(lines: Lines, number: int, barrier: int) -> int:
    """Return the start of the nearest paragraph above line `number` that begins behind `barrier`."""
    for above in range(number - 1, max(-1, number - 8), -1):
        line = lines.all[above]
        if line.empty or label_pattern().match(lines.text, line.start, line.end):
            continue
        if line.end <= barrier:
            break
        return _wrapped_start(lines, above, max(line.body, barrier), shared=False)
    return lines.all[number].end


def _wrapped_start(lines: Lines, number: int, start: int, shared: bool) -> int:
    """Return the start of a paragraph whose lines were broken by the page: walk up while a line is cut off."""
    while not shared and number > 0 and not lines.all[number].kind:
        above = lines.all[number - 1]
        if above.empty or above.end - above.start < 24 or lines.text[above.end - 1] in '。;:!?)]…"”':
            break
        number -= 1
        start = above.body
    return start


def _findings(folded: Folded, clauses: list[Clause], outline: list[Heading]) -> list[TaskFinding]:
    rule = False
    findings: list[TaskFinding] = []
    restarts = [
        heading.anchor.start
        for heading in outline
        if heading.level == 1 and heading.label in ("一、", "第一章", "第一条")
    ]
    starts = [heading.anchor.start for heading in outline]
    scope = -1
    for clause in clauses:
        now = bisect_right(restarts, folded.source(clause.start))
        if now != scope:
            rule, scope = False, now
        rule = rule or clause.note.assignment.states_rule
        mode, lead, cooperating = decide(clause.note.assignment, first_leads=rule)
        if not lead:
            continue
        start, end = folded.span(clause.start, max(clause.end, clause.start + 1))
        units_start, units_end = folded.span(clause.note.start, clause.note.end)
        written = folded.written[clause.start : clause.end]
        cell = folded.written[clause.start : clause.start + 60].split("\t")[0]
        behind = re.sub(r"\s+", "", cell)
        source = _SourceNames(folded, clause.note)
        findings.append(
            TaskFinding(
                heading=_heading_of(outline, starts, start),
                text_start=behind[:15],
                text=written.strip(),
                lead=tuple(map(source.written, lead)),
                cooperating=tuple(map(source.written, cooperating)),
                mode=mode,
                anchor=Anchor(start, end, ""),
                units_anchor=Anchor(units_start, units_end, ""),
            )
        )
    return findings


def _heading_of(outline: list[Heading], starts: list[int], position: int) -> str:
    place = bisect_right(starts, position) - 1
    return outline[place].title if place >= 0 else ""


class _SourceNames:
    """Gives back the names of units as the source writes them (traditional characters, brackets)."""

    def __init__(self, folded: Folded, note: Note) -> None:
        self._folded = folded.text[note.start : note.end].replace("\n", "")
        self._written = folded.written[note.start : note.end].replace("\n", "")

    def written(self, unit: str) -> str:
        position = self._folded.find(unit)
        return self._written[position : position + len(unit)] if position >= 0 else unit
