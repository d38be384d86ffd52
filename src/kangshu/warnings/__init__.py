"""Warnings (预警): declared rules are held against the numbers and the lists; each that holds becomes a case of its own."""

from kangshu.warnings.causes import Cause, Counted, LateTarget
from kangshu.warnings.judging import Judged, Value, change, figure, judge, pace_of, peers_median
from kangshu.warnings.limits import PARAMETERS
from kangshu.warnings.warnings import RuleState, Warnings, cause_of, rule_of

__all__ = [
    "PARAMETERS",
    "Cause",
    "Counted",
    "Judged",
    "LateTarget",
    "RuleState",
    "Value",
    "Warnings",
    "cause_of",
    "change",
    "figure",
    "judge",
    "pace_of",
    "peers_median",
    "rule_of",
]
