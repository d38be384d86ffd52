"""挂图作战: targets with their lights, sections × units, and the clauses that may be assigned (交办)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.base.faults import Unprocessable
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.visit import Visit, texts

_TITLE = 26


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
class TargetCard:
    """One target on the board."""

    title: str
    address: str
    tone: str
    light: str
    value: str
    unit: str
    target: str
    due: str
    why: str
    trend: Sequence[float | None]
    clause: str
    clause_address: str
    units: str


@dataclass(frozen=True, slots=True)
class BoardItem:
    """One unit's part in one chapter."""

    tone: str
    light: str
    label: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One chapter: a list of items for each unit."""

    title: str
    cells: list[list[BoardItem]]


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
    adopt: bool


def short(text: str, length: int = _TITLE) -> str:
    """Return the beginning of a text, marked as cut where it is."""
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def target_text(target: Any) -> str:
    """Return what a target asks for, as the document says it: ≥ 55 %."""
    signs = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "=": "", "about": "约", "increase_to": "≥", "decrease_to": "≤",
             "increase_by": "+", "decrease_by": "-", "double": "×"}  # fmt: skip
    value = target.value
    figure = "–".join(number(one) for one in value) if isinstance(value, tuple) else number(value)
    return f"{signs.get(target.comparator, '')} {figure}{target.unit}".strip()


def number(value: Any) -> str:
    """Return a figure without needless zeros."""
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text and text.replace(".", "").isdigit() else text


def due_text(visit: Visit, target: Any) -> str:
    """Return until when: a year; a masked one is said to be unknown."""
    if target.masked:
        return visit.words("年份未公布（{year}）", year=target.due or "xxxx")
    return visit.words("{year} 年底前", year=target.due) if target.due else ""


def value_text(value: Any) -> str:
    """Return a target's value to two places; "—" where it is unknown."""
    return "—" if value is None else number(round(value, 2))


async def board(visit: Visit) -> Response:
    """Show the board of one plan."""
    words, id_ = visit.words, visit.path("id")
    found = await visit.platform.plans.board(visit.grant, id_)
    plan, address = found.plan, f"/plans/{id_}"
    names = plan.unit_names
    assigned = sum(1 for clause in plan.clauses if clause.duties)
    titles = {section.id: " ".join(filter(None, (section.label, section.title))) for section in plan.sections}
    lights = found.lights
    return visit.render(
        "board.html",
        title=plan.title,
        lead=words(
            "{tasks} 条任务、{targets} 个目标，{units} 个责任单位",
            tasks=len(plan.clauses),
            targets=len(plan.targets),
            units=len(found.units),
        ),
        address=address,
        foreign=plan.foreign,
        counts=Counts(
            lights.get("red", 0),
            lights.get("amber", 0),
            lights.get("green", 0),
            lights.get("grey", 0),
            len(plan.clauses),
            assigned,
        ),
        targets=[_card(visit, plan, one, titles) for one in _worst_first(plan.targets)],
        units=[name or words("待确认单位") for _, name in found.units],
        sections=[
            BoardRow(
                titles.get(chapter.id, chapter.title),
                [_items(visit, found, chapter.id, unit) for unit, _ in found.units],
            )
            for chapter in found.chapters
        ],
        clauses=[_clause(visit, plan, one, names, titles) for one in plan.clauses],
    )


def _worst_first(targets: Iterable[Any]) -> list[Any]:
    order = {"red": 0, "amber": 1, "green": 2, "grey": 3}
    return sorted(targets, key=lambda one: order.get(one.light.light, 4))


def _card(visit: Visit, plan: Any, target: Any, titles: dict[str, str]) -> TargetCard:
    words, light = visit.words, target.light
    clause = plan.clause(target.clause) if target.clause else None
    leads = [unit.written for unit in clause.of("lead")] if clause else []
    return TargetCard(
        target.indicator,
        f"/plans/{plan.id}/targets/{target.id}",
        light.light,
        words(LIGHT_WORDS[light.light]),
        value_text(light.value),
        target.unit if light.value is not None else "",
        target_text(target),
        due_text(visit, target),
        words.of(light.explanation),
        (),
        titles.get(target.section, "") or words("原文"),
        clause_address(plan.id, target.id),
        "、".join(leads),
    )


def _items(visit: Visit, found: Any, chapter: str, unit: str) -> list[BoardItem]:
    cell = found.cells.get((chapter, unit))
    if cell is None:
        return []
    words = visit.words
    parts = []
    if cell.clauses:
        parts.append(words("任务 {count}", count=len(cell.clauses)))
    if cell.targets:
        parts.append(words("目标 {count}", count=len(cell.targets)))
    late = words("超期 {count} 件", count=cell.overdue) if cell.overdue else ""
    light = cell.light
    spread = "　".join(
        f"{words(LIGHT_WORDS[one])} {cell.lights[one]}" for one in LIGHT_WORDS if cell.lights.get(one)
    )
    address = clause_address(found.plan.id, (cell.targets or cell.clauses)[0])
    return [BoardItem(light, words(LIGHT_WORDS[light]), " · ".join(parts), late or spread, address)]


def _clause(
    visit: Visit, plan: Any, clause: Any, names: dict[str, str], titles: dict[str, str]
) -> ClauseLine:
    words, grant = visit.words, visit.grant

    def units(role: str) -> str:
        found = []
        for unit in clause.of(role):
            known = [names.get(one, "") for one in unit.organisations]
            found.append(
                unit.written if unit.resolved or not known else f"{unit.written}（{words('待确认')}）"
            )
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
        grant.may("plan.assign") and not plan.foreign and not duties,
        grant.may("plan.adopt") and plan.foreign and not clause.adopted_as,
    )


async def assign(visit: Visit) -> Response:
    """交办: start the duties of one clause."""
    id_, form = visit.path("id"), texts(await visit.form())
    made = await visit.platform.plans.assign(visit.grant, id_, [form.get("action", "")])
    if not made.duties and made.findings:
        raise Unprocessable(made.findings[0].text, zh=made.findings[0].zh, issues=made.findings)
    return visit.go(f"/plans/{id_}", said="assigned")


async def adopt(visit: Visit) -> Response:
    """采纳: copy one clause of another city's plan to our own."""
    id_, form = visit.path("id"), texts(await visit.form())
    made = await visit.platform.plans.adopt(visit.grant, id_, [form.get("action", "")])
    return visit.go(f"/plans/{made.plan}", said="adopted")
