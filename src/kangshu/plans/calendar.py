"""报送日历: which return is due for which period, and by which working day. Pure.

A month's return is opened when the month is over; the month that ends a quarter is told by the quarter's return where the
city has one (季末以季报代月报).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from kangshu.base.faults import Invalid
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.base.working_days import Calendar
from kangshu.sdk import unverified_parameter

_SOURCE: Final = "待定：系统默认值，由本市在报送制度中规定"
_START: Final = date(2000, 1, 1)
MONTH_DAY: Final = unverified_parameter(
    "plans.return-month-day",
    "月报在次月第几个工作日前报送（0 为不开月报）",
    "Working day of the next month by which a month's return is sent (0: none)",
    5,
    "working day",
    _SOURCE,
    since=_START,
)
QUARTER_DAY: Final = unverified_parameter(
    "plans.return-quarter-day",
    "季报在季后第几个工作日前报送（0 为不开季报）",
    "Working day after the quarter by which its return is sent (0: none)",
    8,
    "working day",
    _SOURCE,
    since=_START,
)
CALENDAR_PARAMETERS: Final = (MONTH_DAY, QUARTER_DAY)
_PERIOD: Final = re.compile(r"(20[0-9]{2})(?:-(0[1-9]|1[0-2])|Q([1-4]))")


@dataclass(frozen=True, slots=True, order=True)
class ReturnPeriod:
    """A month or a quarter: its last month, and how many months it has."""

    year: int
    month: int
    months: int = 1

    @classmethod
    def read(cls, written: str) -> ReturnPeriod:
        """Return the period written `2026-03` or `2026Q1`. Raises Invalid."""
        found = _PERIOD.fullmatch(written)
        if found is None:
            raise Invalid("a period is written 2026-03 or 2026Q1", zh="报送期应写作 2026-03 或 2026Q1")
        year = int(found.group(1))
        if found.group(3):
            return cls(year, int(found.group(3)) * 3, 3)
        return cls(year, int(found.group(2)))

    def __str__(self) -> str:
        return f"{self.year}Q{self.month // 3}" if self.months == 3 else f"{self.year}-{self.month:02d}"

    @property
    def title(self) -> Text:
        """Return what people call it."""
        if self.months == 3:
            return Text(f"{self.year}年第{'一二三四'[self.month // 3 - 1]}季度", f"{self}")
        return Text(f"{self.year}年{self.month}月", f"{self}")

    @property
    def first_day(self) -> date:
        """Return its first day."""
        return date(self.year, self.month - self.months + 1, 1)

    @property
    def last_day(self) -> date:
        """Return its last day."""
        return date(self.year + self.month // 12, self.month % 12 + 1, 1) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DuePeriod:
    """A period that is over, and the day by which its return is due."""

    period: ReturnPeriod
    due: date


def period_to_open(
    today: date, table: ParameterTable, jurisdiction: str, working_days: Calendar
) -> DuePeriod | None:
    """Return the period whose returns are to be open on `today`: the last that is over; None where there is none."""
    over = date(today.year, today.month, 1) - timedelta(days=1)
    for months, declared in ((3, QUARTER_DAY), (1, MONTH_DAY)):
        number = int(table.figure(declared, jurisdiction, today))
        if number > 0 and over.month % months == 0:
            return DuePeriod(ReturnPeriod(over.year, over.month, months), working_days.add(over, number))
    return None


def periods_of(year: int, table: ParameterTable, jurisdiction: str) -> Iterator[ReturnPeriod]:
    """Yield the periods of a year, as the parameters in force at its end divide it."""
    for month in range(1, 13):
        asked = [
            ReturnPeriod(year, month, months)
            for months, declared in ((3, QUARTER_DAY), (1, MONTH_DAY))
            if month % months == 0 and int(table.figure(declared, jurisdiction, date(year, 12, 31))) > 0
        ]
        yield from asked[:1]
