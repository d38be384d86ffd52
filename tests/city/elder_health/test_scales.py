"""The scales as declared: full marks, cut-offs, changes and combinations of their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from kangshu.base.parameters import ParameterTable
from kangshu.questionnaires import Outcome, reckon
from kangshu.sdk import QuestionnaireDeclaration
from kangshu.services import read_folder

SERVICE = read_folder(Path(__file__).resolve().parents[3] / "src" / "kangshu_services" / "elder_health")
SCALES = {one.id: one for one in SERVICE.questionnaires}
DAY = date(2026, 11, 22)


def reckoned(id_: str, answers: Mapping[str, Any], **figures: Any) -> Outcome:
    """Return what `answers` come to; those that are left out take the best there is."""
    table = ParameterTable(
        replace(one, value=figures.get(one.id.replace("-", "_"), one.value)) for one in SERVICE.parameters
    )
    return reckon(
        SCALES[id_], {**best(SCALES[id_]), **answers}, lambda name: table.version(name, "990100", DAY)
    )


def best(scale: QuestionnaireDeclaration) -> dict[str, Any]:
    """Return answers without a sign of illness: the first of each item, which is the good one in these scales."""
    found: dict[str, Any] = {}
    for item in scale.items:
        if item.required or item.scored:
            found[item.id] = (
                False
                if item.kind == "boolean"
                else [item.options[0].code]
                if item.kind == "choices"
                else item.options[0].code
                if item.options
                else Decimal(0)
            )
    return found


def level(id_: str, answers: Mapping[str, Any], **figures: Any) -> str:
    """Return the code of the level `level`."""
    return reckoned(id_, answers, **figures).levels["level"].option.code


def lost(points: int) -> dict[str, str]:
    """Return answers of the ability scale with this many points fewer than 90."""
    answers: dict[str, str] = {}
    for item in (one for one in SCALES["elder-ability"].items if one.scored):
        most = max(int(one.score) for one in item.options if one.score is not None)
        take = min(points, most)
        answers[item.id] = str(most - take)
        points -= take
    return answers


def test_the_ability_scale_has_26_items_and_90_points() -> None:
    scale = SCALES["elder-ability"]
    assert len([one for one in scale.items if one.scored]) == 26
    assert {one.id: one.most for one in scale.scores} == {
        "self_care": 32, "movement": 15, "mind": 28, "senses": 15, "total": 90,
    }  # fmt: skip
    assert reckoned("elder-ability", {}).scores["total"] == 90


@pytest.mark.parametrize(
    ("score", "expected"),
    [(90, "0"), (89, "1"), (66, "1"), (65, "2"), (46, "2"), (45, "3"), (30, "3"), (29, "4"), (0, "4")],
)
def test_its_levels(score: int, expected: str) -> None:
    outcome = reckoned("elder-ability", lost(90 - score))
    assert (outcome.scores["total"], outcome.levels["level"].option.code) == (score, expected)


def test_its_changes() -> None:
    assert level("elder-ability", {"coma": True}) == "4"
    assert level("elder-ability", {**lost(20), "diseases": ["dementia"]}) == "2"
    assert level("elder-ability", {**lost(20), "falls": Decimal(1), "choking": Decimal(1)}) == "2"
    assert level("elder-ability", {**lost(20), "falls": Decimal(1)}) == "1"
    both = {**lost(20), "diseases": ["mental"], "falls": Decimal(2)}
    assert level("elder-ability", both) == "2"
    assert level("elder-ability", both, elder_ability_change_stacking="each") == "3"
    assert level("elder-ability", {**lost(80), "diseases": ["dementia"]}) == "4"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, "0"),
        ({"working": "2"}, "0"),  # society 2 is within its first band
        ({"contacts": "4", "working": "4"}, "1"),
        ({"sight": "2"}, "1"),
        ({"stairs": "0"}, "1"),  # 90 of 100
        ({"stairs": "0", "hearing": "4"}, "2"),  # another dimension at 3
        ({"stairs": "0", "walking": "0", "transfer": "0"}, "2"),  # 60
        ({"stairs": "0", "walking": "0", "transfer": "0", "sight": "4"}, "3"),
        ({"stairs": "0", "walking": "0", "transfer": "0", "toilet": "0", "eating": "0"}, "3"),  # 40
    ],
)
def test_mzt_039_combines_its_dimensions(answers: Mapping[str, Any], expected: str) -> None:
    assert level("mzt-039", answers) == expected


def test_mzt_039_changes() -> None:
    assert level("mzt-039", {"mental_illness": True}) == "1"
    assert level("mzt-039", {"events": Decimal(2)}) == "1"
    assert level("mzt-039", {"coma": True}) == "3"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, "0"),
        ({"memory": "0"}, "0"),  # cognition slightly impaired
        ({"time": "1", "persons": "1", "space": "0", "memory": "0"}, "1"),  # 2 of 16
        ({"walking": "0", "transfer": "0", "stairs": "0"}, "2"),  # 60 of 100
        ({"walking": "0", "transfer": "0", "stairs": "0", "bathing": "0", "eating": "0", "toilet": "0"}, "3"),
    ],
)
def test_long_term_care_goes_by_its_table(answers: Mapping[str, Any], expected: str) -> None:
    assert level("ltc-disability", answers) == expected
    assert reckoned("ltc-disability", answers).unverified  # nobody has confirmed the bands


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(0, 0, "A"), (1, 0, "B"), (0, 2, "B"), (1, 1, "C"), (0, 3, "C"), (2, 0, "D"), (1, 2, "D"), (3, 0, "E"),
     (2, 1, "E"), (1, 3, "E"), (3, 2, "F"), (2, 3, "F"), (3, 3, "G")],
)  # fmt: skip
def test_self_rating_before_long_term_care(a: int, b: int, expected: str) -> None:
    names = (("eating", "continence", "bathing"), ("dressing", "toilet", "transfer"))
    answers = {name: "depends" for group, many in zip(names, (a, b), strict=True) for name in group[:many]}
    assert reckoned("ltc-self-rating", answers).levels["class"].option.code == expected


@pytest.mark.parametrize(
    ("points", "expected"), [(3, "independent"), (8, "mild"), (18, "moderate"), (37, "full")]
)
def test_self_care_table(points: int, expected: str) -> None:
    answers: dict[str, Any] = {
        3: {"meals": "moderate"},
        8: {"meals": "moderate", "toilet": "moderate"},
        18: {"meals": "full", "washing": "moderate", "dressing": "full", "toilet": "moderate"},
        37: dict.fromkeys(("meals", "washing", "dressing", "toilet", "moving"), "full"),
    }[points]
    outcome = reckoned("self-care", answers)
    assert (outcome.scores["total"], outcome.levels["level"].option.code) == (points, expected)


def test_constitutions() -> None:
    low = {f"q{number:02d}": "1" for number in range(1, 34)}
    balanced = reckoned("tcm-constitution", {**low, "q01": "5"})
    assert balanced.scores["balanced"] == 25
    assert balanced.levels["balanced"].option.code == "yes"
    tends = reckoned("tcm-constitution", {**low, "q01": "5", "q11": "4", "q12": "3"})
    assert (tends.scores["yang_deficiency"], tends.levels["yang_deficiency"].option.code) == (9, "tends")
    assert tends.levels["balanced"].option.code == "basically"
    is_one = reckoned("tcm-constitution", {**low, "q01": "5", "q11": "5", "q12": "4"})
    assert is_one.levels["yang_deficiency"].option.code == "yes"
    assert is_one.levels["balanced"].option.code == "no"
    eight = reckoned("tcm-constitution", {**low, "q11": "5"})
    assert (eight.scores["yang_deficiency"], eight.levels["yang_deficiency"].option.code) == (8, "no")


def test_the_examination_says_what_is_missing() -> None:
    table = ParameterTable(SERVICE.parameters)
    outcome = reckon(
        SCALES["physical-examination"], {"symptom": ["none"]}, lambda name: table.version(name, "990100", DAY)
    )
    asked = {one.id for one in outcome.missing}
    # 辅助检查 of the norm: blood, urine, liver, kidney, glucose, lipids, ECG, ultrasound
    assert {
        "haemoglobin", "urine_protein", "alt", "ast", "bilirubin", "creatinine", "urea", "glucose", "cholesterol",
        "triglycerides", "ldl", "hdl", "ecg", "ultrasound",
    } <= asked  # fmt: skip
    assert "symptom" not in asked
