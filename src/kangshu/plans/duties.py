"""交办: clauses become duties, and duties are seen from the plan. The case kind is found by what it carries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import DEMO_TAG, structure
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Issue, NotFound, Unsupported
from kangshu.base.text import Text
from kangshu.cases import Cases, deadline_of, kind_of, number_of, organisation_of, state_of, urged_of
from kangshu.plans import shape
from kangshu.plans.duty_list import DutyEntry, entry_for, form_values, is_vague
from kangshu.plans.elements import extension_value
from kangshu.plans.model import LIGHT_TITLES, ClauseView, DutyView, PlanView, worst
from kangshu.plans.outcomes import AssignedDuty, Assignment
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Store

CARRIES = "duty"
"""What a case kind declares in `carries` when it is the one that 交办 starts."""
CARRIES_SLIP: Final = "slip"
"""What a case kind declares in `carries` when it is the 督办单 about a case that is late."""
NO_TARGETS: Final[Mapping[str, str]] = {"light": "none", "reasons": "该条款没有目标"}
SLIP_COLOURS: Final = ("blue", "yellow", "red")


async def duties_of(store: Store, grant: Grant, cases: Cases, plan: str, today: date) -> list[DutyView]:
    """Return the duties that carry this plan's clauses, as far as the grant sees them."""
    found = []
    for task in await store.search_all(grant, "Task", f"focus=PlanDefinition/{plan}"):
        carried, clause = clause_carried(task)
        if carried == plan and clause:
            found.append(duty_view(task, clause, cases, today))
    return found


def clause_carried(task: Resource) -> tuple[str, str]:
    """Return the ids of the plan and the clause that a case carries, "" for neither."""
    for tag in task.get("meta", {}).get("tag", ()):
        if tag.get("system") == shape.PLAN_CLAUSE:
            plan, _, clause = str(tag.get("code", "")).partition(".")
            return plan, clause
    return "", ""


def target_facts(plan: PlanView, clause_id: str) -> Mapping[str, str]:
    """Return the worst light of a clause's targets and, in words, why."""
    clause = plan.clause(clause_id)
    targets = [one for one in plan.targets if clause is not None and one.id in clause.targets]
    if not targets:
        return NO_TARGETS
    told = [
        f"{one.indicator}：{LIGHT_TITLES[one.light.light].zh}（{one.light.explanation.zh}）"
        for one in targets
    ]
    return {"light": worst([one.light.light for one in targets]), "reasons": "；".join(told)}


def duty_view(task: Resource, clause: str, cases: Cases, today: date) -> DutyView:
    """Return a duty in the case's own words."""
    state, final, box = Text(state_of(task), state_of(task)), False, "none"
    try:
        declared = next(
            (one for one in cases.declaration(kind_of(task)).states if one.id == state_of(task)), None
        )
    except NotFound:
        declared = None
    if declared is not None:
        state, final, box = declared.title, declared.final, declared.box
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
        number=number_of(task),
        state_id=state_of(task),
        waits_for="" if final or box == "none" else box,
        nodes={
            quarter: str(day)
            for quarter in (1, 2, 3, 4)
            if (day := extension_value(task, structure(f"quarter-{quarter}-reported")))
        },
        slips={
            colour: int(count)
            for colour in SLIP_COLOURS
            if (count := extension_value(task, structure(f"slips-{colour}")))
        },
        urged=urged_of(task),
        started=_day(task.get("authoredOn")),
    )


def _day(lexeme: object) -> date | None:
    return datetime.fromisoformat(str(lexeme)).astimezone(CITY_ZONE).date() if lexeme else None


def _values(
    declaration: CaseDeclaration,
    plan: PlanView,
    clause: ClauseView,
    lead: str,
    co_units: tuple[str, ...],
    due: date | None,
    note: str,
    entry: DutyEntry | None,
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
        **(form_values(entry) if entry is not None else {}),
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


def assignable(
    plan: PlanView, clause: ClauseView, entries: Iterable[DutyEntry], year: int
) -> tuple[tuple[tuple[str, str], ...], tuple[Issue, ...]]:
    """Return (id, name) of the lead units that may get a duty for the clause now, and what keeps others from it."""
    held = tuple(entries)
    findings = _open_questions(clause)
    carried = {duty.unit for duty in clause.duties if not duty.parent and not duty.final}
    found: list[tuple[str, str]] = []
    for lead in dict.fromkeys(one for unit in clause.of("lead") for one in unit.organisations):
        name = plan.unit_names.get(lead, lead)
        if lead in carried:
            findings.append(
                Issue(
                    "information",
                    "duplicate",
                    f"{name} carries this clause already",
                    (clause.id,),
                    f"{name}已承接该条款，未重复交办",
                )
            )
        elif is_vague(clause, entry_for(held, clause.id, lead, year)):
            findings.append(
                Issue(
                    "error",
                    "incomplete",
                    "the clause encourages and names no figure: say in the list of duties when it counts as done",
                    (clause.id,),
                    f"待明确：鼓励、支持类条款未写明完成标准，请先在责任清单中为{name}填写",
                )
            )
        else:
            found.append((lead, name))
    return tuple(found), tuple(findings)


async def assign(
    cases: Cases,
    grant: Grant,
    plan: PlanView,
    clauses: Collection[str],
    due: date | None,
    note: str,
    today: date,
    entries: Collection[DutyEntry] = (),
    year: int = 0,
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
        leads, hindered = assignable(plan, clause, entries, year)
        findings += hindered
        for lead, _ in leads:
            entry = entry_for(entries, identifier, lead, year)
            co_units = entry.co_units if entry is not None else _co_units(clause)
            own = date.fromisoformat(entry.due) if entry is not None and entry.due else None
            values = _values(
                declaration,
                plan,
                clause,
                lead,
                co_units,
                due or own or due_of(plan, clause, today),
                note,
                entry,
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


def _co_units(clause: ClauseView) -> tuple[str, ...]:
    """Return the organisations that cooperate; a unit that leads cooperates in nothing."""
    leads = {one for unit in clause.of("lead") for one in unit.organisations}
    return tuple(
        dict.fromkeys(
            one for unit in clause.of("cooperating") for one in unit.organisations if one not in leads
        )
    )


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
