"""The figures of the audit as dated parameters: a city sets its own, with the clause they come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Final

from kangshu.base.clock import today
from kangshu.base.parameters import ParameterTable
from kangshu.sdk import ParameterDeclaration, unverified_parameter

_AUDIT: Final = "GB/T 22239-2019 8.1.4.3 安全审计 (数值由运营单位设定)"
_ANALYSIS: Final = "GB/T 22239-2019 8.1.5.4 集中管控、8.1.10.6 网络和系统安全管理 (数值由运营单位设定)"


_declared = partial(unverified_parameter, since=date(2019, 12, 1))

ANCHOR_MINUTES: Final = "audit.anchor-minutes"
MANY_RESIDENTS: Final = "audit.many-residents"
REFUSED_SERIES: Final = "audit.refused-series"
MANY_EXPORTS: Final = "audit.many-exports"
NIGHT_BEGIN: Final = "audit.night-begin"
NIGHT_END: Final = "audit.night-end"

AUDIT_PARAMETERS: Final = (
    _declared(
        ANCHOR_MINUTES, "审计锚点写出间隔", "An anchor of the audit is written every", 60, "min", _AUDIT
    ),
    _declared(
        MANY_RESIDENTS,
        "一小时内查阅居民人数异常阈值",
        "Residents seen in an hour that call for a look",
        200,
        "1",
        _ANALYSIS,
    ),
    _declared(
        REFUSED_SERIES,
        "一小时内被拒绝次数异常阈值",
        "Refusals in an hour that call for a look",
        10,
        "1",
        _ANALYSIS,
    ),
    _declared(
        MANY_EXPORTS,
        "一小时内导出次数异常阈值",
        "Exports in an hour that call for a look",
        10,
        "1",
        _ANALYSIS,
    ),
    _declared(NIGHT_BEGIN, "夜间操作起始时", "Acts by night begin at", 22, "h", _ANALYSIS),
    _declared(NIGHT_END, "夜间操作截止时", "Acts by night end at", 6, "h", _ANALYSIS),
)
"""What `app` declares in the table of parameters."""

_VALUES: Final[Mapping[str, ParameterDeclaration]] = {one.id: one for one in AUDIT_PARAMETERS}


def audit_limit(parameters: ParameterTable, id_: str, jurisdiction: str) -> int:
    """Return the figure in force today in `jurisdiction`; where a table lacks it, the declared value."""
    return int(parameters.figure(_VALUES[id_], jurisdiction, today()))
