"""Sums, levels and the rules that change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kangshu.base.parameters import ParameterTable
from kangshu.questionnaires import Outcome, questionnaire_resource, reckon, sent_answers
from kangshu.sdk import ParameterDeclaration, QuestionnaireDeclaration
from kangshu.services import load
from kangshu.validate import validate

from .scale import write_folder

BEST = {"eat": "2", "walk": "2", "help": "never"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuestionnaireDeclaration, tuple[Any, ...]]:
    folder: Path = tmp_path_factory.mktemp("services")
    write_folder(folder)
    (service,) = load(folder)
    return service.questionnaires[0], service.parameters


def reckoned(
    small: tuple[QuestionnaireDeclaration, tuple[ParameterDeclaration, ...]],
    answers: Mapping[str, Any],
    **figures: Any,
) -> Outcome:
    table = ParameterTable(
        replace(one, value=figures.get(one.id.replace("-", "_"), one.value)) for one in small[1]
    )
    return reckon(small[0], answers, lambda name: table.version(name, "990100", date(2026, 11, 22)))


def test_sums_and_items_from_the_other_end(small: Any) -> None:
    outcome = reckoned(small, BEST)
    assert outcome.missing == ()
    assert outcome.scores == {"total": 10, "need": Decimal(3), "double": 20}  # 2 + (6 + 1 - 6)


@pytest.mark.parametrize(
    ("answers", "level"),
    [
        (BEST, "good"),
        ({**BEST, "eat": "0"}, "good"),  # 8, the cut-off itself
        ({**BEST, "eat": "0", "walk": "1"}, "fair"),
        ({"eat": "2", "walk": "1", "help": "often"}, "fair"),  # 4
        ({"eat": "2", "walk": "0", "help": "often"}, "poor"),
    ],
)
def test_levels_by_cut_offs(small: Any, answers: Mapping[str, Any], level: str) -> None:
    assert reckoned(small, answers).levels["level"].option.code == level


def test_a_cut_off_is_a_parameter(small: Any) -> None:
    assert reckoned(small, {**BEST, "eat": "0"}, small_good=9).levels["level"].option.code == "fair"


def test_what_is_missing_is_named_and_nothing_is_guessed(small: Any) -> None:
    outcome = reckoned(small, {"eat": "2", "help": "never"})
    assert [one.id for one in outcome.missing] == ["walk"]
    assert outcome.scores == {"need": 3}
    assert outcome.levels == {}


def test_rules_change_a_level(small: Any) -> None:
    once = reckoned(small, {**BEST, "falls": Decimal(2)}).levels["level"]
    assert (once.preliminary.code, once.option.code, [one.id for one in once.changes]) == (
        "good",
        "fair",
        ["falls"],
    )
    assert reckoned(small, {**BEST, "falls": Decimal(1)}).levels["level"].changes == ()
    fixed = reckoned(small, {**BEST, "coma": True, "ill": True}).levels["level"]
    assert (fixed.option.code, [one.id for one in fixed.changes]) == ("worst", ["coma"])


def test_stacking_is_the_authoritys(small: Any) -> None:
    both = {**BEST, "falls": Decimal(3), "ill": True}
    once = reckoned(small, both)
    assert once.levels["level"].option.code == "fair"
    assert [one.id for one in once.unverified] == ["small-stacking"]
    assert reckoned(small, both, small_stacking="each").levels["level"].option.code == "poor"
    # where one reason alone holds, nobody needs to know how several add up
    assert reckoned(small, {**BEST, "ill": True}).unverified == ()


def test_beyond_the_last_level_there_is_none(small: Any) -> None:
    lowest = {"eat": "0", "walk": "0", "help": "often", "falls": Decimal(2), "ill": True}
    assert reckoned(small, lowest, small_stacking="each").levels["level"].option.code == "worst"


def test_answers_are_read_as_they_are_sent(small: Any) -> None:
    answers, issues = sent_answers(
        small[0], {"eat": "7", "walk": "1", "falls": "2.5", "ill": "true", "note": "　", "help": ""}
    )
    assert answers == {"walk": "1", "ill": True}
    assert {one.expression[0] for one in issues} == {"eat", "falls"}
    assert sent_answers(small[0], {"falls": "120"})[1][0].expression == ("falls",)
    assert sent_answers(small[0], {"falls": "3"}) == ({"falls": Decimal(3)}, ())


def test_the_questionnaire_is_valid_and_says_its_scores(small: Any) -> None:
    made = questionnaire_resource(small[0])
    assert [one for one in validate(made) if one.severity == "error"] == []
    eat = made["item"][0]["item"][0]
    assert eat["answerOption"][0]["extension"][0]["valueDecimal"] == 2
    assert made["version"] != questionnaire_resource(replace(small[0], source="other"))["version"]
