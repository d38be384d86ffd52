"""What time alone does to cases: moves that are due by themselves, and notices that a deadline has passed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kangshu.access import system_grant
from kangshu.base.canonical import BASE, CASE_KIND, CASE_STATE
from kangshu.base.clock import instant
from kangshu.base.faults import Fault
from kangshu.cases.tasks import deadline_of, kind_of, number_of, state_of
from kangshu.sdk import CaseDeclaration, Resource, State
from kangshu.store import Store

NOTICE = f"{BASE}/sid/overdue-notice"
"""Identifier system of notices that a deadline has passed: one per case and deadline."""

_GRANT = system_grant("deadlines")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

MoveMaker = Callable[..., Awaitable[Any]]


class Timekeeper:
    """Looks at what is overdue. What it has told of once it does not look at again."""

    def __init__(
        self, store: Store, kinds: Mapping[str, CaseDeclaration], clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._clock = clock
        self._told = _LONG_AGO

    async def tick(self, move: MoveMaker) -> tuple[int, int]:
        """Return (moves made, notices written) of this look."""
        at = self._clock()
        moved = told = 0
        for kind in self._kinds.values():
            for state in kind.states:
                if state.final or (state.deadline is None and not state.overdue):
                    continue
                since = _LONG_AGO if state.overdue else self._told
                for task in await self._overdue(kind, state, since, at):
                    if state.overdue:
                        moved += await self._move(move, task, state)
                    else:
                        told += await self._tell(task, state)
        self._told = at
        return moved, told

    async def _overdue(
        self, kind: CaseDeclaration, state: State, since: datetime, at: datetime
    ) -> Sequence[Resource]:
        criteria = (
            f"code={CASE_KIND}|{kind.code}&business-status={CASE_STATE}|{state.id}"
            f"&deadline=ge{instant(since)}&deadline=lt{instant(at)}"
        )
        return await self._store.search_all(_GRANT, "Task", criteria)

    async def _move(self, move: MoveMaker, task: Resource, state: State) -> int:
        version = int(task["meta"]["versionId"])
        try:
            await move(_GRANT, task["id"], state.overdue, {}, if_match=version)
        except Fault:
            return 0  # somebody was first, or a guard holds it: it stays overdue, and people see it
        return 1

    async def _tell(self, task: Resource, state: State) -> int:
        end = deadline_of(task)
        recipient = (task.get("owner" if state.box == "owner" else "requester") or {}).get("reference")
        if end is None or not recipient or state_of(task) != state.id:
            return 0
        title = self._kinds[kind_of(task)].title
        name = number_of(task) or str(task.get("description", ""))
        key = f"{task['id']}/{instant(end)}"
        notice: Resource = {
            "resourceType": "Communication",
            "identifier": [{"system": NOTICE, "value": key}],
            "status": "completed",
            "priority": "urgent",
            "about": [{"reference": f"Task/{task['id']}"}],
            "recipient": [{"reference": recipient}],
            "sent": instant(self._clock()),
            "payload": [
                {"contentString": f"{title.zh}{name}已超过“{state.title.zh}”时限，请尽快办理。"},
                {"contentString": f"{title.en} {name} is past the time limit of '{state.title.en}'."},
            ],
        }
        if (task.get("for") or {}).get("reference", "").startswith("Patient/"):
            notice["subject"] = {"reference": task["for"]["reference"]}
        if task.get("meta", {}).get("tag"):
            notice["meta"] = {"tag": task["meta"]["tag"]}
        written = await self._store.create(_GRANT, notice, if_none_exist=f"identifier={NOTICE}|{key}")
        return int(written.created)
