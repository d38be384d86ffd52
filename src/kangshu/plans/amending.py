"""A plan is amended: what is carried by duties cannot vanish, and who holds a duty is told that its clause has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Final

from kangshu.access import Grant
from kangshu.base.faults import Conflict, Forbidden, Issue, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.cases import Cases
from kangshu.plans.changing import change_plan
from kangshu.plans.duties import CARRIES, duties_of
from kangshu.plans.model import DutyView
from kangshu.plans.revisions import amendments, name_of
from kangshu.plans.view import clauses_of
from kangshu.sdk import Resource
from kangshu.store import Store, Stored

AMEND: Final = "change"
"""What the case kind that carries duties calls the move by which its content is changed; its form takes `content` and
`comment`. A kind without it has no such way: whoever amends is told to do it by hand."""

Duties = Mapping[str, tuple[DutyView, ...]]
"""Open duties of a plan by clause, without the co-units' parts."""


@dataclass(frozen=True, slots=True)
class Amended:
    """A plan as written, how many holders of duties were told, and which could not be."""

    stored: Stored
    told: int
    issues: tuple[Issue, ...]


async def open_duties(store: Store, grant: Grant, cases: Cases, plan_id: str, today: date) -> Duties:
    """Return the open duties of a plan by clause."""
    found: dict[str, tuple[DutyView, ...]] = {}
    for duty in await duties_of(store, grant, cases, plan_id, today):
        if not duty.final and not duty.parent:
            found[duty.clause] = (*found.get(duty.clause, ()), duty)
    return found


async def amend_plan(
    store: Store,
    cases: Cases,
    grant: Grant,
    plan_id: str,
    change: Callable[[Resource], object],
    *,
    act: str,
    today: date,
    basis: str = "",
    if_match: int | None = None,
    restores: int = 0,
) -> Amended:
    """Apply `change` to the plan and tell the holders of duties whose clauses it amends.

    Raises:
        NotFound: no such plan.
        Conflict: as `change_plan`.
        Unprocessable: a clause with open duties would be gone.
    """
    carried = await open_duties(store, grant, cases, plan_id, today)
    changed: dict[str, tuple[Text, ...]] = {}

    def apply(plan: Resource) -> None:
        before = deepcopy(plan)
        change(plan)
        _keep_carried(plan, carried)
        changed.clear()
        changed.update(amendments(before, plan))

    stored = await change_plan(
        store, grant, plan_id, apply, act=act, foreign=True, if_match=if_match, restores=restores
    )
    told, issues = 0, []
    for clause, said in changed.items():
        for duty in carried.get(clause, ()):
            issue = await _tell(cases, grant, duty, stored.resource, clause, said, basis)
            told += issue is None
            issues += [issue] if issue else []
    return Amended(stored, told, tuple(issues))


def _keep_carried(plan: Resource, carried: Duties) -> None:
    standing = {str(action["id"]) for action, _, _ in clauses_of(plan)}
    lost = sorted(clause for clause in carried if clause not in standing)
    if lost:
        names = "、".join(map(name_of, lost))
        raise Unprocessable(
            f"clauses {', '.join(lost)} are carried by open duties; close or cancel those first",
            zh=f"条款{names}已交办且尚未办结，不能去掉；请先办结或撤销相应办件",
        )


async def _tell(
    cases: Cases,
    grant: Grant,
    duty: DutyView,
    plan: Resource,
    clause: str,
    said: tuple[Text, ...],
    basis: str,
) -> Issue | None:
    """Make the move that changes a duty; return what stood in the way."""
    declaration = cases.carrying(CARRIES)
    move = next((one for one in declaration.moves if one.id == AMEND), None) if declaration else None
    text = next(
        str(action.get("description", "")) for action, _, _ in clauses_of(plan) if action["id"] == clause
    )
    reasons = "；".join(one.zh for one in said)
    values = {"content": text, "comment": f"{basis}（{reasons}）" if basis else f"规划条款调整：{reasons}"}
    known = {field.id for field in move.form} if move else set()
    try:
        if move is None:
            raise Unprocessable(
                "the case kind has no move that changes a duty", zh="该类办件没有“调整任务”操作"
            )
        await cases.move(
            grant, duty.task, AMEND, {name: value for name, value in values.items() if name in known}
        )
    except (Conflict, Forbidden, NotFound, Unprocessable) as fault:
        return Issue(
            "warning",
            "incomplete",
            f"{duty.unit_name} was not told that its clause has changed: {fault.text}",
            (clause,),
            f"{duty.unit_name}的办件未能自动调整（{fault.zh}），请另行告知",
        )
    return None
