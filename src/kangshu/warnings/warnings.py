"""`Warnings`: holds the rules against what is known, raises a case for each new cause, and ends those whose cause is gone.

A warning is a case of the kind that carries `warning`, whichever service has it: who is told, who signs, what was done
and what passes time has is the case's own business (docs/adr/0045). This room alone says that a cause is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from kangshu.base.canonical import CASE_KIND, CASE_STATE
from kangshu.base.clock import CITY_ZONE, instant, now
from kangshu.base.faults import Fault
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.cases import Cases, inputs
from kangshu.measures import Snapshot
from kangshu.registers import names_of
from kangshu.sdk import (
    WARNING_LEVELS,
    CaseDeclaration,
    ListDeclaration,
    MeasureDeclaration,
    Resource,
    Service,
    WarningRule,
)
from kangshu.search import parse_query
from kangshu.store import Store
from kangshu.warnings import limits
from kangshu.warnings.causes import GRANT, Cause, Counted, LateTarget, Reader, of_targets

CARRIED: Final = "warning"
"""What the case kind of warnings carries."""
RAISED_AT_ONCE: Final = 200
"""New warnings that one look raises at most; the rest wait for the next."""
STATE: Final = "warnings.rules"
_DIVISION: Final = "http://kangshu.org/fhir/sid/division"
_PAGE: Final = 500
END, WORSEN, CLOSED = "end", "worsen", "closed"


@dataclass(frozen=True, slots=True)
class RuleState:
    """How a rule stood at the last look: as of which publication, how many causes, and why it could not be held, if so."""

    at: str = ""
    position: int = 0
    found: int = 0
    fault: str = ""
    fault_zh: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look did."""

    raised: int = 0
    ended: int = 0
    worse: int = 0
    waiting: int = 0
    """Causes that are left for the next look."""


@dataclass(slots=True)
class _Known:
    """What stands: open warnings by cause, causes that people have closed lately, and names."""

    open: dict[str, Resource] = field(default_factory=dict)
    quiet: set[str] = field(default_factory=set)


class Warnings:
    """The rules of an installation. `targets` gives the targets of plans in force that are off their course."""

    def __init__(
        self,
        store: Store,
        cases: Cases,
        services: Iterable[Service],
        parameters: ParameterTable,
        jurisdiction: str,
        *,
        snapshot: Callable[[], Snapshot],
        targets: Callable[[], Awaitable[Sequence[LateTarget]]],
        tags: Sequence[Mapping[str, str]] = (),
        clock: Callable[[], datetime] = now,
    ) -> None:
        listed = tuple(services)
        self._store, self._cases = store, cases
        self._parameters, self._jurisdiction = parameters, jurisdiction
        self._snapshot, self._targets, self._clock, self._tags = snapshot, targets, clock, tags
        self.measures: Mapping[str, MeasureDeclaration] = {
            one.id: one for service in listed for one in service.measures
        }
        self.lists: Mapping[str, ListDeclaration] = {
            one.code: one for service in listed for one in service.lists
        }
        # what stands on a folder that is not there warns of nothing
        self.rules: tuple[WarningRule, ...] = tuple(
            one
            for service in listed
            for one in service.warnings
            if one.targets or one.measure in self.measures or one.list in self.lists
        )
        self._earlier: tuple[date, dict[Any, Any]] = (date.min, {})

    @property
    def kind(self) -> CaseDeclaration | None:
        """Return the case kind of warnings; None where no service has it: then nothing is raised."""
        return self._cases.carrying(CARRIED)

    async def look(self) -> Looked:
        """Hold every rule against what is published now.

        Raising one warning is one transaction: the case, its number and the notices to those who are told commit
        together, so that a process that dies in between has either done all of it or nothing, and the next look goes on.
        A rule that cannot be held, or a place of which nothing is known, neither raises nor ends.
        """
        kind = self.kind
        if kind is None or not self.rules:
            return Looked()
        day = self._clock().astimezone(CITY_ZONE).date()
        reader = self._reader(day)
        found: dict[str, Cause] = {}
        held: dict[str, Counted] = {}
        states: dict[str, RuleState] = {}
        at = instant(self._clock())
        for rule in self.rules:
            try:
                held[rule.code] = counted = await self._held(rule, reader)
            except Fault as fault:
                states[rule.code] = RuleState(at, reader.snapshot.position, 0, fault.text, fault.zh)
                continue
            found |= counted.causes
            states[rule.code] = RuleState(at, reader.snapshot.position, len(counted.causes))
        done = await self._bring_up(kind, reader, found, held, states)
        await self._keep(states)
        return done

    async def states(self) -> dict[str, RuleState]:
        """Return how each rule stood at the last look, by code."""
        kept = await self._store.get_setting(STATE) or {}
        return {code: RuleState(**state) for code, state in kept.items()}

    # ------------------------------------------------------------------ inside

    def _reader(self, day: date) -> Reader:
        if self._earlier[0] != day:  # what was, is asked of the records once a day
            self._earlier = (day, {})
        return Reader(self._snapshot(), self._parameters, self._jurisdiction, day, self._earlier[1])

    async def _held(self, rule: WarningRule, reader: Reader) -> Counted:
        """Return what a rule finds; DuckDB computes in a thread."""
        if rule.targets:
            return of_targets(rule, await self._targets())
        if rule.measure:
            return await asyncio.to_thread(reader.on_measure, rule, self.measures[rule.measure])
        return await asyncio.to_thread(reader.on_list, rule, self.lists[rule.list])

    async def _bring_up(
        self,
        kind: CaseDeclaration,
        reader: Reader,
        found: Mapping[str, Cause],
        held: Mapping[str, Counted],
        states: dict[str, RuleState],
    ) -> Looked:
        known = await self._known(kind, reader.day)
        raised = ended = worse = waiting = 0
        pressing = sorted(found.values(), key=lambda one: -WARNING_LEVELS.index(one.level))
        for cause in pressing:
            standing = known.open.get(cause.key)
            if standing is not None:
                worse += await self._worsen(standing, cause, reader)
            elif cause.key in known.quiet:
                continue
            elif raised >= RAISED_AT_ONCE:
                waiting += 1
            else:
                try:
                    raised += await self._raise(kind, cause, reader)
                except Fault as fault:
                    code = cause.rule.code
                    states[code] = RuleState(
                        states[code].at, states[code].position, states[code].found, fault.text, fault.zh
                    )
        for key, task in known.open.items():
            rule = str(inputs(task).get("rule", ""))
            declared = any(one.code == rule for one in self.rules)
            counted = held.get(rule)
            if key in found or (declared and (counted is None or key in counted.unknown)):
                continue
            ended += await self._end(task, reader, declared=declared)
        return Looked(raised, ended, worse, waiting)

    async def _known(self, kind: CaseDeclaration, day: date) -> _Known:
        """Return the open warnings and the causes that people have closed within the quiet days."""
        known = _Known()
        open_states = ",".join(f"{CASE_STATE}|{one.id}" for one in kind.states if not one.final)
        for task in await self._tasks(f"code={CASE_KIND}|{kind.code}&business-status={open_states}"):
            known.open[cause_of(task)] = task
        days = int(self._figure(limits.QUIET_DAYS.id, day))
        since = datetime.combine(day - timedelta(days=days), datetime.min.time(), CITY_ZONE)
        closed = f"business-status={CASE_STATE}|{CLOSED}&_lastUpdated=ge{instant(since)}"
        for task in await self._tasks(f"code={CASE_KIND}|{kind.code}&{closed}"):
            known.quiet.add(cause_of(task))
        return known

    async def _tasks(self, criteria: str) -> list[Resource]:
        """Return all that match, however many they are."""
        pairs = [(name, value) for name, _, value in (one.partition("=") for one in criteria.split("&"))]
        query, cursor = parse_query("Task", [*pairs, ("_count", str(_PAGE))]), None
        found: list[Resource] = []
        while True:
            page = await self._store.search(GRANT, query, cursor)
            found += [one.resource for one in page.entries]
            cursor = page.next
            if cursor is None:
                return found

    async def _raise(self, kind: CaseDeclaration, cause: Cause, reader: Reader) -> int:
        owner, office = self._parties(cause, reader.day)
        name, subject = await self._name(cause), await self._open_subject(cause)
        values = {
            "cause": cause.key,
            "rule": cause.rule.code,
            "level": cause.level,
            **_reason(name, cause),
            "act": cause.rule.act.zh,
            "unit": f"Organization/{cause.unit}" if cause.unit else None,
            "place": cause.place or None,
            "target": cause.target or None,
            "value": _number(cause.value),
            "limit": _number(cause.limit),
            "compared": _number(cause.compared),
            "count": cause.count,
            "parameters": "；".join(_said(one) for one in cause.versions) or None,
            "as_of": reader.snapshot.instant,
            "position": reader.snapshot.position,
            "office": f"Organization/{office}",
        }
        stored = await self._cases.start(
            GRANT,
            kind.code,
            {key: value for key, value in values.items() if value is not None},
            subject=subject if subject.startswith("Patient/") else None,
            focus=subject or None,
            receiver=owner,
            title=f"{name}{cause.rule.title.zh}" if not cause.target else cause.text.zh[:80],
            tags=self._tags,
            # one a day for each cause: of two workers, or of one that died and began again, one raises it
            key=f"{cause.key}|{reader.day.isoformat()}",
        )
        return int(stored.version == 1)

    async def _worsen(self, task: Resource, cause: Cause, reader: Reader) -> int:
        """Tell that an open warning has become worse: its level has risen, or it counts so many more."""
        before = inputs(task)
        level = str(before.get("level", cause.level))
        risen = WARNING_LEVELS.index(cause.level) > WARNING_LEVELS.index(_level(level))
        count = int(before.get("count") or 0)
        growth = self._figure(limits.GROWTH.id, reader.day)
        grown = count > 0 and cause.count is not None and cause.count > count * (1 + growth / 100)
        if not (risen or grown):
            return 0
        name = await self._name(cause)
        values = {
            "level": cause.level if risen else level,
            **_reason(name, cause),
            "value": _number(cause.value),
            "count": cause.count,
            "as_of": reader.snapshot.instant,
        }
        return await self._move(
            task, WORSEN, {key: value for key, value in values.items() if value is not None}
        )

    async def _end(self, task: Resource, reader: Reader, *, declared: bool) -> int:
        gone = "引起预警的情形已消除" if declared else "预警规则已停用"
        return await self._move(task, END, {"comment": gone, "as_of": reader.snapshot.instant})

    async def _move(self, task: Resource, move: str, values: Mapping[str, Any]) -> int:
        try:
            await self._cases.move(GRANT, task["id"], move, values, if_match=int(task["meta"]["versionId"]))
        except Fault:
            return 0  # somebody was first: the next look sees how it stands
        return 1

    async def _open_subject(self, cause: Cause) -> str:
        """Return the reference of what a single row is about, "" where its record carries a sensitivity label.

        A case is read by more people than such a record: they are told that there is one, and find it in the list if they may.
        """
        kind, _, id_ = cause.subject.partition("/")
        if not id_:
            return ""
        record = (await self._store.read(GRANT, kind, id_)).resource
        return "" if record.get("meta", {}).get("security") else cause.subject

    def _parties(self, cause: Cause, day: date) -> tuple[str, str]:
        """Return the ids of who acts and of who supervises."""
        place = cause.place or self._jurisdiction
        office = self._organisation(cause.rule.office or limits.OFFICE.id, place, day)
        higher = self._organisation(limits.HIGHER.id, place, day)
        if cause.unit:
            return cause.unit, office
        owner = next(iter(cause.owners), office)
        return owner, higher if owner != higher else office

    def _organisation(self, parameter: str, place: str, day: date) -> str:
        return str(self._parameters.value(parameter, place, day))

    def _figure(self, parameter: str, day: date) -> float:
        return float(str(self._parameters.value(parameter, self._jurisdiction, day)))

    async def _name(self, cause: Cause) -> str:
        """Return what the institution or the place is called; "" for the whole city."""
        if cause.unit:
            reference = f"Organization/{cause.unit}"
            return (await names_of(self._store, GRANT, [reference])).get(reference, "")
        if not cause.place or cause.place == self._jurisdiction:
            return ""
        found = await self._store.search_all(GRANT, "Location", f"identifier={_DIVISION}|{cause.place}")
        return str(found[0].get("name", "")) if found else ""

    async def _keep(self, states: Mapping[str, RuleState]) -> None:
        kept = {
            code: {
                "at": one.at,
                "position": one.position,
                "found": one.found,
                "fault": one.fault,
                "fault_zh": one.fault_zh,
            }
            for code, one in states.items()
        }
        await self._store.put_setting(STATE, kept)


def cause_of(task: Resource) -> str:
    """Return the cause (`Cause.key`) of a warning, "" for another case."""
    return str(inputs(task).get("cause", ""))


def rule_of(task: Resource) -> str:
    """Return the code of the rule by which a warning was raised."""
    return str(inputs(task).get("rule", ""))


def _reason(name: str, cause: Cause) -> dict[str, str]:
    """Return the words of a warning about what is called `name` in both languages, by field."""
    texts = {
        "reason": f"{name}{cause.text.zh}",
        "reason_en": f"{name}: {cause.text.en}" if name else cause.text.en,
    }
    return {
        "reason": texts["reason"].rstrip("。") + "。",
        "reason_en": texts["reason_en"].rstrip(".") + ".",
    }


def _level(text: str) -> Any:
    return text if text in WARNING_LEVELS else WARNING_LEVELS[0]


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _said(version: ParameterVersion) -> str:
    unit = "" if version.unit in ("", "1") else version.unit
    said = f"{version.value}{unit}" if version.says is None else "是" if version.says else "否"
    return f"{version.title.zh} {said}（{version.valid_from.isoformat()}起，{version.source}）"
