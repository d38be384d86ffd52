"""The rule of the lights, case by case. Unknown is grey and never green."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.base.text import Text
from kangshu.plans import Baseline, DutyView, LightRule, TargetView, light_of
from kangshu.plans.lights import Known
from kangshu.plans.reading import Anchor

RULE = LightRule(Decimal("0.9"), 45, 10)
TODAY = date(2026, 7, 1)
END = date(2026, 12, 31)
TARGET = TargetView(
    "target-001", "clause-001", "section-001", "section-001", "护理型床位占比", "达到55%", ">=", Decimal(55), "%",
    "2027", False, Anchor(0, 0, ""), "beds", True,
)  # fmt: skip


def known(value: float, day: date = TODAY, unit: str = "%") -> Known:
    return Known(Decimal(str(value)), day, day.isoformat(), "measure", unit=unit)


def duty(overdue: int, final: bool = False) -> DutyView:
    return DutyView("1", "clause-001", "u", "甲局", Text("办理中", "In progress"), final, None, overdue, "")


@pytest.mark.parametrize(
    ("value", "light"),
    [(55, "green"), (60, "green"), (54.9, "amber"), (49.5, "amber"), (49.4, "red"), (0, "red")],
)
def test_without_a_baseline_the_final_value_is_asked_for(value: float, light: str) -> None:
    assert light_of(TARGET, known(value), (), RULE, TODAY).light == light


def test_with_a_baseline_a_straight_line_is_asked_for() -> None:
    target = replace(TARGET, baseline=Baseline(Decimal(40), date(2024, 12, 31), "年报"))
    light = light_of(target, known(48), (), RULE, TODAY)
    assert light.expected is not None
    assert Decimal(47) < light.expected < Decimal(48)
    assert light.light == "green"
    assert light_of(target, known(48), (), RULE, date(2027, 12, 31)).light == "red"
    assert "2024-12-31" in light.explanation.zh


@pytest.mark.parametrize(("value", "light"), [(10, "green"), (15, "green"), (16, "amber"), (17, "red")])
def test_lower_is_better_for_an_upper_bound(value: float, light: str) -> None:
    target = replace(TARGET, comparator="<=", value=Decimal(15), unit="分钟", due="2026")
    assert light_of(target, known(value, END, "分钟"), (), RULE, END).light == light


def test_growth_needs_to_know_where_it_started() -> None:
    target = replace(TARGET, comparator="decrease_by", value=Decimal(20), due="2026")
    assert light_of(target, known(70), (), RULE, TODAY).light == "grey"
    started = replace(target, baseline=Baseline(Decimal(100), date(2025, 1, 1), "年报"))
    assert light_of(started, known(80, END), (), RULE, END).light == "green"
    doubled = replace(started, comparator="double", value=Decimal(2))
    assert light_of(doubled, known(199, END), (), RULE, END).light == "amber"


def test_what_is_unknown_is_grey() -> None:
    assert light_of(TARGET, None, (), RULE, TODAY).light == "grey"
    assert light_of(replace(TARGET, value="1:1.6"), known(2), (), RULE, TODAY).light == "grey"
    assert light_of(TARGET, known(60, unit="张"), (), RULE, TODAY).light == "grey"
    assert light_of(TARGET, None, (duty(0),), RULE, TODAY).light == "grey"


def test_a_masked_year_is_told() -> None:
    light = light_of(replace(TARGET, due="xxxx", masked=True), known(60), (), RULE, TODAY)
    assert "xxxx" in light.explanation.zh


@pytest.mark.parametrize(("overdue", "light"), [(0, "green"), (1, "amber"), (10, "amber"), (11, "red")])
def test_overdue_duties_darken_the_light(overdue: int, light: str) -> None:
    assert light_of(TARGET, known(60), (duty(overdue),), RULE, TODAY).light == light
    assert light_of(TARGET, known(60), (duty(overdue, final=True),), RULE, TODAY).light == "green"


def test_old_data_is_amber() -> None:
    assert light_of(TARGET, known(60, TODAY - timedelta(days=45)), (), RULE, TODAY).light == "green"
    assert light_of(TARGET, known(60, TODAY - timedelta(days=46)), (), RULE, TODAY).light == "amber"


@given(st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_more_is_never_a_worse_light(first: Decimal, second: Decimal) -> None:
    order = ("red", "amber", "green")
    low, high = sorted((first, second))
    lights = [light_of(TARGET, known(float(one)), (), RULE, TODAY).light for one in (low, high)]
    assert order.index(lights[0]) <= order.index(lights[1])
