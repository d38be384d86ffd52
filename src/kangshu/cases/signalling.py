"""Events of outside systems (signals): each is taken once, and what it says commits with its id or not at all.

The id of every event that a case has taken stands among the identifiers of its Task (SIGNAL_EVENT), the matter that it
belongs to under CASE_KEY. So the same event sent again finds its case, whichever worker took it first, and an answer is
given only after the commit: who gets none sends again, and nothing happens twice.

An event opens no record to its sender. What it is about is looked up for the engine alone; the answer names the case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Literal
from urllib.parse import quote

from kangshu.access import ANY_TYPE, Everything, Grant
from kangshu.base.canonical import BASE, CASE_KIND, CASE_STATE
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Conflict, Fault, Invalid, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.cases.moving import Machine
from kangshu.cases.parties import SIGNAL
from kangshu.cases.substitution import substitute
from kangshu.cases.tasks import CASE_KEY, new_task, number_of, state_of
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers import check_values, read_path, write_path
from kangshu.sdk import CaseDeclaration, Field, Resource, SignalDeclaration, SignalRule
from kangshu.store import Store, Transaction

SIGNAL_EVENT: Final = f"{BASE}/sid/signal-event"
"""Identifier system of the events that a case has taken: `service/signal/id`."""
ENGINE: Final = "case.engine"

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,63}", re.ASCII)
_EVERY: Final = MappingProxyType({ANY_TYPE: Everything()})

Outcome = Literal["started", "moved", "joined", "repeated", "changed", "kept", "nothing"]
"""started: a case · moved: its case · joined: the open case about the same record · repeated: taken before ·
changed: a record · kept: a record that was told the same just before · nothing: its case is past this move."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an event has done. `left_out` names what it said that did not fit a form, as (field, Chinese, English)."""

    outcome: Outcome
    rule: str
    case: str = ""
    """Id of the Task."""
    number: str = ""
    state: str = ""
    left_out: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One event as its declaration reads it."""

    body: Mapping[str, Any]
    id: str
    key: str
    when: datetime
    rule: SignalRule
    reads: Mapping[str, str]


class Signals:
    """Takes the events of every declared signal."""

    def __init__(
        self,
        store: Store,
        declarations: Iterable[SignalDeclaration],
        kinds: Mapping[str, CaseDeclaration],
        machine: Machine,
        parameters: ParameterTable,
        jurisdiction: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._signals = {one.code: one for one in declarations}
        self._kinds = kinds
        self._machine = machine
        self._parameters = parameters
        self._jurisdiction = jurisdiction
        self._clock = clock

    def declaration(self, code: str) -> SignalDeclaration:
        """Return the signal `service/signal`. Raises NotFound."""
        found = self._signals.get(code)
        if found is None:
            raise NotFound(f"there is no signal '{code[:80]}'", zh=f"没有信号接口“{code[:80]}”")
        return found

    async def take(self, grant: Grant, code: str, body: Any) -> Taken:
        """Take one event and return what it has done, once that is committed.

        Raises:
            NotFound: no such signal, or a record to be kept alive that is not registered.
            Forbidden: the account may not send it.
            Invalid, Unprocessable: no JSON object, no id, key or time of the declared kind; no rule takes it.
            Conflict: it moves a case that has not begun: its first event has not come yet, send it again.
        """
        signal = self.declaration(code)
        grant.require(signal.operation)
        event = read_event(signal, body, self._clock())

        async def work(transaction: Transaction) -> Taken:
            return await self._take(transaction, grant, signal, event)

        kind = "Task" if event.rule.does != "change" else _type_of(signal, event.rule.record)
        async with self._store.audited_entry(grant, "update", kind, ""):
            return await self._store.run(_engine(grant), work)

    async def _take(
        self, transaction: Transaction, grant: Grant, signal: SignalDeclaration, event: Event
    ) -> Taken:
        rule = event.rule
        if rule.does == "change":
            return await self._change(transaction, signal, event)
        identity = f"{signal.code}/{event.id}"
        before = await transaction.match("Task", f"identifier={SIGNAL_EVENT}|{identity}")
        if before is not None:
            return _taken("repeated", rule, before.resource)
        kind = self._kinds[f"{signal.service}/{signal.case}"]
        if rule.does == "start":
            return await self._start(transaction, grant, signal, kind, event, identity)
        standing = await transaction.match("Task", f"identifier={CASE_KEY}|{signal.code}/{event.key}")
        if standing is None:
            raise Conflict(
                "the case of this event has not begun: send its first event, then this one again",
                zh="该事件所属的办件尚未建立，请先发送起始事件，再重发本事件",
            )
        return await self._move(transaction, grant, kind, event, rule.move, standing.id, identity)

    async def _start(
        self,
        transaction: Transaction,
        grant: Grant,
        signal: SignalDeclaration,
        kind: CaseDeclaration,
        event: Event,
        identity: str,
    ) -> Taken:
        """Begin a case, or join the one of the same key, or the open one about the same record."""
        key = f"{signal.code}/{event.key}"
        found = await self._found(transaction, signal, event)
        focus = _reference(signal.focus, event, found)
        if focus:
            await transaction.lock(*_split(focus))  # two alarms of one device wait for each other
        standing = await transaction.match("Task", f"identifier={CASE_KEY}|{key}")
        if standing is None and focus and event.rule.again:
            standing = await self._open_about(transaction, kind, focus)
        if standing is not None:
            if event.rule.again:
                return await self._move(
                    transaction, grant, kind, event, event.rule.again, standing.id, identity, "joined"
                )
            return _taken("repeated", event.rule, standing.resource)
        task = new_task(kind, self._clock())
        task["identifier"] = [
            {"system": CASE_KEY, "value": key},
            {"system": SIGNAL_EVENT, "value": identity},
        ]
        if subject := _reference(signal.subject, event, found):
            task["for"] = {"reference": subject}
        if focus:
            task["focus"] = {"reference": focus}
            tags = found_tags(found, focus)
            if tags:
                task["meta"] = {"tag": tags}
        form, left_out = _fitting(kind.form, event, found)
        begun = await self._machine.begin(transaction, grant, kind, task, form, "")
        return _taken("started", event.rule, begun.resource, left_out)

    async def _open_about(self, transaction: Transaction, kind: CaseDeclaration, focus: str) -> Any:
        states = ",".join(f"{CASE_STATE}|{one.id}" for one in kind.states if not one.final)
        criteria = f"code={CASE_KIND}|{kind.code}&focus={focus}&business-status={states}&_sort=authored-on"
        found = await transaction.search_all("Task", criteria)
        return await transaction.read("Task", found[-1]["id"]) if found else None

    async def _move(
        self,
        transaction: Transaction,
        grant: Grant,
        kind: CaseDeclaration,
        event: Event,
        name: str,
        task_id: str,
        identity: str,
        outcome: Outcome = "moved",
    ) -> Taken:
        """Make a move that events may make; a case that is past it takes the event and stays as it is."""
        await transaction.lock("Task", task_id)
        stored = await transaction.read("Task", task_id)
        task = deepcopy(stored.resource)
        move = next(one for one in kind.moves if one.id == name and SIGNAL in one.by)
        left_out: tuple[tuple[str, str, str], ...] = ()
        if state_of(task) not in move.sources:
            outcome = "nothing"
        else:
            form, left_out = _fitting(move.form, event, {})
            task = await self._machine.make(transaction, grant, kind, move, task, form, "")
        task.setdefault("identifier", []).append({"system": SIGNAL_EVENT, "value": identity})
        written = await transaction.update(task, if_match=stored.version)
        return _taken(outcome, event.rule, written.stored.resource, left_out)

    async def _change(self, transaction: Transaction, signal: SignalDeclaration, event: Event) -> Taken:
        """Change the found record, unless it was told the same just before, or later than this event."""
        rule = event.rule
        found = await self._found(transaction, signal, event)
        record = found.get(rule.record)
        if record is None:
            raise NotFound(
                "the record that this event is about is not registered here", zh="该事件对应的记录未登记"
            )
        kind, id_ = record["resourceType"], record["id"]
        await transaction.lock(kind, id_)
        stored = await transaction.read(kind, id_)
        changed = deepcopy(stored.resource)
        for path, expression in rule.change.items():
            write_path(changed, path, _plain(compile_expression(expression).first(dict(event.body), found)))
        last = _moment(read_path(stored.resource, rule.at)) if rule.at else None
        if last is not None and event.when <= last:
            return Taken("kept", rule.id)
        if last is not None and rule.not_within:
            minutes = self._minutes(rule.not_within)
            write_path(changed, rule.at, read_path(stored.resource, rule.at))
            if changed == stored.resource and event.when - last < timedelta(minutes=minutes):
                return Taken("kept", rule.id)
        if rule.at:
            write_path(changed, rule.at, instant(event.when))
        await transaction.update(changed, if_match=stored.version)
        return Taken("changed", rule.id)

    def _minutes(self, parameter: str) -> float:
        day = self._clock().astimezone(CITY_ZONE).date()
        return float(str(self._parameters.value(parameter, self._jurisdiction, day)))

    async def _found(
        self, transaction: Transaction, signal: SignalDeclaration, event: Event
    ) -> dict[str, Resource]:
        """Return the records that the event is about, by the names of the declaration."""
        found: dict[str, Resource] = {}
        for find in signal.finds:
            if any(not event.reads.get(name) for name in _names(find.criteria)):
                continue
            quoted = {name: quote(_escaped(value), safe="") for name, value in event.reads.items()}
            matches = await transaction.search_all(find.type, str(substitute(find.criteria, quoted)))
            if len(matches) == 1:
                found[find.id] = matches[0]
        return found


def read_event(signal: SignalDeclaration, body: Any, now: datetime) -> Event:
    """Return an event as `signal` reads it. `now` bounds when it may have happened: nothing comes from the future.

    Raises Invalid, Unprocessable.
    """
    if not isinstance(body, dict):
        raise Invalid("an event is one JSON object", zh="事件应为一个 JSON 对象")
    rule = next((one for one in signal.rules if not one.when or _holds(one.when, body)), None)
    if rule is None:
        raise Unprocessable("no rule of this signal takes this event", zh="该信号没有适用于此事件的规则")
    key = _text(signal.key, body) if signal.key else ""
    if rule.does != "change":
        key = _named("key", key)
    when = _moment(_text(signal.time, body))
    if when is None:
        raise Unprocessable(
            "the event does not say when it happened: an instant with its zone, such as 2026-03-01T08:30:00+08:00",
            zh="事件缺少发生时间，应为带时区的时刻，如 2026-03-01T08:30:00+08:00",
            expression=signal.time,
        )
    reads = {name: _text(expression, body) for name, expression in signal.reads.items()}
    return Event(body, _named("event", _text(signal.event, body)), key, min(when, now), rule, reads)


def found_tags(found: Mapping[str, Resource], focus: str) -> list[dict[str, Any]]:
    """Return the tags of the record that a case is about: what a demonstration device reports is demonstration too."""
    for record in found.values():
        if f"{record['resourceType']}/{record['id']}" == focus:
            return [dict(one) for one in record.get("meta", {}).get("tag", ())]
    return []


def _fitting(
    fields: Iterable[Field], event: Event, found: Mapping[str, Resource]
) -> tuple[dict[str, Any], tuple[tuple[str, str, str], ...]]:
    """Return the form's values that the event gives, and what of them did not fit and is left out.

    An alarm with a broken coordinate is still an alarm. Only a required field that is missing refuses an event.
    """
    listed = tuple(fields)
    values = {
        name: _plain(compile_expression(expression).first(dict(event.body), found))
        for name, expression in event.rule.values.items()
        if name in {one.id for one in listed}
    }
    values = {name: value for name, value in values.items() if value not in (None, "")}
    _, issues = check_values(listed, values)
    wrong = {
        place.split(".")[0]: one
        for one in issues
        for place in one.expression
        if place.split(".")[0] in values
    }
    kept = {name: value for name, value in values.items() if name not in wrong}
    form, issues = check_values(listed, kept)
    if issues:
        raise Unprocessable(
            "the event lacks what its case needs", zh="事件缺少建立办件所需的内容", issues=issues
        )
    return form, tuple((name, one.zh, one.text) for name, one in wrong.items())


def _taken(
    outcome: Outcome, rule: SignalRule, task: Resource, left_out: tuple[tuple[str, str, str], ...] = ()
) -> Taken:
    return Taken(outcome, rule.id, str(task["id"]), number_of(task), state_of(task), left_out)


def _reference(expression: str, event: Event, found: Mapping[str, Resource]) -> str:
    """Return the reference that an expression over the event and the found records gives, "" for none."""
    if not expression:
        return ""
    variables = {name: [found[name]] if name in found else [] for name in _variables(expression)}
    value = compile_expression(expression).first(dict(event.body), variables)
    return str(value) if isinstance(value, str) and "/" in value else ""


def _variables(expression: str) -> set[str]:
    return set(re.findall(r"%([a-z][a-z0-9_]*)", expression))


def _names(criteria: str) -> list[str]:
    return re.findall(r"\$\{([A-Za-z][A-Za-z0-9_]*)\}", criteria)


def _named(what: str, text: str) -> str:
    if not _ID.fullmatch(text):
        raise Unprocessable(
            f"the event's {what} has 1 to 64 letters, digits, '.', '_', ':' or '-'",
            zh="事件编号和业务编号应为 1 至 64 位字母、数字、“.”“_”“:”“-”",
            expression=what,
        )
    return text


def _holds(expression: str, body: Mapping[str, Any]) -> bool:
    try:
        return compile_expression(expression).holds(dict(body)) is True
    except Fault:
        return False


def _text(expression: str, body: Mapping[str, Any]) -> str:
    try:
        value = compile_expression(expression).first(dict(body))
    except Fault:
        return ""
    return str(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""


def _plain(value: Any) -> Any:
    """Return a value of an event as a form takes it; what is no plain value is nothing."""
    return value if isinstance(value, str | int | Decimal | bool) else None


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _escaped(value: str) -> str:
    return re.sub(r"([\\,|$])", r"\\\1", value)


def _split(reference: str) -> tuple[str, str]:
    kind, _, id_ = reference.partition("/")
    return kind, id_


def _type_of(signal: SignalDeclaration, record: str) -> str:
    return next((one.type for one in signal.finds if one.id == record), "Task")


def _engine(grant: Grant) -> Grant:
    """Return the grant that an event is taken with; the account stays, for the audit and the case's history."""
    return replace(grant, read=_EVERY, write=_EVERY, operations=grant.operations | {ENGINE})
