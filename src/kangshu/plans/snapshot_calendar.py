"""月末、年末快照: which month is to be frozen now. Pure.

In the last hour of a month its snapshot is due; where the worker stood still then, for some days after. What is frozen
late says so by its own day: nothing is dated back.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from kangshu.base.clock import CITY_ZONE
from kangshu.base.parameters import ParameterTable
from kangshu.sdk import unverified_parameter

_SOURCE: Final = "待定：系统默认值，由本市在监测制度中规定"
_START: Final = date(2000, 1, 1)
MONTHLY: Final = unverified_parameter(
    "plans.freeze-every-months",
    "每几个月自动冻结一次快照（0 为不自动冻结；年末总是冻结）",
    "Months between two snapshots that the calendar makes (0: none; the year's end always)",
    1,
    "month",
    _SOURCE,
    since=_START,
)
CATCH_UP: Final = unverified_parameter(
    "plans.freeze-late-days",
    "月末未能冻结时，次月几日前可以补冻结",
    "Day of the next month until which a missed month may still be frozen",
    3,
    "d",
    _SOURCE,
    since=_START,
)
SNAPSHOT_PARAMETERS: Final = (MONTHLY, CATCH_UP)
_LAST_HOUR: Final = timedelta(hours=1)
_YEAR_END: Final = 12


def month_due(moment: datetime, table: ParameterTable, jurisdiction: str) -> str:
    """Return the month (2026-12) whose snapshot is due at `moment`, "" for none."""
    shown = (moment + _LAST_HOUR).astimezone(CITY_ZONE)
    day = moment.astimezone(CITY_ZONE).date()
    every = int(table.figure(MONTHLY, jurisdiction, day))
    if shown.day > int(table.figure(CATCH_UP, jurisdiction, day)):
        return ""
    ended = shown.date().replace(day=1) - timedelta(days=1)
    if ended.month != _YEAR_END and (every < 1 or ended.month % every):
        return ""
    return f"{ended.year}-{ended.month:02d}"


def month_title(month: str) -> str:
    """Return what the snapshot of a month is called."""
    year, _, number = month.partition("-")
    return f"{year}年年末快照" if int(number) == _YEAR_END else f"{year}年{int(number)}月月末快照"
