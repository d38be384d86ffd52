"""修订记录: every version of a plan with who, when and what in words; an earlier one looked at, or brought back as a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from kangshu.access import Grant
from kangshu.base.faults import Conflict, NotFound
from kangshu.base.text import Text
from kangshu.cases import Cases
from kangshu.plans.amending import Amended, amend_plan
from kangshu.plans.changing import signature_of, source_text, stored_plan, unit_names
from kangshu.plans.model import PlanView
from kangshu.plans.revisions import changes_between
from kangshu.plans.view import is_plan, plan_view
from kangshu.sdk import Resource
from kangshu.store import Store, Stored

A_PAGE: Final = 30
_UNDOABLE: Final = frozenset({"accepted", "corrected", "split", "merged", "added", "rejected", "restored"})
"""Acts of the desk. What else changes a plan (links, states, 补录) is brought back under the revisions, not by one key."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a plan: who made it, when (an instant), by which act, and what it changed."""

    version: int
    by: str
    on: str
    act: str
    restores: int
    """The version whose content it brought back, 0 for none."""
    changes: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Revisions:
    """One page of revisions, the newest first. `older` is the version with which the next page begins, 0 for none."""

    plan: PlanView
    rows: tuple[Revision, ...]
    older: int


class History:
    """The versions of plans. Looking asks for `plan.read`, bringing back for `plan.link`."""

    def __init__(
        self, store: Store, cases: Cases, today: Callable[[], date], measures: Mapping[str, Text]
    ) -> None:
        self._store = store
        self._measures = measures
        self._cases = cases
        self._today = today

    async def revisions(self, grant: Grant, plan_id: str, newest: int = 0) -> Revisions:
        """Return 30 revisions from version `newest` (0: the present one) downwards. Raises NotFound."""
        grant.require("plan.read")
        current = await stored_plan(self._store, grant, plan_id)
        newest = min(newest or current.version, current.version)
        oldest = max(1, newest - A_PAGE + 1)
        held: dict[int, Stored] = {}
        for version in range(newest, max(0, oldest - 2), -1):
            held[version] = (
                current if version == current.version else await self._version(grant, plan_id, version)
            )
        names = await unit_names(self._store, grant, current.resource)
        names |= {id_: title.zh for id_, title in self._measures.items()}
        rows = tuple(
            self._row(held[version], held.get(version - 1), names)
            for version in range(newest, oldest - 1, -1)
        )
        plan = plan_view(current.resource, "", {}, self._today())
        return Revisions(plan, rows, oldest - 1)

    async def at(self, grant: Grant, plan_id: str, version: int) -> PlanView:
        """Return the plan as it stood in a version, with its document; no duties, no lights. Raises NotFound."""
        grant.require("plan.read")
        await stored_plan(self._store, grant, plan_id)
        stored = await self._version(grant, plan_id, version)
        plan = stored.resource
        text = await source_text(self._store, grant, plan)
        names = await unit_names(self._store, grant, plan)
        return replace(plan_view(plan, text, names, self._today()), version=version)

    async def restore(self, grant: Grant, plan_id: str, version: int, *, seen: int) -> Amended:
        """Bring an earlier version back as a new one. `seen` is the version that the person looks at now.

        Raises:
            NotFound: no such plan or version.
            Conflict: the plan has changed since.
            Unprocessable: a clause with open duties would be gone.
        """
        grant.require("plan.link")
        earlier = await self._version(grant, plan_id, version)
        return await self._bring_back(grant, plan_id, earlier, seen)

    async def undo(self, grant: Grant, plan_id: str, *, seen: int) -> Amended:
        """Take back the last change, when it is one's own; again takes back the one before it.

        Raises:
            NotFound: nothing is left to undo.
            Conflict: somebody else made the last change, or the plan has changed since.
            Unprocessable: as `restore`.
        """
        grant.require("plan.link")
        current = await stored_plan(self._store, grant, plan_id)
        undone = current
        while (restored := signature_of(undone).restores) and signature_of(undone).act == "undo":
            undone = await self._version(grant, plan_id, restored)
        signature = signature_of(undone)
        if undone.version <= 1 or signature.act not in _UNDOABLE:
            raise NotFound("nothing is left to undo", zh="没有可撤销的操作")
        if signature.account != grant.account:
            raise Conflict(
                "the last change is somebody else's; bring a version back under revisions",
                zh=f"最近一次修改由{signature.by}作出，不能直接撤销，请到修订记录中恢复",
            )
        before = await self._version(grant, plan_id, undone.version - 1)
        return await self._bring_back(grant, plan_id, before, seen, "undo")

    async def _bring_back(
        self, grant: Grant, plan_id: str, earlier: Stored, seen: int, act: str = "restored"
    ) -> Amended:
        def change(plan: Resource) -> None:
            held = deepcopy(earlier.resource)
            held["meta"] = plan.get("meta", {})
            plan.clear()
            plan.update(held)

        return await amend_plan(
            self._store,
            self._cases,
            grant,
            plan_id,
            change,
            act=act,
            today=self._today(),
            basis=f"恢复到第{earlier.version}版",
            if_match=seen,
            restores=earlier.version,
        )

    async def _version(self, grant: Grant, plan_id: str, version: int) -> Stored:
        stored = await self._store.vread(grant, "PlanDefinition", plan_id, version)
        if not is_plan(stored.resource):
            raise NotFound("there is no such version", zh="没有这个版本")
        return stored

    def _row(self, stored: Stored, before: Stored | None, names: Mapping[str, str]) -> Revision:
        signed = signature_of(stored)
        told: tuple[Text, ...] = ()
        if before is not None:
            told = changes_between(before.resource, stored.resource, self._today(), names)
        return Revision(stored.version, signed.by, signed.on, signed.act, signed.restores, told)
