"""Duty rosters: gaps of a span, whose turn it is; deadlines that are counted in minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.base.working_days import china
from kangshu.cases import Gap, Shift, Terms, gaps
from kangshu.cases.rosters import next_in_turn
from kangshu.sdk import Deadline, ParameterDeclaration

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def hour(number: float) -> datetime:
    return DAY + timedelta(hours=number)


def shift(person: str, start: float, end: float) -> Shift:
    return Shift(
        f"{person}-{start}", f"Practitioner/{person}", person, "Organization/line", hour(start), hour(end)
    )


def test_a_day_without_shifts_is_one_gap() -> None:
    assert gaps([], hour(0), hour(24), 1) == (Gap(hour(0), hour(24), 0),)


def test_hand_over_on_the_hour_leaves_no_gap() -> None:
    whole = [shift("a", 0, 8), shift("b", 8, 16), shift("c", 16, 24)]
    assert gaps(whole, hour(0), hour(24), 1) == ()
    assert gaps([*whole[:1], shift("b", 9, 16), whole[2]], hour(0), hour(24), 1) == (
        Gap(hour(8), hour(9), 0),
    )


def test_one_person_with_two_shifts_is_one_person() -> None:
    twice = [shift("a", 0, 12), shift("a", 6, 24), shift("b", 6, 9)]
    assert gaps(twice, hour(0), hour(24), 2) == (Gap(hour(0), hour(6), 1), Gap(hour(9), hour(24), 1))


def test_shifts_over_midnight_count_on_both_days() -> None:
    assert gaps([shift("a", -2, 6)], hour(0), hour(8), 1) == (Gap(hour(6), hour(8), 0),)


def test_cases_are_taken_in_turn() -> None:
    on_duty = [shift("a", 0, 8), shift("b", 0, 8)]
    assert [one.name for number in (1, 2, 3) if (one := next_in_turn(on_duty, number))] == ["b", "a", "b"]
    assert next_in_turn([], 1) is None


@pytest.mark.parametrize(("unit", "amount"), [("minute", timedelta(minutes=3)), ("hour", timedelta(hours=3))])
def test_minutes_and_hours_end_at_an_instant(unit: str, amount: timedelta) -> None:
    limit = ParameterDeclaration(
        "limit", Text("时限", "limit"), 3, unit, "", date(2020, 1, 1), None, "测试", verified=False
    )
    terms = Terms(ParameterTable([limit]), china())
    deadline = Deadline("limit", unit)  # type: ignore[arg-type]
    when = datetime(2026, 3, 2, 23, 58, 30, tzinfo=UTC)
    end = terms.end(deadline, {}, when, "990100")
    assert end == when + amount
    assert terms.urgency(deadline, end, end - timedelta(seconds=1), "990100") != "overdue"
    assert terms.urgency(deadline, end, end + timedelta(seconds=1), "990100") == "overdue"
