"""Bracket pairs of the text, and those among them that say who is responsible."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kangshu.plans.reading.lexicon import words
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.units import Assignment, label_pattern, like_organisation, read_units

_LONGEST = 900


@dataclass(frozen=True, slots=True)
class Bracket:
    """An outermost bracket; `start` is its opening, `end` behind its closing character."""

    start: int
    end: int
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Note:
    """A place that names units: `start`…`end` in folded text, and what it says."""

    start: int
    end: int
    assignment: Assignment


def outer_brackets(lines: Lines) -> tuple[list[Bracket], list[int]]:
    """Return the outermost bracket pairs, and the offsets of brackets without a partner.

    A pair does not reach over a labelled line or an empty line: an opening bracket that was never closed
    spoils its own paragraph only. One that the end of the text cuts off is returned unclosed.
    """
    text = lines.text
    pairs: list[Bracket] = []
    lonely: list[int] = []
    stack: list[int] = []
    for found in re.finditer(r"[()\[\]]|\n", text):
        character, position = found.group(), found.start()
        if character == "\n":
            if stack:
                following = lines.at(position + 1)
                if following.kind or following.empty or position - stack[0] > _LONGEST:
                    lonely.extend(stack)
                    stack.clear()
        elif character in "([":
            stack.append(position)
        elif stack:
            opened = stack.pop()
            if not stack:
                pairs.append(Bracket(opened, position + 1))
        else:
            lonely.append(position)
    if stack:
        pairs.append(Bracket(stack[0], len(text), closed=False))
        lonely.extend(stack)
    return pairs, sorted(lonely)


def responsibility_notes(lines: Lines, pairs: list[Bracket]) -> list[Note]:
    """Return the brackets that say who is responsible.

    Explicit ones have a role label or word; bare lists of units count where the document uses brackets
    so: at least two of them at the end of clauses, or beside explicit ones.
    """
    text = lines.text
    explicit: list[Note] = []
    bare: list[Note] = []
    for pair in pairs:
        content = text[pair.start + 1 : pair.end - 1 if pair.closed else pair.end]
        if len(content) < 2 or len(content) > _LONGEST:
            continue
        assignment = read_units(content)
        names = [unit for role, unit in assignment.units]
        if not names:
            continue
        likely = sum(
            like_organisation(name) and not re.fullmatch(words("notes", "nobody"), name) for name in names
        )
        label = label_pattern().match(content.lstrip())
        if label or (assignment.marked and label_pattern().search(content)) or assignment.states_rule:
            explicit.append(Note(pair.start, pair.end, assignment))
        elif not pair.closed:
            continue
        elif assignment.marked and likely * 3 >= len(names) * 2:
            explicit.append(Note(pair.start, pair.end, assignment))
        elif (
            likely == len(names)
            and _ends_clause(text, pair)
            and not re.match(words("notes", "not_a_note"), content)
        ):
            bare.append(Note(pair.start, pair.end, assignment))
    lists = sum(len(note.assignment.units) > 1 for note in bare)
    strict = sum(_all_strict(note.assignment) for note in bare)
    if (lists and explicit) or lists > 1 or strict > 1:
        explicit.extend(bare)
    return sorted(explicit, key=lambda note: note.start)


def _all_strict(assignment: Assignment) -> bool:
    return all(re.fullmatch(words("organisations", "strict"), unit) for _, unit in assignment.units)


def _ends_clause(text: str, pair: Bracket) -> bool:
    behind = text[pair.end : pair.end + 3].lstrip(" ")
    before = text[max(0, pair.start - 1) : pair.start]
    return ((not behind or behind[0] in "\n。;") and before not in ("", "\n")) or (
        before in "。;" and bool(before)
    )
