"""Whether a value warns: limits, changes, peers, control limits, the pace of a year; and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from kangshu.sdk import MeasureDeclaration, Text, WarningRule
from kangshu.warnings import Value, judge, pace_of, peers_median

MEASURE = MeasureDeclaration(
    id="share", service="city", title=Text("覆盖率", "Coverage"), definition=Text("", ""), systems=(), targets=(),
    kind="proportion", scale=100, unit="%", direction="increase", period="instant", views=(), parameters=(), sql="",
    dimensions=(), source="",
)  # fmt: skip
RULE = WarningRule(
    id="rule",
    service="city",
    title=Text("规则", "Rule"),
    help=Text("", ""),
    level="attention",
    act=Text("", ""),
    measure="share",
)


@pytest.mark.parametrize(
    ("test", "value", "warns"),
    [("above", 100.0, False), ("above", 100.1, True), ("below", 100.0, False), ("below", 99.9, True)],
)
def test_what_lies_at_the_limit_does_not_warn(test: str, value: float, warns: bool) -> None:
    rule = replace(RULE, test=test)  # type: ignore[arg-type]
    assert (judge(rule, MEASURE, Value(value), 100.0, None) is not None) == warns


def test_a_change_is_told_in_points_or_in_per_cent() -> None:
    fall = replace(RULE, test="fall", against="quarter")
    assert judge(fall, MEASURE, Value(80.0), 10.0, 90.0) is None
    found = judge(fall, MEASURE, Value(79.0), 10.0, 90.0)
    assert found is not None
    assert found.text.zh == "覆盖率由上季度末的90.0%变为79.0%，下降11个百分点（允许10个百分点）"
    assert "79" not in found.quiet.zh
    relative = replace(fall, relative=True)
    assert judge(relative, MEASURE, Value(81.0), 10.0, 90.0) is None, "10 % of 90 is 9 points: not more"
    assert judge(relative, MEASURE, Value(80.9), 10.0, 90.0) is not None
    assert judge(relative, MEASURE, Value(1.0), 10.0, 0.0) is None, "nothing is a share of nothing"
    rise = replace(RULE, test="rise", against="year")
    assert judge(rise, MEASURE, Value(79.0), 10.0, 90.0) is None
    assert judge(rise, MEASURE, Value(101.0), 10.0, 90.0) is not None


def test_what_is_unknown_does_not_warn() -> None:
    for test in ("above", "below", "rise", "fall", "beyond", "pace"):
        rule = replace(RULE, test=test)
        assert judge(rule, MEASURE, Value(None), 1.0, 1.0) is None
    assert judge(replace(RULE, test="fall"), MEASURE, Value(1.0), 1.0, None) is None


def test_beyond_the_city_is_beyond_chance_and_on_the_bad_side() -> None:
    rule = replace(RULE, test="beyond")
    assert judge(rule, MEASURE, Value(50.0, limits=(40.0, 60.0)), None, 59.0) is None
    assert judge(rule, MEASURE, Value(50.0, limits=(40.0, 60.0)), None, 61.0) is not None
    assert judge(rule, MEASURE, Value(90.0, limits=(80.0, 95.0)), None, 61.0) is None, "better than the city"
    less_is_better = replace(MEASURE, direction="decrease")
    assert judge(rule, less_is_better, Value(90.0, limits=(80.0, 95.0)), None, 61.0) is not None


def test_peers_are_the_others() -> None:
    assert peers_median([10.0, 50.0, 60.0, 70.0], 0) == 60.0
    assert peers_median([10.0, None, 60.0, 70.0], 0) is None, "two others have no middle"


def test_a_year_is_whole_on_its_last_day() -> None:
    assert pace_of(MEASURE, date(2026, 12, 31)) == 100.0
    assert pace_of(MEASURE, date(2024, 2, 29)) == pytest.approx(100 * 60 / 366)
    behind = replace(RULE, test="pace")
    assert judge(behind, MEASURE, Value(36.0), 15.0, 50.0) is None
    assert judge(behind, MEASURE, Value(34.0), 15.0, 50.0) is not None
    assert judge(behind, MEASURE, Value(90.0), float(Decimal(15)), 50.0) is None, "ahead is not behind"
