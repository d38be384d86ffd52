"""One door for every change of a plan by a person: read, changed on a copy, signed, written as one version."""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import structure
from kangshu.base.clock import instant, now, today
from kangshu.base.faults import Conflict, Gone, NotFound, PreconditionFailed, Unprocessable
from kangshu.plans.elements import extension_value, extensions, replace_extension
from kangshu.plans.shape import SOURCE
from kangshu.plans.view import clauses_of, is_foreign, is_plan, plan_view, units_of
from kangshu.sdk import Resource
from kangshu.store import Store, Stored

CHANGE: Final = structure("plan-change")
"""Who made this version of a plan, when and by which act; `version` says which version it signs."""
_TRIES: Final = 4
_CHUNK: Final = 100


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


async def stored_plan(store: Store, grant: Grant, plan_id: str) -> Stored:
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
    restores: int = 0,
) -> Stored:
    """Apply `change` to a copy of the plan and write it; return what was written.

    Without `if_match` a change of someone else in the same moment is no conflict: it is applied to what they left.
    `foreign` admits another city's plan, for what concerns the reading of the document alone. A plan whose findings have
    all been confirmed gets its approvalDate (已核定), and loses it with the first that is not.

    Raises:
        NotFound: no such plan.
        Unprocessable: another city's plan.
        Conflict: the plan is not at version `if_match`, or others kept changing it.
    """
    for _ in range(_TRIES):
        stored = await stored_plan(store, grant, plan_id)
        if not foreign:
            own_only(stored)
        if if_match is not None and if_match != stored.version:
            raise Conflict("the plan has changed since you opened it", zh="规划在您打开后已有变动，请刷新")
        plan = deepcopy(stored.resource)
        change(plan)
        _approve(plan)
        sign(plan, grant, act, stored.version + 1, restores)
        try:
            return (await store.update(grant, plan, if_match=stored.version)).stored
        except PreconditionFailed:
            continue
    raise Conflict("others are changing this plan; try again", zh="多人正在同时修改该规划，请稍后重试")


async def source_text(store: Store, grant: Grant, plan: Resource) -> str:
    """Return the text of the plan's document, "" where the source is not for this reader of the plan."""
    source = next(
        (str(one.get("valueReference", {}).get("reference", "")) for one in extensions(plan, SOURCE)), ""
    )
    if not source:
        return ""
    try:
        stored = await store.read(grant, "Binary", source.replace("DocumentReference/document-", "text-"))
    except (NotFound, Gone):
        return ""
    return base64.b64decode(stored.resource.get("data", "")).decode("utf-8", "replace")


async def unit_names(store: Store, grant: Grant, plan: Resource) -> dict[str, str]:
    """Return the names of the organisations that the plan's units mean, by id."""
    ids = sorted(
        {one for action, _, _ in clauses_of(plan) for unit in units_of(action) for one in unit.organisations}
    )
    found: dict[str, str] = {}
    for start in range(0, len(ids), _CHUNK):
        listed = ",".join(ids[start : start + _CHUNK])
        for one in await store.search_all(grant, "Organization", f"_id={listed}"):
            found[str(one["id"])] = str(one.get("name", ""))
    return found


def _approve(plan: Resource) -> None:
    if plan_view(plan, "", {}).progress.approved:
        plan.setdefault("approvalDate", today().isoformat())
    else:
        plan.pop("approvalDate", None)
