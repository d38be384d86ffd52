"""One door for every change of a plan by a person: read, changed on a copy, signed, written as one version."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import structure
from kangshu.base.clock import instant, now
from kangshu.base.faults import Conflict, NotFound, PreconditionFailed, Unprocessable
from kangshu.plans.elements import extension_value, extensions, replace_extension
from kangshu.plans.view import is_foreign, is_plan
from kangshu.sdk import Resource
from kangshu.store import Store, Stored

CHANGE: Final = structure("plan-change")
"""Who made this version of a plan, when and by which act; `version` says which version it signs."""
_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """Who made a version of a plan. "" for all where nobody signed it."""

    by: str = ""
    account: str = ""
    on: str = ""
    act: str = ""
    restores: int = 0
    """The version whose content it brought back, 0 for none."""


def person(grant: Grant) -> str:
    """Return the name under which an account signs."""
    return grant.display or grant.account


async def read_plan(store: Store, grant: Grant, plan_id: str) -> Stored:
    """Return a plan as stored. Raises NotFound, also for a PlanDefinition that was made elsewhere."""
    stored = await store.read(grant, "PlanDefinition", plan_id)
    if not is_plan(stored.resource):
        raise NotFound("there is no such plan", zh="没有此规划")
    return stored


def own_only(stored: Stored) -> None:
    """Raise Unprocessable where the plan is another city's."""
    if is_foreign(stored.resource):
        raise Unprocessable(
            "another city's plan is shown as it is; adopt clauses first",
            zh="外地规划仅供查看，请先采纳条款",
        )


def sign(plan: Resource, grant: Grant, act: str, version: int, restores: int = 0) -> None:
    """Write into the plan who makes version `version` of it."""
    parts: list[dict[str, Any]] = [
        {"url": "by", "valueString": person(grant)},
        {"url": "account", "valueString": grant.account},
        {"url": "on", "valueInstant": instant(now())},
        {"url": "act", "valueCode": act},
        {"url": "version", "valuePositiveInt": version},
    ]
    if restores:
        parts.append({"url": "restores", "valuePositiveInt": restores})
    replace_extension(plan, CHANGE, {"url": CHANGE, "extension": parts})


def signature_of(stored: Stored) -> Signature:
    """Return who made this version; nothing where the signature is an older version's."""
    found = next(extensions(stored.resource, CHANGE), None)
    if found is None or extension_value(found, "version") != stored.version:
        return Signature(on=instant(stored.last_updated))
    return Signature(
        str(extension_value(found, "by") or ""),
        str(extension_value(found, "account") or ""),
        instant(stored.last_updated),
        str(extension_value(found, "act") or ""),
        int(extension_value(found, "restores") or 0),
    )


async def change_plan(
    store: Store,
    grant: Grant,
    plan_id: str,
    change: Callable[[Resource], object],
    *,
    act: str = "edit",
    foreign: bool = False,
    if_match: int | None = None,
) -> Stored:
    """Apply `change` to a copy of the plan and write it; return what was written.

    Without `if_match` a change of someone else in the same moment is no conflict: it is applied to what they left.
    `foreign` admits another city's plan, for what concerns the reading of the document alone.

    Raises:
        NotFound: no such plan.
        Unprocessable: another city's plan.
        Conflict: the plan is not at version `if_match`, or others kept changing it.
    """
    for _ in range(_TRIES):
        stored = await read_plan(store, grant, plan_id)
        if not foreign:
            own_only(stored)
        if if_match is not None and if_match != stored.version:
            raise Conflict("the plan has changed since you opened it", zh="规划在您打开后已有变动，请刷新")
        plan = deepcopy(stored.resource)
        change(plan)
        sign(plan, grant, act, stored.version + 1)
        try:
            return (await store.update(grant, plan, if_match=stored.version)).stored
        except PreconditionFailed:
            continue
    raise Conflict("others are changing this plan; try again", zh="多人正在同时修改该规划，请稍后重试")
