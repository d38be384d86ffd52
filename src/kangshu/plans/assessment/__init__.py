"""考核: schemes as data, scores from frozen snapshots, and the book of both. Files other than this are the room's own."""

from kangshu.plans.assessment.book import CARRIES_ASSESSMENT, Assessments, RankedSheet, UnitSheet
from kangshu.plans.assessment.examples import example_scheme
from kangshu.plans.assessment.formulas import FORMULAS
from kangshu.plans.assessment.scheme import Scheme, SchemeItem, UnitClass, lint
from kangshu.plans.assessment.scoring import Total, ground_of, score_of
from kangshu.plans.assessment.sheets import scheme_sheets

__all__ = [
    "CARRIES_ASSESSMENT",
    "FORMULAS",
    "Assessments",
    "RankedSheet",
    "Scheme",
    "SchemeItem",
    "Total",
    "UnitClass",
    "UnitSheet",
    "example_scheme",
    "ground_of",
    "lint",
    "scheme_sheets",
    "score_of",
]
