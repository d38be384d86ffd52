"""When and how often people are told outside the product: dated parameters of the operator."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final

from kangshu.base.clock import today
from kangshu.base.parameters import ParameterTable
from kangshu.sdk import ParameterDeclaration, unverified_parameter

_declared = partial(unverified_parameter, source="运营单位的通知管理规定（待核实）", since=date(2021, 11, 1))

GATHER_MINUTES: Final = _declared(
    "notices.gather-minutes",
    "合并通知的等待分钟数",
    "Minutes in which notices are gathered into one message",
    5,
    "min",
)
QUIET_FROM: Final = _declared(
    "notices.quiet-from", "免打扰开始时刻", "Hour from which nobody is told", 22, "h"
)
QUIET_UNTIL: Final = _declared(
    "notices.quiet-until", "免打扰结束时刻", "Hour until which nobody is told", 7, "h"
)
MOST_A_DAY: Final = _declared(
    "notices.most-a-day",
    "每人每渠道每日最多消息数",
    "Most messages to one person by one channel in a day",
    20,
    "1",
)
CODE_MINUTES: Final = _declared(
    "notices.code-minutes", "验证码有效分钟数", "Minutes for which a code is taken", 10, "min"
)
CODES_AN_HOUR: Final = _declared(
    "notices.codes-an-hour",
    "每小时最多获取验证码次数",
    "Most codes that an account asks for in an hour",
    5,
    "1",
)
PARAMETERS: Final = (GATHER_MINUTES, QUIET_FROM, QUIET_UNTIL, MOST_A_DAY, CODE_MINUTES, CODES_AN_HOUR)


class NoticeLimits:
    """The figures in force today in one jurisdiction."""

    def __init__(self, table: ParameterTable, jurisdiction: str) -> None:
        self._table, self._jurisdiction = table, jurisdiction

    def figure(self, declared: ParameterDeclaration) -> int:
        """Return the value in force today; where the table lacks one, the declared value."""
        return int(self._table.figure(declared, self._jurisdiction, today()))
