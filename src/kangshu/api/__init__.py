"""FHIR REST, operations, sign-in, and the one table from faults to HTTP."""

from kangshu.api.outcome import ANSWERS, answer_of, issues_outcome, outcome, status_of, title_of
from kangshu.api.platform import Platform, Settings

__all__ = [
    "ANSWERS",
    "Platform",
    "Settings",
    "answer_of",
    "issues_outcome",
    "outcome",
    "status_of",
    "title_of",
]
