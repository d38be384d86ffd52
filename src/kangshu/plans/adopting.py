"""采纳: clauses of another city's plan become our own, and what that would copy can be looked at before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from kangshu.access import Grant
from kangshu.base.faults import Gone, NotFound, Unprocessable
from kangshu.plans import editing
from kangshu.plans.importing import directory
from kangshu.plans.model import ClauseView, TargetView
from kangshu.plans.outcomes import Adoption
from kangshu.plans.view import plan_row, plan_view
from kangshu.sdk import Resource
from kangshu.store import Store, Stored


@dataclass(frozen=True, slots=True)
class AdoptionPreview:
    """What 采纳 would copy: our plan that takes it, the clauses with our own units, and their targets."""

    plan: str
    title: str
    new: bool
    """Whether our plan is made by this."""
    clauses: tuple[ClauseView, ...]
    already: tuple[str, ...]
    """Ids of chosen clauses that our plan holds already."""
    targets: tuple[TargetView, ...]
    unit_names: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Copies:
    theirs: Resource
    ours: Resource
    before: Stored | None
    clauses: tuple[str, ...]
    targets: tuple[str, ...]


async def _copies(
    store: Store, grant: Grant, stored: Stored, clauses: Collection[str], jurisdiction: str, today: date
) -> _Copies:
    if not plan_row(stored.resource).foreign:
        raise Unprocessable("the plan is our own already", zh="该规划已是本市规划，无需采纳")
    if not jurisdiction:
        raise Unprocessable("the installation has no jurisdiction yet", zh="尚未设置本市行政区划")
    if not clauses:
        raise Unprocessable("choose at least one clause", zh="请至少选择一条条款")
    units, _ = await directory(store, grant, jurisdiction)
    try:
        own: Stored | None = await store.read(grant, "PlanDefinition", f"adopted-{stored.id}")
    except (NotFound, Gone):
        own = None
    before = own.resource if own else None
    theirs, ours, made, targets = editing.adopt(
        stored.resource, clauses, before, jurisdiction, units, today.isoformat()
    )
    return _Copies(theirs, ours, own, made, targets)


async def preview(
    store: Store, grant: Grant, stored: Stored, clauses: Collection[str], jurisdiction: str, today: date
) -> AdoptionPreview:
    """Return what adopting would write, and write nothing; see `Plans.preview_adoption`."""
    copies = await _copies(store, grant, stored, clauses, jurisdiction, today)
    view = plan_view(copies.ours, "", {})
    held = {one.id for one in plan_view(copies.before.resource, "", {}).clauses} if copies.before else set()
    ids = sorted({one for clause in view.clauses for unit in clause.units for one in unit.organisations})
    names: dict[str, str] = {}
    if ids:
        found = await store.search_all(grant, "Organization", f"_id={','.join(ids)}")
        names = {str(one["id"]): str(one.get("name", "")) for one in found}
    return AdoptionPreview(
        view.id,
        view.title,
        copies.before is None,
        tuple(one for one in view.clauses if one.id in copies.clauses and one.id not in held),
        tuple(one for one in copies.clauses if one in held),
        tuple(one for one in view.targets if one.id in copies.targets),
        names,
    )


async def adopt(
    store: Store, grant: Grant, stored: Stored, clauses: Collection[str], jurisdiction: str, today: date
) -> Adoption:
    """Copy the clauses and note it in the other plan, in one transaction; see `Plans.adopt`."""
    copies = await _copies(store, grant, stored, clauses, jurisdiction, today)
    async with store.transaction(grant) as transaction:
        await transaction.update(copies.theirs, if_match=stored.version)
        await transaction.update(copies.ours, if_match=copies.before.version if copies.before else None)
    return Adoption(str(copies.ours["id"]), copies.clauses, copies.targets)
