"""Control limits against the binomial distribution itself, summed term by term."""

from __future__ import annotations

from math import comb

import pytest

from kangshu.measures import control_limits, dispersion, funnel, place_in_funnel
from kangshu.measures.funnel import binomial_share


def _summed(count: int, size: int, share: float) -> float:
    return sum(comb(size, one) * share**one * (1 - share) ** (size - one) for one in range(count + 1))


@pytest.mark.parametrize(("size", "share"), [(1, 0.63), (10, 0.3), (37, 0.02), (100, 0.9), (400, 0.5)])
def test_the_binomial_share_is_the_sum_of_its_terms(size: int, share: float) -> None:
    for count in {0, 1, size // 3, size // 2, size - 1, size}:
        assert binomial_share(count, size, share) == pytest.approx(_summed(count, size, share), abs=1e-11)


@pytest.mark.parametrize(("size", "share"), [(5, 0.63), (20, 0.1), (60, 0.914), (150, 0.5)])
@pytest.mark.parametrize("level", [95, 99.8])
def test_a_count_lies_beyond_the_limits_just_where_its_tail_is_too_small(
    size: int, share: float, level: float
) -> None:
    tail = (1 - level / 100) / 2
    low, high = control_limits(share, size, level)
    for count in range(size + 1):
        assert (count / size < low) == (_summed(count, size, share) < tail), count
        above = 1 - _summed(count - 1, size, share) if count else 1.0
        assert (count / size > high) == (above < tail), count


def test_one_of_one_is_never_beyond_chance() -> None:
    assert place_in_funnel(0.63, 1, 1, 95, 99.8) == 0
    assert place_in_funnel(0.63, 0, 1, 95, 99.8) == 0


def test_a_unit_lies_on_the_side_of_its_value() -> None:
    assert place_in_funnel(0.5, 50, 100, 95, 99.8) == 0
    assert place_in_funnel(0.5, 62, 100, 95, 99.8) == 1
    assert place_in_funnel(0.5, 38, 100, 95, 99.8) == -1
    assert place_in_funnel(0.5, 70, 100, 95, 99.8) == 2
    assert place_in_funnel(0.5, 30, 100, 95, 99.8) == -2


def test_the_curves_close_in_and_hold_each_other() -> None:
    curves = funnel(0.3, 5000, 95, 99.8)
    assert curves.sizes[0] == 1
    assert curves.sizes[-1] == 5000
    for (low, high), (lower, higher) in zip(curves.inner, curves.outer, strict=True):
        assert 0 <= lower <= low <= 0.3 <= high <= higher <= 1
    first, last = curves.outer[0], curves.outer[-1]
    assert last[1] - last[0] < 0.05 < first[1] - first[0]


def test_nothing_is_told_where_nobody_or_everybody_is_the_standard() -> None:
    assert control_limits(0.0, 10, 95) == (0.0, 0.0)
    assert control_limits(1.0, 10, 95) == (1.0, 1.0)


def test_dispersion_is_one_by_chance_and_more_beyond_it() -> None:
    # the expected counts of a standard of one half, one deviation of each to both sides
    by_chance = [
        (size / 2 + side * (size / 4) ** 0.5, size) for size in (100.0, 400.0, 900.0) for side in (1, -1)
    ]
    assert dispersion(0.5, by_chance) == pytest.approx(1.0)
    apart = [
        (size / 2 + side * 3 * (size / 4) ** 0.5, size) for size in (100.0, 400.0, 900.0) for side in (1, -1)
    ]
    assert dispersion(0.5, apart) == pytest.approx(9.0)
    assert dispersion(0.5, by_chance[:4]) is None
