"""Reads a plan document into outline, tasks, targets, money rules and doubts. Pure: no store, no clock."""

from __future__ import annotations

from kangshu.plans.reading.model import (
    Anchor,
    Doubt,
    Heading,
    MoneyFinding,
    Reading,
    TargetFinding,
    TaskFinding,
)
from kangshu.plans.reading.reader import read_plan
from kangshu.plans.reading.replies import read_reply

__all__ = [
    "Anchor",
    "Doubt",
    "Heading",
    "MoneyFinding",
    "Reading",
    "TargetFinding",
    "TaskFinding",
    "read_plan",
    "read_reply",
]
