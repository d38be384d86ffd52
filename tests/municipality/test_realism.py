"""A made city against what is published of a real one, and its story over the years."""

from __future__ import annotations

from pathlib import Path

from kangshu.municipality import Made, Municipality, age_shares, make_views


def test_fifty_thousand_residents_come_near_the_published_figures(tmp_path: Path) -> None:
    made: Made = make_views(Municipality(50_000), tmp_path, ())
    figures = made.figures()
    assert [
        f"{one.id}: {one.made:.2f}, {one.published} ± {one.tolerance:.2f}" for one in figures if not one.holds
    ] == []
    assert {one.certainty for one in figures} <= {"A", "B", "C", "ours"}
    assert len(figures) >= 30


def test_the_shares_of_ages_are_those_of_the_groups() -> None:
    shares = age_shares()
    assert abs(sum(shares.values()) - 1) < 1e-9
    assert abs(sum(share for (_, sex), share in shares.items() if sex == "male") - 0.5153) < 1e-9
    assert abs(sum(share for (age, _), share in shares.items() if age >= 60) - 0.2166) < 0.002
