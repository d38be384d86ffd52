"""Deadlines of case states: dated parameters counted in Chinese working days, days, hours or minutes."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.base.working_days import Calendar
from kangshu.cases.tasks import inputs
from kangshu.sdk import Deadline, Resource

TermUnit = Literal["working-day", "day", "month"]
Urgency = Literal["overdue", "today", "soon", "normal", "none"]
_DAY_END = time(23, 59, 59)
_EXACT = {"hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
"""Units that end at an instant; the others end with a civil day."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What deadlines are reckoned with."""

    parameters: ParameterTable
    calendar: Calendar

    def end(
        self, deadline: Deadline | None, task: Resource, when: datetime, jurisdiction: str
    ) -> datetime | None:
        """Return when a state entered at `when` must be left: an instant for hours and minutes, else the end of a civil day.

        Raises:
            ParameterMissing: no value of the parameter is in force for the jurisdiction.
        """
        if deadline is None:
            return None
        own = inputs(task).get(deadline.field) if deadline.field else None
        if own:
            return day_end(
                date.fromisoformat((str(own) + "-12-31")[:10] if len(str(own)) == 4 else str(own)[:10])
            )
        if not deadline.parameter:
            return None
        day = when.astimezone(CITY_ZONE).date()
        amount = self._amount(deadline.parameter, jurisdiction, day)
        if deadline.unit in _EXACT:
            return when + _EXACT[deadline.unit] * amount
        if deadline.unit == "day":
            return day_end(day + timedelta(days=amount))
        return day_end(self.calendar.add(day, int(amount)))

    def ahead(self, parameter: str, unit: TermUnit, day: date, jurisdiction: str) -> date:
        """Return the day that lies the parameter's amount after `day`. Raises ParameterMissing."""
        amount = int(self._amount(parameter, jurisdiction, day))
        if unit == "month":
            return months_after(day, amount)
        return day + timedelta(days=amount) if unit == "day" else self.calendar.add(day, amount)

    def urgency(
        self, deadline: Deadline | None, end: datetime | None, when: datetime, jurisdiction: str
    ) -> Urgency:
        """Return how pressing a deadline is at `when`. Overdue is this flag, never a state."""
        if end is None:
            return "none"
        if end < when:
            return "overdue"
        day, last = when.astimezone(CITY_ZONE).date(), end.astimezone(CITY_ZONE).date()
        if last == day:
            return "today"
        if deadline is None or not deadline.remind:
            return "normal"
        found = self.parameters.find(deadline.remind, jurisdiction, day)
        if found is None:
            return "normal"
        amount = _number(deadline.remind, found.value)
        if deadline.unit in _EXACT:
            return "soon" if end - when <= _EXACT[deadline.unit] * amount else "normal"
        if deadline.unit == "day":
            return "soon" if (last - day).days <= amount else "normal"
        return "soon" if self.calendar.between(day, last) <= amount else "normal"

    def _amount(self, parameter: str, jurisdiction: str, day: date) -> float:
        return _number(parameter, self.parameters.value(parameter, jurisdiction, day))


def months_after(day: date, months: int) -> date:
    """Return the same day `months` later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def day_end(day: date) -> datetime:
    """Return the last second of a civil day of the city."""
    return datetime.combine(day, _DAY_END, CITY_ZONE)


def _number(parameter: str, value: object) -> float:
    try:
        amount = float(str(value))
    except ValueError:
        amount = -1
    if amount < 0:
        raise Unprocessable(
            f"parameter {parameter} is no count of days or hours",
            zh=f"参数 {parameter} 不是有效的天数或小时数",
        )
    return amount
