"""R01–R03, C15: the rules' own examples and every ambiguity, decided by a named parameter."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.city.calculators import calculator_of
from tests.measures.city import service_of

work = calculator_of("elder_subsidies")
PRIVATE = {"nature": "private-non-profit", "filed": True}
YEAR = {"period_start": "2025-01-01", "period_end": "2025-12-31"}


def built(new: int = 0, converted: int = 0, paid: tuple[int, int] = (0, 0), **more: Any) -> dict[str, Any]:
    beds = {"beds_new": new or None, "beds_converted": converted or None}
    return {
        **PRIVATE,
        **beds,
        "accepted_on": "2026-04-01",
        "paid_new": paid[0],
        "paid_converted": paid[1],
        "listed_new": 0,
        "listed_converted": 0,
        "listed_unmarked": 5000,
        **more,
    }


@pytest.mark.parametrize(
    ("new", "converted", "amount"),
    [(100, 0, 150_000), (0, 100, 100_000), (499, 0, 748_500), (500, 0, 750_000), (501, 0, 750_000), (600, 100, 750_000), (400, 200, 700_000)],
)  # fmt: skip
def test_construction_pays_floor_rates_up_to_the_cap(new: int, converted: int, amount: int) -> None:
    assert work("construction", built(new, converted)).result == amount


def test_construction_its_ambiguities_are_parameters() -> None:
    assert work("construction", built(400, 200), bed_construction_cap_shared=False).result == 800_000
    again = built(300, paid=(300, 0))
    assert work("construction", again).result == 300_000
    assert work("construction", again, bed_construction_expansion=False).result == 0
    assert work("construction", built(100), bed_construction_new=2000).result == 200_000


def test_beds_are_held_against_the_register_kind_by_kind() -> None:
    def short(**more: Any) -> Any:
        found = work("construction", built(20, 10, paid=(5, 0), **more))
        return next(one.value for one in found.steps if one.id == "short")

    assert short(listed_new=25, listed_converted=10, listed_unmarked=0) == 0
    assert short(listed_new=20, listed_converted=12, listed_unmarked=0) == 5
    # beds of which nobody knows how they were built stand for either
    assert short(listed_new=20, listed_converted=8, listed_unmarked=7) == 0
    beyond = built(20, listed_new=4, listed_unmarked=0)
    assert work("construction", beyond).result == 30_000
    bound = work("construction", beyond, bed_construction_register_binds=True)
    assert [one.id for one in bound.refused] == ["registered"]


def test_a_payable_rate_below_the_floor_is_refused() -> None:
    low = work("construction", built(100), bed_construction_new=1499)
    assert low.result is None
    assert [one.id for one in low.refused] == ["new-floor"]


def test_who_has_not_filed_or_is_for_profit_gets_nothing_and_family_size_the_same() -> None:
    assert work("construction", built(100, filed=False)).result == 0
    profit = built(100, nature="private-for-profit")
    assert work("construction", profit).result == 0
    # C15: neither a medical institution with elder beds nor a family-size one gets less
    for form in ("medical", "family"):
        equal = {**profit, "institution_form": form}
        assert work("construction", equal).result == work("construction", built(100)).result
        assert work("construction", equal, subsidy_equal_treatment=False).result == 0


def stays(days: int, **more: Any) -> dict[str, Any]:
    return {
        **PRIVATE, **YEAR, "people": 1, "person_days": days, "qualifying_days": 0, "month_ends": 0,
        "qualifying_month_ends": 0, "at_end": 0, "qualifying_at_end": 0, **more,
    }  # fmt: skip


def test_operating_counts_real_residents_by_the_way_that_is_set() -> None:
    given = stays(36_500, month_ends=1260, at_end=110)
    assert work("operating", given).result == 100_000
    assert work("operating", given, operating_subsidy_counting="month-end").result == 105_000
    assert work("operating", given, operating_subsidy_counting="period-end").result == 110_000


def test_operating_period_cap_and_relation_are_parameters() -> None:
    half = {**stays(18_100), "period_end": "2025-06-30"}
    assert work("operating", half).result == Decimal("49589.04")
    assert work("operating", stays(365 * 700)).result == 700_000
    assert work("operating", stays(365 * 700), operating_subsidy_cap=500).result == 500_000
    both = stays(36_500, qualifying_days=3_650)
    assert work("operating", both).result == 100_000
    assert work("operating", both, difficult_subsidy_relation="replaces").result == 90_000
    assert [one.id for one in work("operating", both, operating_subsidy_rate=999).refused] == ["floor"]


def hard(days: dict[int, int], everybody: dict[int, int] | None = None, **more: Any) -> dict[str, Any]:
    levels = {f"qualifying_{one}": days.get(one, 0) for one in range(5)}
    levels |= {f"all_{one}": (everybody or days).get(one, 0) for one in range(5)}
    return {**PRIVATE, **YEAR, "people": 1, **levels, **more}


def test_people_in_hardship_are_paid_by_level_within_the_range() -> None:
    assert work("difficult", hard({1: 3650})).result == 8_000
    assert work("difficult", hard({4: 3650})).result == 10_000
    assert work("difficult", hard({1: 365 * 600})).result == 400_000
    assert work("difficult", hard({1: 3650}, {1: 7300})).result == 8_000
    assert work("difficult", hard({1: 3650}, {1: 7300}), difficult_subsidy_counts="all").result == 16_000
    for rate in (799, 1001):
        beyond = work("difficult", hard({1: 3650}), difficult_subsidy_level_1=rate)
        assert [one.id for one in beyond.refused] == ["range"]


def test_every_figure_of_a_rule_is_a_parameter_with_its_source() -> None:
    declared = service_of("elder_subsidies").parameters
    for one in declared:
        assert one.source, one.id
        floors = [each.id for each in declared if each.at_least == one.id]
        assert not one.id.endswith("-floor") or floors, f"nothing is held to {one.id}"
