"""Chinese working days: Monday to Friday, less the State Council's days off, plus its make-up days (调休).

The days are dated data (`_holidays.py`), one block a year, each naming its notice. The notice for a year comes
out in the November before; beyond `Calendar.known_until` only weekends are known, and `Calendar.is_certain`
says so: whoever shows a deadline there shows it as provisional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from kangshu.base._holidays import YEARS, Year
from kangshu.base.faults import Invalid

_DAY = timedelta(days=1)
_WEEKEND = 5


def _days(runs: Iterable[tuple[str, str]]) -> Iterable[date]:
    for first, last in runs:
        day, end = date.fromisoformat(first), date.fromisoformat(last)
        while day <= end:
            yield day
            day += _DAY


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which civil days are working days, for the years whose notice is known."""

    days_off: frozenset[date]
    make_up_days: frozenset[date]
    notices: Mapping[int, str] = field(default_factory=dict)
    """Year → the notice that its days come from."""

    @classmethod
    def of(cls, years: Iterable[Year]) -> Calendar:
        """Return the calendar of these years' notices."""
        listed = tuple(years)
        return cls(
            frozenset(day for year in listed for day in _days(year.days_off)),
            frozenset(day for year in listed for day in _days(year.make_up_days)),
            {year.year: year.notice for year in listed},
        )

    @property
    def known_until(self) -> date:
        """Return the last day of the unbroken run of known years; deadlines after it are provisional."""
        year = min(self.notices, default=1)
        while year + 1 in self.notices:
            year += 1
        return date(year, 12, 31)

    def is_certain(self, day: date) -> bool:
        """Return whether the notice for `day`'s year is known; if not, only weekends count as days off."""
        return day.year in self.notices

    def is_working_day(self, day: date) -> bool:
        """Return whether offices work on `day`."""
        if day in self.make_up_days:
            return True
        return day.weekday() < _WEEKEND and day not in self.days_off

    def add(self, start: date, working_days: int) -> date:
        """Return the day that is `working_days` working days after `start`, the day of `start` not counted.

        Zero gives `start` itself when it is a working day, else the next one. Raises Invalid below zero.
        """
        if working_days < 0:
            raise Invalid("a deadline cannot lie before its start", zh="期限不能早于起算日")
        day = start
        while working_days > 0:
            day += _DAY
            working_days -= self.is_working_day(day)
        while not self.is_working_day(day):
            day += _DAY
        return day

    def between(self, start: date, end: date) -> int:
        """Return how many working days lie after `start` up to and with `end`; negative when `end` is earlier."""
        if end < start:
            return -self.between(end, start)
        days = (start + timedelta(days=step) for step in range(1, (end - start).days + 1))
        return sum(1 for day in days if self.is_working_day(day))


def china() -> Calendar:
    """Return the calendar of mainland China shipped with this version (see `_holidays.YEARS`)."""
    return Calendar.of(YEARS)
