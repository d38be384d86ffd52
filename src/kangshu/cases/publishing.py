"""Public notices (公示): cases in a state that is published, for as long as their notice is up, masked; and objections.

What is told here is read with the product's own reach, for everybody: the declared fields and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from kangshu.access import masked, system_grant
from kangshu.base.canonical import CASE_KIND, CASE_STATE
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import NotFound, Throttled
from kangshu.base.parameters import ParameterTable
from kangshu.cases.effects import all_fields
from kangshu.cases.tasks import deadline_of, events, inputs, kind_of, number_of, organisation_of, state_of
from kangshu.registers import name_of, points
from kangshu.sdk import (
    CaseDeclaration,
    Field,
    ParameterDeclaration,
    Publication,
    Resource,
    State,
    unverified_parameter,
)
from kangshu.store import Store, Stored

OBJECTIONS: Final[ParameterDeclaration] = unverified_parameter(
    "public-notice-objections",
    "一项公示网上异议的最多件数",
    "Most objections to one public notice that are taken in over the net",
    50,
    "件",
    "待定：由公示单位自行设定，超出的请书面或当面提出",
    since=date(2020, 1, 1),
)
_GRANT: Final = system_grant("public notices")
Starter = Callable[..., Awaitable[Stored]]


@dataclass(frozen=True, slots=True)
class NoticeField:
    """One line of a notice: the field, its value (references as names) and whether it is masked already."""

    field: Field
    value: Any


@dataclass(frozen=True, slots=True)
class PublicNotice:
    """A notice that is up. `first` and `last` are its days, inclusive."""

    id: str
    kind: CaseDeclaration
    publication: Publication
    number: str
    unit: str
    phone: str
    fields: tuple[NoticeField, ...]
    first: date
    last: date


class PublicNotices:
    """The notices that are up now. Anybody may read them: no grant is asked."""

    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, CaseDeclaration],
        parameters: ParameterTable,
        jurisdiction: str,
        clock: Callable[[], datetime],
        start: Starter,
    ) -> None:
        self._store, self._kinds, self._clock, self._start = store, kinds, clock, start
        self._parameters, self._jurisdiction = parameters, jurisdiction

    async def listed(self) -> tuple[PublicNotice, ...]:
        """Return the notices that are up, the last to be taken down first."""
        at = instant(self._clock())
        found = []
        for kind, state, _ in self._published():
            criteria = f"code={CASE_KIND}|{kind.code}&business-status={CASE_STATE}|{state.id}&deadline=ge{at}"
            for task in await self._store.search_all(_GRANT, "Task", criteria):
                found.append(await self._notice(task))
        return tuple(sorted(found, key=lambda one: (one.last, one.number), reverse=True))

    async def notice(self, id_: str) -> PublicNotice:
        """Return a notice that is up. Raises NotFound for any other, taken down or never put up."""
        found = await self._store.search_all(_GRANT, "Task", f"_id={id_}")
        for task in found:
            end = deadline_of(task)
            if self._publication(task) is not None and end is not None and end >= self._clock():
                return await self._notice(task)
        raise NotFound(
            "there is no such public notice; it may have been taken down", zh="没有该公示，可能已经期满撤下"
        )

    async def object(self, id_: str, values: Mapping[str, Any]) -> str:
        """Take in an objection to a notice; return the number under which it is handled.

        Raises:
            NotFound: the notice is not up, or takes no objections here.
            Throttled: so many objections wait already that more are to be brought in person.
            Unprocessable: values against the form; its issues name the fields.
        """
        notice = await self.notice(id_)
        if not notice.publication.objection:
            raise NotFound(
                "objections to this notice are taken in by its unit", zh="该公示的异议请直接向公示单位提出"
            )
        code = f"{notice.kind.service}/{notice.publication.objection}"
        waiting = await self._store.search_all(_GRANT, "Task", f"focus=Task/{id_}&code={CASE_KIND}|{code}")
        day = self._clock().astimezone(CITY_ZONE).date()
        if len(waiting) >= int(self._parameters.figure(OBJECTIONS, self._jurisdiction, day)):
            raise Throttled(
                "no more objections are taken in over the net; please write to the unit",
                zh="网上提交的异议已达上限，请以书面形式向公示单位提出",
            )
        task = (await self._store.read(_GRANT, "Task", id_)).resource
        tags = task.get("meta", {}).get("tag", ())
        stored = await self._start(
            _GRANT, code, values, receiver=organisation_of(task, "owner"), focus=f"Task/{id_}", tags=tags
        )
        return number_of(stored.resource)

    def _published(self) -> Iterator[tuple[CaseDeclaration, State, Publication]]:
        for kind in self._kinds.values():
            for state in kind.states:
                if state.publish is not None:
                    yield kind, state, state.publish

    def _publication(self, task: Resource) -> Publication | None:
        pairs = ((kind.code, state.id, publication) for kind, state, publication in self._published())
        return next(
            (one for code, state, one in pairs if (code, state) == (kind_of(task), state_of(task))), None
        )

    async def _notice(self, task: Resource) -> PublicNotice:
        kind, publication, end = self._kinds[kind_of(task)], self._publication(task), deadline_of(task)
        if publication is None or end is None:
            raise NotFound("there is no such public notice", zh="没有该公示")
        came = [one.when for one in events(task) if one.target == state_of(task) and one.source != one.target]
        unit = await self._record("Organization", organisation_of(task, "owner"))
        phones = (one.get("value") for one in unit.get("telecom", ()) if one.get("system") == "phone")
        return PublicNotice(
            task["id"],
            kind,
            publication,
            number_of(task),
            str(unit.get("name", "")),
            str(next(phones, "") or ""),
            tuple([one async for one in self._fields(kind, publication, task)]),
            came[-1].astimezone(CITY_ZONE).date(),
            end.astimezone(CITY_ZONE).date(),
        )

    async def _fields(
        self, kind: CaseDeclaration, publication: Publication, task: Resource
    ) -> AsyncIterator[NoticeField]:
        held, declared = inputs(task), all_fields(kind)
        for name in publication.fields:
            field, value = declared[name], held.get(name)
            if value is None:
                continue
            if points(field):
                value = await self._named(str(value))
            elif field.kind == "district":
                value = await self._named(f"Location/division-{value}")
            yield NoticeField(field, masked(str(value)) if name in publication.masked else value)

    async def _named(self, reference: str) -> str:
        type_, _, id_ = reference.partition("/")
        found = await self._record(type_, id_)
        return name_of(found) if found else "—"

    async def _record(self, type_: str, id_: str) -> Resource:
        found = await self._store.search_all(_GRANT, type_, f"_id={id_}") if id_ else []
        return found[0] if found else {}
