"""R26: the rule's own examples and every ambiguity, decided by a named parameter."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.calculations import Calculation, calculate
from kangshu.services import read_folder

DRAFT = read_folder(Path(kangshu_services.__path__[0]) / "enterprises")
(REWARD,) = DRAFT.calculations
LISTED: dict[str, Any] = {
    "health_industry": True, "board": "sse-main", "event_day": "2026-03-01", "csrc_approved": True, "neeq_reward": None,
}  # fmt: skip


def work(where: str = "990102", parameters: dict[str, Any] | None = None, **given: Any) -> Calculation:
    table = ParameterTable(DRAFT.parameters)
    for id_, value in (parameters or {}).items():
        table.enter(
            ParameterVersion(id_, Text(id_, id_), value, "", "99", date(2024, 1, 1), None, "市文件", True)
        )
    day = date.fromisoformat(given.get("event_day", LISTED["event_day"]))
    return calculate(
        REWARD, {**LISTED, **given}, lambda one: table.find(one, where, day) or Text(one, one), day, where
    )


@pytest.mark.parametrize("where", ["530102", "990102"])
@pytest.mark.parametrize(
    ("board", "most"),
    [("sse-main", 16_000_000), ("sse-star", 16_000_000), ("szse-main", 16_000_000), ("szse-chinext", 16_000_000),
     ("overseas", 16_000_000), ("neeq", 1_000_000), ("regional", 500_000)],
)  # fmt: skip
def test_each_board_has_its_ceiling_or_sum(where: str, board: str, most: int) -> None:
    assert work(where, board=board).result == most


def test_the_sums_are_those_of_one_province() -> None:
    assert work("330102").result is None, "another province has entered none"


def test_a_listing_needs_the_approval_and_a_board_of_the_market_does_not() -> None:
    assert [one.id for one in work(csrc_approved=None).refused] == ["approved"]
    assert [one.id for one in work(csrc_approved=False, board="overseas").refused] == ["approved"]
    assert work(csrc_approved=None, board="regional").result == 500_000


def test_who_is_not_of_the_health_industry_has_no_claim() -> None:
    assert work(health_industry=False).result == 0


def test_the_sme_board_counts_until_it_joined_the_main_board() -> None:
    assert work(board="szse-sme", event_day="2021-04-05").result == 16_000_000
    assert [one.id for one in work(board="szse-sme", event_day="2021-04-06").refused] == ["board_of_the_day"]


def test_an_earlier_reward_is_deducted_where_the_parameter_says_so() -> None:
    assert work(neeq_reward=1_000_000).result == 16_000_000
    rule = {"listing-reward-neeq-deducted": True}
    assert work(neeq_reward=1_000_000, parameters=rule).result == 15_000_000
    assert work(neeq_reward=1_000_000, parameters=rule, board="neeq").result == 1_000_000
