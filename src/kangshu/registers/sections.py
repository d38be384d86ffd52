"""First-screen sections: a count and a short list over one register, and what of it is due."""

from __future__ import annotations

import asyncio
import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import parse_qsl

from kangshu.access import Grant
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers.rows import value_of
from kangshu.sdk import Column, Due, HomeSection, People, RegisterDeclaration, Resource
from kangshu.search import Query, parse_query
from kangshu.store import Store

_BATCH = 100
_LARGEST = 500


@dataclass(frozen=True, slots=True)
class DueDay:
    """Who or what is due: `id` of the record (of the person where the section asks of people) and the day that counts.

    `day` is when the record ends, or the day of the person's newest record; None where there is none.
    """

    id: str
    day: date | None
    past: bool
    """Whether the day has gone by: the record has ended, or the person's newest one is too old."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a section found: how many in all, of how many, and the first of them."""

    count: int
    whole: int
    resources: Sequence[Resource]
    due: Sequence[DueDay]
    """One for each of `resources` where the section asks what is due; for people `resources` is empty."""


async def find_section(
    store: Store,
    grant: Grant,
    register: RegisterDeclaration,
    section: HomeSection,
    within: int,
    day: date,
    limit: int,
) -> Found:
    """Return what `section` shows on `day`; `within` is the value of its parameter, 0 for a section without one."""
    mine = f"Organization/{grant.organisation}" if section.mine else ""
    if section.mine and not grant.organisation:
        return Found(0, 0, (), ())
    if section.due is not None and section.due.people is not None:
        return await _lapsed(store, grant, register, section.due, section.due.people, within, day, limit)
    base = [*parse_qsl(register.criteria), *([(section.mine, mine)] if section.mine else [])]
    criteria = [*base, *parse_qsl(section.criteria)]
    if section.due is not None:
        return await _ending(store, grant, register, section.due, criteria, within, day, limit)
    all_of = _query(register.resource_type, [*base, *parse_qsl(section.whole)], 1)
    page, whole = await asyncio.gather(
        store.search(grant, _query(register.resource_type, criteria, limit)), store.count(grant, all_of)
    )
    return Found(page.total or 0, whole, [one.resource for one in page.entries], ())


async def _ending(
    store: Store,
    grant: Grant,
    register: RegisterDeclaration,
    due: Due,
    criteria: list[tuple[str, str]],
    within: int,
    day: date,
    limit: int,
) -> Found:
    columns = {column.id: column for column in register.columns}
    last: dict[tuple[str, ...], tuple[date, Resource]] = {}
    found = await store.search_all(
        grant, register.resource_type, parse_query(register.resource_type, criteria)
    )
    for resource in found:
        end = _day(columns[due.column], resource)
        if end is None:
            continue
        key = tuple(str(value_of(columns[one], resource)) for one in due.series) or (resource["id"],)
        if key not in last or last[key][0] < end:
            last[key] = end, resource
    border = _after(day, within, due.unit)
    ending = sorted(
        (pair for pair in last.values() if pair[0] <= border), key=lambda pair: (pair[0], pair[1]["id"])
    )
    shown = ending[:limit]
    return Found(
        len(ending),
        len(last),
        [resource for _, resource in shown],
        [DueDay(resource["id"], end, end < day) for end, resource in shown],
    )


async def _lapsed(
    store: Store,
    grant: Grant,
    register: RegisterDeclaration,
    due: Due,
    people: People,
    within: int,
    day: date,
    limit: int,
) -> Found:
    if people.mine and not grant.organisation:
        return Found(0, 0, (), ())
    pairs = parse_qsl(people.criteria)
    if people.mine:
        pairs.append((people.mine, f"Organization/{grant.organisation}"))
    subject = compile_expression(people.subject)
    asked = list(
        dict.fromkeys(
            str(found[0])
            for one in await store.search_all(
                grant, people.resource_type, parse_query(people.resource_type, pairs)
            )
            if (found := subject.evaluate(one))
        )
    )
    columns = {column.id: column for column in register.columns}
    newest = await _newest(store, grant, register, columns[due.column], columns[due.person], asked)
    border = _after(day, -within, due.unit)
    lapsed = [
        DueDay(one, newest.get(one), one in newest) for one in asked if newest.get(one, date.min) < border
    ]
    lapsed.sort(key=lambda one: (one.day is not None, one.day or date.min, one.id))
    return Found(len(lapsed), len(asked), (), lapsed[:limit])


async def _newest(
    store: Store,
    grant: Grant,
    register: RegisterDeclaration,
    made: Column,
    person: Column,
    people: Sequence[str],
) -> Mapping[str, date]:
    """Return the day of each person's newest record of the register."""
    found: dict[str, date] = {}
    for start in range(0, len(people), _BATCH):
        batch = ",".join(people[start : start + _BATCH])
        pairs = [*parse_qsl(register.criteria), (person.search, batch)]
        for one in await store.search_all(
            grant, register.resource_type, parse_query(register.resource_type, pairs)
        ):
            who, day = str(value_of(person, one)), _day(made, one)
            if day is not None and day > found.get(who, date.min):
                found[who] = day
    return found


def _query(kind: str, pairs: Sequence[tuple[str, str]], count: int) -> Query:
    return parse_query(kind, [*pairs, ("_count", str(min(count, _LARGEST))), ("_total", "accurate")])


def _day(column: Column, resource: Resource) -> date | None:
    """Return the day in a date column; of a partial date its first day; None where there is none."""
    value = value_of(column, resource)
    return None if value is None else date.fromisoformat((str(value)[:10] + "-01-01")[:10])


def _after(day: date, span: int, unit: str) -> date:
    """Return the day `span` days or months after `day`; a month's last day where it has no such day."""
    if unit == "day":
        return day + timedelta(days=span)
    year, month = divmod(day.year * 12 + day.month - 1 + span, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
