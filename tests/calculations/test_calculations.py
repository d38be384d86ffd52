"""A calculation tells every step, its clause and the version of each parameter, and by name what is missing."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from kangshu.base.faults import Unprocessable
from kangshu.base.parameters import Bounds, ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.calculations import Calculation, calculate, check_calculation, kept_calculation, read_calculation
from kangshu.fhir import render
from kangshu.sdk import CalculationCondition, CalculationDeclaration, CalculationInput, CalculationStep

DAY = date(2026, 5, 1)


def _text(word: str) -> Text:
    return Text(f"{word}（中文）", word)


def _version(id_: str, value: Any, since: str = "2020-01-01", place: str = "") -> ParameterVersion:
    start = date.fromisoformat(since)
    return ParameterVersion(id_, _text(id_), value, "元", place, start, None, "第一条", True)


RATE = CalculationDeclaration(
    "rate",
    "toy",
    _text("subsidy"),
    ("claim",),
    "第一条",
    (
        CalculationInput("beds", _text("beds"), "%values.beds", "张"),
        CalculationInput("note", _text("note"), "%values.note", optional=True),
    ),
    (
        CalculationStep(
            "counted", _text("counted"), "iif(%beds > %parameters.cap, %parameters.cap, %beds)", "第二条"
        ),
        CalculationStep(
            "amount",
            _text("amount"),
            "(%counted * %parameters.bed_rate).round(2)",
            "第三条",
            words=Text("${counted} 张 × ${bed_rate} 元", "${counted} × ${bed_rate}"),
        ),
    ),
    "amount",
    "元",
    (
        CalculationCondition(
            "floor",
            _text("floor"),
            "%parameters.bed_rate >= %parameters.bed_floor",
            "第三条",
            _text("low"),
            True,
        ),
        CalculationCondition("some", _text("some"), "%beds > 0", "第四条", _text("none"), False),
    ),
)


def _work(
    table: ParameterTable, given: dict[str, Any], place: str = "990102", day: date = DAY
) -> Calculation:
    def find(name: str) -> ParameterVersion | Text:
        return table.find(name, place, day) or _text(name)

    return calculate(RATE, given, find, day, place)


def _table(*more: ParameterVersion) -> ParameterTable:
    listed = [
        _version("cap", 500),
        _version("bed-rate", Decimal("0.1")),
        _version("bed-floor", Decimal("0.1")),
    ]
    return ParameterTable((), [*listed, *more])


def test_steps_are_exact_and_read_like_an_account() -> None:
    one = _work(_table(), {"beds": 603})
    assert one.result == Decimal("50.00")
    assert [step.value for step in one.steps] == [500, Decimal("50.00")]
    assert one.steps[1].figures.zh == "500 张 × 0.1 元"
    assert one.steps[0].figures.zh == "iif(603 > 500, 500, 603)"
    assert {version.id for version in one.parameters} == {"cap", "bed-rate", "bed-floor"}


def test_what_is_missing_is_told_by_name_and_never_guessed() -> None:
    one = _work(ParameterTable((), [_version("cap", 500)]), {})
    assert one.result is None
    assert [text.en for text in one.missing] == ["beds", "bed-rate", "bed-floor"]


def test_a_rate_below_its_floor_refuses_and_somebody_without_a_claim_gets_nothing() -> None:
    low = _work(_table(_version("bed-rate", Decimal("0.09"), place="9901")), {"beds": 10})
    assert low.result is None
    assert [one.id for one in low.refused] == ["floor"]
    none = _work(_table(), {"beds": 0})
    assert none.result == 0
    assert [one.id for one in none.unmet] == ["some"]


def test_the_version_is_that_of_the_place_and_day() -> None:
    table = _table(
        _version("bed-rate", Decimal(2), "2026-03-01"), _version("bed-rate", Decimal(3), place="990102")
    )
    assert _work(table, {"beds": 1}).result == Decimal("3.00")
    assert _work(table, {"beds": 1}, "990103").result == Decimal("2.00")
    assert _work(table, {"beds": 1}, "990103", date(2025, 1, 1)).result == Decimal("0.10")


def test_a_kept_calculation_is_reckoned_again_and_a_changed_one_is_found_out() -> None:
    data = json.loads(render(kept_calculation(_work(_table(), {"beds": 603}))), parse_float=Decimal)
    assert check_calculation(data) == ()
    assert read_calculation(data).result == Decimal("50.00")
    for change in (
        lambda held: held["inputs"][0].update(value=100),
        lambda held: held["steps"][1].update(value=Decimal("60.00")),
        lambda held: held.update(result=Decimal("60.00")),
        lambda held: held["parameters"][1].update(value=Decimal("0.2")),
    ):
        forged = json.loads(render(data), parse_float=Decimal)
        change(forged)
        assert check_calculation(forged)


def test_no_value_below_a_floor_or_above_a_ceiling_is_taken_in() -> None:
    table = _table(_version("top", Decimal(1)))
    table.bound("bed-rate", Bounds("bed-floor", "top"))
    table.refuse_beyond(_version("bed-rate", Decimal("0.1")))
    for value in (Decimal("0.09"), Decimal("1.01")):
        with pytest.raises(Unprocessable):
            table.refuse_beyond(_version("bed-rate", value))
