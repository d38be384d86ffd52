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

__all__ = [
    "Anchor",
    "Doubt",
    "Heading",
    "MoneyFinding",
    "Reading",
    "TargetFinding",
    "TaskFinding",
    "read_plan",
]
