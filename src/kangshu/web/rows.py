"""Cases as the worklist and the first screens show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from kangshu.base.text import Text
from kangshu.web.language import Words


class CaseLine(Protocol):
    """What pages read of a worklist row of `cases`."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def kind(self) -> Text: ...
    @property
    def number(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def state_title(self) -> Text: ...
    @property
    def final(self) -> bool: ...
    @property
    def subject(self) -> str: ...
    @property
    def subject_name(self) -> str: ...
    @property
    def requester(self) -> str: ...
    @property
    def requester_name(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def owner_name(self) -> str: ...
    @property
    def priority(self) -> str: ...
    @property
    def deadline(self) -> datetime | None: ...
    @property
    def days_left(self) -> int | None: ...
    @property
    def urgency(self) -> str: ...
    @property
    def urged(self) -> int: ...
    @property
    def parent(self) -> str: ...
    @property
    def started(self) -> datetime | None: ...


_URGENT: Final = frozenset({"urgent", "asap", "stat"})


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One case as a line of a page. `tone` colours its state, `late` and `soon` its deadline."""

    id: str
    code: str
    address: str
    title: str
    kind: str
    number: str
    state_id: str
    state: str
    tone: str
    requester: str
    owner: str
    owner_id: str
    deadline: datetime | None
    open: bool
    late: bool
    soon: bool
    urgent: bool
    started: datetime | None
    child: bool
    """Whether it is a part (会签, 配合) of another case."""
    returned: bool
    """Whether it has come back to be done again."""


def work_row(words: Words, case: CaseLine) -> WorkRow:
    """Return a case as pages show it."""
    late = case.urgency == "overdue" and not case.final
    soon = case.urgency in ("today", "soon") and not case.final
    title = case.title or words.of(case.kind)
    if case.subject_name and case.subject_name not in title:
        title = f"{title} · {case.subject_name}"
    return WorkRow(
        id=case.id,
        code=case.code,
        address=f"/cases/{case.id}",
        title=title,
        kind=words.of(case.kind),
        number=case.number,
        state_id=case.state,
        state=words.of(case.state_title),
        tone="green" if case.final else "red" if "return" in case.state else "blue",
        requester=case.requester_name or case.requester,
        owner=case.owner_name or case.owner,
        owner_id=case.owner,
        deadline=case.deadline,
        open=not case.final,
        late=late,
        soon=soon,
        urgent=case.priority in _URGENT,
        started=case.started,
        child=bool(case.parent),
        returned="return" in case.state,
    )


def work_rows(words: Words, cases: Iterable[CaseLine]) -> list[WorkRow]:
    """Return cases as pages show them, in the given order."""
    return [work_row(words, case) for case in cases]


def duty_tone(row: WorkRow) -> str:
    """Return the light of a duty: late or returned is red, near its deadline amber, else green."""
    if row.late:
        return "red"
    return "amber" if row.soon else "green"
