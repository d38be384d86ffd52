"""Another city's plan: its clauses and targets without values, and 采纳 clause by clause with a look at what is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.base.faults import NotFound
from kangshu.web.pages.clauses import clause_address
from kangshu.web.pages.figures_text import due_text, short, target_text
from kangshu.web.visit import Visit, texts


@dataclass(frozen=True, slots=True)
class ForeignTarget:
    """One target of another city's plan: what it asks for, and no value."""

    title: str
    figure: str
    due: str
    address: str
    id: str = ""
    adopted: str = ""
    """Address of our plan that has taken it over by itself, "" for none."""


@dataclass(frozen=True, slots=True)
class ForeignClause:
    """One clause of another city's plan."""

    id: str
    place: str
    title: str
    text: str
    leads: str
    partners: str
    targets: Sequence[ForeignTarget]
    address: str
    adopted: str
    """Address of our plan that has taken it over, "" for none."""


async def show(visit: Visit, plan: Any, error: str = "") -> Response:
    """Show another city's plan."""
    grant = visit.grant
    clauses = [_clause(visit, plan, one) for one in plan.clauses]
    loose = [_target(visit, plan, one) for one in plan.targets if not one.clause]
    return visit.render(
        "plan_foreign.html",
        422 if error else 200,
        error=error,
        title=plan.title,
        address=f"/plans/{plan.id}",
        clauses=clauses,
        loose=loose,
        targets=len(plan.targets),
        adopted=sum(1 for one in clauses if one.adopted),
        ours=next((one.adopted for one in clauses if one.adopted), ""),
        may_adopt=grant.may("plan.adopt"),
    )


def _clause(visit: Visit, plan: Any, one: Any) -> ForeignClause:
    sections = {
        section.id: " ".join(filter(None, (section.label, section.title))) for section in plan.sections
    }
    return ForeignClause(
        one.id,
        sections.get(one.section, ""),
        short(one.title or one.text, 60),
        one.text,
        "、".join(unit.written for unit in one.of("lead")),
        "、".join(unit.written for unit in one.of("cooperating")),
        [_target(visit, plan, found) for found in map(plan.target, one.targets) if found is not None],
        clause_address(plan.id, one.id),
        f"/plans/{one.adopted_as}" if one.adopted_as else "",
    )


def _target(visit: Visit, plan: Any, one: Any) -> ForeignTarget:
    return ForeignTarget(
        one.indicator,
        target_text(one),
        due_text(visit, one),
        clause_address(plan.id, one.id),
        one.id,
        f"/plans/{one.adopted_as}" if one.adopted_as else "",
    )


@dataclass(frozen=True, slots=True)
class CopiedUnit:
    """A unit as the other city writes it, and ours that does the same work ("" for an open question)."""

    written: str
    ours: str


@dataclass(frozen=True, slots=True)
class CopiedClause:
    """What one clause would be in our plan."""

    id: str
    title: str
    text: str
    leads: Sequence[CopiedUnit]
    partners: Sequence[CopiedUnit]
    targets: Sequence[ForeignTarget]


async def preview(visit: Visit) -> Response:
    """Show what adopting the chosen clauses (`?clause=`, repeated) would copy."""
    id_ = visit.path("id")
    chosen = list(dict.fromkeys(visit.request.query_params.getlist("clause")))
    plan = await visit.platform.plans.plan(visit.grant, id_)
    if visit.query("all"):
        chosen = [one.id for one in plan.clauses] + [one.id for one in plan.targets if not one.clause]
    if not plan.foreign:
        raise NotFound("the plan is our own already", zh="该规划已是本市规划，无需采纳")
    if not chosen:
        return await show(visit, plan, visit.words("请至少选择一条条款"))
    found = await visit.platform.plans.preview_adoption(visit.grant, id_, chosen)
    targets = {one.id: one for one in found.targets}

    def units(clause: Any, role: str) -> list[CopiedUnit]:
        return [
            CopiedUnit(unit.written, "、".join(found.unit_names.get(one, one) for one in unit.organisations))
            for unit in clause.of(role)
        ]

    alone = {one.id for one in plan.targets if not one.clause and not one.adopted_as}
    clauses = [
        CopiedClause(
            one.id,
            short(one.title or one.text, 60),
            one.text,
            units(one, "lead"),
            units(one, "cooperating"),
            [_target(visit, plan, targets[target]) for target in one.targets if target in targets],
        )
        for one in found.clauses
    ]
    open_units = {unit.written for one in clauses for unit in (*one.leads, *one.partners) if not unit.ours}
    return visit.render(
        "plan_adopt.html",
        title=plan.title,
        address=f"/plans/{id_}",
        ours=found.title,
        ours_address="" if found.new else f"/plans/{found.plan}",
        new=found.new,
        clauses=clauses,
        loose=[_target(visit, plan, one) for one in found.targets if one.id in alone],
        already=len(found.already),
        open_units=sorted(open_units),
    )


async def adopt(visit: Visit) -> Response:
    """采纳: copy the chosen clauses to our own plan of adopted clauses."""
    id_, form = visit.path("id"), texts(await visit.form())
    chosen = [one for one in form.get("action", "").split(",") if one]
    made = await visit.platform.plans.adopt(visit.grant, id_, chosen)
    return visit.go(f"/plans/{made.plan}", said="adopted")
