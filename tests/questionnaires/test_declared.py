"""Each mistake of a questionnaire is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from kangshu.services import check, discover

from .scale import NEVER, RULES, SCALE, write_folder


def found(folder: Path) -> list[str]:
    return [one.text for one in check(discover(folder)) if one.severity == "error"]


def test_what_is_right_has_no_findings(tmp_path: Path) -> None:
    write_folder(tmp_path)
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("most: 10", "most: 12", "the full mark of 'total' is 10, not 12"),
        ("of: ability", "of: abilities", "there is no section 'abilities'"),
        ("options: three}", "options: four}", "no 'answers' are called 'four'"),
        ("items: [eat, help]", "items: [eat, falls]", "'falls' is no item with scores"),
        ("worsen: 1", "worsen: 1, to: poor", "'ill' has one of to, worsen and improve"),
        ("to: worst", "to: awful", "'coma' changes no level there is"),
        ("least: small-good", "least: small-goood", "no rule declares the parameter 'small-goood'"),
        ("%items.falls >= 2", "%items.falls >=", "'%items.falls >='"),
        ("level: level, level_system", "level: levels, level_system", "'result' names a score and a level"),
        ("kind: integer", "kind: choice", "'falls': a choice has options"),
        ("{id: walk,", "{id: eat,", "an item is declared twice"),
        ("poor: {zh: 差, en: poor}", "poor: {zh: 差, en: poor, least: small-fair}", "one has no 'least'"),
        ("source: 测试用", "sources: 测试用", "unknown key 'sources'"),
    ],
)
def test_each_mistake_is_found(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in SCALE
    write_folder(tmp_path, SCALE.replace(before, after, 1))
    assert any(said in one for one in found(tmp_path)), found(tmp_path)


def test_parameters_that_nobody_declares(tmp_path: Path) -> None:
    write_folder(tmp_path, rules=(RULES + NEVER).replace("small-people", "other-people"))
    assert found(tmp_path) == ["no rule declares the parameter 'small-people'"]
