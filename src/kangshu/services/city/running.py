"""Runs the demo city's cases through the real engine, with the clock set back to when each step was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import DEMO_TAG
from kangshu.base.clock import now
from kangshu.base.faults import Fault
from kangshu.base.parameters import ParameterTable
from kangshu.bookings import Bookings
from kangshu.cases import Cases, kind_of, state_of
from kangshu.plans import OUTLETS, Papers, Plans, Values
from kangshu.sdk import ANY, CITED_FIELD, DemoCase, DemoCity, DemoMove, MeasureDeclaration, Resource, Service
from kangshu.store import Store

_CITED: Final = 4
"""How many duties and targets a demo document cites."""
_TAG = {"system": DEMO_TAG, "code": "demo", "display": "演示数据"}


class _Clock:
    """A clock that stands where it is put and never runs ahead of the real one."""

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self) -> datetime:
        return min(self.moment, now())


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the demo's cases are run with."""

    cases: Cases
    plans: Plans
    papers: Papers
    store: Store
    clock: _Clock
    city: DemoCity


@dataclass(slots=True)
class Ran:
    """What was run: cases started, moves made, and the faults met (texts, for the log)."""

    cases: int = 0
    moves: int = 0
    faults: tuple[str, ...] = ()


def _no_value(grant: Grant, measure: MeasureDeclaration, day: date) -> None:
    """Return None: nothing has been counted yet."""


async def run_cases(
    store: Store,
    services: Iterable[Service],
    parameters: ParameterTable,
    city: DemoCity,
    *,
    plan: str = "",
    seed: int = 0,
    measures: Iterable[MeasureDeclaration] = (),
    values: Values | None = None,
) -> Ran:
    """Start and move every demo case of the services; those of a plan's clauses need the imported `plan`'s id; `values` tells
    the numbers of `measures` that documents cite.

    A step that the engine refuses ends its case there and is told in `Ran.faults`.
    """
    listed = tuple(services)
    clock = _Clock()
    outlets = dict(OUTLETS)
    cases = Cases(
        store,
        [one for service in listed for one in service.cases],
        parameters,
        calendar=city.calendar,
        jurisdiction=city.code,
        rosters=[one for service in listed for one in service.rosters],
        calculations=[one for service in listed for one in service.calculations],
        clock=clock,
        outlets=outlets,
    )
    booked = [one for service in listed for one in service.bookings]
    cases.book_with(Bookings(store, booked, parameters, jurisdiction=city.code, clock=clock))
    plans = Plans(
        store,
        cases,
        parameters,
        jurisdiction=city.code,
        measures=measures,
        values=values or _no_value,
        clock=clock,
    )
    documents = (one for service in listed for one in service.documents)
    papers = Papers(store, plans, cases, documents, clock=clock)
    outlets.update(papers.outlets())
    ran = Ran()
    for service in listed:
        if service.demo_cases is None:
            continue
        own = replace(city, rng=Random(f"{city.seed}/{service.id}/cases"))  # noqa: S311 - a made-up city
        for case in service.demo_cases(own):
            if case.clause and not plan:
                continue
            await _run(_Desk(cases, plans, papers, store, clock, own), case, plan, ran)
    return ran


def _grant(city: DemoCity, organisation: str, subject: str = "") -> Grant:
    """Return the grant of who acts: an organisation, or a resident for oneself or for `subject`."""
    if organisation.startswith("Patient/"):
        person = organisation[8:]
        name = next(one.name for one in city.residents if one.id == person)
        return replace(system_grant(name), patient=person, wards=frozenset({subject} - {"", person}))
    if organisation.startswith("Practitioner/"):
        return replace(system_grant("专家"), practitioner=organisation[13:])
    # a section of a unit, or a proposer, is none of the drawn city's: a service has added it
    name = next((one.name for one in city.organisations if one.id == organisation), "科室")
    return replace(
        system_grant(f"{name}经办人"), organisation=organisation, organisations=frozenset({organisation})
    )


async def _run(desk: _Desk, case: DemoCase, plan: str, ran: Ran) -> None:
    cases, store, clock, city = desk.cases, desk.store, desk.clock, desk.city
    present = now()
    start = max(present - timedelta(days=case.days), datetime(2000, 1, 1, tzinfo=UTC))
    clock.moment = start
    grant = _grant(city, case.by, case.subject)
    try:
        if case.clause:
            note = str(case.values.get("instruction", ""))
            made = await desk.plans.assign(grant, plan, [f"clause-{case.clause:03d}"], note=note)
            tasks = [duty.task for duty in made.duties]
        else:
            subject = f"Patient/{case.subject}" if case.subject else None
            started = await cases.start(grant, case.kind, case.values, subject=subject, tags=[_TAG])
            tasks = [started.id]
    except Fault as fault:
        ran.faults += (f"{case.kind}: {fault.text} {[issue.text for issue in fault.issues]}",)
        return
    ran.cases += len(tasks)
    for task in tasks:
        if case.child_moves:
            for child in await store.search_all(system_grant("demo"), "Task", f"part-of=Task/{task}"):
                await _walk(desk, case, str(child["id"]), case.child_moves, start, ran)
        await _walk(desk, case, task, case.moves, start, ran)
        if case.about_moves:
            await _walk_about(desk, case, task, ran)


async def _walk_about(desk: _Desk, case: DemoCase, task: str, ran: Ran) -> None:
    """Make the moves of the cases about a case, each from when it was opened."""
    for one in await desk.store.search_all(system_grant("demo"), "Task", f"focus=Task/{task}"):
        opened = datetime.fromisoformat(str(one["authoredOn"]))
        moves = case.about_moves.get(kind_of(one), ())
        await _walk(desk, case, str(one["id"]), moves, opened, ran)


async def _walk(
    desk: _Desk, case: DemoCase, task: str, moves: tuple[DemoMove, ...], start: datetime, ran: Ran
) -> None:
    """Make the moves one after the other until one would lie ahead, or the engine refuses one."""
    present, clock = now(), desk.clock
    clock.moment = start
    for move in moves:
        clock.moment += timedelta(hours=move.hours)
        if clock.moment > present:
            return
        try:
            await _move(desk, task, move)
        except Fault as fault:
            ran.faults += (f"{case.kind} {move.move}: {fault.text} {[issue.text for issue in fault.issues]}",)
            return
        ran.moves += 1


async def _move(desk: _Desk, task: str, move: DemoMove) -> None:
    """Make a move on the case, or on its children at `move.on` that are in a state for it."""
    if not move.on:
        await _make(desk, task, move)
        return
    tasks = [task]
    for kind in move.on.split("/"):
        tasks = [
            str(child["id"])
            for parent in tasks
            for child in await desk.store.search_all(system_grant("demo"), "Task", f"part-of=Task/{parent}")
            if kind_of(child).endswith(f"/{kind}")
        ]
    for one in tasks:
        resource = (await desk.store.read(system_grant("demo"), "Task", one)).resource
        declared = next(
            each for each in desk.cases.declaration(kind_of(resource)).moves if each.id == move.move
        )
        if state_of(resource) in declared.sources:
            await _make(desk, one, move)


async def _make(desk: _Desk, task: str, move: DemoMove) -> None:
    resource: Resource = (await desk.store.read(system_grant("demo"), "Task", task)).resource
    element = {"": "owner", "*": "requester"}.get(move.by)
    subject = str((resource.get("for") or {}).get("reference", "")).removeprefix("Patient/")
    party = str((resource.get(element) or {}).get("reference", "")) if element else move.by
    grant = _grant(desk.city, party.removeprefix("Organization/"), subject)
    values = {name: await _value(desk, grant, task, move, name, value) for name, value in move.values.items()}
    await desk.cases.move(grant, task, move.move, values)


async def _value(desk: _Desk, grant: Grant, task: str, move: DemoMove, name: str, value: Any) -> Any:
    """Return a value of a form with every `ANY` in it replaced."""
    if value == ANY:
        return await _first(desk, grant, task, move, name)
    if isinstance(value, list):
        return [await _value(desk, grant, task, move, name, one) for one in value]
    if isinstance(value, dict):
        return {
            column: await _value(desk, grant, task, move, f"{name}.{column}", one)
            for column, one in value.items()
        }
    return value


async def _first(desk: _Desk, grant: Grant, task: str, move: DemoMove, name: str) -> Any:
    """Return the first record that may be chosen, the day of the move for a date, a few things to cite."""
    if name.endswith("_date"):
        return desk.clock().date().isoformat()
    if name == CITED_FIELD:
        return [one.key for one in (await desk.papers.citable(grant))[:_CITED]]
    found = await desk.cases.candidates(grant, task, move.move, name, limit=1)
    return f"{found[0]['resourceType']}/{found[0]['id']}" if found else ""
