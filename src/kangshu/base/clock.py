"""The one clock. Instants are UTC; civil dates are the city's (Asia/Shanghai)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the present civil date of the city."""
    return datetime.now(CITY_ZONE).date()


def instant(moment: datetime) -> str:
    """Return `moment` as a FHIR instant with milliseconds, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def quarter_ends(last: date, count: int = 8) -> list[date]:
    """Return the last `count` quarter ends before `last`, and `last` itself."""
    ends: list[date] = []
    year, month = last.year, ((last.month - 1) // 3) * 3
    while len(ends) < count - 1:
        if month == 0:
            year, month = year - 1, 12
        ends.append(date(year, month, 31 if month in (3, 12) else 30))
        month -= 3
    return [*reversed(ends), last]
