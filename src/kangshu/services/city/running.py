"""Runs the demo city's cases through the real engine, with the clock set back to when each step was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from kangshu.access import Grant, system_grant
from kangshu.base.canonical import DEMO_TAG
from kangshu.base.clock import now
from kangshu.base.faults import Fault
from kangshu.base.parameters import ParameterTable
from kangshu.cases import Cases, kind_of, organisation_of
from kangshu.plans import OUTLETS, Papers, Plans, Values
from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove, MeasureDeclaration, Resource, Service
from kangshu.store import Store

_TAG = {"system": DEMO_TAG, "code": "demo", "display": "演示数据"}


@dataclass(slots=True)
class Ran:
    """What was run: cases started, moves made, and the faults met (texts, for the log)."""

    cases: int = 0
    moves: int = 0
    faults: tuple[str, ...] = ()


class _Clock:
    """A clock that stands where it is put and never runs ahead of the real one."""

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self) -> datetime:
        return min(self.moment, now())


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
        clock=clock,
        outlets=outlets,
    )
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
    outlets.update(Papers(store, plans, cases, documents, clock=clock).outlets())
    ran = Ran()
    for service in listed:
        if service.demo_cases is None:
            continue
        own = replace(city, rng=Random(f"{city.seed}/{service.id}/cases"))  # noqa: S311 - a made-up city
        for case in service.demo_cases(own):
            if case.clause and not plan:
                continue
            await _run(cases, plans, store, clock, own, case, plan, ran)
    return ran


def _grant(city: DemoCity, organisation: str, subject: str = "") -> Grant:
    """Return the grant of who acts: an organisation, or a resident for oneself or for `subject`."""
    if organisation.startswith("Patient/"):
        person = organisation[8:]
        name = next(one.name for one in city.residents if one.id == person)
        return replace(system_grant(name), patient=person, wards=frozenset({subject} - {"", person}))
    # a section of a unit is none of the drawn city's: a service has added it
    name = next((one.name for one in city.organisations if one.id == organisation), "科室")
    return replace(
        system_grant(f"{name}经办人"), organisation=organisation, organisations=frozenset({organisation})
    )


async def _run(
    cases: Cases,
    plans: Plans,
    store: Store,
    clock: _Clock,
    city: DemoCity,
    case: DemoCase,
    plan: str,
    ran: Ran,
) -> None:
    present = now()
    start = max(present - timedelta(days=case.days), datetime(2000, 1, 1, tzinfo=UTC))
    clock.moment = start
    grant = _grant(city, case.by, case.subject)
    try:
        if case.clause:
            note = str(case.values.get("instruction", ""))
            made = await plans.assign(grant, plan, [f"clause-{case.clause:03d}"], note=note)
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
                await _walk(cases, store, clock, city, case, str(child["id"]), case.child_moves, start, ran)
        await _walk(cases, store, clock, city, case, task, case.moves, start, ran)
        if case.about_moves:
            await _walk_about(cases, store, clock, city, case, task, ran)


async def _walk_about(
    cases: Cases, store: Store, clock: _Clock, city: DemoCity, case: DemoCase, task: str, ran: Ran
) -> None:
    """Make the moves of the cases about a case, each from when it was opened."""
    for one in await store.search_all(system_grant("demo"), "Task", f"focus=Task/{task}"):
        opened = datetime.fromisoformat(str(one["authoredOn"]))
        moves = case.about_moves.get(kind_of(one), ())
        await _walk(cases, store, clock, city, case, str(one["id"]), moves, opened, ran)


async def _walk(
    cases: Cases,
    store: Store,
    clock: _Clock,
    city: DemoCity,
    case: DemoCase,
    task: str,
    moves: tuple[DemoMove, ...],
    start: datetime,
    ran: Ran,
) -> None:
    """Make the moves one after the other until one would lie ahead, or the engine refuses one."""
    present = now()
    clock.moment = start
    for move in moves:
        clock.moment += timedelta(hours=move.hours)
        if clock.moment > present:
            return
        try:
            await _move(cases, store, city, task, move, clock)
        except Fault as fault:
            ran.faults += (f"{case.kind} {move.move}: {fault.text} {[issue.text for issue in fault.issues]}",)
            return
        ran.moves += 1


async def _move(cases: Cases, store: Store, city: DemoCity, task: str, move: DemoMove, clock: _Clock) -> None:
    resource: Resource = (await store.read(system_grant("demo"), "Task", task)).resource
    element = {"": "owner", "*": "requester"}.get(move.by)
    subject = str((resource.get("for") or {}).get("reference", "")).removeprefix("Patient/")
    grant = _grant(city, organisation_of(resource, element) if element else move.by, subject)
    values = {}
    for name, value in move.values.items():
        values[name] = await _first(cases, grant, task, move, name, clock) if value == ANY else value
    await cases.move(grant, task, move.move, values)


async def _first(cases: Cases, grant: Grant, task: str, move: DemoMove, name: str, clock: _Clock) -> str:
    """Return the first record that may be chosen, or the day of the move for a date."""
    if name.endswith("_date"):
        return clock().date().isoformat()
    found = await cases.candidates(grant, task, move.move, name, limit=1)
    return f"{found[0]['resourceType']}/{found[0]['id']}" if found else ""
