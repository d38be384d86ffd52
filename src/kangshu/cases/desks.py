"""Desks: the open cases of one kind in order of urgency, and the card of one of them.

A page of a desk costs what it shows: the most urgent are asked for first, a priority at a time, until it is full.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from math import asin, cos, radians, sin, sqrt
from typing import Any, Final
from urllib.parse import parse_qsl

from kangshu.access import Grant, Nothing
from kangshu.base.canonical import BASE, CASE_KIND, CASE_STATE, DISTRICT, GEOLOCATION
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Fault, Gone, NotFound
from kangshu.base.text import Text
from kangshu.cases.substitution import names_in, substitute
from kangshu.cases.worklist import CaseRow, Worklists
from kangshu.fhirpath import compile as compile_expression
from kangshu.registers import names_of, read_path
from kangshu.sdk import CardColumn, CardSection, CaseDeclaration, DeskDeclaration, Resource
from kangshu.search import parse_query
from kangshu.store import Store

URGENCIES: Final = ("stat", "asap", "urgent", "routine")
"""Task.priority, the most urgent first."""
_EARTH_KM: Final = 6371.0088
_DIVISION: Final = f"{BASE}/sid/division"
_MOST: Final = 200
"""How many records a section is chosen from."""

Position = tuple[float, float]
"""Latitude and longitude in degrees."""


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One case of a desk. `waits` says that nobody is at it yet; `cells` are the desk's columns."""

    case: CaseRow
    waits: bool
    cells: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class CardLine:
    """One record of a card. `distance` is in kilometres as the crow flies, None where a place is unknown."""

    reference: str
    cells: tuple[Text, ...]
    distance: float | None = None


@dataclass(frozen=True, slots=True)
class FilledSection:
    """A section of a card with its records; `closed` where the grant shows none of this type."""

    section: CardSection
    lines: tuple[CardLine, ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """All that a desk shows of one case. `precise` is whether the position is the event's or the address's own, not the
    middle of a division."""

    task: Resource
    row: CaseRow
    person: Resource | None
    """The resident as the grant shows them; None for nobody known, or nobody that it shows."""
    sections: tuple[FilledSection, ...]
    position: Position | None = None
    precise: bool = False
    place: str = ""
    """Name of the division where only that is known."""


class Desks:
    """Reads desks under the visitor's own grant."""

    def __init__(
        self,
        store: Store,
        declarations: Iterable[DeskDeclaration],
        kinds: Mapping[str, CaseDeclaration],
        lists: Worklists,
        jurisdiction: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._desks = {one.code: one for one in declarations}
        self._kinds = kinds
        self._lists = lists
        self._jurisdiction = jurisdiction
        self._clock = clock

    @property
    def declarations(self) -> tuple[DeskDeclaration, ...]:
        """Return every declared desk."""
        return tuple(self._desks.values())

    def declaration(self, code: str) -> DeskDeclaration:
        """Return the desk `service/desk`. Raises NotFound."""
        found = self._desks.get(code)
        if found is None:
            raise NotFound(f"there is no desk '{code[:80]}'", zh=f"没有接警台“{code[:80]}”")
        return found

    async def rows(self, grant: Grant, code: str, limit: int = 50) -> tuple[DeskRow, ...]:
        """Return the open cases that the grant sees, at most `limit`: those that nobody is at before the others, each by
        urgency, then the longest waiting first."""
        desk = self.declaration(code)
        waiting, others = self._states(desk)
        found: list[tuple[Resource, bool]] = []
        for states, waits in ((waiting, True), (others, False)):
            for urgency in URGENCIES:
                if states and len(found) < limit:
                    tasks = await self._tasks(grant, desk, states, urgency, limit - len(found))
                    found += [(one, waits) for one in tasks]
        by_id = {row.id: row for row in await self._lists.rows(grant, [task for task, _ in found])}
        cells = await self._cells(grant, desk.columns, [task for task, _ in found])
        return tuple(
            DeskRow(by_id[task["id"]], waits, shown)
            for (task, waits), shown in zip(found, cells, strict=True)
            if task["id"] in by_id
        )

    async def waiting(self, grant: Grant, code: str) -> dict[str, int]:
        """Return how many cases wait, by urgency, and how many somebody is at, as `at-work`."""
        desk = self.declaration(code)
        waiting, others = self._states(desk)
        asked = [(one, f"{self._criteria(desk, waiting)}&priority={one}") for one in URGENCIES if waiting]
        if others:
            asked.append(("at-work", self._criteria(desk, others)))
        queries = [parse_query("Task", parse_qsl(criteria)) for _, criteria in asked]
        counted = await asyncio.gather(*(self._store.count(grant, query) for query in queries))
        return {name: count for (name, _), count in zip(asked, counted, strict=True)}

    async def card(self, grant: Grant, code: str, task_id: str) -> Card:
        """Return the card of one case, as far as the grant shows what stands on it. Raises NotFound."""
        desk = self.declaration(code)
        task = (await self._store.read(grant, "Task", task_id)).resource
        row = await self._lists.rows(grant, [task])
        if not row or row[0].code != f"{desk.service}/{desk.case}":
            raise NotFound("this case is not one of the desk's", zh="该办件不属于此接警台")
        person = await self._read(grant, row[0].subject)
        focus = await self._read(grant, str((task.get("focus") or {}).get("reference", "")))
        position, precise, place = await self._position(grant, desk, task, person, focus)
        names = {
            "subject": row[0].subject,
            "focus": str((task.get("focus") or {}).get("reference", "")),
            "district": _district(person) or _district(task) or self._jurisdiction,
            "today": self._clock().astimezone(CITY_ZONE).date().isoformat(),
        }
        sections = await asyncio.gather(
            *(self._section(grant, one, names, position) for one in desk.sections)
        )
        return Card(task, row[0], person, tuple(sections), position, precise, place)

    def _states(self, desk: DeskDeclaration) -> tuple[list[str], list[str]]:
        kind = self._kinds[f"{desk.service}/{desk.case}"]
        open_states = [one.id for one in kind.states if not one.final]
        first = [one for one in open_states if one in desk.first or one == kind.initial]
        return first, [one for one in open_states if one not in first]

    def _criteria(self, desk: DeskDeclaration, states: Sequence[str]) -> str:
        listed = ",".join(f"{CASE_STATE}|{one}" for one in states)
        return f"code={CASE_KIND}|{desk.service}/{desk.case}&business-status={listed}"

    async def _tasks(
        self, grant: Grant, desk: DeskDeclaration, states: Sequence[str], urgency: str, limit: int
    ) -> list[Resource]:
        criteria = f"{self._criteria(desk, states)}&priority={urgency}&_sort=authored-on&_count={limit}"
        page = await self._store.search(grant, parse_query("Task", parse_qsl(criteria)))
        return [one.resource for one in page.entries]

    async def _section(
        self, grant: Grant, section: CardSection, names: Mapping[str, str], position: Position | None
    ) -> FilledSection:
        if any(not names.get(name) for name in names_in(section.criteria)):
            return FilledSection(section, ())
        limit = _MOST if section.nearest else 20
        criteria = f"{substitute(section.criteria, names)}&_count={limit}"
        if isinstance(grant.may_read(section.type), Nothing):
            return FilledSection(section, (), closed=True)
        page = await self._store.search(grant, parse_query(section.type, parse_qsl(criteria)))
        records = [one.resource for one in page.entries]
        far: list[float | None] = [None] * len(records)
        if section.nearest:
            ranked = await self._ranked(grant, section, records, position)
            records, far = [one for one, _ in ranked], [one for _, one in ranked]
        cells = await self._cells(grant, section.columns, records)
        lines = tuple(
            CardLine(f"{record['resourceType']}/{record['id']}", shown, distance)
            for record, shown, distance in zip(records, cells, far, strict=True)
        )
        return FilledSection(section, lines)

    async def _ranked(
        self, grant: Grant, section: CardSection, records: Sequence[Resource], position: Position | None
    ) -> list[tuple[Resource, float | None]]:
        """Return the nearest records with their distance; those of unknown place come last."""
        places = await asyncio.gather(*(self._place(grant, section, one) for one in records))
        far = [
            distance(position, place) if position is not None and place is not None else None
            for place in places
        ]
        ranked = sorted(zip(records, far, strict=True), key=lambda one: (one[1] is None, one[1] or 0.0))
        return ranked[: section.nearest]

    async def _place(self, grant: Grant, section: CardSection, record: Resource) -> Position | None:
        own = position_of(record)
        if own is not None or not section.place:
            return own or await self._middle(grant, _district(record))
        named = await self._read(grant, str((read_path(record, section.place) or {}).get("reference", "")))
        if named is None:
            return None
        return position_of(named) or await self._middle(grant, _district(named))

    async def _position(
        self,
        grant: Grant,
        desk: DeskDeclaration,
        task: Resource,
        person: Resource | None,
        focus: Resource | None,
    ) -> tuple[Position | None, bool, str]:
        """Return where the case is, whether that is precise, and the division's name where only that is known."""
        said = tuple(_number(compile_expression(one).first(task)) if one else None for one in desk.position)
        if said[0] is not None and said[1] is not None:
            return (said[0], said[1]), True, ""
        for record in (person, focus):
            found = position_of(record) if record is not None else None
            if found is not None:
                return found, True, ""
        code = _district(person) or _district(focus) or _district(task)
        division = await self._division(grant, code)
        if division is None:
            return None, False, ""
        return position_of(division), False, str(division.get("name", ""))

    async def _middle(self, grant: Grant, code: str) -> Position | None:
        division = await self._division(grant, code)
        return position_of(division) if division is not None else None

    async def _division(self, grant: Grant, code: str) -> Resource | None:
        if not code:
            return None
        query = parse_query("Location", [("identifier", f"{_DIVISION}|{code}"), ("_count", "1")])
        page = await self._store.search(grant, query)
        return page.entries[0].resource if page.entries else None

    async def _read(self, grant: Grant, reference: str) -> Resource | None:
        kind, _, id_ = reference.partition("/")
        if not id_:
            return None
        try:
            return (await self._store.read(grant, kind, id_)).resource
        except (NotFound, Gone):
            return None

    async def _cells(
        self, grant: Grant, columns: Sequence[CardColumn], records: Sequence[Resource]
    ) -> list[tuple[Text, ...]]:
        values = [[_values(column, record) for column in columns] for record in records]
        pointed = {one for row in values for cell in row for one in cell if _is_reference(one)}
        names = await names_of(self._store, grant, pointed)
        return [
            tuple(_shown(column, cell, names) for column, cell in zip(columns, row, strict=True))
            for row in values
        ]


def distance(here: Position, there: Position) -> float:
    """Return the way between two places as the crow flies, in kilometres (haversine)."""
    first, second = radians(here[0]), radians(there[0])
    turn = (
        sin((second - first) / 2) ** 2 + cos(first) * cos(second) * sin(radians(there[1] - here[1]) / 2) ** 2
    )
    return 2 * _EARTH_KM * asin(sqrt(turn))


def position_of(record: Resource) -> Position | None:
    """Return where a record says it is: Location.position, or the geolocation of its first address."""
    held = record.get("position")
    if not isinstance(held, dict):
        address = record.get("address")
        address = address[0] if isinstance(address, list) and address else address
        parts = address.get("extension", ()) if isinstance(address, dict) else ()
        inner = next((one.get("extension", ()) for one in parts if one.get("url") == GEOLOCATION), ())
        held = {one.get("url"): one.get("valueDecimal") for one in inner}
    latitude, longitude = _number(held.get("latitude")), _number(held.get("longitude"))
    return (latitude, longitude) if latitude is not None and longitude is not None else None


def _district(record: Resource | None) -> str:
    found = (one for one in (record or {}).get("extension", ()) if one.get("url") == DISTRICT)
    return next((str(one["valueCode"]) for one in found if "valueCode" in one), "")


def _values(column: CardColumn, record: Resource) -> list[Any]:
    try:
        return [one for one in compile_expression(column.value).evaluate(record) if not isinstance(one, dict)]
    except Fault:
        return []


def _is_reference(value: Any) -> bool:
    kind, slash, _ = str(value).partition("/")
    return bool(slash) and kind[:1].isupper() and kind.isalpha()


def _shown(column: CardColumn, values: Sequence[Any], names: Mapping[str, str]) -> Text:
    labels = dict(column.labels)
    said = [labels.get(str(one)) or _plain(names.get(str(one), str(one))) for one in values]
    return Text("、".join(one.zh for one in said), ", ".join(one.en for one in said))


def _plain(text: str) -> Text:
    return Text(text, text)


def _number(value: Any) -> float | None:
    try:
        return float(Decimal(str(value))) if value is not None else None
    except InvalidOperation:
        return None
