"""The slot board (号源总览): a hospital's week, department by department and hour by hour, with what is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Unprocessable
from kangshu.bookings.publishing import ShareFinding, day_of, department_of, share_findings
from kangshu.bookings.shapes import begins, clinician_of, places_of, pool_of
from kangshu.sdk import Resource

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings


@dataclass(frozen=True, slots=True)
class BoardSlot:
    """One slot of a cell: its pool, its places and how many are left; a closed one has none."""

    id: str
    pool: str
    places: int
    left: int
    closed: bool = False
    clinician: str = ""
    """The name of who sees residents in it."""


@dataclass(slots=True)
class BoardCell:
    """An hour of one day: how many `places` its slots have, how many are `left`, by pool; `closed` slots count apart."""

    day: date
    places: int = 0
    left: int = 0
    closed: int = 0
    slots: list[BoardSlot] = field(default_factory=list)
    past: bool = False


@dataclass(frozen=True, slots=True)
class BoardRow:
    """An hour of a department over the days of the week."""

    department: str
    hour: str
    cells: tuple[BoardCell, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A hospital's week. `shares` are those that a rule guards, for this week."""

    organisation: str
    days: tuple[date, ...]
    rows: tuple[BoardRow, ...]
    departments: tuple[str, ...]
    clinicians: tuple[tuple[str, str], ...]
    """(id, name) of those who have clinics this week."""
    places: int
    left: int
    shares: tuple[ShareFinding, ...]


async def read_board(
    bookings: Bookings,
    grant: Grant,
    organisation: str,
    day: str,
    *,
    kind: str = "",
    department: str = "",
    clinician: str = "",
) -> Board:
    """Return the slots of the week of `day` as the grant sees them. Raises Unprocessable for no day."""
    try:
        asked = date.fromisoformat(day)
    except ValueError as error:
        raise Unprocessable("a day is such as 2026-01-31", zh="请选择日期", expression="day") from error
    monday = asked - timedelta(days=asked.weekday())
    days = tuple(monday + timedelta(days=at) for at in range(7))
    slots = await bookings.store.search_all(
        grant,
        "Slot",
        f"organization=Organization/{organisation}&start=ge{days[0].isoformat()}&start=lt{(days[-1] + timedelta(days=1)).isoformat()}"
        "&_count=1000",
    )
    slots = [one for one in slots if not kind or bookings.kind_of(one).code == kind]
    names = await names_of(bookings, grant, slots)
    departments = tuple(sorted(set(names.values())))
    people = sorted({clinician_of(one) for one in slots} - {("", "")}, key=lambda one: one[1])
    shown = [
        one
        for one in slots
        if (not department or names[one["id"]] == department)
        and (not clinician or clinician_of(one)[0] == clinician)
    ]
    left = await bookings.store.left("Slot", [one["id"] for one in shown])
    rows = tuple(_rows(bookings, shown, names, left, days))
    return Board(
        organisation,
        days,
        rows,
        departments,
        tuple(people),
        sum(cell.places for row in rows for cell in row.cells),
        sum(cell.left for row in rows for cell in row.cells),
        await _shares(bookings, grant, organisation, slots, days),
    )


def _rows(
    bookings: Bookings,
    slots: Sequence[Resource],
    names: dict[str, str],
    left: dict[str, int],
    days: Sequence[date],
) -> list[BoardRow]:
    now = bookings.clock()
    cells: dict[tuple[str, str], dict[date, BoardCell]] = defaultdict(
        lambda: {day: BoardCell(day) for day in days}
    )
    for slot in slots:
        start = begins(slot)
        if start is None or slot["status"] == "entered-in-error":
            continue
        cell = cells[names[slot["id"]], f"{start.astimezone(CITY_ZONE):%H:00}"][day_of(slot)]
        places = places_of(slot)
        closed = slot["status"] == "busy-unavailable"
        free = left.get(slot["id"], places) if slot["status"] == "free" else 0
        cell.slots.append(
            BoardSlot(str(slot["id"]), pool_of(slot), places, free, closed, clinician_of(slot)[1])
        )
        cell.past = start <= now
        if closed:
            cell.closed += places
        else:
            cell.places += places
            cell.left += 0 if cell.past else free
    return [
        BoardRow(department, hour, tuple(by_day[day] for day in days))
        for (department, hour), by_day in sorted(cells.items())
    ]


async def names_of(bookings: Bookings, grant: Grant, slots: Sequence[Resource]) -> dict[str, str]:
    """Return what the department of each slot is called: by its specialty, else by its schedule's."""
    schedules: dict[str, str] = {}
    found: dict[str, str] = {}
    for slot in slots:
        name = department_of(slot)
        if not name:
            reference = str((slot.get("schedule") or {}).get("reference", ""))
            if reference not in schedules:
                kind, _, id = reference.partition("/")
                schedule = (await bookings.store.read(grant, kind, id)).resource if id else {}
                schedules[reference] = department_of(schedule) or "—"
            name = schedules[reference]
        found[slot["id"]] = name
    return found


async def _shares(
    bookings: Bookings, grant: Grant, organisation: str, slots: Sequence[Resource], days: Sequence[date]
) -> tuple[ShareFinding, ...]:
    usual = next((one for one in bookings.declarations if one.usual), None)
    if usual is None:
        return ()
    record = (await bookings.store.read(grant, "Organization", organisation)).resource
    kinds = {str(one.get("code")) for concept in record.get("type", ()) for one in concept.get("coding", ())}
    same = [one for one in slots if bookings.kind_of(one).code == usual.code]
    return tuple(share_findings(usual, kinds, same, bookings.figures(), days))
