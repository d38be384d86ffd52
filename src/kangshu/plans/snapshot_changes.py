"""What changed between two snapshots: lights, values, duties; what came and what went. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kangshu.base.text import Text
from kangshu.plans.snapshot_content import Content
from kangshu.plans.snapshot_model import FrozenSnapshot

_RANK: Final[Mapping[str, int]] = {"green": 0, "amber": 1, "red": 2}


@dataclass(frozen=True, slots=True)
class TargetChange:
    """A target whose light or value differs; a figure is None where it was unknown, a light "" where it was not there."""

    plan: str
    target: str
    indicator: str
    unit: str
    before: str
    after: str
    before_word: Text
    after_word: Text
    before_value: str | None
    after_value: str | None

    @property
    def direction(self) -> int:
        """Return 1 where the light is worse than before, -1 where it is better, 0 where that cannot be said.

        From unknown to red is no step back: it was not known before.
        """
        before, after = _RANK.get(self.before), _RANK.get(self.after)
        if before is None or after is None:
            return 0
        return (after > before) - (after < before)


@dataclass(frozen=True, slots=True)
class DutyChange:
    """A duty that is new, moved on, or is overdue by another count of days."""

    task: str
    number: str
    clause: str
    unit: str
    before: Text
    after: Text
    before_overdue: int
    after_overdue: int


@dataclass(frozen=True, slots=True)
class SnapshotChanges:
    """The differences from one snapshot to a later one. Clauses are told by plan and title."""

    targets: tuple[TargetChange, ...]
    duties: tuple[DutyChange, ...]
    clauses_come: tuple[str, ...]
    clauses_gone: tuple[str, ...]

    @property
    def worse(self) -> int:
        """Return how many targets have a worse light."""
        return sum(1 for one in self.targets if one.direction > 0)

    @property
    def better(self) -> int:
        """Return how many targets have a better light."""
        return sum(1 for one in self.targets if one.direction < 0)


def changes_between(first: FrozenSnapshot, second: FrozenSnapshot) -> SnapshotChanges:
    """Return what changed from `first` to `second`, the worse lights first."""
    before, after = _plans(first), _plans(second)
    ids = sorted({*before, *after})
    nothing: Content = {"clauses": [], "targets": [], "duties": []}
    pairs = [(before.get(one, nothing), after.get(one, nothing)) for one in ids]
    names = {one["id"]: one["name"] for one in (*first.content["units"], *second.content["units"])}
    targets = [change for old, new in pairs for change in _targets(old, new)]
    duties = [change for old, new in pairs for change in _duties(old, new, names)]
    return SnapshotChanges(
        tuple(sorted(targets, key=lambda one: -one.direction)),
        tuple(duties),
        tuple(title for old, new in pairs for title in _only(new, old)),
        tuple(title for old, new in pairs for title in _only(old, new)),
    )


def _plans(snapshot: FrozenSnapshot) -> dict[str, Content]:
    return {one["id"]: one for one in snapshot.content["plans"]}


def _only(here: Content, there: Content) -> list[str]:
    known = {one["id"] for one in there["clauses"]}
    return [one["title"] for one in here["clauses"] if one["id"] not in known]


def _targets(old: Content, new: Content) -> Iterator[TargetChange]:
    was, now = ({one["id"]: one for one in plan["targets"]} for plan in (old, new))
    for identifier in sorted({*was, *now}):
        before, after = was.get(identifier), now.get(identifier)
        if before and after and all(before[one] == after[one] for one in ("light", "word", "actual")):
            continue
        either: Mapping[str, Any] = after or before or {}
        yield TargetChange(
            plan=str((new if after else old).get("id", "")),
            target=identifier,
            indicator=either["indicator"],
            unit=either["actual_unit"],
            before=before["light"] if before else "",
            after=after["light"] if after else "",
            before_word=_text(before["word"] if before else None),
            after_word=_text(after["word"] if after else None),
            before_value=before["actual"] if before else None,
            after_value=after["actual"] if after else None,
        )


def _duties(old: Content, new: Content, names: Mapping[str, str]) -> Iterator[DutyChange]:
    was, now = ({one["task"]: one for one in plan["duties"]} for plan in (old, new))
    titles = {one["id"]: one["title"] for one in (*old["clauses"], *new["clauses"])}
    for task in sorted({*was, *now}):
        before, after = was.get(task), now.get(task)
        if before and after and all(before[one] == after[one] for one in ("state", "overdue_days")):
            continue
        either: Mapping[str, Any] = after or before or {}
        yield DutyChange(
            task=task,
            number=either["number"],
            clause=titles.get(either["clause"], ""),
            unit=names.get(either["unit"], ""),
            before=_text(before["state"] if before else None),
            after=_text(after["state"] if after else None),
            before_overdue=before["overdue_days"] if before else 0,
            after_overdue=after["overdue_days"] if after else 0,
        )


def _text(said: Mapping[str, str] | None) -> Text:
    return Text(said["zh"], said["en"]) if said else Text("", "")
