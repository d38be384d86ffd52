"""The passes in order: fold, lines, brackets, tasks, outline, figures, money, deadlines, targets, doubts."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from kangshu.base.faults import TooLarge
from kangshu.documents import Document
from kangshu.plans.reading.brackets import outer_brackets, responsibility_notes
from kangshu.plans.reading.conflicts import hashed_others
from kangshu.plans.reading.deadlines import Deadlines
from kangshu.plans.reading.doubts import find_doubts
from kangshu.plans.reading.figures import figures_in
from kangshu.plans.reading.flattened_targets import flattened_target_tables
from kangshu.plans.reading.fold import fold
from kangshu.plans.reading.lines import Lines
from kangshu.plans.reading.model import (
    Anchor,
    Doubt,
    Heading,
    MoneyFinding,
    Reading,
    TargetFinding,
    TaskFinding,
)
from kangshu.plans.reading.money import read_money
from kangshu.plans.reading.outline import read_outline
from kangshu.plans.reading.sentences import Sentences
from kangshu.plans.reading.target_tables import table_targets
from kangshu.plans.reading.targets import read_targets
from kangshu.plans.reading.tasks import read_tasks
from kangshu.plans.reading.wordings import read_wordings

Finding = TypeVar("Finding", Heading, TaskFinding, TargetFinding, MoneyFinding, Doubt)


MOST_CHARACTERS = 1_000_000
"""Of one document: some 1,500 pages. What is longer is no plan, and would be read for minutes."""


def read_plan(document: Document) -> Reading:
    """Return what a plan document says: outline, tasks, targets, money rules, each anchored, and doubts.

    Pure: the same text gives the same reading. A text without such findings gives an empty reading. Raises TooLarge.
    """
    if len(document.text) > MOST_CHARACTERS:
        raise TooLarge(
            f"the text has {len(document.text)} characters; a plan of at most {MOST_CHARACTERS} is read",
            zh=f"文件共 {len(document.text)} 字，超过上限 {MOST_CHARACTERS} 字，请确认是否为规划文件或拆分后上传",
        )
    folded = fold(document.text, tables=document.tables)
    tables = tuple(map(folded.table, document.tables))
    lines = Lines(folded.text)
    pairs, lonely = outer_brackets(lines)
    notes = responsibility_notes(lines, pairs)
    outline = read_outline(folded, lines, {note.start for note in notes})
    tasks, progress = read_tasks(tables, folded, lines, pairs, outline)
    figures = list(figures_in(folded.text))
    plan = bool(outline) or bool(tasks)
    sentences = Sentences(folded, lines, pairs, outline, plan=plan)
    money, taken = read_money(folded, lines, figures, sentences)
    taken.extend((note.start, note.end) for note in notes)
    taken.extend(progress)
    deadlines = Deadlines(lines, tables, headed=any(line.kind for line in lines.all))
    tabled: list[TargetFinding] = []
    for table in tables or flattened_target_tables(lines):
        found = table_targets(folded, table, deadlines)
        if found:
            tabled.extend(found)
            taken.append((table.start, table.end))
    targets = read_targets(folded, lines, figures, sentences, deadlines, pairs, taken)
    targets = sorted([*targets, *tabled], key=lambda target: target.anchor.start)
    worded = read_wordings(folded, sentences, deadlines, targets, taken)
    doubts = find_doubts(folded, lonely, outline, tasks, targets, money)
    return Reading(
        outline=_anchored(document.text, outline),
        tasks=tuple(
            replace(task, units_anchor=_hashed(document.text, task.units_anchor))
            for task in _anchored(document.text, tasks)
        ),
        targets=tuple(
            replace(target, span=_source(document.text, target.anchor))
            for target in _anchored(document.text, targets)
        ),
        worded=tuple(
            replace(target, span=_source(document.text, target.anchor))
            for target in _anchored(document.text, worded)
        ),
        money=tuple(
            replace(rule, span=_source(document.text, rule.anchor))
            for rule in _anchored(document.text, money)
        ),
        doubts=hashed_others(document.text, _anchored(document.text, doubts)),
        sha256=document.sha256,
    )


def _hashed(text: str, anchor: Anchor) -> Anchor:
    return Anchor.at(text, anchor.start, anchor.end)


def _source(text: str, anchor: Anchor) -> str:
    return text[anchor.start : anchor.end]


def _anchored(text: str, findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings with the hash of their place in the source."""
    return tuple(replace(finding, anchor=_hashed(text, finding.anchor)) for finding in findings)
