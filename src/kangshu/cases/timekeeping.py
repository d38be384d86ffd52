"""What time alone does to cases: moves that are due by themselves, and notices that a deadline has passed.

A move that is `watched` is tried on every case in its sources: once a day on all of them, between on those that have
changed since the last look, or a part of which has where its guard asks for them (%children). Its guard decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from kangshu.access import system_grant
from kangshu.base.canonical import BASE, CASE_KIND, CASE_STATE
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.cases.deadlines import Terms
from kangshu.cases.tasks import deadline_of, kind_of, marks_of, number_of, reference_id, state_of
from kangshu.sdk import CaseDeclaration, Move, Resource, State
from kangshu.store import Store

NOTICE = f"{BASE}/sid/overdue-notice"
"""Identifier system of notices that a deadline has passed: one per case and deadline."""

REMINDER = f"{BASE}/sid/deadline-reminder"
"""Identifier system of notices that a deadline is near: one per case and deadline."""

_FAR = timedelta(days=90)
"""No reminder is sent earlier before a deadline than this."""
_CHILDREN = "%children"
_GRANT = system_grant("deadlines")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

MoveMaker = Callable[..., Awaitable[Any]]
Ready = Callable[[Move, Resource], Awaitable[bool]]
"""Whether a watched move's guard holds over a Task as it stands."""


class Timekeeper:
    """Looks at what is overdue. What it has told of once it does not look at again."""

    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, CaseDeclaration],
        clock: Callable[[], datetime],
        terms: Terms,
        jurisdiction: str,
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._clock = clock
        self._terms = terms
        self._jurisdiction = jurisdiction
        self._told = _LONG_AGO
        self._told_minutes = _LONG_AGO
        self._reminded: set[str] = set()
        self._watched: tuple[date, datetime] | None = None

    async def tick(self, move: MoveMaker, ready: Ready) -> tuple[int, int]:
        """Return (moves made, notices written) of this look at all but the deadlines in minutes."""
        at = self._clock()
        moved = await self._watch(move, ready, at)
        again, told = await self._look(move, at, self._told, minutes=False)
        self._told = at
        return moved + again, told

    async def tick_minutes(self, move: MoveMaker) -> tuple[int, int]:
        """Return (moves made, notices written) of this look at the deadlines in minutes."""
        at = self._clock()
        found = await self._look(move, at, self._told_minutes, minutes=True)
        self._told_minutes = at
        return found

    async def heed(self, move: MoveMaker, ready: Ready, reference: str) -> int:
        """Make the watched moves whose guard holds of the cases about a record; return how many."""
        moved = 0
        for task in await self._store.search_all(_GRANT, "Task", f"focus={reference}&code={CASE_KIND}|"):
            for one in self._kinds[kind_of(task)].moves if kind_of(task) in self._kinds else ():
                if one.watched and state_of(task) in one.sources and await ready(one, task):
                    moved += await self._make(move, task, one.id)
                    break  # it stands elsewhere now
        return moved

    async def _look(
        self, move: MoveMaker, at: datetime, told_until: datetime, *, minutes: bool
    ) -> tuple[int, int]:
        moved, told = 0, 0
        for kind in self._kinds.values():
            for state in kind.states:
                if state.final or (state.deadline is None and not state.overdue):
                    continue
                if minutes != (state.deadline is not None and state.deadline.unit == "minute"):
                    continue
                if state.deadline is not None and state.deadline.tell:
                    told += await self._remind(kind, state, at)
                since = _LONG_AGO if state.overdue else told_until
                for task in await self._overdue(kind, state, since, at):
                    if state.overdue:
                        moved += await self._make(move, task, state.overdue)
                    else:
                        told += await self._tell(task, state)
        return moved, told

    async def _watch(self, move: MoveMaker, ready: Ready, at: datetime) -> int:
        """Make the watched moves whose guard holds; return how many."""
        day = at.astimezone(CITY_ZONE).date()
        since = self._watched[1] if self._watched is not None and self._watched[0] == day else None
        moved = 0
        wholes = await self._wholes(since) if since is not None else frozenset()
        for kind in self._kinds.values():
            for one in (one for one in kind.moves if one.watched):
                for task in await self._sources(kind, one, since, wholes if _CHILDREN in one.guard else ()):
                    if await ready(one, task):
                        moved += await self._make(move, task, one.id)
        self._watched = (day, at)
        return moved

    async def _wholes(self, since: datetime) -> frozenset[str]:
        """Return the ids of the cases of which a part has changed."""
        if not any(
            one.watched and _CHILDREN in one.guard for kind in self._kinds.values() for one in kind.moves
        ):
            return frozenset()
        criteria = f"part-of:missing=false&_lastUpdated=ge{instant(since)}"
        parts = await self._store.search_all(_GRANT, "Task", criteria)
        return frozenset(reference_id(one, "Task") for part in parts for one in part["partOf"]) - {""}

    async def _sources(
        self, kind: CaseDeclaration, move: Move, since: datetime | None, wholes: Collection[str] = ()
    ) -> Sequence[Resource]:
        """Return the cases to try: all without `since`, else those changed since then and the `wholes` (ids)."""
        states = ",".join(f"{CASE_STATE}|{one}" for one in move.sources)
        criteria = f"code={CASE_KIND}|{kind.code}&business-status={states}"
        if since is None:
            return await self._store.search_all(_GRANT, "Task", criteria)
        found = await self._store.search_all(_GRANT, "Task", f"{criteria}&_lastUpdated=ge{instant(since)}")
        others = sorted(set(wholes) - {one["id"] for one in found})
        if not others:
            return found
        return [*found, *await self._store.search_all(_GRANT, "Task", f"{criteria}&_id={','.join(others)}")]

    async def _overdue(
        self, kind: CaseDeclaration, state: State, since: datetime, at: datetime
    ) -> Sequence[Resource]:
        criteria = (
            f"code={CASE_KIND}|{kind.code}&business-status={CASE_STATE}|{state.id}"
            f"&deadline=ge{instant(since)}&deadline=lt{instant(at)}"
        )
        return await self._store.search_all(_GRANT, "Task", criteria)

    async def _make(self, move: MoveMaker, task: Resource, name: str) -> int:
        version = int(task["meta"]["versionId"])
        try:
            await move(_GRANT, task["id"], name, {}, if_match=version)
        except Fault:
            return 0  # somebody was first, or a guard holds it: it stays overdue, and people see it
        return 1

    async def _remind(self, kind: CaseDeclaration, state: State, at: datetime) -> int:
        """Tell of the deadlines that are near, each once; return how many notices were written."""
        told = 0
        for task in await self._overdue(kind, state, at, at + _FAR):
            end = deadline_of(task)
            key = f"{task['id']}/{end}"
            near = self._terms.urgency(state.deadline, end, at, self._jurisdiction) in ("soon", "today")
            if near and key not in self._reminded:
                told += await self._tell(task, state, REMINDER)
                self._reminded.add(key)
        return told

    async def _tell(self, task: Resource, state: State, system: str = NOTICE) -> int:
        end = deadline_of(task)
        recipient = (task.get("owner" if state.box == "owner" else "requester") or {}).get("reference")
        if end is None or not recipient or state_of(task) != state.id:
            return 0
        title = self._kinds[kind_of(task)].title
        name = number_of(task) or str(task.get("description", ""))
        key = f"{task['id']}/{instant(end)}"
        day = end.astimezone(CITY_ZONE).date().isoformat()
        text = (
            Text(f"{title.zh}{name}将于{day}到期，请按时办理。", f"{title.en} {name} is due on {day}.")
            if system == REMINDER
            else Text(
                f"{title.zh}{name}已超过“{state.title.zh}”时限，请尽快办理。",
                f"{title.en} {name} is past the time limit of '{state.title.en}'.",
            )
        )
        notice: Resource = {
            "resourceType": "Communication",
            "identifier": [{"system": system, "value": key}],
            "status": "completed",
            "priority": "urgent",
            "about": [{"reference": f"Task/{task['id']}"}],
            "recipient": [{"reference": recipient}],
            "sent": instant(self._clock()),
            "payload": [{"contentString": text.zh}, {"contentString": text.en}],
        }
        if (task.get("for") or {}).get("reference", "").startswith("Patient/"):
            notice["subject"] = {"reference": task["for"]["reference"]}
        if marks := marks_of(task):
            notice["meta"] = marks
        written = await self._store.create(_GRANT, notice, if_none_exist=f"identifier={system}|{key}")
        return int(written.created)
