"""The working-day calendar against days that the State Council's notices name."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.base.faults import Invalid
from kangshu.base.working_days import china

CALENDAR = china()


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-11-20", True),  # an ordinary Friday
        ("2026-11-21", False),  # an ordinary Saturday
        ("2026-01-02", False),  # a Friday of the New Year's days off
        ("2026-01-04", True),  # a Sunday worked in exchange (调休)
        ("2026-02-14", True),  # a Saturday worked in exchange
        ("2026-02-23", False),  # last day of the Spring Festival
        ("2026-02-24", True),
        ("2026-09-20", True),  # a Sunday worked in exchange
        ("2026-10-07", False),
        ("2025-10-08", False),
        ("2025-10-11", True),
        ("2024-02-18", True),
        ("2023-01-27", False),
    ],
)
def test_days_of_the_notices(day: str, works: bool) -> None:
    assert CALENDAR.is_working_day(date.fromisoformat(day)) is works


def test_three_working_days_over_the_spring_festival() -> None:
    # Friday 13th, Saturday 14th worked in exchange, the festival until the 23rd
    assert CALENDAR.add(date(2026, 2, 12), 3) == date(2026, 2, 24)


def test_no_days_is_today_or_the_next_working_day() -> None:
    assert CALENDAR.add(date(2026, 11, 20), 0) == date(2026, 11, 20)
    assert CALENDAR.add(date(2026, 11, 21), 0) == date(2026, 11, 23)


def test_a_deadline_before_its_start_is_refused() -> None:
    with pytest.raises(Invalid):
        CALENDAR.add(date(2026, 1, 5), -1)


def test_years_without_a_notice_are_known_as_unknown() -> None:
    assert CALENDAR.known_until == date(2026, 12, 31)
    assert CALENDAR.is_certain(date(2026, 12, 31))
    assert not CALENDAR.is_certain(date(2027, 1, 1))
    assert CALENDAR.is_working_day(date(2027, 1, 1))  # only weekends are known there
    assert "2026" in CALENDAR.notices[2026]


@given(st.dates(date(2023, 1, 1), date(2027, 12, 31)), st.integers(1, 60))
def test_adding_is_the_inverse_of_counting(start: date, days: int) -> None:
    end = CALENDAR.add(start, days)
    assert CALENDAR.is_working_day(end)
    assert CALENDAR.between(start, end) == days
    assert CALENDAR.between(end, start) == -days
    assert CALENDAR.between(start, end - timedelta(days=1)) == days - 1
