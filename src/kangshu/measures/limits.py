"""The figures of disclosure control as dated parameters: a city sets its own, with the clause they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

from kangshu.base.clock import today
from kangshu.base.parameters import ParameterTable
from kangshu.sdk import ParameterDeclaration, unverified_parameter

_GUIDE: Final = "GB/T 37964-2019 个人信息去标识化指南（数值由数据主管部门设定，待核实）"
_EVALUATION: Final = (
    "GB/T 42460-2023 个人信息去标识化效果评估指南 附录D K匿名模型（数值由数据主管部门设定，待核实）"
)


_declared = partial(unverified_parameter, since=date(2020, 3, 1))

SMALL_CELL: Final = _declared(
    "disclosure.small-cell",
    "统计表小格阈值（小于此数不展示）",
    "Counts below this are not shown in tables",
    5,
    "1",
    _GUIDE,
)
LEAST_CLASS: Final = _declared(
    "disclosure.k", "去标识化数据K匿名的K值", "Least size of an equivalence class (k)", 5, "1", _EVALUATION
)
LEAST_VALUES: Final = _declared(
    "disclosure.l",
    "等价类中敏感属性的最少取值数（L多样性）",
    "Least number of sensitive values in a class (l)",
    2,
    "1",
    _GUIDE,
)
MOST_DISTANCE: Final = _declared(
    "disclosure.t",
    "等价类与总体的敏感属性分布最大距离（T接近，100为不限）",
    "Greatest distance of a class's sensitive values from all (t-closeness; 100 is no limit)",
    60,
    "%",
    _GUIDE,
)
MOST_LEFT_OUT: Final = _declared(
    "disclosure.left-out",
    "可抑制记录的最高比例",
    "Greatest share of rows that may be left out",
    10,
    "%",
    _GUIDE,
)
MOST_ROWS: Final = _declared(
    "disclosure.rows", "一次提取的最多记录数", "Most rows of one extract", 200_000, "1", _GUIDE
)
DATE_SHIFT: Final = _declared(
    "disclosure.date-shift", "日期随机平移的最大天数", "Greatest shift of a person's dates", 30, "d", _GUIDE
)
MARK_SHARE: Final = _declared(
    "disclosure.mark-share",
    "按领用方抽样略去的记录比例（隐形标记）",
    "Share of rows left out as the recipient's mark",
    1,
    "%",
    _GUIDE,
)
LEAST_UNITS: Final = _declared(
    "disclosure.least-units",
    "统计数中最少的调查对象个数（少于此数不展示）",
    "Least number of units in a statistical number that is shown",
    3,
    "1",
    "统计资料保密：汇总数不得推断单个统计调查对象（个数由统计机构设定，待核实）",
)
DOMINANCE: Final = _declared(
    "disclosure.dominance",
    "统计数的推断精度界限p（他人能把最大单位推断到p%以内的不展示；0为不用）",
    "p% rule: hidden where another unit could tell the largest one's figure to within p percent; 0 is off",
    10,
    "%",
    "统计资料保密：p%规则（数值由统计机构设定，待核实）",
)
CONFIDENCE: Final = _declared(
    "measures.confidence",
    "置信区间的置信水平",
    "Level of confidence limits",
    95,
    "%",
    "统计惯例（由统计主管部门设定，待核实）",
)
_FUNNEL: Final = "漏斗图通行做法（Spiegelhalter 2005；水平由统计主管部门设定，待核实）"
CONTROL_INNER: Final = _declared(
    "measures.control-inner",
    "机构比较的内控制限水平",
    "Level of the inner control limits when institutions are compared",
    95,
    "%",
    _FUNNEL,
)
CONTROL_OUTER: Final = _declared(
    "measures.control-outer",
    "机构比较的外控制限水平",
    "Level of the outer control limits when institutions are compared",
    99.8,
    "%",
    _FUNNEL,
)
PARAMETERS: Final = (
    CONFIDENCE, CONTROL_INNER, CONTROL_OUTER, SMALL_CELL, LEAST_UNITS, DOMINANCE, LEAST_CLASS, LEAST_VALUES, MOST_DISTANCE, MOST_LEFT_OUT, MOST_ROWS, DATE_SHIFT, MARK_SHARE,
)  # fmt: skip
"""What `app` declares in the table of parameters. None of the values stands in a clause: the standards leave them to
the city's data office, and the recommendation is entered and confirmed there."""


@dataclass(frozen=True, slots=True)
class Secrecy:
    """The rule of statistical secrecy in force: how many units a number has at least, and p of the p% rule."""

    least_units: int = int(LEAST_UNITS.value)
    dominance: float = float(DOMINANCE.value)


def figure(table: ParameterTable, declared: ParameterDeclaration, jurisdiction: str) -> Any:
    """Return the value in force today; where a table lacks one, the declared value."""
    return table.figure(declared, jurisdiction, today())
