"""预警中心: the warnings that a grant sees, what stands behind one of them, and how the rules stand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.api.telling import tell
from kangshu.api.work_lists import WorkPage, list_page, offered_lists
from kangshu.base.canonical import CASE_KIND, CASE_STATE
from kangshu.base.clock import instant, now, quarter_ends, today
from kangshu.base.faults import Fault, NotFound
from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Text
from kangshu.cases import CaseEvent, CaseRow, events, inputs, kind_of
from kangshu.measures import DISTRICT, ListAsked, MeasureResult, MeasureRow, Wanted, period_of
from kangshu.sdk import CaseDeclaration, ListDeclaration, MeasureDeclaration, Resource, WarningRule
from kangshu.search import parse_query
from kangshu.warnings import RuleState, rule_of

MOST_SHOWN: Final = 500
"""Warnings on one page at most; more ask for a filter."""
PAST_DAYS: Final = 90
"""How far back those that are over are listed."""
_QUARTERS: Final = 5
_ORGANISATION: Final = "Organization/"


@dataclass(frozen=True, slots=True)
class WarningLine:
    """One warning: its case, the rule (None: no longer declared), and what it said when it was raised or became worse."""

    row: CaseRow
    rule: WarningRule | None
    level: str
    reason: Text
    unit: str
    """Reference of the institution concerned, "" for none."""
    place: str
    """Division code of the place concerned, "" for none."""
    values: Mapping[str, Any]
    told: CaseEvent
    """The beginning of the case, with which the notice to who acts was written."""
    last: CaseEvent
    mine: bool
    """Whether the visitor's organisation acts now."""


@dataclass(frozen=True, slots=True)
class Told:
    """One notice of a warning: to whom (reference), when, and when it was read, "" for not yet."""

    recipient: str
    sent: str
    read: str
    text: Text


@dataclass(frozen=True, slots=True)
class Numbers:
    """The measure of a warning under the visitor's grant: today's values of all places by key, and those of the place
    concerned at quarter ends."""

    measure: MeasureDeclaration
    rows: tuple[MeasureRow, ...]
    key: str
    by: str
    past: tuple[tuple[date, float | None], ...]


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule with the parameters that it asks now, how it stood at the last look, and how many warnings are open."""

    rule: WarningRule
    stands_on: Text
    figures: tuple[ParameterVersion, ...]
    state: RuleState | None
    open: int


def warning_kind(platform: Platform) -> CaseDeclaration:
    """Return the case kind of warnings. Raises NotFound where no service has it."""
    kind = platform.warnings.kind
    if kind is None:
        raise NotFound("this installation keeps no warnings", zh="当前系统没有启用预警处置")
    return kind


async def warnings_seen(
    platform: Platform, grant: Grant, *, over: bool = False, own: bool = False
) -> tuple[WarningLine, ...]:
    """Return the open warnings that the grant sees, the most pressing first; with `over` those that ended lately instead,
    with `own` those alone on which the account's organisation acts now."""
    kind = platform.warnings.kind
    if kind is None:
        return ()
    states = ",".join(f"{CASE_STATE}|{one.id}" for one in kind.states if one.final == over)
    pairs = [("code", f"{CASE_KIND}|{kind.code}"), ("business-status", states), ("_count", str(MOST_SHOWN))]
    if own:
        pairs.append(("owner", f"{_ORGANISATION}{grant.organisation}"))
    if over:
        pairs += [
            ("_lastUpdated", f"ge{instant(now() - timedelta(days=PAST_DAYS))}"),
            ("_sort", "-_lastUpdated"),
        ]
    page = await platform.store.search(grant, parse_query("Task", pairs))
    tasks = {one.id: one.resource for one in page.entries}
    rows = await platform.cases.rows(grant, tasks.values())
    lines = [_line(platform, grant, tasks[row.id], row) for row in rows]
    return tuple(lines if over else sorted(lines, key=_pressing))


async def warnings_counted(platform: Platform, grant: Grant) -> tuple[int, int]:
    """Return how many warnings that the grant sees wait for somebody to act, and how many of them are urgent."""
    kind = platform.warnings.kind
    if kind is None:
        return 0, 0
    states = ",".join(f"{CASE_STATE}|{one.id}" for one in kind.states if not one.final and one.box != "none")
    pairs = [("code", f"{CASE_KIND}|{kind.code}"), ("business-status", states)]
    asked = (pairs, [*pairs, ("priority", "stat")])
    counts = [await platform.store.count(grant, parse_query("Task", one)) for one in asked]
    return counts[0], counts[1]


async def warning_seen(platform: Platform, grant: Grant, id_: str) -> WarningLine:
    """Return one warning. Raises NotFound where there is none, or none that the grant sees."""
    kind = warning_kind(platform)
    task = (await platform.store.read(grant, "Task", id_)).resource
    if kind_of(task) != kind.code:
        raise NotFound("this case is no warning", zh="该办件不是预警")
    return _line(platform, grant, task, await platform.cases.row(grant, id_))


async def told_of(platform: Platform, grant: Grant, id_: str) -> tuple[Told, ...]:
    """Return the notices about a warning that the grant sees, oldest first."""
    line = await warning_seen(platform, grant, id_)
    now_in = (line.row.owner, line.row.requester)
    parties = {*(f"{_ORGANISATION}{one}" for one in now_in if one), *_once_owners(line)}
    found: dict[str, Resource] = {}
    for party in sorted(parties):
        since = f"ge{instant(line.told.when - timedelta(minutes=1))}"
        query = parse_query(
            "Communication", [("recipient", party), ("sent", since), ("_sort", "sent"), ("_count", "500")]
        )
        for one in (await platform.store.search(grant, query)).entries:
            if any(about.get("reference") == f"Task/{id_}" for about in one.resource.get("about", ())):
                found[one.id] = one.resource
    told = [_told(one) for one in found.values()]
    return tuple(sorted(told, key=lambda one: one.sent))


async def numbers_of(platform: Platform, grant: Grant, line: WarningLine) -> Numbers | None:
    """Return the numbers behind a warning of a measure; None for another, or where the grant counts none of it.

    `grant` has its residents in care resolved. Small cells are suppressed as on every page.
    """
    rule = line.rule
    measure = platform.warnings.measures.get(rule.measure) if rule else None
    if rule is None or measure is None or not grant.may("measure.read"):
        return None
    key = line.unit or line.place
    await tell(platform, grant, "measure", "Measure", measure.id, f"{rule.by} {key}")
    try:
        return await asyncio.to_thread(_numbers, platform, grant, rule, measure, key)
    except Fault:
        return None


async def rows_of(
    platform: Platform, grant: Grant, line: WarningLine, limit: int = 10
) -> tuple[ListDeclaration, WorkPage] | None:
    """Return the list that a warning stands on and its first rows now, each read again under the grant; None where the
    list is not offered to the account."""
    rule = line.rule
    declared = next(
        (one for one in offered_lists(platform, grant) if rule is not None and one.code == rule.list), None
    )
    if rule is None or declared is None:
        return None
    try:
        asked = ListAsked(platform.settings.jurisdiction, cell_of(line), limit=limit)
        return declared, await list_page(platform, grant, declared, asked)
    except Fault:
        return None


def cell_of(line: WarningLine) -> dict[str, str]:
    """Return what of the list a warning is about: column → value."""
    rule = line.rule
    if rule is None:
        return {}
    cell = dict(rule.where)
    if rule.institution and line.unit:
        cell[rule.institution] = line.unit
    elif line.place:
        cell["district"] = line.place[:6]
    return cell


async def rules_seen(platform: Platform, lines: Sequence[WarningLine]) -> tuple[RuleLine, ...]:
    """Return every rule; `lines` are the open warnings that the visitor sees."""
    states = await platform.warnings.states()
    counts: dict[str, int] = {}
    for one in lines:
        if one.rule is not None:
            counts[one.rule.code] = counts.get(one.rule.code, 0) + 1
    return tuple(
        RuleLine(
            rule,
            _stands_on(platform, rule),
            _figures(platform, rule),
            states.get(rule.code),
            counts.get(rule.code, 0),
        )
        for rule in platform.warnings.rules
    )


# ---------------------------------------------------------------------- inside


def _line(platform: Platform, grant: Grant, task: Resource, row: CaseRow) -> WarningLine:
    values, happened = inputs(task), events(task)
    code = rule_of(task)
    zh = str(values.get("reason", ""))
    return WarningLine(
        row=row,
        rule=next((one for one in platform.warnings.rules if one.code == code), None),
        level=str(values.get("level", "attention")),
        reason=Text(zh, str(values.get("reason_en") or zh)),
        unit=str(values.get("unit") or ""),
        place=str(values.get("place") or ""),
        values=values,
        told=happened[0],
        last=happened[-1],
        mine=not row.final and grant.acts_for(row.owner),
    )


def _pressing(line: WarningLine) -> tuple[int, bool, str]:
    order = {"urgent": 0, "important": 1, "attention": 2}
    return (order.get(line.level, 3), line.row.state == "acted", line.told.when.isoformat())


def _once_owners(line: WarningLine) -> set[str]:
    return {str(line.values[one]) for one in ("receiver", "first_owner") if line.values.get(one)}


def _told(one: Resource) -> Told:
    texts = [str(part.get("contentString", "")) for part in one.get("payload", ())]
    recipient = next((str(to.get("reference", "")) for to in one.get("recipient", ())), "")
    return Told(recipient, str(one.get("sent", "")), str(one.get("received", "")), Text(texts[0], texts[-1]))


def _numbers(
    platform: Platform, grant: Grant, rule: WarningRule, measure: MeasureDeclaration, key: str
) -> Numbers:
    snapshot, place, day = platform.snapshot(), platform.settings.jurisdiction, today()
    given = {one: platform.parameters.value(one, place, day) for one in measure.parameters}
    by = (rule.by,) if rule.by else ()

    def on(end: date) -> MeasureResult:
        if rule.by not in ("", DISTRICT):
            return snapshot.evaluate(grant, measure, given, *period_of(measure, end), by, place)
        wanted = Wanted(measure, *period_of(measure, end), given)
        found = snapshot.answered(grant, [wanted], place)[wanted.name]
        if isinstance(found, Fault):
            raise found
        return found

    result = on(day)
    wanted = (
        key if key.startswith(_ORGANISATION) else _division(key, [str(row.keys[0]) for row in result.rows])
    )
    past = []
    for end in quarter_ends(day, _QUARTERS) if measure.has_past else ():
        then = result if end == day else on(end)
        rows = {str(row.keys[0]): row.value for row in then.rows}
        past.append((end, rows.get(wanted) if by else then.value))
    return Numbers(measure, result.rows, wanted, rule.by, tuple(past))


def _division(code: str, keys: Sequence[str]) -> str:
    """Return the key of a split that stands for a division code."""
    return next((one for one in keys if one and one.ljust(6, "0") == code), code)


def _stands_on(platform: Platform, rule: WarningRule) -> Text:
    if rule.measure:
        return platform.warnings.measures[rule.measure].title
    if rule.list:
        return platform.warnings.lists[rule.list].title
    return Text("规划目标的红灯", "Red lights of the plans' targets")


def _figures(platform: Platform, rule: WarningRule) -> tuple[ParameterVersion, ...]:
    place, day = platform.settings.jurisdiction, today()
    names = filter(None, (rule.parameter, rule.urgent, rule.least, rule.office))
    found = (platform.parameters.find(one, place, day) for one in names)
    return tuple(one for one in found if one is not None)
