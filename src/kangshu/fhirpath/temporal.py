"""Dates, date-times and times of any precision, compared with three answers: yes, no, unknown."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from kangshu.fhirpath.faults import FhirPathFault
from kangshu.fhirpath.quantities import CALENDAR_WORDS, DEFINITE, Quantity

TemporalKind = Literal["date", "dateTime", "time"]

_DATE: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:\d\d)?)?)?",
    re.ASCII,
)
_TIME: Final = re.compile(r"T?(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?", re.ASCII)
_DATE_DIGITS: Final = (0, 4, 6, 8, 10, 12, 14)
_TIME_DIGITS: Final = (0, 2, 4, 6)
_FARTHEST: Final = 10**18
_MICROSECONDS: Final = {
    "week": 604_800_000_000, "day": 86_400_000_000, "hour": 3_600_000_000, "minute": 60_000_000,
    "second": 1_000_000, "millisecond": 1_000,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Temporal:
    """A point in time as precise as it was written.

    `parts` are year, month, day, hour, minute (whole numbers) and second (with fraction), as many as known;
    a time starts with the hour. `zone` is minutes east of UTC, None where unknown.
    """

    kind: TemporalKind
    parts: tuple[int | Decimal, ...]
    zone: int | None = None

    @classmethod
    def literal(cls, text: str) -> Temporal:
        """Return the value of a literal such as `@2024-05` or `@T08:30`.

        Raises:
            FhirPathFault: no such day or time.
        """
        found = cls.read(
            text[1:], "time" if text.startswith("@T") else ("dateTime" if "T" in text else "date")
        )
        if found is None:
            raise FhirPathFault(f"there is no such date or time: {text}", zh=f"日期或时间不存在: {text}")
        return found

    @classmethod
    def read(cls, text: str, kind: TemporalKind) -> Temporal | None:
        """Return the value of a FHIR lexeme; None where it is not one of `kind`."""
        if kind == "time":
            match = _TIME.fullmatch(text)
            return _time(match) if match else None
        match = _DATE.fullmatch(text)
        if match is None or (kind == "date" and match[4] is not None):
            return None
        return _date(match, kind)

    def __str__(self) -> str:
        parts = self.parts
        if self.kind == "time":
            return _clock(parts)
        text = f"{int(parts[0]):04}" + "".join(f"-{int(part):02}" for part in parts[1:3])
        if self.kind == "dateTime" and len(parts) > 3:
            text += "T" + _clock(parts[3:])
            if self.zone is not None:
                sign = "-" if self.zone < 0 else "+"
                text += "Z" if self.zone == 0 else f"{sign}{abs(self.zone) // 60:02}:{abs(self.zone) % 60:02}"
        return text

    @property
    def digits(self) -> int:
        """How precisely it is written: 4 for a year … 17 for a date-time with milliseconds."""
        table = _TIME_DIGITS if self.kind == "time" else _DATE_DIGITS
        whole = table[len(self.parts)]
        return whole + 3 if whole == table[-1] and _has_fraction(self.parts[-1]) else whole

    def comparable_parts(self) -> tuple[int | Decimal, ...]:
        """Return the parts in UTC where the zone is known and minutes are written."""
        if not self.zone or len(self.parts) < 5:
            return self.parts
        year, month, day, hour, minute = (int(part) for part in self.parts[:5])
        try:
            moved = datetime(year, month, day, hour, minute, tzinfo=UTC) - timedelta(minutes=self.zone)
        except OverflowError:
            return self.parts
        return (moved.year, moved.month, moved.day, moved.hour, moved.minute, *self.parts[5:])

    def date(self) -> Temporal:
        """Return the date part."""
        return Temporal("date", self.parts[:3])

    def plus(self, quantity: Quantity, sign: int) -> Temporal:
        """Return the point `quantity` later (sign 1) or earlier (-1).

        Raises:
            FhirPathFault: the unit is not one of time, or the result leaves the calendar.
        Source: http://hl7.org/fhirpath/N1/#datetime-arithmetic
        """
        unit = (
            quantity.unit
            if quantity.calendar
            else CALENDAR_WORDS.get(quantity.unit) or DEFINITE.get(quantity.unit)
        )
        if unit is None:
            raise FhirPathFault(
                f"a date or time cannot be moved by {quantity.unit!r}; use calendar words such as months",
                zh=f"日期或时间不能按 {quantity.unit!r} 推移, 请用 months 等日历单位",
            )
        if abs(quantity.value) > _FARTHEST:
            raise FhirPathFault("the result is outside the calendar", zh="结果超出日历范围")
        amount = quantity.value * sign
        if unit not in ("second", "millisecond"):
            amount = Decimal(int(amount))
        try:
            return self._moved(unit, amount)
        except (OverflowError, ValueError):
            raise FhirPathFault("the result is outside the calendar", zh="结果超出日历范围") from None

    def _moved(self, unit: str, amount: Decimal) -> Temporal:
        if self.kind == "time":
            if unit in ("year", "month", "week", "day"):
                raise FhirPathFault(f"a time of day cannot be moved by {unit}s", zh=f"时刻不能按 {unit} 推移")
            return self._moved_time(int(amount * _MICROSECONDS[unit]))
        known = len(self.parts)
        if unit in ("year", "month") or known < 3:
            return self._moved_months(_months(unit, amount) if known > 1 else _years(unit, amount) * 12)
        micros = int(amount * _MICROSECONDS[unit])
        if self.kind == "date" or known < 4:
            micros = int(Decimal(micros) / _MICROSECONDS["day"]) * _MICROSECONDS["day"]
        elif known < 6:
            step = _MICROSECONDS["hour" if known == 4 else "minute"]
            micros = int(Decimal(micros) / step) * step
        return self._moved_by(timedelta(microseconds=micros))

    def _moved_months(self, months: int) -> Temporal:
        year, month = divmod(
            int(self.parts[0]) * 12 + (int(self.parts[1]) - 1 if len(self.parts) > 1 else 0) + months, 12
        )
        if not 1 <= year <= 9999:
            raise OverflowError
        parts = (year, month + 1, *self.parts[2:])[: len(self.parts)]
        if len(parts) > 2:
            parts = (*parts[:2], min(int(parts[2]), monthrange(year, month + 1)[1]), *parts[3:])
        return Temporal(self.kind, parts, self.zone)

    def _moved_by(self, step: timedelta) -> Temporal:
        known = len(self.parts)
        whole = [int(part) for part in self.parts]
        second = Decimal(self.parts[5]) if known > 5 else Decimal(0)
        micro = int(second % 1 * 1_000_000)
        year, month, day, hour, minute, seconds = (*whole, 0, 0, 0)[:6]
        moved = datetime(year, month, day, hour, minute, seconds, micro, UTC) + step
        exact = _second(moved.second, moved.microsecond, second)
        return Temporal(
            self.kind,
            (moved.year, moved.month, moved.day, moved.hour, moved.minute, exact)[:known],
            self.zone,
        )

    def _moved_time(self, micros: int) -> Temporal:
        known = len(self.parts)
        hour, minute, second = (*self.parts, 0, Decimal(0))[:3]
        total = (int(hour) * 3600 + int(minute) * 60) * 1_000_000 + int(Decimal(second) * 1_000_000) + micros
        rest, micro = divmod(total % 86_400_000_000, 1_000_000)
        exact = _second(rest % 60, micro, Decimal(second))
        return Temporal("time", (rest // 3600, rest // 60 % 60, exact)[:known])


def _second(whole: int, micro: int, like: Decimal) -> Decimal:
    if not micro and not _has_fraction(like):
        return Decimal(whole)
    digits = max(3, -int(like.as_tuple().exponent))
    text = f"{micro:06}"
    return Decimal(f"{whole}.{text[:digits] if not text[digits:].strip('0') else text}")


def _has_fraction(second: int | Decimal) -> bool:
    return isinstance(second, Decimal) and int(second.as_tuple().exponent) < 0


def _months(unit: str, amount: Decimal) -> int:
    if unit in ("year", "month"):
        return int(amount) * (12 if unit == "year" else 1)
    return int(amount * _MICROSECONDS[unit] / (30 * _MICROSECONDS["day"]))


def _years(unit: str, amount: Decimal) -> int:
    if unit in ("year", "month"):
        return int(amount / (1 if unit == "year" else 12))
    return int(amount * _MICROSECONDS[unit] / (365 * _MICROSECONDS["day"]))


def _clock(parts: tuple[int | Decimal, ...]) -> str:
    text = ":".join(f"{int(part):02}" for part in parts[:2])
    if len(parts) > 2:
        second = str(parts[2])
        text += ":" + ("0" + second if len(second.partition(".")[0]) == 1 else second)
    return text


def _time(match: re.Match[str]) -> Temporal | None:
    hour, minute, second = match.groups()
    if int(hour) > 23 or int(minute or 0) > 59 or Decimal(second or 0) >= 60:
        return None
    parts: list[int | Decimal] = [int(hour)]
    if minute:
        parts.append(int(minute))
    if second:
        parts.append(Decimal(second))
    return Temporal("time", tuple(parts))


def _date(match: re.Match[str], kind: TemporalKind) -> Temporal | None:
    year, month, day, _, hour, minute, second, zone = match.groups()
    parts: list[int | Decimal] = [int(part) for part in (year, month, day, hour, minute) if part is not None]
    if second is not None:
        parts.append(Decimal(second))
    if parts[0] == 0 or (month and not 1 <= int(month) <= 12):
        return None
    if day and not 1 <= int(day) <= monthrange(int(year), int(month))[1]:
        return None
    if (
        (hour and (int(hour) > 24 or not day))
        or (minute and int(minute) > 59)
        or (second and Decimal(second) >= 61)
    ):
        return None
    if hour and int(hour) > 23:
        return None
    return Temporal(kind, tuple(parts), None if zone is None else _zone(zone))


def _zone(text: str) -> int:
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return -minutes if text[0] == "-" else minutes


def compare(left: Temporal, right: Temporal) -> int | None:
    """Return -1, 0 or 1; None where precision or a missing zone leaves it open.

    Raises:
        FhirPathFault: a time of day against a date.
    """
    if (left.kind == "time") != (right.kind == "time"):
        raise FhirPathFault("a time of day cannot be compared with a date", zh="时刻不能与日期比较")
    if (
        left.kind != "time"
        and (left.zone is None) != (right.zone is None)
        and min(len(left.parts), len(right.parts)) > 3
    ):
        return _compare_zoneless(left, right)
    zoned = left.zone is not None and right.zone is not None
    pair = (left.comparable_parts(), right.comparable_parts()) if zoned else (left.parts, right.parts)
    for one, two in zip(*pair, strict=False):
        if one != two:
            return -1 if one < two else 1
    return 0 if len(left.parts) == len(right.parts) else None


def _compare_zoneless(left: Temporal, right: Temporal) -> int | None:
    """A moment without zone may lie anywhere within 14 hours east to 12 west: decided only beyond that."""
    answers = set()
    for offset in (-12 * 60, 14 * 60):
        one = left if left.zone is not None else Temporal(left.kind, left.parts, offset)
        two = right if right.zone is not None else Temporal(right.kind, right.parts, offset)
        answers.add(compare(one, two))
    return answers.pop() if len(answers) == 1 and 0 not in answers else None
