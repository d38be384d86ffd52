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
