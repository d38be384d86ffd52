"""挂图作战: targets with their lights, sections × units, and the clauses that may be assigned (交办)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.web import figures
from kangshu.web.pages.board_targets import card, chosen, filters, worst_first
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.figures_text import short, target_text, unit_text, value_text
from kangshu.web.pages.hints import missing
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.pages.standing import approved_text, stands
from kangshu.web.visit import Visit

_IN_CELL = 2


@dataclass(frozen=True, slots=True)
class Counts:
    """Targets by light, clauses, and how many clauses have been assigned."""

    red: int
    amber: int
    green: int
    grey: int
    tasks: int
    assigned: int


@dataclass(frozen=True, slots=True)
class BoardItem:
    """One target of a cell with its live number."""

    tone: str
    light: str
    title: str
    value: str
    address: str


@dataclass(frozen=True, slots=True)
class BoardCell:
    """One unit's part in one chapter: its light, its worst targets, how many more, and its clauses."""

    tone: str
    light: str
    items: list[BoardItem]
    more: int
    clauses: int
    assigned: int
    late: int
    address: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One unit (or chapter): a cell for each chapter (or unit), None where the unit has no part in it."""

    title: str
    cells: list[BoardCell | None]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Units × chapters. The longer side runs down the page, so that the table fits its width."""

    corner: str
    heads: list[str]
    rows: list[BoardRow]


@dataclass(frozen=True, slots=True)
class DutyLink:
    """A duty of a clause."""

    address: str
    tone: str
    light: str


@dataclass(frozen=True, slots=True)
class ClauseLine:
    """One clause with its units and duties."""

    id: str
    label: str
    title: str
    address: str
    leads: str
    partners: str
    duties: list[DutyLink]
    assign: bool


async def show(visit: Visit, found: Any) -> Response:
    """Show the board of one of our own plans."""
    words, id_ = visit.words, visit.path("id")
    plan, address = found.plan, f"/plans/{id_}"
    review = await visit.platform.plans.review_of(visit.grant, id_) if visit.grant.may("plan.link") else None
    names = plan.unit_names
    trends = await figures.trends(visit, {one.measure for one in plan.targets if one.light.value is not None})
    units = sorted(found.units, key=lambda pair: pair[0] == "")
    assigned = sum(1 for clause in plan.clauses if clause.duties)
    titles = {section.id: " ".join(filter(None, (section.label, section.title))) for section in plan.sections}
    lights = found.lights
    choices = filters(visit, plan, [(one.id, titles.get(one.id, one.title)) for one in found.chapters])
    shown = chosen(plan, choices)
    return visit.render(
        "board.html",
        title=plan.title,
        lead=words(
            "{tasks} 条任务、{targets} 个目标，{units} 个责任单位",
            tasks=len(plan.clauses),
            targets=len(plan.targets),
            units=sum(1 for one, _ in units if one),
        ),
        address=address,
        stands=stands(visit, plan),
        approved=approved_text(visit, plan.progress),
        missing=await missing(visit, plan),
        to_review=review.open_questions if review else None,
        counts=Counts(
            lights.get("red", 0),
            lights.get("amber", 0),
            lights.get("green", 0),
            lights.get("grey", 0),
            len(plan.clauses),
            assigned,
        ),
        filters=choices,
        filtered=any(one.value for one in choices),
        targets=[
            card(visit, plan, one, titles, trends.get(one.measure, ()))
            for one in worst_first(shown)
            if one.light.value is not None
        ],
        unknown=[card(visit, plan, one, titles, ()) for one in shown if one.light.value is None],
        evidence_address=f"{address}/evidence" if visit.grant.may("plan.link") else "",
        matrix=_matrix(visit, found, units, titles),
        clauses=[_clause(visit, plan, one, names, titles) for one in plan.clauses],
    )


def _matrix(visit: Visit, found: Any, units: Sequence[tuple[str, str]], titles: dict[str, str]) -> Matrix:
    """Return the table of what each unit has to do in each chapter; chapters without a part of anybody are left out."""
    words = visit.words
    parts = {chapter for chapter, _ in found.cells}
    down = [(unit, name or words("全市（未列单位）")) for unit, name in units]
    across = [(one.id, titles.get(one.id, one.title)) for one in found.chapters if one.id in parts]
    if len(down) >= len(across):
        rows = [BoardRow(name, [_cell(visit, found, one, unit) for one, _ in across]) for unit, name in down]
        return Matrix(words("责任单位"), [title for _, title in across], rows)
    rows = [BoardRow(title, [_cell(visit, found, one, unit) for unit, _ in down]) for one, title in across]
    return Matrix(words("篇章"), [name for _, name in down], rows)


def _cell(visit: Visit, found: Any, chapter: str, unit: str) -> BoardCell | None:
    """Return what one unit has to do in one chapter; known targets first, the worst first."""
    cell = found.cells.get((chapter, unit))
    if cell is None:
        return None
    words, plan = visit.words, found.plan
    targets = worst_first(one for one in map(plan.target, cell.targets) if one is not None)
    known = [one for one in targets if one.light.value is not None][:_IN_CELL]
    clauses = [one for one in map(plan.clause, cell.clauses) if one is not None]
    light = cell.light
    first = clauses[0].id if clauses else targets[0].id if targets else ""
    return BoardCell(
        light,
        words(LIGHT_WORDS[light]),
        [
            BoardItem(
                one.light.light,
                words.of(one.light.title),
                one.indicator,
                f"{value_text(one.light.value)}{unit_text(one)} / {target_text(one)}",
                f"/plans/{plan.id}/targets/{one.id}",
            )
            for one in known
        ],
        len(targets) - len(known),
        len(clauses),
        sum(1 for one in clauses if one.duties),
        cell.overdue,
        clause_address(plan.id, first) if first else "",
    )


def _clause(
    visit: Visit, plan: Any, clause: Any, names: dict[str, str], titles: dict[str, str]
) -> ClauseLine:
    words, grant = visit.words, visit.grant

    def units(role: str) -> str:
        found = []
        for unit in clause.of(role):
            found.append(unit.written if unit.resolved else f"{unit.written}（{words('待确认')}）")
        return "、".join(found)

    duties = [
        DutyLink(
            f"/cases/{one.task}",
            "green" if one.final else "red" if one.overdue_days > 0 else "blue",
            f"{one.unit_name} {words.of(one.state)}",
        )
        for one in clause.duties
        if not one.parent
    ]
    return ClauseLine(
        clause.id,
        titles.get(clause.section, ""),
        short(clause.title or clause.text, 60),
        clause_address(plan.id, clause.id),
        units("lead"),
        units("cooperating"),
        duties,
        grant.may("plan.assign") and not duties,
    )
