"""The dated parameters of assessments. No document gives them (C25): they are the product's own suggestions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from kangshu.base.parameters import ParameterTable
from kangshu.plans.assessment.scoring import Caps
from kangshu.sdk import unverified_parameter

_SOURCE: Final = "待定：由考核主管部门在考核方案中明确"
_START: Final = date(2000, 1, 1)
ADDITIONS: Final = unverified_parameter(
    "plans.assessment-additions",
    "考核加分上限",
    "Most points of additions",
    Decimal(5),
    "point",
    _SOURCE,
    since=_START,
)
DEDUCTIONS: Final = unverified_parameter(
    "plans.assessment-deductions",
    "考核扣分上限",
    "Most points of deductions",
    Decimal(10),
    "point",
    _SOURCE,
    since=_START,
)
ASSESSMENT_PARAMETERS: Final = (ADDITIONS, DEDUCTIONS)


def caps_on(table: ParameterTable, jurisdiction: str, day: date) -> Caps:
    """Return the caps in force for this place on `day`."""
    return Caps(*(Decimal(str(table.figure(one, jurisdiction, day))) for one in ASSESSMENT_PARAMETERS))
