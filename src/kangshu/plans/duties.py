"""交办: clauses become duties, and duties are seen from the plan. The case kind is found by what it carries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from kangshu.access import Grant
from kangshu.base.canonical import DEMO_TAG
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Issue, NotFound, Unsupported
from kangshu.base.text import Text
from kangshu.cases import Cases, deadline_of, kind_of, organisation_of, state_of
from kangshu.plans import shape
from kangshu.plans.model import AssignedDuty, Assignment, ClauseView, DutyView, PlanView
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Store

CARRIES = "duty"
"""What a case kind declares in `carries` when it is the one that 交办 starts."""


async def duties_of(store: Store, grant: Grant, cases: Cases, plan: str, today: date) -> list[DutyView]:
    """Return the duties that carry this plan's clauses, as far as the grant sees them."""
    found = []
    for task in await store.search_all(grant, "Task", f"focus=PlanDefinition/{plan}"):
        clause = _clause_of(task, plan)
        if clause:
            found.append(_duty(task, clause, cases, today))
    return found


def _clause_of(task: Resource, plan: str) -> str:
    for tag in task.get("meta", {}).get("tag", ()):
        code = str(tag.get("code", ""))
        if tag.get("system") == shape.PLAN_CLAUSE and code.startswith(f"{plan}."):
            return code.removeprefix(f"{plan}.")
    return ""


def _duty(task: Resource, clause: str, cases: Cases, today: date) -> DutyView:
    state, final = Text(state_of(task), state_of(task)), False
    try:
        declared = next(
            (one for one in cases.declaration(kind_of(task)).states if one.id == state_of(task)), None
        )
    except NotFound:
        declared = None
    if declared is not None:
        state, final = declared.title, declared.final
    end = deadline_of(task)
    deadline = end.astimezone(CITY_ZONE).date() if end else None
    part_of = str((task.get("partOf") or [{}])[0].get("reference", "")).removeprefix("Task/")
    return DutyView(
        task=str(task["id"]),
        clause=clause,
        unit=organisation_of(task, "owner"),
        unit_name=str((task.get("owner") or {}).get("display", "")),
        state=state,
        final=final,
        deadline=deadline,
        overdue_days=max(0, (today - deadline).days) if deadline and not final else 0,
        parent=part_of,
    )


def _values(
    declaration: CaseDeclaration,
    plan: PlanView,
    clause: ClauseView,
    lead: str,
    co_units: tuple[str, ...],
    due: date | None,
    note: str,
) -> dict[str, Any]:
    """Return the form's values: of all that a duty can say, what this kind has a field for."""
    said: Mapping[str, Any] = {
        "receiver": lead,
        "title": clause.title,
        "content": clause.text,
        "clause": _place(plan, clause),
        "plan": plan.title,
        "co_units": list(co_units),
        "due": due.isoformat() if due else None,
        "instruction": note or None,
    }
    fields = {field.id: field for field in declaration.form}
    return {name: value for name, value in said.items() if name in fields and value not in (None, [])}


def _place(plan: PlanView, clause: ClauseView) -> str:
    """Return where the clause stands: plan, chapter, section."""
    titles = {one.id: f"{one.label}{one.title}" for one in plan.sections}
    listed = [plan.title, titles.get(clause.chapter, ""), titles.get(clause.section, "")]
    return " / ".join(dict.fromkeys(one for one in listed if one))


def due_of(plan: PlanView, clause: ClauseView, today: date) -> date | None:
    """Return the end of the first year, not yet over, in which a target of the clause falls due."""
    years = sorted(
        int(target.due)
        for target in plan.targets
        if target.id in clause.targets and target.due.isdigit() and int(target.due) >= today.year
    )
    return date(years[0], 12, 31) if years else None


async def assign(
    cases: Cases,
    grant: Grant,
    plan: PlanView,
    clauses: Collection[str],
    due: date | None,
    note: str,
    today: date,
) -> Assignment:
    """Start one duty per clause and lead unit; see `Plans.assign`."""
    declaration = cases.carrying(CARRIES)
    if declaration is None:
        raise Unsupported(
            "no service of this installation carries duties; a case kind must declare 'carries: duty'",
            zh="当前系统没有可承接交办事项的服务，请先启用督查督办服务",
        )
    made: list[AssignedDuty] = []
    findings: list[Issue] = []
    for identifier in clauses:
        clause = plan.clause(identifier)
        if clause is None:
            raise NotFound(
                f"the plan has no clause '{identifier[:60]}'", zh=f"规划中没有条款“{identifier[:60]}”"
            )
        leads = tuple(dict.fromkeys(one for unit in clause.of("lead") for one in unit.organisations))
        findings += _open_questions(clause)
        co_units = tuple(
            dict.fromkeys(
                one for unit in clause.of("cooperating") for one in unit.organisations if one not in leads
            )
        )
        carried = {duty.unit for duty in clause.duties if not duty.parent and not duty.final}
        for lead in leads:
            if lead in carried:
                findings.append(
                    Issue(
                        "information",
                        "duplicate",
                        f"{plan.unit_names.get(lead, lead)} carries this clause already",
                        (identifier,),
                        f"{plan.unit_names.get(lead, lead)}已承接该条款，未重复交办",
                    )
                )
                continue
            values = _values(
                declaration, plan, clause, lead, co_units, due or due_of(plan, clause, today), note
            )
            tags = [{"system": shape.PLAN_CLAUSE, "code": f"{plan.id}.{identifier}"}]
            if plan.demo:
                tags.append({"system": DEMO_TAG, "code": "demo", "display": "演示数据"})
            started = await cases.start(
                grant,
                declaration.code,
                values,
                receiver=lead,
                title=clause.title,
                focus=f"PlanDefinition/{plan.id}",
                tags=tags,
            )
            made.append(AssignedDuty(identifier, started.id, lead, co_units))
    return Assignment(tuple(made), tuple(findings))


def _open_questions(clause: ClauseView) -> list[Issue]:
    found = []
    for unit in clause.units:
        if not unit.resolved:
            lead = unit.role == "lead"
            found.append(
                Issue(
                    "error" if lead else "warning",
                    "incomplete",
                    f"it is not known which organisation '{unit.written}' is; say it before assigning",
                    (clause.id,),
                    f"“{unit.written}”未对应到机构，{'请先确认再交办' if lead else '未列入协办'}",
                )
            )
        elif unit.outside and unit.role == "lead":
            found.append(
                Issue(
                    "warning",
                    "informational",
                    f"'{unit.written}' is none of this city's organisations: no duty was opened for it",
                    (clause.id,),
                    f"“{unit.written}”不是本市机构，未在系统内交办",
                )
            )
    return found
