"""销号条件: the items of a move's checklist, ticked or missing, each with what it was reckoned from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kangshu.base.faults import Issue, Unprocessable
from kangshu.base.text import Text
from kangshu.sdk import ChecklistItem, Move

Holds = Callable[[str], bool]
Finds = Callable[[str], list[str]]
"""An expression → the texts that it finds over the case."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """One item of a checklist as it stands. `met_by_reason`: it holds only for the reason that was entered."""

    item: ChecklistItem
    met: bool
    evidence: tuple[str, ...]
    met_by_reason: bool = False


def ticked(move: Move, form: Mapping[str, Any], holds: Holds, finds: Finds) -> tuple[Ticked, ...]:
    """Return every item of the move's checklist, with the form's values as entered so far."""
    found = []
    for item in move.checklist:
        held = holds(item.check)
        reason = bool(item.reason and str(form.get(item.reason) or "").strip())
        evidence = tuple(finds(item.evidence)) if item.evidence else ()
        found.append(Ticked(item, held or reason, evidence, reason and not held))
    return tuple(found)


def missing(items: Iterable[Ticked]) -> tuple[Ticked, ...]:
    """Return the items that are not met and that no reason in the form could meet."""
    return tuple(one for one in items if not one.met and not one.item.reason)


def blocking(items: Iterable[Ticked]) -> Text | None:
    """Return what keeps the move from being made at all, None where the form can still meet the rest."""
    found = missing(items)
    if not found:
        return None
    return Text(
        "尚未满足：" + "；".join(one.item.title.zh for one in found),
        "not met yet: " + "; ".join(one.item.title.en for one in found),
    )


def refuse_unmet(items: Iterable[Ticked]) -> None:
    """Raise Unprocessable with an issue per item that is not met."""
    issues = tuple(_issues(items))
    if issues:
        raise Unprocessable(
            f"{len(issues)} conditions of this move are not met",
            zh=f"有 {len(issues)} 项条件尚未满足，不能办理",
            issues=issues,
        )


def _issues(items: Iterable[Ticked]) -> Iterator[Issue]:
    for one in items:
        if not one.met:
            item = one.item
            place = (item.reason,) if item.reason else ()
            yield Issue("error", "business-rule", item.title.en, place, item.title.zh)
