"""R04–R07, C16: the rules' own figures and every ambiguity, decided by a named parameter."""

from __future__ import annotations

from typing import Any

import pytest

from tests.city.calculators import calculator_of

work = calculator_of("care_workers")
SERVED = {
    "nature": "private-non-profit", "kind": "elder-institution", "employer_district": "990102",
    "since": "2024-05-01", "in_post": True, "day": "2026-05-01", "paid_before": 0,
}  # fmt: skip


def degree(education: str = "bachelor", **more: Any) -> dict[str, Any]:
    return {**SERVED, "education": education, "graduated_on": "2020-07-01", **more}


@pytest.mark.parametrize(
    ("education", "amount"), [("bachelor", 10_000), ("associate", 6_000), ("secondary", 3_000), ("lower", 0)]
)
def test_a_degree_is_paid_after_two_years(education: str, amount: int) -> None:
    assert work("degree", degree(education)).result == amount
    assert work("degree", degree(education, since="2024-05-02")).result == 0


def test_the_schedule_of_the_degree_subsidy_is_a_parameter() -> None:
    third, fourth = degree(paid_before=2), degree(paid_before=3)
    assert work("degree", third).result == 10_000
    assert work("degree", fourth).result == 0
    assert work("degree", degree(paid_before=1), degree_subsidy_schedule="once").result == 0
    spread = [
        work("degree", degree(paid_before=one), degree_subsidy_schedule="spread").result for one in range(4)
    ]
    assert [str(one) for one in spread] == ["3333.33", "3333.33", "3333.34", "0"]


def test_degree_of_a_for_profit_employer_is_advice_and_the_floor_holds() -> None:
    profit = work("degree", degree(nature="private-for-profit"))
    assert profit.result == 0
    assert [one.id for one in profit.unmet] == ["employer"]
    assert work("degree", degree(nature=None, kind="day-care-centre")).result == 10_000
    assert [one.id for one in work("degree", degree(), degree_subsidy_bachelor=9_999).refused] == ["floor"]
    late = degree(graduated_on="2025-07-01")
    assert work("degree", late).result == 10_000
    assert work("degree", late, degree_subsidy_degree_day="at-start").result == 0


def skilled(level: str, **more: Any) -> dict[str, Any]:
    return {**SERVED, "level": level, "certificate": "YX1", "certified_until": None, "degree_paid": 0, **more}


@pytest.mark.parametrize(
    ("level", "amount"), [("5", 4_000), ("4", 5_500), ("3", 7_000), ("2", 8_500), ("1", 10_000)]
)
def test_a_level_is_paid_once_and_a_higher_one_the_difference(level: str, amount: int) -> None:
    assert work("level", skilled(level)).result == amount
    assert work("level", skilled(level, paid_before=amount)).result == 0
    higher = skilled(level, paid_before=3_000)
    assert work("level", higher).result == amount - 3_000
    assert work("level", higher, skill_post_difference=False).result == 0


def test_a_level_needs_a_valid_certificate_and_may_not_add() -> None:
    assert work("level", skilled("3", certified_until="2026-04-30")).result == 0
    assert work("level", skilled("3", degree_paid=1)).result == 7_000
    assert work("level", skilled("3", degree_paid=1), skill_post_adds=False).result == 0
    assert work("level", skilled("3"), skill_post_level_3=10_001).result is None


def frontline(**more: Any) -> dict[str, Any]:
    return {
        "period_start": "2026-01-01", "period_end": "2026-06-30", "leave_months": 0, "posted": "2024-01-01",
        "left": None, "post": "frontline", "nature": "public", "kind": "elder-institution", **more,
    }  # fmt: skip


def test_the_allowance_counts_months_on_the_frontline() -> None:
    assert work("allowance", frontline()).result == 1_200
    assert work("allowance", frontline(leave_months=2)).result == 800
    assert work("allowance", frontline(posted="2026-03-16")).result == 800
    assert work("allowance", frontline(posted="2026-03-17")).result == 600
    assert work("allowance", frontline(posted="2026-03-17"), care_allowance_part_days=14).result == 800
    assert work("allowance", frontline(post="management")).result == 0
    assert work("allowance", frontline(), care_allowance_rate=199).result is None


def test_sources_are_told_and_bar_nobody() -> None:
    def groups(
        born: str, *, retired: bool = False, employed: bool = True, retire_on: str | None = None
    ) -> Any:
        given = {
            "birth_date": born,
            "retired": retired,
            "employed": employed,
            "retire_on": retire_on,
            "day": "2026-05-01",
        }
        return work("sources", given).result

    assert groups("2000-01-01") == 0
    assert groups("1984-05-01", employed=False) == 1
    assert groups("1964-01-01", retired=True, employed=False) == 3
    assert groups("1970-01-01", retire_on="2027-05-01") == 1
    assert groups("1970-01-01", retire_on="2027-06-01") == 0


def test_years_of_related_occupations_are_credited() -> None:
    given = {"care_months": 10, "nurse_months": 24, "helper_months": 6, "domestic_months": 12}
    assert work("service-months", given).result == 52
    assert work("service-months", given, care_related_occupations=["nurse"]).result == 34
