"""The list of a day (当日就诊名单): who comes to a hospital's clinics, in the order in which they are to be seen.

Those who have come stand before those who have not; among them those with priority (老年人优先) first, within their hour or
over the day as the parameter says, then by the hour and by when they came. Who is called is the hospital's to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from kangshu.access import Grant
from kangshu.base.faults import Unprocessable
from kangshu.base.text import Text
from kangshu.bookings.shapes import CHECKED_IN_AT, PRIORITY, begins, extension, kind_code, owner_of
from kangshu.bookings.view import AppointmentView, appointment_view
from kangshu.sdk import BookingDeclaration, Resource

if TYPE_CHECKING:
    from kangshu.bookings.bookings import Bookings

_GROUPS: Final = {"checked-in": 0, "arrived": 0, "booked": 1, "pending": 1, "fulfilled": 2, "noshow": 3}
_WITHIN_SLOT: Final = "slot"
_LATER: Final = "9999"


@dataclass(frozen=True, slots=True)
class DayVisit:
    """One who comes: `turn` is the place among those who wait or are to come, 0 for those seen or gone."""

    turn: int
    appointment: AppointmentView
    priority: Text | None
    """Why they are seen first, None where they are not."""


@dataclass(frozen=True, slots=True)
class DayList:
    """A hospital's day. `departments` are those with somebody on the day."""

    day: date
    visits: tuple[DayVisit, ...]
    departments: tuple[str, ...]

    @property
    def waiting(self) -> int:
        """Return how many have come and wait."""
        return sum(one.appointment.status in ("checked-in", "arrived") for one in self.visits)

    @property
    def first(self) -> int:
        """Return how many of those who wait or are to come have priority."""
        return sum(one.priority is not None and one.turn > 0 for one in self.visits)


async def read_day(
    bookings: Bookings, grant: Grant, organisation: str, day: str, *, department: str = "", kind: str = ""
) -> DayList:
    """Return the appointments of a day that the grant sees, in order. Raises Unprocessable for no day."""
    try:
        asked = date.fromisoformat(day)
    except ValueError as error:
        raise Unprocessable("a day is such as 2026-01-31", zh="请选择日期", expression="day") from error
    found = await bookings.store.search_all(
        grant, "Appointment", f"organization=Organization/{organisation}&date={day}&_count=1000"
    )
    known = [one for one in found if one["status"] in _GROUPS and kind_code(one)]
    known = [one for one in known if not kind or bookings.kind_of(one).code == kind]
    views = [await appointment_view(bookings, grant, one) for one in known if owner_of(one) == organisation]
    departments = tuple(sorted({one.department for one in views if one.department}))
    named = {one.id: one for one in views if not department or one.department == department}
    listed = [one for one in known if one["id"] in named]
    visits: list[DayVisit] = []
    for one in in_order(bookings, listed):
        view, turn = named[one["id"]], 0
        if _GROUPS[one["status"]] < _GROUPS["fulfilled"]:
            turn = 1 + sum(each.turn > 0 for each in visits)
        visits.append(DayVisit(turn, view, _why(view.kind, one)))
    return DayList(asked, tuple(visits), departments)


def in_order(bookings: Bookings, appointments: Sequence[Resource]) -> list[Resource]:
    """Return appointments in the order in which residents are seen."""
    figures = bookings.figures()

    def key(one: Resource) -> tuple[int, str, int, str, str, str]:
        kind = bookings.kind_of(one)
        moment = begins(one)
        start = moment.isoformat() if moment else _LATER
        within = figures.word(kind.parameters.priority_scope, _WITHIN_SLOT) == _WITHIN_SLOT
        came = str(extension(one, CHECKED_IN_AT) or _LATER)
        precedence = kind.precedence(str(extension(one, PRIORITY) or ""))
        return (_GROUPS[one["status"]], start if within else "", precedence, start, came, str(one["id"]))

    return sorted(appointments, key=key)


def _why(kind: BookingDeclaration, appointment: Resource) -> Text | None:
    code = extension(appointment, PRIORITY)
    return next((one.title for one in kind.priority if one.id == code), None)
