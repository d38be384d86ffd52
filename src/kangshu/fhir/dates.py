"""Partial dates: a lexeme such as 2024, 2024-02 or 2024-02-29T08:00+08:00 stands for a stretch of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Malformed

_DATE_TIME: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_STEPS: Final = {3: timedelta(days=1), 5: timedelta(minutes=1), 6: timedelta(seconds=1)}
LAST: Final = datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)
FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)


def _next(year: int, month: int | None) -> datetime:
    """Return the first midnight after the year or month."""
    if month is None or month == 12:
        year, month = year + 1, 0
    return LAST if year > 9999 else datetime(year, month + 1, 1, tzinfo=CITY_ZONE)


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def date_range(lexeme: str) -> tuple[datetime, datetime]:
    """Return the stretch of time that `lexeme` stands for: its first instant, and the first one after it.

    Both are aware and in UTC. A date without zone is the city's civil date (Asia/Shanghai). `2024-05-01`
    gives a day, `2024` a year, a time with fraction the length of its last digit.

    Raises:
        Malformed: not a FHIR date, dateTime or instant, or no such day.
    Source: https://hl7.org/fhir/R4/search.html#date
    """
    match = _DATE_TIME.fullmatch(lexeme)
    if match is None:
        raise Malformed(f"{lexeme[:40]!r} is not a date or time", zh=f"{lexeme[:40]!r} 不是日期或时间")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        return _range(year, month, day, hour, minute, second, fraction, zone)
    except (ValueError, OverflowError):
        raise Malformed(
            f"there is no such date or time: {lexeme[:40]!r}", zh=f"日期或时间不存在: {lexeme[:40]!r}"
        ) from None


def _range(
    year: str, month: str | None, day: str | None, hour: str | None, minute: str | None,
    second: str | None, fraction: str | None, zone: str | None,
) -> tuple[datetime, datetime]:  # fmt: skip
    if day is None:
        number = int(month) if month else None
        begin = datetime(int(year), number or 1, 1, tzinfo=CITY_ZONE)
        return _utc(begin), _utc(_next(int(year), number))
    second_number = int(second or 0)
    leap = second_number == 60
    begin = datetime(
        int(year), int(month or 1), int(day), int(hour or 0), int(minute or 0), 59 if leap else second_number,
        int((fraction or "0")[:6].ljust(6, "0")), _zone(zone) or CITY_ZONE,
    )  # fmt: skip
    if hour is None:
        step = timedelta(days=1)
    elif second is None:
        step = timedelta(minutes=1)
    elif fraction is None:
        step = timedelta(seconds=1)
    else:
        step = timedelta(microseconds=10 ** max(0, 6 - len(fraction)))
    start = _utc(begin)
    return start, (LAST if start > LAST - step else start + step)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == 1 else LAST
