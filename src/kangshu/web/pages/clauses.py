"""From a case or target back to the words of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from kangshu.base.canonical import code_system
from kangshu.base.faults import Fault
from kangshu.sdk import Resource
from kangshu.web.visit import Visit

PLAN_CLAUSE: Final = code_system("plan-clause")
"""meta.tag system of what carries a clause: `plan.clause`."""
PLAN_TARGET: Final = code_system("plan-target")
"""meta.tag system of what is about a target: `plan.target`."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause's words and the place where they stand in the document."""

    text: str
    address: str
    about: str = ""
    """Page of the target or case that it is about, "" for the clause itself."""
    about_title: str = ""


def clause_address(plan: str, finding: str) -> str:
    """Return the page of the document with one finding lit."""
    return f"/plans/{plan}/document?{urlencode({'clause': finding})}#{finding}"


async def clause_of(visit: Visit, task: Resource) -> Clause | None:
    """Return the clause that a duty carries or an instruction is about; None where there is none to be seen."""
    if not visit.grant.may("plan.read"):
        return None
    for plan_id, finding in _pointers(task):
        try:
            plan = await visit.platform.plans.plan(visit.grant, plan_id)
        except Fault:
            continue
        target = plan.target(finding)
        clause = plan.clause(target.clause if target is not None else finding)
        if target is not None:
            text = clause.text if clause is not None else plan.text[target.anchor.start : target.anchor.end]
            page = f"/plans/{plan_id}/targets/{target.id}"
            return Clause(text, clause_address(plan_id, target.id), page, target.indicator)
        if clause is not None:
            return Clause(clause.text, clause_address(plan_id, finding))
    focus = str((task.get("focus") or {}).get("reference", ""))
    if focus.startswith("Task/"):
        return await _of_case(visit, focus.removeprefix("Task/"))
    return None


async def _of_case(visit: Visit, id_: str) -> Clause | None:
    """Return the clause of the case that this one is about."""
    try:
        task = (await visit.platform.store.read(visit.grant, "Task", id_)).resource
    except Fault:
        return None
    if str((task.get("focus") or {}).get("reference", "")).startswith("Task/"):
        return None
    found = await clause_of(visit, task)
    if found is None:
        return None
    return Clause(found.text, found.address, f"/cases/{id_}", str(task.get("description", "")))


def _pointers(task: Resource) -> list[tuple[str, str]]:
    """Return (plan id, clause or target id) of what a Task carries or is about, from its tags."""
    found = []
    for tag in task.get("meta", {}).get("tag", ()):
        if tag.get("system") in (PLAN_CLAUSE, PLAN_TARGET):
            plan, _, finding = str(tag.get("code", "")).partition(".")
            found.append((plan, finding))
    return found
