"""Two versions of a plan, clause by clause: what is added, removed, moved and changed, word by word. Pure.

Clauses are paired by their words. Figures, days and units that changed are said as such, beside the words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

from kangshu.base.text import Text
from kangshu.plans.model import ClauseView, PlanView, Role, TargetView
from kangshu.plans.reading.conflicts import indicator_key
from kangshu.plans.similarity import Likeness, dice, matched, plain

ChangeKind = Literal["same", "changed", "added", "removed"]
_ALIKE: Final = 0.4
"""Likeness from which two clauses are versions of one."""
_TOKEN: Final = re.compile(r"\d+(?:\.\d+)?%?|[A-Za-z]+|\s+|.", re.DOTALL)
_ISLAND: Final = 2
"""Characters between two changes below which they read as one change."""
_ROLES: Final[tuple[tuple[Role, Text], ...]] = (
    ("lead", Text("牵头单位", "Lead")),
    ("cooperating", Text("配合单位", "Co-units")),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of a changed clause: in both versions, only in the old one, or only in the new one."""

    kind: Literal["same", "deleted", "inserted"]
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A change that matters beyond its words: of a figure, a day, a unit, an indicator."""

    kind: Literal["figure", "due", "unit", "target"]
    text: Text


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """One clause in both versions. `moved` is true where it stands elsewhere in the order or under another heading."""

    kind: ChangeKind
    old: ClauseView | None
    new: ClauseView | None
    moved: bool
    pieces: tuple[Piece, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two plans compared: the clauses in the order of the new one, with those that are gone where they stood."""

    old: PlanView
    new: PlanView
    clauses: tuple[ClauseChange, ...]
    facts: tuple[Fact, ...]
    """Changes of targets that stand in no clause."""

    @property
    def moved(self) -> int:
        """Return how many clauses stand elsewhere."""
        return sum(one.moved for one in self.clauses)

    @property
    def unchanged(self) -> dict[str, str]:
        """Return the clauses that say the same as before: id in the old plan → id in the new one."""
        return {one.old.id: one.new.id for one in self.clauses if one.kind == "same" and one.old and one.new}


def compare(old: PlanView, new: PlanView) -> Comparison:
    """Return what changed from `old` to `new`."""
    pairs = _paired(old.clauses, new.clauses)
    back = {second: first for first, second in pairs.items()}
    moved = _moved(old, new, pairs)
    before = {one.id: one for one in old.clauses}
    changes: list[ClauseChange] = []
    for clause in new.clauses:
        found = before.get(back.get(clause.id, ""))
        if found is None:
            changes.append(ClauseChange("added", None, clause, False, (Piece("inserted", clause.text),), ()))
        else:
            changes.append(_change(old, new, found, clause, clause.id in moved))
    gone = [one for one in old.clauses if one.id not in pairs]
    return Comparison(old, new, _with_gone(old, changes, gone), tuple(_loose_targets(old, new)))


def _paired(old: Sequence[ClauseView], new: Sequence[ClauseView]) -> dict[str, str]:
    """Return which clause of the old version is which of the new one."""
    likeness = Likeness({one.id: one.text for one in old})
    titles = {one.id: plain(one.title) for one in old}
    scores = []
    for clause in new:
        title = plain(clause.title)
        for key, score in likeness.like(clause.text, least=_ALIKE / 2):
            same_title = len(title) > 3 and titles[key] == title
            if score >= _ALIKE or same_title:
                scores.append((score + (0.2 if same_title else 0.0), key, clause.id))
    return matched(scores)


def _moved(old: PlanView, new: PlanView, pairs: dict[str, str]) -> set[str]:
    """Return the clauses of the new version that stand out of their old order, or under another heading."""
    order = {one.id: place for place, one in enumerate(new.clauses)}
    kept = [(one.id, order[pairs[one.id]]) for one in old.clauses if one.id in pairs]
    steady = _longest_rising([place for _, place in kept])
    moved = {pairs[key] for number, (key, _) in enumerate(kept) if number not in steady}
    headings_old, headings_new = _headings(old), _headings(new)
    return moved | {
        second
        for first, second in pairs.items()
        if dice(headings_old.get(first, ""), headings_new.get(second, "")) < 0.5
    }


def _headings(plan: PlanView) -> dict[str, str]:
    titles = {one.id: one.title for one in plan.sections}
    return {one.id: titles.get(one.chapter, "") for one in plan.clauses}


def _longest_rising(places: Sequence[int]) -> set[int]:
    """Return which of `places` (by their number) make the longest rising row: they kept their order."""
    tails: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, place in enumerate(places):
        at = bisect_left(tails, place)
        before.append(last[at - 1] if at else -1)
        if at == len(tails):
            tails.append(place)
            last.append(number)
        else:
            tails[at], last[at] = place, number
    found: set[int] = set()
    number = last[-1] if last else -1
    while number >= 0:
        found.add(number)
        number = before[number]
    return found


def _change(old: PlanView, new: PlanView, first: ClauseView, second: ClauseView, moved: bool) -> ClauseChange:
    facts = (*_target_facts(_targets(old, first), _targets(new, second)), *_unit_facts(first, second))
    if plain(first.text) == plain(second.text) and not facts:
        return ClauseChange("same", first, second, moved, (Piece("same", second.text),), ())
    return ClauseChange("changed", first, second, moved, word_changes(first.text, second.text), facts)


def word_changes(old: str, new: str) -> tuple[Piece, ...]:
    """Return a text's words as they stand in both versions; numbers and Latin words are not torn."""
    first, second = _TOKEN.findall(old), _TOKEN.findall(new)
    pieces: list[Piece] = []
    steps = SequenceMatcher(None, first, second, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(steps):
        deleted, inserted = "".join(first[a:b]), "".join(second[c:d])
        if kind == "equal" and 0 < number < len(steps) - 1 and len(inserted) < _ISLAND:
            kind = "replace"
        if kind == "equal":
            pieces.append(Piece("same", inserted))
        else:
            pieces += [Piece("deleted", deleted)] * bool(deleted) + [Piece("inserted", inserted)] * bool(
                inserted
            )
    return tuple(_joined(pieces))


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with neighbours of one change together, what was deleted before what was inserted."""
    found: list[Piece] = []
    deleted = inserted = ""
    for one in (*pieces, Piece("same", "")):
        if one.kind == "deleted":
            deleted += one.text
        elif one.kind == "inserted":
            inserted += one.text
        else:
            found += [Piece("deleted", deleted)] * bool(deleted) + [Piece("inserted", inserted)] * bool(
                inserted
            )
            deleted = inserted = ""
            found += [one] * bool(one.text)
    return found


def _targets(plan: PlanView, clause: ClauseView) -> list[TargetView]:
    return [one for one in plan.targets if one.id in clause.targets]


def _loose_targets(old: PlanView, new: PlanView) -> list[Fact]:
    return _target_facts(
        [one for one in old.targets if not one.clause], [one for one in new.targets if not one.clause]
    )


def paired_targets(old: Sequence[TargetView], new: Sequence[TargetView]) -> dict[str, str]:
    """Return which target of the old version is which of the new one, by indicator and unit of measure."""
    scores = [
        (score, first.id, second.id)
        for first in old
        for second in new
        if (
            score := dice(indicator_key(first.indicator), indicator_key(second.indicator))
            - (first.unit != second.unit) * 0.2
        )
        >= 0.6
    ]
    return matched(scores)


def _target_facts(old: Sequence[TargetView], new: Sequence[TargetView]) -> list[Fact]:
    pairs = paired_targets(old, new)
    after = {one.id: one for one in new}
    facts: list[Fact] = []
    for first in old:
        second = after.get(pairs.get(first.id, ""))
        if second is None:
            facts.append(
                _said(
                    "target",
                    "不再有目标：{0}{1}",
                    "Target gone: {0} {1}",
                    first.indicator,
                    figure_text(first),
                )
            )
            continue
        if figure_text(first) != figure_text(second):
            facts.append(
                _said(
                    "figure",
                    "{0}：{1} → {2}",
                    "{0}: {1} → {2}",
                    second.indicator,
                    figure_text(first),
                    figure_text(second),
                )
            )
        if (first.due_written or first.due) != (second.due_written or second.due):
            facts.append(
                _said(
                    "due",
                    "{0}期限：{1} → {2}",
                    "{0}, due: {1} → {2}",
                    second.indicator,
                    first.due or "—",
                    second.due or "—",
                )
            )
    facts += [
        _said("target", "新增目标：{0}{1}", "New target: {0} {1}", one.indicator, figure_text(one))
        for one in new
        if one.id not in pairs.values()
    ]
    return facts


def figure_text(target: TargetView) -> str:
    """Return a target's figure with its unit of measure."""
    value = target.value
    written = "—".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"{written}{target.unit}"


def _unit_facts(old: ClauseView, new: ClauseView) -> list[Fact]:
    facts: list[Fact] = []
    for role, title in _ROLES:
        before, after = ([one.written for one in clause.of(role)] for clause in (old, new))
        gone = "、".join(one for one in before if one not in after)
        come = "、".join(one for one in after if one not in before)
        if gone or come:
            zh = f"{title.zh}：" + "；".join(filter(None, (gone and f"减 {gone}", come and f"增 {come}")))
            en = f"{title.en}: " + "; ".join(
                filter(None, (gone and f"without {gone}", come and f"with {come}"))
            )
            facts.append(Fact("unit", Text(zh, en)))
    return facts


def _said(kind: Literal["figure", "due", "target"], zh: str, en: str, *values: str) -> Fact:
    return Fact(kind, Text(zh.format(*values), en.format(*values)))


def _with_gone(
    old: PlanView, changes: list[ClauseChange], gone: list[ClauseView]
) -> tuple[ClauseChange, ...]:
    """Return the changes with each clause that is gone behind the one that it followed."""
    order = [one.id for one in old.clauses]
    found = list(changes)
    for clause in gone:
        removed = ClauseChange("removed", clause, None, False, (Piece("deleted", clause.text),), ())
        earlier = set(order[: order.index(clause.id)])
        place = max(
            (number for number, one in enumerate(found, 1) if one.old and one.old.id in earlier), default=0
        )
        found.insert(place, removed)
    return tuple(found)
