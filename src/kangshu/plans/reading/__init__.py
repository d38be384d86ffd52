"""Reads a plan document into outline, tasks, targets, money rules and doubts. Pure: no store, no clock."""

from __future__ import annotations

from kangshu.plans.reading.instruments import INSTRUMENTS, SOFT, Instrument, instrument_of, instrument_titles
from kangshu.plans.reading.mentions import Mentions, read_mentions
from kangshu.plans.reading.model import (
    Anchor,
    Citation,
    Doubt,
    FigureKind,
    Heading,
    MoneyFinding,
    NamedFigure,
    NamedThing,
    Reading,
    TargetFinding,
    TaskFinding,
    ThingKind,
)
from kangshu.plans.reading.reader import read_plan
from kangshu.plans.reading.replies import read_reply

__all__ = [
    "INSTRUMENTS",
    "SOFT",
    "Anchor",
    "Citation",
    "Doubt",
    "FigureKind",
    "Heading",
    "Instrument",
    "Mentions",
    "MoneyFinding",
    "NamedFigure",
    "NamedThing",
    "Reading",
    "TargetFinding",
    "TaskFinding",
    "ThingKind",
    "instrument_of",
    "instrument_titles",
    "read_mentions",
    "read_plan",
    "read_reply",
]
