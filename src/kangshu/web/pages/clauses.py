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


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause's words and the place where they stand in the document."""

    text: str
    address: str


def clause_address(plan: str, finding: str) -> str:
    """Return the page of the document with one finding lit."""
    return f"/plans/{plan}/document?{urlencode({'clause': finding})}#{finding}"


async def clause_of(visit: Visit, task: Resource) -> Clause | None:
    """Return the clause that a duty carries; None for other cases, or where the plan is not to be seen."""
    if not visit.grant.may("plan.read"):
        return None
    for plan_id, clause_id in _pointers(task):
        try:
            plan = await visit.platform.plans.plan(visit.grant, plan_id)
        except Fault:
            continue
        clause = plan.clause(clause_id)
        if clause is not None:
            return Clause(clause.text, clause_address(plan_id, clause_id))
    return None


def _pointers(task: Resource) -> list[tuple[str, str]]:
    """Return (plan id, clause id) of the clause that a Task carries, from its tags."""
    found = []
    for tag in task.get("meta", {}).get("tag", ()):
        if tag.get("system") == PLAN_CLAUSE:
            plan, _, clause = str(tag.get("code", "")).partition(".")
            found.append((plan, clause))
    return found
