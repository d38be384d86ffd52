"""The figures of emergency access as dated parameters: a city sets its own, with the clause they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from kangshu.base.clock import today
from kangshu.base.parameters import ParameterTable
from kangshu.sdk import ParameterDeclaration, unverified_parameter

_SOURCE: Final = "《个人信息保护法》第十三条第一款第（四）项、第五十一条、第五十四条 (数值由运营单位设定)"


def _declared(id_: str, zh: str, en: str, value: int, unit: str) -> ParameterDeclaration:
    return unverified_parameter(f"emergency.{id_}", zh, en, value, unit, _SOURCE, since=date(2021, 11, 1))


EMERGENCY_PARAMETERS: Final = (
    _declared("minutes", "一次应急调阅的时长", "How long an emergency access lasts", 60, "min"),
    _declared("reason-length", "应急情况说明的最少字数", "Least length of the words that tell the situation", 10, "1"),
    _declared("review-days", "应急调阅的复核期限（工作日）", "An emergency access is reviewed within (working days)", 3, "d"),
    _declared("unreviewed-most", "同一账号待复核的应急调阅上限", "Most unreviewed accesses of one account", 3, "1"),
    _declared("improper-most", "统计期内允许的不当应急调阅次数", "Improper accesses that are allowed in the span", 0, "1"),
    _declared("improper-days", "不当应急调阅的统计期", "Improper accesses are counted over", 365, "d"),
)  # fmt: skip
"""What `app` declares in the table of parameters before it hands the table to `Accounts`."""


@dataclass(frozen=True, slots=True)
class EmergencyLimits:
    """The figures in force today."""

    lasts: timedelta
    reason_length: int
    """Characters."""
    review_days: int
    """Working days."""
    unreviewed_most: int
    improper_most: int
    improper_days: int


def emergency_limits(parameters: ParameterTable, jurisdiction: str) -> EmergencyLimits:
    """Return the figures in force today in `jurisdiction`; where a table lacks one, the declared value."""
    day = today()
    held = {
        one.id.removeprefix("emergency."): int(parameters.figure(one, jurisdiction, day))
        for one in EMERGENCY_PARAMETERS
    }
    return EmergencyLimits(
        lasts=timedelta(minutes=held["minutes"]),
        reason_length=held["reason-length"],
        review_days=held["review-days"],
        unreviewed_most=held["unreviewed-most"],
        improper_most=held["improper-most"],
        improper_days=held["improper-days"],
    )
