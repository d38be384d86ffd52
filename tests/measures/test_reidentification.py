"""The re-identification attempt on the demo city: it succeeds against a naive extract, and not against ours."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from kangshu.measures.reidentification import Published, Target, linked, overlaid, recovered

TOOL = Path(__file__).resolve().parents[2] / "tools" / "reidentify.py"


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reidentify", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reidentify"] = module
    spec.loader.exec_module(module)
    return module


SEEDS = (20260101, 7)


@cache
def attempted(seed: int) -> Any:
    return tool().attempt(residents=2500, seed=seed, targets=300)


@pytest.fixture(params=SEEDS)
def figures(request: pytest.FixtureRequest) -> Any:
    return attempted(request.param)


def test_the_attack_works_against_a_naive_extract(figures: Any) -> None:
    assert figures.naive.success > 0.3
    assert figures.naive.exact > 30
    assert figures.naive.learnt > 30
    assert figures.naive_two.exact > 10


def test_sums_give_numbers_back_where_the_small_ones_alone_are_hidden() -> None:
    assert sum(attempted(seed).naive_recovered for seed in SEEDS) > 0


def test_nobody_is_told_from_ours(figures: Any) -> None:
    assert figures.k >= 5
    assert figures.ours.success <= 1 / figures.k
    assert figures.ours.exact == 0
    assert figures.ours.learnt == 0
    assert figures.ours_two.success <= 1 / figures.k
    assert figures.ours_two.exact == 0
    assert figures.ours_two.learnt == 0
    assert figures.ours_hidden > 0
    assert figures.ours_recovered == 0


ROWS = (("a", "1"), ("a", "2"), ("b", "1"), ("b", "1"), ("c", "3"))
TABLE = Published(
    ("group", "level"), ROWS, ("p1", "p2", "p3", "p4", "p5"), {"group": "text"}, {"group": "value"}, "level"
)


def test_the_attacks_are_counted_right() -> None:
    targets = [Target(f"p{number}", {"group": group}, level) for number, (group, level) in enumerate(ROWS, 1)]
    found = linked(TABLE, targets)
    assert found.success == pytest.approx((0.5 + 0.5 + 0.5 + 0.5 + 1) / 5)
    assert (found.exact, found.learnt) == (1, 3)
    twice = overlaid(TABLE, TABLE, targets)
    assert twice.exact == 1
    assert linked(TABLE, [Target("p9", {"group": "z"}, "1")]).success == 0


def test_a_number_alone_in_its_line_is_recovered_and_two_are_not() -> None:
    alone = [
        ("x", "a", "-"),
        ("x", "b", "7"),
        ("x", "*", "9"),
        ("y", "a", "4"),
        ("y", "b", "5"),
        ("y", "*", "9"),
    ]
    assert recovered(alone, "-") == 1
    pair = [
        ("x", "a", "-"),
        ("x", "b", "-"),
        ("x", "*", "9"),
        ("y", "a", "-"),
        ("y", "b", "-"),
        ("y", "*", "9"),
    ]
    assert recovered([*pair, ("*", "a", "6"), ("*", "b", "12"), ("*", "*", "18")], "-") == 0
