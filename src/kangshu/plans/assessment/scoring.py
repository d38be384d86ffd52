"""Scores: what a scheme gives a unit from a frozen snapshot, and what its assessment comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from kangshu.plans.assessment.formulas import FORMULAS, facts_of, rounded
from kangshu.plans.assessment.scheme import UnitClass
from kangshu.plans.snapshot_content import Content

Row = Mapping[str, Any]
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Caps:
    """How much additions and deductions may come to at most (dated parameters)."""

    additions: Decimal
    deductions: Decimal


@dataclass(frozen=True, slots=True)
class Total:
    """What an assessment comes to. `open` are the clauses that nobody has scored yet: until then it is provisional."""

    items: Decimal
    additions: Decimal
    deductions: Decimal
    waived: Decimal
    open: tuple[str, ...]

    @property
    def points(self) -> Decimal:
        """Return the points in all."""
        return self.items + self.additions - self.deductions + self.waived


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of a ranking: units with equal points share a rank."""

    unit: str
    points: Decimal
    rank: int


def scored_rows(unit_class: UnitClass, content: Content, unit: str) -> list[dict[str, Any]]:
    """Return the rows of a unit's sheet: every item of its class, the computed ones scored from the snapshot."""
    facts = facts_of(content, unit)
    rows: list[dict[str, Any]] = []
    for item in unit_class.items:
        row: dict[str, Any] = {
            "clause": item.clause,
            "group": item.group,
            "indicator": item.indicator,
            "points": item.points,
            "standard": item.standard,
            "source": item.source,
        }
        if item.source == "computed":
            formula = FORMULAS[item.formula]
            reckoned = formula.reckon(facts, item.figures, item.points)
            row |= {"inputs": f"{formula.title.zh}：{reckoned.inputs.zh}", "computed": reckoned.points}
        rows.append(row)
    return rows


def score_of(row: Row) -> Decimal | None:
    """Return the score that stands for an item: decided on appeal, else computed, else judged; None while open."""
    for name in ("decided", "computed", "judged"):
        if row.get(name) is not None:
            return Decimal(str(row[name]))
    return None


def ground_of(row: Row) -> str:
    """Return why an item has its score, in words."""
    for name, words in (
        ("decided", ("decision",)),
        ("computed", ("inputs",)),
        ("judged", ("inputs", "ground")),
    ):
        if row.get(name) is not None:
            return "；".join(str(row[word]) for word in words if row.get(word))
    return str(row.get("inputs") or "")


def total_of(items: Sequence[Row], adjustments: Iterable[Row], waivers: Iterable[Row], caps: Caps) -> Total:
    """Return what an assessment comes to.

    Additions and deductions count up to their caps. A waiver (容错) gives back at most what was lost: the deductions
    that count, and the points that items fell short of.
    """
    scores = {str(row["clause"]): score_of(row) for row in items}
    gained = sum((score for score in scores.values() if score is not None), _NOTHING)
    listed = list(adjustments)
    additions = min(caps.additions, _sum(row for row in listed if row["kind"] == "addition"))
    deductions = min(caps.deductions, _sum(row for row in listed if row["kind"] == "deduction"))
    short = sum(
        (Decimal(str(row["points"])) - (scores[str(row["clause"])] or _NOTHING) for row in items), _NOTHING
    )
    waived = min(_sum(waivers), deductions + short)
    return Total(
        rounded(gained),
        rounded(additions),
        rounded(deductions),
        rounded(waived),
        tuple(clause for clause, score in scores.items() if score is None),
    )


def ranking(points: Mapping[str, Decimal]) -> tuple[Ranked, ...]:
    """Return units by points, the most first; equal points share a rank and the next one is skipped."""
    ordered = sorted(points.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        Ranked(unit, gained, 1 + sum(other > gained for other in points.values())) for unit, gained in ordered
    )


def _sum(rows: Iterable[Row]) -> Decimal:
    return sum((Decimal(str(row["points"])) for row in rows if row.get("points") is not None), _NOTHING)
