"""R08, R09, R17, C14 and the rating: the rules' own examples, and every ambiguity decided by a named parameter."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.calculations import Calculation, calculate
from kangshu.services import read_folder

DRAFT = read_folder(Path(kangshu_services.__path__[0]) / "institutions")
DECLARED = {one.id: one for one in DRAFT.calculations}


def work(name: str, given: dict[str, Any], **parameters: Any) -> Calculation:
    table = ParameterTable(DRAFT.parameters)
    for one, value in parameters.items():
        id_ = one.replace("_", "-")
        version = ParameterVersion(
            id_, Text(id_, id_), value, "", "99", date(2024, 1, 1), None, "市民政局文件", True
        )
        table.enter(version)
    day = date(2026, 5, 1)
    return calculate(
        DECLARED[name], given, lambda one: table.find(one, "990102", day) or Text(one, one), day, "990102"
    )


def compound(households: int, status: str, persons: int | None = None) -> dict[str, Any]:
    return {"households": households, "compound_status": status, "persons": persons}


@pytest.mark.parametrize(
    ("households", "status", "area"), [(850, "new", 170), (100, "new", 20), (101, "new", "20.2"), (400, "built", 60)]
)  # fmt: skip
def test_allotted_area_by_household(households: int, status: str, area: Any) -> None:
    assert work("allotted-area", compound(households, status)).result == Decimal(str(area))


@pytest.mark.parametrize(("persons", "area"), [(500, 120), (1200, 120), (1201, "120.1"), (3000, 300)])
def test_allotted_area_by_person_has_a_least(persons: int, area: Any) -> None:
    found = work("allotted-area", compound(900, "new", persons), allotment_basis="persons")
    assert found.result == Decimal(str(area))


def test_part_hundreds_count_as_whole_where_the_authority_says_so() -> None:
    assert work("allotted-area", compound(101, "new"), allotment_part_hundreds=1).result == 40


def test_by_person_without_the_people_there_is_no_figure() -> None:
    found = work("allotted-area", compound(900, "new"), allotment_basis="persons")
    assert found.result is None
    assert [one.id for one in found.refused] == ["people_known"]


@pytest.mark.parametrize(
    ("beds", "nursing", "floor", "convert"),
    [(100, 40, 50, 10), (100, 50, 50, 0), (101, 50, 50, 1), (100, 29, 30, 1), (100, 31, 30, 0)],
)
def test_beds_to_convert(beds: int, nursing: int, floor: int, convert: int) -> None:
    given = {"all_beds": beds, "nursing_beds": nursing}
    assert work("beds-to-convert", given, nursing_bed_share_floor=floor).result == convert


def scores(**more: Any) -> dict[str, Any]:
    marks = {"environment": 80, "facilities": 80, "management": 80, "service": 80}
    return {**marks, "residents_in_care": 40, "carers_known": 10, "carers_certified": 8, **more}


def test_rating_weighs_the_panel_and_what_the_registers_know() -> None:
    # 80 × 80 weights of the panel, full marks for staffing: 4 residents per carer, 80 % with a certificate
    assert work("rating-score", scores()).result == 84
    fewer = work("rating-score", scores(carers_known=4, carers_certified=1))
    # 10 residents per carer: half marks; 25 % of 80 %: 31.25
    assert fewer.result == Decimal("72.13")


def test_the_weight_of_staffing_is_the_authoritys() -> None:
    heavy = work("rating-score", scores(), rating_weight_care_ratio=40)
    assert heavy.result == Decimal("87.69")
    assert work("rating-care-weight", {}, rating_weight_care_ratio=40).result == 50


def test_a_home_whose_carers_nobody_registered_is_not_rated() -> None:
    found = work("rating-score", scores(carers_known=0, carers_certified=0))
    assert found.result is None


@pytest.mark.parametrize(("total", "level"), [(95, 5), (90, 5), ("89.99", 4), (70, 3), (50, 1), ("49.9", 0)])
def test_level_by_its_least_score(total: Any, level: int) -> None:
    assert work("rating-level", {"total_score": Decimal(str(total))}).result == level
