"""Whose turn it is and what is late: the boxes of the workbench (待办, 已办, 我发起, 超期) and the notices (待阅)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qsl

from kangshu.access import Grant
from kangshu.base.canonical import CASE_KIND, CASE_STATE
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import NotFound
from kangshu.base.text import Text
from kangshu.cases.deadlines import Terms, Urgency
from kangshu.cases.parties import may_move, party_of
from kangshu.cases.tasks import (
    deadline_of,
    events,
    kind_of,
    number_of,
    organisation_of,
    reference_id,
    state_of,
    urged_of,
)
from kangshu.fhir import date_range
from kangshu.registers import OF_REGISTER, names_of
from kangshu.sdk import CaseDeclaration, Resource, State
from kangshu.search import parse_query
from kangshu.store import Store

Box = Literal["todo", "done", "started", "overdue", "all"]
"""todo: my organisation's turn; started: my organisation asked; done: my organisation acted and it is another's
turn or finished; overdue: open and late, of all that the grant sees; all: open, of all that the grant sees."""

BOXES: Mapping[Box, Text] = {
    "todo": Text("待办", "To do"),
    "overdue": Text("超期", "Overdue"),
    "started": Text("我发起", "Started by us"),
    "done": Text("已办", "Done"),
    "all": Text("全部在办", "All open"),
}
_NEVER = datetime.max.replace(tzinfo=UTC)
_MAX_SCANNED = 2000


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of a worklist. `days_left` counts civil days to the deadline, negative when it is past."""

    id: str
    version: int
    code: str
    kind: Text
    number: str
    title: str
    state: str
    state_title: Text
    final: bool
    subject: str
    """`Patient/id`, "" for none."""
    subject_name: str
    requester: str
    requester_name: str
    owner: str
    owner_name: str
    priority: str
    deadline: datetime | None
    days_left: int | None
    urgency: Urgency
    urged: int
    parent: str
    """Id of the Task that this one is part of, "" for none."""
    started: datetime | None
    changed: datetime | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice (待阅) to an organisation or a resident."""

    id: str
    task: str
    record: str
    """Address of the record within the registers, `service/register/id`, "" for none."""
    text: Text
    sent: datetime
    read: bool


class Worklists:
    """Reads worklists; it writes nothing but the mark on a read notice."""

    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, CaseDeclaration],
        terms: Terms,
        jurisdiction: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._terms = terms
        self._jurisdiction = jurisdiction
        self._clock = clock

    async def worklist(
        self, grant: Grant, box: Box, code: str | None, *, subject: str, limit: int
    ) -> list[CaseRow]:
        """Return the rows of `box`, urgent and near deadlines first, at most `limit`."""
        most = limit if box != "done" else _MAX_SCANNED
        asked = [
            f"{criteria}&subject={subject}" if subject else criteria
            for criteria in self._criteria(grant, box, code)
        ]
        # asked at once: one kind does not wait for another, and their audit is one commit
        listed = await asyncio.gather(*(self._tasks(grant, criteria, most) for criteria in asked))
        found = {str(task["id"]): task for tasks in listed for task in tasks}
        tasks: Iterable[Resource] = found.values()
        if box == "done":
            tasks = [task for task in tasks if self._acted(grant, task) and not self._turn(grant, task)]
        rows = sorted(await self.rows(grant, tasks), key=_pressing)
        return rows[:limit]

    async def counts(self, grant: Grant) -> dict[str, int]:
        """Return how many cases each counted box holds, and how many notices are unread."""
        boxes: tuple[Box, ...] = ("todo", "started", "overdue")
        asked = [
            (str(box), parse_query("Task", parse_qsl(criteria)))
            for box in boxes
            for criteria in self._criteria(grant, box, None)
        ]
        addressed = party_of(grant)
        if addressed:
            unread = [("recipient", addressed), ("received:missing", "true")]
            asked.append(("notices", parse_query("Communication", unread)))
        counted = await asyncio.gather(*(self._store.count(grant, query) for _, query in asked))
        found = dict.fromkeys((*boxes, "notices"), 0)
        for (name, _), count in zip(asked, counted, strict=True):
            found[name] += count
        return found

    async def rows(self, grant: Grant, tasks: Iterable[Resource]) -> tuple[CaseRow, ...]:
        """Return the rows of these Tasks by deadline; names of residents as the grant may see them."""
        listed = [task for task in tasks if kind_of(task) in self._kinds]
        subjects = {str((task.get("for") or {}).get("reference", "")) for task in listed} - {""}
        names = await names_of(self._store, grant, subjects)
        made = [self._row(task, names) for task in listed]
        return tuple(sorted(made, key=_pressing))

    async def notices(self, grant: Grant, *, unread: bool, limit: int) -> list[Notice]:
        """Return the notices to the grant's organisation or resident, newest first."""
        recipient = party_of(grant)
        if not recipient:
            return []
        criteria = f"recipient={recipient}&_sort=-sent&_count={limit}"
        if unread:
            criteria += "&received:missing=true"
        page = await self._store.search(grant, parse_query("Communication", parse_qsl(criteria)))
        return [_notice(one.resource) for one in page.entries]

    async def mark_read(self, grant: Grant, notice_id: str, engine: Grant) -> None:
        """Stamp a notice as received."""
        stored = await self._store.read(grant, "Communication", notice_id)
        recipients = {str(one.get("reference", "")) for one in stored.resource.get("recipient", ())}
        mine = any(grant.acts_for(reference.removeprefix("Organization/")) for reference in recipients)
        if not mine and party_of(grant) not in recipients and f"Patient/{grant.patient}" not in recipients:
            raise NotFound("there is no such notice", zh="没有这条通知")
        if "received" not in stored.resource:
            read = {**stored.resource, "received": instant(self._clock())}
            await self._store.update(engine, read, if_match=stored.version)

    def _criteria(self, grant: Grant, box: Box, code: str | None) -> list[str]:
        kinds = [kind for kind in self._kinds.values() if code in (None, kind.code)]
        mine = party_of(grant)
        found: list[str] = []
        for kind in kinds:
            base = f"code={CASE_KIND}|{kind.code}"
            if box == "todo":
                for party in ("owner", "requester"):
                    states = [one for one in kind.states if one.box == party and not one.final]
                    if states and mine:
                        found.append(f"{base}&{_states(states)}&{party}={mine}")
            elif box == "started":
                if mine:
                    found.append(f"{base}&requester={mine}")
            elif box == "done":
                if mine:
                    found.extend(f"{base}&{party}={mine}" for party in ("owner", "requester"))
            else:
                states = [one for one in kind.states if not one.final]
                late = f"&deadline=lt{instant(self._clock())}" if box == "overdue" else ""
                if states:
                    found.append(f"{base}&{_states(states)}{late}")
        return found

    async def _tasks(self, grant: Grant, criteria: str, limit: int) -> list[Resource]:
        pairs = [*parse_qsl(criteria), ("_sort", "deadline"), ("_count", str(min(limit, 500)))]
        query = parse_query("Task", pairs)
        found: list[Resource] = []
        cursor: str | None = None
        while len(found) < limit:
            page = await self._store.search(grant, query, cursor)
            found.extend(one.resource for one in page.entries)
            cursor = page.next
            if cursor is None:
                break
        return found[:limit]

    def _turn(self, grant: Grant, task: Resource) -> bool:
        state = self._state(task)
        return state is not None and state.box != "none" and may_move(grant, task, (state.box,))

    def _acted(self, grant: Grant, task: Resource) -> bool:
        own = bool(grant.practitioner) and not grant.organisation
        return any(
            grant.acts_for(event.organisation) or (own and event.account == grant.account)
            for event in events(task)
        )

    def _state(self, task: Resource) -> State | None:
        kind = self._kinds[kind_of(task)]
        return next((one for one in kind.states if one.id == state_of(task)), None)

    def _row(self, task: Resource, names: Mapping[str, str]) -> CaseRow:
        kind, state = self._kinds[kind_of(task)], self._state(task)
        final = state.final if state else False
        when = self._clock()
        end = None if final else deadline_of(task)
        left = None
        if end is not None:
            left = (end.astimezone(CITY_ZONE).date() - when.astimezone(CITY_ZONE).date()).days
        subject = str((task.get("for") or {}).get("reference", ""))
        return CaseRow(
            id=task["id"],
            version=int(task.get("meta", {}).get("versionId", 0) or 0),
            code=kind.code,
            kind=kind.title,
            number=number_of(task),
            title=str(task.get("description", "")),
            state=state_of(task),
            state_title=state.title if state else Text(state_of(task), state_of(task)),
            final=final,
            subject=subject,
            subject_name=names.get(subject, ""),
            requester=organisation_of(task, "requester"),
            requester_name=str((task.get("requester") or {}).get("display", "")),
            owner=organisation_of(task, "owner"),
            owner_name=str((task.get("owner") or {}).get("display", "")),
            priority=str(task.get("priority", "routine")),
            deadline=end,
            days_left=left,
            urgency=self._terms.urgency(state.deadline if state else None, end, when, self._jurisdiction),
            urged=urged_of(task),
            parent=reference_id((task.get("partOf") or [None])[0], "Task"),
            started=_moment(task.get("authoredOn")),
            changed=_moment(task.get("lastModified")),
        )


_PRIORITY = {"stat": 0, "asap": 1, "urgent": 2, "routine": 3}


def _pressing(row: CaseRow) -> tuple[bool, int, datetime, str]:
    return row.final, _PRIORITY.get(row.priority, 3), row.deadline or _NEVER, row.id


def _states(states: Sequence[State]) -> str:
    return "business-status=" + ",".join(f"{CASE_STATE}|{one.id}" for one in states)


def _moment(value: object) -> datetime | None:
    return datetime.fromisoformat(str(value)) if value else None


def _record(resource: Resource, about: Resource | None) -> str:
    codes = (
        str(coding.get("code", ""))
        for one in resource.get("category", ())
        for coding in one.get("coding", ())
        if coding.get("system") == OF_REGISTER
    )
    register = next(codes, "")
    id_ = str((about or {}).get("reference", "")).rpartition("/")[2]
    return f"{register}/{id_}" if register and id_ else ""


def _notice(resource: Resource) -> Notice:
    """Return a notice; what somebody else's system sent may lack its time, or have a day alone."""
    moment = str(resource.get("sent") or resource.get("meta", {}).get("lastUpdated") or "2000")
    payload = [str(one.get("contentString", "")) for one in resource.get("payload", ())] + ["", ""]
    about = (resource.get("about") or [None])[0]
    return Notice(
        id=resource["id"],
        task=reference_id(about, "Task"),
        record=_record(resource, about),
        text=Text(payload[0], payload[1]),
        sent=date_range(moment)[0],
        read="received" in resource,
    )
