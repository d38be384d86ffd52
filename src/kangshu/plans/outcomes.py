"""How plans are listed, and what acts on them come to: an import, 交办, 采纳, a suggested measure, the board."""

from __future__ import annotations

from dataclasses import dataclass

from kangshu.base.faults import Issue
from kangshu.base.text import Text
from kangshu.plans.model import Light, PlanState, PlanView, SectionView, worst


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line of the list of plans."""

    id: str
    title: str
    jurisdiction: str
    foreign: bool
    imported: str
    clauses: int
    targets: int
    unresolved: int
    demo: bool
    state: PlanState = "in-force"
    kind: str = "plan"


@dataclass(frozen=True, slots=True)
class PlanImport:
    """What an import made. `already` is true when the same document had been imported before."""

    plan: str
    title: str
    jurisdiction: str
    foreign: bool
    already: bool
    clauses: int
    targets: int
    money: int
    units: int
    unresolved: tuple[str, ...]
    findings: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A measure that a target may be linked to, and the words that say so."""

    target: str
    measure: str
    title: Text
    matched: str
    score: float = 1.0
    """1 where the measure's own expression fits, below by how much of its title stands in the target's words."""
    as_share: bool = False
    """Whether the measure tells the share that meets the figure: it is compared with 100 %."""


@dataclass(frozen=True, slots=True)
class AssignedDuty:
    """A case that 交办 started."""

    clause: str
    task: str
    unit: str
    co_units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What 交办 did: the cases started, and what could not be assigned and why."""

    duties: tuple[AssignedDuty, ...]
    findings: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Adoption:
    """What 采纳 made: our own plan that holds the copies, and the ids of the clauses and targets there."""

    plan: str
    clauses: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoardCell:
    """Clauses and targets of one unit in one chapter, counted by light."""

    unit: str
    chapter: str
    clauses: tuple[str, ...]
    targets: tuple[str, ...]
    lights: dict[Light, int]
    overdue: int

    @property
    def light(self) -> Light:
        """Return the worst light in the cell."""
        return worst([light for light, count in self.lights.items() if count])


@dataclass(frozen=True, slots=True)
class Board:
    """挂图作战: chapters down, units across. `units` are (id, name) by how much stands with them."""

    plan: PlanView
    chapters: tuple[SectionView, ...]
    units: tuple[tuple[str, str], ...]
    cells: dict[tuple[str, str], BoardCell]
    """(chapter id, unit id) → cell; a unit of "" gathers what stands with nobody known."""
    lights: dict[Light, int]
    """Targets of the whole plan by light."""
