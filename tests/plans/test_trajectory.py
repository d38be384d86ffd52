"""The way of a target over its milestones, and where its values lead: always within what was given, told with its method."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kangshu.plans import (
    Baseline,
    ForecastRule,
    LightRule,
    Milestone,
    Observation,
    TargetView,
    annual,
    asked_on,
    forecast,
    light_of,
    waypoints,
)
from kangshu.plans.forecast import latest
from kangshu.plans.lights import Known
from kangshu.plans.reading import Anchor
from kangshu.plans.trajectory import subject_key, with_milestones

RULE = ForecastRule(8, 4)
LIGHTS = LightRule(Decimal("0.9"), 45, 10, RULE)
START = date(2024, 12, 31)
TARGET = TargetView(
    "target-001", "clause-001", "section-001", "section-001", "护理型床位占比", "达到58%", ">=", Decimal(58), "%",
    "2027", False, Anchor(0, 10, ""), "beds", True, Baseline(Decimal(40), START, "年报"),
    milestones=(Milestone(2025, Decimal(50), "年度计划"),),
)  # fmt: skip
NUMBERS = st.decimals(0, 100, places=2)
DAYS = st.integers(0, 1500).map(lambda days: START + timedelta(days=days))


def _seen(values: list[Decimal], step: int = 91) -> list[Observation]:
    return [Observation(START + timedelta(days=step * at), one) for at, one in enumerate(values)]


def test_the_way_runs_straight_from_point_to_point() -> None:
    points = waypoints(TARGET, Decimal(58))
    assert [(one.day.year, one.value, one.kind) for one in points] == [
        (2024, Decimal(40), "baseline"),
        (2025, Decimal(50), "milestone"),
        (2027, Decimal(58), "final"),
    ]
    assert asked_on(points, date(2026, 12, 31)) == Decimal(54)
    assert annual(points) == ((2024, 40), (2025, 50), (2026, 54), (2027, 58))
    assert asked_on(points, date(2040, 1, 1)) == 58
    assert asked_on((), START) is None


@given(NUMBERS, NUMBERS, NUMBERS, DAYS)
def test_what_is_asked_for_lies_between_the_points(
    base: Decimal, middle: Decimal, final: Decimal, day: date
) -> None:
    target = replace(
        TARGET,
        baseline=Baseline(base, START, "年报"),
        milestones=(Milestone(2025, middle, "计划"),),
        value=final,
    )
    points = waypoints(target, final)
    asked = asked_on(points, day)
    assert asked is not None
    assert min(base, middle, final) <= asked <= max(base, middle, final)
    for one in points:
        assert asked_on(points, one.day) == one.value


@given(st.lists(NUMBERS, min_size=3, max_size=3).map(sorted), DAYS, DAYS)
def test_a_rising_way_never_asks_for_less_later(values: list[Decimal], first: date, second: date) -> None:
    base, middle, final = values
    target = replace(
        TARGET,
        baseline=Baseline(base, START, "年报"),
        milestones=(Milestone(2025, middle, "计划"),),
        value=final,
    )
    points = waypoints(target, final)
    early, late = (asked_on(points, day) for day in sorted((first, second)))
    assert early is not None
    assert late is not None
    assert early <= late


def test_an_earlier_goal_of_the_same_indicator_is_a_milestone() -> None:
    earlier = replace(TARGET, id="target-002", indicator="到2025年，护理型床位占比达", value=Decimal(52), due="2025",
                      baseline=None, milestones=())  # fmt: skip
    other = replace(earlier, id="target-003", indicator="民办床位占比", value=Decimal(30))
    read, first, _ = with_milestones([replace(TARGET, milestones=()), earlier, other])
    assert [(one.year, one.value, one.goal) for one in read.milestones] == [(2025, Decimal(52), "target-002")]
    assert first.milestones == ()
    entered, *_ = with_milestones([TARGET, earlier])
    assert [one.value for one in entered.milestones] == [Decimal(50)]  # what a person entered stands first
    grown = replace(earlier, comparator="increase_by")
    assert with_milestones([replace(TARGET, milestones=()), grown])[0].milestones == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("到2026年底，全市护理型床位占比达", "护理型床位占比"),
        ("力争社区食堂", "社区食堂"),
        ("实现签约覆盖率提高到", "签约覆盖率"),
    ],
)
def test_one_indicator_said_in_two_ways(one: str, other: str) -> None:
    assert subject_key(one) == subject_key(other)


def test_too_few_values_give_no_forecast_and_say_so() -> None:
    found = forecast(
        _seen([Decimal(40), Decimal(41)]), date(2027, 12, 31), Decimal(58), lower=False, rule=RULE
    )
    assert found is not None
    assert (found.method, found.value, found.reaches) == ("none", None, None)
    assert found.text.zh == "不作预测：仅有2个数值，至少需要4个"
    assert forecast(_seen([Decimal(1)] * 8), None, Decimal(58), lower=False, rule=RULE) is None
    assert forecast(_seen([Decimal(1)] * 8), START, None, lower=False, rule=RULE) is None


@given(st.integers(-5, 5), st.integers(10, 60), st.integers(4, 8))
def test_a_straight_history_is_carried_on_exactly(slope: int, level: int, count: int) -> None:
    seen = _seen([Decimal(level + slope * at) for at in range(count)])
    assume(all(one.value >= 0 for one in seen))
    due = seen[-1].day + timedelta(days=91 * 2)
    final = Decimal(level + slope * (count + 1) + 1)
    found = forecast(seen, due, final, lower=False, rule=RULE, unit="张")
    assert found is not None
    assert found.value is not None
    assert abs(found.value - max(0, level + slope * (count + 1))) < Decimal("0.01")
    assert (found.reaches is None) == (slope <= 0 and seen[-1].value < final)


@given(st.lists(NUMBERS, min_size=4, max_size=8), st.integers(1, 900))
def test_a_forecast_stays_in_its_range_and_a_share_in_bounds(values: list[Decimal], ahead: int) -> None:
    seen = _seen(values)
    found = forecast(
        seen, seen[-1].day + timedelta(days=ahead), Decimal(50), lower=False, rule=RULE, unit="%"
    )
    assert found is not None
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.high <= 100
    assert 0 <= found.value <= 100
    assert found.points == len(values)
    assert "Theil" in found.text.en


@given(st.integers(1, 6), NUMBERS)
def test_one_wrong_report_does_not_bend_the_line(at: int, wrong: Decimal) -> None:
    right = [Decimal(20 + one) for one in range(8)]
    bent = [*right]
    bent[at] = wrong
    due = START + timedelta(days=91 * 10)
    one, other = (
        forecast(_seen(list_), due, Decimal(90), lower=False, rule=RULE, unit="张") for list_ in (right, bent)
    )
    assert one is not None
    assert other is not None
    assert one.value is not None
    assert other.value is not None
    assert abs(one.value - other.value) < 4


def test_only_the_last_values_count_and_one_per_day() -> None:
    seen = [*_seen([Decimal(one) for one in range(12)]), Observation(START, Decimal(99))]
    used = latest(seen, 8)
    assert [one.value for one in used] == [Decimal(one) for one in range(4, 12)]
    assert len(latest(seen[:1] + seen[-1:], 8)) == 1


def _light(values: list[int], today: date, **changes: object) -> tuple[str, str]:
    target = replace(TARGET, **changes)  # type: ignore[arg-type]
    history = tuple(_seen([Decimal(one) for one in values[:-1]]))
    day = START + timedelta(days=91 * (len(values) - 1))
    known = Known(Decimal(values[-1]), day, day.isoformat(), "reported", history=history)
    light = light_of(target, known, (), LIGHTS, today)
    return light.light, light.explanation.zh


def test_a_forecast_that_misses_the_goal_warns() -> None:
    today = START + timedelta(days=91 * 4 + 5)
    light, why = _light([50, 50, 51, 51, 52], today)
    assert light == "amber"
    assert "按走势预计2027年底约" in why
    assert "达不到目标" in why
    light, why = _light([44, 47, 50, 53, 56], today)
    assert light == "green"
    assert "达不到" not in why


def test_a_plan_that_has_ended_shows_its_state_and_is_never_red() -> None:
    known = Known(Decimal(1), date(2028, 1, 1), "2028-01-01", "reported")
    for state, word in (("expired", "到期"), ("repealed", "废止"), ("final-evaluation", "终期评估")):
        light = light_of(TARGET, known, (), LIGHTS, date(2028, 1, 2), state)  # type: ignore[arg-type]
        assert (light.light, light.title.zh) == ("grey", word)
        assert word in light.explanation.zh
    assert light_of(TARGET, known, (), LIGHTS, date(2028, 1, 2)).title.zh == "滞后"


def test_a_standard_for_each_is_held_to_all() -> None:
    target = replace(
        TARGET, indicator="每个社区卫生服务中心拥有", span="每个社区卫生服务中心拥有2名", value=Decimal(2), unit="名",
        baseline=None, milestones=(),
    )  # fmt: skip
    today = date(2026, 7, 1)
    for share, colour in ((100, "green"), (95, "amber"), (50, "red")):
        known = Known(Decimal(share), today, today.isoformat(), "measure", unit="%")
        light = light_of(target, known, (), LIGHTS, today)
        assert (light.light, light.unit, light.final) == (colour, "%", 100)
    count = replace(target, indicator="建成社区食堂", span="建成社区食堂2个", unit="个")
    known = Known(Decimal(100), today, today.isoformat(), "measure", unit="%")
    assert light_of(count, known, (), LIGHTS, today).light == "grey"
