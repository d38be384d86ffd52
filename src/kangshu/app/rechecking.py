"""Records that were returned to who sent them: their rule is run again once the sender says that they are corrected."""

from __future__ import annotations

import asyncio

from kangshu.access import system_grant
from kangshu.api import Platform
from kangshu.base.canonical import CASE_KIND, CASE_STATE
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.measures import ListAsked
from kangshu.sdk import CaseDeclaration, ListDeclaration, Resource

_GRANT = system_grant("recheck")
_RETURN = "quality-return"
_WHOLE = "*"
"""`record` of a return of all faulty records of an institution under a rule."""


class Rechecks:
    """Runs the rule of every return that waits for it, and makes the move that follows.

    A return waits until the views hold all that was saved before the sender said so.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._from: dict[tuple[str, str], int] = {}
        """The position of the feed at which a return was first seen waiting, by its id and version."""

    async def recheck(self) -> int:
        """Look at the returns that wait; return how many were moved."""
        kind = self._platform.cases.carrying(_RETURN)
        if kind is None:
            return 0
        verdicts = {one.recheck: one for one in kind.moves if one.recheck}
        waiting = await self._waiting(kind)
        moved = 0
        for task in waiting:
            left = await self._left(task)
            if left is None:
                continue
            verdict = verdicts["fails" if left else "holds"]
            version = int(task["meta"]["versionId"])
            try:
                await self._platform.cases.move(
                    _GRANT, task["id"], verdict.id, {"left": left}, if_match=version
                )
            except Fault:
                continue  # somebody was first: it stands elsewhere now
            moved += 1
        return moved

    async def _waiting(self, kind: CaseDeclaration) -> list[Resource]:
        """Return the returns that wait and whose sender's corrections the views hold."""
        store = self._platform.store
        states = sorted({source for one in kind.moves if one.recheck for source in one.sources})
        stands = ",".join(f"{CASE_STATE}|{one}" for one in states)
        criteria = f"code={CASE_KIND}|{kind.code}&business-status={stands}"
        found = {
            (str(one["id"]), str(one["meta"]["versionId"])): one
            for one in await store.search_all(_GRANT, "Task", criteria)
        }
        self._from = {key: position for key, position in self._from.items() if key in found}
        if found.keys() - self._from.keys():
            position = await store.feed_position()
            for key in found:
                self._from.setdefault(key, position)
        held = self._platform.snapshot().position if found else 0
        return [task for key, task in found.items() if self._from[key] <= held]

    async def _left(self, task: Resource) -> int | None:
        """Return how many records of a return still fail; None where it cannot be told."""
        held = self._platform.cases.held_values(task)
        code = f"quality-{held.get('rule')}"
        lists = (one for service in self._platform.services for one in service.lists)
        declared = next((one for one in lists if one.id == code), None)
        sender = task.get("owner", {}).get("reference", "")
        if declared is None or not sender:
            return None
        record = str(held.get("record", _WHOLE))
        subjects = () if record == _WHOLE else (record,)
        asked = ListAsked(cell={"institution": sender}, subjects=subjects, limit=1)
        try:
            return await asyncio.to_thread(self._count, declared, asked)
        except Fault:
            return None

    def _count(self, declared: ListDeclaration, asked: ListAsked) -> int:
        platform, day = self._platform, today()
        place = platform.settings.jurisdiction
        given = {one: platform.parameters.value(one, place, day) for one in declared.parameters}
        return platform.snapshot().listed(_GRANT, declared, given, day, asked).total
