"""Calculations (测算): declared inputs, conditions and steps → a result that tells how it came about. Pure."""

from kangshu.calculations.evaluation import (
    Calculation,
    Found,
    TracedCondition,
    TracedStep,
    TracedValue,
    calculate,
    figures,
    names_in,
    words_in,
    written,
)
from kangshu.calculations.trace import check_calculation, kept_calculation, read_calculation

__all__ = [
    "Calculation",
    "Found",
    "TracedCondition",
    "TracedStep",
    "TracedValue",
    "calculate",
    "check_calculation",
    "figures",
    "kept_calculation",
    "names_in",
    "read_calculation",
    "words_in",
    "written",
]
